"""Propagation: the trace goes along to the function, and payloads stay as they are unless asked."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from fcall_aws.testing import LambdaEndpoint, error_answer
from fcall_otel import Telemetry, traced
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import fcall
from fcall.errors import InvalidParamsError
from fcall.handlers import handler

FUNCTION = """
from opentelemetry import baggage, propagate
from opentelemetry.sdk.trace import TracerProvider
from fcall.handlers import handler

tracer = TracerProvider().get_tracer("function")


@handler
def work(event, ctx):
    found = propagate.extract(ctx.trace_context)
    with tracer.start_as_current_span("work", found) as span:
        return {
            "trace": span.get_span_context().trace_id,
            "parent": span.parent and span.parent.span_id,
            "baggage": dict(baggage.get_all(found)),
        }
"""


@pytest.fixture
def function() -> str:
    """A function in a file, which makes a span of its own."""
    Path("work.py").write_text(FUNCTION)
    return "local:work.py:work"


@pytest.mark.parametrize("isolation", ["inline", "process"])
@pytest.mark.parametrize("runtime", ["lambda", "linkedge"])
def test_the_functions_span_has_the_calls_span_as_its_parent(
    runtime: str, isolation: str, function: str, recorded: Any
) -> None:
    """Application, call, function: one trace, from parent to child, also into a process of its own; with baggage."""
    options = {"provider": "local", "runtime": runtime, "isolation": isolation}
    token = context.attach(baggage.set_baggage("tenant", "blue"))
    with (
        fcall.Client({"defaults": options}, plugins=[recorded.telemetry]) as client,
        recorded.tracer.start_as_current_span("application") as application,
    ):
        told = client.invoke(function, 1).json()
    context.detach(token)
    (call,) = recorded.of_scope("fcall_otel")

    assert application.get_span_context().span_id == call.parent.span_id
    assert {**recorded.seen_from(call), "baggage": {"tenant": "blue"}} == told


def test_baggage_that_cannot_be_written_takes_no_trace_with_it(recorded: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A lone surrogate in the baggage stays behind; the call, an event that is to be traced, and the trace do not."""
    registry = fcall.local.Registry()
    registry.function("f")(handler(lambda event, ctx: ctx.trace_context))
    token = context.attach(baggage.set_baggage("tenant", "\ud800"))
    with fcall.Client(provider="local", registry=registry, plugins=[recorded.telemetry]) as client:
        found = client.invoke("f").json()
        with recorded.tracer.start_as_current_span("application"):
            event = traced({"a": 1})
    context.detach(token)
    (call,) = recorded.of_scope("fcall_otel")

    assert ["traceparent"] == list(found) == list(event["traceContext"])
    assert f"{call.context.span_id:016x}" in found["traceparent"]
    assert {"the trace context cannot be written whole; what there is of it goes along"} == set(caplog.messages)


def test_an_async_call_here_carries_the_trace(recorded: Any) -> None:
    """The local provider carries the context on Async calls too: the span ends, and the function finds it later."""
    registry, found = fcall.local.Registry(), []
    registry.function("f")(lambda event, context: found.append(context.client_context.custom["traceparent"]))
    with fcall.Client(provider="local", registry=registry, plugins=[recorded.telemetry]) as client:
        client.enqueue("f", 1)

    assert [f"{recorded.span.context.span_id:016x}"] == [traceparent.split("-")[2] for traceparent in found]


def test_the_trace_goes_to_lambda_beside_the_payload(
    on_aws: fcall.Client, endpoint: LambdaEndpoint, recorded: Any
) -> None:
    """It travels in the client context; the caller's own keys are there too, and the payload is as it was."""
    told = on_aws.invoke("told", payload=b'{"a": 1}', context={"custom": {"mine": "x"}}).json()

    assert recorded.seen_from(recorded.span) == {name: told[name] for name in ("trace", "parent")}
    assert {"mine", "traceparent"} == set(told["carrier"])
    assert b'{"a": 1}' == endpoint.server.requests[0].body


@pytest.mark.parametrize("verb", ["invoke", "enqueue"])
def test_the_trace_goes_to_a_gateways_function(verb: str, recorded: Any) -> None:
    """Through the true `lecoresdk`, which encodes the context, on Sync and on Async calls; the event is as it was."""
    plugin = pytest.importorskip("fcall_linkedge", reason="it is the provider")
    emulator = pytest.importorskip("fcall_linkedge.emulator", reason="it is the gateway")
    registry, seen = fcall.local.Registry(), []
    registry.function("images/resize")(handler(lambda event, ctx: seen.append((event, ctx.trace_context))))
    plugins = [plugin, recorded.telemetry]
    with emulator.gateway(registry=registry), fcall.Client(provider="linkedge", plugins=plugins) as client:
        getattr(client, verb)("images/resize", {"a": 1})
    ((event, carrier),) = seen
    found = trace.get_current_span(propagate.extract(carrier)).get_span_context()

    assert ({"a": 1}, recorded.span.context.span_id) == (event, found.span_id)
    assert ("linkedge", "alibaba_cloud") == tuple(
        recorded.span.attributes[name] for name in ("fcall.provider", "faas.invoked_provider")
    )


def test_a_traceparent_of_the_callers_own_stays(on_aws: fcall.Client) -> None:
    """What the caller puts into the context is never overwritten."""
    own = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    told = on_aws.invoke("told", 1, context={"custom": {"traceparent": own}}).json()

    assert own == told["carrier"]["traceparent"]


