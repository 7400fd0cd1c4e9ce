"""Lambda's wire format: requests are read into a `Call`, answers are made as an `Answer`. Nothing here does I/O.

Sources: the service model 2015-03-31 of botocore 1.44.5; answers recorded from the service in 2025 and 2026; the
developer guide for limits.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, TypeAlias
from urllib.parse import parse_qsl, unquote

from fcall_aws._service._errors import LOWER_CASE_MESSAGE, STATUS
from fcall_aws._service._eventstream import event_frame

__all__ = [
    "ASYNC_LIMIT",
    "SYNC_LIMIT",
    "Answer",
    "Call",
    "Operation",
    "Refused",
    "accepted",
    "accepted_of_old",
    "allowed",
    "document",
    "error_answer",
    "function_error",
    "read",
    "result",
    "streamed",
    "with_request_id",
]

Operation: TypeAlias = Literal["Invoke", "InvokeWithResponseStream", "InvokeAsync", "ListFunctions", "GetFunction"]
CallType: TypeAlias = Literal["RequestResponse", "Event", "DryRun"]

SYNC_LIMIT = 6_291_456
"""Bytes of a request's payload, for RequestResponse and DryRun."""

ASYNC_LIMIT = 1_048_576
"""Bytes of a request's payload, for Event."""

