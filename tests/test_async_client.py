"""AsyncClient: the verbs of Client, awaited; what cancelling means; its threads; its maps."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

import fcall
from fcall.errors import (
    ClientClosedError,
    Executed,
    FunctionError,
    InvalidParamsError,
    InvocationTimeoutError,
    ThrottledError,
    UnsupportedFeatureError,
)
from fcall.provider import Call, CallOutcome, Capabilities, Deadline, Invocation, InvocationResult

VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="unset")
ALL = [1, 2, 16]


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What it gives; a test that would hang fails."""

    async def limited() -> Any:
        async with asyncio.timeout(30):
            return await coroutine

    return asyncio.run(limited())


class Awaited:
    """A provider with an asyncio path, which counts what is under way."""

    capabilities = Capabilities(streaming=True)

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.under_way = self.most = self.calls = 0

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.calls += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
            if invocation.payload == b'"fail"':
                raise FunctionError(error_type="E")
            return InvocationResult(invocation.payload)
        finally:
            self.under_way -= 1

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        raise AssertionError("it is to be awaited")

    def close(self) -> None:
        pass


class Blocking:
    """One that blocks until it is let through, or does not."""

    capabilities = Capabilities(streaming=True)

    def __init__(self) -> None:
        self.entered, self.gate = threading.Semaphore(0), threading.Event()
        self.closed = threading.Event()

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.entered.release()
        assert self.gate.wait(20)
        return InvocationResult(invocation.payload)

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        try:
            yield b"first"
            self.entered.release()
            assert self.gate.wait(20)
            yield b"second"
        finally:
            self.closed.set()

    def close(self) -> None:
        pass


class Watcher:
    """An observer that keeps outcomes."""

    def __init__(self) -> None:
        self.outcomes: list[CallOutcome] = []

    @fcall.hookimpl
    def fcall_after_invoke(self, call: Call, outcome: CallOutcome) -> None:
        self.outcomes.append(outcome)


async def entered(provider: Blocking) -> None:
    """Wait until a thread is in the provider."""
    while not provider.entered.acquire(blocking=False):
        await asyncio.sleep(0.001)


# The verbs


def test_it_has_every_verb_with_the_same_parameters() -> None:
    """Whoever knows one client knows the other: the same public names, the same parameters."""
    names = {name for name in dir(fcall.Client) if not name.startswith("_")}

    assert names == {name for name in dir(fcall.AsyncClient) if not name.startswith("_")}
    for name in names - {"after_fork_in_child"}:
        ours, theirs = (inspect.signature(getattr(kind, name)) for kind in (fcall.AsyncClient, fcall.Client))
        assert list(ours.parameters) == list(theirs.parameters), name


def test_every_verb_gives_what_the_client_gives(registry: fcall.local.Registry) -> None:
    """Answers, acceptances, dry runs, streams, listings and the portable contract are those of Client."""
    ran: list[Any] = []
    registry.function("echo")(lambda event, context: ran.append(event) or event)

    async def use() -> None:
        async with fcall.AsyncClient(provider="local", registry=registry) as client:
            assert [1] == (await client.invoke("echo", [1])).json()
            assert 202 == (await client.enqueue("echo", [2])).status_code
            assert await client.check("echo") is None  # type: ignore[func-returns-value]
            assert [b"[3]"] == [piece async for piece in client.stream("echo", [3])]
            assert ["echo"] == [info.name async for info in client.list_functions()]
            assert b"[4]" == (await client.invoke_function({"functionName": "echo", "payload": b"[4]"}))["payload"]

    run(use())
    assert [[1], [2], [3], [4]] == sorted(ran)


