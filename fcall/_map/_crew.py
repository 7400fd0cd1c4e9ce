"""Crews: who calls the items of a map: threads, or the consumer itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextvars import Context, copy_context
from typing import Any

from fcall._drivers import run_sync
from fcall._map._plan import Plan
from fcall._map._work import Settled, Work, within
from fcall._threads import Threads
from fcall.errors import FcallError, ProviderUnavailableError

__all__ = ["Consumer", "Crew", "ThreadCrew", "settle_failed"]


class Crew(ABC):
    """Those who work on one map. Each item's call sees the context variables of whoever began the map.

    Args:
        work: the items.
        plan: how each one is called.

    Attributes:
        slow: the calls take so long that more workers are worth their cost. Quick ones that hold the interpreter are
            called fastest by one worker alone.
    """

    def __init__(self, work: Work, plan: Plan) -> None:
        self.work = work
        self.plan = plan
        self.slow = False
        self._context = copy_context()
        self._context.run(within.set, (*within.get(), work))

    def engage(self) -> None:
        """Have a worker where there is none; have twice as many where calls are slow.

        Raises:
            ProviderUnavailableError: there is none, and none can be started.
        """
        workers = self.work.workers
        number = self.work.engage(max(1, workers) if self.slow else 1 - workers)
        if number:
            self._start(number)

    @abstractmethod
    def _start(self, number: int) -> None: ...

    def cancel(self) -> None:  # noqa: B027 - threads have nothing to do here
        """End the calls under way where that can be done: a thread cannot be stopped."""


def _call(work: Work, plan: Plan, context: Context) -> None:
    """Call items on this thread until there is none left for it."""
    while (item := work.take()) is not None:
        index, event = item
        del item
        try:
            result = context.copy().run(run_sync, plan.call(event, work))
        except BaseException as error:  # noqa: BLE001 - the consumer gets it
            settle_failed(work, index, error)
        else:
            work.settle(index, result)
        del event


def settle_failed(work: Work, index: int, error: BaseException) -> None:
    """Settle an item that has no result; an error of ours is told which item it belongs to."""
    if isinstance(error, FcallError):
        error.index = index
    work.settle(index, None, error)


class ThreadCrew(Crew):
    """Threads, for providers that block.

    Args:
        work: the items.
        plan: how each one is called.
        threads: where the threads are from.
    """

    def __init__(self, work: Work, plan: Plan, threads: Threads) -> None:
        super().__init__(work, plan)
        self._threads = threads

    def _start(self, number: int) -> None:
        work, plan, context = self.work, self.plan, self._context
        for started in range(number):
            try:
                self._threads.start(lambda: _call(work, plan, context))
            except ProviderUnavailableError:
                for _ in range(number - started):
                    work.leave()
                if not work.workers:
                    raise
                return


class Consumer(Crew):
    """The consumer itself, on its own thread, an item each time it asks for an outcome. Nothing is read ahead."""

    def call_next(self, source: Iterator[Any]) -> Settled | None:
        """How the call of the next item ended, or None where there is none."""
        work = self.work
        if work.ended:
            return None
        try:
            event = next(source)
        except StopIteration:
            work.end()
            return None
        except Exception as error:  # noqa: BLE001 - raised once everything is handed over, as on threads
            work.end(error)
            return None
        item = work.begin()
        if item is None:
            return None
        try:
            return Settled(item, self._context.copy().run(run_sync, self.plan.call(event, work)), None)
        except FcallError as error:
            error.index = item
            return Settled(item, None, error)
        finally:
            work.finish()

    def _start(self, number: int) -> None:
        """It comes by itself."""
