"""Contexts: whose child a span is, on threads and on asyncio, and that nothing is left behind on any of them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

import fcall_aws
import pytest
from fcall_aws.testing import LambdaEndpoint
from fcall_otel import _telemetry
from opentelemetry import trace

import fcall
from fcall.provider import AsyncioProvider, Capabilities, Deadline, Invocation, InvocationResult

Scripted = Callable[..., fcall.Client]


@pytest.fixture
def instrumented(recorded: Any) -> Iterator[None]:
    """OpenTelemetry's own instrumentation of botocore, switched on."""
    module = pytest.importorskip("opentelemetry.instrumentation.botocore", reason="its spans are inside ours")
    instrumentor = module.BotocoreInstrumentor()
    instrumentor.instrument(tracer_provider=recorded.tracing)
    yield
    instrumentor.uninstrument()


def _children(recorded: Any) -> tuple[list[int], list[int]]:
    """The ids of the calls' spans, and those of the parents of the spans that botocore's instrumentation made."""
    theirs = recorded.of_scope("opentelemetry.instrumentation.botocore.lambda") or recorded.of_scope(
        "opentelemetry.instrumentation.botocore"
    )
    ours = [span.context.span_id for span in recorded.of_scope("fcall_otel")]
    return sorted(ours), sorted(span.parent.span_id for span in theirs)


@pytest.mark.usefixtures("instrumented")
def test_boto3s_span_is_inside_the_calls(on_aws: fcall.Client, recorded: Any) -> None:
    """The request that a provider makes is a child of the call, and the application's span is its parent."""
    with recorded.tracer.start_as_current_span("application") as application:
        on_aws.invoke("told", 1)
    calls, parents = _children(recorded)

    assert calls == parents
    assert application.get_span_context().span_id == recorded.of_scope("fcall_otel")[0].parent.span_id


@pytest.mark.usefixtures("instrumented")
def test_boto3s_span_is_inside_the_calls_on_asyncio(endpoint: LambdaEndpoint, recorded: Any) -> None:
    """The same where boto3 runs on a thread of fcall's pool, for calls at the same time."""

    async def main() -> None:
        plugins = [fcall_aws, recorded.telemetry]
        async with fcall.AsyncClient(provider="aws", endpoint_url=endpoint.url, plugins=plugins) as client:
            await asyncio.gather(*(client.invoke("told", number) for number in range(4)))

    asyncio.run(main())
    calls, parents = _children(recorded)

    assert calls == parents
    assert 4 == len(calls)


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.usefixtures("instrumented")
def test_the_calls_of_a_map_are_children_of_who_began_it(concurrency: int, on_aws: fcall.Client, recorded: Any) -> None:
    """Each item is a span of its own; all belong to the span in which the map was begun, on whatever thread."""
    with recorded.tracer.start_as_current_span("application") as application:
        answers = [result.json()["parent"] for result in on_aws.map("told", range(6), concurrency=concurrency)]
    calls, parents = _children(recorded)

    assert calls == parents == sorted(answers)
    assert {application.get_span_context().span_id} == {span.parent.span_id for span in recorded.of_scope("fcall_otel")}


def test_the_calls_of_a_map_on_asyncio_are_children_of_who_began_it(recorded: Any) -> None:
    """The same with tasks in place of threads."""

    async def main() -> int:
        plugins = [recorded.telemetry]
        async with fcall.AsyncClient(providers={"awaited": Awaited()}, plugins=plugins) as client:
            with recorded.tracer.start_as_current_span("application") as application:
                seen = [result.text async for result in client.map("f", range(6), concurrency=3)]
            assert sorted(seen) == sorted(str(span.context.span_id) for span in recorded.of_scope("fcall_otel"))
            return application.get_span_context().span_id

    application = asyncio.run(main())

    assert {application} == {span.parent.span_id for span in recorded.of_scope("fcall_otel")}


class Awaited:
    """A provider that is awaited, answers with the current span's id, and can be kept waiting."""

    capabilities = Capabilities()

    def __init__(self) -> None:
        self.asked: asyncio.Event | None = None

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        raise NotImplementedError

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        if self.asked is not None:
            self.asked.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        return InvocationResult(str(trace.get_current_span().get_span_context().span_id).encode())

    def close(self) -> None:
        pass


def test_calls_at_the_same_time_do_not_mix(recorded: Any) -> None:
    """Each task's call finds its own span, and each is a child of its own task's span."""
    assert isinstance(Awaited(), AsyncioProvider)

    async def task(client: fcall.AsyncClient) -> tuple[int, str]:
        with recorded.tracer.start_as_current_span("task") as span:
            return span.get_span_context().span_id, (await client.invoke("f")).text

    async def main() -> list[tuple[int, str]]:
        async with fcall.AsyncClient(providers={"awaited": Awaited()}, plugins=[recorded.telemetry]) as client:
            return await asyncio.gather(*(task(client) for _ in range(8)))

    seen = asyncio.run(main())

    assert sorted(seen) == sorted(
        (span.parent.span_id, str(span.context.span_id)) for span in recorded.of_scope("fcall_otel")
    )


