"""Connections to one endpoint: on each event loop as many as there may be calls under way, and never one more."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import weakref

from fcall._deadline import Deadline
from fcall._fork import forget_in_child
from fcall.errors import ClientClosedError
from fcall.http._answer import Answer, HttpError
from fcall.http._connection import Connection, Exchange
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
        self, host: str, port: int, size: int, context: ssl.SSLContext | None = None, largest: int = 1 << 25
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

    async def begin(self, head: bytes, body: bytes, deadline: Deadline) -> asyncio.Future[Answer]:
        """Begin one attempt, as soon as there is a connection for it.

        Args:
            head: the request line and the headers, which say how long the body is, and the empty line.
            body: what follows.
            deadline: when all of it has to be over.

        Returns:
            The answer to come. Cancelling it closes its connection.

        Raises:
            HttpError: there is no connection; it says how far the attempt got. So does the future.
            ClientClosedError: the pool is closed.
        """
        loop = asyncio.get_running_loop()
        share = self._shares.get(loop) or self._share(loop)
        return await share.begin(head, body, deadline)

    async def exchange(self, head: bytes, body: bytes, deadline: Deadline) -> Answer:
        """Make one attempt: `begin` it, and await its answer.

        Raises:
            HttpError, ClientClosedError: as with `begin`.
        """
        return await (await self.begin(head, body, deadline))

    def close(self) -> None:
        """Close the connections, on any thread. Attempts that are under way come to their end first."""
        with self._lock:
            self._closed = True
            _close(self._shares)

    def _share(self, loop: asyncio.AbstractEventLoop) -> Share:
        """An event loop's connections. Those of loops that have ended are closed."""
        with self._lock:
            if self._closed:
                raise ClientClosedError("the provider is closed; make a new client")
            _close({ended: self._shares.pop(ended) for ended in list(self._shares) if ended.is_closed()})
            return self._shares.setdefault(loop, Share(loop, Dialer(loop, *self._endpoint), self._size, self._largest))


def _close(shares: dict[asyncio.AbstractEventLoop, Share]) -> None:
    while shares:
        loop, share = shares.popitem()
        with contextlib.suppress(RuntimeError):  # it is closed, perhaps only just now
            loop.call_soon_threadsafe(share.close)
            continue
        share.disown()


class Share:
    """The connections of one event loop. The one that was used last is used next.

    An attempt has a place and at most one connection; a new one is made only where none is idle. So there are never
    more connections than places.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, dialer: Dialer, size: int, largest: int) -> None:
        self._loop, self._dialer, self.largest = loop, dialer, largest
        self._places = asyncio.Semaphore(size)
        self._made: set[Connection] = set()
        self._idle: list[Connection] = []
        self._closed = False

    async def begin(self, head: bytes, body: bytes, deadline: Deadline) -> Exchange:
        """Send a request on a kept connection that nobody uses, or else on a new one."""
        await self._enter(deadline)
        try:
            connection = self._kept() or await self._new(deadline)
        except BaseException:
            self.leave()
            raise
        return connection.begin(head, body, deadline.remaining())

    def leave(self) -> None:
        """Give a place to whoever has waited longest."""
        self._places.release()

    async def _enter(self, deadline: Deadline) -> None:
        """Have a place, or wait for one."""
        if not self._places.locked():
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(deadline.remaining()):
                await self._places.acquire()
        except TimeoutError as error:
            raise HttpError("waiting", error) from error
        if self._closed:
            self.leave()
            raise ClientClosedError("the provider was closed; make a new client")

    def _kept(self) -> Connection | None:
        while self._idle:
            if (connection := self._idle.pop()).is_idle():
                return connection
            connection.close()
        return None

    async def _new(self, deadline: Deadline) -> Connection:
        connection = Connection(await self._dialer.connected(deadline), self._loop, self)
        self._made.add(connection)
        return connection

    def rest(self, connection: Connection) -> None:
        """A connection has nothing to do."""
        if self._closed:
            connection.close()
        else:
            self._idle.append(connection)

    def gone(self, connection: Connection) -> None:
        """A connection is closed."""
        self._made.discard(connection)

    def close(self) -> None:
        """Close what nobody uses, let nobody wait, and close the others when they are given back."""
        self._closed = True
        self._places.release()  # whoever waits longest is told, leaves, and so tells the next
        for connection in self._idle:
            connection.close()

    def disown(self) -> None:
        """Close the sockets and nothing else: the event loop is closed, or another process's."""
        for connection in self._made:
            connection.disown()
