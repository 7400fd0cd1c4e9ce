"""The drivers: threads and asyncio do the same with the same flow, and nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest

from fcall._drivers import run_asyncio, run_sync, stream_asyncio, stream_sync
from fcall._flow import Flow
from fcall._guard import Guards
from fcall._invocation import Invocation
from fcall._observers import NO_OBSERVERS, Observers
from fcall._policy import Policy
from fcall._router import Route
from fcall._target import Target
from fcall.errors import (
    Attempt,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionError,
    InvocationTimeoutError,
    ThrottledError,
    UnmappedProviderError,
)
from fcall.provider import Capabilities, Deadline, InvocationResult, Provider

SCRIPT: dict[str, bytes | Callable[[], Exception]] = {
    "ok": b"ok",
    "throttled": lambda: ThrottledError("busy", code="Slow"),
    "broken": lambda: ConnectionFailedError("broken"),
    "failed": lambda: FunctionError(error_type="Busy"),
    "slip": lambda: ValueError("slip"),
    "stop": lambda: StopIteration(5),
}
POLICY = Policy(retry_error_types=frozenset({"Busy"}))
VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="unset")


class Scripted:
    """A provider that does what its script says, one entry for each call, and keeps what it was given."""

    capabilities = Capabilities(streaming=True)

    def __init__(self, *script: str) -> None:
        self._left = list(script)
        self.calls: list[Invocation] = []

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.calls.append(invocation)
        made = SCRIPT[self._left.pop(0)]
        if isinstance(made, bytes):
            return InvocationResult(made)
        raise made()

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        return iter([self.invoke(invocation, deadline).payload])

    def close(self) -> None:
        pass


class Awaited(Scripted):
    """The same, to be awaited."""

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        await asyncio.sleep(0)
        return self.invoke(invocation, deadline)


def _flow(
    *providers: Provider, idempotent: bool = False, observers: Observers = NO_OBSERVERS, random: float = 0.5
) -> Flow:
    routes = [Route("double", provider, policy=POLICY) for provider in providers]
    invocation = Invocation("resize", "images", payload=b"event", idempotent=idempotent)
    return Flow(Target("images", "resize"), invocation, routes, observers, time.monotonic, lambda: random)


def _timeless(attempts: tuple[Attempt, ...]) -> list[Attempt]:
    return [attempt._replace(elapsed=0.0) for attempt in attempts]


def _end(call: Callable[[], Any]) -> tuple[Any, ...]:
    """How a call ended, without the times it took and the words of what a provider let slip."""
    try:
        result = call()
    except FcallError as error:
        return type(error), error.executed, error.provider, error.function, _timeless(error.attempts)
    return result.payload, _timeless(result.attempts)


def _sync(provider: Scripted, sleep: Callable[[float], object], **flow: Any) -> Any:
    return run_sync(_flow(provider, **flow).invoke(), sleep)


def _whole_stream(provider: Scripted, sleep: Callable[[float], object], **flow: Any) -> Any:
    """The pieces put together, and the attempts as an observer hears of them."""
    told: list[Any] = []
    observers = Observers({"fcall_after_invoke": [("test", lambda call, outcome: told.append(outcome))]})
    payload = b"".join(stream_sync(_flow(provider, observers=observers, **flow).stream(), sleep))
    return InvocationResult(payload, attempts=told[0].attempts)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all scripts."""
    with asyncio.Runner() as runner:
        yield runner


def _asyncio(runner: asyncio.Runner, provider: Scripted, sleep: Callable[[float], object], **flow: Any) -> Any:
    async def slept(seconds: float) -> None:
        sleep(seconds)

    return runner.run(asyncio.wait_for(run_asyncio(_flow(provider, **flow).invoke(), sleep=slept), 30))


@pytest.mark.parametrize("idempotent", [False, True])
def test_every_driver_does_the_same(runner: asyncio.Runner, idempotent: bool) -> None:
    """For every script of outcomes, each driver makes the same calls and pauses and comes to the same end."""
    drivers: dict[str, Callable[..., Any]] = {
        "sync": lambda script, sleep: (_sync, Scripted(*script), sleep),
        "stream": lambda script, sleep: (_whole_stream, Scripted(*script), sleep),
        "asyncio": lambda script, sleep: (lambda *a, **k: _asyncio(runner, *a, **k), Awaited(*script), sleep),
        "asyncio in a pool": lambda script, sleep: (
            lambda *a, **k: _asyncio(runner, *a, **k),
            Scripted(*script),
            sleep,
        ),
    }
    for script in itertools.product(SCRIPT, repeat=3):
        ends = {}
        for name, made in drivers.items():
            pauses: list[float] = []
            drive, provider, sleep = made(script, pauses.append)
            end = _end(lambda: drive(provider, sleep, idempotent=idempotent))  # noqa: B023 - called at once
            ends[name] = (end, pauses, provider.calls)

        assert 4 * [ends["sync"]] == list(ends.values()), script


