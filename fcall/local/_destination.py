"""The on-failure destination: what it is told of an event that was given up, in the form that AWS Lambda has for it."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable
from typing import Any, TypeAlias

from fcall import _json
from fcall._invocation import Invocation
from fcall.errors import FcallError, FunctionError
from fcall.local._code import is_code, target_of
from fcall.local._events import Condition, Event

__all__ = ["Destination", "document_of", "failed_event", "invocation_of", "told"]

Destination: TypeAlias = "str | Callable[[dict[str, Any]], object]"
"""A function, written ``service/function``, ``function`` or as code, or something of this process to call."""


def failed_event(event: Event, condition: Condition, now: float) -> dict[str, Any]:
    """What the destination is told.

    Args:
        event: the event.
        condition: why it was given up.
        now: seconds since 1970.
    """
    name = event.invocation.function_id or event.invocation.function
    if event.invocation.configured and is_code(name):
        name = name.rpartition(":")[2]  # what the function's context calls it
    qualifier = event.invocation.qualifier or "$LATEST"
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": _timestamp(now),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}:{qualifier}",
            "condition": condition,
            "approximateInvokeCount": event.attempts,
        },
        "requestPayload": _readable(event.invocation.payload),
    }
    if event.failure is not None:  # otherwise it never ran
        record["responseContext"] = {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
        record["responsePayload"] = _readable(event.failure)
    return record


def document_of(error: FcallError) -> bytes:
    """The error document of a failed attempt: the function's own, or one about what kept it from running."""
    if isinstance(error, FunctionError) and error.result is not None:
        return error.result.payload
    return _json.encode({"errorType": type(error).__name__, "errorMessage": error.message})


def invocation_of(destination: Destination, record: bytes) -> Invocation:
    """The call that tells a destination."""
    if not isinstance(destination, str):
        name = getattr(destination, "__qualname__", type(destination).__qualname__)
        return Invocation(name, None, "Async", record)
    target = target_of(destination)
    return Invocation(target.function, target.service, "Async", record, qualifier=target.qualifier, configured=True)


def told(call: Callable[[dict[str, Any]], object], invocation: Invocation, request_id: str) -> None:
    """Tell a destination that is called.

    Raises:
        FunctionError: it raised.
    """
    try:
        call(_json.decode(invocation.payload))
    except BaseException as error:  # whatever it is, the queue has to go on
        raise FunctionError(
            error_type=type(error).__name__, error_message=_words(error), request_id=request_id
        ) from error


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception need not be printable
        return "it cannot be printed"


def _timestamp(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _readable(data: bytes) -> Any:
    """The JSON value that the bytes stand for; else their text; else their base64."""
    try:
        value = _json.decode(data)
        _json.encode(value)  # 1e999 and half of a surrogate pair can be read and not written
        return value
    except (ValueError, RecursionError):
        pass
    try:
        return data.decode()
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()