def test_an_async_call_of_lambda_carries_nothing(on_aws: fcall.Client, endpoint: LambdaEndpoint, recorded: Any) -> None:
    """Lambda drops the client context of Async calls, so it is not sent, and the payload is not touched."""
    on_aws.enqueue("told", {"a": 1})
    (request,) = endpoint.server.requests

    assert b'{"a":1}' == request.body
    assert "X-Amz-Client-Context" not in request.headers
    assert 1 == len(recorded.spans)


def test_a_trace_never_makes_a_context_too_large(on_aws: fcall.Client, recorded: Any) -> None:
    """Baggage for which Lambda's header has no room stays behind, and where there is none at all, the trace does."""
    token = context.attach(baggage.set_baggage("bag", "x" * 3000))
    without_baggage = on_aws.invoke("told", 1).json()["carrier"]
    with_nothing = on_aws.invoke("told", 1, context={"custom": {"mine": "x" * 2650}}).json()["carrier"]
    context.detach(token)

    assert {"traceparent"} == set(without_baggage)
    assert {"mine"} == set(with_nothing)
    assert 2 == len(recorded.spans)


def test_retries_carry_the_same_parent(on_aws: fcall.Client, endpoint: LambdaEndpoint, recorded: Any) -> None:
    """Each attempt of a call is of the same span."""
    endpoint.answer_next(error_answer("TooManyRequestsException"))
    told = on_aws.invoke("told", 1).json()
    contexts = {request.headers["X-Amz-Client-Context"] for request in endpoint.server.requests}

    assert recorded.span.context.span_id == told["parent"]
    assert (2, 1) == (len(endpoint.server.requests), len(contexts))


def test_a_propagator_of_ones_own(recorded: Any) -> None:
    """What writes the trace can be chosen for a client, whatever the global one is."""
    registry = fcall.local.Registry()
    registry.function("f")(lambda event, context: context.client_context.custom)
    token = context.attach(baggage.set_baggage("tenant", "blue"))
    telemetry = Telemetry(tracer_provider=recorded.tracing, propagator=TraceContextTextMapPropagator())
    with fcall.Client(provider="local", registry=registry, plugins=[telemetry]) as client:
        carried = client.invoke("f").json()
    context.detach(token)

    assert {"traceparent"} == set(carried)


def test_a_trace_from_elsewhere_goes_on_without_an_sdk() -> None:
    """Where no SDK is set up nothing is recorded, and a trace that came in is handed on as it came."""
    registry = fcall.local.Registry()
    registry.function("f")(lambda event, context: context.client_context and context.client_context.custom)
    came_in = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    telemetry = Telemetry(tracer_provider=trace.NoOpTracerProvider())
    with fcall.Client(provider="local", registry=registry, plugins=[telemetry]) as client:
        alone = client.invoke("f").json()
        token = context.attach(propagate.extract(came_in))
        handed_on = client.invoke("f").json()
        context.detach(token)

    assert (None, came_in) == (alone, handed_on)


def test_a_trace_goes_into_an_event_where_asked(on_aws: fcall.Client, endpoint: LambdaEndpoint, recorded: Any) -> None:
    """`traced` copies an event with the current trace in it, for calls that carry none; the event itself stays."""
    event = {"a": 1}
    with recorded.tracer.start_as_current_span("application") as application:
        on_aws.enqueue("told", traced(event))
    sent = json.loads(endpoint.server.requests[0].body)
    found = trace.get_current_span(propagate.extract(sent["traceContext"])).get_span_context()

    assert application.get_span_context().span_id == found.span_id
    assert ({"a": 1}, {"a", "traceContext"}) == (event, set(sent))


def test_an_event_is_traced_only_where_there_is_a_place_and_a_trace() -> None:
    """Without a trace an event is as it was, a member that is there stays, and a list has no place for one."""
    with TracerProvider().get_tracer("test").start_as_current_span("application"):
        assert {"t": 1} == traced({"t": 1}, key="t")
        with pytest.raises(InvalidParamsError, match="into an event that is an object, not into a list"):
            traced([1])  # type: ignore[arg-type]
    assert {"a": 1} == traced({"a": 1})


PROGRAM = """
import fcall
from opentelemetry import trace

client = fcall.Client(provider="local")
client.invoke("local:app.py:told")  # loads the observer, and no SDK is there yet

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
print(client.invoke("local:app.py:told").json()["traceparent"])
(span,) = exporter.get_finished_spans()
print(trace.format_trace_id(span.context.trace_id), trace.format_span_id(span.context.span_id))
"""


@pytest.mark.skipif(
    not metadata.entry_points(group="fcall.observers", name="otel"), reason="fcall-otel is on the path, not installed"
)
def test_the_installed_observer_watches_every_client() -> None:
    """Its entry point is enough, and an SDK may be set up after the first call."""
    Path("app.py").write_text(
        "def told(event, context):\n    return context.client_context and context.client_context.custom\n"
    )
    printed = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    carried, ids = printed.stdout.splitlines()

    assert carried.split("-")[1:3] == ids.split()
    assert "" == printed.stderr


def test_the_plugin_needs_no_sdk() -> None:
    """Importing it loads OpenTelemetry's API, and nothing of an SDK."""
    program = "import fcall_otel, fcall_otel._installed, sys; print([m for m in sys.modules if '.sdk' in m])"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert "[]\n" == printed.stdout
