"""The crew of tasks, for providers that are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context
from types import coroutine
from typing import Any, TypeVar

from fcall._drivers import Pool, run_asyncio
from fcall._map._crew import Crew, settle_failed
from fcall._map._plan import Plan
from fcall._map._work import Work

__all__ = ["Tasks"]

T = TypeVar("T")


class Tasks(Crew):
    """Tasks of the running event loop, for providers that are awaited.

    Args:
        work: the items.
        plan: how each one is called.
        pool: for what still blocks, such as a provider further down a failover list.
    """

    def __init__(self, work: Work, plan: Plan, pool: Pool) -> None:
        super().__init__(work, plan)
        self._pool = pool
        self._tasks: set[asyncio.Task[None]] = set()
        self._forget = self._tasks.discard

    def engage(self) -> None:
        """Have as many as there is work for: one costs little."""
        number = self.work.engage(self.work.pace.limit)
        if number:
            self._start(number)

    def cancel(self) -> None:
        for task in list(self._tasks):
            task.cancel()

    def _start(self, number: int) -> None:
        for started in range(number):
            calls = _call_asyncio(self.work, self.plan, self._pool, self._context)
            try:
                task = asyncio.get_running_loop().create_task(calls)
            except BaseException:  # an application's own task factory
                calls.close()
                for _ in range(number - started):
                    self.work.leave()
                raise
            self._tasks.add(task)
            task.add_done_callback(self._forget, context=self._context)


@coroutine
def _within(context: Context, call: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """What a coroutine gives with context variables of its own, as in a task of its own, and at less cost.

    Args:
        context: what it sees, and where what it sets stays.
        call: what is awaited.
    """
    thrown: BaseException | None = None
    while True:
        try:
            waited_for = context.run(call.send, None) if thrown is None else context.run(call.throw, thrown)
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            thrown = yield waited_for
        except BaseException as error:  # noqa: BLE001 - it belongs to the coroutine
            thrown = error


async def _call_asyncio(work: Work, plan: Plan, pool: Pool, context: Context) -> None:
    """Call items on the event loop until there is none left for this task."""
    while (item := work.take()) is not None:
        index, event = item
        del item
        try:
            result = await _within(context.copy(), run_asyncio(plan.call(event, work), pool))
        except Exception as error:  # noqa: BLE001 - the consumer gets it
            settle_failed(work, index, error)
        except BaseException as error:
            work.settle(index, None, error)
            work.leave()
            raise
        else:
            work.settle(index, result)
        del event
