"""Calls within calls: what a function that calls another one hands on to it."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import NamedTuple

from fcall._deadline import Deadline, inherited
from fcall.errors import RecursiveInvocationError

__all__ = ["OUTERMOST", "Nesting", "apart", "enter", "leave", "nested"]


class Nesting(NamedTuple):
    """Where a function runs in a tree of calls.

    Attributes:
        depth: 1 for a function that no other local function called.
        root: the request id of the outermost call.
    """

    depth: int
    root: str

    @property
    def trace(self) -> str:
        """The trace of the whole tree, in the form of ``_X_AMZN_TRACE_ID``."""
        digits = self.root.replace("-", "")
        return f"Root=1-{digits[:8]}-{digits[8:32]};Parent={digits[16:32]};Sampled=0"


OUTERMOST = Nesting(0, "")
_nesting: ContextVar[Nesting] = ContextVar("fcall_local_nesting", default=OUTERMOST)

Tokens = tuple[Token[Nesting], Token[Deadline | None]]


def nested(request_id: str, deepest: int) -> Nesting:
    """Where a call runs that is made here and now.

    Args:
        request_id: the call's.
        deepest: how many calls may be within each other.

    Raises:
        RecursiveInvocationError: it would be deeper; it did not run.
    """
    around = _nesting.get()
    if around.depth >= deepest:
        raise RecursiveInvocationError(
            f"{deepest} local calls are within each other already, so this looks like a function that calls itself "
            "without end; stop it, or raise recursion_depth"
        )
    return Nesting(around.depth + 1, around.root or request_id)


def apart(request_id: str) -> Nesting:
    """Where an event runs that is enqueued here and now: within no other call, and in the same trace."""
    return Nesting(1, _nesting.get().root or request_id)


def enter(place: Nesting, ends_at: Deadline) -> Tokens:
    """From now on, calls are made from `place`, and have to be over by the time its function has to be."""
    return _nesting.set(place), inherited.set(ends_at)


def leave(tokens: Tokens) -> None:
    """Undo `enter`."""
    _nesting.reset(tokens[0])
    inherited.reset(tokens[1])
