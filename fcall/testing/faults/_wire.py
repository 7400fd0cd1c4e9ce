"""Reading requests from a connection."""

from __future__ import annotations

from fcall.testing.faults._connection import Connection
from fcall.testing.faults._request import Headers, Request

__all__ = ["Malformed", "read_body", "read_head"]

_HEAD_LIMIT = 1 << 20  # bytes
_LINE_LIMIT = 1 << 12


class Malformed(Exception):  # noqa: N818 - said of a request
    """This is no request of HTTP/1."""


def read_head(connection: Connection) -> Request:
    """The head of a request; its body is still to come.

    Raises:
        Malformed: there is none.
    """
    head = connection.read_until(b"\r\n\r\n", _HEAD_LIMIT)
    if head is None:
        raise Malformed
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    target, _, version = rest.partition(" ")
    if not target or version not in {"HTTP/1.0", "HTTP/1.1"}:
        raise Malformed
    pairs = [_field(line) for line in lines]
    if version == "HTTP/1.0":
        pairs.append(("Connection", "close"))
    return Request(method, target, Headers(pairs))


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name or name != name.strip():
        raise Malformed
    return name, value.strip(" \t")


def read_body(connection: Connection, head: Request) -> bytes:
    """The body that belongs to a head.

    Raises:
        Malformed: its framing is broken.
    """
    headers = head.headers
    if "100-continue" in headers.get("Expect", "").lower() and not connection.pending:
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = headers.get("Content-Length")
    if "Transfer-Encoding" not in headers:
        return connection.read(_number(length, 10)) if length is not None else b""
    if length is not None or headers["Transfer-Encoding"].lower() != "chunked":
        raise Malformed
    return b"".join(_chunks(connection))


def _chunks(connection: Connection) -> list[bytes]:
    chunks = []
    while size := _number(_line(connection).partition(";")[0].strip(), 16):
        chunks.append(connection.read(size))
        if connection.read(2) != b"\r\n":
            raise Malformed
    while _line(connection):
        pass  # trailers
    return chunks


def _line(connection: Connection) -> str:
    line = connection.read_until(b"\r\n", _LINE_LIMIT)
    if line is None:
        raise Malformed
    return line[:-2].decode("latin-1")


def _number(text: str, base: int) -> int:
    if not text.isalnum():  # int() would take signs, blanks and underscores
        raise Malformed
    try:
        return int(text, base)
    except ValueError as error:
        raise Malformed from error
