"""The flow of one call, fed by hand: no clock, no threads, no provider that is really called."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fcall._flow import END, Advance, Emit, Flow, Open, Pause, Send
from fcall._invocation import Invocation
from fcall._names import FunctionNames
from fcall._observers import NO_OBSERVERS, Observers
from fcall._policy import Policy
from fcall._router import Route
from fcall._target import Target
from fcall.errors import (
    AccessDeniedError,
    Attempt,
    CircuitOpenError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionError,
    InvocationTimeoutError,
    PayloadTooLargeError,
    ProviderNotInstalledError,
    ProviderUnavailableError,
    ThrottledError,
    UnmappedProviderError,
    UnsupportedFeatureError,
)
from fcall.provider import ALL_KEYS, Call, Callee, CallOutcome, Capabilities, Deadline, InvocationResult

CAN = Capabilities(
    types=frozenset({"Sync", "Async", "DryRun"}),
    streaming=True,
    idempotency=frozenset({"Sync"}),
    invoker_context={"Sync": ALL_KEYS},
    payload_limits={"Sync": 10},
)
TARGET = Target("images", "resize")
CALL = Invocation("resize", "images")
OK = InvocationResult(b"1", 200, "r-1")
YES, MAYBE, NO = Executed.YES, Executed.MAYBE, Executed.NO


class Clock:
    """A clock that the test winds."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Platform:
    """A provider that says what it can do and is never called: the test answers for it."""

    def __init__(self, capabilities: Capabilities = CAN) -> None:
        self.capabilities = capabilities

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        raise NotImplementedError

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def _route(name: str = "aws", capabilities: Capabilities = CAN, **more: Any) -> Route:
    return Route(name, Platform(capabilities), **more)


def _flow(
    *routes: Route,
    invocation: Invocation = CALL,
    target: Target = TARGET,
    observers: Observers = NO_OBSERVERS,
    clock: Clock | None = None,
) -> Flow:
    return Flow(target, invocation, routes or (_route(),), observers, clock or Clock(), lambda: 0.5)