def test_the_scripts_reach_every_end() -> None:
    """The comparison of drivers is worth something: there are calls of one, two and three attempts of each end."""
    ends = {
        _end(lambda: _sync(Scripted(*s), lambda _: None, idempotent=True))[0]  # noqa: B023 - called at once
        for s in itertools.product(SCRIPT, repeat=3)
    }

    assert {b"ok", ThrottledError, ConnectionFailedError, FunctionError, UnmappedProviderError} == ends


@pytest.mark.parametrize("provider", [Scripted, Awaited])
@pytest.mark.parametrize("driver", ["sync", "asyncio"])
def test_stop_iteration_is_an_error_like_any_other(
    runner: asyncio.Runner, driver: str, provider: type[Scripted]
) -> None:
    """A provider that lets StopIteration slip neither ends the flow nor makes its task wait for ever."""
    drive = _sync if driver == "sync" else lambda *more: _asyncio(runner, *more)
    with pytest.raises(UnmappedProviderError) as caught:
        drive(provider("stop"), lambda _: None)

    chain = (caught.value.__cause__, caught.value.__cause__ and caught.value.__cause__.__cause__)
    assert any(isinstance(cause, StopIteration) for cause in chain)


# asyncio


class Place:
    """A provider that tells where it was called: thread and context."""

    capabilities = Capabilities()

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        return InvocationResult(f"{threading.current_thread().name} {VARIABLE.get()}".encode())

    def close(self) -> None:
        pass


class AwaitedPlace(Place):
    """The same, to be awaited."""

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        return self.invoke(invocation, deadline)


@pytest.mark.parametrize(("provider", "thread"), [(Place(), "pool_0"), (AwaitedPlace(), "MainThread")])
def test_a_provider_sees_the_context_of_the_task(provider: Provider, thread: str) -> None:
    """A blocking provider runs in the pool and one with asyncio on the loop, both with what the hooks have set."""

    async def called() -> str:
        VARIABLE.set("task")
        observers = Observers({"fcall_before_invoke": [("t", lambda call: VARIABLE.set(f"{VARIABLE.get()} hook"))]})
        with ThreadPoolExecutor(1, "pool") as pool:
            return (await run_asyncio(_flow(provider, observers=observers).invoke(), pool)).text

    assert f"{thread} task hook" == asyncio.run(called())


def test_the_loop_is_not_blocked() -> None:
    """While a blocking provider works, the event loop serves others."""
    released = threading.Event()

    class Waits(Place):
        def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
            return InvocationResult(b"yes" if released.wait(30) else b"no")

    async def release() -> None:
        released.set()

    async def both() -> str:
        result, _ = await asyncio.gather(run_asyncio(_flow(Waits()).invoke()), release())
        return result.text

    assert "yes" == asyncio.run(both())


class Stalls(Place):
    """Says when it is called, and answers when it is let."""

    def __init__(self) -> None:
        self.called, self.released = threading.Event(), threading.Event()

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.called.set()
        self.released.wait(30)
        return InvocationResult()


class AwaitedStalls(Stalls):
    """The same, to be awaited."""

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.called.set()
        await asyncio.sleep(30)
        return InvocationResult()


@pytest.mark.parametrize("provider", [Stalls(), AwaitedStalls()], ids=["pool", "asyncio"])
def test_a_call_in_flight_can_be_cancelled(provider: Stalls) -> None:
    """Cancelling ends the call at once with CancelledError, and its note says that the function may have run."""
    told: list[Any] = []
    observers = Observers({"fcall_after_invoke": [("test", lambda call, outcome: told.append(outcome))]})

    async def cancelled() -> tuple[str, ...]:
        task = asyncio.create_task(run_asyncio(_flow(provider, observers=observers).invoke()))
        await asyncio.to_thread(provider.called.wait, 30)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as error:
            return tuple(error.__notes__)
        finally:
            provider.released.set()
        return ()

    (note,) = asyncio.run(cancelled())

    assert "images/resize" in note
    assert "executed: MAYBE" in note
    assert (Executed.MAYBE, asyncio.CancelledError) == (told[0].executed, type(told[0].error))


