"""What `invoke_function` of the SDK returns: a result, or one of its ways to say in band that there is none."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from fcall.errors import FcallError, FunctionResponseError
from fcall.provider import ErrorTable, InvocationResult, InvocationType
from fcall_linkedge._errors import ANSWERS, FUNCTION_FAILURES
from fcall_linkedge._function_errors import function_error, read_document

__all__ = ["result_of"]

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,63}")


def result_of(answer: Any, kind: InvocationType, errors: ErrorTable) -> InvocationResult:
    """The result that an answer stands for.

    Raises:
        FcallError: it stands for a failure.
    """
    if kind == "Async" and isinstance(answer, str) and answer != "fail":
        return InvocationResult(status_code=202, request_id=None if answer == "success" else answer or None)
    if kind == "Sync" and isinstance(answer, Mapping) and _is_status(answer.get("statusCode")):
        return _result(answer, answer["statusCode"], errors)
    raise _refusal(answer, errors)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_status(value: Any) -> bool:
    return _is_int(value) and 100 <= value < 600


def _refusal(answer: Any, errors: ErrorTable) -> FcallError:
    """The failure that stands in place of a result. The numbers of the SDK's codes are not public: any int is one."""
    shape = "None" if answer is None else "int" if _is_int(answer) else "fail" if answer == "fail" else "another"
    error = errors.error(ANSWERS[shape].what, code=shape)
    error.code = str(int(answer)) if shape == "int" else None
    return error


def _result(answer: Mapping[str, Any], status: int, errors: ErrorTable) -> InvocationResult:
    said, payload = answer.get("functionError"), _decoded(answer.get("payload"))
    if said:
        raise function_error(
            said if isinstance(said, str) else "", _raw(answer) if payload is None else payload, status
        )
    if status != 200:
        error = errors.error("the gateway answered with an error", status_code=status)
        error.code = _code(payload or b"")  # not looked up: nobody has published what codes there are
        raise error
    if payload is None:
        raise FunctionResponseError(
            FUNCTION_FAILURES["unreadable"].what, status_code=status, result=InvocationResult(_raw(answer))
        )
    return InvocationResult(payload)


def _decoded(payload: Any) -> bytes | None:
    """The bytes that base64 text stands for, none where there is no text; None where it is not base64."""
    try:
        return base64.b64decode(b"" if payload is None else payload, validate=True)
    except (TypeError, ValueError):
        return None


def _raw(answer: Mapping[str, Any]) -> bytes:
    """The payload as it came, for a human to look at."""
    payload = answer.get("payload")
    return payload if isinstance(payload, bytes) else str(payload).encode(errors="replace")


def _code(document: bytes) -> str | None:
    """The machine code in the body of an error, in the spelling of either of the vendor's services."""
    read = read_document(document)
    code = read.get("ErrorCode") or read.get("errorCode") or read.get("Code")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None
