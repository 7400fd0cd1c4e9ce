"""What a service answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

__all__ = ["Response"]

_WITHOUT_BODY = {204, 304}
_REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True)
class Response:
    """An answer, from which the server makes HTTP/1.1.

    Attributes:
        status: three digits.
        headers: pairs or a mapping. ``Content-Length`` or ``Transfer-Encoding`` is added where it is missing.
        body: bytes; or an iterable of bytes, of which each is sent as a chunk when it is there.
        chunked: send bytes as one chunk.
        delay: seconds to wait before anything is sent.
    """

    status: int = 200
    headers: Iterable[tuple[str, str]] | Mapping[str, str] = ()
    body: bytes | Iterable[bytes] = b""
    chunked: bool = False
    delay: float = 0.0

    def pairs(self) -> list[tuple[str, str]]:
        """The headers as pairs."""
        return list(self.headers.items() if isinstance(self.headers, Mapping) else self.headers)

    def content(self) -> bytes:
        """The whole body."""
        return self.body if isinstance(self.body, bytes) else b"".join(self.body)

    def head(self, *framing: str, version: str = "HTTP/1.1") -> bytes:
        """The status line and the headers with `framing` lines added, up to and with the empty line."""
        lines = [f"{version} {self.status} {_REASONS.get(self.status, '')}"]
        lines += [f"{name}: {value}" for name, value in self.pairs()]
        return "\r\n".join([*lines, *framing, "", ""]).encode("latin-1")

    def wire(self) -> Iterator[bytes]:
        """The answer as it goes over the line, in as few pieces as it can."""
        if self.status in _WITHOUT_BODY:
            yield self.head()
        elif isinstance(self.body, bytes) and not self.chunked:
            yield self.head(*self._length(self.body)) + self.body
        else:
            yield from self.chunks()

    def chunks(self) -> Iterator[bytes]:
        """The answer with a chunked body: the head, each chunk, the end."""
        yield self.head("Transfer-Encoding: chunked")
        for part in (self.body,) if isinstance(self.body, bytes) else self.body:
            if part:  # an empty chunk would be the end
                yield b"%x\r\n%b\r\n" % (len(part), part)
        yield b"0\r\n\r\n"

    def _length(self, body: bytes) -> tuple[str, ...]:
        framed = any(name.lower() in {"content-length", "transfer-encoding"} for name, _ in self.pairs())
        return () if framed else (f"Content-Length: {len(body)}",)