def _play(steps: Generator[Any, Any, InvocationResult], clock: Clock, answers: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Feed a flow to its end: its result, and what it asked for. An answer takes a second, a pause its own length."""
    left, asked = list(answers), []
    try:
        step = next(steps)
        while True:
            asked.append(step)
            if isinstance(step, (Pause, Emit)):
                clock.now += getattr(step, "seconds", 0)
                step = steps.send(None)
                continue
            clock.now += 1
            answer = left.pop(0)
            step = steps.throw(answer) if isinstance(answer, BaseException) else steps.send(answer)
    except StopIteration as end:
        assert not left
        return end.value, asked


def _invoked(*answers: Any, **flow: Any) -> tuple[InvocationResult, list[Any]]:
    clock = Clock()
    return _play(_flow(*flow.pop("routes", ()), clock=clock, **flow).invoke(), clock, answers)


def _streamed(*answers: Any, **flow: Any) -> tuple[InvocationResult, list[Any]]:
    clock = Clock()
    return _play(_flow(*flow.pop("routes", ()), clock=clock, **flow).stream(), clock, answers)


def _failed(*answers: Any, **flow: Any) -> FcallError:
    """The error of a call that is answered so."""
    with pytest.raises(FcallError) as caught:
        _invoked(*answers, **flow)
    return caught.value


class Log:
    """Observers that write down what they are told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        hooks = {
            "fcall_before_invoke": lambda call: self.told.append(("before", call)),
            "fcall_on_retry": lambda call, attempt: self.told.append(("retry", attempt)),
            "fcall_after_invoke": lambda call, outcome: self.told.append(("after", outcome)),
        }
        self.observers = Observers({name: [("log", hook)] for name, hook in hooks.items()})

    @property
    def outcome(self) -> CallOutcome:
        """The end of the one call, of which it was told once."""
        (outcome,) = [what for when, what in self.told if when == "after"]
        return outcome


# One attempt


def test_one_attempt_that_goes_well() -> None:
    """The provider is asked once, and its answer comes back with who gave it and how."""
    result, asked = _invoked(OK)

    assert [Send] == list(map(type, asked))
    assert CALL == asked[0].invocation
    attempts = (Attempt(1, "aws:images/resize", "ok", YES, elapsed=1.0),)
    assert InvocationResult(b"1", 200, "r-1", provider="aws", attempts=attempts) == result


@pytest.mark.parametrize(("kind", "executed"), [("Sync", YES), ("Async", MAYBE), ("DryRun", NO)])
def test_success_says_what_it_means(kind: Any, executed: Executed) -> None:
    """A Sync answer means that the function ran, an accepted event that it may, a dry run that it did not."""
    result, _ = _invoked(OK, invocation=Invocation("resize", type=kind))

    assert [executed] == [attempt.executed for attempt in result.attempts]


def test_the_provider_hears_its_own_names() -> None:
    """The step has the names of the route; the attempts have them too."""
    route = _route(bound=True, service="prod", names=FunctionNames("x-{function}"))
    result, asked = _invoked(OK, routes=[route])

    assert ("prod", "x-resize") == (asked[0].invocation.service, asked[0].invocation.function)
    assert "aws:prod/x-resize" == result.attempts[0].target


@pytest.mark.parametrize(
    ("invocation", "label"),
    [
        (Invocation("resize"), "aws:resize"),
        (Invocation("", function_id="arn:aws:x"), "aws:arn:aws:x"),
        (Invocation("resize", "images"), "aws:images/resize"),
    ],
)
def test_an_attempt_says_where_it_went(invocation: Invocation, label: str) -> None:
    """The label is the provider and its own name of the function."""
    assert label == _invoked(OK, invocation=invocation)[0].attempts[0].target


@pytest.mark.parametrize(
    ("kind", "timeout", "default", "seconds"),
    [
        ("Sync", None, None, 60),
        ("Async", None, None, 30),
        ("DryRun", None, None, 30),
        ("Sync", None, 7.0, 7),
        ("Async", None, 7.0, 7),
        ("Sync", 3.0, 7.0, 3),
    ],
)
def test_there_is_always_a_deadline(kind: Any, timeout: float | None, default: float | None, seconds: float) -> None:
    """The call's time-out goes before the route's, and the route's before the provider's."""
    _, asked = _invoked(
        OK, routes=[_route(default_timeout=default)], invocation=Invocation("resize", type=kind, timeout=timeout)
    )

    assert 100 + seconds == asked[0].deadline.expires_at


# Failure


def test_a_failure_is_the_providers_own_error_completed() -> None:
    """The caller gets the very error, with what only the flow knows, and its cause."""
    raised, cause = AccessDeniedError("not allowed", code="Denied", request_id="r-9"), OSError()
    raised.__cause__ = cause
    error = _failed(raised)

    assert raised is error
    assert cause is error.__cause__
    assert ("aws", "images", "resize", "r-9") == (error.provider, error.service, error.function, error.request_id)
    attempt = Attempt(1, "aws:images/resize", "rejected", NO, "AccessDeniedError", "Denied", 1.0)
    assert (attempt,) == error.attempts


def test_what_the_provider_says_is_kept() -> None:
    """The flow fills in what is missing and overwrites nothing."""
    error = _failed(AccessDeniedError("no", provider="inner", service="a", function="b"))

    assert ("inner", "a", "b") == (error.provider, error.service, error.function)


def test_an_error_names_the_id_where_there_is_no_name() -> None:
    """A call by id is told apart from others by it."""
    target = Target(function_id="arn:aws:x")
    error = _failed(AccessDeniedError("no"), target=target, invocation=Invocation("", function_id="arn:aws:x"))

    assert (None, "arn:aws:x") == (error.service, error.function)


@pytest.mark.parametrize(
    "raised", [ValueError("s3cr3t"), StopIteration(5), KeyError("s3cr3t"), OSError(), RecursionError()]
)
def test_what_a_provider_lets_slip_is_unmapped(raised: Exception) -> None:
    """An exception that is not ours becomes an UnmappedProviderError, with the original as its cause, not its words."""
    error = _failed(raised)

    assert UnmappedProviderError is type(error)
    assert (MAYBE, raised, "aws", "resize") == (error.executed, error.__cause__, error.provider, error.function)
    assert f"raised {type(raised).__name__}, which is not an error of fcall" in str(error)
    assert "s3cr3t" not in str(error)


@pytest.mark.parametrize("answer", [None, b"bytes", {"statusCode": 200}])
def test_an_answer_that_is_none_is_unmapped(answer: object) -> None:
    """A provider that gives something else than a result is at fault, and the caller is told so."""
    error = _failed(answer)

    assert UnmappedProviderError is type(error)
    assert f"answered with a {type(answer).__name__} instead of an InvocationResult" in str(error)
    assert [MAYBE, "maybe"] == [error.executed, error.attempts[0].outcome]


@pytest.mark.parametrize("raised", [FunctionError(), ConnectionFailedError(), ProviderUnavailableError(), ValueError()])
def test_a_dry_run_runs_nothing(raised: Exception) -> None:
    """However a dry run fails, the function did not run; so it can be made again, where that may help."""
    errors = [raised] * 3 if getattr(raised, "retryable", True) else [raised]
    error = _failed(*errors, invocation=Invocation("resize", type="DryRun"))

    assert [NO] * (1 + len(errors)) == [error.executed, *(attempt.executed for attempt in error.attempts)]


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (ThrottledError(), "rejected"),
        (ProviderUnavailableError(executed=NO), "rejected"),
        (FunctionError(executed=NO), "rejected"),
        (CircuitOpenError(), "not sent"),
        (ConnectionFailedError(executed=NO), "not sent"),
        (InvocationTimeoutError(executed=NO), "not sent"),
        (ProviderNotInstalledError(), "not sent"),
        (ConnectionFailedError(), "maybe"),
        (FunctionError(), "executed"),
    ],
    ids=repr,
)
def test_an_attempt_says_how_it_ended(raised: FcallError, outcome: str) -> None:
    """An attempt that did not run the function tells whether anybody refused it."""
    assert outcome == _failed(raised, routes=[_route(policy=Policy(attempts=1))]).attempts[0].outcome


