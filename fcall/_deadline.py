"""One moment by which a whole call has to be over."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar

__all__ = ["Deadline", "inherited"]


class Deadline:
    """The moment, on a monotonic clock, at which the caller's patience ends.

    It is made once for a call and covers everything: queueing, connecting, pauses, every attempt and the body.

    Args:
        expires_at: the moment, in seconds of `clock`.
        clock: a monotonic clock in seconds; another one makes time testable.
    """

    __slots__ = ("clock", "expires_at")

    def __init__(self, expires_at: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.expires_at: float = expires_at
        self.clock: Callable[[], float] = clock

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """The deadline `seconds` from now."""
        return cls(clock() + seconds, clock)

    @classmethod
    def inside(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """The deadline `seconds` from now, or earlier where the call around this one has less time left."""
        around = inherited.get()
        return cls.after(seconds if around is None else min(seconds, around.remaining()), clock)

    def remaining(self) -> float:
        """Seconds that are left, never less than 0."""
        left = self.expires_at - self.clock()
        return left if left > 0 else 0.0

    @property
    def expired(self) -> bool:
        """Whether the moment has passed."""
        return self.clock() >= self.expires_at

    def __repr__(self) -> str:
        return f"<Deadline in {self.remaining():.3f} s>"


inherited: ContextVar[Deadline | None] = ContextVar("fcall_deadline", default=None)
"""The deadline of the call that this code runs in, where it runs in one."""
