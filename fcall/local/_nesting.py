"""Calls within calls: what a function that calls another one hands on to it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Token
from typing import NamedTuple

from fcall._deadline import Deadline, inherited
from fcall.errors import RecursiveInvocationError

__all__ = ["OUTERMOST", "Nesting", "apart", "enter", "enter_everywhere", "leave", "nested"]


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

_everywhere = OUTERMOST
"""Where calls are made from by threads that know nothing of the function that started them."""


class _FunctionDeadline(Deadline):
    """When the function around has to be over, and where it runs. One object, since one is quicker to put in place."""

    __slots__ = ("nesting",)

    def __init__(self, nesting: Nesting, expires_at: float, clock: Callable[[], float]) -> None:
        self.nesting = nesting
        self.expires_at = expires_at
        self.clock = clock


def nested(request_id: str, deepest: int) -> Nesting:
    """Where a call runs that is made here and now.

    Args:
        request_id: the call's.
        deepest: how many calls may be within each other.

    Raises:
        RecursiveInvocationError: it would be deeper; it did not run.
    """
    around = _around()
    if around.depth >= deepest:
        raise RecursiveInvocationError(
            f"{deepest} local calls are within each other already, so this looks like a function that calls itself "
            "without end; stop it, or raise recursion_depth"
        )
    return Nesting(around.depth + 1, around.root or request_id)


def apart(request_id: str) -> Nesting:
    """Where an event runs that is enqueued here and now: within no other call, and in the same trace."""
    return Nesting(1, _around().root or request_id)


def enter(place: Nesting, ends_at: float, clock: Callable[[], float]) -> Token[Deadline | None]:
    """From now on, calls are made from `place`, and have to be over by the time its function has to be."""
    return inherited.set(_FunctionDeadline(place, ends_at, clock))


def enter_everywhere(place: Nesting, ends_at: float, clock: Callable[[], float]) -> None:
    """`enter`, in a process that runs nothing else: the function's threads make their calls from `place` too."""
    global _everywhere
    _everywhere = place
    enter(place, ends_at, clock)


def leave(token: Token[Deadline | None]) -> None:
    """Undo `enter`."""
    inherited.reset(token)


def _around() -> Nesting:
    around = inherited.get()
    return around.nesting if isinstance(around, _FunctionDeadline) else _everywhere
