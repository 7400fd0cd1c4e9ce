"""Spans: one for each call, with the conventions' attributes, an event for each attempt, and an end on every path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fcall_aws
import pytest
from fcall_aws.testing import LambdaEndpoint, error_answer, streamed
from fcall_otel import Telemetry, _attributes, _installed
from opentelemetry.trace import SpanKind, StatusCode, TraceFlags

import fcall
from fcall.errors import (
    FcallError,
    FunctionError,
    InvocationTimeoutError,
    ThrottledError,
    UnsupportedFeatureError,
)
from fcall.provider import InvocationResult

Scripted = Callable[..., fcall.Client]


def test_a_call_is_one_client_span(on_aws: fcall.Client, recorded: Any) -> None:
    """It has the names of the conventions, the provider's own name of the function, and what fcall knows beside."""
    result = on_aws.invoke("told", {"a": 1}, qualifier="7", timeout=9)
    span = recorded.span

    assert ("told", SpanKind.CLIENT, StatusCode.UNSET) == (span.name, span.kind, span.status.status_code)
    assert {
        "faas.invoked_name": "told",
        "faas.invoked_provider": "aws",
        "faas.invoked_region": "eu-west-1",
        "faas.invocation_id": result.request_id,
        "fcall.provider": "aws",
        "fcall.qualifier": "7",
        "fcall.invocation_type": "Sync",
        "fcall.payload_size": 7,
        "fcall.timeout": 9,
        "fcall.executed": "yes",
        "fcall.executed_version": "7",
        "fcall.attempts": 1,
    } == dict(span.attributes)
    assert ("fcall_otel", "0.1.0") == (span.instrumentation_scope.name, span.instrumentation_scope.version)


def test_the_names_are_the_conventions_own() -> None:
    """What is called ``faas.…`` and the clouds' names are as the conventions have them."""
    conventions = pytest.importorskip(
        "opentelemetry.semconv._incubating.attributes.faas_attributes", reason="the names are there"
    )
    clouds = {cloud.value for cloud in conventions.FaasInvokedProviderValues}

    assert "faas.invoked_name" == conventions.FAAS_INVOKED_NAME
    assert "faas.invoked_provider" == conventions.FAAS_INVOKED_PROVIDER
    assert "faas.invoked_region" == conventions.FAAS_INVOKED_REGION
    assert "faas.invocation_id" == conventions.FAAS_INVOCATION_ID
    assert set(_attributes._CLOUDS.values()) <= clouds


def test_the_span_has_the_applications_name_and_the_providers(endpoint: LambdaEndpoint, recorded: Any) -> None:
    """What the configuration translates is told both ways."""
    aws = {"provider": "aws", "endpoint_url": endpoint.url, "functions": "prod-{function}"}
    plugins = [fcall_aws, recorded.telemetry]
    with fcall.Client({"services": {"images": aws}}, plugins=plugins) as client:
        client.invoke("images/told", 1)
    told = recorded.span.attributes

    assert "told" == recorded.span.name
    assert ("images", "prod-told") == (told["fcall.service"], told["faas.invoked_name"])


@pytest.mark.parametrize(
    ("verb", "kind", "executed"), [("invoke", "Sync", "yes"), ("enqueue", "Async", "maybe"), ("check", "DryRun", "no")]
)
def test_each_verb_is_told(verb: str, kind: str, executed: str, on_aws: fcall.Client, recorded: Any) -> None:
    """The invocation type is an attribute, and what is known of the function's run follows from it."""
    getattr(on_aws, verb)("told", 1)
    told = recorded.span.attributes

    assert (kind, executed) == (told["fcall.invocation_type"], told["fcall.executed"])


