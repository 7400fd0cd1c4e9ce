"""Failures of functions: a 200 whose body is an error document, told apart."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from fcall.errors import (
    Executed,
    FcallError,
    FunctionCrashedError,
    FunctionError,
    FunctionLoadError,
    FunctionOutOfMemoryError,
    FunctionResponseError,
    FunctionTimeoutError,
    InvalidPayloadError,
)
from fcall.provider import ErrorRow, ErrorTable, InvocationResult

__all__ = ["FAILURES", "function_error", "stream_error"]

FAILURES: dict[str, type[FcallError] | ErrorRow] = {
    "Sandbox.Timedout": FunctionTimeoutError,
    "Runtime.OutOfMemory": FunctionOutOfMemoryError,
    "Runtime.ExitError": FunctionCrashedError,
    "Function.ResponseSizeTooLarge": FunctionResponseError,
    "Runtime.MarshalError": FunctionResponseError,
    "Runtime.ImportModuleError": FunctionLoadError,
    "Runtime.UserCodeSyntaxError": FunctionLoadError,
    "Runtime.HandlerNotFound": FunctionLoadError,
    "Runtime.MalformedHandlerName": FunctionLoadError,
    "Runtime.BuiltInModuleConflict": FunctionLoadError,
    "Runtime.InvalidEntrypoint": FunctionLoadError,
    "Runtime.InvalidWorkingDir": FunctionLoadError,
    "Runtime.InitError": FunctionLoadError,
    "Runtime.UnmarshalError": InvalidPayloadError,
    "Runtime.LambdaContextUnmarshalError": InvalidPayloadError,
    "Runtime.TruncatedResponse": ErrorRow(FunctionError, executed=Executed.MAYBE),
    "Runtime.Unknown": ErrorRow(FunctionError, executed=Executed.MAYBE),
    "Sandbox.Failure": ErrorRow(FunctionError, executed=Executed.MAYBE),
}
"""By the platform's or the runtime's own error type; whatever else a function raises is its own error."""

_TABLE = ErrorTable(codes=FAILURES)
_PLATFORM = re.compile(r"(Extension|Function|Runtime|Sandbox)\.\w+")
_IN_DOUBT = ErrorRow(FunctionError, executed=Executed.MAYBE)


class _Said(NamedTuple):
    """What an error document says; empty where it does not."""

    type: str = ""
    message: str = ""
    stack: tuple[str, ...] = ()
    while_loading: bool = False


def function_error(result: InvocationResult) -> FcallError:
    """The error for an answer that the service marks as a function's failure."""
    return _error(_read(result.payload), result)


def stream_error(error_type: str, details: str, result: InvocationResult) -> FcallError:
    """The error for a stream that ended with one."""
    said = _read(details.encode(errors="replace"))
    return _error(said._replace(type=said.type or error_type, message=said.message or details), result)


def _error(said: _Said, result: InvocationResult) -> FcallError:
    row = _row(said)
    facts: dict[str, Any] = {
        "code": said.type or None,
        "status_code": result.status_code,
        "request_id": result.request_id,
        "executed": row.executed,
    }
    if not issubclass(row.error, FunctionError):
        return row.error("the function's runtime cannot read what it was sent", **facts)
    return row.error(
        error_type=said.type,
        error_message=said.message,
        stack_trace=said.stack,
        log_tail=result.log_tail,
        result=result,
        **facts,
    )


def _row(said: _Said) -> ErrorRow:
    """Which failure it is. Classes of the function's own come with a stack, and may have any name."""
    if said.type == "Runtime.ExitError" and said.message.endswith("signal: killed"):
        return ErrorRow(FunctionOutOfMemoryError)
    if not said.type and "Task timed out after" in said.message:  # as it was before 2025
        return ErrorRow(FunctionTimeoutError)
    if not (said.stack and said.type.startswith(("Sandbox.", "Function."))) and (row := _TABLE.row(code=said.type)):
        return row
    if said.while_loading:
        return ErrorRow(FunctionLoadError)
    if _PLATFORM.fullmatch(said.type) and not said.stack:
        return _IN_DOUBT
    return ErrorRow(FunctionError)


def _read(payload: bytes) -> _Said:
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return _Said()
    if not isinstance(document, dict):
        return _Said()
    stack = document.get("stackTrace") or document.get("trace") or ()
    return _Said(
        _text(document.get("errorType")),
        _text(document.get("errorMessage")),
        tuple(map(_text, stack)) if isinstance(stack, list) else (),
        document.get("requestId") == "",
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
