"""The observer: a span for each call, from before its first attempt to its end, and what it measures."""

from __future__ import annotations

import time
from typing import NamedTuple

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider, get_meter
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider, get_tracer, set_span_in_context

import fcall
from fcall.provider import Call, Callee, CallOutcome, forget_in_child
from fcall_otel._attributes import SCHEMA, Attributes, at_end, at_start, error_type, of_attempt, of_callee
from fcall_otel._propagation import carrier_of

__all__ = ["Telemetry"]

_SCOPE = "fcall_otel"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300, 900)
"""The conventions' buckets for the duration of an invocation, and on to the longest that a function of Lambda runs."""


class _Started(NamedTuple):
    """A call under way.

    Attributes:
        telemetry: who started it.
        span: its span.
        context: the context that has the span in it.
        around: the context of the caller.
        at: when it began, in nanoseconds since the epoch.
    """

    telemetry: Telemetry
    span: Span
    context: Context
    around: Context
    at: int


class _UnderWay:
    """The calls of this process that have begun and not ended, by their ids."""

    def __init__(self) -> None:
        self.calls: dict[str, _Started] = {}

    def after_fork_in_child(self) -> None:
        """They are the parent's, which ends their spans."""
        self.calls = {}


_under_way = _UnderWay()
forget_in_child(_under_way)


class Telemetry:
    """Tells OpenTelemetry of every call of a client: ``Client(plugins=[Telemetry(tracer_provider=…)])``.

    A call has one span, however many of these watch it: the first that is told takes it, and one that was given to the
    client is told before the installed one.

    Args:
        tracer_provider: makes the spans; None for the global one, also where that is set later.
        meter_provider: takes the measurements; None for the global one, also where that is set later.
        propagator: writes the trace that goes along; None for the global one, as it is at each call.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        propagator: TextMapPropagator | None = None,
    ) -> None:
        from fcall_otel import __version__

        self._tracer = get_tracer(_SCOPE, __version__, tracer_provider, SCHEMA)
        self._propagator = propagator
        meter = get_meter(_SCOPE, __version__, meter_provider, SCHEMA)
        self._duration = meter.create_histogram(
            "fcall.client.duration",
            "s",
            "How long calls took, all attempts and pauses included.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._attempts = meter.create_counter("fcall.client.attempts", "{attempt}", "How often calls were tried.")
        self._failures = meter.create_counter("fcall.client.failures", "{call}", "How many calls failed for good.")

    @fcall.hookimpl
    def fcall_before_invoke(self, call: Call) -> None:
        """Start the call's span and make it the current one."""
        if call.id in _under_way.calls:
            return
        around, at = otel_context.get_current(), time.time_ns()
        span = self._tracer.start_span(call.function, around, SpanKind.CLIENT, at_start(call), start_time=at)
        context = set_span_in_context(span, around) if span.get_span_context().is_valid else around
        _under_way.calls[call.id] = _Started(self, span, context, around, at)
        if context is not around:
            otel_context.attach(context)

    @fcall.hookimpl
    def fcall_invoker_context(self, call: Call) -> dict[str, str] | None:
        """The trace as keys of ``custom``."""
        started = _under_way.calls.get(call.id)
        if started is None or started.telemetry is not self or not started.context:  # an empty one has nothing to carry
            return None
        return carrier_of(started.context, self._propagator) or None

    @fcall.hookimpl
    def fcall_after_invoke(self, call: Call, outcome: CallOutcome) -> None:
        """Measure the call and end its span."""
        started = _under_way.calls.pop(call.id, None)
        if started is None:
            return
        if otel_context.get_current() is started.context:
            # Set anew, where a token would have to be used in the very context that it is from: a coroutine that is
            # thrown away ends its call in another one.
            otel_context.attach(started.around)
        error = error_type(outcome)
        try:
            started.telemetry._measure(call, outcome, error, started.context)
            if started.span.is_recording():
                _describe(started, outcome, error)
        finally:
            started.span.end()

    def _measure(self, call: Call, outcome: CallOutcome, error: str | None, context: Context) -> None:
        whole = of_callee(outcome.callee or Callee(call.provider, None, call.function))
        whole["fcall.invocation_type"] = call.type
        whole["fcall.executed"] = outcome.executed.value
        if error is not None:
            whole["error.type"] = error
            self._failures.add(1, whole, context)
        self._duration.record(outcome.elapsed, whole, context)
        for attempt in outcome.attempts:
            one: Attributes = {
                "fcall.attempt.target": attempt.target,
                "fcall.attempt.outcome": attempt.outcome,
                "fcall.invocation_type": call.type,
            }
            if attempt.error is not None:
                one["error.type"] = attempt.error
            self._attempts.add(1, one, context)


def _describe(started: _Started, outcome: CallOutcome, error: str | None) -> None:
    """Say on the span how the call ended, with an event for each attempt, at the moment when that was over."""
    span, moment = started.span, started.at
    for attempt in outcome.attempts:
        moment += int(attempt.elapsed * 1e9)
        span.add_event("fcall.attempt", of_attempt(attempt), moment)
        moment += int((attempt.retry_in or 0.0) * 1e9)
    told = at_end(outcome, error)
    span.set_attributes(told)
    if error is not None:
        span.set_status(Status(StatusCode.ERROR, f"{error}, executed {outcome.executed.name}"))