def test_every_attempt_is_an_event(on_aws: fcall.Client, endpoint: LambdaEndpoint, recorded: Any) -> None:
    """An attempt that failed and the one that went well are told in order, at moments within the span."""
    endpoint.answer_next(error_answer("TooManyRequestsException", "slow down"))
    on_aws.invoke("told", 1)
    span = recorded.span
    failed, went_well = span.events

    assert {"fcall.attempt"} == {event.name for event in span.events}
    assert {
        "fcall.attempt.number": 1,
        "fcall.attempt.target": "aws:told",
        "fcall.attempt.outcome": "rejected",
        "fcall.attempt.executed": "no",
        "error.type": "ThrottledError",
        "fcall.error_code": "TooManyRequestsException",
    } == {
        name: value
        for name, value in failed.attributes.items()
        if name not in ("fcall.attempt.duration", "fcall.attempt.retry_in")
    }
    assert failed.attributes["fcall.attempt.retry_in"] >= 0
    assert (2, "ok", "yes") == tuple(
        went_well.attributes[f"fcall.attempt.{name}"] for name in ("number", "outcome", "executed")
    )
    assert span.start_time < failed.timestamp < went_well.timestamp
    assert (2, StatusCode.UNSET) == (span.attributes["fcall.attempts"], span.status.status_code)


def test_a_failure_is_told_by_its_class_and_code(on_aws: fcall.Client, endpoint: LambdaEndpoint, recorded: Any) -> None:
    """The error's type is the name of fcall's class, the code is the provider's, and the status says whether it ran."""
    with pytest.raises(FcallError) as caught:
        on_aws.invoke("missing", 1)
    span = recorded.span

    assert ("FunctionNotFoundError", "ResourceNotFoundException", "no", caught.value.request_id) == tuple(
        span.attributes[name] for name in ("error.type", "fcall.error_code", "fcall.executed", "faas.invocation_id")
    )
    assert (StatusCode.ERROR, "FunctionNotFoundError, executed NO") == (
        span.status.status_code,
        span.status.description,
    )


@pytest.mark.parametrize(
    ("error", "executed"),
    [
        (ThrottledError("no", retryable=False), "no"),
        (InvocationTimeoutError("late"), "maybe"),
        (FunctionError(error_type="ValueError"), "yes"),
        (RuntimeError("a bug of the provider"), "maybe"),
    ],
)
def test_every_failure_ends_the_span(error: Exception, executed: str, scripted: Scripted, recorded: Any) -> None:
    """Whatever a provider raises, the span ends with the error that the caller gets."""
    with pytest.raises(FcallError) as caught:
        scripted(error).invoke("f", idempotent=False)

    assert (type(caught.value).__name__, executed) == (
        recorded.span.attributes["error.type"],
        recorded.span.attributes["fcall.executed"],
    )
    assert StatusCode.ERROR is recorded.span.status.status_code


def test_a_call_that_is_refused_before_sending_has_a_span(scripted: Scripted, recorded: Any) -> None:
    """Nothing was tried, so there is no event, and the function is told as the application named it."""
    with pytest.raises(UnsupportedFeatureError):
        scripted(b"1").invoke("images/resize", log_tail=True)
    span = recorded.span

    assert ("resize", 0, "no", "UnsupportedFeatureError") == tuple(
        span.attributes[name] for name in ("faas.invoked_name", "fcall.attempts", "fcall.executed", "error.type")
    )
    assert () == tuple(span.events)


def test_an_interrupt_ends_the_span(scripted: Scripted, recorded: Any) -> None:
    """Ctrl-C in the middle of a call is an error of its own kind: it may have run."""
    with pytest.raises(KeyboardInterrupt):
        scripted(KeyboardInterrupt()).invoke("f")

    assert ("KeyboardInterrupt", "maybe") == (
        recorded.span.attributes["error.type"],
        recorded.span.attributes["fcall.executed"],
    )


def test_failover_is_one_span(endpoint: LambdaEndpoint, recorded: Any) -> None:
    """A call that went on to another provider is told as what it came to, with an event for each place."""
    aws = {"provider": "aws", "endpoint_url": endpoint.url, "failover": ["spare"]}
    config = {"services": {"images": aws, "spare": {"provider": "local", "functions": {"told": "app.py:told"}}}}
    with open("app.py", "w") as file:
        file.write("def told(event, context):\n    return context.client_context.custom\n")
    endpoint.answer_next(error_answer("TooManyRequestsException", "slow down"))
    with fcall.Client(config, plugins=[fcall_aws, recorded.telemetry]) as client:
        result = client.invoke("images/told", 1)
    span = recorded.span

    assert ("local", "local", "app.py:told", 2) == tuple(
        span.attributes[name]
        for name in ("fcall.provider", "faas.invoked_provider", "faas.invoked_name", "fcall.attempts")
    )
    assert ["aws:told", "local:spare/app.py:told"] == [
        event.attributes["fcall.attempt.target"] for event in span.events
    ]
    assert f"{span.context.span_id:016x}" in result.json()["traceparent"]


