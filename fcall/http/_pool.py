"""Connections to one endpoint: on each event loop as many as there may be calls under way, and never one more."""

from __future__ import annotations

import asyncio
import contextlib
import math
import ssl
import threading
import weakref
from collections import deque

from fcall._deadline import Deadline
from fcall._fork import forget_in_child
from fcall.errors import ClientClosedError
from fcall.http._answer import Answer, HttpError
from fcall.http._connection import Connection
from fcall.http._dialer import Dialer

__all__ = ["Pool", "Share"]


class Pool:
    """Connections to one endpoint. It may be used from several event loops, and after a fork.

    Args:
        host: a name or an address.
        port: the port.
        size: how many connections each event loop has at most; more attempts wait for one.
        context: how TLS is spoken, or None for plain HTTP.
        largest: the most bytes of a body that are taken.
    """

    def __init__(
        self, host: str, port: int, size: int, context: ssl.SSLContext | None = None, largest: int = 32 * 1024 * 1024
    ) -> None:
        self._endpoint = (host, port, context)
        self._size, self._largest = size, largest
        self._lock = threading.Lock()
        self._shares: dict[asyncio.AbstractEventLoop, Share] = {}
        self._closed = False
        weakref.finalize(self, _close, self._shares)  # where nobody closes it
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """Begin anew: the lock may be held, and event loops and connections are the parent's."""
        self._lock = threading.Lock()
        for share in self._shares.values():
            share.disown()
        self._shares.clear()

    async def exchange(self, head: bytes, body: bytes, deadline: Deadline) -> Answer:
        """Make one attempt.

        Args:
            head: the request line and the headers, which say how long the body is, and the empty line.
            body: what follows.
            deadline: when all of it has to be over.

        Raises:
            HttpError: there is no answer; it says how far the attempt got.
            ClientClosedError: the pool is closed.
        """
        share = self._shares.get(asyncio.get_running_loop()) or self._share()
        connection = share.idle() or await share.take(deadline)
        answer = connection.begin(head, body, share.watched(deadline))
        del head, body
        try:
            return await answer
        except BaseException:
            connection.abandon(answer)
            raise

    def close(self) -> None:
        """Close the connections, on any thread. Attempts that are under way come to their end first."""
        with self._lock:
            self._closed = True
            _close(self._shares)

    def _share(self) -> Share:
        """The running event loop's connections. Those of loops that have ended are closed."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._closed:
                raise ClientClosedError("the provider is closed; make a new client")
            _close({ended: self._shares.pop(ended) for ended in list(self._shares) if ended.is_closed()})
            return self._shares.setdefault(loop, Share(Dialer(loop, *self._endpoint), loop, self._size, self._largest))


def _close(shares: dict[asyncio.AbstractEventLoop, Share]) -> None:
    while shares:
        loop, share = shares.popitem()
        with contextlib.suppress(RuntimeError):  # it is closed, perhaps only just now
            loop.call_soon_threadsafe(share.close)
            continue
        share.disown()


class Share:
    """The connections of one event loop. The one that was used last is used next."""

    def __init__(self, dialer: Dialer, loop: asyncio.AbstractEventLoop, size: int, largest: int) -> None:
        self._dialer, self._loop, self._free, self.largest = dialer, loop, size, largest
        self._made: set[Connection] = set()
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._closed = False
        self._watch: asyncio.TimerHandle | None = None

    def idle(self) -> Connection | None:
        """A kept connection that nobody uses."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_idle():
                return connection
            connection.close()
        return None

    async def take(self, deadline: Deadline) -> Connection:
        """A new connection, or one that somebody gives back."""
        while not self._free:
            given = await self._wait(deadline)
            if given is None:
                break
            if given.is_idle():
                return given
            given.close()
        else:
            self._free -= 1
        try:
            sock = await self._dialer.connected(deadline)
        except BaseException:
            self._leave()
            raise
        connection = Connection(sock, self._loop, self)
        self._made.add(connection)
        return connection

    def watched(self, deadline: Deadline) -> float:
        """The deadline on the loop's clock. One timer serves all connections: it is set to the earliest deadline."""
        expires_at = self._loop.time() + deadline.remaining()
        if self._watch is None or expires_at < self._watch.when():
            self._look_at(expires_at)
        return expires_at

    def rest(self, connection: Connection) -> None:
        """A connection has nothing to do."""
        if self._closed:
            connection.close()
        elif not self._hand(connection):
            self._idle.append(connection)

    def gone(self, connection: Connection) -> None:
        """A connection is closed."""
        self._made.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._leave()

    def close(self) -> None:
        """Close what nobody uses, let nobody wait, and close the others when they are given back."""
        self._closed = True
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(ClientClosedError("the provider was closed; make a new client"))
        for connection in self._idle[:]:
            connection.close()
        self._look()

    def disown(self) -> None:
        """Close the sockets and nothing else: the event loop is closed, or another process's."""
        for connection in self._made:
            connection.disown()

    def _look(self) -> None:
        """End what has lasted too long, and look again when the next one may have."""
        now = self._loop.time()
        for connection in [each for each in self._made if each.expires_at <= now]:
            connection.expire()
        self._look_at(min((each.expires_at for each in self._made), default=math.inf))

    def _look_at(self, moment: float) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = None if moment == math.inf else self._loop.call_at(moment, self._look)

    async def _wait(self, deadline: Deadline) -> Connection | None:
        """A connection that is given back, or the place of one that is gone."""
        waiting: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiting.append(waiting)
        timer = self._loop.call_later(deadline.remaining(), _give_up, waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                given = waiting.result()
                self._leave() if given is None else self.rest(given)
            raise
        finally:
            timer.cancel()

    def _leave(self) -> None:
        """A place is free."""
        if not self._hand(None):
            self._free += 1

    def _hand(self, given: Connection | None) -> bool:
        """Give it to whoever has waited longest."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(given)
                return True
        return False


def _give_up(waiting: asyncio.Future[Connection | None]) -> None:
    if not waiting.done():
        waiting.set_exception(HttpError("waiting", TimeoutError("the time-out passed")))
