"""How one call goes: attempts, pauses, failover and the telling of it, with no I/O.

A flow is a generator. It yields what is to be done next and is sent what came of it, so that the same logic serves
threads and asyncio, and a test can feed it by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Any

from fcall._breaker import Breaker
from fcall._deadline import Deadline
from fcall._guard import Guard
from fcall._invocation import Invocation
from fcall._limit import Place
from fcall._observers import Observers
from fcall._result import InvocationResult
from fcall._route import Route
from fcall._steps import END, Advance, Emit, Enter, Open, Pause, Send, Step
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

__all__ = ["END", "Advance", "Emit", "Enter", "Flow", "Open", "Pause", "Send", "Step"]


_NOT_SENT = (ConfigurationError, ConnectionFailedError, InvocationTimeoutError, CircuitOpenError)
_EXECUTED_WHEN_OK = {"Sync": Executed.YES, "Async": Executed.MAYBE, "DryRun": Executed.NO}


class _Way:
    """One way for the call: a route, what is asked of its provider, and what is remembered of that target."""

    __slots__ = ("guard", "guarded", "index", "label", "route", "step")

    def __init__(self, index: int, route: Route, step: Send) -> None:
        self.index = index
        self.route = route
        self.step = step
        self.label = route.label(step.invocation)
        self.guard: Guard = route.guards.of(self.label)
        self.guarded = route.policy.circuit_breaker or route.policy.max_in_flight is not None


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

    __slots__ = (
        "_attempts",
        "_call",
        "_deadline",
        "_invocation",
        "_last",
        "_leave",
        "_observers",
        "_random",
        "_routes",
        "_target",
    )

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
        self._attempts: tuple[Attempt, ...] = ()
        self._last: _Way | None = None
        self._leave: Callable[[], object] = bool
        timeout = routes[0].timeout(invocation)
        self._deadline = Deadline.inside(timeout, clock)
        self._call = observers.call(target, invocation, routes[0].provider_name, timeout) if observers else None

    def invoke(self) -> Generator[Step, Any, InvocationResult]:
        """The call with one whole answer."""
        return self._told(self._tried(Send))

    def stream(self) -> Generator[Step, Any, InvocationResult]:
        """The call with an answer in pieces. Nothing is tried again once the first piece is there."""
        return self._told(self._streamed())

    def _told(self, steps: Generator[Step, Any, tuple[Any, Route]]) -> Generator[Step, Any, InvocationResult]:
        """The answer of `steps` as the caller gets it, with the observers told before and after."""
        started = self._deadline.clock()
        try:
            if self._call is not None:
                self._observers.before(self._call)
            answer, route = yield from steps
            result: InvocationResult = answer.told_by(route.provider_name, self._attempts)
        except BaseException as error:
            if not isinstance(error, Exception):
                error.add_note(self._interrupted())
            self._tell_end(started, None, error)
            raise
        self._tell_end(started, result, None)
        return result

    def _interrupted(self) -> str:
        """The note on an interrupt; one that falls between attempts none of which ran knows that nothing did."""
        whether = "it may have run (executed: MAYBE)" if self._executed() else "it did not run (executed: NO)"
        return f"fcall: interrupted while {self._target.name} was being called; {whether}"

    def _tell_end(self, started: float, result: InvocationResult | None, error: BaseException | None) -> None:
        if self._call is not None:
            elapsed = self._deadline.clock() - started
            last = self._last
            callee = None if last is None else last.route.callee(last.step.invocation)
            self._observers.after(self._call, self._attempts, elapsed, result=result, error=error, callee=callee)

    def _streamed(self) -> Generator[Step, Any, tuple[InvocationResult, Route]]:
        (pieces, piece), route = yield from self._tried(Open)
        try:
            yield from self._pieces(pieces, piece, route)
        finally:
            self._leave()
        return InvocationResult(), route

    def _pieces(self, pieces: Iterator[bytes], piece: Any, route: Route) -> Generator[Step, Any, None]:
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

    def _tried(self, step_type: type[Send]) -> Generator[Step, Any, tuple[Any, Route]]:
        """Attempts, at one route and on to the next, until there is an answer or nothing more may be tried."""
        clock, expires_at = self._deadline.clock, self._deadline.expires_at
        failure: FcallError | None = None
        charged = 0
        try:
            way = self._first(step_type)
            while True:
                started, answer = clock(), None
                try:
                    if started >= expires_at:
                        raise _out_of_time("before anything was sent; raise timeout, or enqueue it")
                    answer = (yield from self._guarded(way)) if way.guarded else (yield way.step)
                except FcallError as error:
                    failure = error
                except Exception as error:  # noqa: BLE001 - what a provider lets slip is an error of ours
                    failure = _unmapped(error)
                except BaseException as error:
                    self._cut_off(way, clock() - started, error)
                    raise
                elapsed = clock() - started
                if failure is None and not way.step.accepts(answer):
                    failure = _unusable(answer, way.step.wants)
                if failure is None:
                    way.guard.budget.refund(charged)
                    self._attempted(way, "ok", _EXECUTED_WHEN_OK[way.step.invocation.type], elapsed)
                    return answer, way.route
                self._complete(failure, way.route)
                following, pause, charged = self._next(way, failure)
                self._failed(failure, way, elapsed, pause)
                if following is None:
                    raise self._final(failure, way.route)
                way, failure = following, None
                if pause is not None:
                    yield Pause(pause)
        finally:
            failure = None  # a frame that its own exception leads to is a cycle, and keeps the payload alive

    def _first(self, step_type: type[Send]) -> _Way:
        try:
            return self._way(0, step_type)
        except (ConfigurationError, PayloadTooLargeError) as error:
            raise self._final(error, self._routes[0]) from error.__cause__

    def _way(self, index: int, step_type: type[Send]) -> _Way:
        """The way by a route of the list, in the words of its provider."""
        route = self._routes[index]  # a failover list makes its later routes only now
        if index and step_type is Open:
            route.check_streaming()
        return _Way(index, route, step_type(route.provider, self._addressed(route), self._deadline))

    def _next(self, way: _Way, failure: FcallError) -> tuple[_Way | None, float | None, int]:
        """Where the next attempt is made, after which pause, and what it cost; nowhere if there is to be none."""
        following = self._other(way, failure)
        if following is not None:
            return following, None, 0
        number = len(self._attempts) + 1
        pause = way.route.policy.pause(number, failure, self._invocation, self._deadline.remaining(), self._random)
        if pause is None:
            return None, None, 0
        charged = way.guard.budget.charge(failure)
        if not charged:
            failure.add_note(_over_budget(way.label))
            return None, None, 0
        return way, pause, charged

    def _other(self, way: _Way, failure: FcallError) -> _Way | None:
        """The next way that can take the call, where the call may go on to it."""
        others = range(way.index + 1, len(self._routes))
        if not others or self._deadline.expired:
            return None
        if not way.route.policy.may_fail_over(failure, self._executed(), self._invocation):
            return None
        for index in others:
            try:
                return self._way(index, type(way.step))
            except (ConfigurationError, PayloadTooLargeError) as error:
                failure.add_note(f"failover to {error.provider or 'the next one'} was not possible: {error}")
        return None

    def _guarded(self, way: _Way) -> Generator[Step, Any, Any]:
        """The attempt, once the limit has a place and the breaker lets it through; both hear of its end."""
        policy, guard = way.route.policy, way.guard
        breaker = guard.breaker if policy.circuit_breaker else None
        place = None if policy.max_in_flight is None else Place(policy.max_in_flight)
        ticket = 0
        try:
            if place is not None and not guard.limit.take(place):
                yield from self._queued(way, place, breaker)
            if breaker is not None:
                ticket = breaker.admit(self._deadline.clock())
                if not ticket:
                    raise _left_alone(way.label, breaker, self._deadline.clock())
            answer = yield way.step
            if ticket:
                guard.breaker.hear(ticket, None, 0.0)
            if place is not None and type(way.step) is Open:
                self._leave, place = partial(guard.limit.leave, place), None  # until the last piece
            return answer
        except BaseException as error:
            if ticket:
                guard.breaker.hear(ticket, error, self._deadline.clock())
            raise
        finally:
            if place is not None:
                guard.limit.leave(place)

    def _queued(self, way: _Way, place: Place, breaker: Breaker | None) -> Generator[Step, Any, None]:
        """Wait for the place, unless nobody would go on from it."""
        now = self._deadline.clock()
        if breaker is not None and breaker.wait(now):
            raise _left_alone(way.label, breaker, now)
        way.step.begun = False
        entered = yield Enter(way.guard.limit, place, self._deadline)
        way.step.begun = True
        if not entered:
            raise _out_of_time(
                f"while as many calls of {way.label} were under way as max_in_flight allows, {place.most}; raise it, "
                "or timeout"
            )

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

    def _failed(self, failure: FcallError, way: _Way, elapsed: float, pause: float | None) -> None:
        name, outcome = type(failure).__name__, _outcome(failure)
        attempt = self._attempted(way, outcome, failure.executed, elapsed, name, failure.code, pause)
        if pause is not None and self._call is not None:
            self._observers.retry(self._call, attempt)

    def _cut_off(self, way: _Way, elapsed: float, error: BaseException) -> None:
        """Write down an attempt that nobody waits for any more; a dry run never runs anything."""
        begun = way.step.begun
        executed = Executed.MAYBE if begun and self._invocation.type != "DryRun" else Executed.NO
        self._attempted(way, "maybe" if begun else "not sent", executed, elapsed, type(error).__name__)

    def _attempted(
        self,
        way: _Way,
        outcome: str,
        executed: Executed,
        elapsed: float,
        error: str | None = None,
        code: str | None = None,
        pause: float | None = None,
    ) -> Attempt:
        self._last = way
        attempt = Attempt(len(self._attempts) + 1, way.label, outcome, executed, error, code, elapsed, pause)
        self._attempts += (attempt,)
        return attempt

    def _broke_off(self, failure: FcallError) -> None:
        """The attempt that went well up to now did not: it failed after its first piece, so the function ran."""
        name = type(failure).__name__
        *before, last = self._attempts
        self._attempts = (*before, last._replace(outcome="executed", error=name, code=failure.code))

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
        failure.attempts = self._attempts
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


def _out_of_time(when: str) -> FcallError:
    return InvocationTimeoutError(f"the time-out passed {when}", executed=Executed.NO)


def _left_alone(label: str, breaker: Breaker, now: float) -> FcallError:
    return CircuitOpenError(
        f"{label} could not be reached {breaker.misses} times in a row and is left alone for another "
        f"{breaker.wait(now):.1f} s; nothing was sent"
    )


def _over_budget(label: str) -> str:
    return f"not tried again: the retry budget of {label} is used up, and fills as its calls succeed"


def _unusable(answer: object, wanted: str) -> FcallError:
    return UnmappedProviderError(
        f"the provider answered with {a_kind(answer)} instead of {wanted}; report it to the provider's author"
    )
