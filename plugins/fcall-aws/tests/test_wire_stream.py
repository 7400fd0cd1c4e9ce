"""The loopback endpoint streams as Lambda does, read by boto3 alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import ClientError, EventStreamError
from fcall_aws.testing import Answer, LambdaEndpoint, error_frame, event_frame, exception_frame, streamed


def _fail(event: Any, context: Any) -> Any:
    raise ValueError("it fails")


@pytest.fixture
def endpoint() -> Iterator[LambdaEndpoint]:
    """An endpoint that echoes and fails."""
    with LambdaEndpoint({"echo": lambda event, context: event, "fail": _fail}) as endpoint:
        yield endpoint


@pytest.fixture
def client(endpoint: LambdaEndpoint, bare: Callable[..., Any]) -> Any:
    """A plain boto3 client for it."""
    return bare(endpoint)


def _events(client: Any, function: str = "echo", payload: bytes = b"[]", **more: Any) -> list[dict[str, Any]]:
    stream = client.invoke_with_response_stream(FunctionName=function, Payload=payload, **more)["EventStream"]
    with closing(stream):
        return list(stream)


def test_a_stream_is_chunks_and_an_end(client: Any) -> None:
    """The answer comes in chunks, and InvokeComplete says that it is whole."""
    payload = json.dumps("x" * 100_000).encode()
    *chunks, complete = _events(client, payload=payload)

    assert len(chunks) > 1
    assert payload == b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks)
    assert {"InvokeComplete": {}} == complete


def test_a_stream_names_the_version(client: Any) -> None:
    """The version that ran, and the content type of an event stream, stand in the headers."""
    answer = client.invoke_with_response_stream(FunctionName="echo", Qualifier="3")
    list(answer["EventStream"])

    assert (200, "3") == (answer["StatusCode"], answer["ExecutedVersion"])
    assert "application/vnd.amazon.eventstream" == answer["ResponseStreamContentType"]


def test_a_failure_is_in_the_last_event(client: Any) -> None:
    """A function that fails ends its stream with an error code and the error document."""
    (event,) = _events(client, "fail")
    complete = event["InvokeComplete"]

    assert "Unhandled" == complete["ErrorCode"]
    assert "ValueError" == json.loads(complete["ErrorDetails"])["errorType"]


def test_the_log_tail_is_in_the_last_event(client: Any) -> None:
    """With LogType Tail the end of the log comes with InvokeComplete, in base64."""
    complete = _events(client, LogType="Tail")[-1]["InvokeComplete"]

    assert base64.b64decode(complete["LogResult"]).startswith(b"START RequestId: ")


def test_a_failure_may_come_after_some_chunks(client: Any, endpoint: LambdaEndpoint) -> None:
    """A canned stream can fail midway."""
    endpoint.answer_next(streamed([b"[1,", b"2"], error_code="Sandbox.Timedout", error_details="too late"))
    *chunks, complete = _events(client)

    assert [b"[1,", b"2"] == [chunk["PayloadChunk"]["Payload"] for chunk in chunks]
    assert {"ErrorCode": "Sandbox.Timedout", "ErrorDetails": "too late"} == complete["InvokeComplete"]


def test_a_refusal_is_no_stream(client: Any) -> None:
    """A missing function and a type that cannot stream are refused as for Invoke."""
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        _events(client, "missing")
    with pytest.raises(ClientError, match="ValidationException"):
        _events(client, InvocationType="Event")


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (exception_frame("TooManyRequestsException", b'{"message": "slow"}'), EventStreamError),
        (error_frame("InternalFailure", "it broke"), EventStreamError),
        (event_frame("PayloadChunk", b"1")[:-1] + b"\0", ChecksumMismatch),
    ],
    ids=["exception", "error", "corrupt"],
)
def test_errors_within_a_stream_can_be_sent(
    client: Any, endpoint: LambdaEndpoint, last: bytes, expected: type[Exception]
) -> None:
    """Exception frames, error frames and corrupt ones are what boto3 takes them for."""
    endpoint.answer_next(Answer(200, (), [event_frame("PayloadChunk", b"1"), last]))

    with pytest.raises(expected):
        _events(client)
