"""Answers: what the service said, as a result or as the one error that it stands for."""

from __future__ import annotations

import base64
import email.utils
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fcall.errors import (
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionCrashedError,
    FunctionError,
    FunctionLoadError,
    FunctionOutOfMemoryError,
    FunctionResponseError,
    FunctionTimeoutError,
    ProviderUnavailableError,
    ThrottledError,
)
from fcall.provider import InvocationResult, InvocationType
from fcall_aliyun._errors import ANSWERS
from fcall_aliyun._exchange import Answer

__all__ = ["code_of", "document_of", "refused", "result_of"]

_ACCEPTED = {"Sync": 200, "Async": 202}
_SPOKEN_BY_ANYBODY = frozenset({413, 429})  # what a gateway before the service says as well, and means the same
_LOAD_ERRORS = frozenset(
    {
        "HandlerNotFound",
        "ImportModuleError",
        "InitializationError",
        "InvalidHandleName",
        "UserCodeError",
        "UserCodeSyntaxError",
    }
)
# The service's own words, which have no code; a function's error has a type or a stack as well.
_PLATFORM_TIME_OUT = re.compile(r"(function|task)\b.*\btimed? ?out\b", re.IGNORECASE | re.DOTALL)
_TIME_OUT = re.compile(r"\btimed? ?out\b", re.IGNORECASE)
_CRASH = re.compile(r"process exited unexpectedly", re.IGNORECASE)
_OUT_OF_MEMORY = re.compile(
    r"out of memory|\bOOM\b|memory (limit|size) (was |is )?exceeded|exceed\w* .{0,40}memory", re.IGNORECASE
)
_LONGEST_MESSAGE = 2_000
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def result_of(answer: Answer, kind: InvocationType) -> InvocationResult:
    """The result that a successful answer is.

    Raises:
        FcallError: it is not one.
    """
    if answer.headers.get("x-fc-error-type") and answer.status in (200, 202):
        raise _function_error(answer)
    if answer.status != _ACCEPTED[kind]:
        raise refused(answer) if answer.status >= 300 else _senseless(answer, f"a {kind} call has another status")
    if answer.cut:
        raise FunctionResponseError(
            "the function's answer is larger than response_limit; raise it, or store the answer and return where it is",
            **_facts(answer),
        )
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise _senseless(answer, "it is compressed, which nobody asked for")
    if not _is_genuine(answer, kind):
        raise _senseless(answer, "it does not come from Function Compute")
    if not answer.framed and not _is_json(answer.body):
        raise ConnectionFailedError("the answer ended without saying whether it is whole", **_facts(answer))
    return _result(answer)


def refused(answer: Answer) -> FcallError:
    """The error that an answer with an error status is, by its code, then by its status."""
    document = document_of(answer.body)
    code = code_of(document)
    known = document is not None or _has_own_headers(answer.headers) or answer.status in _SPOKEN_BY_ANYBODY
    if 400 <= answer.status < 500 and not known:
        return ProviderUnavailableError(
            "something before Function Compute refused the request; see what is between", **_facts(answer)
        )
    facts = _facts(answer)
    row = ANSWERS.row(code=code, status_code=answer.status)
    if row is None:
        return _senseless(answer, "no answer of Function Compute has this status")
    if row.error is ThrottledError or (code or "").startswith("Throttling"):
        return ThrottledError(
            "Function Compute throttled the call", code=code, retry_after=_retry_after(answer), **facts
        )
    if row.error is FunctionResponseError:
        facts["result"] = _result(answer)
    words = "the answer is a redirect" if answer.status < 400 else _words(row.error)
    return ANSWERS.error(words, code=code, **facts)


def document_of(body: bytes) -> dict[str, Any] | None:
    """The JSON object that a body is, or None."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def code_of(document: Mapping[str, Any] | None) -> str | None:
    """The machine code of an error document: FC 2.0 spells it both ways, FC 3.0 a third one."""
    for key in ("ErrorCode", "errorCode", "Code", "code"):
        code = (document or {}).get(key)
        if isinstance(code, str) and _CODE.fullmatch(code):
            return code
    return None


def _words(error: type[FcallError]) -> str:
    """What happened, in our words: the service's may repeat what was sent."""
    said = {
        "FunctionNotFoundError": "Function Compute does not know the function, its service or its qualifier",
        "AuthenticationError": "Function Compute does not accept the credentials or the signature",
        "AccessDeniedError": "the credentials may not call this function",
        "PayloadTooLargeError": "the payload is larger than Function Compute takes",
        "ConflictError": "the request contradicts an earlier one",
        "FunctionNotReadyError": "the function's own runtime could not be started",
        "FunctionResponseError": "the function's answer could not be delivered",
        "InvocationTimeoutError": "the connection was given up while the function ran",
        "ProviderUnavailableError": "Function Compute failed, or something before it did",
    }
    return said.get(error.__name__, "Function Compute refused the request")