def test_the_answer_of_a_failed_function_is_completed_too() -> None:
    """The result in a FunctionError has its secrets masked and knows its provider and attempts."""
    raised = FunctionError(result=InvocationResult(b"{}", headers={"Set-Cookie": "s3cr3t", "date": "today"}))
    error = _failed(raised)

    assert isinstance(error, FunctionError)
    assert error.result == InvocationResult(
        b"{}", headers={"Set-Cookie": "***", "date": "today"}, provider="aws", attempts=error.attempts
    )


# Attempts


def test_attempts_are_numbered_and_timed() -> None:
    """A call that succeeds at the third try tells of all three."""
    result, asked = _invoked(ThrottledError(code="Slow"), ConnectionFailedError(executed=NO), OK)

    assert [Send, Pause, Send, Pause, Send] == list(map(type, asked))
    assert [0.5, 0.05] == [step.seconds for step in asked if isinstance(step, Pause)]
    assert result.attempts == (
        Attempt(1, "aws:images/resize", "rejected", NO, "ThrottledError", "Slow", 1.0, 0.5),
        Attempt(2, "aws:images/resize", "not sent", NO, "ConnectionFailedError", None, 1.0, 0.05),
        Attempt(3, "aws:images/resize", "ok", YES, None, None, 1.0, None),
    )


def test_the_last_failure_is_told() -> None:
    """After the last attempt the caller gets its error, which lists them all and has no pause behind it."""
    errors = [ThrottledError(str(number)) for number in range(3)]
    error = _failed(*errors)

    assert errors[2] is error
    assert [(1, 0.5), (2, 1.0), (3, None)] == [(attempt.number, attempt.retry_in) for attempt in error.attempts]


