"""The bell: how a consumer on a thread sleeps until an outcome arrives."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

__all__ = ["ThreadBell"]


class ThreadBell:
    """Wakes the one thread that sleeps on it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self._asleep = False

    def ring(self) -> None:
        """Wake who sleeps; it costs nothing where nobody does."""
        if self._asleep:
            self._asleep = False
            with contextlib.suppress(RuntimeError):  # another thread rang at the same time
                self._lock.release()

    def sleep(self, seconds: float, awake: Callable[[], object]) -> bool:
        """Sleep until it rings; whether it did. It may ring for what the sleeper has seen already.

        Args:
            seconds: how long at most.
            awake: whether there is something to stay awake for, asked when a ring would no longer be missed.
        """
        self._asleep = True
        try:
            return bool(awake()) or self._lock.acquire(timeout=seconds)
        finally:
            self._asleep = False
