"""The crew of tasks, for providers that are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any

from fcall._drivers import Pool, run_asyncio
from fcall._map._crew import Crew, settle_failed
from fcall._map._plan import Plan
from fcall._map._work import Work

__all__ = ["Tasks"]


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

    def engage(self) -> None:
        """Have as many as there is work for: one costs little."""
        number = self.work.engage(self.work.pace.limit)
        if number:
            self._start(number)

    def cancel(self) -> None:
        for task in list(self._tasks):
            task.cancel()

    def _start(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(number):
            task = loop.create_task(_call_asyncio(self.work, self.plan, self._pool, self._context))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


class _Within:
    """A coroutine with context variables of its own, as a task of its own would have them, and at less cost.

    Args:
        context: what it sees, and where what it sets stays.
        coroutine: what is awaited.
    """

    def __init__(self, context: Context, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._context = context
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        run, step, sent = self._context.run, self._coroutine.send, None
        while True:
            try:
                waited_for = run(step, sent)
            except StopIteration as end:
                return end.value
            try:
                step, sent = self._coroutine.send, (yield waited_for)
            except BaseException as error:  # noqa: BLE001 - it belongs to the coroutine
                step, sent = self._coroutine.throw, error


async def _call_asyncio(work: Work, plan: Plan, pool: Pool, context: Context) -> None:
    """Call items on the event loop until there is none left for this task."""
    while (item := work.take()) is not None:
        index, event = item
        del item
        try:
            result = await _Within(context.copy(), run_asyncio(plan.call(event, work), pool))
        except Exception as error:  # noqa: BLE001 - the consumer gets it
            settle_failed(work, index, error)
        except BaseException as error:
            work.settle(index, None, error)
            work.leave()
            raise
        else:
            work.settle(index, result)
        del event
