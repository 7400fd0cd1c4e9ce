"""Reading Lambda's answers: to their end, against the clock, and only what is an answer counts as one."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from fcall.errors import (
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionError,
    FunctionResponseError,
    InvocationTimeoutError,
    ProviderUnavailableError,
)
from fcall.provider import Deadline, InvocationResult, InvocationType
from fcall_aws._errors import call_error
from fcall_aws._failures import function_error

__all__ = ["EXPECTED", "Head", "check_head", "head_of", "limit_wait", "log_text", "read_result", "result_of"]

EXPECTED: Mapping[InvocationType, int] = {"Sync": 200, "Async": 202, "DryRun": 204}

_PIECE = 1 << 20


class Head(NamedTuple):
    """What stands before an answer's body.

    Attributes:
        status: the HTTP status.
        headers: the headers, their names in lower case.
    """

    status: int
    headers: Mapping[str, str]

    @property
    def request_id(self) -> str | None:
        """Lambda's id of the request. What stands before Lambda gives none, and some emulators do not either."""
        return self.headers.get("x-amzn-requestid")

    @property
    def ran(self) -> Executed:
        """Whether the function of a Sync call ran, seeing that this was answered."""
        return Executed.YES if self.request_id and self.status == EXPECTED["Sync"] else Executed.MAYBE


def head_of(response: Mapping[str, Any], expected: int) -> Head:
    """The head of what boto3 returned. A double in botocore's place, such as its own Stubber, may give none."""
    metadata = response.get("ResponseMetadata") or {}
    status = metadata.get("HTTPStatusCode", response.get("StatusCode", expected))
    return Head(status, metadata.get("HTTPHeaders", {}))


def result_of(response: Mapping[str, Any], kind: InvocationType, deadline: Deadline) -> InvocationResult:
    """The result that boto3's answer to ``invoke`` stands for.

    Raises:
        FunctionError: the function failed.
        InvocationError: it is no answer of Lambda's, or not a whole one.
    """
    head = head_of(response, EXPECTED[kind])
    payload = _read(response["Payload"], head, deadline) if "Payload" in response else b""
    return read_result(head, payload, kind, response)


def read_result(head: Head, payload: bytes, kind: InvocationType, said: Mapping[str, Any]) -> InvocationResult:
    """The result that an answer stands for.

    Args:
        head: what stood before the answer's body.
        payload: its body.
        kind: how the function was called.
        said: what else it says: ``ExecutedVersion``, ``LogResult`` and ``FunctionError``, where they are there.

    Raises:
        FunctionError, InvocationError: as with `result_of`.
    """
    result = InvocationResult(
        payload if kind == "Sync" else b"",
        head.status,
        head.request_id,
        said.get("ExecutedVersion"),
        log_text(said.get("LogResult")),
        head.headers,
    )
    check_head(head, EXPECTED[kind], payload)
    if said.get("FunctionError") is not None:
        raise function_error(result)
    if kind == "Sync":
        _check_payload(payload, head, result)
    return result


def _read(body: Any, head: Head, deadline: Deadline) -> bytes:
    """The whole body; a connection whose body is read to its end serves the next call."""
    whole: bytes | None = getattr(getattr(body, "_raw_stream", None), "whole", None)  # by the lane
    if whole is not None:
        return whole
    pieces: list[bytes] = []
    try:
        while not deadline.expired:
            limit_wait(body, deadline)
            piece = _some(body)
            if not piece:
                return _all_of(pieces, head)
            pieces.append(piece)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has its row
        body.close()
        failure = call_error(error, sent=True, deadline=deadline, executed=head.ran)
        failure.status_code, failure.request_id = head.status, head.request_id
        raise failure from failure.__cause__
    body.close()
    raise InvocationTimeoutError(
        "the time-out passed before the answer's end; raise timeout",
        executed=head.ran,
        status_code=head.status,
        request_id=head.request_id,
    )


def _all_of(pieces: list[bytes], head: Head) -> bytes:
    """The pieces as one, where they are as long as the answer says it is."""
    whole = b"".join(pieces)
    if head.status != EXPECTED["DryRun"] and head.headers.get("content-length", str(len(whole))) != str(len(whole)):
        raise _cut_short(head)
    return whole


def _some(body: Any) -> bytes:
    """What has come of a body, and at least a byte unless that was all.

    ``StreamingBody.read`` waits until it has as much as it was asked for, and begins to wait anew for each byte of it.
    urllib3 before 2.0 has nothing better.
    """
    raw: Any = getattr(body, "_raw_stream", None)
    some: bytes = (raw.read1 if hasattr(raw, "read1") else body.read)(_PIECE)
    return some


def limit_wait(body: Any, deadline: Deadline) -> None:
    """Have the next read wait no longer than the call may take, where botocore shows the socket.

    botocore sets a time-out for every single read, and none for all of them. ``StreamingBody.set_socket_timeout`` does
    the same as this, but logs an error where there is no socket any more.
    """
    raw: Any = getattr(body, "_raw_stream", None)
    if hasattr(raw, "limit"):  # by the lane
        raw.limit(deadline)
        return
    try:
        waiting = raw._fp.fp.raw._sock
    except AttributeError:  # there is no socket any more, or never was one
        return
    waiting.settimeout(max(deadline.remaining(), 0.001))


def check_head(head: Head, expected: int, beginning: bytes) -> None:
    """See that an answer comes from Lambda, or from something like it.

    Raises:
        ProviderUnavailableError: it does not.
    """
    content_type = head.headers.get("content-type", "").lower()
    if head.headers.get("content-encoding", "identity").lower() != "identity":
        raise _no_answer(head, "the answer is compressed, which was not asked for", head.ran)
    from_elsewhere = head.request_id is None and beginning.lstrip()[:1] == b"<"  # no JSON begins so
    if "html" in content_type or from_elsewhere:
        raise _no_answer(head, "something in between answered with a page; look at endpoint_url and the proxies")
    if head.status != expected:
        raise _no_answer(head, f"the answer has the status {head.status} where Lambda gives {expected}")


def _check_payload(payload: bytes, head: Head, result: InvocationResult) -> None:
    if not payload:
        if head.request_id is None:
            raise _no_answer(head, "the answer is empty, which Lambda's never is")
        raise _unusable("the function's answer is empty, which is no JSON", result)
    if "content-length" not in head.headers and "chunked" not in head.headers.get("transfer-encoding", "").lower():
        _check_whole(payload, head)


def _check_whole(payload: bytes, head: Head) -> None:
    """See that an answer whose end nothing marks is all there: then it is JSON."""
    try:
        json.loads(payload)
    except (ValueError, RecursionError):  # left out of the chain, because it holds the answer
        failure = _cut_short(head)
    else:
        return
    raise failure


def _cut_short(head: Head) -> FcallError:
    return ConnectionFailedError(
        "the answer was cut short", executed=head.ran, status_code=head.status, request_id=head.request_id
    )


def _no_answer(head: Head, message: str, executed: Executed = Executed.MAYBE) -> FcallError:
    return ProviderUnavailableError(message, executed=executed, status_code=head.status, request_id=head.request_id)


def _unusable(message: str, result: InvocationResult) -> FunctionError:
    return FunctionResponseError(
        message, result=result, log_tail=result.log_tail, status_code=result.status_code, request_id=result.request_id
    )


def log_text(encoded: str | None) -> str | None:
    """The end of the log as text. It is cut at 4 KB, so it may begin amid a character."""
    if encoded is None:
        return None
    try:
        return base64.b64decode(encoded).decode(errors="replace")
    except ValueError:
        return None
