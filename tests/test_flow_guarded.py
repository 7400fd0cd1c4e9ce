"""The flow of calls that share a target: its retry budget, its limit and its breaker, fed by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pytest

from fcall._flow import END, Advance, Emit, Enter, Flow, Open, Pause, Send
from fcall._guard import Guards
from fcall._invocation import Invocation
from fcall._limit import Place
from fcall._observers import NO_OBSERVERS, Observers
from fcall._policy import Policy
from fcall._route import Route
from fcall._target import Target
from fcall.errors import (
    CircuitOpenError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionError,
    InvocationTimeoutError,
    ThrottledError,
)
from fcall.provider import Capabilities, Deadline, InvocationResult

TARGET = Target("images", "resize")
CALL = Invocation("resize", "images", timeout=60.0)
LABEL = "aws:images/resize"


class Clock:
    """A clock that the test winds."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Platform:
    """A provider that says what it can do and is never called: the test answers for it."""

    capabilities = Capabilities(streaming=True)

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        raise NotImplementedError

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def _ok() -> InvocationResult:
    return InvocationResult(b"1")


def _route(name: str = "aws", **policy: Any) -> Route:
    return Route(name, Platform(), policy=Policy(**policy), guards=Guards())


def _flow(clock: Clock, *routes: Route, invocation: Invocation = CALL, observers: Observers = NO_OBSERVERS) -> Flow:
    return Flow(TARGET, invocation, routes, observers, clock, lambda: 0.5)


Steps = Generator[Any, Any, InvocationResult]


def _play(steps: Steps, answers: Sequence[Any]) -> InvocationResult:
    """Feed a flow to its end; a pause takes no answer."""
    left = list(answers)
    try:
        step = next(steps)
        while True:
            if isinstance(step, (Pause, Emit)):
                step = steps.send(None)
                continue
            answer = left.pop(0)
            step = steps.throw(answer) if isinstance(answer, BaseException) else steps.send(answer)
    except StopIteration as end:
        assert not left
        result: InvocationResult = end.value
        return result


def _failed(clock: Clock, *routes: Route, answers: Sequence[BaseException], **call: Any) -> FcallError:
    with pytest.raises(FcallError) as caught:
        _play(_flow(clock, *routes, **call).invoke(), answers)
    return caught.value


def _throttled(times: int) -> list[BaseException]:
    return [ThrottledError("busy") for _ in range(times)]


# The retry budget


def _refused(clock: Clock, route: Route) -> FcallError:
    """The error of a call that is throttled as often as it asks."""
    steps = _flow(clock, route).invoke()
    try:
        step = next(steps)
        while True:
            step = steps.send(None) if isinstance(step, Pause) else steps.throw(ThrottledError("busy"))
    except FcallError as error:
        return error


def test_an_empty_budget_ends_the_retries_and_says_so() -> None:
    """Calls that keep failing are tried again until the budget of their target is used up; the last error says so."""
    clock, route = Clock(), _route()
    errors = [_refused(clock, route) for _ in range(60)]

    assert [3] * 50 + [1] * 10 == [len(error.attempts) for error in errors]
    assert [f"not tried again: the retry budget of {LABEL} is used up, and fills as its calls succeed"] == (
        errors[-1].__notes__
    )
    assert errors[-1].attempts[-1].retry_in is None


def test_a_target_has_its_own_budget() -> None:
    """Another function of the same provider, and the same function elsewhere, are tried again as ever."""
    clock, route, elsewhere = Clock(), _route(), _route()
    while route.guards.of(LABEL).budget.charge(ThrottledError()):
        pass
    other = Flow(Target("images", "crop"), Invocation("crop", "images"), [route], NO_OBSERVERS, clock, lambda: 0.5)

    assert 1 == len(_failed(clock, route, answers=_throttled(1)).attempts)
    assert 3 == len(_failed(clock, elsewhere, answers=_throttled(3)).attempts)
    assert 2 == len(_play(other.invoke(), [ThrottledError(), _ok()]).attempts)


@pytest.mark.parametrize(
    ("answers", "retries"),
    [([], 0), (["ok"], 0), (["ok"] * 4, 0), (["ok"] * 5, 1), (["no", "ok"], 0), (["no", "no", "no"], 0)],
)
def test_successes_fill_the_budget(answers: list[str], retries: int) -> None:
    """A success brings back one token; what was never paid for is no success."""
    clock, route = Clock(), _route()
    budget = route.guards.of(LABEL).budget
    while budget.charge(ThrottledError()):
        pass
    for answer in answers:
        if answer == "ok":
            _play(_flow(clock, route).invoke(), [_ok()])
        else:
            _failed(clock, route, answers=_throttled(1))
    paid = 0
    while budget.charge(ThrottledError()):
        paid += 1

    assert retries == paid


