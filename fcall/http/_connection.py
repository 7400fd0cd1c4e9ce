"""One connection: a request goes out, and the answer is read as it comes."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from contextvars import Context
from typing import TYPE_CHECKING, Any

from fcall.http._answer import Answer, BrokenAnswerError, HttpError, MalformedAnswerError, Stage
from fcall.http._reading import Reading

if TYPE_CHECKING:
    from fcall.http._pool import Share

__all__ = ["Connection", "Exchange"]

_PIECE = 64 * 1024
"""More than a record of TLS has, so that none of what is deciphered stays behind when the socket is empty."""
_LATER = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Exchange(asyncio.Future[Answer]):
    """A request that went out, and its answer to come, or the `HttpError`. Cancelling it closes its connection."""

    __slots__ = ("connection",)
    connection: Connection

    def cancel(self, msg: Any = None) -> bool:
        cancelled = super().cancel(msg)
        if cancelled:
            self.connection.close()
        return cancelled


class Connection:
    """A connected socket that never blocks, for one exchange at a time. It is used on its event loop only.

    The socket is its own, and no transport of asyncio's: so it knows whether a request has left whole, speaks TLS in
    the same way, and can be closed when its loop is closed. What the loop keeps for it is run in a context of its own,
    since it outlives the call that it was made for, whose variables it must not keep alive.

    Args:
        sock: the socket, whose handshake is over.
        loop: the event loop.
        owner: whose it is.
    """

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop, owner: Share) -> None:
        self._sock, self._loop, self._owner = sock, loop, owner
        self._fd = sock.fileno()
        self._exchange: Exchange | None = None
        self._expires_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._reading: Reading | None = None
        self._unsent: list[bytes | memoryview] = []
        self._write_error: OSError | None = None
        Context().run(loop.add_reader, self._fd, self._on_readable)

    def is_idle(self) -> bool:
        """Whether a kept connection may be used: nobody closed it, and nothing is left over in it."""
        if self._fd < 0:
            return False
        poll = select.poll()  # the event loop may have had no time to hear of it
        poll.register(self._fd, select.POLLIN | select.POLLPRI)
        return not poll.poll(0)

    def begin(self, head: bytes, body: bytes, seconds: float) -> Exchange:
        """Send a request, whose answer has to be there within so many seconds.

        It has a place of the owner's, and gives it back when the exchange is over.
        """
        self._exchange = exchange = Exchange(loop=self._loop)
        try:
            exchange.connection = self
            self._expires_at = self._loop.time() + seconds
            if self._timer is None or self._timer.when() > self._expires_at:
                self._set_timer()
            self._unsent += [head + body] if len(body) <= _PIECE else [head, body]
            self._send()
        except BaseException:
            self.close()
            raise
        return exchange

    def close(self) -> None:
        """Close it. What is under way is left without an answer."""
        if self._fd < 0:
            return
        if not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
        if self._timer is not None:
            self._timer.cancel()
        self.disown()
        self._owner.gone(self)
        self._end()

    def disown(self) -> None:
        """Close the socket and nothing else: the event loop is closed, or another process's."""
        self._fd = -1
        self._sock.close()
        self._reading = None

    def _set_timer(self) -> None:
        """Have one timer for exchange after exchange, which looks when it fires whose turn it is."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._expires_at, self._on_time, self._expires_at, context=Context())

    def _on_time(self, meant: float) -> None:
        self._timer = None
        if self._exchange is not None and self._expires_at > meant:
            self._set_timer()
        elif self._exchange is not None:
            self._fail(TimeoutError("the time-out passed"))

    def _send(self, again: bool = False) -> None:
        """Send as much as the socket takes, most often all; the loop calls again when it takes more."""
        unsent = self._unsent
        try:
            while unsent:
                sent = self._sock.send(unsent[0])
                unsent[:1] = [memoryview(unsent[0])[sent:]] if sent < len(unsent[0]) else []
        except _LATER:
            self._loop.add_writer(self._fd, self._send, True)
            return
        except OSError as error:  # the server may have answered before it hung up, by the request's head alone
            self._write_error = error
            self._loop.call_soon(self._on_readable)
        if again:
            self._loop.remove_writer(self._fd)

    def _on_readable(self) -> None:
        if self._fd < 0:
            return
        try:
            data = self._sock.recv(_PIECE)
        except _LATER:
            if self._write_error is not None:  # nothing came before it hung up
                self._fail(self._write_error)
        except OSError as error:
            self._fail(error)
        else:
            self._received(data)

    def _received(self, data: bytes) -> None:
        if self._exchange is None:  # the server closed a kept connection, or says what nobody asked for
            self.close()
            return
        reading = self._reading = self._reading or Reading(self._owner.largest)
        try:
            reading.feed(data)
        except (BrokenAnswerError, MalformedAnswerError) as error:
            self._fail(error)
        else:
            if reading.complete:
                self._finish(self._exchange, reading)

    def _finish(self, exchange: Exchange, reading: Reading) -> None:
        self._reading = None
        answer = reading.answer()
        exchange.set_result(answer)
        if reading.keep and not (answer.followed or self._unsent):
            self._owner.rest(self)
            self._end()
        else:
            self.close()

    def _fail(self, error: Exception) -> None:
        exchange, reading = self._exchange, self._reading
        if exchange is not None:
            status, headers = (reading.status, reading.headers) if reading is not None else (0, {})
            stage: Stage = "sending" if self._unsent else "answering"
            cause = self._write_error or error  # of the two, what came first
            exchange.set_exception(HttpError(stage, cause, status, headers if status else {}))
        self.close()

    def _end(self) -> None:
        """The exchange is over, if there is one."""
        if self._exchange is not None:
            self._exchange = None
            self._owner.leave()
