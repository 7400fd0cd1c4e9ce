"""Alibaba Function Compute's Python runtime, and its variant on a Link IoT Edge gateway: the event is always bytes.

Observed: the vendor's Python 3.9 bootstrap; what the platform around it says is from the vendor's documentation.
"""

from __future__ import annotations

import datetime
import decimal
import json
import logging
import sys
import traceback
from collections.abc import Mapping
from typing import Any

from fcall.local._runtimes import TAIL, Failure, Handler, Importer, InvocationFacts, Phase, Timing
from fcall.local._runtimes._fc_context import EdgeContext, FCContext

__all__ = ["FCRuntime", "LinkEdgeRuntime"]

_MEBIBYTE = 1_048_576
_KIBIBYTE = 1_024
_TRACED_BY_US = __file__


class FCRuntime:
    """Runs handlers as Function Compute's Python runtime does."""

    default_timeout = 60.0
    async_retries = 3
    max_event_age = 86_400.0
    request_limits: Mapping[Any, int] = {"Sync": 32 * _MEBIBYTE, "Async": 128 * _KIBIBYTE, "DryRun": 32 * _MEBIBYTE}
    response_limit = 32 * _MEBIBYTE
    trace_variable = b""

    def environment(self, function_name: str, memory_mb: int, handler: str, root: str) -> dict[str, str]:
        return {"FC_FUNCTION_NAME": function_name, "FC_FUNCTION_MEMORY_SIZE": str(memory_mb), "FC_REGION": "local"}

    def start_log(self, log_format: str, level: str) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(write_through=True, encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
        level = level.upper() if level.upper() in logging.getLevelNamesMapping() else "INFO"
        logging.basicConfig(stream=sys.stdout, level=level, format="%(asctime)s [%(levelname)s] %(message)s")

    def log_failure(self, failure: Failure) -> None:
        sys.stdout.write(f"{failure.error_type}: {failure.error_message}\n" + "".join(failure.stack_trace or []))

    def log_tail(self, output: bytes, timing: Timing) -> str:
        start = f"FC Invoke Start RequestId: {timing.request_id}\n".encode()
        failed = ", Error: Unhandled function error" if timing.failed else ""
        end = f"FC Invoke End RequestId: {timing.request_id}{failed}\n".encode()
        return (start + output + (b"\n" if output and not output.endswith(b"\n") else b"") + end)[-TAIL:].decode(
            errors="replace"
        )

    def load(self, module: str, function: str, importer: Importer) -> Handler:
        try:
            imported = importer(module)
        except ImportError as error:
            raise _load_failure("ImportModuleError", f"Unable to import module '{module}'", error) from error
        except SyntaxError as error:
            raise _load_failure("UserCodeSyntaxError", f"Syntax error in module '{module}'", error) from error
        except Exception as error:
            raise _load_failure("UserCodeError", f"Module initialization error: '{error}'", error) from error
        try:
            handler: Handler = getattr(imported, function)
        except AttributeError as error:
            message = f"Handler '{function}' is missing on module '{module}'"
            raise _load_failure("HandlerNotFound", message, error) from error
        return handler

    def run(self, handler: Handler, payload: bytes, facts: InvocationFacts) -> bytes:
        context = self.context(facts)
        if facts.on_begin is not None:
            facts.on_begin()
        try:
            returned = handler(payload, context)
        except Exception as error:
            raise _failure("handler", error) from error
        try:
            return _answer(returned)
        except Exception as error:
            raise _failure("response", error) from error

    def context(self, facts: InvocationFacts) -> object:
        """What the handler is given beside the event."""
        return FCContext(facts)

    def exited(self, request_id: str, status: int) -> Failure:
        message = "Process exited unexpectedly before completing request"
        return _platform_failure("exit", "UnhandledInvocationError", message)

    def timed_out(self, request_id: str, seconds: float) -> Failure:
        message = f"Function time out after {seconds:g} seconds"
        return _platform_failure("timeout", "UnhandledInvocationError", message)

    def too_large(self, size: int) -> Failure:
        message = f"The response of {size} bytes is larger than the limit of {self.response_limit} bytes"
        return _platform_failure("response", "BadResponse", message)


class LinkEdgeRuntime(FCRuntime):
    """Runs handlers as a Link IoT Edge gateway does: the same rules, with another context."""

    def context(self, facts: InvocationFacts) -> object:
        return EdgeContext(facts)


def _answer(returned: Any) -> bytes:
    if isinstance(returned, bytes):
        return returned
    if isinstance(returned, str):
        return returned.encode()
    return json.dumps(returned, default=_encodable, indent=4, sort_keys=True).encode()


def _encodable(value: Any) -> Any:
    """What the runtime knows to encode beside JSON's own types."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if hasattr(value, "to_json"):
        return value.to_json()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _failure(phase: Phase, error: Exception) -> Failure:
    frames = list(traceback.extract_tb(error.__traceback__))
    while frames and frames[0].filename == _TRACED_BY_US:
        del frames[0]
    stack = [
        [f'File "{frame.filename}"', f"line {frame.lineno}", f"in {frame.name}", frame.line or ""] for frame in frames
    ]
    document = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": stack}
    lines = ["  " + ", ".join(parts[:3]) + f"\n    {parts[3]}\n" for parts in stack]
    return Failure(phase, type(error).__name__, str(error), lines, json.dumps(document).encode())


def _load_failure(error_type: str, message: str, error: BaseException) -> Failure:
    """The stack trace of a load failure is flat, which is how it is told from a handler's own error of that name."""
    stack = list(traceback.format_exception_only(error))
    document = {"errorMessage": message, "errorType": error_type, "stackTrace": stack}
    return Failure("load", error_type, message, stack, json.dumps(document).encode())


def _platform_failure(phase: Phase, error_type: str, message: str) -> Failure:
    return Failure(phase, error_type, message, None, json.dumps({"errorMessage": message}).encode())