def test_a_call_in_a_pause_can_be_cancelled() -> None:
    """Cancelling does not wait for the end of a pause, and nothing is called afterwards."""

    async def cancelled() -> tuple[int, float]:
        provider, pausing = Awaited("throttled", "ok"), asyncio.Event()

        async def sleep(seconds: float) -> None:
            pausing.set()
            await asyncio.sleep(30 * seconds)

        task = asyncio.create_task(run_asyncio(_flow(provider).invoke(), sleep=sleep))
        await pausing.wait()
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(provider.calls), time.monotonic() - started

    calls, took = asyncio.run(cancelled())

    assert 1 == calls
    assert took < 5


def test_a_pause_is_a_sleep_of_asyncio() -> None:
    """Where no other sleep is given, a pause leaves the loop to others."""
    provider = Awaited("throttled", "ok")

    assert b"ok" == asyncio.run(run_asyncio(_flow(provider, random=0.001).invoke())).payload
    assert 2 == len(provider.calls)


# Streams


class Pieces:
    """An iterator that can be closed, and may fail at some piece."""

    def __init__(self, *pieces: bytes | BaseException) -> None:
        self._pieces = iter(pieces)
        self.taken = self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        if isinstance(piece, BaseException):
            raise piece
        self.taken += 1
        return piece

    def close(self) -> None:
        self.closed += 1


class Streams(Place):
    """A provider with one stream after the other."""

    def __init__(self, *streams: Any) -> None:
        self.left = list(streams)

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        return self.left.pop(0)


def _stream(*streams: Any) -> Iterator[bytes]:
    return stream_sync(_flow(Streams(*streams)).stream(), lambda _: None)


def test_a_stream_is_lazy() -> None:
    """Nothing is called before the first piece is asked for, and no piece is taken before its time."""
    pieces = Pieces(b"a", b"b", b"c")
    provider = Streams(pieces)
    stream = stream_sync(_flow(provider).stream())

    assert 1 == len(provider.left)
    assert b"a" == next(stream)
    assert (0, 1) == (len(provider.left), pieces.taken)
    assert [b"b", b"c"] == list(stream)


def test_a_stream_that_ends_is_closed() -> None:
    """The provider's iterator is let go at the end of the stream."""
    pieces = Pieces(b"a", b"b")

    assert [b"a", b"b"] == list(_stream(pieces))
    assert 1 == pieces.closed


def test_an_abandoned_stream_is_closed() -> None:
    """A caller that takes no more pieces frees the connection, by closing the stream or by dropping it."""
    closed, dropped = Pieces(b"a", b"b"), Pieces(b"a", b"b")
    stream = _stream(closed)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    for _ in _stream(dropped):
        break

    assert [(1, 1), (1, 1)] == [(pieces.taken, pieces.closed) for pieces in (closed, dropped)]


@pytest.mark.parametrize("raised", [ConnectionFailedError(), ValueError(), KeyboardInterrupt()], ids=repr)
def test_a_stream_that_breaks_off_is_closed(raised: BaseException) -> None:
    """A failure between two pieces frees the connection too."""
    pieces = Pieces(b"a", raised, b"b")
    stream = _stream(pieces)
    next(stream)
    with pytest.raises((FcallError, KeyboardInterrupt)):
        next(stream)

    assert (1, 1) == (pieces.taken, pieces.closed)
    assert [] == list(stream)


@pytest.mark.parametrize("raised", [ConnectionFailedError(), KeyboardInterrupt()], ids=repr)
def test_a_stream_that_fails_at_once_is_closed(raised: BaseException) -> None:
    """A failure before the first piece frees the connection before there is another attempt."""
    pieces = Pieces(raised)
    with pytest.raises((FcallError, KeyboardInterrupt)):
        next(_stream(pieces))

    assert 1 == pieces.closed


def test_only_the_stream_that_answers_is_read() -> None:
    """The iterator of a failed attempt is closed, and the next one's pieces are the answer."""
    failed, answered = Pieces(ThrottledError()), Pieces(b"a", b"b")

    assert [b"a", b"b"] == list(_stream(failed, answered))
    assert (1, 1) == (failed.closed, answered.closed)


def test_pieces_need_no_close() -> None:
    """Any iterable will do."""
    assert [b"a"] == list(_stream([b"a"]))
    assert [] == list(_stream([]))


# What is left behind


class Held:
    """Something in a provider's frame, such as a payload."""


class SlipError(ValueError):
    """What a provider lets slip; builtin exceptions themselves cannot be watched."""


