"""Observers: told everything about a call, in order, and unable to change how it ends."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import threading
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import pytest

import fcall
from fcall.errors import (
    Attempt,
    Executed,
    FunctionError,
    InvalidParamsError,
    InvocationTimeoutError,
    ThrottledError,
    UnsupportedFeatureError,
)
from fcall.provider import ALL_KEYS, Call, Callee, CallOutcome, Capabilities, Deadline, Invocation, InvocationResult

CARRIES_ALL = Capabilities(
    types=frozenset({"Sync", "Async", "DryRun"}), qualifier=True, invoker_context={"Sync": ALL_KEYS}, streaming=True
)


class Scripted:
    """A provider that does what it is told to, one step for each attempt; the last step is done again and again."""

    def __init__(self, *steps: Any, capabilities: Capabilities = CARRIES_ALL) -> None:
        self.capabilities = capabilities
        self.seen: list[Invocation] = []
        self._steps = list(steps)

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.seen.append(invocation)
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        if isinstance(step, BaseException):
            raise step
        return InvocationResult(step() if callable(step) else step)

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        yield from (self.invoke(invocation, deadline).payload, b"2", b"3")

    def close(self) -> None:
        pass


class Watcher:
    """An observer that keeps everything."""

    def __init__(self, added: Mapping[str, Any] | None = None) -> None:
        self.told: list[tuple[str, Call]] = []
        self.attempts: list[Attempt] = []
        self.outcomes: list[CallOutcome] = []
        self._added = added

    @property
    def hooks(self) -> list[str]:
        return [hook for hook, _ in self.told]

    @fcall.hookimpl
    def fcall_invoker_context(self, call: Call) -> Mapping[str, Any] | None:
        self.told.append(("context", call))
        return self._added

    @fcall.hookimpl
    def fcall_before_invoke(self, call: Call) -> None:
        self.told.append(("before", call))

    @fcall.hookimpl
    def fcall_on_retry(self, call: Call, attempt: Attempt) -> None:
        self.told.append(("retry", call))
        self.attempts.append(attempt)

    @fcall.hookimpl
    def fcall_after_invoke(self, call: Call, outcome: CallOutcome) -> None:
        self.told.append(("after", call))
        self.outcomes.append(outcome)


def client_of(provider: Scripted, *plugins: object) -> fcall.Client:
    """A client of this provider that pauses without waiting."""
    client = fcall.Client(providers={"scripted": provider}, plugins=plugins)
    client._sleep = lambda seconds: None
    return client


def test_all_four_hooks_are_told_in_order() -> None:
    """Before, context, retry, after: in this order, once each, with the same record of the call."""
    watcher = Watcher()
    client_of(Scripted(ThrottledError("later"), b"1"), watcher).invoke(
        "images/resize:prod", payload=b"12345", timeout=7
    )

    assert ["before", "context", "retry", "after"] == watcher.hooks
    assert 1 == len({call.id for _, call in watcher.told})


def test_a_call_describes_itself_without_its_payload() -> None:
    """The record of a call has everything about it, of the payload only the size."""
    watcher = Watcher()
    client = client_of(Scripted(b"1"), watcher)
    client.invoke("images/resize:prod", payload=b"12345", timeout=7)
    call = watcher.told[0][1]

    assert (
        call.name,
        call.type,
        call.provider,
        call.service,
        call.function,
        call.qualifier,
        call.payload_size,
        call.timeout,
    ) == ("images/resize", "Sync", "scripted", "images", "resize", "prod", 5, 7)
    assert "12345" not in repr(call)


def test_every_call_has_an_id_of_its_own() -> None:
    """Two calls never share an id."""
    watcher = Watcher()
    client = client_of(Scripted(b"1"), watcher)
    for _ in range(100):
        client.invoke("f")

    assert 100 == len({call.id for _, call in watcher.told})


def test_records_cannot_be_changed() -> None:
    """What an observer is told cannot be written to."""
    watcher = Watcher()
    client_of(Scripted(b"1"), watcher).invoke("f")

    with pytest.raises(dataclasses.FrozenInstanceError):
        watcher.told[0][1].id = "another"
    with pytest.raises(dataclasses.FrozenInstanceError):
        watcher.outcomes[0].result = None


def test_a_retry_is_told_with_its_attempt() -> None:
    """`fcall_on_retry` gets the attempt that failed and the pause that follows it; the last failure is no retry."""
    watcher = Watcher()
    with pytest.raises(ThrottledError) as caught:
        client_of(Scripted(ThrottledError("later")), watcher).invoke("f")

    assert [1, 2] == [attempt.number for attempt in watcher.attempts]
    assert all(attempt.retry_in is not None and attempt.error == "ThrottledError" for attempt in watcher.attempts)
    assert watcher.attempts == list(caught.value.attempts[:2])


@pytest.mark.parametrize(("kind", "executed"), [("Sync", "YES"), ("Async", "MAYBE"), ("DryRun", "NO")])
def test_the_outcome_of_a_success(kind: str, executed: str) -> None:
    """After a success the outcome has the caller's own result, and says whether the function ran."""
    watcher = Watcher()
    client = client_of(Scripted(ThrottledError("later"), b"1"), watcher)
    client.invoke_function({"functionName": "f", "invocationType": kind})
    outcome = watcher.outcomes[0]

    assert Executed[executed] is outcome.executed
    assert outcome.error is None
    assert outcome.result is not None
    assert outcome.result.attempts == outcome.attempts
    assert 2 == len(outcome.attempts)
    assert outcome.elapsed >= 0