def test_mistakes_are_errors_at_once() -> None:
    """What needs no waiting to be found wrong is found wrong by the call that says it."""

    async def use() -> None:
        client = fcall.AsyncClient(providers={"awaited": Awaited()})
        with pytest.raises(UnsupportedFeatureError, match="cannot list"):
            client.list_functions()
        with pytest.raises(UnsupportedFeatureError, match="cannot stream"):
            client.stream("f")
        with pytest.raises(InvalidParamsError, match="event is bytes"):
            await client.invoke("f", b"bytes")
        await client.close()
        with pytest.raises(ClientClosedError):
            await client.invoke("f")
        with pytest.raises(ClientClosedError):
            client.map("f", [1])

    run(use())
    with pytest.raises(InvalidParamsError, match="threads is a whole number from 1"):
        fcall.AsyncClient(provider="local", threads=0)


def test_context_variables_travel(registry: fcall.local.Registry) -> None:
    """A provider on a thread sees the variables of the task, and what it sets stays there."""

    @registry.function("look")
    def look(event: Any, context: Any) -> Any:
        seen = VARIABLE.get()
        VARIABLE.set("spoilt")
        return seen

    async def use() -> None:
        VARIABLE.set("of the task")
        async with fcall.AsyncClient(provider="local", registry=registry) as client:
            assert "of the task" == (await client.invoke("look")).json()
            assert 8 * ["of the task"] == [result.json() async for result in client.map("look", range(8))]
            assert "of the task" == VARIABLE.get()

    async def use_awaited() -> None:
        class Looking(Awaited):
            async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
                seen = VARIABLE.get()
                VARIABLE.set("spoilt")
                await asyncio.sleep(0)
                assert "spoilt" == VARIABLE.get()
                return InvocationResult(seen.encode())

        VARIABLE.set("of the task")
        async with fcall.AsyncClient(providers={"awaited": Looking()}) as client:
            assert 8 * ["of the task"] == [result.text async for result in client.map("f", range(8), concurrency=2)]
            assert "of the task" == VARIABLE.get()

    run(use())
    run(use_awaited())


def test_the_event_loop_is_never_blocked() -> None:
    """While a provider blocks on its thread, other tasks run."""

    async def use() -> None:
        provider = Blocking()
        async with fcall.AsyncClient(providers={"blocking": provider}) as client:
            task = asyncio.ensure_future(client.invoke("f", 1))
            await entered(provider)
            await asyncio.sleep(0)
            provider.gate.set()
            assert 1 == (await task).json()

    run(use())


# Threads


def test_calls_beyond_the_threads_wait_with_their_time_outs() -> None:
    """One that gets no thread in time did not run, and says so when its time is over."""

    async def use() -> None:
        provider = Blocking()
        async with fcall.AsyncClient(providers={"blocking": provider}, threads=1) as client:
            first = asyncio.ensure_future(client.invoke("f"))
            await entered(provider)
            started = time.monotonic()
            with pytest.raises(InvocationTimeoutError, match="no thread was free") as caught:
                await client.invoke("f", timeout=0.1)
            assert time.monotonic() - started < 10
            assert caught.value.executed is Executed.NO
            provider.gate.set()
            await first

    run(use())


def test_the_interpreter_ends_without_its_threads(run_program: Callable[[str], Any]) -> None:
    """A call that blocks for ever on a thread does not keep the program from ending."""
    finished = run_program(
        """
        import asyncio, time, fcall
        registry = fcall.local.Registry()
        registry.function("slow")(lambda event, context: time.sleep(600))

        async def main():
            client = fcall.AsyncClient(provider="local", registry=registry)
            try:
                async with asyncio.timeout(0.3):
                    await client.invoke("slow")
            except TimeoutError:
                print("given up")

        asyncio.run(main())
        """
    )

    assert (0, "given up\n", "") == (finished.returncode, finished.stdout, finished.stderr)