def test_every_attempt_has_the_same_deadline() -> None:
    """The deadline is the call's, not the attempt's."""
    _, asked = _invoked(ThrottledError(), ThrottledError(), OK)
    deadlines = {id(step.deadline) for step in asked if isinstance(step, Send)}

    assert 1 == len(deadlines)


@pytest.mark.parametrize(("timeout", "attempts"), [(1.0, 1), (1.49, 1), (1.51, 2), (3.0, 2), (3.51, 3), (100.0, 3)])
def test_nothing_is_tried_past_the_deadline(timeout: float, attempts: int) -> None:
    """An attempt takes a second here: a pause that would end after the deadline is not begun."""
    raised = [ThrottledError() for _ in range(attempts)]

    assert attempts == len(_failed(*raised, invocation=Invocation("resize", timeout=timeout)).attempts)


@pytest.mark.parametrize(
    ("executed", "whole"),
    [
        ([MAYBE, NO, NO], MAYBE),
        ([NO, MAYBE, NO], MAYBE),
        ([NO, NO, NO], NO),
        ([NO, NO, MAYBE], MAYBE),
        ([NO, MAYBE, YES], YES),
        ([MAYBE, NO, YES], YES),
    ],
)
def test_the_error_speaks_for_the_whole_call(executed: list[Executed], whole: Executed) -> None:
    """What ran in an earlier attempt is not forgotten by a last one that did not run."""
    raised = [ProviderUnavailableError(executed=each) for each in executed]
    error = _failed(*raised, invocation=Invocation("resize", idempotent=True))

    assert whole is error.executed
    assert executed == [attempt.executed for attempt in error.attempts]


# Failover

OTHER = _route("aliyun", bound=True, service="images-cn")


def test_failover_goes_through_the_list() -> None:
    """What did not run goes on at once, under the names of the next service; only the last one is tried again."""
    second = _route("aliyun", bound=True, service="cn")
    third = _route("linkedge", policy=Policy(attempts=4))
    result, asked = _invoked(
        ThrottledError(), ConnectionFailedError(executed=NO), ThrottledError(), OK, routes=[_route(), second, third]
    )

    assert [Send, Send, Send, Pause, Send] == list(map(type, asked))
    assert ["aws:images/resize", "aliyun:cn/resize", "linkedge:images/resize", "linkedge:images/resize"] == [
        attempt.target for attempt in result.attempts
    ]
    assert [(1, None), (2, None), (3, 2.0), (4, None)] == [(each.number, each.retry_in) for each in result.attempts]
    assert ("linkedge", YES) == (result.provider, result.attempts[-1].executed)


@pytest.mark.parametrize(("attempts", "asked"), [(1, "ab"), (2, "ab"), (3, "abb"), (5, "abbbb")])
def test_attempts_count_across_the_list(attempts: int, asked: str) -> None:
    """Every service has its turn; what `attempts` leaves beyond that are repetitions, in one count for all of them."""
    policy = Policy(attempts=attempts)
    routes = [_route("a", policy=policy), _route("b", policy=policy)]
    error = _failed(*(ThrottledError() for _ in asked), routes=routes)

    assert list(asked) == [attempt.target[0] for attempt in error.attempts]
    assert list(range(1, len(asked) + 1)) == [attempt.number for attempt in error.attempts]


def test_what_may_not_go_on_is_tried_again_where_it_is() -> None:
    """An idempotent call that may have run stays with its service, which has all its attempts."""
    raised = [ConnectionFailedError() for _ in range(3)]
    error = _failed(*raised, routes=[_route(), OTHER], invocation=Invocation("resize", idempotent=True))

    assert [("aws:resize", 0.025), ("aws:resize", 0.05), ("aws:resize", None)] == [
        (attempt.target, attempt.retry_in) for attempt in error.attempts
    ]


