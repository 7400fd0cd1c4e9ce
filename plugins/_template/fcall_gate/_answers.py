"""What the gate's answers mean: a result, or an error that says whether the function ran."""

from __future__ import annotations

import json
from typing import Any

from fcall.errors import (
    AccessDeniedError,
    FcallError,
    FunctionError,
    FunctionNotFoundError,
    PayloadTooLargeError,
    ProviderUnavailableError,
    ThrottledError,
)
from fcall.provider import ErrorTable, InvocationResult
from fcall_gate._exchange import Answer

__all__ = ["result_of"]

# One row for each code of the platform's documentation. What no row knows is an UnmappedProviderError, and MAYBE.
_REFUSALS = ErrorTable(
    codes={
        "NoSuchFunction": FunctionNotFoundError,
        "NotAllowed": AccessDeniedError,
        "Busy": ThrottledError,
        "TooLarge": PayloadTooLargeError,
    },
    statuses={"5xx": ProviderUnavailableError},  # MAYBE: it may have failed after the function ran
)


def result_of(answer: Answer) -> InvocationResult:
    """The result that an answer is.

    Raises:
        FunctionError: the function failed.
        FcallError: it is a refusal, or not the gate's answer at all.
    """
    request_id = answer.headers.get("Request-Id")
    if request_id is None:  # what stands in between answers too, even with 200
        raise ProviderUnavailableError("the answer is not the gate's own", status_code=answer.status)
    result = InvocationResult(answer.body, answer.status, request_id, headers=dict(answer.headers))
    if answer.status not in (200, 202):  # 202: an Async event was accepted
        raise _refusal(result)
    if "Function-Error" in answer.headers:
        raise _failure(result)
    return result


def _refusal(result: InvocationResult) -> FcallError:
    code = _document(result).get("code")
    return _REFUSALS.error(
        "the gate refused the call",
        code=code if isinstance(code, str) else None,
        status_code=result.status_code,
        request_id=result.request_id,
    )


def _failure(result: InvocationResult) -> FunctionError:
    said = _document(result)
    return FunctionError(
        error_type=str(said.get("type", "")),
        error_message=str(said.get("message", "")),
        request_id=result.request_id,
        result=result,
    )


def _document(result: InvocationResult) -> dict[str, Any]:
    """The object that the body is; an empty one where it is none."""
    try:
        said = json.loads(result.payload)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