@pytest.mark.parametrize(
    "error",
    [
        ThrottledError("no", retryable=False),
        InvocationTimeoutError("too late"),
        FunctionError(error_type="ValueError"),
    ],
)
def test_the_outcome_of_a_failure(error: fcall.FcallError) -> None:
    """After a failure the outcome has the very error that the caller gets, and what it says of `executed`."""
    watcher = Watcher()
    with pytest.raises(type(error)) as caught:
        client_of(Scripted(error), watcher).invoke("f")

    assert caught.value is watcher.outcomes[0].error
    assert caught.value.executed is watcher.outcomes[0].executed
    assert watcher.outcomes[0].result is None


def test_a_call_that_is_refused_before_sending_is_told_too() -> None:
    """A call that asks for what the provider lacks ends for its observers as well: it did not run."""
    watcher = Watcher()
    with pytest.raises(UnsupportedFeatureError):
        client_of(Scripted(b"1", capabilities=Capabilities()), watcher).invoke("f", log_tail=True)

    assert ["before", "after"] == watcher.hooks
    assert Executed.NO is watcher.outcomes[0].executed


def test_an_interrupted_call_is_told_once() -> None:
    """Ctrl-C in the middle: the observers are told MAYBE exactly once, and the exception says what was under way."""
    watcher = Watcher()
    with pytest.raises(KeyboardInterrupt) as caught:
        client_of(Scripted(KeyboardInterrupt()), watcher).invoke("images/resize")

    assert ["before", "context", "after"] == watcher.hooks
    assert Executed.MAYBE is watcher.outcomes[0].executed
    assert caught.value is watcher.outcomes[0].error
    (note,) = caught.value.__notes__
    assert "images/resize" in note
    assert "executed: MAYBE" in note


def test_a_stream_is_told_after_its_last_piece() -> None:
    """The end of a streamed call is its last piece, not its first."""
    watcher = Watcher()
    pieces = client_of(Scripted(b"1"), watcher).stream("f")

    assert b"1" == next(pieces)
    assert ["before", "context"] == watcher.hooks
    assert [b"2", b"3"] == list(pieces)
    assert ["before", "context", "after"] == watcher.hooks