def test_a_service_is_tried_again_where_no_other_can_take_the_call() -> None:
    """A failover that is not possible does not cost the call its attempts."""
    cannot = _route("linkedge", Capabilities(types=frozenset({"Async"})))
    result, asked = _invoked(ThrottledError(), OK, routes=[_route(), cannot])

    assert [Send, Pause, Send] == list(map(type, asked))
    assert "aws" == result.provider


def test_a_mistake_after_what_may_have_run_goes_nowhere() -> None:
    """A caller's mistake is no reason to ask the next service, whatever came before it."""
    policy = Policy(failover_maybe=True)
    routes = [_route(policy=policy), _route("aliyun", policy=policy), _route("never")]
    error = _failed(
        ConnectionFailedError(),
        AccessDeniedError(),
        routes=routes,
        invocation=Invocation("resize", idempotent=True),
    )

    assert ("aliyun", MAYBE) == (error.provider, error.executed)


def test_the_last_service_tells_the_failure() -> None:
    """Where nobody could serve, the last failure says by whom, and the attempts say what came before."""
    one = Policy(attempts=1)
    error = _failed(
        ThrottledError(),
        AccessDeniedError(),
        routes=[_route(policy=one), _route("aliyun", policy=one), _route("never")],
    )

    assert ("aliyun", AccessDeniedError) == (error.provider, type(error))
    assert ["ThrottledError", "AccessDeniedError"] == [attempt.error for attempt in error.attempts]


@pytest.mark.parametrize(
    ("raised", "invocation", "policy"),
    [
        (AccessDeniedError(), CALL, Policy()),
        (FunctionError(), CALL, Policy()),
        (ConnectionFailedError(), CALL, Policy()),
        (ConnectionFailedError(), Invocation("resize", idempotent=True), Policy(attempts=1)),
        (ConnectionFailedError(), CALL, Policy(attempts=1, failover_maybe=True)),
    ],
)
def test_no_failover_after_what_may_have_run(raised: FcallError, invocation: Invocation, policy: Policy) -> None:
    """The next service is not asked after a mistake of the caller's, nor where the function may run twice."""
    error = _failed(raised, routes=[_route(policy=policy), OTHER], invocation=invocation)

    assert ["aws"] == [attempt.target.partition(":")[0] for attempt in error.attempts]


def test_failover_after_maybe_where_it_is_allowed() -> None:
    """An idempotent call goes on after MAYBE where the configuration says so too."""
    route = _route(policy=Policy(attempts=1, failover_maybe=True))
    result, _ = _invoked(
        ConnectionFailedError(), OK, routes=[route, OTHER], invocation=Invocation("resize", idempotent=True)
    )

    assert ["maybe", "ok"] == [attempt.outcome for attempt in result.attempts]


def test_an_earlier_maybe_forbids_failover() -> None:
    """A key is enforced by one provider: where an earlier attempt may have run there, nobody else is asked."""
    raised = [ConnectionFailedError(), ThrottledError(), ThrottledError()]
    error = _failed(*raised, routes=[_route(), OTHER], invocation=Invocation("resize", idempotency_key="order-7"))

    assert raised[2] is error
    assert MAYBE is error.executed
    assert ["aws:resize"] * 3 == [attempt.target for attempt in error.attempts]


def test_a_service_that_cannot_take_the_call_is_passed_over() -> None:
    """The failure stays the last one that was told, with a note for each service that could not be asked."""
    raised = ThrottledError("busy")
    cannot = _route("linkedge", Capabilities(types=frozenset({"Async"})))
    too_small = _route("local", Capabilities(payload_limits={"Sync": 1}))
    error = _failed(
        raised,
        routes=[_route(policy=Policy(attempts=1)), cannot, too_small],
        invocation=Invocation("resize", payload=b"abc"),
    )

    assert raised is error
    assert ["failover to linkedge was not possible: ", "failover to local was not possible: "] == [
        note[: note.index(": ") + 2] for note in error.__notes__
    ]
    assert "Sync invocations" in error.__notes__[0]
    assert b"abc".decode() not in "".join(error.__notes__)