def test_a_success_after_a_retry_brings_half_of_it_back() -> None:
    """A retry that costs 14 and helps costs 7 in the end."""
    clock, route = Clock(), _route()
    for _ in range(70):
        _play(_flow(clock, route).invoke(), [ConnectionFailedError(executed=Executed.NO), _ok()])
    budget = route.guards.of(LABEL).budget

    assert [5, 5, 0] == [budget.charge(ThrottledError()) for _ in range(3)]


def test_going_on_to_the_next_service_costs_nothing() -> None:
    """The budget is for repetitions at a target; the next service is another target, and its success is a first one."""
    clock, first, second = Clock(), _route("aws"), _route("aliyun")
    _play(_flow(clock, first, second).invoke(), [ThrottledError(), _ok()])

    assert first.guards.of(LABEL).budget.full
    second.guards.of("aliyun:images/resize").budget.charge(ThrottledError())
    for _ in range(4):
        _play(_flow(clock, first, second).invoke(), [ThrottledError(), _ok()])
    assert not second.guards.of("aliyun:images/resize").budget.full


def test_a_pause_that_does_not_fit_costs_nothing() -> None:
    """What is not tried again for want of time is not paid for."""
    clock, route = Clock(), _route()
    _failed(clock, route, answers=_throttled(1), invocation=Invocation("resize", "images", timeout=0.1))

    assert route.guards.of(LABEL).budget.full


# The limit


def _enter(steps: Steps) -> Enter:
    step = next(steps)
    assert isinstance(step, Enter)
    return step


def _woken(step: Enter) -> list[int]:
    """Stand in the queue as a driver does; how often it was woken."""
    times: list[int] = []
    step.place.wake = lambda: times.append(1)
    step.limit.queue(step.place)
    return times


def test_a_call_over_the_limit_waits_for_its_place() -> None:
    """It asks its driver to wait, is let in once another call has ended, and is then sent."""
    clock, route = Clock(), _route(max_in_flight=1)
    first, second = _flow(clock, route).invoke(), _flow(clock, route).invoke()
    assert isinstance(next(first), Send)
    step = _enter(second)
    woken = _woken(step)
    assert [] == woken
    with pytest.raises(StopIteration):
        first.send(_ok())

    assert [1] == woken
    assert isinstance(second.send(True), Send)
    with pytest.raises(StopIteration):
        second.send(_ok())
    assert route.guards.of(LABEL).limit.at_rest


def test_waiting_for_a_place_ends_with_the_deadline() -> None:
    """Where there is no place in time, nothing was sent, and the error says what it waited for."""
    clock, route = Clock(), _route(max_in_flight=1)
    first, second = _flow(clock, route).invoke(), _flow(clock, route).invoke()
    next(first)
    step = _enter(second)
    _woken(step)
    assert CALL.timeout == step.deadline.remaining()
    clock.now += 60
    with pytest.raises(InvocationTimeoutError) as caught:
        second.send(False)

    error = caught.value
    assert (Executed.NO, ["not sent"]) == (error.executed, [attempt.outcome for attempt in error.attempts])
    assert "as many calls of aws:images/resize were under way as max_in_flight allows, 1; raise it" in str(error)
    with pytest.raises(StopIteration):
        first.send(_ok())
    assert route.guards.of(LABEL).limit.at_rest


def test_a_place_is_free_during_a_pause() -> None:
    """A call that waits to be tried again is not under way, and needs a place again afterwards."""
    clock, route = Clock(), _route(max_in_flight=1)
    first, second = _flow(clock, route).invoke(), _flow(clock, route).invoke()
    next(first)
    assert isinstance(first.throw(ThrottledError()), Pause)
    assert isinstance(next(second), Send)

    assert isinstance(first.send(None), Enter)


@pytest.mark.parametrize(
    "end", [_ok(), None, ConnectionFailedError(), FunctionError(), ValueError(), KeyboardInterrupt(), GeneratorExit()]
)
def test_the_place_is_given_back_however_the_call_ends(end: Any) -> None:
    """Success, failure, an unusable answer and an interruption leave nothing behind."""
    clock, route = Clock(), _route(max_in_flight=1)
    steps = _flow(clock, route).invoke()
    next(steps)
    assert not route.guards.of(LABEL).limit.take(Place(1))
    with pytest.raises(BaseException):  # noqa: B017, PT011 - which one is not the point
        steps.throw(end) if isinstance(end, BaseException) else steps.send(end)

    assert route.guards.of(LABEL).limit.at_rest


