"""The loop for blocking code: an event loop on a thread of its own, where a map has its calls awaited."""

from __future__ import annotations

import asyncio
import threading

from fcall._drivers import Pool
from fcall._fork import forget_in_child
from fcall._map._plan import Plan
from fcall._map._tasks import Tasks
from fcall._map._work import Work
from fcall.errors import Executed, ProviderUnavailableError

__all__ = ["LOOP", "LoopCrew", "LoopThread"]


class LoopThread:
    """An event loop that runs from its first use on, on a daemon thread. A forked child begins another one."""

    def __init__(self) -> None:
        self.after_fork_in_child()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """The loop runs in the parent."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    def is_here(self) -> bool:
        """Whether this is its thread, which must not wait for anything."""
        return self._thread == threading.get_ident()

    def get(self) -> asyncio.AbstractEventLoop:
        """The loop, running.

        Raises:
            ProviderUnavailableError: no thread can be started for it.
        """
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=loop.run_forever, name="fcall-loop", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    loop.close()
                    raise ProviderUnavailableError(
                        f"no thread can be started for the calls: {error}", executed=Executed.NO
                    ) from error
                self._thread = thread.ident or 0
                self._loop = loop
            return self._loop


LOOP = LoopThread()
"""The loop of this process."""


class LoopCrew(Tasks):
    """Tasks of an event loop that runs on another thread.

    Args:
        work: the items.
        plan: how each one is called.
        pool: for what still blocks.
        thread: where the loop runs.
    """

    def __init__(self, work: Work, plan: Plan, pool: Pool, thread: LoopThread) -> None:
        super().__init__(work, plan, pool)
        self._loop = thread.get()

    def cancel(self) -> None:
        self._loop.call_soon_threadsafe(super().cancel)

    def _start(self, number: int) -> None:
        self._loop.call_soon_threadsafe(super()._start, number)
