"""An answer that comes in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from fcall.errors import ConnectionFailedError, Executed, InvocationTimeoutError
from fcall.provider import Deadline, InvocationResult
from fcall_aws._answers import EXPECTED, Head, check_head, head_of, limit_wait, log_text
from fcall_aws._errors import call_error
from fcall_aws._failures import stream_error

__all__ = ["streamed"]

_PATIENCE = 1.0


def streamed(response: Mapping[str, Any], deadline: Deadline) -> Iterator[bytes]:
    """The pieces of a response stream.

    botocore's own iterator just stops where a connection breaks off between two events, so only the event that says so
    is the end.

    Raises:
        FunctionError: the function failed, before a piece or after some.
        InvocationError: the stream broke off, or the deadline passed.
    """
    head = head_of(response, EXPECTED["Sync"])
    events = response["EventStream"]
    try:
        check_head(head, EXPECTED["Sync"], b"")
        for event in _events(events, head, deadline):
            if "PayloadChunk" in event:
                piece = event["PayloadChunk"].get("Payload")
                if piece:
                    yield piece
            elif "InvokeComplete" in event:
                _read_rest(events, deadline)
                _check_complete(event["InvokeComplete"], head)
                return
    finally:
        events.close()
    raise ConnectionFailedError(
        "the stream broke off before its end", executed=head.ran, status_code=head.status, request_id=head.request_id
    )


def _events(events: Any, head: Head, deadline: Deadline) -> Iterator[Mapping[str, Any]]:
    """The events, each within the deadline, and what is raised between them as an error of ours."""
    iterator = iter(events)
    ran = head.ran
    while True:
        try:
            limit_wait(events, deadline)
            event = next(iterator, None)
        except Exception as error:  # noqa: BLE001 - whatever it is, it has its row
            failure = call_error(error, sent=True, deadline=deadline, executed=ran)
            failure.status_code, failure.request_id = head.status, head.request_id
            raise failure from failure.__cause__
        if event is None:
            return
        ran = Executed.YES  # only a function's answer has events
        if deadline.expired:
            raise InvocationTimeoutError(
                "the time-out passed before the stream's end; raise timeout", executed=ran, request_id=head.request_id
            )
        yield event


def _read_rest(events: Any, deadline: Deadline) -> None:
    """Read the few bytes behind the last event: only then can the connection serve another call."""
    with suppress(Exception):  # the answer is whole, whatever becomes of its connection
        limit_wait(events, Deadline.after(min(deadline.remaining(), _PATIENCE), deadline.clock))
        next(iter(events), None)


def _check_complete(complete: Mapping[str, Any], head: Head) -> None:
    code = complete.get("ErrorCode")
    if code is None:
        return
    log_tail = log_text(complete.get("LogResult"))
    result = InvocationResult(b"", head.status, head.request_id, log_tail=log_tail, headers=head.headers)
    raise stream_error(code, complete.get("ErrorDetails") or "", result)