def test_a_stream_that_nobody_reads_on_is_told_once() -> None:
    """A stream that is closed half way ends for its observers: it may have run."""
    watcher = Watcher()
    pieces = client_of(Scripted(b"1"), watcher).stream("f")
    next(pieces)
    pieces.close()

    assert ["before", "context", "after"] == watcher.hooks
    assert Executed.MAYBE is watcher.outcomes[0].executed


def _raising() -> object:
    """An observer that raises in every hook."""

    class Raising:
        @fcall.hookimpl
        def fcall_invoker_context(self, call: Call) -> None:
            raise RuntimeError("context")

        @fcall.hookimpl
        def fcall_before_invoke(self, call: Call) -> None:
            raise fcall.errors.AccessDeniedError("before")

        @fcall.hookimpl
        def fcall_on_retry(self, call: Call) -> None:
            raise RuntimeError("retry")

        @fcall.hookimpl
        def fcall_after_invoke(self, call: Call) -> None:
            raise RuntimeError("after")

    return Raising()


def test_an_observer_that_raises_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """What an observer raises is logged with its name, and neither the call nor the other observers notice."""
    first, last = Watcher({"first": 1}), Watcher({"last": 1})
    provider = Scripted(ThrottledError("later"), b"1")
    result = client_of(provider, first, _raising(), last).invoke("f", {"password": "hunter2"})

    assert b"1" == result.payload
    assert first.hooks == last.hooks == ["before", "context", "retry", "after"]
    assert {"custom": {"first": 1, "last": 1}} == provider.seen[0].invoker_context
    hooks = ("before_invoke", "invoker_context", "on_retry", "after_invoke")
    assert [f"the plugin Raising raised in fcall_{hook}; the call goes on" for hook in hooks] == caplog.messages
    assert "hunter2" not in caplog.text


def test_an_observer_that_raises_does_not_hide_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    """A call that fails does so with its own error, whatever an observer raises about it."""
    with pytest.raises(ThrottledError):
        client_of(Scripted(ThrottledError("no", retryable=False)), _raising()).invoke("f")


VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="nothing")


def test_the_provider_sees_what_an_observer_sets() -> None:
    """A context variable that is set before a call is seen by the provider: both run in the caller's context."""

    class Tracing:
        @fcall.hookimpl
        def fcall_before_invoke(self, call: Call) -> None:
            VARIABLE.set(call.id)

    watcher, provider = Watcher(), Scripted(lambda: VARIABLE.get().encode())
    result = client_of(provider, Tracing(), watcher).invoke("f")

    assert watcher.told[0][1].id == result.text


STREAM: ContextVar[str] = ContextVar("STREAM", default="nothing")


class Numbered:
    """An observer that sets the variable before a call and takes it back after, as tracers do."""

    def __init__(self) -> None:
        self.tokens: dict[str, Any] = {}

    @fcall.hookimpl
    def fcall_before_invoke(self, call: Call) -> None:
        self.tokens[call.id] = STREAM.set(call.function)

    @fcall.hookimpl
    def fcall_after_invoke(self, call: Call) -> None:
        STREAM.reset(self.tokens.pop(call.id))


class Streaming(Scripted):
    """A provider whose pieces are what it sees of the variable."""

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        for _ in range(3):
            yield STREAM.get().encode()


def test_a_stream_sees_what_is_set_for_it_and_its_reader_does_not(caplog: pytest.LogCaptureFixture) -> None:
    """Streams that are read in turns each see their own variables, and the reader sees none of them in between."""
    client = client_of(Streaming(b""), observer := Numbered())
    first, second = client.stream("one"), client.stream("two")
    seen = [(next(stream), STREAM.get()) for stream in (first, second, second, first)]
    first.close()

    assert [b"one", b"two", b"two", b"one"] == [piece for piece, _ in seen]
    assert {"nothing"} == {between for _, between in seen}
    assert [b"two"] == list(second)
    assert {} == observer.tokens
    assert [] == caplog.messages


