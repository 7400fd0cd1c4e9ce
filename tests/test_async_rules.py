"""The rules of the Async queue, as pure decisions, and what a destination is told, as data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fcall.errors import (
    FcallError,
    FunctionCrashedError,
    FunctionError,
    FunctionLoadError,
    InvalidPayloadError,
    InvocationTimeoutError,
    UnmappedProviderError,
    UnsupportedFeatureError,
)
from fcall.local._destination import document_of, failed_event, invocation_of, told
from fcall.local._events import Event, Rules, is_worth_another_attempt
from fcall.local._nesting import Nesting
from fcall.provider import Invocation, InvocationResult

LAMBDA = Rules(retries=2, pause=60.0, longest_age=21_600.0)


def test_pauses_are_lambdas() -> None:
    """With a pause of a minute, the second attempt comes after one minute and the third after two more."""
    assert [60.0, 120.0] == [LAMBDA.pause_after(attempts) for attempts in (1, 2)]


@pytest.mark.parametrize(
    ("attempts", "age", "condition"),
    [
        (0, 0, None),
        (2, 21_600, None),
        (3, 0, "RetriesExhausted"),
        (0, 21_600.1, "EventAgeExceeded"),
        (3, 21_601, "RetriesExhausted"),
    ],
)
def test_an_event_is_given_up(attempts: int, age: float, condition: str | None) -> None:
    """An event runs once and is tried again as often as allowed, unless it is too old by then."""
    assert condition == LAMBDA.gives_up(attempts, age)


@pytest.mark.parametrize(
    ("error", "worth"),
    [
        (FunctionError("failed"), True),
        (FunctionLoadError("not loaded"), True),
        (FunctionCrashedError("gone"), True),
        (InvocationTimeoutError("no slot"), True),
        (UnmappedProviderError("a fault"), True),
        (InvalidPayloadError("no JSON"), False),
        (UnsupportedFeatureError("never"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: FcallError, worth: bool) -> None:
    """A function that failed is tried again, and so is what was in its way; an event that can never run is not."""
    assert worth == is_worth_another_attempt(error)


# The record of a failed event


def event(payload: bytes = b'{"id": 7}', failure: bytes | None = b'{"errorType": "ValueError"}') -> Event:
    invocation = Invocation("resize", "images", "Async", payload, qualifier="prod")
    return Event(invocation, "id-1", Nesting(1, "id-1"), 0.0, attempts=3, failure=failure)


def test_a_destination_is_told_in_lambdas_words() -> None:
    """The record has the keys that AWS Lambda's has, so that one handler serves both."""
    assert {
        "version": "1.0",
        "timestamp": "2001-09-09T01:46:40.500Z",
        "requestContext": {
            "requestId": "id-1",
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:resize:prod",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"id": 7},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorType": "ValueError"},
    } == failed_event(event(), "RetriesExhausted", 1_000_000_000.5)


def test_code_is_called_what_its_context_calls_it() -> None:
    """The ARN in the record is that of the function's own context, also where the function was named by its code."""
    code = Invocation("app/handlers.py:resize", "images", "Async", b"{}", configured=True)
    record = failed_event(Event(code, "id-1", Nesting(1, "id-1"), 0.0), "EventAgeExceeded", 0.0)

    assert "arn:aws:lambda:us-east-1:000000000000:function:resize:$LATEST" == record["requestContext"]["functionArn"]


def test_an_event_that_never_ran_has_no_answer() -> None:
    """Where the function did not run at all, the record has no response."""
    record = failed_event(event(failure=None), "EventAgeExceeded", 0.0)

    assert set() == {"responseContext", "responsePayload"} & record.keys()


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b"", ""),
        (b"null", None),
        (b"plain text", "plain text"),
        (b"\xff\xfe", "//4="),
        (b"1e999", "1e999"),
        (b'"\\ud800"', '"\\ud800"'),
        (b"NaN", "NaN"),
        (b"[" * 100_000, "[" * 100_000),
    ],
)
def test_any_payload_can_be_told_of(payload: bytes, shown: Any) -> None:
    """The payload is shown as the JSON value it stands for, else as text, else as base64; never is it left out."""
    record = failed_event(event(payload), "RetriesExhausted", 0.0)

    assert shown == record["requestPayload"]
    assert record == json.loads(json.dumps(record))


def test_the_error_document_is_the_functions_own() -> None:
    """What the function answered is handed on as it came; for other errors there is a document of the same form."""
    document = b'{"errorMessage": "no such order"}'

    assert document == document_of(FunctionError("failed", result=InvocationResult(document)))
    assert {"errorType": "InvalidPayloadError", "errorMessage": "no JSON"} == json.loads(
        document_of(InvalidPayloadError("no JSON"))
    )


@pytest.mark.parametrize(
    ("destination", "service", "function", "qualifier"),
    [
        ("images/failed", "images", "failed", None),
        ("failed:prod", None, "failed:prod", None),
        ("app/handlers.py:failed", None, "app/handlers.py:failed", None),
        ("failed", None, "failed", None),
        (print, None, "print", None),
    ],
)
def test_a_destination_is_a_function_or_something_to_call(
    destination: Any, service: str | None, function: str, qualifier: str | None
) -> None:
    """A destination is named like a target of the local provider, or is anything that can be called."""
    call = invocation_of(destination, b"{}")

    assert (service, function, qualifier, "Async", b"{}") == (
        call.service,
        call.function,
        call.qualifier,
        call.type,
        call.payload,
    )


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("raised", "words"), [(KeyError("x"), "'x'"), (SystemExit(2), "2"), (UnprintableError(), "it cannot be printed")]
)
def test_whatever_a_destination_raises_is_a_function_error(raised: BaseException, words: str) -> None:
    """A destination that is called can do nothing that stops the queue."""

    def call(record: dict[str, Any]) -> None:
        raise raised

    with pytest.raises(FunctionError) as caught:
        told(call, Invocation("call", payload=b"{}"), "id-1")

    assert (type(raised).__name__, words, "id-1") == (
        caught.value.error_type,
        caught.value.error_message,
        caught.value.request_id,
    )
