"""The queue of accepted events: they run after the call has returned, on threads that the interpreter waits for."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from fcall._fork import forget_in_child
from fcall._log import logger
from fcall._naps import LONGEST_NAP
from fcall.errors import ConfigurationError, Executed, ProviderUnavailableError, ThrottledError
from fcall.local._clock import SYSTEM_CLOCK, Clock

__all__ = ["EventQueue", "Task", "drain", "unfinished", "waiting"]

Task: TypeAlias = Callable[[], float | None]
"""Runs once. It gives the seconds after which it is to run again, or None when it is done."""

_busy: set[EventQueue] = set()
"""The queues of this process in which something waits or runs."""


class EventQueue:
    """Runs tasks on at most `workers` threads. A thread ends when nothing waits, so that none keeps a process alive.

    The threads are not daemons: at a normal exit the interpreter waits until everything accepted has run. A task that
    waits to run again is watched over by one thread, and runs at once where the interpreter is ending.

    Args:
        workers: how many tasks run at once at most.
        size: how many tasks wait at most.
        clock: what pauses are measured by.
    """

    def __init__(self, workers: int, size: int, clock: Clock = SYSTEM_CLOCK) -> None:
        self._workers = workers
        self._size = size
        self._clock = clock
        self._numbers = itertools.count()
        self.after_fork_in_child()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """Begin empty: what waits in the parent runs in the parent."""
        self._lock = threading.Lock()  # no Condition to wait on: one that Ctrl-C interrupts may stay locked for ever
        self._news = threading.Condition(
            self._lock
        )  # but for the thread that watches the clock, which it never reaches
        self._waiting: set[threading.Lock] = set()
        self._tasks: deque[Task] = deque()
        self._later: list[tuple[float, int, Task]] = []
        self._threads: set[threading.Thread] = set()
        self._awaits: list[EventQueue] = []
        self._watched = False
        self._hurried = 0
        _busy.discard(self)

    def put(self, task: Task, keep: Callable[[], None] | None = None) -> None:
        """Accept a task.

        Args:
            task: the task.
            keep: called once there is room and a thread; what it raises refuses the task.

        Raises:
            ThrottledError: too many wait.
            ProviderUnavailableError: the interpreter is ending, or no thread can be started.
        """
        if _nobody_waits():
            raise _refused("the interpreter is ending")
        with self._lock:
            if len(self._tasks) + len(self._later) >= self._size:
                raise ThrottledError(f"{self._size} events wait already; enqueue more slowly, or raise queue_size")
            self._staff()
            if keep is not None:
                keep()
            self._tasks.append(task)  # its thread cannot look before this lock is free

    def add(self, task: Task) -> None:
        """Take a task that was accepted before, however many wait.

        Raises:
            ProviderUnavailableError: no thread can be started.
        """
        with self._lock:
            self._staff()
            self._tasks.append(task)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until everything accepted has run, pauses included.

        Args:
            timeout: seconds, or None for as long as it takes.

        Returns:
            Whether everything has run.

        Raises:
            ConfigurationError: it was called by an event of this queue, or of one that this queue's events wait for, so
                that it would wait for itself.
        """
        waiting = next((queue for queue in list(_busy) if threading.current_thread() in queue._threads), None)
        with _awaited(waiting, self):
            return self._wait(timeout)

    def _waits_for(self, other: EventQueue, seen: tuple[EventQueue, ...] = ()) -> bool:
        """Whether an event of this queue waits for the other one, or for one whose event does."""
        others = [queue for queue in list(self._awaits) if queue not in seen]
        return self is other or any(queue._waits_for(other, (*seen, self)) for queue in others)

    def _wait(self, timeout: float | None) -> bool:
        idle = threading.Lock()
        idle.acquire()
        with self._lock:
            if not self._threads:
                return True
            self._waiting.add(idle)
        ends_at = math.inf if timeout is None else time.monotonic() + timeout
        try:
            while not idle.acquire(timeout=max(0.0, min(LONGEST_NAP, ends_at - time.monotonic()))):
                if time.monotonic() >= ends_at:
                    return False
            return True
        finally:
            with self._lock:
                self._waiting.discard(idle)

    def refuse_own_thread(self) -> None:
        """Raise `ConfigurationError` where one of this queue's own events is running."""
        if threading.current_thread() in self._threads:
            raise _waits_for_itself()

    def finish(self) -> None:
        """Wait until everything accepted has run; from now on a task that is to run again does so at once.

        Raises:
            ConfigurationError: it was called by a task of this queue.
        """
        self.refuse_own_thread()
        with self._lock:
            self._hurried += 1
            self._tell_watch()
        try:
            self.wait()
        finally:
            with self._lock:
                self._hurried -= 1

    def _staff(self) -> None:
        """Have a thread for one more task: a new one, or one that there is."""
        if len(self._threads) < self._workers:
            self._start_thread()
        self._tell_watch()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name="fcall-local", daemon=False)
        try:
            thread.start()
        except RuntimeError as error:
            if not self._threads:  # else one of these takes the task before it ends
                raise _refused(str(error)) from error
        finally:
            if thread.is_alive():  # also where Ctrl-C came as it started
                self._threads.add(thread)
                _busy.add(self)

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                pause = task()
            except BaseException:  # noqa: BLE001 - a thread that dies would take along what waits
                logger.exception("an Async call raised what is no error of fcall")
                pause = None
            if pause is not None:
                self._put_off(task, pause)
            del task

    def _next(self) -> Task | None:
        """A task to run now, or None where this thread is not needed any more."""
        with self._lock:
            while True:
                if self._later:
                    self._ripen()
                if self._tasks:
                    return self._tasks.popleft()
                if not self._later or self._watched:
                    self._leave(threading.current_thread())
                    return None
                self._watch()

    def _ripen(self) -> None:
        """Have the tasks run whose pause is over, and more threads for what this one leaves to do."""
        in_a_hurry = self._hurried or not threading.main_thread().is_alive()
        now = math.inf if in_a_hurry else self._clock.monotonic()
        while self._later and self._later[0][0] <= now:
            self._tasks.append(heapq.heappop(self._later)[2])
        to_do = len(self._tasks) + bool(self._later and not self._watched)
        for _ in range(min(to_do - 1, self._workers - len(self._threads))):
            self._start_thread()

    def _watch(self) -> None:
        """Wait for the end of the shortest pause, or for news."""
        self._watched = True
        try:
            pause = self._later[0][0] - self._clock.monotonic()
            self._clock.wait(self._news, pause, idle=len(self._threads) == 1)
        finally:
            self._watched = False

    def _put_off(self, task: Task, pause: float) -> None:
        with self._lock:
            if pause <= 0:
                self._tasks.append(task)
            else:
                heapq.heappush(self._later, (self._clock.monotonic() + pause, next(self._numbers), task))
            self._tell_watch()

    def _tell_watch(self) -> None:
        """Have the thread that watches the clock look again. Nobody else waits for news."""
        if self._watched:
            self._news.notify()

    def _leave(self, thread: threading.Thread) -> None:
        self._threads.discard(thread)
        self._tell_watch()
        if not self._threads:
            _busy.discard(self)
            for idle in self._waiting:
                idle.release()
            self._waiting.clear()