_OLD_ASYNC_LIMIT = 262_144
_CONTEXT_LIMIT = 3_583
_LOG_TAIL = 4_096
_NAME_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
_QUALIFIER_PATTERN = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
_COUNT = re.compile(r"[0-9]{1,9}")
_NAME = re.compile(_NAME_PATTERN)
_QUALIFIER = re.compile(_QUALIFIER_PATTERN)
_TYPES: Mapping[Operation, Sequence[CallType]] = {
    "Invoke": ("Event", "RequestResponse", "DryRun"),
    "InvokeWithResponseStream": ("RequestResponse", "DryRun"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the Lambda API, checked as the service checks it before it looks for the function.

    Attributes:
        operation: what is asked.
        function: the bare name of the function, empty for ListFunctions.
        region: the region in the function's name, or None where the name says none.
        qualifier: the version or alias, from the name or beside it, or None.
        type: the invocation type, as Lambda names it.
        payload: the event as it came; empty where there was none.
        client_context: the decoded client context, or None.
        log_tail: the end of the log is asked for.
        tenant_id: the tenant, or None.
        durable_name: the name of the durable execution, or None.
        marker: where the page begins, or None.
        max_items: how many functions a page may have, or None.
    """

    operation: Operation
    function: str = ""
    region: str | None = None
    qualifier: str | None = None
    type: CallType = "RequestResponse"
    payload: bytes = field(default=b"", repr=False)
    client_context: Mapping[str, Any] | None = field(default=None, repr=False)
    log_tail: bool = False
    tenant_id: str | None = None
    durable_name: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back.

    Attributes:
        status: the HTTP status.
        headers: names and values, in order.
        body: all of it, or its pieces, which are then sent as they come.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Iterable[bytes] = field(default=b"", repr=False)


class Refused(Exception):  # noqa: N818 - it is an answer, carried out of the depth
    """The request is refused with `answer`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"refused with status {answer.status}")
        self.answer = answer


# Reading


def read(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Call:
    """Read a request.

    Args:
        method: the HTTP method.
        target: path and query as they came, not decoded.
        headers: the headers, by names of any case.
        body: the whole body.

    Raises:
        Refused: with the answer of the service to a request that is wrong.
    """
    path, _, query = target.partition("?")
    arguments = dict(parse_qsl(query, keep_blank_values=True))
    lower = {name.lower(): value for name, value in headers.items()}
    for verb, pattern, reader in _ROUTES:
        match = pattern.fullmatch(path)
        if verb == method and match:
            return reader(unquote(match["name"] or ""), arguments, lower, body)
    raise Refused(error_answer("UnknownOperationException"))


def refuse(code: str, message: str) -> NoReturn:
    """End reading with an error answer."""
    raise Refused(error_answer(code, message))


def _read_invoke(
    operation: Operation, name: str, arguments: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> Call:
    region, function, qualifier = _function(name, arguments.get("Qualifier"))
    type_ = _enumerated("invocationType", headers.get("x-amz-invocation-type"), _TYPES[operation], "RequestResponse")
    log_type = _enumerated("logType", headers.get("x-amz-log-type"), ("None", "Tail"), "None")
    context = _client_context(headers.get("x-amz-client-context"))
    _check_size(type_, body)
    return Call(
        operation,
        function,
        region,
        qualifier,
        type_,
        body,
        context,
        log_type == "Tail",
        headers.get("x-amz-tenant-id"),
        headers.get("x-amz-durable-execution-name"),
    )


def _read_sync(name: str, arguments: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Call:
    return _read_invoke("Invoke", name, arguments, headers, body)


def _read_stream(name: str, arguments: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Call:
    return _read_invoke("InvokeWithResponseStream", name, arguments, headers, body)


def _read_async(name: str, arguments: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Call:
    region, function, qualifier = _function(name, None)
    if len(body) > _OLD_ASYNC_LIMIT:
        _refuse_size(len(body), _OLD_ASYNC_LIMIT)
    return Call("InvokeAsync", function, region, qualifier, "Event", body)


def _read_list(name: str, arguments: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Call:
    text = arguments.get("MaxItems")
    if text is not None and not (_COUNT.fullmatch(text) and 1 <= int(text) <= 10_000):
        _refuse_value(text, "maxItems", "Member must be between 1 and 10000")
    return Call("ListFunctions", marker=arguments.get("Marker"), max_items=None if text is None else int(text))


def _read_get(name: str, arguments: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Call:
    region, function, qualifier = _function(name, arguments.get("Qualifier"))
    return Call("GetFunction", function, region, qualifier)


Reader: TypeAlias = Callable[[str, Mapping[str, str], Mapping[str, str], bytes], Call]
_ROUTES: Sequence[tuple[str, re.Pattern[str], Reader]] = (
    ("POST", re.compile(r"/2015-03-31/functions/(?P<name>[^/]*)/invocations"), _read_sync),
    ("POST", re.compile(r"/2021-11-15/functions/(?P<name>[^/]*)/response-streaming-invocations"), _read_stream),
    ("POST", re.compile(r"/2014-11-13/functions/(?P<name>[^/]*)/invoke-async/?"), _read_async),
    ("GET", re.compile(r"/2015-03-31/functions(?P<name>)/?"), _read_list),
    ("GET", re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)"), _read_get),
)


def _function(name: str, beside: str | None) -> tuple[str | None, str, str | None]:
    """Region, bare name and qualifier."""
    match = _NAME.fullmatch(name)
    if match is None or len(match[11]) > 64:
        _refuse_value(name, "functionName", f"Member must satisfy regular expression pattern: {_NAME_PATTERN}")
    if len(name) > 256:
        _refuse_value(name, "functionName", "Member must have length less than or equal to 256")
    if beside is not None and (len(beside) > 128 or not _QUALIFIER.fullmatch(beside)):
        _refuse_value(beside, "qualifier", f"Member must satisfy regular expression pattern: {_QUALIFIER_PATTERN}")
    within = match[13]
    if within and beside and within != beside:
        refuse(
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    region = match[3].rstrip(":") if match[3] else None
    return region, match[11], within or beside


def _enumerated(member: str, value: str | None, among: Sequence[Any], default: str) -> Any:
    if value is None:
        return default
    if value not in among:
        _refuse_value(value, member, f"Member must satisfy enum value set: [{', '.join(among)}]")
    return value


def _client_context(text: str | None) -> Mapping[str, Any] | None:
    if text is None:
        return None
    try:
        context = json.loads(base64.b64decode(text, validate=True)) if len(text) <= _CONTEXT_LIMIT else None
    except ValueError:
        context = None
    if not isinstance(context, dict):
        refuse("InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.")
    return context


def _check_size(type_: CallType, body: bytes) -> None:
    if type_ == "Event" and len(body) > ASYNC_LIMIT:
        _refuse_size(len(body), ASYNC_LIMIT)
    if len(body) > SYNC_LIMIT:
        refuse(
            "RequestEntityTooLargeException",
            f"Request must be smaller than {SYNC_LIMIT} bytes for the InvokeFunction operation",
        )


def _refuse_size(size: int, limit: int) -> NoReturn:
    message = f"{size} byte payload is too large for the Event invocation type (limit {limit} bytes)"
    refuse("RequestEntityTooLargeException", message)


def _refuse_value(value: str, member: str, constraint: str) -> NoReturn:
    found = f"Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    refuse("ValidationException", f"1 validation error detected: {found}")


# Answering


def result(
    payload: bytes, *, version: str = "$LATEST", log: str | None = None, durable_arn: str | None = None
) -> Answer:
    """The function's answer to a RequestResponse call.

    Args:
        payload: what the function returned, as JSON text.
        version: the version that ran.
        log: the function's log where its end was asked for.
        durable_arn: the durable execution's ARN, where it is one.
    """
    return _json_answer(200, payload, *_of_the_run(version, log), *_given("X-Amz-Durable-Execution-Arn", durable_arn))


def function_error(
    payload: bytes, *, version: str = "$LATEST", log: str | None = None, kind: str = "Unhandled"
) -> Answer:
    """The answer where the function failed: status 200, a header that says so, and the error document.

    Every failure that was recorded since 2019 is of the kind ``"Unhandled"``; older runtimes said ``"Handled"`` too.
    """
    return _json_answer(200, payload, ("X-Amz-Function-Error", kind), *_of_the_run(version, log))


def accepted() -> Answer:
    """The answer to an Event call: the event is queued."""
    return Answer(202, _COMMON)


def accepted_of_old() -> Answer:
    """The answer to an InvokeAsync call, whose document says the status once more."""
    return _json_answer(202, b'{"Status":202}')


def allowed() -> Answer:
    """The answer to a DryRun call that would be allowed."""
    return Answer(204, _COMMON)


def document(content: Mapping[str, Any]) -> Answer:
    """An answer that is a JSON document, as of ListFunctions."""
    return _json_answer(200, json.dumps(content).encode())


def streamed(
    pieces: Iterable[bytes],
    *,
    version: str = "$LATEST",
    log: str | None = None,
    error_code: str | None = None,
    error_details: str | None = None,
) -> Answer:
    """The answer to InvokeWithResponseStream.

    Args:
        pieces: the function's answer in pieces; each is one event.
        version: the version that ran.
        log: the function's log where its end was asked for.
        error_code: why the function failed after these pieces, or None where it did not.
        error_details: the error document, or another text.
    """
    complete = {"ErrorCode": error_code, "ErrorDetails": error_details, "LogResult": None if log is None else tail(log)}
    headers = (*_COMMON, ("Content-Type", "application/vnd.amazon.eventstream"), ("X-Amz-Executed-Version", version))
    known = {key: value for key, value in complete.items() if value is not None}
    return Answer(200, headers, [*_events(pieces, known)])


def _events(pieces: Iterable[bytes], complete: Mapping[str, str]) -> Iterator[bytes]:
    for piece in pieces:
        yield event_frame("PayloadChunk", piece)
    yield event_frame("InvokeComplete", json.dumps(complete).encode(), "application/json")


def error_answer(
    code: str,
    message: str = "",
    *,
    status: int | None = None,
    reason: str | None = None,
    retry_after: int | None = None,
) -> Answer:
    """An error of the service.

    Args:
        code: the error's code.
        message: its words.
        status: the HTTP status; None for the one that the code comes with, and 500 for an unknown code.
        reason: why a call is throttled, such as ``"CallerRateLimitExceeded"``.
        retry_after: seconds that a throttled caller is asked to wait.
    """
    status = status or STATUS.get(code, 500)
    content = {
        "Reason": reason,
        "Type": "User" if status < 500 else "Service",
        "message" if code in LOWER_CASE_MESSAGE else "Message": message,
    }
    body = json.dumps({key: value for key, value in content.items() if value is not None}).encode()
    waits = _given("Retry-After", None if retry_after is None else str(retry_after))
    return _json_answer(status, body, ("x-amzn-ErrorType", code), *waits)


def with_request_id(answer: Answer, request_id: str | None = None) -> Answer:
    """The answer with the header by which the service names the request; None makes an id up."""
    name = ("x-amzn-RequestId", request_id or str(uuid.uuid4()))
    return Answer(answer.status, (name, *answer.headers), answer.body)


def tail(log: str) -> str:
    """The last 4 KB of a log, as base64; a character of several bytes may be cut."""
    return base64.b64encode(log.encode()[-_LOG_TAIL:]).decode()


_COMMON = (("x-amzn-Remapped-Content-Length", "0"),)
"""What every answer has. It contains the name of a header that means something, and means nothing itself."""


def _json_answer(status: int, body: bytes, *more: tuple[str, str]) -> Answer:
    return Answer(status, (("Content-Type", "application/json"), *_COMMON, *more), body)


def _of_the_run(version: str, log: str | None) -> tuple[tuple[str, str], ...]:
    return (*_given("X-Amz-Log-Result", None if log is None else tail(log)), ("X-Amz-Executed-Version", version))


def _given(name: str, value: str | None) -> tuple[tuple[str, str], ...]:
    return () if value is None else ((name, value),)