@pytest.mark.parametrize("signal", [KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
@pytest.mark.parametrize("late", [False, True])
def test_an_interrupted_wait_leaves_nothing_behind(signal: type[BaseException], late: bool) -> None:
    """Neither a place in the queue nor one that was given in the very same moment."""
    clock, route = Clock(), _route(max_in_flight=1)
    first, second = _flow(clock, route).invoke(), _flow(clock, route).invoke()
    next(first)
    _woken(_enter(second))
    if late:
        first.close()
    with pytest.raises(signal):
        second.throw(signal())
    first.close()

    assert route.guards.of(LABEL).limit.at_rest


def test_a_stream_keeps_its_place_until_its_last_piece() -> None:
    """A call is under way as long as its answer comes; a stream that is given up gives back its place too."""
    clock, route = Clock(), _route(max_in_flight=1)
    limit = route.guards.of(LABEL).limit
    ended, given_up = _flow(clock, route).stream(), _flow(clock, route).stream()
    assert isinstance(next(ended), Open)
    assert isinstance(ended.send((iter(()), b"a")), Emit)
    assert not limit.take(Place(1))
    assert isinstance(ended.send(None), Advance)
    with pytest.raises(StopIteration):
        ended.send(END)
    assert limit.at_rest
    next(given_up)
    given_up.send((iter(()), b"a"))
    assert not limit.at_rest
    given_up.close()

    assert limit.at_rest


def test_a_stream_that_fails_before_its_first_piece_gives_its_place_back() -> None:
    """It is tried again like any call, and asks for a place again."""
    clock, route = Clock(), _route(max_in_flight=1)
    steps = _flow(clock, route).stream()
    next(steps)
    steps.throw(ThrottledError())

    assert route.guards.of(LABEL).limit.at_rest
    assert isinstance(steps.send(None), Open)


def test_an_observer_may_call_the_same_function() -> None:
    """When the end of a call is told, its place is free already."""
    clock, route = Clock(), _route(max_in_flight=1)
    seen = []
    observers = Observers(
        {"fcall_after_invoke": [("t", lambda call, outcome: seen.append(route.guards.of(LABEL).limit.at_rest))]}
    )
    _play(_flow(clock, route, observers=observers).invoke(), [_ok()])
    _play(_flow(clock, route, observers=observers).stream(), [(iter(()), b"a"), END])

    assert [True, True] == seen


# The breaker


def _broken(times: int) -> list[BaseException]:
    return [ConnectionFailedError("refused", executed=Executed.NO) for _ in range(times)]


def _opened(clock: Clock, **policy: Any) -> Route:
    route = _route(attempts=1, circuit_breaker=True, **policy)
    for error in _broken(10):
        _failed(clock, route, answers=[error])
    return route


def test_an_open_breaker_refuses_before_anything_is_sent() -> None:
    """After ten failures in a row the next call is told at once, with NO, and when it may be worth another try."""
    clock = Clock()
    route = _opened(clock)
    clock.now += 2
    error = _failed(clock, route, answers=[])

    assert (CircuitOpenError, Executed.NO, True) == (type(error), error.executed, error.retryable)
    assert ("aws", "images", "resize") == (error.provider, error.service, error.function)
    assert "aws:images/resize could not be reached 10 times in a row and is left alone for another 3.0 s" in str(error)
    (attempt,) = error.attempts
    assert (LABEL, "not sent", "CircuitOpenError", None) == (
        attempt.target,
        attempt.outcome,
        attempt.error,
        attempt.retry_in,
    )


def test_an_open_breaker_leads_to_the_next_service() -> None:
    """The call goes on at once, and the error or the answer tells of both."""
    clock = Clock()
    route, spare = _opened(clock), _route("aliyun", circuit_breaker=True)
    result = _play(_flow(clock, route, spare).invoke(), [_ok()])

    assert ["not sent", "ok"] == [attempt.outcome for attempt in result.attempts]
    assert "aliyun" == result.provider


def test_an_open_breaker_is_not_waited_for() -> None:
    """A call meets the open breaker once, even where it has attempts left."""
    clock = Clock()
    route = _opened(clock)
    patient = Route("aws", route.provider, policy=Policy(attempts=5, circuit_breaker=True), guards=route.guards)

    assert 1 == len(_failed(clock, patient, answers=[]).attempts)


def test_a_breaker_may_open_between_two_attempts() -> None:
    """The retry of a call that helped to open it is refused; what the call knows of its earlier attempts stays."""
    clock, route = Clock(), _route(attempts=3, circuit_breaker=True)
    errors = [ConnectionFailedError("reset") for _ in range(12)]
    call = Invocation("resize", "images", idempotent=True)
    for number in range(3):
        _failed(clock, route, answers=errors[3 * number : 3 * number + 3], invocation=call)
    error = _failed(clock, route, answers=errors[9:10], invocation=call)

    assert ["ConnectionFailedError", "CircuitOpenError"] == [attempt.error for attempt in error.attempts]
    assert (CircuitOpenError, Executed.MAYBE) == (type(error), error.executed)


def test_the_probe_closes_it() -> None:
    """After five seconds one call is sent; the others are refused until it is answered, and sent from then on."""
    clock = Clock()
    route = _opened(clock)
    clock.now += 5
    probe = _flow(clock, route).invoke()
    assert isinstance(next(probe), Send)
    assert CircuitOpenError is type(_failed(clock, route, answers=[]))
    with pytest.raises(StopIteration):
        probe.send(_ok())

    assert _play(_flow(clock, route).invoke(), [_ok()])


@pytest.mark.parametrize("end", [KeyboardInterrupt(), GeneratorExit(), ValueError()])
def test_a_probe_that_is_given_up_is_none(end: BaseException) -> None:
    """Where the probing call is interrupted, the next one probes."""
    clock = Clock()
    route = _opened(clock)
    clock.now += 5
    probe = _flow(clock, route).invoke()
    next(probe)
    with pytest.raises(BaseException):  # noqa: B017, PT011 - which one is not the point
        probe.throw(end)

    assert isinstance(next(_flow(clock, route).invoke()), Send)


def test_a_stream_that_begins_has_reached_its_target() -> None:
    """The breaker hears of a stream's first piece; what breaks later is another matter."""
    clock = Clock()
    route = _opened(clock)
    clock.now += 5
    steps = _flow(clock, route).stream()
    next(steps)
    steps.send((iter(()), b"a"))

    assert route.guards.of(LABEL).breaker.at_rest


def test_nobody_waits_for_a_place_at_a_target_that_is_left_alone() -> None:
    """With every place taken by calls that hang, an open breaker is told at once, so that failover may go on."""
    clock, route = Clock(), _route(attempts=1, circuit_breaker=True, max_in_flight=1)
    for error in _broken(10):
        _failed(clock, route, answers=[error])
    hanging = Place(1)
    route.guards.of(LABEL).limit.take(hanging)

    assert CircuitOpenError is type(_failed(clock, route, answers=[]))


def test_a_breaker_that_opens_meanwhile_refuses_who_waited() -> None:
    """A call that was in the queue is not sent to a target which failed in the meantime, and gives its place back."""
    clock, route = Clock(), _route(attempts=1, circuit_breaker=True, max_in_flight=1)
    guard = route.guards.of(LABEL)
    first, second = _flow(clock, route).invoke(), _flow(clock, route).invoke()
    next(first)
    _woken(_enter(second))
    for _ in range(9):
        guard.breaker.hear(guard.breaker.admit(clock()), ConnectionFailedError(), clock())
    with pytest.raises(ConnectionFailedError):
        first.throw(_broken(1)[0])
    with pytest.raises(CircuitOpenError):
        second.send(True)

    assert guard.limit.at_rest


def test_a_full_queue_does_not_open_the_breaker() -> None:
    """A call that never got a place has not failed to reach its target."""
    clock, route = Clock(), _route(attempts=1, circuit_breaker=True, max_in_flight=1)
    next(holder := _flow(clock, route).invoke())
    for _ in range(10):
        steps = _flow(clock, route).invoke()
        _woken(_enter(steps))
        with pytest.raises(InvocationTimeoutError):
            steps.send(False)
    holder.close()

    assert route.guards.of(LABEL).breaker.at_rest


def test_without_a_breaker_every_call_is_sent() -> None:
    """Nobody who did not ask for it is refused, however often the target cannot be reached."""
    clock, route = Clock(), _route(attempts=1)
    for error in _broken(30):
        assert error is _failed(clock, route, answers=[error])
