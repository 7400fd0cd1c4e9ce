"""Results: what a map gives its caller to iterate over."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, TypeVar

from fcall._map._bell import ThreadBell
from fcall._map._crew import Consumer, Crew
from fcall._map._progress import Meter
from fcall._map._source import fill
from fcall._map._work import Settled
from fcall._result import Acceptance, InvocationResult
from fcall.errors import FcallError

__all__ = ["Handing", "Outcome", "OwnResults", "Results", "acceptance_of", "outcome_of", "result_of"]

T = TypeVar("T")

_GLANCE = 0.002
"""Seconds; nothing within this time, and one worker more is worth its cost."""
_QUICK = 0.0002
"""Seconds between two outcomes; below that the interpreter is busy, and more workers would only get into its way."""
_NAP = 0.5  # a Ctrl-C that comes just before a thread goes to sleep on a lock is not seen until it wakes up
_NAP_WITH_DISPLAY = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one item ended. Exactly one of result and error is something.

    Attributes:
        index: the item's place in the iterable, from 0.
        result: the answer, or None.
        error: how the call failed, or None; its `index` is the same.
    """

    index: int
    result: InvocationResult | None
    error: FcallError | None


class Handing(Generic[T]):
    """What the two kinds of results have in common.

    Args:
        crew: who works.
        shape: makes of an outcome what the caller gets; it raises what the caller is to see raised.
        meter: counts, or None.
    """

    def __init__(self, crew: Crew, shape: Callable[[Settled], T], meter: Meter | None) -> None:
        self._crew = crew
        self._work = crew.work
        self._shape = shape
        self._meter = meter
        self._chunk = self._work.window // 4
        self._nap = _NAP if meter is None else _NAP_WITH_DISPLAY

    def cancel(self) -> None:
        """Send nothing more. What was sent can still be taken, and then there is no more."""
        self._work.stop()

    def __del__(self) -> None:
        work = getattr(self, "_work", None)
        if work is None:  # making it failed
            return
        work.stop()
        if self._meter is not None:
            with contextlib.suppress(Exception):
                self._meter.finish()

    def _handed(self, settled: Settled) -> T:
        if self._meter is not None:
            self._meter.count(settled)
        return self._shape(settled)

    def _finish(self) -> None:
        """There is nothing more to come, or a reason why."""
        if self._meter is not None:
            self._meter.finish()
        self._work.raise_reason()

    def _broke_off(self, error: BaseException) -> None:
        """The iteration ends with an error: send nothing more, and wait for nothing where it is an interrupt."""
        self._work.stop()
        self._work.drop()
        if not isinstance(error, Exception):
            under_way = self._work.abandon()
            self._crew.cancel()
            if under_way:
                error.add_note(
                    f"fcall: interrupted while {under_way} of the calls of {self._crew.plan.name} by a map were under "
                    "way; they may have run (executed: MAYBE)"
                )
        if self._meter is not None:
            self._meter.finish()

    def _look(self, started: float, rung: bool) -> None:
        """Judge from a wait whether more workers are worth their cost, and have them if so."""
        took = time.monotonic() - started
        self._crew.slow = not rung or took > _QUICK * max(1, self._work.arrived)
        if self._crew.slow:
            self._crew.engage()
        if self._meter is not None:
            self._meter.show()

    def _awake(self) -> bool:
        return self._work.arrived > 0 or self._work.over

    def _longest_sleep(self) -> float:
        return _GLANCE if self._work.short_of_workers else self._nap


class Results(Handing[T], Iterator[T]):
    """The results of a map, an iterator. Calls are made while it is iterated over, by no more than one thread.

    Leaving the loop early cancels what was not sent. What was sent is settled in the background: `close` waits for it,
    and so does closing the client.
    """

    def __init__(
        self, crew: Crew, bell: ThreadBell, source: Iterator[Any], shape: Callable[[Settled], T], meter: Meter | None
    ) -> None:
        super().__init__(crew, shape, meter)
        self._bell = bell
        self._source = source

    def __next__(self) -> T:
        work = self._work
        try:
            while True:
                if work.room >= self._chunk:
                    fill(self._crew, self._source)
                settled = work.ready()
                if settled is not None:
                    return self._handed(settled)
                if work.over:
                    self._finish()
                    raise StopIteration
                started = time.monotonic()
                self._look(started, self._bell.sleep(self._longest_sleep(), self._awake))
        except StopIteration:
            raise
        except BaseException as error:
            self._broke_off(error)
            raise

    def close(self) -> None:
        """Send nothing more, wait for what was sent, and hand over nothing more.

        Raises:
            ConfigurationError: a function that this map called asks for it, which would wait for itself.
        """
        self._work.stop()
        self._work.join()
        self._work.drop()
        if self._meter is not None:
            self._meter.finish()

    def __enter__(self) -> Results[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, Exception):
            self.close()
        else:
            self._broke_off(error)


class OwnResults(Results[T]):
    """The same where the consumer calls the items itself, one at a time."""

    def __init__(
        self, crew: Consumer, source: Iterator[Any], shape: Callable[[Settled], T], meter: Meter | None
    ) -> None:
        super().__init__(crew, ThreadBell(), source, shape, meter)
        self._consumer = crew

    def __next__(self) -> T:
        try:
            settled = self._consumer.call_next(self._source)
            try:
                if settled is not None:
                    return self._handed(settled)
            finally:
                del settled  # this frame called the one that its error leads to, which is a cycle
            self._finish()
        except BaseException as error:
            self._broke_off(error)
            raise
        raise StopIteration


def result_of(settled: Settled) -> InvocationResult:
    """The result, or its error raised."""
    if settled.error is not None:
        settled.raise_error()
    result: InvocationResult = settled.result
    return result


def acceptance_of(settled: Settled) -> Acceptance:
    """The acceptance, or its error raised."""
    result = result_of(settled)
    return Acceptance(result.request_id, result.status_code, result.provider)


def outcome_of(settled: Settled) -> Outcome:
    """The outcome, whichever it is; what is no error of ours is raised."""
    if settled.error is None:
        return Outcome(settled.item, settled.result, None)
    if not isinstance(settled.error, FcallError):
        settled.raise_error()
    return Outcome(settled.item, None, settled.error)
