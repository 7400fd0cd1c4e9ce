"""How many calls may be under way at once."""

from __future__ import annotations

import threading

from fcall.errors import Executed, InvocationTimeoutError
from fcall.provider import Deadline, forget_in_child

__all__ = ["Slots"]


class Slots:
    """So many places; a call takes one for as long as it lasts.

    Args:
        count: how many there are.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self.after_fork_in_child()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """All places are free: whoever held one stayed behind."""
        self._free = threading.Semaphore(self._count)

    def take(self, deadline: Deadline) -> threading.Semaphore:
        """Wait for a place; what is returned is to be released.

        Raises:
            InvocationTimeoutError: none was free in time.
        """
        free = self._free
        if not free.acquire(timeout=min(deadline.remaining(), threading.TIMEOUT_MAX)):
            raise InvocationTimeoutError(
                f"{self._count} calls were under way until the time-out passed; raise max_concurrency or timeout",
                executed=Executed.NO,
            )
        return free
