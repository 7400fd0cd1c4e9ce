"""Answers and failures by themselves, without the SDK: every branch of the tables, quickly."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fcall_linkedge._answers import result_of
from fcall_linkedge._errors import STATUSES, error_raised, errors_of
from fcall_linkedge._function_errors import function_error

from fcall.errors import (
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionCrashedError,
    FunctionError,
    FunctionLoadError,
    FunctionNotFoundError,
    FunctionOutOfMemoryError,
    FunctionResponseError,
    FunctionTimeoutError,
    InvalidParamsError,
    InvocationTimeoutError,
    ProviderUnavailableError,
)

NO, MAYBE, YES = Executed.NO, Executed.MAYBE, Executed.YES
FRAMES = [['File "index.py"', "line 3", "in handler"]]
FLAT = ["ModuleNotFoundError: No module named 'yaml'\n"]


def encoded(payload: bytes) -> str:
    return base64.b64encode(payload).decode()


def failure(answer: Any, kind: Any = "Sync", generation: Any = "1.0") -> Any:
    """The error that an answer stands for."""
    with pytest.raises(FcallError) as caught:
        result_of(answer, kind, errors_of(generation))
    return caught.value


def result(answer: Any, kind: Any = "Sync") -> Any:
    return result_of(answer, kind, errors_of("1.0"))


@pytest.mark.parametrize(("answer", "request_id"), [("success", None), ("", None), ("id-1", "id-1"), ("z-1", "z-1")])
def test_an_accepted_event_has_a_text(answer: str, request_id: str | None) -> None:
    """It is the id of the invocation, or only the word."""
    accepted = result(answer, "Async")

    assert (202, request_id, b"") == (accepted.status_code, accepted.request_id, accepted.payload)


@pytest.mark.parametrize(
    ("answer", "expected", "executed", "code"),
    [
        (7, InvalidParamsError, NO, "7"),
        (0, InvalidParamsError, NO, "0"),
        (None, ProviderUnavailableError, MAYBE, None),
        ("fail", ProviderUnavailableError, MAYBE, None),
        (True, ProviderUnavailableError, MAYBE, None),
        ([], ProviderUnavailableError, MAYBE, None),
        (b"id", ProviderUnavailableError, MAYBE, None),
    ],
)
@pytest.mark.parametrize("kind", ["Sync", "Async"])
def test_what_stands_in_place_of_a_result(
    kind: Any, answer: Any, expected: type[FcallError], executed: Executed, code: str | None
) -> None:
    """An int is refused parameters, and everything else says too little."""
    error = failure(answer, kind)

    assert (expected, executed, code) == (type(error), error.executed, error.code)


def test_only_what_may_pass_may_pass() -> None:
    """What does not say what it is can be a refusal; what makes no sense at all may make some later."""
    assert [False, False, True] == [failure(answer).retryable for answer in (None, "fail", 1.5)]


@pytest.mark.parametrize("answer", ["id-1", "success", {"statusCode": 200}])
def test_each_kind_of_call_has_its_own_answer(answer: Any) -> None:
    """A text is no result of a function, and a mapping accepts no event."""
    error = failure(answer, "Async" if isinstance(answer, dict) else "Sync")

    assert (ProviderUnavailableError, MAYBE) == (type(error), error.executed)


@pytest.mark.parametrize("payload", [None, "", encoded(b"{}"), encoded(b"{}").encode()])
def test_a_result_is_decoded(payload: Any) -> None:
    """From base64, as text or bytes; without a payload it is empty."""
    answered = result({"statusCode": 200, "functionError": "", "payload": payload})

    assert (b"{}" if payload else b"", 200) == (answered.payload, answered.status_code)


@pytest.mark.parametrize("payload", ["not base64!", "é", 7, ["e30="], b"e3!0="])
def test_a_result_that_is_not_base64_cannot_be_read(payload: Any) -> None:
    """The function ran; the payload is kept as it came."""
    error = failure({"statusCode": 200, "payload": payload})

    assert (FunctionResponseError, YES, 200) == (type(error), error.executed, error.status_code)
    assert (payload if isinstance(payload, bytes) else str(payload).encode()) == error.result.payload


@pytest.mark.parametrize("status", [100, 599])
def test_a_status_is_one_of_http(status: int) -> None:
    """From 100 up to 599, and a whole number."""
    assert status == failure({"statusCode": status}).status_code


@pytest.mark.parametrize("status", [99, 600, 601, True, None, "200", 200.0])
def test_what_is_no_status_makes_no_sense(status: Any) -> None:
    """It is no success, and tells nothing."""
    error = failure({"statusCode": status, "payload": ""})

    assert (ProviderUnavailableError, MAYBE, None) == (type(error), error.executed, error.status_code)


@pytest.mark.parametrize("generation", ["1.0", "1.1"])
@pytest.mark.parametrize("status", sorted(status for status in STATUSES if isinstance(status, int)))
def test_a_status_has_its_row(status: int, generation: Any) -> None:
    """It decides the class; a task that was taken may have run, which 1.1 has no tasks for."""
    error = failure({"statusCode": status}, generation=generation)

    assert STATUSES[status].error is type(error)
    assert (NO if (status, generation) == (404, "1.1") else MAYBE) is error.executed
    assert (status, None) == (error.status_code, error.code)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"ErrorCode": "A", "errorCode": "B", "Code": "C"}, "A"),
        ({"errorCode": "B", "Code": "C"}, "B"),
        ({"Code": "C.d_1"}, "C.d_1"),
        ({"Code": 7}, None),
        ({"Code": "two words"}, None),
        ({"Code": "C" * 64}, "C" * 64),
        ({"Code": "C" * 65}, None),
        ([], None),
        ({}, None),
    ],
)
def test_the_gateways_code_is_kept(document: Any, code: str | None) -> None:
    """In every spelling, where it is a name; it never decides."""
    error = failure({"statusCode": 404, "payload": encoded(json.dumps(document).encode())})

    assert (FunctionNotFoundError, code) == (type(error), error.code)


def test_an_error_may_have_no_body_that_can_be_read() -> None:
    """Its status says enough."""
    assert FunctionNotFoundError is type(failure({"statusCode": 404, "payload": "no base64!"}))


@pytest.mark.parametrize("said", [7, True, ["x"]])
def test_a_function_error_of_any_kind_is_one(said: Any) -> None:
    """Whatever stands there, and whatever the payload is."""
    error = failure({"statusCode": 200, "functionError": said, "payload": "\ud800!"})

    assert (FunctionError, YES, None, "") == (type(error), error.executed, error.code, error.error_type)
    assert b"?!" == error.result.payload


@pytest.mark.parametrize(
    ("said", "document", "expected", "executed"),
    [
        ("Unhandled", {"errorType": "KeyError", "stackTrace": FRAMES}, FunctionError, YES),
        ("Handled", {"errorMessage": "it timed out"}, FunctionError, YES),
        ("HandledInvocationError", {"errorMessage": "it timed out"}, FunctionError, YES),
        ("Unhandled", {"Message": "it timed out", "StackTrace": "at index.js:3"}, FunctionError, YES),
        ("Unhandled", {"errorMessage": "it timed out", "errorType": "OSError"}, FunctionError, YES),
        ("Unhandled", {"errorMessage": "it failed"}, FunctionError, YES),
        ("Unhandled", {"errorMessage": "Function TIME OUT after 3 seconds"}, FunctionTimeoutError, YES),
        ("Unhandled", {"Message": "Task timed out", "StackTrace": ""}, FunctionTimeoutError, YES),
        ("Unhandled", {"errorMessage": "PROCESS exited unexpectedly"}, FunctionCrashedError, YES),
        ("Unhandled", {"errorMessage": "process exited: OOM"}, FunctionOutOfMemoryError, YES),
        ("Unhandled", {"errorMessage": "memory limit"}, FunctionOutOfMemoryError, YES),
        ("Unhandled", {"errorType": "UserCodeError", "stackTrace": FRAMES}, FunctionError, YES),
        ("Unhandled", {"errorType": "UserCodeError", "stackTrace": "a\nb"}, FunctionLoadError, NO),
        ("Unhandled", {"errorType": "UserCodeError", "stackTrace": {"a": 1}}, FunctionError, YES),
        ("Unhandled", {"errorType": "UserCodeError", "stackTrace": ["a", ["b"]]}, FunctionError, YES),
        ("Unhandled", {"errorType": "UserCodeError"}, FunctionError, MAYBE),
        *(
            pair
            for name in (
                "HandlerNotFound",
                "ImportModuleError",
                "InitializationError",
                "InvalidHandleName",
                "UserCodeError",
                "UserCodeSyntaxError",
            )
            for pair in (
                (name, {"errorMessage": "no"}, FunctionLoadError, NO),
                ("Unhandled", {"errorType": name, "stackTrace": FLAT}, FunctionLoadError, NO),
            )
        ),
    ],
)
def test_a_failure_is_told_by_its_document(
    said: str, document: dict[str, Any], expected: type[FcallError], executed: Executed
) -> None:
    """The platform's words count only where a function's cannot be."""
    payload = json.dumps(document).encode()
    error = failure({"statusCode": 200, "functionError": said, "payload": encoded(payload)})

    assert (expected, executed, said, 200) == (type(error), error.executed, error.code, error.status_code)
    assert document.get("errorType", said) == error.error_type
    assert document.get("errorMessage", document.get("Message", "")) == error.error_message
    assert (payload, 200) == (error.result.payload, error.result.status_code)


@pytest.mark.parametrize(
    ("stack", "frames"),
    [
        ("a\nb", ("a", "b")),
        (FLAT, tuple(FLAT)),
        (FRAMES, ('File "index.py", line 3, in handler',)),
        ([["a", 1], 2], ("a, 1", "2")),
        ({"a": 1}, ()),
        (7, ()),
        ([], ()),
    ],
)
@pytest.mark.parametrize("key", ["stackTrace", "StackTrace"])
def test_a_stack_is_one_text_for_each_frame(key: str, stack: Any, frames: tuple[str, ...]) -> None:
    """In either spelling, as text or as a list."""
    assert frames == function_error("Unhandled", json.dumps({key: stack}).encode(), 200).stack_trace


@pytest.mark.parametrize(
    "payload", [b"", b"words", b"\xff", b"[1]", b"null", b"[" * 100_000], ids=lambda p: repr(p[:6])
)
def test_a_document_may_be_anything(payload: bytes) -> None:
    """What cannot be read says nothing, and is kept."""
    error = function_error("", payload, 207)

    assert (FunctionError, YES, None, "", "") == (
        type(error),
        error.executed,
        error.code,
        error.error_type,
        error.error_message,
    )
    assert error.result is not None
    assert (payload, 207, 207) == (error.result.payload, error.result.status_code, error.status_code)


class WSConnException(Exception):  # noqa: N818 - as the gateway names it
    """A result that did not come."""


class RequestException(WSConnException):
    """A task that was not taken; the nearest class counts."""


@pytest.mark.parametrize(
    ("raised", "expected", "retryable"),
    [
        (WSConnException("s3cr3t"), InvocationTimeoutError, True),
        (RequestException("s3cr3t"), ProviderUnavailableError, False),
        (TimeoutError("s3cr3t"), InvocationTimeoutError, True),
        (ConnectionResetError("s3cr3t"), ConnectionFailedError, True),
        (KeyError("s3cr3t"), ProviderUnavailableError, True),
        (SystemExit("s3cr3t"), ProviderUnavailableError, True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_what_the_sdk_raises_has_its_row(raised: BaseException, expected: type[FcallError], retryable: bool) -> None:
    """By the name of its nearest class; it may have run, and its words stay outside."""
    error: Any = error_raised(raised)

    assert (expected, MAYBE, retryable) == (type(error), error.executed, error.retryable)
    assert type(raised).__name__ == error.code
    assert "s3cr3t" not in str(error)
