"""AWS Lambda's Python runtime: the event is decoded from JSON, the return value is encoded as JSON.

Compared case by case with awslambdaric 4.2.2 and simplejson 4.3 on CPython 3.11, 3.12 and 3.13; what the platform adds
around it is from recorded answers of the service.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fcall.local._runtimes import Failure, Handler, Importer, InvocationFacts, Phase, Timing
from fcall.local._runtimes import _awslambda_log as _log
from fcall.local._runtimes._awslambda_context import LambdaContext
from fcall.local._runtimes._awslambda_json import decode, encode, encode_plain

__all__ = ["LambdaRuntime"]

_MEBIBYTE = 1_048_576
_OURS = str(Path(__file__).parents[2])


class LambdaRuntime:
    """Runs handlers as AWS Lambda's Python runtime does."""

    default_timeout = 3.0
    async_retries = 2
    max_event_age = 21_600.0
    request_limits: Mapping[Any, int] = {"Sync": 6 * _MEBIBYTE, "Async": _MEBIBYTE, "DryRun": 6 * _MEBIBYTE}
    response_limit = 6 * _MEBIBYTE + 100
    trace_variable = b"_X_AMZN_TRACE_ID"

    def __init__(self) -> None:
        self._log_format = "Text"

    def environment(self, function_name: str, memory_mb: int, handler: str, root: str) -> dict[str, str]:
        return {
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_LAMBDA_FUNCTION_NAME": function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function_name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "LAMBDA_TASK_ROOT": root,
            "_HANDLER": handler,
            "TZ": ":UTC",
        }

    def start_log(self, log_format: str, level: str) -> None:
        self._log_format = log_format
        if log_format != "Text":
            os.environ["AWS_LAMBDA_LOG_FORMAT"] = log_format
        if level:
            os.environ["AWS_LAMBDA_LOG_LEVEL"] = level
        _log.start_log(log_format, level)

    def log_failure(self, failure: Failure) -> None:
        if failure.stack_trace is not None:
            _log.write_failure(self._log_format, failure)

    def log_tail(self, output: bytes, timing: Timing) -> str:
        return _log.log_tail(output, timing)

    def load(self, module: str, function: str, importer: Importer) -> Handler:
        try:
            return _found(module, function, importer)
        except Failure:
            raise
        except Exception as error:
            raise _init_failure(type(error).__name__, str(error), _frames(error)) from error

    def run(self, handler: Handler, payload: bytes, facts: InvocationFacts) -> bytes:
        _log.request_id = facts.request_id
        phase: Phase = "load"
        try:
            context = LambdaContext(facts)
            event = _event(payload, facts.request_id)
            phase = "handler"
            if facts.on_begin is not None:
                facts.on_begin()
            returned = handler(event, context)
        except Failure:
            raise
        except Exception as error:
            raise _failure(phase, type(error).__name__, str(error), facts.request_id, _frames(error)) from error
        if isinstance(returned, bytes):
            return returned
        try:
            text = encode_plain(returned)
            if text is None:
                text = encode(returned)
        except Exception as error:
            message = f"Unable to marshal response: {error}"
            raise _failure("response", "Runtime.MarshalError", message, facts.request_id, []) from error
        return text.encode()  # a lone surrogate ends the real runtime's process here

    def exited(self, request_id: str, status: int) -> Failure:
        how = "Runtime exited without providing a reason"
        if status > 0:
            how = f"Runtime exited with error: exit status {status}"
        elif status < 0:
            how = f"Runtime exited with error: signal: {str(signal.strsignal(-status)).lower()}"
        return _platform_failure("exit", "Runtime.ExitError", how, request_id)

    def timed_out(self, request_id: str, seconds: float) -> Failure:
        return _platform_failure(
            "timeout", "Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds", request_id
        )

    def too_large(self, size: int) -> Failure:
        message = f"Response payload size exceeded maximum allowed payload size ({self.response_limit} bytes)."
        document = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
        return Failure("response", "Function.ResponseSizeTooLarge", message, None, _document(document))


def _found(module: str, function: str, importer: Importer) -> Handler:
    """The handler. What the runtime has no name of its own for passes through."""
    if module.split(".")[0] in sys.builtin_module_names:
        message = f"Cannot use built-in module {module} as a handler module"
        raise _init_failure("Runtime.BuiltInModuleConflict", message)
    try:
        imported = importer(module)
    except ImportError as error:
        raise _init_failure("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}") from error
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        message = f"Syntax error in module '{module}': {error}"
        raise _init_failure("Runtime.UserCodeSyntaxError", message, trace) from error
    try:
        handler: Handler = getattr(imported, function)
    except AttributeError as error:
        message = f"Handler '{function}' missing on module '{module}'"
        raise _init_failure("Runtime.HandlerNotFound", message) from error
    return handler


def _event(payload: bytes, request_id: str) -> Any:
    try:
        return decode(payload or b"{}")
    except Exception as error:  # noqa: BLE001 - whatever a decoder raises, as there
        message = f"Unable to unmarshal input: {error}"
    # Outside the clause: a decoder's exception holds the whole payload.
    raise _failure("event", "Runtime.UnmarshalError", message, request_id, [])


def _frames(error: BaseException) -> list[str]:
    """The frames as the runtime lists them: without its own at the beginning, unless there are no others."""
    frames = traceback.extract_tb(error.__traceback__)
    first = next((index for index, frame in enumerate(frames) if not _is_of_the_runtime(frame.filename)), 0)
    # As tuples, since the runtime's lines have no carets under them.
    return traceback.format_list(
        [(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames[first:]]
    )


def _is_of_the_runtime(file: str) -> bool:
    """The real runtime knows its own frames by the name of one file, and a function may have a file of that name."""
    return file.startswith(_OURS) or "/bootstrap.py" in file


def _init_failure(error_type: str, message: str, trace: list[str] | None = None) -> Failure:
    return _failure("load", error_type, message, "", trace or [])


def _failure(phase: Phase, error_type: str, message: str, request_id: str, trace: list[str]) -> Failure:
    """A failure that the runtime reports itself; reporting can fail too, and then ends the real runtime's process."""
    document = {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": trace}
    return Failure(phase, error_type, message, trace, _document(document))


def _platform_failure(phase: Phase, error_type: str, how: str, request_id: str) -> Failure:
    """A failure that the platform around the runtime reports."""
    message = f"RequestId: {request_id} Error: {how}"
    return Failure(phase, error_type, message, None, _document({"errorType": error_type, "errorMessage": message}))


def _document(content: dict[str, Any]) -> bytes:
    return encode(content).encode()
