"""OpenTelemetry's botocore instrumentation, switched on: spans are there, and payloads arrive unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fcall_aws
import pytest
from fcall_aws.testing import LambdaEndpoint, result

import fcall

botocore_instrumentation = pytest.importorskip("opentelemetry.instrumentation.botocore", reason="it is what is tested")
trace = pytest.importorskip("opentelemetry.sdk.trace")
export = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")


@pytest.fixture
def spans() -> Iterator[Any]:
    """The spans that are made, with botocore instrumented."""
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    exporter, tracing = export.InMemorySpanExporter(), trace.TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = botocore_instrumentation.BotocoreInstrumentor()
    instrumentor.instrument(tracer_provider=tracing)
    yield exporter
    instrumentor.uninstrument()
    tracing.shutdown()


@pytest.mark.parametrize(
    "payload", [b"[1, 2]", b'"a text"', b"42", b"1.50", b"null", b"true", b"[]", b"", '["é"]'.encode()]
)
def test_payloads_arrive_unchanged(payload: bytes, spans: Any) -> None:
    """The instrumentation writes into payloads that are objects, and stumbles over others; these stay as they are."""
    with LambdaEndpoint({}) as endpoint:
        endpoint.answer_next(result(b"1"))
        with fcall.Client(plugins=[fcall_aws], provider="aws", endpoint_url=endpoint.url) as client:
            client.invoke("echo", payload=payload)

        assert payload == endpoint.server.requests[0].body
        assert "X-Amzn-Trace-Id" in endpoint.server.requests[0].headers
    (span,) = spans.get_finished_spans()
    assert ("Invoke", "echo") == (span.attributes["rpc.method"], span.attributes["faas.invoked_name"])
