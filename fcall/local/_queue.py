"""The queue of accepted events: they run after the call has returned, on threads that the interpreter waits for."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from fcall._fork import forget_in_child
from fcall.errors import ConfigurationError, Executed, ProviderUnavailableError, ThrottledError

__all__ = ["EventQueue", "drain"]

Event: TypeAlias = Callable[[], None]

_queues: weakref.WeakSet[EventQueue] = weakref.WeakSet()


class EventQueue:
    """Runs events on at most `workers` threads. A thread ends when nothing waits, so that none keeps a process alive.

    The threads are not daemons: at a normal exit the interpreter waits until everything accepted has run.

    Args:
        workers: how many events run at once at most.
        size: how many events wait at most.
    """

    def __init__(self, workers: int, size: int) -> None:
        self._workers = workers
        self._size = size
        self._start()
        _queues.add(self)
        forget_in_child(self)

    def _start(self) -> None:
        self._idle = threading.Condition(threading.Lock())
        self._events: deque[Event] = deque()
        self._threads: set[threading.Thread] = set()

    after_fork_in_child = _start  # what waits in the parent runs in the parent

    def put(self, event: Event) -> None:
        """Accept an event.

        Raises:
            ThrottledError: too many wait.
            ProviderUnavailableError: the interpreter is ending, and no thread can be started any more.
        """
        with self._idle:
            if len(self._events) >= self._size:
                raise ThrottledError(f"{self._size} events wait already; enqueue more slowly, or raise queue_size")
            self._events.append(event)
            if len(self._threads) < self._workers:
                self._start_thread(event)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until everything accepted has run.

        Args:
            timeout: seconds, or None for as long as it takes.

        Returns:
            Whether everything has run.

        Raises:
            ConfigurationError: it was called by an event of this queue, which would wait for itself.
        """
        if threading.current_thread() in self._threads:
            raise ConfigurationError(
                "a function that was enqueued cannot wait for the queue that it runs from; return first"
            )
        with self._idle:
            return self._idle.wait_for(lambda: not self._events and not self._threads, timeout)

    def _start_thread(self, event: Event) -> None:
        thread = threading.Thread(target=self._work, name="fcall-local", daemon=False)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError as error:
            self._threads.discard(thread)
            if not self._threads:  # else one of these takes the event before it ends
                self._events.remove(event)
                raise ProviderUnavailableError(
                    "no thread can be started to run the event, since the interpreter is ending; enqueue earlier",
                    executed=Executed.NO,
                    retryable=False,
                ) from error

    def _work(self) -> None:
        while True:
            with self._idle:
                if not self._events:
                    self._threads.discard(threading.current_thread())
                    self._idle.notify_all()
                    return
                event = self._events.popleft()
            event()
            del event


def drain(timeout: float | None = None) -> bool:
    """Wait until every event that any local provider of this process accepted has run.

    Args:
        timeout: seconds, or None for as long as it takes.

    Returns:
        Whether everything has run.

    Raises:
        ConfigurationError: it was called by a function that was itself enqueued.
    """
    ends_at = None if timeout is None else time.monotonic() + timeout
    queues = list(_queues)
    return all(queue.wait(None if ends_at is None else max(0.0, ends_at - time.monotonic())) for queue in queues)