def test_a_service_that_is_passed_over_does_not_end_the_list() -> None:
    """After one that cannot take the call, the next one is asked."""
    cannot = _route("linkedge", Capabilities(types=frozenset({"Async"})))
    result, _ = _invoked(ThrottledError(), OK, routes=[_route(policy=Policy(attempts=1)), cannot, _route("local")])

    assert ("local", 2) == (result.provider, len(result.attempts))


def test_no_failover_past_the_deadline() -> None:
    """A call whose time is up asks nobody else."""
    error = _failed(
        ThrottledError(),
        routes=[_route(policy=Policy(attempts=1)), OTHER],
        invocation=Invocation("resize", timeout=1.0),
    )

    assert 1 == len(error.attempts)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        (Capabilities(types=frozenset({"Async"})), UnsupportedFeatureError),
        (Capabilities(payload_limits={"Sync": 2}), PayloadTooLargeError),
    ],
)
def test_what_the_first_service_cannot_do_is_the_callers_mistake(
    capabilities: Capabilities, expected: type[FcallError]
) -> None:
    """Nothing is sent, nobody else is asked, and the error names the call."""
    flow = _flow(_route("aws", capabilities), OTHER, invocation=Invocation("resize", "images", payload=b"abc"))
    with pytest.raises(expected) as caught:
        next(flow.invoke())

    error = caught.value
    assert ("aws", "images", "resize", NO, ()) == (
        error.provider,
        error.service,
        error.function,
        error.executed,
        error.attempts,
    )


# Interruption


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("watched", [True, False])
def test_an_interrupted_call_may_have_run(signal: type[BaseException], watched: bool) -> None:
    """Ctrl-C and cancellation pass as they are, with a note that says MAYBE; the observers hear the same."""
    log, raised = Log(), signal()
    with pytest.raises(signal) as caught:
        _invoked(raised, observers=log.observers if watched else NO_OBSERVERS)

    assert raised is caught.value
    assert ["fcall: interrupted while images/resize was being called; it may have run (executed: MAYBE)"] == getattr(
        raised, "__notes__", None
    )
    if watched:
        assert (MAYBE, raised, None) == (log.outcome.executed, log.outcome.error, log.outcome.result)
        assert [("maybe", MAYBE, signal.__name__)] == [(a.outcome, a.executed, a.error) for a in log.outcome.attempts]


def test_an_interrupted_dry_run_ran_nothing() -> None:
    """A dry run that is interrupted has a note that says NO."""
    raised = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        _invoked(raised, invocation=replace(CALL, type="DryRun"))

    assert "it did not run (executed: NO)" in raised.__notes__[0]


def test_a_call_past_its_deadline_is_not_sent() -> None:
    """A call whose time is over before its first attempt ran nothing."""
    clock = Clock()
    steps = _flow(invocation=replace(CALL, timeout=1.0), clock=clock).invoke()
    clock.now += 2
    with pytest.raises(InvocationTimeoutError) as caught:
        next(steps)

    assert NO is caught.value.executed


@pytest.mark.parametrize("piece", [None, "text", 5])
def test_a_piece_is_bytes(piece: object) -> None:
    """A stream that hands over something else is at fault, and does not end quietly."""
    with pytest.raises(UnmappedProviderError, match="instead of bytes"):
        _streamed((_pieces(), b"a"), piece)


def test_the_time_out_covers_the_last_piece() -> None:
    """A stream that goes on past the caller's time-out is broken off."""
    clock = Clock()
    steps = _flow(invocation=replace(CALL, timeout=1.0), clock=clock).stream()
    next(steps)
    assert isinstance(steps.send((_pieces(), b"a")), Emit)
    next(steps)
    clock.now += 2
    with pytest.raises(InvocationTimeoutError) as caught:
        steps.send(b"b")

    assert YES is caught.value.executed


def test_an_answer_is_made_of_bytes() -> None:
    """A result whose payload is something else is the provider's fault."""
    with pytest.raises(UnmappedProviderError, match="instead of an InvocationResult"):
        _invoked(InvocationResult("text"))  # type: ignore[arg-type]


