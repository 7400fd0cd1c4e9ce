"""Pace: how many calls of a map may be under way, which a service that throttles decides."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Pace"]

_BASE_PAUSE = 1.0
_LONGEST_PAUSE = 20.0
_LONGEST_RETRY_AFTER = 60.0


class Pace:
    """The limit is halved when calls are throttled, and rises by one with every so many calls that are not.

    Calls that were sent before the limit was halved say nothing of the new one.

    Args:
        most: the limit to begin with, and never to exceed.
        clock: a monotonic clock in seconds.

    Attributes:
        limit: how many calls may be under way now, 1 or more.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit: int = most
        self._most = most
        self._exact = float(most)
        self._halved_at = -1.0
        self._clock = clock
        self._lock = threading.Lock()

    def after_fork_in_child(self) -> None:
        """Another thread may have held the lock."""
        self._lock = threading.Lock()

    def throttled(self, sent_at: float) -> None:
        """Slow down, unless that was done since this call was sent.

        Args:
            sent_at: when, on the clock.
        """
        with self._lock:
            if sent_at >= self._halved_at:
                self._halved_at = self._clock()
                self._set(self._exact / 2)

    def went_well(self) -> None:
        """Go a little faster again."""
        if self.limit < self._most:
            with self._lock:
                self._set(self._exact + 1 / self._exact)

    def _set(self, limit: float) -> None:
        self._exact = min(max(limit, 1.0), float(self._most))
        self.limit = int(self._exact)

    @staticmethod
    def pause(number: int, retry_after: float | None, random: Callable[[], float]) -> float:
        """Seconds to wait before a throttled item is called again.

        Args:
            number: how often it was given back, 1 or more.
            retry_after: seconds that the service asks for, or None.
            random: gives a number from 0 up to 1.
        """
        pause = random() * min(_LONGEST_PAUSE, _BASE_PAUSE * 2.0 ** min(number - 1, 10))
        return max(pause, min(retry_after or 0.0, _LONGEST_RETRY_AFTER))