def test_a_cancelled_call_ends_its_span(recorded: Any) -> None:
    """It may have run; the task that cancelled it has the span that it had before."""

    async def main() -> None:
        provider = Awaited()
        provider.asked = asyncio.Event()
        async with fcall.AsyncClient(providers={"awaited": provider}, plugins=[recorded.telemetry]) as client:
            task = asyncio.ensure_future(client.invoke("f"))
            await provider.asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())

    assert ("CancelledError", "maybe") == tuple(
        recorded.span.attributes[name] for name in ("error.type", "fcall.executed")
    )


def test_a_call_that_is_thrown_away_ends_its_span(recorded: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A coroutine that nobody goes on with is closed in another context than it began in: its span ends, silently, and
    whoever closed it keeps its own.
    """
    provider = Awaited()
    provider.asked = asyncio.Event()
    client = fcall.AsyncClient(providers={"awaited": provider}, plugins=[recorded.telemetry])
    call = client.invoke("f")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(asyncio.sleep(0))
    asyncio._set_running_loop(loop)
    copy_context().run(call.send, None)
    with recorded.tracer.start_as_current_span("elsewhere") as elsewhere:
        call.close()
        kept = trace.get_current_span()
    asyncio._set_running_loop(None)
    asyncio.set_event_loop(None)
    loop.close()

    assert "maybe" == recorded.of_scope("fcall_otel")[0].attributes["fcall.executed"]
    assert elsewhere is kept
    assert [] == caplog.messages


def test_streams_in_turns_leave_the_reader_its_own_span(scripted: Scripted, recorded: Any) -> None:
    """Between two pieces the reader's span is the current one, whichever stream it reads, and both are its children."""
    first, second = scripted(b"1").stream("one"), scripted(b"1").stream("two")
    with recorded.tracer.start_as_current_span("application") as application:
        between = []
        for stream in (first, second, first, second, second, first):
            next(stream)
            between.append(trace.get_current_span())
        first.close()
        second.close()

    assert [application] * 6 == between
    assert ["one", "two"] == [span.name for span in recorded.of_scope("fcall_otel")]
    assert {application.get_span_context().span_id} == {span.parent.span_id for span in recorded.of_scope("fcall_otel")}


def test_a_stream_that_other_threads_read_ends_its_span(
    scripted: Scripted, recorded: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Each piece on another thread, and the end on yet another one."""
    pieces = scripted(b"1").stream("f")
    for _ in range(4):
        thread = threading.Thread(target=next, args=(pieces, None))
        thread.start()
        thread.join()

    assert ("yes", []) == (recorded.span.attributes["fcall.executed"], caplog.messages)


def test_calls_on_threads_do_not_mix(scripted: Scripted, recorded: Any) -> None:
    """Threads that share a client have spans of their own, and all of them end."""
    client = scripted(lambda: str(trace.get_current_span().get_span_context().span_id).encode())
    seen: list[str] = []

    def work() -> None:
        seen.extend(client.invoke("f").text for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 200 == len(recorded.spans)
    assert sorted(seen) == sorted(str(span.context.span_id) for span in recorded.spans)


def test_a_call_inside_a_call_is_its_child(recorded: Any) -> None:
    """A function of this process that calls another one: the second call is within the first."""
    registry = fcall.local.Registry()
    with fcall.Client(provider="local", registry=registry, plugins=[recorded.telemetry]) as client:
        registry.function("inner")(lambda event, context: event)
        registry.function("outer")(lambda event, context: client.invoke("inner", event).json())
        client.invoke("outer", 1)
    inner, outer = recorded.spans

    assert ("inner", "outer", outer.context.span_id) == (inner.name, outer.name, inner.parent.span_id)
    assert outer.parent is None


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # a test runner may have threads
def test_a_forked_child_ends_no_span_of_its_parent(scripted: Scripted, recorded: Any) -> None:
    """A call that is under way at a fork is the parent's: it ends once, there."""

    def fork() -> bytes:
        child = os.fork()
        if child == 0:
            os._exit(len(_telemetry._under_way.calls))
        return str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode()

    left_in_child = scripted(fork).invoke("f").text

    assert ("0", 1) == (left_in_child, len(recorded.spans))


def test_an_observer_of_ours_never_changes_a_call(scripted: Scripted, recorded: Any) -> None:
    """Where OpenTelemetry itself fails, the call goes on, and its span still ends."""

    class Failing:
        def record(self, *arguments: Any) -> None:
            raise RuntimeError("no meter")

    client = scripted(b"1")
    recorded.telemetry._duration = Failing()
    result = client.invoke("f")

    assert (b"1", 1) == (result.payload, len(recorded.spans))
