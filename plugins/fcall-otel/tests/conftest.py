"""Fixtures for every test: telemetry that is kept in memory, a Lambda endpoint on loopback, and nothing left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import fcall_aws
import pytest
from fcall_aws.testing import LambdaEndpoint
from fcall_otel import Telemetry, _telemetry
from opentelemetry import propagate, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import fcall
from fcall.handlers import handler
from fcall.provider import ALL_KEYS, Capabilities, Deadline, Invocation, InvocationResult

SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYCANARYKEY"
_OURS = ("FCALL_CONFIG", "FCALL_ENV", "FCALL_PROVIDER", "FCALL_DISABLE_PLUGINS")


@pytest.fixture(autouse=True)
def _a_place_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty working directory, settings of no machine, and afterwards no call under way and no span current."""
    for name in [*os.environ]:
        if name.startswith(("AWS_", "OTEL_")) or name in _OURS or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))
    yield
    fcall.set_default_client(None)

    assert {} == _telemetry._under_way.calls
    assert trace.INVALID_SPAN is trace.get_current_span()


class Recorded:
    """What was told to OpenTelemetry.

    Attributes:
        tracing: the provider of tracers.
        tracer: makes spans of the test's own.
        telemetry: the observer that tells it.
    """

    def __init__(self) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracing, self._metering = TracerProvider(), MeterProvider([self._reader])
        self.tracing.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.tracing.get_tracer("test")
        self.telemetry = Telemetry(tracer_provider=self.tracing, meter_provider=self._metering)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that have ended, in that order."""
        return list(self._exporter.get_finished_spans())

    @property
    def span(self) -> ReadableSpan:
        """The only one."""
        (span,) = self.spans
        return span

    def of_scope(self, scope: str) -> list[ReadableSpan]:
        """The spans that one library made."""
        return [span for span in self.spans if span.instrumentation_scope and span.instrumentation_scope.name == scope]

    def metrics(self) -> dict[str, Any]:
        """The data points of every metric by its name, and under ``"units"`` the units."""
        data, told = self._reader.get_metrics_data(), {}
        units = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    told[metric.name] = [(dict(point.attributes), point) for point in metric.data.data_points]
                    units[metric.name] = metric.unit
        return {**told, "units": units}

    def text(self) -> str:
        """Everything, as exporters write it."""
        data = self._reader.get_metrics_data()
        return "".join(span.to_json() for span in self.spans) + (data.to_json() if data else "")

    @staticmethod
    def seen_from(span: ReadableSpan) -> dict[str, int]:
        """What the function `told` says where this span is its parent."""
        return {"trace": span.context.trace_id, "parent": span.context.span_id}

    def close(self) -> None:
        """Stop what the SDK has running."""
        self.tracing.shutdown()
        self._metering.shutdown()


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """Telemetry that is kept in memory."""
    recorded = Recorded()
    yield recorded
    recorded.close()


class Scripted:
    """A provider that does what it is told to, one step for each attempt; the last step is done again and again."""

    capabilities = Capabilities(
        types=frozenset({"Sync", "Async", "DryRun"}),
        qualifier=True,
        invoker_context={"Sync": ALL_KEYS},
        streaming=True,
    )

    def __init__(self, *steps: Any) -> None:
        self.seen: list[Invocation] = []
        self._steps = list(steps)

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.seen.append(invocation)
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        if callable(step):
            step = step()
        if isinstance(step, BaseException):
            raise step
        return step if isinstance(step, InvocationResult) else InvocationResult(step)

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        yield from (self.invoke(invocation, deadline).payload, b"2", b"3")

    def close(self) -> None:
        pass


@pytest.fixture
def scripted(recorded: Recorded) -> Any:
    """Makes a client of a scripted provider that is watched: ``scripted(ThrottledError(), b"1")``."""

    def make(*steps: Any) -> fcall.Client:
        client = fcall.Client(providers={"scripted": Scripted(*steps)}, plugins=[recorded.telemetry])
        client._sleep = lambda seconds: None
        return client

    return make


@handler
def told(event: Any, ctx: Any) -> Mapping[str, Any]:
    """A function that says what trace it finds."""
    found = trace.get_current_span(propagate.extract(ctx.trace_context)).get_span_context()
    return {"trace": found.trace_id, "parent": found.span_id, "carrier": ctx.trace_context}


@pytest.fixture
def endpoint() -> Iterator[LambdaEndpoint]:
    """Lambda on loopback, in which ``told`` is a function."""
    with LambdaEndpoint({"told": told, "prod-told": told}, region="eu-west-1") as endpoint:
        yield endpoint


@pytest.fixture
def on_aws(endpoint: LambdaEndpoint, recorded: Recorded) -> Iterator[fcall.Client]:
    """A client of that endpoint, through a genuine boto3 client, that is watched."""
    plugins = [fcall_aws, recorded.telemetry]
    with fcall.Client(provider="aws", endpoint_url=endpoint.url, plugins=plugins) as client:
        client._sleep = lambda seconds: None
        yield client