class Signal(KeyboardInterrupt):
    """An interruption that can be watched."""


class Keeps(Place):
    """A provider that fails, with something in its frame that must not outlive the call."""

    capabilities = Capabilities(streaming=True)

    def __init__(self, make: Callable[[], BaseException]) -> None:
        self._make = make
        self.held: list[weakref.ref[Any]] = []

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        held = Held()
        self.held.append(weakref.ref(held))
        raise self._make()

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        yield b"a"
        self.invoke(invocation, deadline)


class AwaitedKeeps(Keeps):
    """The same, to be awaited."""

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        return self.invoke(invocation, deadline)


WATCHED = Observers(
    {name: [("test", lambda *_: None)] for name in ("fcall_before_invoke", "fcall_on_retry", "fcall_after_invoke")}
)
WAYS: dict[str, Callable[[Callable[[], BaseException], Observers], tuple[Keeps, Callable[[], Any]]]] = {
    "sync": lambda make, told: (
        p := Keeps(make),
        lambda: run_sync(_flow(p, p, observers=told).invoke(), lambda _: None),
    ),
    "stream": lambda make, told: (p := Keeps(make), lambda: list(stream_sync(_flow(p, observers=told).stream()))),
    "asyncio": lambda make, told: (
        p := AwaitedKeeps(make),
        lambda: _stepped(_flow(p, observers=told, random=0.0).invoke()),
    ),
}


def _stepped(flow: Any) -> Any:
    """The driver of asyncio without a loop, which keeps things of its own alive."""

    async def at_once(_: float) -> None:
        return None

    coroutine: Awaitable[Any] = run_asyncio(flow, sleep=at_once)
    with contextlib.suppress(StopIteration):
        coroutine.send(None)  # type: ignore[attr-defined]


@pytest.fixture
def no_gc() -> Iterator[None]:
    """No garbage collection: what is in a cycle stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _references(call: Callable[[], Any]) -> list[weakref.ref[Any]]:
    """References to the error of a call and to its causes."""
    try:
        call()
    except BaseException as error:
        return [weakref.ref(each) for each in (error, error.__cause__, error.__context__) if each is not None]
    raise AssertionError("it was to fail")


@pytest.mark.usefixtures("no_gc")
@pytest.mark.parametrize("watched", [NO_OBSERVERS, WATCHED], ids=["alone", "watched"])
@pytest.mark.parametrize("make", [ThrottledError, FunctionError, ConnectionFailedError, SlipError, Signal])
@pytest.mark.parametrize("way", WAYS)
def test_an_error_keeps_nothing_alive(way: str, make: Callable[[], BaseException], watched: Observers) -> None:
    """Once its error is dropped, a failed call is gone, with all that was in its frames: there is no cycle."""
    provider, call = WAYS[way](make, watched)
    references = [*_references(call), *provider.held]

    assert references
    assert [None] * len(references) == [reference() for reference in references]


@pytest.mark.usefixtures("no_gc")
@pytest.mark.parametrize("way", ["sync", "stream", "asyncio"])
def test_calls_leave_nothing_behind(way: str, runner: asyncio.Runner) -> None:
    """20,000 calls that end well and badly leave no object behind, even without garbage collection."""
    scripts = [("ok",), ("throttled", "ok"), ("throttled",) * 3, ("broken",), ("failed",), ("slip",), ("stop",)]

    async def awaited(count: int) -> None:
        async def at_once(_: float) -> None:
            return None

        for number in range(count):
            with contextlib.suppress(FcallError):
                await run_asyncio(_flow(Awaited(*scripts[number % 7])).invoke(), sleep=at_once)

    def called(count: int) -> None:
        if way == "asyncio":
            return runner.run(awaited(count))
        for number in range(count):
            flow = _flow(Scripted(*scripts[number % 7]))
            with contextlib.suppress(FcallError):
                if way == "sync":
                    run_sync(flow.invoke(), lambda _: None)
                else:
                    b"".join(stream_sync(flow.stream(), lambda _: None))
        return None

    called(140)
    before = len(gc.get_objects())
    called(20_000)

    assert len(gc.get_objects()) - before < 100


# Places


def _one_at_a_time(*providers: Provider) -> list[Route]:
    """Routes that share their provider's guards, and let one call through at once."""
    guards = Guards()
    return [Route("double", provider, policy=Policy(max_in_flight=1), guards=guards) for provider in providers]