def test_it_works_in_a_forked_child(run_program: Callable[[str], Any]) -> None:
    """A client that was used before the fork starts threads of its own in the child."""
    finished = run_program(
        """
        import asyncio, os, warnings, fcall
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 and later warn of every fork among threads
        registry = fcall.local.Registry()
        registry.function("echo")(lambda event, context: event)
        client = fcall.AsyncClient(provider="local", registry=registry)

        async def main():
            return (await client.invoke("echo", 5)).json(), [r.json() async for r in client.map("echo", range(3))]

        assert asyncio.run(main()) == (5, [0, 1, 2])
        pid = os.fork()
        if not pid:
            os._exit(0 if asyncio.run(main()) == (5, [0, 1, 2]) else 7)
        assert os.waitpid(pid, 0)[1] == 0
        """
    )

    assert (0, "") == (finished.returncode, finished.stderr)


# Cancelling


@pytest.mark.parametrize("provider", [Awaited(600), Blocking()], ids=["awaited", "on a thread"])
def test_a_cancelled_call_says_that_it_may_have_run(provider: Any) -> None:
    """It ends at once with CancelledError, with a note; the observers hear MAYBE."""
    watcher = Watcher()

    async def use() -> None:
        client = fcall.AsyncClient(providers={"double": provider}, plugins=[watcher])
        task = asyncio.ensure_future(client.invoke("f"))
        await (entered(provider) if isinstance(provider, Blocking) else asyncio.sleep(0.01))
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert time.monotonic() - started < 10
        assert "it may have run (executed: MAYBE)" in caught.value.__notes__[0]

    run(use())
    if isinstance(provider, Blocking):
        provider.gate.set()
    (outcome,) = watcher.outcomes
    assert (Executed.MAYBE, asyncio.CancelledError) == (outcome.executed, type(outcome.error))


def test_a_call_is_cancelled_promptly_between_attempts() -> None:
    """A pause before the next attempt is not waited for; where no attempt ran it, that is what is said."""

    class Busy(Awaited):
        async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
            raise ThrottledError("later", retry_after=60)

    watcher = Watcher()

    async def use() -> None:
        client = fcall.AsyncClient(providers={"busy": Busy()}, plugins=[watcher])
        task = asyncio.ensure_future(client.invoke("f"))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert time.monotonic() - started < 10
        assert "it did not run (executed: NO)" in caught.value.__notes__[0]

    run(use())
    assert Executed.NO is watcher.outcomes[0].executed


@pytest.mark.parametrize("waits_for", ["a place", "a thread"])
def test_a_call_that_is_cancelled_while_it_waits_did_not_run(waits_for: str) -> None:
    """No provider was asked, so the note and the observers say NO; and it is not called later either."""
    watcher, provider = Watcher(), Blocking()
    limit = {"max_in_flight": 1} if waits_for == "a place" else {}

    async def use() -> None:
        client = fcall.AsyncClient(
            {"services": {"s": {"provider": "blocking", **limit}}},
            providers={"blocking": provider},
            plugins=[watcher],
            threads=1 if waits_for == "a thread" else 2,
        )
        first = asyncio.ensure_future(client.invoke("s/f", 1))
        await entered(provider)
        second = asyncio.ensure_future(client.invoke("s/f", 2))
        await asyncio.sleep(0)  # it is queued within its first step
        second.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await second
        assert "it did not run (executed: NO)" in caught.value.__notes__[0]
        provider.gate.set()
        assert 1 == (await first).json()
        assert 3 == (await client.invoke("s/f", 3)).json()
        assert provider.entered.acquire(blocking=False)
        assert not provider.entered.acquire(blocking=False)
        await client.close()

    run(use())
    cancelled = watcher.outcomes[0]
    assert (Executed.NO, "not sent") == (cancelled.executed, cancelled.attempts[0].outcome)


def test_a_stream_that_is_left_is_closed() -> None:
    """Leaving between pieces closes it; leaving while a piece is awaited closes it when that piece is there."""

    async def use() -> None:
        provider = Blocking()
        client = fcall.AsyncClient(providers={"blocking": provider})
        pieces: Any = client.stream("f")
        assert b"first" == await anext(pieces)
        await pieces.aclose()
        assert provider.closed.wait(5)

        provider.closed.clear()
        pieces = client.stream("f")
        assert b"first" == await anext(pieces)
        task = asyncio.ensure_future(anext(pieces))
        await entered(provider)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not provider.closed.is_set()
        provider.gate.set()
        assert await asyncio.to_thread(provider.closed.wait, 5)

    run(use())


