"""The limit of one target: how many calls are under way there at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Limit", "Place"]


class Place:
    """One call's place under a limit.

    Args:
        most: how many calls may be under way, this one included.

    Attributes:
        taken: whether the call has it.
        wake: called once a waiting call has it, on any thread. It must not block; it raises RuntimeError where nobody
            waits any more.
    """

    __slots__ = ("most", "taken", "wake")

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = False
        self.wake: Callable[[], object] = bool


class Limit:
    """Counts the calls under way, and keeps a queue of those that wait, first come, first served.

    It never waits itself: that is for whoever drives the call. Each place says how many calls it puts up with, since
    two services may lead to the same target with limits of their own.
    """

    __slots__ = ("_lock", "_queue", "_under_way")

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer that the collector runs may come back to it on the same thread
        self._queue: dict[Place, None] = {}
        self._under_way = 0

    @property
    def at_rest(self) -> bool:
        """Whether no call is under way or waits."""
        return not self._under_way and not self._queue

    def take(self, place: Place) -> bool:
        """Take the place if it is free; whether it was."""
        with self._lock:
            if self._under_way < place.most:
                self._under_way += 1
                place.taken = True
            return place.taken

    def queue(self, place: Place) -> bool:
        """Take the place now, or wait in the queue until `place.wake` is called; whether it was free."""
        with self._lock:
            if not self.take(place):
                self._queue[place] = None
            return place.taken

    def leave(self, place: Place) -> None:
        """Give the place back, or leave the queue; it does no harm twice."""
        with self._lock:
            if not place.taken:
                self._queue.pop(place, None)
                return
            place.taken = False
            if self._under_way:  # in a forked child, a place may be from before the fork
                self._under_way -= 1
            if self._queue:
                self._hand_on()

    def _hand_on(self) -> None:
        """Give the place that became free to the first who waits and puts up with the others."""
        while (place := next((each for each in self._queue if self._under_way < each.most), None)) is not None:
            del self._queue[place]
            place.taken = True
            try:
                place.wake()
            except RuntimeError:  # its event loop is closed
                place.taken = False
            else:
                self._under_way += 1
                return