def test_a_call_that_is_interrupted_in_a_pause_says_so_too() -> None:
    """Between two attempts nothing is in flight: where none of them ran the function, the call did not."""
    log = Log()
    steps = _flow(observers=log.observers).invoke()
    next(steps)
    assert isinstance(steps.throw(ThrottledError()), Pause)
    with pytest.raises(KeyboardInterrupt) as caught:
        steps.throw(KeyboardInterrupt())

    assert "it did not run (executed: NO)" in caught.value.__notes__[0]
    assert 1 == len(log.outcome.attempts)


# Streams


def _pieces() -> Any:
    return iter(())


def test_a_stream_hands_over_each_piece() -> None:
    """The first piece comes with the answer, each other one is asked for, and the end ends the call."""
    pieces = _pieces()
    result, asked = _streamed((pieces, b"a"), b"", b"c", END)

    assert [Open, Emit, Advance, Emit, Advance, Emit, Advance] == list(map(type, asked))
    assert [b"a", b"", b"c"] == [step.piece for step in asked if isinstance(step, Emit)]
    assert {id(pieces)} == {id(step.pieces) for step in asked if isinstance(step, Advance)}
    assert ("aws", b"", ["ok"]) == (result.provider, result.payload, [each.outcome for each in result.attempts])


def test_a_stream_may_be_empty() -> None:
    """A function that answers nothing streams nothing."""
    _, asked = _streamed((_pieces(), END))

    assert [Open] == list(map(type, asked))


def test_a_stream_is_tried_again_before_its_first_piece() -> None:
    """As long as the caller has nothing in hand, attempts and failover are those of any call."""
    result, asked = _streamed(ThrottledError(), ThrottledError(), (_pieces(), b"a"), END, routes=[_route(), OTHER])

    assert [Open, Open, Pause, Open, Emit, Advance] == list(map(type, asked))
    assert ("aliyun", 3) == (result.provider, len(result.attempts))


def test_a_stream_does_not_go_on_to_a_service_that_cannot_stream() -> None:
    """Such a service is passed over, and the call is tried again where it is."""
    cannot = _route("linkedge", replace(CAN, streaming=False))
    result, _ = _streamed(ThrottledError(), (_pieces(), b"a"), END, routes=[_route(), cannot])

    assert ["aws", "aws"] == [attempt.target.partition(":")[0] for attempt in result.attempts]


def test_what_is_no_stream_is_unmapped() -> None:
    """A provider's `stream` that gives no pieces is at fault."""
    with pytest.raises(UnmappedProviderError, match="answered with a NoneType"):
        _streamed(None)


@pytest.mark.parametrize(
    "raised", [ThrottledError(code="Slow"), ConnectionFailedError(), FunctionError(), InvocationTimeoutError()]
)
def test_a_stream_that_breaks_off_is_not_tried_again(raised: FcallError) -> None:
    """After the first piece the failure is told at once, completed; the function ran, for it had answered."""
    log, cause = Log(), OSError()
    raised.__cause__ = cause
    with pytest.raises(type(raised)) as caught:
        _streamed(
            ThrottledError(),
            (_pieces(), b"a"),
            b"b",
            raised,
            routes=[_route("linkedge"), _route(), OTHER],
            observers=log.observers,
            invocation=Invocation("resize", idempotent=True),
        )

    error = caught.value
    assert (raised, cause, YES) == (error, error.__cause__, error.executed)
    assert ("aws", "images", "resize") == (error.provider, error.service, error.function)
    assert ["rejected", "executed"] == [attempt.outcome for attempt in error.attempts]
    assert (type(raised).__name__, raised.code) == (error.attempts[1].error, error.attempts[1].code)
    assert (error, YES, error.attempts) == (log.outcome.error, log.outcome.executed, log.outcome.attempts)


def test_a_stream_that_breaks_off_strangely_is_unmapped() -> None:
    """What a provider lets slip between two pieces becomes an error of ours as well."""
    raised = StopIteration("s3cr3t")
    with pytest.raises(UnmappedProviderError) as caught:
        _streamed((_pieces(), b"a"), raised)

    assert (raised, YES, "aws") == (caught.value.__cause__, caught.value.executed, caught.value.provider)
    assert "s3cr3t" not in str(caught.value)


