"""Threads for calls that block: started when they are needed, gone when they are not, and waited for by nobody."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from fcall._fork import forget_in_child
from fcall._log import logger
from fcall.errors import Executed, ProviderUnavailableError

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["UNBOUNDED", "Threads"]

T = TypeVar("T")
Job = Callable[[], object]

_IDLE = 5.0
"""Seconds that a thread waits for its next job before it ends."""


class Threads:
    """A pool of daemon threads: the interpreter ends without waiting for them. A forked child has none of them.

    Args:
        most: how many there are at most, or None where those who give them jobs see to that.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self.after_fork_in_child()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """The threads and their jobs are the parent's; start anew."""
        self._lock = threading.RLock()  # a finalizer may start a job while this thread holds the lock
        self._jobs: deque[Job] = deque()
        self._idle: list[threading.Lock] = []
        self._count = 0

    @property
    def count(self) -> int:
        """How many threads there are now."""
        return self._count

    def start(self, job: Job) -> None:
        """Have a thread run the job, as soon as there is one. What the job raises is logged.

        Raises:
            ProviderUnavailableError: there is no thread, and none can be started.
        """
        with self._lock:
            if self._idle:
                self._jobs.append(job)
                self._idle.pop().release()
                return
            if self._most is not None and self._count >= self._most:
                self._jobs.append(job)
                return
            self._count += 1
        thread = threading.Thread(target=self._work, args=(job,), name="fcall-call", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            with self._lock:
                self._count -= 1
            raise ProviderUnavailableError(
                f"no thread can be started for the call: {error}; call fewer at once", executed=Executed.NO
            ) from error

    def submit(self, function: Callable[..., T], /, *arguments: Any) -> Future[T]:
        """`start`, with a future for what the function returns or raises. A job that waits can be cancelled."""
        from concurrent.futures import Future  # those who call on one thread do without it

        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = function(*arguments)
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the future
                future.set_exception(error)
            else:
                future.set_result(result)

        self.start(job)
        return future

    def _work(self, job: Job | None) -> None:
        bell = threading.Lock()
        bell.acquire()
        while job is not None:
            try:
                job()
            except BaseException:  # noqa: BLE001 - a thread that dies would take its place in the count along
                logger.exception("a job raised what nobody waits for")
            job = None  # it may hold a payload while this thread waits
            job = self._next(bell)

    def _next(self, bell: threading.Lock) -> Job | None:
        """The next job, or None where there was none for some time and this thread is not needed any more."""
        with self._lock:
            if self._jobs:
                return self._jobs.popleft()
            self._idle.append(bell)
        if not bell.acquire(timeout=_IDLE):
            with self._lock:
                if bell in self._idle:
                    self._idle.remove(bell)
                    self._count -= 1
                    return None
            bell.acquire()  # it was rung just now
        with self._lock:
            if self._jobs:
                return self._jobs.popleft()
        return self._next(bell)


UNBOUNDED = Threads()
"""For those who say themselves how many calls are under way at once."""
