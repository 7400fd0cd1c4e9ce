"""Failures of functions as errors of ours."""

from __future__ import annotations

from collections.abc import Mapping

from fcall._result import InvocationResult
from fcall._wording import quoted
from fcall.errors import (
    FcallError,
    FunctionCrashedError,
    FunctionError,
    FunctionLoadError,
    FunctionOutOfMemoryError,
    FunctionResponseError,
    FunctionTimeoutError,
    InvalidPayloadError,
)
from fcall.local._runtimes import Failure, Phase

__all__ = ["error_for"]

_ERRORS: Mapping[Phase, type[FunctionError]] = {
    "load": FunctionLoadError,
    "handler": FunctionError,
    "timeout": FunctionTimeoutError,
    "exit": FunctionCrashedError,
    "memory": FunctionOutOfMemoryError,
    "response": FunctionResponseError,
}


def error_for(failure: Failure, request_id: str, with_log: bool) -> FcallError:
    """The error to raise for a failure.

    Args:
        failure: the failure.
        request_id: the invocation's.
        with_log: whether the caller asked for the log's end.
    """
    if failure.phase == "event":
        return InvalidPayloadError(
            "the payload is not JSON in UTF-8, and the runtime takes nothing else; encode it, or pass it as event",
            request_id=request_id,
        )
    log_tail = failure.log_tail if with_log else None
    words = quoted(f"{failure.error_type}: {failure.error_message}")
    message = f"the function could not be loaded: {words}; its handler did not run" if failure.phase == "load" else ""
    return _ERRORS[failure.phase](
        message,
        error_type=failure.error_type,
        error_message=failure.error_message,
        stack_trace=tuple(failure.stack_trace or ()),
        log_tail=log_tail,
        request_id=request_id,
        status_code=200,
        result=InvocationResult(failure.document, 200, request_id, "$LATEST", log_tail, provider="local"),
    )
