"""What a gateway tells of a function that failed.

Function Compute's runtime writes ``{"errorMessage", "errorType", "stackTrace"}``, the gateway's HTTP interface
``{"Message", "StackTrace"}``, by the vendor's documentation; either may come by way of the SDK.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fcall.errors import FunctionError
from fcall.provider import InvocationResult
from fcall_linkedge._errors import FUNCTION_FAILURES

__all__ = ["function_error", "read_document"]

_LOADING = {
    "HandlerNotFound",
    "ImportModuleError",
    "InitializationError",
    "InvalidHandleName",
    "UserCodeError",
    "UserCodeSyntaxError",
}

# What the platform says is told from what a function says by having neither a type nor a stack trace.
_OF_THE_PLATFORM = {
    "timeout": re.compile(r"\btimed? out\b", re.IGNORECASE),
    "memory": re.compile(r"\b(?:out of memory|oom|memory limit)\b", re.IGNORECASE),
    "crash": re.compile(r"\bprocess exited\b", re.IGNORECASE),
}


def function_error(said: str, payload: bytes, status: int) -> FunctionError:
    """The error for a result whose `functionError` says something.

    Args:
        said: the `functionError`, such as ``"Unhandled"``.
        payload: the error document.
        status: the result's status.
    """
    document = read_document(payload)
    error_type = _text(document.get("errorType"))
    words = _text(document.get("errorMessage")) or _text(document.get("Message"))
    stack = document.get("stackTrace") or document.get("StackTrace") or []
    row = FUNCTION_FAILURES[_kind(said, error_type, words, stack)].row
    assert issubclass(row.error, FunctionError)
    return row.error(
        executed=row.executed,
        error_type=error_type or said,
        error_message=words,
        stack_trace=_frames(stack),
        code=said or None,
        status_code=status,
        result=InvocationResult(payload, status),
    )


def read_document(payload: bytes) -> Mapping[str, Any]:
    """The JSON object that a payload is, or an empty one."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _kind(said: str, error_type: str, words: str, stack: Any) -> str:
    """Which of `FUNCTION_FAILURES` it is.

    A function may raise errors of any name and with any words. That loading failed is told by its stack trace, which
    is flat where that of a handler has a list for each frame.
    """
    if said in _LOADING:
        return "load"
    if error_type in _LOADING:
        return "function" if stack and not _is_flat(stack) else "load" if stack else "load?"
    if error_type or stack or said.startswith("Handled"):
        return "function"
    return next((kind for kind, pattern in _OF_THE_PLATFORM.items() if pattern.search(words)), "function")


def _is_flat(stack: Any) -> bool:
    return isinstance(stack, str) or (isinstance(stack, list) and all(isinstance(frame, str) for frame in stack))


def _frames(stack: Any) -> tuple[str, ...]:
    """One text per frame, whichever way they came."""
    if isinstance(stack, str):
        return tuple(stack.splitlines())
    if not isinstance(stack, list):
        return ()
    return tuple(", ".join(map(str, frame)) if isinstance(frame, list) else str(frame) for frame in stack)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
