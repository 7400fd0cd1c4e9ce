"""One connection: a request goes out, and httptools reads the answer, whenever the event loop says that there is some."""

from __future__ import annotations

import asyncio
import math
import select
import socket
import ssl
from functools import lru_cache
from typing import Any, Protocol

from fcall.http._answer import Answer, BrokenAnswerError, HttpError

__all__ = ["Connection"]

_PIECE = 64 * 1024
_LONGEST_HEAD = 128 * 1024
_MOST_HEADERS = 200
_LATER = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Owner(Protocol):
    """Whoever keeps connections.

    Attributes:
        largest: the most bytes of a body that are taken.
    """

    largest: int

    def rest(self, connection: Connection) -> None:
        """The connection can serve the next exchange."""

    def gone(self, connection: Connection) -> None:
        """The connection is closed."""


class Connection:
    """A connected socket that never blocks, for one exchange at a time. It is used on its event loop only.

    The socket is its own, and no transport of asyncio's: so it knows whether a request has left whole, speaks TLS in
    the same way, and can be closed when its loop is closed.

    Args:
        sock: the socket, whose handshake is over.
        loop: the event loop.
        owner: whose it is.

    Attributes:
        expires_at: when the loop's clock says so, `expire` is to be called.
    """

    __slots__ = (
        *("_sock", "_loop", "_owner", "_secure", "_fd", "_poll", "_future", "expires_at", "_unsent", "_write_error"),
        *(
            "_parser",
            "_status",
            "_headers",
            "_pieces",
            "_size",
            "_head_size",
            "_complete",
            "_followed",
            "_keep",
            "_framed",
        ),
    )

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop, owner: Owner) -> None:
        self._sock, self._loop, self._owner = sock, loop, owner
        self._secure = isinstance(sock, ssl.SSLSocket)
        self._fd = sock.fileno()
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN | select.POLLPRI)
        self._future: asyncio.Future[Answer] | None = None
        self.expires_at = math.inf
        self._unsent: list[memoryview] = []
        self._parser: Any = None
        loop.add_reader(self._fd, self._on_readable)

    def is_idle(self) -> bool:
        """Whether a kept connection may be used: nobody closed it, and nothing is left over in it."""
        return self._fd >= 0 and not self._poll.poll(0)

    def begin(self, head: bytes, body: bytes, expires_at: float) -> asyncio.Future[Answer]:
        """Send a request.

        Returns:
            What the answer will be in, or the `HttpError`. Whoever no longer waits for it calls `abandon`.
        """
        self._status = self._size = self._head_size = 0
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._complete = self._followed = self._keep = False
        self._framed = True
        self._write_error: OSError | None = None
        self.expires_at = expires_at
        self._future = future = self._loop.create_future()
        if len(body) <= _PIECE:
            self._send(head + body)
        else:
            self._unsent = [memoryview(head), memoryview(body)]
            self._on_writable()
        return future

    def abandon(self, future: asyncio.Future[Answer]) -> None:
        """Nobody waits for this answer any more; unless it is there, the connection is closed."""
        if self._future is future:
            self.close()

    def expire(self) -> None:
        """The deadline has passed."""
        self._fail(TimeoutError("the time-out passed"))

    def close(self) -> None:
        """Close it. What is under way is left without an answer."""
        if self._fd < 0:
            return
        self._future = None
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self.disown()
        self._owner.gone(self)

    def disown(self) -> None:
        """Close the socket and nothing else: the event loop is closed, or another process's."""
        self._fd = -1
        self._sock.close()
        self._parser = None  # it holds on to this

    # Sending

    def _send(self, data: bytes) -> None:
        """Send what is small, most often at once."""
        try:
            sent = self._sock.send(data)
        except _LATER:
            sent = 0
        except OSError as error:
            self._cannot_send(error)
            return
        if sent < len(data):
            self._unsent = [memoryview(data)[sent:]]
            self._loop.add_writer(self._fd, self._on_writable)

    def _on_writable(self) -> None:
        """Send as much as the socket takes; the loop calls again when it takes more."""
        unsent = self._unsent
        try:
            while unsent:
                unsent[0] = unsent[0][self._sock.send(unsent[0]) :]
                if not unsent[0]:
                    del unsent[0]
        except _LATER:
            self._loop.add_writer(self._fd, self._on_writable)
        except OSError as error:
            self._loop.remove_writer(self._fd)
            self._cannot_send(error)
        else:
            self._loop.remove_writer(self._fd)

    def _cannot_send(self, error: OSError) -> None:
        """Nothing more can be sent; a server may have answered before it hung up, by the request's head alone."""
        self._write_error = error
        self._unsent = self._unsent or [memoryview(b"")]
        self._loop.call_soon(self._on_readable)

    # Receiving

    def _on_readable(self) -> None:
        if self._fd < 0:
            return
        try:
            data = self._sock.recv(_PIECE)
            while data and self._secure and self._sock.pending() and len(data) < _PIECE:  # type: ignore[attr-defined]
                data += self._sock.recv(_PIECE)
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
        try:
            if data:
                if self._parser is None:
                    self._parser = _new_parser(self)
                self._parser.feed_data(data)
            else:
                self._end()
        except Exception as error:  # noqa: BLE001 - httptools' own, or what a callback raised in it
            self._fail(_reason(error))
            return
        if self._complete:
            self._finish()
        elif not self._status:
            self._head_size += len(data)
            if self._head_size > _LONGEST_HEAD:
                self._fail(BrokenAnswerError("the answer's head is too long"))

    def _end(self) -> None:
        """The server has closed its side: the end of an answer that does not say how long it is."""
        if not self._status or self._framed:
            raise BrokenAnswerError("the connection was closed before the answer's end")
        self._complete = True

    def _finish(self) -> None:
        future, body = self._future, b"".join(self._pieces)
        largest = self._owner.largest
        cut = self._size > largest
        answer = Answer(self._status, self._headers, body[:largest], self._framed, cut, self._followed)
        self._future = self._parser = None
        self._headers, self._pieces, self.expires_at = {}, [], math.inf
        if self._keep and not (self._followed or self._unsent or cut):
            self._owner.rest(self)
        else:
            self.close()
        assert future is not None
        if not future.done():
            future.set_result(answer)

    def _fail(self, error: Exception) -> None:
        future, self._future = self._future, None
        if future is not None and not future.done():
            whole = not self._unsent
            cause = error if whole or self._write_error is None else self._write_error
            headers = self._headers if self._status else {}
            future.set_exception(HttpError("answering" if whole else "sending", cause, self._status, headers))
        self.close()

    # What httptools calls

    def on_message_begin(self) -> None:
        self._followed = self._complete

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._status:  # a trailer
            return
        headers, key, text = self._headers, _lower(name), value.decode("latin-1").strip(" \t")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
        if len(headers) > _MOST_HEADERS:
            raise BrokenAnswerError("the answer has too many headers")

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self._headers = {}
        if status < 100 or status == 101 or self._parser.get_http_version() not in ("1.1", "1.0"):
            raise BrokenAnswerError("the answer speaks another protocol")
        if status >= 200:
            self._status = status
            coding = self._headers.get("transfer-encoding")
            if coding is not None and (coding.lower() != "chunked" or "content-length" in self._headers):
                raise BrokenAnswerError("the answer's length is said in two ways")
            self._framed = coding is not None or "content-length" in self._headers or status in (204, 304)

    def on_body(self, data: bytes) -> None:
        if self._complete:
            return
        self._pieces.append(data)
        self._size += len(data)
        if self._size > self._owner.largest:
            self._complete = True

    def on_message_complete(self) -> None:
        if self._status and not self._complete:
            self._keep = self._parser.should_keep_alive()
            self._complete = True


def _new_parser(connection: Connection) -> Any:
    from httptools import HttpResponseParser

    return HttpResponseParser(connection)


@lru_cache(maxsize=256)  # a service's answers have the same few headers, call after call
def _lower(name: bytes) -> str:
    return name.decode("ascii").lower()


def _reason(error: Exception) -> Exception:
    """What is wrong with the answer: what a callback raised, or httptools' own words, which repeat nothing of it."""
    cause = error if isinstance(error, BrokenAnswerError) else error.__context__ or error.__cause__
    return cause if isinstance(cause, BrokenAnswerError) else BrokenAnswerError("the answer is not HTTP/1.1")
