"""Hands: threads that answer requests, as few as keep up with them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from fcall._log import logger
from fcall._threads import Threads
from fcall.errors import ProviderUnavailableError

__all__ = ["Hands"]

T = TypeVar("T")

_PATIENCE = 0.001
"""Seconds that a job waits for a thread that is at work, before it gets another one."""


class Hands(Generic[T]):
    """Does jobs on threads, and hands over on the event loop what came of them.

    Jobs that take no time are done by one thread, one after the other: waking a thread for each of them costs more than
    they do. Where a job waits because the one before it takes long, there is another thread for it a moment later.

    Args:
        take: is given each outcome, on the event loop.
    """

    def __init__(self, take: Callable[[T], object]) -> None:
        self._take = take
        self._threads = Threads()
        self._jobs: deque[Callable[[], T]] = deque()
        self._outcomes: deque[T] = deque()
        self._lock = threading.Lock()
        self._working = 0
        self._told = False
        self._looking = False

    def give(self, job: Callable[[], T], loop: asyncio.AbstractEventLoop) -> None:
        """Have a job done. On the event loop; a job raises nothing."""
        with self._lock:
            self._jobs.append(job)
            is_idle = not self._working
        if not (is_idle and self._add_a_thread(loop)) and not self._looking:
            self._looking = True
            loop.call_later(_PATIENCE, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Add a thread where jobs wait still, and look again for as long as some do."""
        self._looking = bool(self._jobs)
        if self._looking:
            self._add_a_thread(loop)
            loop.call_later(_PATIENCE, self._look, loop)

    def _add_a_thread(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether there is one more; where the system gives none, the jobs wait until it does."""
        with self._lock:
            self._working += 1
        try:
            self._threads.start(lambda: self._work(loop))
        except ProviderUnavailableError as error:
            logger.warning("a request waits: %s", error)
            with self._lock:
                self._working -= 1
            return False
        return True

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do jobs until none waits."""
        while (job := self._next()) is not None:
            self._outcomes.append(job())
            self._tell(loop)

    def _next(self) -> Callable[[], T] | None:
        """A job, or None where none waits and this thread is not needed any more."""
        with self._lock:
            if self._jobs:
                return self._jobs.popleft()
            self._working -= 1
            return None

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the outcomes taken; one word is enough for all that are there by then."""
        if not self._told:
            self._told = True
            with contextlib.suppress(RuntimeError):  # the server has stopped without waiting
                loop.call_soon_threadsafe(self._take_all)

    def _take_all(self) -> None:
        self._told = False  # first: what comes from now on is told of anew
        while self._outcomes:
            self._take(self._outcomes.popleft())
