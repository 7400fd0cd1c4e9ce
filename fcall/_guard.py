"""Guards: what is remembered of each target between calls."""

from __future__ import annotations

import threading

from fcall._breaker import Breaker
from fcall._budget import Budget
from fcall._fork import forget_in_child
from fcall._limit import Limit

__all__ = ["Guard", "Guards"]

_MOST = 1024


class Guard:
    """The retry budget, the breaker and the limit of one function at one provider."""

    __slots__ = ("breaker", "budget", "limit")

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Forget everything, locks included: in a forked child they may be held by a thread that is not there."""
        self.budget = Budget()
        self.breaker = Breaker()
        self.limit = Limit()

    @property
    def at_rest(self) -> bool:
        """Whether a new one would be the same."""
        return self.budget.full and self.breaker.at_rest and self.limit.at_rest


class Guards:
    """The guards of one provider, by function; no more than 1024 of them."""

    def __init__(self) -> None:
        self._guards: dict[str, Guard] = {}
        self._lock = threading.RLock()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """Start anew; a call that goes on in the child keeps its guard, which is renewed."""
        self._lock = threading.RLock()
        for guard in self._guards.values():
            guard.renew()

    def __len__(self) -> int:
        return len(self._guards)

    def of(self, name: str) -> Guard:
        """The guard of a function, made now if it was not yet."""
        guard = self._guards.get(name)
        return self._made(name) if guard is None else guard

    def _made(self, name: str) -> Guard:
        with self._lock:
            if name not in self._guards and len(self._guards) >= _MOST:
                self._make_room()
            return self._guards.setdefault(name, Guard())

    def _make_room(self) -> None:
        """Drop what nothing is lost with, or else the oldest."""
        at_rest = [name for name, guard in self._guards.items() if guard.at_rest]
        for name in at_rest or [next(iter(self._guards))]:
            del self._guards[name]
