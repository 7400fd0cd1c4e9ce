"""Pools: the slots that wait for an event, by function, and the room there is for more."""

from __future__ import annotations

import atexit
import threading
import weakref
from dataclasses import dataclass, field

from fcall._fork import forget_in_child
from fcall._naps import LONGEST_NAP
from fcall.errors import Executed, InvocationTimeoutError
from fcall.local._code import Code
from fcall.local._slots import Slot, SlotSpec
from fcall.provider import Deadline

__all__ = ["Pool", "Pools", "close_all", "unfinished"]


@dataclass(slots=True, eq=False)
class Pool:
    """The slots of one function.

    Attributes:
        spec: what they run.
        idle: those that wait for an event, the one that was used last at the end.
        closed: nothing waits here any more.
    """

    spec: SlotSpec
    idle: list[Slot] = field(default_factory=list)
    closed: bool = False


class Pools:
    """All pools of one provider. Together they have no more processes than events may run at once.

    Args:
        concurrency: how many events run at once at most.
    """

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self.after_fork_in_child()
        forget_in_child(self)
        _all.add(self)

    def after_fork_in_child(self) -> None:
        """The slots are the parent's; start anew."""
        self._pools: dict[tuple[Code, str], Pool] = {}
        self._last: set[threading.Thread] = set()
        self._busy = 0
        self._waiting = 0
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)

    def get(self, key: tuple[Code, str]) -> Pool | None:
        """The pool of a function of a service, where there is one yet."""
        return self._pools.get(key)

    def add(self, key: tuple[Code, str], spec: SlotSpec) -> Pool:
        """The pool of a function of a service, made now if it was not yet."""
        return self._pools.setdefault(key, Pool(spec, closed=_ending))

    def enter(self, pool: Pool, deadline: Deadline) -> Slot | None:
        """Wait until there is room for one more event, and take a slot that waits. None where a new one is to be made.

        Raises:
            InvocationTimeoutError: there was no room in time.
        """
        with self._lock:
            if self._busy >= self._concurrency:
                self._wait(deadline)
            self._busy += 1
            if pool.idle:
                return pool.idle.pop()
            unused = self._one_too_many()
        if unused is not None:
            self._end(unused)
        return None

    def leave(self, pool: Pool, slot: Slot | None, *, warm: bool) -> None:
        """One event is done. A slot that is not warm any more is ended, any other waits for the next event."""
        if slot is not None and not warm:
            self._end(slot)
            slot = None
        with self._lock:
            self._busy -= 1
            if slot is not None and not pool.closed:
                pool.idle.append(slot)
                slot = None
            if self._waiting:
                self._room.notify()
        if slot is not None:
            self._end(slot)

    def owes(self) -> bool:
        """Whether something that a function enqueued in its slot may not have run yet."""
        with self._lock:
            return bool(self._last) or any(slot.owes for pool in self._pools.values() for slot in pool.idle)

    def close(self) -> None:
        """End the slots that wait, once they have done what their functions enqueued."""
        waiting: list[Slot] = []
        with self._lock:
            pools, self._pools = self._pools, {}
            for pool in pools.values():
                pool.closed = True
                waiting += pool.idle
                pool.idle.clear()
            last = list(self._last)
        for slot in waiting:
            slot.end()
        for thread in last:
            thread.join()

    def _end(self, slot: Slot) -> None:
        """End a slot; where it has something to do before, nobody waits for it here."""
        if not slot.owes:
            slot.kill()
            return
        thread = threading.Thread(target=self._let_finish, args=(slot,), name="fcall-local-slot", daemon=False)
        with self._lock:
            self._last.add(thread)
        thread.start()

    def _let_finish(self, slot: Slot) -> None:
        try:
            slot.end()
        finally:
            with self._lock:
                self._last.discard(threading.current_thread())

    def _wait(self, deadline: Deadline) -> None:
        self._waiting += 1
        try:
            while self._busy >= self._concurrency:
                if deadline.expired:
                    raise InvocationTimeoutError(
                        f"{self._concurrency} events ran at once until the caller's time-out; raise concurrency or "
                        "timeout",
                        executed=Executed.NO,
                    )
                self._room.wait(min(LONGEST_NAP, deadline.remaining()))
        finally:
            self._waiting -= 1

    def _one_too_many(self) -> Slot | None:
        """Where one more process would be too many: the slot that was not used for longest, taken from its pool."""
        waiting = [pool for pool in self._pools.values() if pool.idle]
        if self._busy + sum(len(pool.idle) for pool in waiting) <= self._concurrency:
            return None
        return min(waiting, key=lambda pool: pool.idle[0].used_at).idle.pop(0)


_all: weakref.WeakSet[Pools] = weakref.WeakSet()
_ending = False


def unfinished() -> bool:
    """Whether something that was enqueued in any slot of this process may not have run yet."""
    return any(pools.owes() for pools in list(_all))


@atexit.register
def close_all() -> None:
    """End what waits for clients that nobody closed. What is called later than this does not wait for another event."""
    global _ending
    _ending = True
    for pools in list(_all):
        pools.close()