def test_a_stream_of_asyncio_sees_what_is_set_for_it_and_its_reader_does_not(caplog: pytest.LogCaptureFixture) -> None:
    """The same for streams that tasks read in turns, each piece in another task."""
    observer = Numbered()

    async def main() -> list[tuple[bytes, str]]:
        async with fcall.AsyncClient(providers={"streaming": Streaming(b"")}, plugins=[observer]) as client:
            first, second = client.stream("one"), client.stream("two")
            seen = []
            for stream in (first, second, second, first):
                piece = await asyncio.create_task(anext(stream))
                seen.append((piece, STREAM.get()))
            await first.aclose()
            return seen + [(piece, STREAM.get()) async for piece in second]

    seen = asyncio.run(main())

    assert [b"one", b"two", b"two", b"one", b"two"] == [piece for piece, _ in seen]
    assert {"nothing"} == {between for _, between in seen}
    assert {} == observer.tokens
    assert [] == caplog.messages


def test_observers_are_told_on_the_callers_thread() -> None:
    """Every hook runs on the thread that makes the call."""
    threads: set[int] = set()

    class Threads:
        @fcall.hookimpl
        def fcall_before_invoke(self) -> None:
            threads.add(threading.get_ident())

        @fcall.hookimpl
        def fcall_after_invoke(self) -> None:
            threads.add(threading.get_ident())

    client_of(Scripted(b"1"), Threads()).invoke("f")

    assert {threading.get_ident()} == threads


def test_an_observer_takes_only_what_it_wants() -> None:
    """A hook may leave parameters out, and take them in any order."""
    told: list[object] = []

    class Short:
        @fcall.hookimpl
        def fcall_after_invoke(self, outcome: CallOutcome) -> None:
            told.append(outcome.executed)

        @fcall.hookimpl
        def fcall_on_retry(self, attempt: Attempt, call: Call) -> None:
            told.append((attempt.number, call.function))

    client_of(Scripted(ThrottledError("later"), b"1"), Short()).invoke("f")

    assert [(1, "f"), Executed.YES] == told


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (None, {"custom": {"trace": "observer's", "more": 1}}),
        ({"custom": {}}, {"custom": {"trace": "observer's", "more": 1}}),
        ({"custom": {"trace": "caller's"}}, {"custom": {"trace": "caller's", "more": 1}}),
        ({"env": {"a": 1}}, {"env": {"a": 1}, "custom": {"trace": "observer's", "more": 1}}),
    ],
)
def test_the_context_grows_and_nothing_is_overwritten(context: Any, expected: Mapping[str, Any]) -> None:
    """An observer adds keys to ``custom``; a key that the caller set stays the caller's, and so does its mapping."""
    provider, before = Scripted(b"1"), repr(context)
    client_of(provider, Watcher({"trace": "observer's", "more": 1})).invoke("f", context=context)

    assert expected == provider.seen[0].invoker_context
    assert before == repr(context)


@pytest.mark.parametrize("carried", [{}, {"Async": ALL_KEYS}, {"Sync": frozenset({"env"})}])
def test_the_context_is_left_alone_where_it_would_be_dropped(carried: Mapping[Any, frozenset[str]]) -> None:
    """Where the provider cannot carry ``custom`` on this call, the observer is not even asked."""
    watcher = Watcher({"trace": 1})
    provider = Scripted(b"1", capabilities=Capabilities(invoker_context=carried))
    client_of(provider, watcher).invoke("f")

    assert ["before", "after"] == watcher.hooks
    assert provider.seen[0].invoker_context is None


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (200, {"custom": {"mine": "é", "trace": "1", "bag": "x" * 30, "state": 2}}),
        (46, {"custom": {"mine": "é", "trace": "1", "state": 2}}),
        (45, {"custom": {"mine": "é", "trace": "1"}}),
        (34, {"custom": {"mine": "é", "state": 2}}),
        (1, {"custom": {"mine": "é"}}),
    ],
)
def test_what_the_context_has_no_room_for_is_left_out(limit: int, expected: Mapping[str, Any]) -> None:
    """An observer never makes a context too large for the provider: its keys go as far as there is room, in order."""
    room = Capabilities(invoker_context={"Sync": ALL_KEYS}, invoker_context_limit=limit)
    provider = Scripted(b"1", capabilities=room)
    watcher = Watcher({"trace": "1", "bag": "x" * 30, "state": 2})
    client_of(provider, watcher).invoke("f", context={"custom": {"mine": "é"}})

    assert expected == provider.seen[0].invoker_context


