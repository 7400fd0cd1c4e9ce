"""How one call goes: attempts, pauses, failover and the telling of it, with no I/O.

A flow is a generator. It yields what is to be done next and is sent what came of it, so that the same logic serves
threads and asyncio, and a test can feed it by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from fcall._deadline import Deadline
from fcall._invocation import Invocation
from fcall._observers import Observers
from fcall._result import InvocationResult
from fcall._router import Route
from fcall._target import Target
from fcall._wording import a_kind
from fcall.errors import (
    Attempt,
    CircuitOpenError,
    ConfigurationError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionError,
    InvocationTimeoutError,
    PayloadTooLargeError,
    UnmappedProviderError,
)
from fcall.provider import Provider

__all__ = ["END", "Advance", "Emit", "Flow", "Open", "Pause", "Send", "Step"]


@dataclass(slots=True)
class Send:
    """Call `provider.invoke`; answer with its result or throw what it raised."""

    wants: ClassVar[str] = "an InvocationResult"

    provider: Provider
    invocation: Invocation
    deadline: Deadline

    @staticmethod
    def accepts(answer: object) -> bool:
        """Whether the answer is of the kind that is wanted."""
        return isinstance(answer, InvocationResult) and isinstance(answer.payload, bytes)


END: Any = object()
"""Stands for a piece where a stream has no more."""


@dataclass(slots=True)
class Open(Send):
    """Call `provider.stream`; answer with the iterator and its first piece, `END` where it has none."""

    wants: ClassVar[str] = "an iterator of bytes"

    @staticmethod
    def accepts(answer: object) -> bool:
        return isinstance(answer, tuple)


@dataclass(slots=True)
class Advance:
    """Take the next piece; answer with it, or with `END`."""

    pieces: Iterator[bytes]


@dataclass(slots=True)
class Emit:
    """Hand a piece to the caller."""

    piece: bytes


@dataclass(slots=True)
class Pause:
    """Wait."""

    seconds: float


_NOT_SENT = (ConfigurationError, ConnectionFailedError, InvocationTimeoutError, CircuitOpenError)
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
        return self._told(self._answered())

    def stream(self) -> Generator[Step, Any, InvocationResult]:
        """The call with an answer in pieces. Nothing is tried again once the first piece is there."""
        return self._told(self._streamed())

    def _told(self, steps: Generator[Step, Any, InvocationResult]) -> Generator[Step, Any, InvocationResult]:
        """`steps`, with the observers told before and after."""
        started = self._deadline.clock()
        try:
            if self._call is not None:
                self._observers.before(self._call)
            result = yield from steps
        except BaseException as error:
            if not isinstance(error, Exception):
                error.add_note(self._interrupted())
            self._tell_end(started, None, error)
            raise
        self._tell_end(started, result, None)
        return result

    def _interrupted(self) -> str:
        whether = "it may have run" if self._in_doubt else "it did not run"
        executed = self._in_doubt.name
        return f"fcall: interrupted while {self._target.name} was being called; {whether} (executed: {executed})"

    @property
    def _in_doubt(self) -> Executed:
        """What can be said of a call that nobody waited for; a dry run never runs anything."""
        return Executed.NO if self._invocation.type == "DryRun" else Executed.MAYBE

    def _tell_end(self, started: float, result: InvocationResult | None, error: BaseException | None) -> None:
        if self._call is not None:
            elapsed = self._deadline.clock() - started
            self._observers.after(self._call, tuple(self._attempts), elapsed, result=result, error=error)

    def _answered(self) -> Generator[Step, Any, InvocationResult]:
        result, route = yield from self._tried(Send)
        told: InvocationResult = result.told_by(route.provider_name, tuple(self._attempts))
        return told

    def _streamed(self) -> Generator[Step, Any, InvocationResult]:
        (pieces, piece), route = yield from self._tried(Open)
        failure: FcallError | None = None
        while piece is not END:
            if not isinstance(piece, bytes):
                failure = _unusable(piece, "bytes")
            elif self._deadline.expired:
                failure = InvocationTimeoutError("the time-out passed before the stream ended; raise timeout")
            else:
                yield Emit(piece)
                piece, failure = yield from self._once(Advance(pieces))
            if failure is not None:
                self._broke_off(failure)
                try:
                    raise self._final(failure, route)
                finally:
                    del failure  # as in _tried
        return InvocationResult(provider=route.provider_name, attempts=tuple(self._attempts))

    def _tried(self, step_type: type[Send]) -> Generator[Step, Any, tuple[Any, Route]]:
        """Attempts at one route after the other, until there is an answer or nothing more may be tried."""
        failure: FcallError | None = None
        try:
            for index in range(len(self._routes)):
                try:
                    route = self._routes[index]  # a failover list makes its later routes only now
                    if failure is not None and step_type is Open:
                        route.check_streaming()
                    step = step_type(route.provider, self._addressed(route), self._deadline)
                except (ConfigurationError, PayloadTooLargeError) as error:
                    if failure is None:
                        raise self._final(error, route) from error.__cause__
                    failure.add_note(f"failover to {error.provider or 'the next one'} was not possible: {error}")
                    continue
                answer, failure = yield from self._repeated(step, route)
                if failure is None:
                    return answer, route
                self._final(failure, route)
                if not route.policy.may_fail_over(failure, self._invocation) or self._deadline.expired:
                    break
            assert failure is not None
            raise failure
        finally:
            failure = None  # a frame that its own exception leads to is a cycle, and keeps the payload alive

    def _repeated(self, step: Send, route: Route) -> Generator[Step, Any, tuple[Any, FcallError | None]]:
        """Attempts at one route. Exactly one of answer and failure is something."""
        clock, number = self._deadline.clock, 0
        failure: FcallError | None = None
        try:
            while True:
                number += 1
                started = clock()
                answer = None
                try:
                    if started >= self._deadline.expires_at:
                        raise _out_of_time()
                    answer = yield step
                except FcallError as error:
                    failure = error
                except Exception as error:  # noqa: BLE001 - what a provider lets slip is an error of ours
                    failure = _unmapped(error)
                except BaseException as error:
                    self._attempted(route, step, "maybe", self._in_doubt, clock() - started, type(error).__name__)
                    raise
                elapsed = clock() - started
                if failure is None and not step.accepts(answer):
                    failure = _unusable(answer, step.wants)
                if failure is None:
                    self._attempted(route, step, "ok", _EXECUTED_WHEN_OK[step.invocation.type], elapsed)
                    return answer, None
                self._complete(failure, route)
                pause = route.policy.pause(number, failure, self._invocation, self._deadline.remaining(), self._random)
                self._failed(failure, route, step, elapsed, pause)
                if pause is None:
                    return None, failure
                failure = None
                yield Pause(pause)
        finally:
            failure = None  # as in _tried

    def _once(self, step: Step) -> Generator[Step, Any, tuple[Any, FcallError | None]]:
        """What came of a step: an answer, or a failure, which is an error of ours whatever the provider let slip."""
        try:
            return (yield step), None
        except FcallError as error:
            return None, error
        except Exception as error:  # noqa: BLE001 - see above
            return None, _unmapped(error)

    def _addressed(self, route: Route) -> Invocation:
        """The call in the words of this route's provider, with what the observers add to its context."""
        invocation = route.address(self._invocation)
        return (
            invocation if self._call is None else self._observers.enriched(self._call, invocation, route.capabilities)
        )

    def _executed(self) -> Executed:
        """Whether any attempt ran the function: what the last one says of itself is not the whole answer."""
        ran = {attempt.executed for attempt in self._attempts}
        return Executed.YES if Executed.YES in ran else Executed.MAYBE if Executed.MAYBE in ran else Executed.NO

    def _failed(self, failure: FcallError, route: Route, step: Send, elapsed: float, pause: float | None) -> None:
        name, outcome = type(failure).__name__, _outcome(failure)
        attempt = self._attempted(route, step, outcome, failure.executed, elapsed, name, failure.code, pause)
        if pause is not None and self._call is not None:
            self._observers.retry(self._call, attempt)

    def _attempted(
        self,
        route: Route,
        step: Send,
        outcome: str,
        executed: Executed,
        elapsed: float,
        error: str | None = None,
        code: str | None = None,
        pause: float | None = None,
    ) -> Attempt:
        number, label = len(self._attempts) + 1, route.label(step.invocation)
        attempt = Attempt(number, label, outcome, executed, error, code, elapsed, pause)
        self._attempts.append(attempt)
        return attempt

    def _broke_off(self, failure: FcallError) -> None:
        """The attempt that went well up to now did not: it failed after its first piece, so the function ran."""
        name = type(failure).__name__
        self._attempts[-1] = self._attempts[-1]._replace(outcome="executed", error=name, code=failure.code)

    def _complete(self, failure: FcallError, route: Route) -> None:
        """Give the error what the flow knows of its attempt and the provider need not say."""
        failure.provider = failure.provider or route.provider_name
        if failure.function is None:
            failure.service, failure.function = self._target.service, self._target.function or self._target.function_id
        if self._invocation.type == "DryRun":
            failure.executed = Executed.NO  # a dry run runs nothing, however it failed

    def _final(self, failure: FcallError, route: Route) -> FcallError:
        """The error with what is known of the whole call, as the caller gets it."""
        self._complete(failure, route)
        failure.executed = self._executed()
        failure.attempts = tuple(self._attempts)
        if isinstance(failure, FunctionError) and failure.result is not None:
            failure.result = failure.result.told_by(route.provider_name, failure.attempts)
        return failure


def _outcome(failure: FcallError) -> str:
    if failure.executed is Executed.NO:
        return "not sent" if isinstance(failure, _NOT_SENT) else "rejected"
    return "maybe" if failure.executed is Executed.MAYBE else "executed"


def _unmapped(error: Exception) -> FcallError:
    unmapped = UnmappedProviderError(
        f"the provider raised {type(error).__name__}, which is not an error of fcall; see the cause, and report it to "
        "the provider's author"
    )
    unmapped.__cause__ = error
    return unmapped


def _out_of_time() -> FcallError:
    return InvocationTimeoutError(
        "the time-out passed before anything was sent; raise timeout, or enqueue it", executed=Executed.NO
    )


def _unusable(answer: object, wanted: str) -> FcallError:
    return UnmappedProviderError(
        f"the provider answered with {a_kind(answer)} instead of {wanted}; report it to the provider's author"
    )
