"""AWS Lambda's Python runtime: the event is decoded from JSON, the return value is encoded as JSON.

Observed: awslambdaric 4.2.2 on CPython 3.11 and 3.13.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from typing import Any

from fcall import _json
from fcall._invocation import Invocation
from fcall._result import InvocationResult
from fcall.errors import (
    FunctionCrashedError,
    FunctionError,
    FunctionResponseError,
    FunctionTimeoutError,
    InvalidPayloadError,
)
from fcall.local._context import LambdaContext
from fcall.local._raised import formatted, is_interrupt, words_of
from fcall.local._registry import Handler
from fcall.local._runtimes import Environment

__all__ = ["LambdaRuntime"]

# The runtime's own separators and escapes; it never sends anything but text of this form.
_encoder = json.JSONEncoder(allow_nan=False)


class LambdaRuntime:
    """Runs handlers as AWS Lambda's Python runtime does.

    Args:
        clock: a monotonic clock in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock

    def run(self, handler: Handler, invocation: Invocation, request_id: str, environment: Environment) -> bytes:
        event = _event(invocation.payload)
        ends_at = self._clock() + environment.function_timeout
        context = LambdaContext(
            request_id, invocation.function, invocation.qualifier, invocation.invoker_context, ends_at, self._clock
        )
        try:
            returned = handler(event, context)
        except Exception as error:
            raise _failed(error, request_id) from error
        except BaseException as error:
            if is_interrupt(error):
                raise
            raise _exited(error, request_id) from error
        if self._clock() > ends_at:
            raise _timed_out(environment.function_timeout, request_id)
        return _answer(returned, request_id)


def _event(payload: bytes) -> Any:
    if not payload:
        return {}
    try:
        return _json.decode(payload)
    except (ValueError, RecursionError) as error:
        reason = "is not UTF-8" if isinstance(error, UnicodeError) else "is not JSON"
    # Raised out here, since the original error holds the payload, and must not be its context.
    raise InvalidPayloadError(
        f"the payload {reason}, and the runtime takes nothing else; encode it, or pass it as event"
    )


def _answer(returned: Any, request_id: str) -> bytes:
    try:
        return _encoder.encode(returned).encode()
    except Exception as error:  # what was returned may be of any class, whose own code runs here
        reason = "maximum recursion depth exceeded" if isinstance(error, RecursionError) else words_of(error)
        message = f"Unable to marshal response: {reason or type(error).__name__}"
        raise _error(FunctionResponseError, "Runtime.MarshalError", message, request_id, ()) from error


def _failed(error: Exception, request_id: str) -> FunctionError:
    words = words_of(error)
    if words is None:
        return _exited(error, request_id)  # the runtime ends with an error that it cannot ask
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first frame is ours
    return _error(FunctionError, type(error).__name__, words, request_id, formatted(frames))


def _exited(error: BaseException, request_id: str) -> FunctionError:
    code = error.code if isinstance(error, SystemExit) else 1
    status = code if isinstance(code, int) else 0 if code is None else 1
    how = f"Runtime exited with error: exit status {status}" if status else "Runtime exited without providing a reason"
    return _error(FunctionCrashedError, "Runtime.ExitError", f"RequestId: {request_id} Error: {how}", request_id)


def _timed_out(limit: float, request_id: str) -> FunctionError:
    message = f"RequestId: {request_id} Error: Task timed out after {limit:.2f} seconds"
    return _error(FunctionTimeoutError, "Sandbox.Timedout", message, request_id)


def _error(
    error_class: type[FunctionError],
    error_type: str,
    error_message: str,
    request_id: str,
    stack_trace: tuple[str, ...] | None = None,
) -> FunctionError:
    """The error with its document. What the platform reports, as against the runtime, has no stack trace."""
    document: dict[str, Any] = {"errorMessage": error_message, "errorType": error_type}
    if stack_trace is not None:
        document.update(requestId=request_id, stackTrace=list(stack_trace))
    return error_class(
        error_type=error_type,
        error_message=error_message,
        stack_trace=stack_trace or (),
        request_id=request_id,
        status_code=200,
        result=InvocationResult(
            json.dumps(document).encode(), request_id=request_id, executed_version="$LATEST", provider="local"
        ),
    )