# Maps


async def asynchronous(count: int) -> AsyncIterator[int]:
    for number in range(count):
        await asyncio.sleep(0)
        yield number


@pytest.mark.parametrize("concurrency", ALL)
@pytest.mark.parametrize("source", [range, asynchronous])
@pytest.mark.parametrize("awaited", [True, False])
def test_map_is_in_order(concurrency: int, source: Any, awaited: bool, registry: fcall.local.Registry) -> None:
    """Any iterable, awaited or not, on tasks or on threads: a result for each item, in order."""
    registry.function("echo")(lambda event, context: event)
    provider = Awaited(0.001)

    async def use() -> None:
        async with fcall.AsyncClient(provider="local", registry=registry, providers={"awaited": provider}) as client:
            target = "awaited:echo" if awaited else "echo"
            results = client.map(target, source(150), concurrency=concurrency)
            assert list(range(150)) == [result.json() async for result in results]

    run(use())
    assert provider.most <= concurrency if awaited else provider.most == 0


def test_as_completed_and_enqueue_many(registry: fcall.local.Registry) -> None:
    """An outcome for each item as they come; an acceptance for each, in order."""
    registry.function("echo")(lambda event, context: event)

    async def use() -> None:
        provider = Awaited(0.001)
        async with fcall.AsyncClient(provider="local", registry=registry, providers={"awaited": provider}) as client:
            events = [1, "fail", 3]
            outcomes = [outcome async for outcome in client.as_completed("awaited:f", events)]
            assert [0, 1, 2] == sorted(outcome.index for outcome in outcomes)
            assert [1] == [outcome.index for outcome in outcomes if isinstance(outcome.error, FunctionError)]
            assert 5 == len([accepted async for accepted in client.enqueue_many("echo", asynchronous(5))])

    run(use())


@pytest.mark.parametrize("awaited", [True, False])
def test_map_raises_the_first_error(awaited: bool, registry: fcall.local.Registry) -> None:
    """With the index of its item; nothing more is sent, and an iterable's own error comes as it is."""

    @registry.function("picky")
    def picky(event: Any, context: Any) -> Any:
        if event == "fail":
            raise ValueError
        return event

    async def broken() -> AsyncIterator[Any]:
        yield 1
        raise LookupError("no more")

    async def use() -> None:
        async with fcall.AsyncClient(provider="local", registry=registry, providers={"awaited": Awaited()}) as client:
            target = "awaited:picky" if awaited else "picky"
            results = client.map(target, [1, 2, "fail", *range(5000)])
            assert [1, 2] == [(await anext(results)).json() for _ in range(2)]
            with pytest.raises(FunctionError) as caught:
                await anext(results)
            assert 2 == caught.value.index
            with pytest.raises(StopAsyncIteration):
                await anext(results)
            results = client.map(target, broken())
            assert 1 == (await anext(results)).json()
            with pytest.raises(LookupError, match="no more"):
                await anext(results)

    run(use())


def test_cancelling_the_task_cancels_the_calls() -> None:
    """What is awaited ends at once; the note says how many calls may have run; nothing more is sent."""
    provider, watcher = Awaited(600), Watcher()

    async def use() -> None:
        client = fcall.AsyncClient(providers={"awaited": provider}, plugins=[watcher])
        task = asyncio.ensure_future(anext(client.map("f", range(100), concurrency=8)))
        while provider.calls < 8:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert "interrupted while 8 of the calls of f by a map" in caught.value.__notes__[-1]
        while provider.under_way:
            await asyncio.sleep(0.001)
        await client.close()

    run(use())
    assert 8 == provider.calls
    assert 8 * [Executed.MAYBE] == [outcome.executed for outcome in watcher.outcomes]


