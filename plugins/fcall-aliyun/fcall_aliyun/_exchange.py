"""One request and its answer, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Answer", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request, complete and signed.

    Attributes:
        method: the HTTP method.
        target: path and query, percent-encoded.
        headers: the headers, the signature among them; never shown.
        body: the bytes to send.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, read to its end.

    Attributes:
        status: the HTTP status.
        headers: the headers, their names in lower case.
        body: the whole body.
        framed: the answer said how long it is, so that it is known to be whole.
        cut: the body was larger than is taken, and was not read to its end.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    framed: bool = True
    cut: bool = False
