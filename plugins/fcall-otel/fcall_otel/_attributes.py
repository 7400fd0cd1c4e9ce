"""Attributes: what is told of a call, in the words of OpenTelemetry's conventions and, where these have none, fcall's.

No attribute has a payload, a context, a key or a message in it: an error is told by its class and the provider's code.

The names under ``faas.`` are of the semantic conventions for FaaS 1.44.0 (status: development).
"""

from __future__ import annotations

from typing import TypeAlias

from fcall.errors import Attempt, FcallError
from fcall.provider import Call, Callee, CallOutcome

__all__ = ["SCHEMA", "Attributes", "at_end", "at_start", "error_type", "of_attempt", "of_callee"]

SCHEMA = "https://opentelemetry.io/schemas/1.44.0"

Attributes: TypeAlias = dict[str, str | int | float]

_CLOUDS = {"aws": "aws", "aliyun": "alibaba_cloud", "linkedge": "alibaba_cloud"}
"""The conventions' names of clouds; any other provider is told by its own name."""


def at_start(call: Call) -> Attributes:
    """What is known of a call before it is made: samplers see this."""
    told: Attributes = {
        "faas.invoked_name": call.function,
        "faas.invoked_provider": _cloud(call.provider),
        "fcall.provider": call.provider,
        "fcall.invocation_type": call.type,
        "fcall.payload_size": call.payload_size,
        "fcall.timeout": call.timeout,
    }
    if call.service is not None:
        told["fcall.service"] = call.service
    if call.qualifier is not None:
        told["fcall.qualifier"] = call.qualifier
    return told


def at_end(outcome: CallOutcome, error: str | None) -> Attributes:
    """What is known of a call when it has ended."""
    told: Attributes = {"fcall.executed": outcome.executed.value, "fcall.attempts": len(outcome.attempts)}
    if outcome.callee is not None:
        told |= of_callee(outcome.callee)
        told["fcall.provider"] = outcome.callee.provider
    failure = outcome.error if isinstance(outcome.error, FcallError) else None
    request_id = outcome.result.request_id if outcome.result is not None else failure and failure.request_id
    if request_id:
        told["faas.invocation_id"] = request_id
    if outcome.result is not None and outcome.result.executed_version:
        told["fcall.executed_version"] = outcome.result.executed_version
    if error is not None:
        told["error.type"] = error
    if failure is not None and failure.code:
        told["fcall.error_code"] = str(failure.code)
    return told


def of_callee(callee: Callee) -> Attributes:
    """The function as its provider knows it."""
    told: Attributes = {"faas.invoked_name": callee.function, "faas.invoked_provider": _cloud(callee.provider)}
    if callee.region is not None:
        told["faas.invoked_region"] = callee.region
    return told


def of_attempt(attempt: Attempt) -> Attributes:
    """One try of the call."""
    told: Attributes = {
        "fcall.attempt.number": attempt.number,
        "fcall.attempt.target": attempt.target,
        "fcall.attempt.outcome": attempt.outcome,
        "fcall.attempt.executed": attempt.executed.value,
        "fcall.attempt.duration": attempt.elapsed,
    }
    if attempt.error is not None:
        told["error.type"] = attempt.error
    if attempt.code is not None:
        told["fcall.error_code"] = str(attempt.code)
    if attempt.retry_in is not None:
        told["fcall.attempt.retry_in"] = attempt.retry_in
    return told


def error_type(outcome: CallOutcome) -> str | None:
    """The name of the error's class; None where all went well, or where a stream was left by its reader."""
    error = outcome.error
    return None if error is None or isinstance(error, GeneratorExit) else type(error).__name__


def _cloud(provider: str) -> str:
    return _CLOUDS.get(provider, provider)