def test_a_call_has_one_span_however_many_watch(recorded: Any) -> None:
    """The installed observer leaves the call to the one that the client was given, wherever that stands."""
    for plugins in ([_installed, recorded.telemetry], [recorded.telemetry, _installed]):
        registry = fcall.local.Registry()
        registry.function("f")(lambda event, context: context.client_context.custom)
        with fcall.Client(provider="local", registry=registry, plugins=plugins) as client:
            carried = client.invoke("f").json()["traceparent"]

        assert f"{recorded.spans[-1].context.span_id:016x}" in carried
    assert 2 == len(recorded.spans)


def test_no_attribute_has_content_or_secrets(
    on_aws: fcall.Client, endpoint: LambdaEndpoint, recorded: Any, scripted: Scripted
) -> None:
    """Payloads, answers, contexts, keys, messages and credentials stay out of spans and metrics."""
    canary = "CANARY"

    def fails() -> None:
        raise FunctionError(f"it says {canary}", error_type="E", error_message=canary, stack_trace=(canary,))

    context = {"custom": {"secret": canary}}
    answer = InvocationResult(canary.encode(), headers={"x-secret": canary}, log_tail=canary)
    scripted(answer).invoke("f", {"name": canary}, context=context)
    on_aws.invoke("told", {"name": canary}, context=context)
    endpoint.answer_next(error_answer("AccessDeniedException", canary))
    for failing in (
        lambda: scripted(fails).invoke("f", canary),
        lambda: scripted(RuntimeError(canary)).invoke("f", canary),
        lambda: scripted(b"").invoke("f", canary, idempotency_key=canary),
        lambda: on_aws.invoke("told", canary),
    ):
        with pytest.raises(FcallError):
            failing()

    assert 6 == len(recorded.spans)
    assert canary not in recorded.text()  # the secret key of the fixtures has it in it, too


def test_a_span_that_is_not_recorded_costs_no_description(recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a sampler drops the span nothing is put together for it; the trace goes along all the same, unsampled."""
    from opentelemetry.sdk.trace import TracerProvider, sampling

    monkeypatch.setattr("fcall_otel._telemetry._describe", None)
    registry = fcall.local.Registry()
    registry.function("f")(lambda event, context: context.client_context.custom)
    unsampled = Telemetry(tracer_provider=TracerProvider(sampler=sampling.ALWAYS_OFF))
    with fcall.Client(provider="local", registry=registry, plugins=[unsampled]) as client:
        carried = client.invoke("f").json()["traceparent"]

    assert 0 == int(carried.rpartition("-")[2], 16) & TraceFlags.SAMPLED


def test_a_stream_ends_its_span_with_its_last_piece(scripted: Scripted, recorded: Any) -> None:
    """Not before; then it is a success like any other."""
    pieces = scripted(b"1").stream("f")
    first = next(pieces)

    assert (b"1", []) == (first, recorded.spans)
    assert [b"2", b"3"] == list(pieces)
    assert ("yes", 1) == (recorded.span.attributes["fcall.executed"], recorded.span.attributes["fcall.attempts"])


def test_a_stream_that_is_left_is_no_failure(scripted: Scripted, recorded: Any) -> None:
    """Who has read enough of a stream closes it: the span ends, may have run, and is no error."""
    pieces = scripted(b"1").stream("f")
    next(pieces)
    pieces.close()

    assert (StatusCode.UNSET, "maybe") == (
        recorded.span.status.status_code,
        recorded.span.attributes["fcall.executed"],
    )
    assert "error.type" not in recorded.span.attributes


def test_a_stream_that_breaks_off_is_a_failure(on_aws: fcall.Client, endpoint: LambdaEndpoint, recorded: Any) -> None:
    """After its first piece, too."""
    endpoint.answer_next(streamed([b"1", b"2"], error_code="ValueError", error_details="no more"))
    pieces = on_aws.stream("told")
    first = next(pieces)
    with pytest.raises(FunctionError):
        list(pieces)

    assert (b"1", "FunctionError") == (first, recorded.span.attributes["error.type"])
