"""Work: the items of one map, between the iterable that they come from and the consumer of their outcomes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NoReturn

from fcall._fork import forget_in_child
from fcall._map._pace import Pace
from fcall._naps import LONGEST_NAP
from fcall.errors import ConfigurationError

__all__ = ["Settled", "Work", "within"]


class Settled:
    """How the call of one item ended: with a result, or with what was raised."""

    __slots__ = ("error", "item", "result")

    def __init__(self, item: int, result: Any, error: BaseException | None) -> None:
        self.item: int = item
        self.result: Any = result
        self.error: BaseException | None = error

    def raise_error(self) -> NoReturn:
        """Raise the error and let go of it: a frame that its own exception leads to is a cycle."""
        error, self.error = self.error, None
        assert error is not None
        try:
            raise error
        finally:
            del error


class Work:
    """What waits, what is under way, and what is settled. It calls nothing, and neither sleeps nor starts a thread.

    One consumer puts items and takes outcomes. Workers take items and settle them; each has one item at a time, and
    there are never more workers than the pace allows. An item that a worker took is settled; one that nobody took can
    be cancelled.

    Args:
        concurrency: how many workers there are at most.
        pace: how many there may be now.
        in_order: outcomes are handed over in the order of their items. Then nothing more is sent once an item failed:
            its error is the last thing to be handed over.
        ring: wakes the consumer; called on any thread.

    Attributes:
        window: how many items are between the iterable and the consumer at most.
        ended: there are no more items.
        workers: how many work on it now.
        stopped: nothing more is to be sent.
        cancelled: and what was throttled is not called again either. Where an item failed, those before it still are.
        abandoned: nobody waits for what was sent.
    """

    def __init__(self, concurrency: int, pace: Pace, *, in_order: bool, ring: Callable[[], None]) -> None:
        self.pace: Pace = pace
        self.in_order: bool = in_order
        self.window: int = concurrency + max(concurrency, 64)
        self.workers: int = 0
        self.ended: bool = False
        self.stopped: bool = False
        self.cancelled: bool = False
        self.abandoned: bool = False
        self.ring: Callable[[], None] = ring
        self._waiting: deque[tuple[int, Any]] = deque()
        self._settled: deque[Settled] = deque()
        self._early: dict[int, Settled] = {}
        self._put = self._handed = 0
        self._dropped = self._joined = False
        self._reason: BaseException | None = None
        self._lock = threading.RLock()  # a finalizer may stop it while this thread holds the lock
        self._idle = threading.Condition(self._lock)
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """Here nobody works on it, and nothing of it is sent a second time."""
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        self.pace.after_fork_in_child()
        self._waiting.clear()
        self._settled.clear()
        self._early.clear()
        self.workers, self._put = 0, self._handed
        self.ended = self.stopped = self.cancelled = True
        self._reason = ConfigurationError("the process that began this map goes on with it; begin one of your own here")

    # For the consumer

    @property
    def room(self) -> int:
        """How many more items may be put."""
        return 0 if self.ended else self.window - self._put + self._handed

    @property
    def over(self) -> bool:
        """Whether there are no more items, and every one that was taken has been handed over."""
        return self.ended and self._put == self._handed

    @property
    def arrived(self) -> int:
        """How many outcomes came since the consumer last looked."""
        return len(self._settled)

    @property
    def short_of_workers(self) -> bool:
        """Whether something waits that one more worker could call."""
        return bool(self._waiting) and self.workers < self.pace.limit

    def put(self, event: Any) -> None:
        """Have an item called. After the end nothing is."""
        with self._lock:
            if not self.ended:
                self._waiting.append((self._put, event))
                self._put += 1

    def end(self, reason: BaseException | None = None) -> None:
        """There are no more items. What waits is still called.

        Args:
            reason: what is raised when everything is handed over, or None.
        """
        with self._lock:
            if not self.ended:
                self.ended, self._reason = True, reason

    def stop(self, reason: BaseException | None = None) -> None:
        """Nothing more is sent: what waits is cancelled, what was taken will be settled."""
        self.cancelled = True
        self._send_no_more(reason)

    def _send_no_more(self, reason: BaseException | None = None) -> None:
        with self._lock:
            if not self.ended or self._waiting:
                self._reason = reason or self._reason
            self.ended = self.stopped = True
            while self._waiting:
                try:
                    self._waiting.pop()
                except IndexError:  # a worker was quicker
                    break
                self._put -= 1
        self.ring()

    def engage(self, most: int) -> int:
        """How many workers are to be started now, `most` at most; from here on they are counted."""
        with self._lock:
            number = max(0, min(most, len(self._waiting), self.pace.limit - self.workers))
            self.workers += number
            return number

    def ready(self) -> Settled | None:
        """The next outcome to hand over, or None where it is not there yet."""
        if self._dropped:
            return None
        if not self.in_order:
            if not self._settled:
                return None
            self._handed += 1
            return self._settled.popleft()
        settled = self._early.pop(self._handed, None) if self._early else None
        while settled is None and self._settled:
            settled = self._settled.popleft()
            if settled.item != self._handed:
                self._early[settled.item] = settled
                settled = None
        if settled is not None:
            self._handed += 1
        return settled

    def abandon(self) -> int:
        """Have nobody wait for what is under way; how many calls that are."""
        self.abandoned = True
        return self.workers

    def begin(self) -> int | None:
        """The consumer calls an item itself: its number, or None where nothing more is sent."""
        with self._lock:
            if self.ended:
                return None
            self.workers += 1
            self._put += 1
            return self._put - 1

    def finish(self) -> None:
        """The consumer has called an item itself, and has its outcome."""
        with self._lock:
            self._handed += 1
            self._left()

    def drop(self) -> None:
        """Hand over nothing more."""
        with self._lock:
            self._dropped = True
            self._settled.clear()
            self._early.clear()
            self._handed = self._put
            self._reason = None

    def raise_reason(self) -> None:
        """Raise what there is to be raised when everything is handed over, once."""
        reason, self._reason = self._reason, None
        if reason is not None:
            raise reason

    def refuse_own_call(self) -> None:
        """Raise `ConfigurationError` where one of its own calls asks, which would wait for itself."""
        if self in within.get():
            raise ConfigurationError("a function that a map called cannot wait for that map; return first")

    def join(self) -> None:
        """Wait until nobody works on it, unless it is abandoned.

        Raises:
            ConfigurationError: one of its own calls asks.
        """
        self.refuse_own_call()
        with self._idle:
            self._joined = True
            while self.workers and not self.abandoned:
                self._idle.wait(LONGEST_NAP)

    # For the workers

    def take(self) -> tuple[int, Any] | None:
        """The next item to call, or None where this worker is not needed; then it is no worker any more."""
        while True:
            if self.workers <= self.pace.limit:
                try:
                    return self._waiting.popleft()
                except IndexError:
                    pass
            with self._lock:
                if self._waiting and self.workers <= self.pace.limit:
                    continue  # one was put just now
                self._left()
                return None

    def leave(self) -> None:
        """A worker ends that did not get as far as to be sent away."""
        with self._lock:
            self._left()

    def settle(self, index: int, result: Any = None, error: BaseException | None = None) -> None:
        """Say how the call of an item ended."""
        if not self._dropped:
            self._settled.append(Settled(index, result, error))
        if error is not None and self.in_order:
            self._send_no_more()
        else:
            self.ring()

    def _left(self) -> None:
        self.workers -= 1
        if self._joined and not self.workers:
            self._idle.notify_all()


within: ContextVar[tuple[Work, ...]] = ContextVar("fcall_within", default=())
"""The maps that this code is called by."""