def _limited(route: Route, timeout: float = 30.0) -> Flow:
    target, invocation = Target("images", "resize"), Invocation("resize", "images", timeout=timeout)
    return Flow(target, invocation, [route], NO_OBSERVERS, time.monotonic, lambda: 0.5)


class Counts(Place):
    """Counts how many calls are in it at once."""

    def __init__(self) -> None:
        self.now = self.most = self.calls = 0

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.now += 1
        self.most = max(self.most, self.now)
        time.sleep(0.001)  # gives the others a chance to come in, which they must not take
        self.calls += 1
        self.now -= 1
        return InvocationResult()


class AwaitedCounts(Counts):
    """The same, to be awaited."""

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.calls += 1
        self.now -= 1
        return InvocationResult()


def test_threads_and_tasks_share_a_limit() -> None:
    """Calls from threads and from an event loop wait for each other, and all of them have their turn."""
    provider = AwaitedCounts()
    (route,) = _one_at_a_time(provider)

    def from_a_thread() -> None:
        for _ in range(10):
            run_sync(_limited(route).invoke())

    async def from_tasks() -> None:
        with ThreadPoolExecutor(4) as pool:
            threads = [asyncio.get_running_loop().run_in_executor(pool, from_a_thread) for _ in range(4)]
            tasks = [run_asyncio(_limited(route).invoke()) for _ in range(40)]
            await asyncio.gather(*threads, *tasks)

    asyncio.run(from_tasks())

    assert (1, 80) == (provider.most, provider.calls)


@pytest.mark.parametrize("driver", ["sync", "asyncio"])
def test_a_queue_is_left_at_the_deadline(runner: asyncio.Runner, driver: str) -> None:
    """A call that gets no place in time is told so when its time is up, and is gone from the queue."""
    stalls = Stalls()
    (route,) = _one_at_a_time(stalls)
    holder = threading.Thread(target=lambda: run_sync(_limited(route).invoke()))
    holder.start()
    stalls.called.wait(30)
    started = time.monotonic()
    waiting = _limited(route, timeout=0.05).invoke()
    with pytest.raises(InvocationTimeoutError) as caught:
        run_sync(waiting) if driver == "sync" else runner.run(run_asyncio(waiting))
    elapsed = time.monotonic() - started
    stalls.released.set()
    holder.join()

    assert Executed.NO is caught.value.executed
    assert 0.05 <= elapsed < 5  # seconds; whoever has the place keeps it for longer
    assert route.guards.of("double:images/resize").limit.at_rest


def test_a_task_in_the_queue_can_be_cancelled() -> None:
    """It ends at once, and whoever is behind it gets the place."""
    stalls = Stalls()
    (route,) = _one_at_a_time(stalls)

    async def cancelled() -> bytes:
        holder = asyncio.create_task(run_asyncio(_limited(route).invoke()))
        await asyncio.to_thread(stalls.called.wait, 30)
        first = asyncio.create_task(run_asyncio(_limited(route).invoke()))
        second = asyncio.create_task(run_asyncio(_limited(route).invoke()))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        stalls.released.set()
        await holder
        return (await second).payload

    assert b"" == asyncio.run(cancelled())
    assert route.guards.of("double:images/resize").limit.at_rest


def test_a_stream_in_the_queue_gets_its_turn() -> None:
    """A stream waits for its place, keeps it to its end, and hands it on."""
    provider = Scripted("ok", "ok")
    (route,) = _one_at_a_time(provider)
    held = stream_sync(_limited(route).stream())
    pieces = [next(held)]
    waiting = threading.Thread(target=lambda: pieces.extend(stream_sync(_limited(route).stream())))
    waiting.start()
    while not route.guards.of("double:images/resize").limit._queue:
        time.sleep(0.001)
    assert 1 == len(provider.calls)
    held.close()
    waiting.join(30)

    assert [b"ok", b"ok"] == pieces


def test_streams_of_tasks_take_turns() -> None:
    """Under a limit of one, the second stream of an event loop begins when the first has ended or was given up."""
    provider = Scripted("ok", "ok", "ok")
    (route,) = _one_at_a_time(provider)

    async def whole() -> bytes:
        return b"".join([piece async for piece in stream_asyncio(_limited(route).stream())])

    async def given_up() -> bytes:
        pieces = stream_asyncio(_limited(route).stream())
        first = await anext(pieces)
        await pieces.aclose()
        return first

    async def turns() -> list[bytes]:
        return await asyncio.gather(whole(), given_up(), whole())

    assert [b"ok"] * 3 == asyncio.run(asyncio.wait_for(turns(), 30))
    assert route.guards.of("double:images/resize").limit.at_rest
