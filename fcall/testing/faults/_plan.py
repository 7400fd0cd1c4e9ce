"""Which faults are still to come."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from fcall.testing.faults._fault import Fault, Stage

__all__ = ["CONNECTING", "Plan"]

CONNECTING = frozenset({Stage.CONNECT, Stage.ACCEPT, Stage.HANDSHAKE})


class Plan:
    """The faults in order, and the one that is there for good.

    Args:
        changed: called after every change, on the thread that made it.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._lock = threading.Lock()
        self._next: deque[Fault] = deque()
        self._always: Fault | None = None

    def add(self, faults: tuple[Fault, ...], always: bool) -> None:
        """Let these come after those already planned, or with `always` the one fault every time."""
        with self._lock:
            if always:
                (self._always,) = faults
            else:
                self._next.extend(faults)
        self._changed()

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._next.clear()
            self._always = None
        self._changed()

    @property
    def head(self) -> Fault:
        """What comes next."""
        with self._lock:
            return self._peek()

    def _peek(self) -> Fault:
        return self._next[0] if self._next else self._always or Fault.NONE

    def take(self, stages: frozenset[Stage]) -> Fault | None:
        """What comes next, if it strikes at one of these stages. It is then spent, unless it is there for good."""
        with self._lock:
            fault = self._peek()
            if fault.stage not in stages:
                return None
            if not self._next:
                return fault
            self._next.popleft()
        self._changed()
        return fault
