"""Plans: what a map does with each of its events."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fcall._deadline import Deadline
from fcall._flow import Flow
from fcall._invocation import Invocation
from fcall._map._work import Work
from fcall._result import InvocationResult
from fcall._router import Route
from fcall._steps import Pause, Step
from fcall.errors import Attempt, Executed, FcallError, ThrottledError

__all__ = ["Plan"]

_NAP = 0.25
"""Seconds; how soon an item that waits to be called again hears that the map has stopped."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How each item is called.

    Attributes:
        name: the target as the application said it.
        invocation: the call of an event, checked.
        flow: the flow of a call.
        routes: where the calls go.
        clock: a monotonic clock in seconds.
        random: gives a number from 0 up to 1.
    """

    name: str
    invocation: Callable[[Any], Invocation]
    flow: Callable[[Invocation], Flow]
    routes: Sequence[Route]
    clock: Callable[[], float]
    random: Callable[[], float]

    def call(self, event: Any, work: Work) -> Generator[Step, Any, InvocationResult]:
        """One item's call. Where it is throttled the map slows down, and it is made again until the item's time-out.

        A throttled call did not run, so calling again is safe; one of which an earlier attempt may have run is not.
        """
        started = self.clock()
        invocation = self.invocation(event)
        try:
            result = yield from self.flow(invocation).invoke()
        except ThrottledError as error:
            work.pace.throttled(started)
            if error.executed is not Executed.NO:
                raise
            return (yield from self._again(invocation, error, started, work))
        if len(result.attempts) > 1 and any(attempt.error == "ThrottledError" for attempt in result.attempts):
            work.pace.throttled(started)
        else:
            work.pace.went_well()
        return result

    def _again(
        self, invocation: Invocation, error: ThrottledError, started: float, work: Work
    ) -> Generator[Step, Any, InvocationResult]:
        """The call made again and again, until it is throttled no more or has no time left."""
        left = self.routes[0].timeout(invocation) - (self.clock() - started)
        deadline = Deadline.inside(left, self.clock)
        number = 0
        try:
            while True:
                number += 1
                pause = work.pace.pause(number, error.retry_after, self.random)
                if pause < deadline.remaining():
                    yield from self._pause(pause, work)
                if work.cancelled or deadline.remaining() <= pause:
                    error.add_note(f"it was called {number} times, with pauses between, and throttled every time")
                    raise error
                before, sent_at = error.attempts, self.clock()
                try:
                    result = yield from self.flow(replace(invocation, timeout=deadline.remaining())).invoke()
                except FcallError as other:
                    other.attempts = _joined(before, other.attempts)
                    if not isinstance(other, ThrottledError):
                        raise
                    work.pace.throttled(sent_at)
                    if other.executed is not Executed.NO:
                        raise
                    error = other
                else:
                    return replace(result, attempts=_joined(before, result.attempts))
        finally:
            del error  # a frame that its own exception leads to is a cycle, and keeps the payload alive

    def _pause(self, seconds: float, work: Work) -> Generator[Step, Any, None]:
        ends_at = self.clock() + seconds
        while (left := ends_at - self.clock()) > 0 and not work.cancelled:
            yield Pause(min(left, _NAP))


def _joined(before: tuple[Attempt, ...], after: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """The attempts of one item, numbered anew."""
    return (*before, *(attempt._replace(number=attempt.number + len(before)) for attempt in after))