@pytest.mark.parametrize("how", ["break", "aclose", "close"])
def test_leaving_the_loop(how: str) -> None:
    """Nothing more is sent, and what was sent is settled, by the end of `close` at the latest."""
    provider = Awaited(0.02)

    async def use() -> None:
        client = fcall.AsyncClient(providers={"awaited": provider})
        results = client.as_completed("f", asynchronous(10_000), concurrency=4)
        async for _ in results:
            break
        if how == "break":
            del results
        elif how == "aclose":
            await results.aclose()
            assert 0 == provider.under_way
        calls = provider.calls
        await client.close()
        assert 0 == provider.under_way
        assert provider.calls <= calls + 4
        if how == "close":
            with pytest.raises(ClientClosedError):
                async for _ in results:
                    pass

    run(use())


def test_an_asynchronous_iterable_is_read_no_further_than_needed() -> None:
    """Of endless items a bounded number is read ahead, and a slow one keeps back no result."""
    read = 0

    async def endless() -> AsyncIterator[int]:
        nonlocal read
        while True:
            yield read
            read += 1

    async def stuck() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(600)

    async def use() -> None:
        async with fcall.AsyncClient(providers={"awaited": Awaited()}) as client:
            async with client.map("f", endless(), concurrency=4) as results:
                for number in range(50):
                    assert number == (await anext(results)).json()
                await asyncio.sleep(0.01)
                assert read <= 50 + 4 + 64
            async with client.map("f", stuck(), concurrency=4) as results:
                assert 1 == (await anext(results)).json()

    run(use())


def test_an_asynchronous_iterable_that_is_cancelled_ends_the_map() -> None:
    """A CancelledError of its own comes through, as from any iterable, and nobody waits for more."""

    async def items() -> AsyncIterator[int]:
        yield 1
        waiting = asyncio.ensure_future(asyncio.sleep(600))
        waiting.cancel()
        await waiting

    async def use() -> None:
        async with fcall.AsyncClient(providers={"awaited": Awaited()}) as client:
            results = client.map("f", items())
            assert 1 == (await anext(results)).json()
            with pytest.raises(asyncio.CancelledError):
                await anext(results)
            task = asyncio.current_task()
            assert task is not None
            assert 0 == task.cancelling()  # it was not our time-out

    run(use())


def test_other_tasks_have_their_turn() -> None:
    """A map whose results are always there already, and a slow iterable, leave room for others."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def slow() -> Iterator[int]:
        for number in range(20):
            time.sleep(0.002)
            yield number

    async def use() -> None:
        task = asyncio.ensure_future(other())
        async with fcall.AsyncClient(providers={"awaited": Awaited()}) as client:
            assert 2000 == len([result async for result in client.map("f", range(2000))])
            assert 20 == len([result async for result in client.map("f", slow())])
        task.cancel()

    run(use())
    assert turns > 40


def test_a_loop_may_have_a_task_factory_of_its_own() -> None:
    """One that takes no context serves a map; one that fails is the map's error, and nothing waits for what it lost."""

    def plain(loop: asyncio.AbstractEventLoop, coroutine: Any) -> asyncio.Task[Any]:
        return asyncio.Task(coroutine, loop=loop)

    def broken(loop: asyncio.AbstractEventLoop, coroutine: Any) -> asyncio.Task[Any]:
        if "_call_asyncio" in coroutine.__qualname__:
            raise RuntimeError("no task")
        return plain(loop, coroutine)

    async def main() -> list[Any]:
        async with fcall.AsyncClient(providers={"awaited": Awaited()}) as client:
            asyncio.get_running_loop().set_task_factory(plain)
            results = [result.json() async for result in client.map("f", range(5))]
            asyncio.get_running_loop().set_task_factory(broken)
            with pytest.raises(RuntimeError, match="no task"):
                async for _ in client.map("f", range(5)):
                    pass
            asyncio.get_running_loop().set_task_factory(None)
        return results

    assert [*range(5)] == asyncio.run(asyncio.wait_for(main(), 20))