def _senseless(answer: Answer, why: str) -> ProviderUnavailableError:
    return ProviderUnavailableError(f"the answer makes no sense: {why}", **_facts(answer))


def _facts(answer: Answer) -> dict[str, Any]:
    return {"status_code": answer.status, "request_id": _request_id(answer)}


def _request_id(answer: Answer) -> str | None:
    return answer.headers.get("x-fc-request-id") or answer.headers.get("x-acs-request-id")


def _result(answer: Answer) -> InvocationResult:
    return InvocationResult(
        answer.body,
        answer.status,
        _request_id(answer),
        answer.headers.get("x-fc-invocation-service-version"),
        _log_tail(answer),
        answer.headers,
    )


def _log_tail(answer: Answer) -> str | None:
    encoded = answer.headers.get("x-fc-log-result")
    if not encoded:
        return None
    try:
        return base64.b64decode(encoded).decode(errors="replace")
    except ValueError:  # a spoilt log spoils no result
        return None


def _has_own_headers(headers: Mapping[str, str]) -> bool:
    return any(name.startswith("x-fc-") for name in headers)


def _is_genuine(answer: Answer, kind: InvocationType) -> bool:
    """Whether the service itself answered: by its headers, or, where there are none, by what else it may be."""
    if _request_id(answer) or _has_own_headers(answer.headers):
        return True
    return (kind == "Async" and not answer.body) or _is_json(answer.body)


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _retry_after(answer: Answer) -> float | None:
    """Seconds to wait: ``Retry-After`` in seconds or as a date, or FC 3.0's own header in milliseconds."""
    own, given = answer.headers.get("x-acs-retry-after"), answer.headers.get("retry-after")
    try:
        if own:
            return max(0.0, float(own) / 1000)
        return max(0.0, float(given)) if given else None
    except ValueError:
        return _seconds_until(given or "")


def _seconds_until(date: str) -> float | None:
    moment = email.utils.parsedate_tz(date)
    try:
        return None if moment is None else max(0.0, email.utils.mktime_tz(moment) - time.time())
    except (ValueError, OverflowError):  # a year or a zone that no clock has
        return None


@dataclass(frozen=True, slots=True)
class _Report:
    """What the body of a function's error says."""

    error_type: str
    message: str
    stack: tuple[str, ...] | None
    nested: bool

    @classmethod
    def of(cls, body: bytes) -> _Report:
        document = document_of(body)
        if document is None:
            return cls("", body[:_LONGEST_MESSAGE].decode(errors="replace"), None, nested=False)
        stack = document.get("stackTrace")
        frames = stack if isinstance(stack, list) else None
        return cls(
            _text(document.get("errorType")),
            _text(document.get("errorMessage")),
            None if frames is None else tuple(map(_frame, frames)),
            any(isinstance(frame, list) for frame in frames or ()),
        )

    @property
    def is_the_platforms(self) -> bool:
        """Whether the platform speaks: what a runtime reports of a handler has a type or a stack."""
        return not self.error_type and self.stack is None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _frame(frame: Any) -> str:
    return ", ".join(map(_text, frame)) if isinstance(frame, list) else _text(frame)


def _function_error(answer: Answer) -> FunctionError:
    header = answer.headers.get("x-fc-error-type", "")
    report = _Report.of(answer.body)
    error, executed = _kind(header, report)
    return error(
        error_type=report.error_type or header,
        error_message=report.message,
        stack_trace=report.stack or (),
        log_tail=_log_tail(answer),
        result=_result(answer),
        executed=executed,
        **_facts(answer),
    )


def _kind(header: str, report: _Report) -> tuple[type[FunctionError], Executed | None]:
    """Which failure it is. The service has no codes for these, so its words decide where a handler's cannot be."""
    if header == "InitializationError":
        return FunctionLoadError, None
    if report.error_type in _LOAD_ERRORS and not report.nested:
        # A handler may raise an error of that name; only a flat stack shows that it did not run.
        return FunctionLoadError, None if report.stack is not None else Executed.MAYBE
    if "OOM" in header or (report.is_the_platforms and _OUT_OF_MEMORY.search(report.message)):
        return FunctionOutOfMemoryError, None
    if _CRASH.match(report.message):
        return (FunctionOutOfMemoryError if _OUT_OF_MEMORY.search(report.message) else FunctionCrashedError), None
    if _PLATFORM_TIME_OUT.match(report.message) and not report.nested:
        return FunctionTimeoutError, None
    if report.is_the_platforms and _TIME_OUT.search(report.message):
        return FunctionTimeoutError, None
    return FunctionError, None
