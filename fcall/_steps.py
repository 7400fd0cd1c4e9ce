"""Steps: what a flow asks for, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from fcall._deadline import Deadline
from fcall._invocation import Invocation
from fcall._limit import Limit, Place
from fcall._result import InvocationResult
from fcall.provider import Provider

__all__ = ["END", "Advance", "Emit", "Enter", "Open", "Pause", "Send", "Step"]


@dataclass(slots=True)
class Send:
    """Call `provider.invoke`; answer with its result or throw what it raised.

    Attributes:
        provider: whose method it is.
        invocation: what is called.
        deadline: when it has to be over.
        begun: False where it is known that the provider was not asked: the call waits for its place or for a thread.
    """

    wants: ClassVar[str] = "an InvocationResult"

    provider: Provider
    invocation: Invocation
    deadline: Deadline
    begun: bool = True

    @staticmethod
    def accepts(answer: object) -> bool:
        """Whether the answer is of the kind that is wanted."""
        return isinstance(answer, InvocationResult) and isinstance(answer.payload, bytes)


END: Any = object()
"""Stands for a piece where a stream has no more."""


@dataclass(slots=True)
class Open(Send):
    """Call `provider.stream`; answer with the iterator and its first piece, `END` where it has none."""

    wants: ClassVar[str] = "an iterator of bytes"

    @staticmethod
    def accepts(answer: object) -> bool:
        return isinstance(answer, tuple)


@dataclass(slots=True)
class Advance:
    """Take the next piece; answer with it, or with `END`."""

    pieces: Iterator[bytes]


@dataclass(slots=True)
class Emit:
    """Hand a piece to the caller."""

    piece: bytes


@dataclass(slots=True)
class Pause:
    """Wait."""

    seconds: float


@dataclass(slots=True)
class Enter:
    """Wait until the place is taken; answer whether it was before the deadline. The flow gives it back."""

    limit: Limit
    place: Place
    deadline: Deadline


Step: TypeAlias = "Send | Open | Advance | Emit | Pause | Enter"
