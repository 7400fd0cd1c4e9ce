"""The crew of tasks, for providers that are awaited."""

from __future__ import annotations

import asyncio

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
            task = loop.create_task(_call_asyncio(self.work, self.plan, self._pool), context=self._context.copy())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _call_asyncio(work: Work, plan: Plan, pool: Pool) -> None:
    """Call items on the event loop until there is none left for this task."""
    while (item := work.take()) is not None:
        index, event = item
        del item
        try:
            result = await run_asyncio(plan.call(event, work), pool)
        except Exception as error:  # noqa: BLE001 - the consumer gets it
            settle_failed(work, index, error)
        except BaseException as error:
            work.settle(index, None, error)
            work.leave()
            raise
        else:
            work.settle(index, result)
        del event
