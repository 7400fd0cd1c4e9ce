"""What faults send: functions from the healthy answer to pieces of bytes. Each of them can be pickled."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial

from fcall.testing.faults._response import Response

__all__ = ["Send"]

Send = Callable[[Response], Iterable[bytes]]

_SHORT = 16  # bytes that are promised and never come
_HUGE_HEADER = 256 * 1024
_MANY_HEADERS = 5_000
_BIG_BODY = 32 * 1024 * 1024
_BLOCK = b" " * 65_536


def nothing(response: Response) -> Iterable[bytes]:
    """Not a byte."""
    return ()


def healthy(response: Response) -> Iterable[bytes]:
    """The answer as it should be."""
    return response.wire()


def fixed(data: bytes) -> Send:
    """These bytes, whatever the answer."""
    return partial(_fixed, data)


def _fixed(data: bytes, response: Response) -> Iterable[bytes]:
    return (data,)


def canned(response: Response) -> Send:
    """This answer instead."""
    return partial(_canned, response)


def _canned(response: Response, healthy: Response) -> Iterable[bytes]:
    return response.wire()


def before(data: bytes) -> Send:
    """These bytes, then the answer."""
    return partial(_before, data)


def _before(data: bytes, response: Response) -> Iterable[bytes]:
    return itertools.chain((data,), response.wire())


def after(data: bytes) -> Send:
    """The answer, and later these bytes."""
    return partial(_after, data)


def _after(data: bytes, response: Response) -> Iterable[bytes]:
    return (b"".join(response.wire()), data)


def endless(data: bytes) -> Send:
    """These bytes over and over."""
    return partial(_endless, data)


def _endless(data: bytes, response: Response) -> Iterable[bytes]:
    return itertools.repeat(data)


def pause(response: Response) -> Iterable[bytes]:
    """Nothing, after a while."""
    return (b"", b"")


def trickled(data: bytes) -> Send:
    """These bytes one by one, then zeros for ever."""
    return partial(_trickled, data)


def _trickled(data: bytes, response: Response) -> Iterable[bytes]:
    return itertools.chain(_one_by_one(data), itertools.repeat(b"\0"))


def framed(*lines: str) -> Send:
    """The whole answer, with these lines in its head instead of its length."""
    return partial(_framed, lines)


def _framed(lines: Iterable[str], response: Response) -> Iterable[bytes]:
    return (response.head(*lines) + response.content(),)


def length_off_by(difference: int) -> Send:
    """The whole answer, whose length is said to be another."""
    return partial(_length_off_by, difference)


def _length_off_by(difference: int, response: Response) -> Iterable[bytes]:
    return _framed([f"Content-Length: {max(0, len(response.content()) + difference)}"], response)


# The head


def half_head(response: Response) -> Iterable[bytes]:
    """The head, cut in the middle."""
    head = response.head("Content-Length: 2")
    return (head[: len(head) // 2],)


def slow_answer(response: Response) -> Iterator[bytes]:
    """Everything, byte by byte from the start."""
    return _one_by_one(b"".join(response.wire()))


def huge_header(response: Response) -> Iterable[bytes]:
    """A head with a line that is far too long."""
    return framed(f"X-Huge: {'x' * _HUGE_HEADER}", f"Content-Length: {len(response.content())}")(response)


def many_headers(response: Response) -> Iterable[bytes]:
    """A head of far too many lines."""
    lines = (f"X-Many-{number}: x" for number in range(_MANY_HEADERS))
    return framed(*lines, f"Content-Length: {len(response.content())}")(response)


def endless_head(response: Response) -> Iterator[bytes]:
    """A head that never ends."""
    return itertools.chain((response.head()[:-2],), itertools.repeat(b"X-More: " + b"x" * 1_000 + b"\r\n"))


def headers_without_colon(response: Response) -> Iterable[bytes]:
    """A head with a line that is no header."""
    return framed("this is no header", f"Content-Length: {len(response.content())}")(response)


def old_version(response: Response) -> Iterable[bytes]:
    """The answer as HTTP/1.0 has it: its end is that of the connection."""
    return (response.head(version="HTTP/1.0") + response.content(),)


def two_lengths(response: Response) -> Iterable[bytes]:
    """Two lengths that disagree."""
    size = len(response.content())
    return framed(f"Content-Length: {size}", f"Content-Length: {size + _SHORT}")(response)


def same_length_twice(response: Response) -> Iterable[bytes]:
    """Two lengths that agree."""
    return framed(*[f"Content-Length: {len(response.content())}"] * 2)(response)


def length_and_chunks(response: Response) -> Iterable[bytes]:
    """Chunks, and a length beside them."""
    return (b"".join(response.chunks()).replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n", 1),)


# The body


def slow_body(response: Response) -> Iterator[bytes]:
    """The head at once, the body byte by byte."""
    body = response.content()
    return itertools.chain((response.head(f"Content-Length: {len(body)}"),), _one_by_one(body))


def half_body(response: Response) -> Iterable[bytes]:
    """Half of the body that the head promises."""
    body = response.content()
    return (response.head(f"Content-Length: {max(len(body), _SHORT)}") + body[: len(body) // 2],)


def half_chunk(response: Response) -> Iterable[bytes]:
    """A chunk, cut in the middle."""
    body = response.content()
    size = b"%x\r\n" % max(len(body), _SHORT)
    return (response.head("Transfer-Encoding: chunked") + size + body[: len(body) // 2],)


def no_last_chunk(response: Response) -> Iterable[bytes]:
    """Half of the body as a whole chunk, and no more chunks."""
    body = response.content()
    half = body[: len(body) // 2] or b" "
    return (response.head("Transfer-Encoding: chunked") + b"%x\r\n%b\r\n" % (len(half), half),)


def bad_chunk(response: Response) -> Iterable[bytes]:
    """A chunk whose size is no number."""
    return (response.head("Transfer-Encoding: chunked") + b"size\r\n" + response.content() + b"\r\n0\r\n\r\n",)


def unframed(response: Response) -> Iterable[bytes]:
    """The whole body, whose end is that of the connection."""
    return framed("Connection: close")(response)


def half_unframed(response: Response) -> Iterable[bytes]:
    """Half of a body whose end is that of the connection."""
    body = response.content()
    return (response.head("Connection: close") + body[: len(body) // 2],)


def bare_body(response: Response) -> Iterable[bytes]:
    """The body and no head, as in HTTP/0.9."""
    return (response.content() or b"{}",)


def no_body(response: Response) -> Iterable[bytes]:
    """The head with its headers, and an empty body."""
    return (response.head("Content-Length: 0"),)


def other_body(body: bytes) -> Send:
    """The head with its headers, and this body."""
    return partial(_other_body, body)


def _other_body(body: bytes, response: Response) -> Iterable[bytes]:
    return (response.head(f"Content-Length: {len(body)}") + body,)


def big_body(response: Response) -> Iterator[bytes]:
    """A JSON string that is larger than anybody wants."""
    blocks = itertools.repeat(_BLOCK, _BIG_BODY // len(_BLOCK))
    return itertools.chain((response.head(f"Content-Length: {_BIG_BODY + 2}") + b'"',), blocks, (b'"',))


def endless_body(response: Response) -> Iterator[bytes]:
    """Chunks without end."""
    chunk = b"%x\r\n%b\r\n" % (len(_BLOCK), _BLOCK)
    return itertools.chain((response.head("Transfer-Encoding: chunked"),), itertools.repeat(chunk))


def gzip_bomb(response: Response) -> Iterable[bytes]:
    """A small body that nobody asked to have compressed, and that unpacks to a large one."""
    bomb = _bomb()
    return (response.head("Content-Encoding: gzip", f"Content-Length: {len(bomb)}") + bomb,)


@cache
def _bomb() -> bytes:
    return gzip.compress(b'"' + b" " * _BIG_BODY + b'"', compresslevel=9)


def _one_by_one(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))