class Located(Scripted):
    """A provider that knows where its functions are, or raises when it is asked."""

    def __init__(self, answer: Any) -> None:
        super().__init__(ThrottledError("no", retryable=False))
        self._answer = answer

    def locate(self, invocation: Invocation) -> tuple[str, str | None]:
        if isinstance(self._answer, Exception):
            raise self._answer
        region: str | None = self._answer
        return f"prod-{invocation.function}", region


def test_the_outcome_says_where_the_function_is() -> None:
    """Observers learn what the provider calls the function, and in which region it is; also of a call that failed."""
    watcher = Watcher()
    with pytest.raises(ThrottledError):
        client_of(Located("eu-west-1"), watcher).invoke("images/resize")

    assert Callee("scripted", "images", "prod-resize", "eu-west-1") == watcher.outcomes[0].callee


@pytest.mark.parametrize("raised", [RuntimeError("where?"), InvalidParamsError("no such name")])
def test_a_provider_that_cannot_say_where_changes_nothing(raised: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """What `locate` raises reaches nobody but the log, and there only where it is a fault."""
    watcher = Watcher()
    with pytest.raises(ThrottledError):
        client_of(Located(raised), watcher).invoke("f")

    assert Callee("scripted", None, "f") == watcher.outcomes[0].callee
    assert isinstance(raised, RuntimeError) == bool(caplog.messages)


def test_a_call_without_an_attempt_was_nowhere() -> None:
    """Where nothing was tried there is no function to tell of."""
    watcher = Watcher()
    with pytest.raises(UnsupportedFeatureError):
        client_of(Scripted(b"1", capabilities=Capabilities()), watcher).invoke("f", log_tail=True)

    assert watcher.outcomes[0].callee is None


@pytest.mark.parametrize("added", [["trace"], {"trace": object()}, {"trace": float("nan")}, {}, None])
def test_a_context_that_cannot_be_sent_is_left_out(added: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What an observer wants to add and JSON cannot carry is logged and left out; the call goes on."""
    provider = Scripted(b"1")
    client_of(provider, Watcher(added)).invoke("f")

    assert provider.seen[0].invoker_context is None
    assert bool(added) == ("it is left out" in caplog.text)


def _wrapping(**options: Any) -> object:
    """An observer that wants to wrap the others."""

    class Wrapping:
        @fcall.hookimpl(**options)
        def fcall_before_invoke(self, call: Call) -> Iterator[None]:
            raise AssertionError("a wrapper is not told")
            yield

    return Wrapping()


@pytest.mark.parametrize("options", [{"wrapper": True}, {"hookwrapper": True}])
def test_a_wrapper_is_not_told(options: Mapping[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """A hook wrapper could change outcomes: it is logged and left out, and the others are told."""
    watcher = Watcher()
    client_of(Scripted(b"1"), _wrapping(**options), watcher).invoke("f")

    assert ["before", "context", "after"] == watcher.hooks
    assert ["the plugin Wrapping wraps fcall_before_invoke; observers cannot, so it is not told"] == caplog.messages


def test_the_log_is_silent_where_all_goes_well(caplog: pytest.LogCaptureFixture) -> None:
    """Observers that behave leave nothing in the log."""
    caplog.set_level(logging.DEBUG)
    client_of(Scripted(b"1"), Watcher({"trace": 1})).invoke("f")

    assert [] == caplog.messages
