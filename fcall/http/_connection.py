"""One connection: a request goes out, and the answer is read as it comes."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from typing import TYPE_CHECKING

from fcall.http._answer import Answer, BrokenAnswerError, HttpError, MalformedAnswerError, Stage
from fcall.http._reading import Reading

if TYPE_CHECKING:
    from fcall.http._pool import Share

__all__ = ["Connection"]

_PIECE = 64 * 1024
"""More than a record of TLS has, so that none of what is deciphered stays behind when the socket is empty."""
_LATER = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Connection:
    """A connected socket that never blocks, for one exchange at a time. It is used on its event loop only.

    The socket is its own, and no transport of asyncio's: so it knows whether a request has left whole, speaks TLS in
    the same way, and can be closed when its loop is closed.

    Args:
        sock: the socket, whose handshake is over.
        loop: the event loop.
        owner: whose it is.
    """

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop, owner: Share) -> None:
        self._sock, self._loop, self._owner = sock, loop, owner
        self._fd = sock.fileno()
        self._future: asyncio.Future[Answer] | None = None
        self._reading: Reading | None = None
        self._write_error: OSError | None = None
        loop.add_reader(self._fd, self._on_readable)

    def is_idle(self) -> bool:
        """Whether a kept connection may be used: nobody closed it, and nothing is left over in it."""
        if self._fd < 0:
            return False
        poll = select.poll()  # the event loop may have had no time to hear of it
        poll.register(self._fd, select.POLLIN | select.POLLPRI)
        return not poll.poll(0)

    def begin(self, head: bytes, body: bytes) -> asyncio.Future[Answer]:
        """Send a request.

        Returns:
            What the answer will be in, or the `HttpError`. Whoever no longer waits for it calls `abandon`.
        """
        self._unsent: list[bytes | memoryview] = [head + body] if len(body) <= _PIECE else [head, body]
        self._future = future = self._loop.create_future()
        self._send()
        return future

    def abandon(self, future: asyncio.Future[Answer]) -> None:
        """Nobody waits for this answer any more; unless it is there, the connection is closed."""
        if self._future is future:
            self.close()

    def expire(self, future: asyncio.Future[Answer]) -> None:
        """The time for this answer has passed."""
        if self._future is future:
            self._fail(TimeoutError("the time-out passed"))

    def close(self) -> None:
        """Close it. What is under way is left without an answer."""
        if self._fd < 0:
            return
        self._future = None
        if not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
        self.disown()
        self._owner.gone(self)

    def disown(self) -> None:
        """Close the socket and nothing else: the event loop is closed, or another process's."""
        self._fd = -1
        self._sock.close()
        self._reading = None

    def _send(self, again: bool = False) -> None:
        """Send as much as the socket takes, most often all; the loop calls again when it takes more."""
        unsent = self._unsent
        try:
            while unsent:
                rest = memoryview(unsent[0])[self._sock.send(unsent[0]) :]
                unsent[:1] = [rest] if rest else []
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
        if self._future is None:  # the server closed a kept connection, or says what nobody asked for
            self.close()
            return
        reading = self._reading = self._reading or Reading(self._owner.largest)
        try:
            reading.feed(data)
        except (BrokenAnswerError, MalformedAnswerError) as error:
            self._fail(error)
        else:
            if reading.complete:
                self._finish(self._future, reading)

    def _finish(self, future: asyncio.Future[Answer], reading: Reading) -> None:
        self._future = self._reading = None
        answer = reading.answer()
        if reading.keep and not (answer.followed or self._unsent):
            self._owner.rest(self)
        else:
            self.close()
        if not future.done():
            future.set_result(answer)

    def _fail(self, error: Exception) -> None:
        future, reading = self._future, self._reading
        if future is not None and not future.done():
            status, headers = (reading.status, reading.headers) if reading is not None else (0, {})
            stage: Stage = "sending" if self._unsent else "answering"
            cause = self._write_error or error  # of the two, what came first
            future.set_exception(HttpError(stage, cause, status, headers if status else {}))
        self.close()
