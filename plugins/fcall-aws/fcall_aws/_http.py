"""One HTTP/1.1 exchange on a socket, every wait of it within one deadline. It reads strictly: what is odd is an error.

The standard library's client waits anew for each read, and hands headers to the parser for e-mail, which takes most of
a small call's time.
"""

from __future__ import annotations

import io
import re
import select
import socket
from collections.abc import Callable, Iterator
from typing import Any

from fcall.provider import Deadline

__all__ = ["BrokenAnswerError", "Exchange", "IncompleteRequestError", "is_idle"]

_LONGEST_LINE = 64 * 1024
_MOST_HEADERS = 200
_LONGEST_BODY = 32 * 1024 * 1024
_SMALL = 64 * 1024
_PIECE = 64 * 1024

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\r\n]*)?\r\n")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*\r\n")
_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")


class IncompleteRequestError(ConnectionError):
    """The request did not leave whole, so nobody can have acted on it."""


class BrokenAnswerError(ConnectionError):
    """What came is no HTTP answer, or not a whole one."""


class _Arrivals(io.RawIOBase):
    """What arrives on a socket, each piece of it waited for within the deadline."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._socket = connection
        self.deadline = deadline
        self.over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for bytes; none where the connection was closed, or where nothing more is wanted."""
        if self.over:
            return 0
        self.wait()
        return self._socket.recv_into(buffer)

    def wait(self) -> None:
        """Let the next step on the socket take as long as is left."""
        left = self.deadline.remaining()
        if left <= 0:
            raise TimeoutError("the time-out passed")
        self._socket.settimeout(left)


class Exchange:
    """One request and its answer.

    Args:
        connection: a connected socket; whoever made it closes it.
        deadline: when all of it has to be over.

    Attributes:
        status: the answer's status, once its head was read.
        headers: the answer's headers, their names in lower case, once its head was read.
        reusable: the answer was read to its end, and the connection may serve another one.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._socket = connection
        self._arrivals = _Arrivals(connection, deadline)
        self._reader = io.BufferedReader(self._arrivals, _PIECE)
        self._old = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.reusable = False

    def send(self, head: bytes, body: bytes) -> None:
        """Send a request.

        Raises:
            IncompleteRequestError: it did not leave whole, and there is no answer that says why.
        """
        try:
            for piece in (head + body,) if len(body) <= _SMALL else (head, body):
                self._arrivals.wait()
                self._socket.sendall(piece)
        except OSError as error:
            if not self._refused_early():
                raise IncompleteRequestError("the request did not leave whole") from error

    def read_head(self) -> None:
        """Read the status and the headers; those of interim answers are skipped.

        Raises:
            TimeoutError: the deadline passed.
            OSError: the connection broke off, or what came is no answer.
        """
        while not self.status:
            found = _STATUS_LINE.fullmatch(self._line())
            if found is None:
                raise BrokenAnswerError("the answer is not HTTP/1.1")
            headers = self._header_lines()
            status = int(found[2])
            if status == 101:
                raise BrokenAnswerError("the answer speaks another protocol")
            if status >= 200:
                self._old = found[1] == b"0"
                self.headers = headers
                self.status = status

    def body(self) -> Iterator[bytes]:
        """The answer's body in pieces.

        Raises:
            TimeoutError, OSError: as with `read_head`.
        """
        if self.status in (204, 304):
            return self._end()
        if "transfer-encoding" in self.headers:
            yield from self._chunks()
        elif "content-length" in self.headers:
            yield from self._pieces(self._length())
        else:
            while piece := self._reader.read1(_PIECE):
                yield piece
            return None
        self._end()

    def whole_body(self) -> bytes:
        """The answer's body.

        Raises:
            TimeoutError, OSError: as with `read_head`.
        """
        if self.status != 204 and "content-length" in self.headers and "transfer-encoding" not in self.headers:
            body = self._exactly(self._length())
            self._end()
            return body
        pieces, size = [], 0
        for piece in self.body():
            pieces.append(piece)
            size += len(piece)
            _check_size(size)
        return b"".join(pieces)

    def limit(self, deadline: Deadline) -> None:
        """Wait until this moment at most from here on."""
        self._arrivals.deadline = deadline

    def _refused_early(self) -> bool:
        """Whether the server answered before it hung up: it may refuse a request by its head."""
        if not _is_readable(self._socket):
            return False
        deadline = self._arrivals.deadline
        self.limit(Deadline.after(min(1, deadline.remaining()), deadline.clock))
        try:
            self.read_head()
        except OSError:
            return False
        return True

    def _line(self) -> bytes:
        line = self._reader.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise BrokenAnswerError("the connection was closed before the answer's end, or a line of it has none")
        return line

    def _header_lines(self) -> dict[str, str]:
        lines = []
        while (line := self._line()) != b"\r\n":
            lines.append(line)
            if len(lines) > _MOST_HEADERS:
                raise BrokenAnswerError("the answer has too many headers")
        return _read_headers(lines)

    def _length(self) -> int:
        said = self.headers["content-length"]
        if not (said.isascii() and said.isdigit() and len(said) <= 12):
            raise BrokenAnswerError("the answer's length is no number")
        return int(said)

    def _exactly(self, size: int) -> bytes:
        _check_size(size)
        data = self._reader.read(size)
        if len(data) < size:
            raise BrokenAnswerError("the connection was closed before the answer's end")
        return data

    def _pieces(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self._reader.read1(min(size, _PIECE))
            if not piece:
                raise BrokenAnswerError("the connection was closed before the answer's end")
            size -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        if self.headers["transfer-encoding"].lower() != "chunked" or "content-length" in self.headers:
            raise BrokenAnswerError("the answer's length is said in two ways")
        size = -1
        while size:
            found = _SIZE.fullmatch(self._line())
            if found is None:
                raise BrokenAnswerError("a chunk has no size")
            size = int(found[1], 16)
            yield from self._pieces(size)
            if size and self._line() != b"\r\n":
                raise BrokenAnswerError("a chunk is longer than it says")
        self._header_lines()  # trailers

    def _end(self) -> None:
        self._arrivals.over = True
        if self._reader.peek(1):
            raise BrokenAnswerError("there is more than the answer")
        closes = self.headers.get("connection", "").lower()
        self.reusable = closes != "close" and (not self._old or closes == "keep-alive")


def _check_size(size: int) -> None:
    if size > _LONGEST_BODY:
        raise BrokenAnswerError("the answer is longer than any of Lambda's")


def _read_headers(lines: list[bytes]) -> dict[str, str]:
    """Headers by name in lower case; one that comes twice is joined, but of lengths there can be only one."""
    headers: dict[str, str] = {}
    for line in lines:
        found = _HEADER.fullmatch(line)
        if found is None:
            raise BrokenAnswerError("the answer has a line that is no header")
        name, value = found[1].decode().lower(), found[2].decode("latin-1")
        if name not in headers:
            headers[name] = value
        elif name != "content-length":
            headers[name] += f", {value}"
        elif headers[name] != value:
            raise BrokenAnswerError("the answer has two lengths")
    return headers


def is_idle(connection: socket.socket) -> bool:
    """Whether a kept connection may be used: nobody closed it, and nothing is left over in it."""
    return not _is_readable(connection)


def _readable_by_poll(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN | select.POLLPRI)
    return bool(poll.poll(0))


def _readable_by_select(connection: socket.socket) -> bool:
    return bool(select.select([connection], [], [], 0)[0])


_is_readable: Callable[[socket.socket], bool] = _readable_by_poll if hasattr(select, "poll") else _readable_by_select