def unfinished() -> bool:
    """Whether something that was accepted in this process waits or runs."""
    return bool(_busy)


def waiting() -> int:
    """How many events that local providers of this process accepted wait to run, or to run again."""
    return sum(len(queue._tasks) + len(queue._later) for queue in list(_busy))


def drain(timeout: float | None = None) -> bool:
    """Wait until every event that any local provider of this process accepted is done, retries included.

    Args:
        timeout: seconds, or None for as long as it takes.

    Returns:
        Whether everything is done.

    Raises:
        ConfigurationError: it was called by a function that was itself enqueued.
    """
    for queue in list(_busy):  # all of them first: two events that wait for each other's queue would never return
        queue.refuse_own_thread()
    ends_at = None if timeout is None else time.monotonic() + timeout
    while queues := list(_busy):  # an event may enqueue another one elsewhere
        for queue in queues:
            if not queue.wait(None if ends_at is None else max(0.0, ends_at - time.monotonic())):
                return False
    return True


@contextmanager
def _awaited(waiting: EventQueue | None, queue: EventQueue) -> Iterator[None]:
    """Have it known that an event of `waiting` waits for `queue`, and refuse it where that closes a circle."""
    if waiting is None:
        yield
        return
    waiting._awaits.append(queue)  # before looking: of two that do this at once, at least one sees the other
    try:
        if queue._waits_for(waiting):
            raise _waits_for_itself()
        yield
    finally:
        waiting._awaits.remove(queue)


def _waits_for_itself() -> ConfigurationError:
    return ConfigurationError("a function that was enqueued cannot wait for the queue it runs from; return first")


def _nobody_waits() -> bool:
    """Whether the interpreter is ending, and this is a thread that goes on nevertheless.

    Python waits for threads before it runs what is registered with `atexit`, and never for a daemon. What these enqueue
    would keep it from ending, or would end under it.
    """
    thread, main = threading.current_thread(), threading.main_thread()
    return not main.is_alive() and (thread is main or thread.daemon)


def _refused(reason: str) -> ProviderUnavailableError:
    return ProviderUnavailableError(
        f"no thread can be started to run the event: {reason}; enqueue earlier, or fewer at once",
        executed=Executed.NO,
        retryable=threading.main_thread().is_alive(),
    )
