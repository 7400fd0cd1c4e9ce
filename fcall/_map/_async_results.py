"""Results for ``async for``."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import copy_context
from types import TracebackType
from typing import Any, TypeVar

from fcall._map._crew import Crew
from fcall._map._progress import Meter
from fcall._map._results import Handing
from fcall._map._source import fill
from fcall._map._work import Settled
from fcall._threads import UNBOUNDED

__all__ = ["AsyncResults", "LoopBell"]

T = TypeVar("T")

_TURNS = 64
"""Outcomes that are handed over one after the other before other tasks have their turn."""


class LoopBell:
    """Wakes the one task that sleeps on it, from any thread."""

    def __init__(self) -> None:
        self._thread = 0
        self._asleep: asyncio.Future[bool] | None = None

    def ring(self) -> None:
        """Wake who sleeps; it costs nothing where nobody does."""
        asleep = self._asleep
        if asleep is None:
            return
        if threading.get_ident() == self._thread:
            self._wake(True)
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed, so nobody sleeps
                asleep.get_loop().call_soon_threadsafe(self._wake, True)

    async def sleep(self, seconds: float, awake: Callable[[], object]) -> bool:
        """`ThreadBell.sleep`, awaiting."""
        loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._asleep = asleep = loop.create_future()
        timer = loop.call_later(seconds, self._wake, False)
        try:
            return bool(awake()) or await asleep
        finally:
            timer.cancel()
            self._asleep = None

    def _wake(self, rung: bool) -> None:
        if self._asleep is not None and not self._asleep.done():
            self._asleep.set_result(rung)


class Feeder:
    """A task that reads an asynchronous iterable.

    Args:
        crew: who works on the items.
        source: where they come from.
    """

    def __init__(self, crew: Crew, source: AsyncIterator[Any]) -> None:
        self._room = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(_read(crew, source, self._room))

    def tell_room(self) -> None:
        """An outcome was handed over, so there may be room."""
        self._room.set()

    def cancel(self) -> None:
        """Read no further; on any thread, since a finalizer may ask for it."""
        with contextlib.suppress(RuntimeError):  # the loop is closed, so nothing is read any more
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)


async def _read(crew: Crew, source: AsyncIterator[Any], room: asyncio.Event) -> None:
    work = crew.work
    try:
        while not work.stopped:
            if not work.room:
                room.clear()
                await room.wait()
                continue
            work.put(await anext(source))
            crew.engage()
    except StopAsyncIteration:
        work.end()
    except BaseException as error:
        work.end(error)  # the consumer gets it, after everything that was read before
        if not isinstance(error, Exception):
            raise
    finally:
        work.ring()


class AsyncResults(Handing[T], AsyncIterator[T]):
    """The results of a map, an asynchronous iterator for one task.

    Leaving the loop early cancels what was not sent. What was sent is settled in the background: `aclose` waits for it,
    and so does closing the client. Cancelling the task that iterates cancels what was sent as well, where the provider
    is awaited; it may have run.
    """

    def __init__(
        self,
        crew: Crew,
        bell: LoopBell,
        source: Iterator[Any] | AsyncIterator[Any],
        shape: Callable[[Settled], T],
        meter: Meter | None,
    ) -> None:
        super().__init__(crew, shape, meter)
        self._bell = bell
        self._source = source
        self._feeder: Feeder | None = None
        self._turns = 0

    async def __anext__(self) -> T:
        work = self._work
        try:
            await self._take_turns()
            while True:
                await self._fill()
                settled = work.ready()
                if settled is not None:
                    if self._feeder is not None:
                        self._feeder.tell_room()
                    return self._handed(settled)
                if work.over:
                    self._finish()
                    raise StopAsyncIteration
                started = time.monotonic()
                self._look(started, await self._bell.sleep(self._longest_sleep(), self._awake))
        except StopAsyncIteration:
            raise
        except BaseException as error:
            self._broke_off(error)
            raise

    async def aclose(self) -> None:
        """Send nothing more, wait for what was sent, and hand over nothing more.

        Raises:
            ConfigurationError: a function that this map called asks for it, which would wait for itself.
        """
        self._work.stop()
        self._stop_reading()
        await asyncio.wrap_future(UNBOUNDED.submit(copy_context().run, self._work.join))
        self._work.drop()

    async def __aenter__(self) -> AsyncResults[T]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, Exception):
            await self.aclose()
        else:
            self._broke_off(error)

    async def _take_turns(self) -> None:
        """Let other tasks run now and then, where outcomes are always there already."""
        self._turns += 1
        if self._turns % _TURNS == 0:
            await asyncio.sleep(0)

    async def _fill(self) -> None:
        """Read items; what takes long to read does not keep other tasks from running."""
        if isinstance(self._source, AsyncIterator):
            if self._feeder is None:
                self._feeder = Feeder(self._crew, self._source)
            return
        while self._work.room >= self._chunk and not fill(self._crew, self._source, patient=False):
            await asyncio.sleep(0)

    def _stop_reading(self) -> None:
        if self._feeder is not None:
            self._feeder.cancel()

    def _broke_off(self, error: BaseException) -> None:
        self._stop_reading()
        super()._broke_off(error)

    def __del__(self) -> None:
        super().__del__()
        if getattr(self, "_feeder", None) is not None:
            self._stop_reading()
