"""How one call goes: attempts, pauses, failover and the telling of it, with no I/O.

A flow is a generator. It yields what is to be done next and is sent what came of it, so that the same logic serves
threads and asyncio, and a test can feed it by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fcall._deadline import Deadline
from fcall._invocation import Invocation
from fcall._observers import Observers
from fcall._result import InvocationResult
from fcall._router import Route
from fcall._target import Target
from fcall.errors import (
    Attempt,
    ConfigurationError,
    Executed,
    FcallError,
    RejectedError,
    UnmappedProviderError,
)
from fcall.provider import Provider

__all__ = ["Advance", "Emit", "Flow", "Open", "Pause", "Send", "Step"]


@dataclass(slots=True)
class Send:
    """Call `provider.invoke`; answer with its result or throw what it raised."""

    provider: Provider
    invocation: Invocation
    deadline: Deadline


@dataclass(slots=True)
class Open(Send):
    """Call `provider.stream`; answer with the iterator and its first piece, None where it has none."""


@dataclass(slots=True)
class Advance:
    """Take the next piece; answer with it, or with None at the end."""

    pieces: Iterator[bytes]


@dataclass(slots=True)
class Emit:
    """Hand a piece to the caller."""

    piece: bytes


@dataclass(slots=True)
class Pause:
    """Wait."""

    seconds: float


_EXECUTED_WHEN_OK = {"Sync": Executed.YES, "Async": Executed.MAYBE, "DryRun": Executed.NO}

Step: TypeAlias = "Send | Open | Advance | Emit | Pause"


class Flow:
    """One logical call.

    Args:
        target: what the application named.
        invocation: the call, checked.
        routes: where it may go, in order.
        observers: who is told.
        clock: a monotonic clock in seconds.
        random: gives a number from 0 up to 1.
    """

    __slots__ = ("_attempts", "_call", "_deadline", "_invocation", "_observers", "_random", "_routes", "_target")

    def __init__(
        self,
        target: Target,
        invocation: Invocation,
        routes: Sequence[Route],
        observers: Observers,
        clock: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self._target = target
        self._invocation = invocation
        self._routes = routes
        self._observers = observers
        self._random = random
        self._attempts: list[Attempt] = []
        timeout = routes[0].timeout(invocation)
        self._deadline = Deadline.inside(timeout, clock)
        self._call = observers.call(target, invocation, routes[0].provider_name, timeout) if observers else None

    def invoke(self) -> Generator[Step, Any, InvocationResult]:
        """The call with one whole answer."""
        return (yield from self._told(self._answered()))

    def stream(self) -> Generator[Step, Any, InvocationResult]:
        """The call with an answer in pieces. Nothing is tried again once the first piece is there."""
        return (yield from self._told(self._streamed()))

    def _told(self, steps: Generator[Step, Any, InvocationResult]) -> Generator[Step, Any, InvocationResult]:
        """`steps`, with the observers told before and after."""
        if self._call is None:
            return (yield from steps)
        started = self._deadline.clock()
        self._observers.before(self._call)
        try:
            result = yield from steps
        except BaseException as error:
            self._observers.after(self._call, tuple(self._attempts), self._deadline.clock() - started, error=error)
            raise
        self._observers.after(self._call, tuple(self._attempts), self._deadline.clock() - started, result=result)
        return result

    def _answered(self) -> Generator[Step, Any, InvocationResult]:
        result: InvocationResult
        result, route = yield from self._tried(Send)
        return result.told_by(route.provider_name, tuple(self._attempts))

    def _streamed(self) -> Generator[Step, Any, InvocationResult]:
        (pieces, piece), route = yield from self._tried(Open)
        while piece is not None:
            try:
                yield Emit(piece)
                piece = yield Advance(pieces)
            except FcallError as error:
                raise self._complete(error, route) from error.__cause__
            except Exception as error:
                raise self._complete(_unmapped(error), route) from error
        return InvocationResult(provider=route.provider_name, attempts=tuple(self._attempts))

    def _tried(self, step_type: type[Send]) -> Generator[Step, Any, tuple[Any, Route]]:
        """Attempts at one route after the other, until there is an answer or nothing more may be tried."""
        failure: FcallError | None = None
        try:
            for route in self._routes:
                try:
                    step = step_type(route.provider, self._addressed(route), self._deadline)
                except ConfigurationError as error:
                    if failure is None:
                        raise self._complete(error, route) from error.__cause__
                    failure.add_note(f"failover to {route.provider_name} was not possible: {error}")
                    continue
                answer, failure = yield from self._repeated(step, route)
                if failure is None:
                    return answer, route
                if not route.policy.may_fail_over(failure, self._invocation) or self._deadline.expired:
                    break
            assert failure is not None
            raise failure
        finally:
            failure = None  # a frame that holds its own exception is a cycle that keeps the payload alive

    def _repeated(self, step: Send, route: Route) -> Generator[Step, Any, tuple[Any, FcallError | None]]:
        """Attempts at one route. Exactly one of answer and failure is something."""
        clock, number = self._deadline.clock, 0
        while True:
            number += 1
            started = clock()
            try:
                answer = yield step
            except FcallError as error:
                failure = error
            except Exception as error:  # noqa: BLE001 - what a provider lets slip becomes an error of ours
                failure = _unmapped(error)
            except BaseException as error:
                self._interrupted(error, route)
                raise
            else:
                self._succeeded(route, step.invocation, clock() - started)
                return answer, None
            self._complete(failure, route)
            pause = route.policy.pause(number, failure, self._invocation, self._deadline.remaining(), self._random)
            self._failed(failure, route, step.invocation, clock() - started, pause)
            if pause is None:
                return None, failure
            del failure
            yield Pause(pause)

    def _addressed(self, route: Route) -> Invocation:
        """The call in the words of this route's provider, with what the observers add to its context."""
        invocation = route.address(self._invocation)
        return (
            invocation if self._call is None else self._observers.enriched(self._call, invocation, route.capabilities)
        )

    def _succeeded(self, route: Route, invocation: Invocation, elapsed: float) -> None:
        executed = _EXECUTED_WHEN_OK[invocation.type]
        self._attempts.append(
            Attempt(len(self._attempts) + 1, route.label(invocation), "ok", executed, None, None, elapsed)
        )

    def _failed(
        self, failure: FcallError, route: Route, invocation: Invocation, elapsed: float, pause: float | None
    ) -> None:
        attempt = Attempt(
            len(self._attempts) + 1,
            route.label(invocation),
            _outcome(failure),
            failure.executed,
            type(failure).__name__,
            failure.code,
            elapsed,
            pause,
        )
        self._attempts.append(attempt)
        failure.attempts = tuple(self._attempts)
        if pause is not None and self._call is not None:
            self._observers.retry(self._call, attempt)

    def _complete(self, failure: FcallError, route: Route) -> FcallError:
        """The error with what the flow knows and the provider need not say."""
        failure.provider = failure.provider or route.provider_name
        if failure.function is None:
            failure.service, failure.function = self._target.service, self._target.function or self._target.function_id
        if self._invocation.type == "DryRun":
            failure.executed = Executed.NO  # a dry run runs nothing, however it failed
        failure.attempts = tuple(self._attempts)
        return failure

    def _interrupted(self, error: BaseException, route: Route) -> None:
        name = f"{self._target.name} on {route.provider_name}"
        error.add_note(f"fcall: interrupted while {name} was being called; it may have run (executed: MAYBE)")


def _outcome(failure: FcallError) -> str:
    if failure.executed is Executed.NO:
        return "rejected" if isinstance(failure, RejectedError) else "not sent"
    return "maybe" if failure.executed is Executed.MAYBE else "executed"


def _unmapped(error: Exception) -> FcallError:
    unmapped = UnmappedProviderError(
        f"the provider raised {type(error).__name__}, which is not an error of fcall; see the cause, and report it to "
        "the provider's author"
    )
    unmapped.__cause__ = error
    return unmapped
