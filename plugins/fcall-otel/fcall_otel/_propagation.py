"""Propagation: the trace context as what goes along with a call."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import TextMapPropagator

from fcall.errors import InvalidParamsError

__all__ = ["carrier_of", "traced"]

_logger = logging.getLogger("fcall_otel")


def carrier_of(context: Context | None, propagator: TextMapPropagator | None = None) -> dict[str, str]:
    """What a propagator writes of a context, such as ``traceparent``; as much of it as there is, where it raises.

    Args:
        context: None for the current one.
        propagator: None for the global one, as it is now.
    """
    carrier: dict[str, str] = {}
    try:
        (propagator or propagate.get_global_textmap()).inject(carrier, context)
    except Exception:  # such as of baggage that UTF-8 cannot carry; the call is made all the same
        _logger.exception("the trace context cannot be written whole; what there is of it goes along")
    return carrier


def traced(event: Mapping[str, Any], *, key: str = "traceContext") -> dict[str, Any]:
    """A copy of an event with the current trace context as one more member, for a call that carries none itself.

    Nothing else of this package touches a payload. Use it for Async calls of AWS Lambda and for Function Compute, where
    no invoker context reaches the function. A member of that name that is there already stays.

    Args:
        event: an object.
        key: the member's name. The function extracts from it: ``propagate.extract(event.get("traceContext", {}))``.

    Raises:
        InvalidParamsError: the event is no object, so there is no place in it.
    """
    if not isinstance(event, Mapping):
        raise InvalidParamsError(f"a trace goes into an event that is an object, not into a {type(event).__name__}")
    carrier = carrier_of(None)
    return {key: carrier, **event} if carrier else dict(event)
