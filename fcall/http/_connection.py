"""One connection: a request goes out, and httptools reads the answer as it comes."""

from __future__ import annotations

import asyncio
import math
import select
import socket
import ssl
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fcall.http._answer import Answer, BrokenAnswerError, HttpError, MalformedAnswerError

if TYPE_CHECKING:
    from fcall.http._pool import Share

__all__ = ["Connection"]

_PIECE = 64 * 1024
_LONGEST_HEAD = 128 * 1024
_MOST_HEADERS = 200
_LATER = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


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

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop, owner: Share) -> None:
        self._sock, self._loop, self._owner = sock, loop, owner
        self._secure = isinstance(sock, ssl.SSLSocket)
        self._fd = sock.fileno()
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN | select.POLLPRI)
        self._future: asyncio.Future[Answer] | None = None
        self.expires_at = math.inf
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
        self._complete = self._followed = self._keep = self._stuck = False
        self._framed = True
        self._write_error: OSError | None = None
        self.expires_at = expires_at
        self._future = future = self._loop.create_future()
        self._unsent: list[bytes | memoryview] = [head + body] if len(body) <= _PIECE else [head, body]
        self._send()
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

    def _send(self) -> None:
        """Send as much as the socket takes, most often all; the loop calls again when it takes more."""
        unsent = self._unsent
        try:
            while unsent:
                rest = memoryview(unsent[0])[self._sock.send(unsent[0]) :]
                unsent[:1] = [rest] if rest else []
        except _LATER:
            self._loop.add_writer(self._fd, self._send)
            self._stuck = True
        except OSError as error:  # the server may have answered before it hung up, by the request's head alone
            self._loop.remove_writer(self._fd)
            self._write_error = error
            self._loop.call_soon(self._on_readable)
        else:
            if self._stuck:
                self._loop.remove_writer(self._fd)

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
                self._fail(MalformedAnswerError("the answer's head is too long"))

    def _end(self) -> None:
        """The server has closed its side: the end of an answer that does not say how long it is."""
        if not self._status or self._framed:
            raise BrokenAnswerError("the connection was closed before the answer's end")
        self._complete = True

    def _finish(self) -> None:
        future, body, cut = self._future, b"".join(self._pieces), self._size > self._owner.largest
        body = body[: self._owner.largest] if cut else body
        answer = Answer(self._status, self._headers, body, self._framed, cut, self._followed)
        self._future = self._parser = None
        self._headers, self._pieces, self.expires_at = {}, [], math.inf
        if self._keep and not (self._followed or self._unsent or cut):
            self._owner.rest(self)
        else:
            self.close()
        if future is not None and not future.done():
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
            raise MalformedAnswerError("the answer has too many headers")

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self._headers = {}
        if not 100 <= status < 600 or status == 101 or self._parser.get_http_version() not in ("1.1", "1.0"):
            raise MalformedAnswerError("the answer speaks another protocol")
        if status >= 200:
            self._status = status
            coding = self._headers.get("transfer-encoding")
            if coding is not None and (coding.lower() != "chunked" or "content-length" in self._headers):
                raise MalformedAnswerError("the answer's length is said in two ways")
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
    """What is wrong with an answer: what `_end` or a callback raised, or that httptools cannot read it."""
    cause = error if isinstance(error, BrokenAnswerError) else error.__context__
    if isinstance(cause, BrokenAnswerError | MalformedAnswerError):
        return cause
    return MalformedAnswerError("the answer is not HTTP/1.1")
