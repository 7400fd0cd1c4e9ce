"""Clocks of the Async queue: the real one, and one on which waiting takes no time."""

from __future__ import annotations

import threading
import time
from typing import Protocol, runtime_checkable

__all__ = ["SYSTEM_CLOCK", "Clock", "SimulatedClock"]

_GLANCE = 0.1
"""Seconds after which a waiting thread looks up, to see whether the interpreter is ending."""


@runtime_checkable
class Clock(Protocol):
    """What the Async queue measures and waits by. It is used from many threads."""

    def time(self) -> float:
        """Seconds since 1970, for the age of events."""

    def monotonic(self) -> float:
        """Seconds that never go back, for pauses."""

    def wait(self, condition: threading.Condition, seconds: float, idle: bool) -> None:
        """Wait until `condition`, which is held, is notified, or `seconds` have passed, or earlier.

        Args:
            condition: what to wait on.
            seconds: how long at most.
            idle: whether nothing runs meanwhile.
        """


class SystemClock:
    """The clock of this machine."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, condition: threading.Condition, seconds: float, idle: bool) -> None:
        condition.wait(min(seconds, _GLANCE))


class SimulatedClock:
    """A clock for tests. It stands still while an event runs, and a pause is over as soon as nothing does.

    Args:
        start: what it shows at first, in seconds since 1970.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._lock = threading.Lock()

    def time(self) -> float:
        """Seconds since 1970."""
        return self._now

    def monotonic(self) -> float:
        """The same as `time`."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: `seconds` is less than 0.
        """
        if seconds < 0:
            raise ValueError("time does not go back; advance by 0 or more seconds")
        with self._lock:
            self._now += seconds

    def wait(self, condition: threading.Condition, seconds: float, idle: bool) -> None:
        """Let the whole pause pass at once, unless something runs."""
        if idle:
            self.advance(max(0.0, seconds))
        else:
            condition.wait(_GLANCE)


SYSTEM_CLOCK = SystemClock()
