"""What a client sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl

__all__ = ["Headers", "Request"]


class Headers(Mapping[str, str]):
    """Header fields, immutable. Names are looked up in any case, and iterated over in the first spelling received.

    A field that came more than once has its values joined with ``", "``, as RFC 9110 allows.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = tuple(pairs)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every field line as received: the name, and the value without the blanks around it."""
        return self._pairs

    @cached_property
    def _values(self) -> dict[str, tuple[str, str]]:
        values: dict[str, tuple[str, str]] = {}
        for name, value in self._pairs:
            spelling, before = values.get(name.lower(), (name, None))
            values[name.lower()] = (spelling, value if before is None else f"{before}, {value}")
        return values

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()][1]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return (spelling for spelling, _ in self._values.values())

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Headers: {', '.join(self)}>"  # no values: they may hold credentials


@dataclass(frozen=True)
class Request:
    """A request that was received whole.

    Attributes:
        method: such as ``POST``.
        target: the path and the query as they were on the wire, nothing decoded.
        headers: the header fields.
        body: the content, without its framing.
    """

    method: str
    target: str
    headers: Headers
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without the query, still percent-encoded: split it first, decode the parts."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query, decoded. Of a name that is there twice, the last value."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}, {len(self.body)} bytes>"  # neither a payload nor a credential
