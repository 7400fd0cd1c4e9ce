"""What the entry point names: the observer of every client, told after those that a client was given itself."""

from __future__ import annotations

from collections.abc import Mapping

import fcall
from fcall.provider import Call, CallOutcome
from fcall_otel._telemetry import Telemetry

__all__ = ["fcall_after_invoke", "fcall_before_invoke", "fcall_invoker_context"]

_telemetry = Telemetry()


@fcall.hookimpl(trylast=True)
def fcall_before_invoke(call: Call) -> None:
    """Start the call's span, unless another one has."""
    _telemetry.fcall_before_invoke(call)


@fcall.hookimpl(trylast=True)
def fcall_invoker_context(call: Call) -> Mapping[str, str] | None:
    """The trace as keys of ``custom``."""
    return _telemetry.fcall_invoker_context(call)


@fcall.hookimpl(trylast=True)
def fcall_after_invoke(call: Call, outcome: CallOutcome) -> None:
    """Measure the call and end its span."""
    _telemetry.fcall_after_invoke(call, outcome)
