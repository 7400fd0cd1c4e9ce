"""Calls that are overdue: a function in this process cannot be stopped, but its caller need not wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

__all__ = ["Overdue"]

_INTERVAL = 0.1


class Overdue:
    """Gives up what is not done in time. One timer looks after all of it: most calls are done before it first rings.

    Args:
        needed: whether there may be something to watch, or soon.
    """

    def __init__(self, needed: Callable[[], object]) -> None:
        self._needed = needed
        self._watched: dict[object, tuple[float, Callable[[], object]]] = {}
        self._ticking = False

    def watch(self, key: object, seconds: float, give_up: Callable[[], object]) -> None:
        """Call `give_up` on the event loop unless `forget` comes within the time. From any thread."""
        self._watched[key] = (time.monotonic() + seconds, give_up)

    def forget(self, key: object) -> None:
        """It is done. From any thread."""
        self._watched.pop(key, None)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to look, unless it does. On the event loop, when something is needed."""
        if not self._ticking:
            self._ticking = True
            loop.call_later(_INTERVAL, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._ticking = False
        now = time.monotonic()
        for key, (ends_at, give_up) in list(self._watched.items()):
            if ends_at <= now:
                self.forget(key)
                give_up()
        if self._needed():
            self.start(loop)
