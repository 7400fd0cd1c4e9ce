"""What a forked child must not share with its parent, made anew for each process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from fcall.provider import forget_in_child

__all__ = ["PerProcess"]

T = TypeVar("T")


class PerProcess(Generic[T]):
    """One thing for each process, made once, at its first use there.

    What a child inherits is kept and left alone: closing or freeing it could reach into the parent's connections.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._inherited: list[T] = []
        self._made: T | None = None
        self._lock = threading.Lock()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """Start anew, with a fresh lock: another thread may have held the parent's."""
        if self._made is not None:
            self._inherited.append(self._made)
        self._made = None
        self._lock = threading.Lock()

    def get(self) -> T:
        """This process's own."""
        made = self._made
        return self._first() if made is None else made

    def known(self) -> T | None:
        """This process's own, or None where it was not needed yet."""
        return self._made

    def _first(self) -> T:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made