def test_an_interrupted_stream_may_have_run() -> None:
    """Ctrl-C between two pieces passes with its note."""
    with pytest.raises(KeyboardInterrupt) as caught:
        _streamed((_pieces(), b"a"), KeyboardInterrupt())

    assert "executed: MAYBE" in caught.value.__notes__[0]


def test_an_abandoned_stream_is_told() -> None:
    """A caller that takes no more pieces ends the call, and the observers hear it."""
    log = Log()
    steps = _flow(observers=log.observers).stream()
    next(steps)
    assert b"a" == steps.send((_pieces(), b"a")).piece
    steps.close()

    assert (GeneratorExit, None) == (type(log.outcome.error), log.outcome.result)
    assert ["ok"] == [attempt.outcome for attempt in log.outcome.attempts]


# Observers


def test_observers_hear_a_call_that_goes_well() -> None:
    """They are told before, of each retry, and after, once and in this order."""
    log = Log()
    result, _ = _invoked(
        ThrottledError(),
        OK,
        observers=log.observers,
        invocation=Invocation("resize", "images", payload=b"abc", qualifier=None, timeout=9.0),
    )

    assert ["before", "retry", "after"] == [when for when, _ in log.told]
    call, attempt = log.told[0][1], log.told[1][1]
    assert Call(call.id, "images/resize", "Sync", "aws", "images", "resize", None, 3, 9.0) == call
    assert result.attempts[0] == attempt
    callee = Callee("aws", "images", "resize")
    assert CallOutcome(YES, 2.5, result.attempts, result, callee=callee) == log.outcome


def test_observers_hear_a_call_that_fails() -> None:
    """The outcome has the very error that the caller gets."""
    log = Log()
    error = _failed(AccessDeniedError(), observers=log.observers)

    assert ["before", "after"] == [when for when, _ in log.told]
    assert (error, NO, error.attempts) == (log.outcome.error, log.outcome.executed, log.outcome.attempts)


def test_observers_hear_a_call_that_cannot_be_made() -> None:
    """What was announced is also ended, though nothing was sent."""
    log = Log()
    with pytest.raises(UnsupportedFeatureError):
        _invoked(routes=[_route("aws", Capabilities(types=frozenset()))], observers=log.observers)

    assert (NO, ()) == (log.outcome.executed, log.outcome.attempts)


def test_an_observer_that_raises_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The call goes on, the other observers are told, and the log says who it was."""

    def fails(*_: object) -> None:
        raise ValueError("observers may fail")

    hooks = ("fcall_before_invoke", "fcall_on_retry", "fcall_after_invoke", "fcall_invoker_context")
    heard: list[object] = []
    observers = Observers({hook: [("bad", fails), ("good", lambda *_: heard.append(1))] for hook in hooks})
    result, _ = _invoked(ThrottledError(), OK, observers=observers)

    assert "ok" == result.attempts[-1].outcome
    assert 4 == len(heard)
    assert {"bad"} == {record.args[0] for record in caplog.records if isinstance(record.args, tuple)}


def test_observers_add_to_the_context_where_it_travels() -> None:
    """What an observer adds reaches the provider, beside what the caller set."""
    observers = Observers({"fcall_invoker_context": [("trace", lambda call: {"trace": call.name, "own": "not this"})]})
    context = {"custom": {"own": "this"}, "env": {}}
    _, asked = _invoked(OK, observers=observers, invocation=Invocation("resize", "images", invoker_context=context))
    _, without = _invoked(OK, observers=observers, routes=[_route("aws", Capabilities())])

    assert {"custom": {"own": "this", "trace": "images/resize"}, "env": {}} == asked[0].invocation.invoker_context
    assert {"custom": {"own": "this"}, "env": {}} == context
    assert without[0].invocation.invoker_context is None
