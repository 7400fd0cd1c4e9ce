"""Failures of functions and of the gateway, as the SDK hands them over in band."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fcall_linkedge._answers import result_of
from fcall_linkedge._errors import errors_of
from fcall_linkedge._threads import _work
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fcall
from fcall import Executed
from fcall.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConflictError,
    FcallError,
    FunctionCrashedError,
    FunctionError,
    FunctionLoadError,
    FunctionNotFoundError,
    FunctionOutOfMemoryError,
    FunctionTimeoutError,
    InvalidRequestError,
    InvocationTimeoutError,
    PayloadTooLargeError,
    ProviderUnavailableError,
    ThrottledError,
    UnmappedProviderError,
)
from fcall.provider import InvocationResult

FRAMES = [['File "index.py"', "line 3", "in handler", "raise ValueError"]]
FLAT = ["ModuleNotFoundError: No module named 'yaml'\n"]
CRASH = "Process exited unexpectedly before completing request (duration: 3ms, maxMemoryUsage: 9.77MB)"


def failure(client: fcall.Client) -> FcallError:
    with pytest.raises(FcallError) as raised:
        client.invoke("s/f")
    return raised.value


@pytest.mark.parametrize(
    ("said", "document", "error_class", "executed"),
    [
        ("Unhandled", {"errorType": "KeyError", "errorMessage": "no", "stackTrace": FRAMES}, FunctionError, "YES"),
        ("Handled", {"errorMessage": "no"}, FunctionError, "YES"),
        ("Unhandled", {"Message": "no", "StackTrace": "at index.js:3"}, FunctionError, "YES"),
        ("UnhandledInvocationError", {"errorMessage": "no"}, FunctionError, "YES"),
        ("Unhandled", {"errorMessage": "Function time out after 3 seconds"}, FunctionTimeoutError, "YES"),
        ("Unhandled", {"errorMessage": "2019 Task timed out after 3.00 seconds"}, FunctionTimeoutError, "YES"),
        ("Unhandled", {"Message": "Task timed out", "StackTrace": ""}, FunctionTimeoutError, "YES"),
        ("Unhandled", {"errorMessage": CRASH}, FunctionCrashedError, "YES"),
        ("Unhandled", {"errorMessage": "Process exited: out of memory"}, FunctionOutOfMemoryError, "YES"),
        ("Unhandled", {"errorType": "ImportModuleError", "stackTrace": FLAT}, FunctionLoadError, "NO"),
        ("Unhandled", {"errorType": "HandlerNotFound", "stackTrace": FLAT}, FunctionLoadError, "NO"),
        ("InitializationError", {"errorMessage": "no"}, FunctionLoadError, "NO"),
    ],
)
def test_a_failure_is_told_by_its_document(
    generation: str,
    scripted: Any,
    client: fcall.Client,
    said: str,
    document: dict[str, Any],
    error_class: type[FcallError],
    executed: str,
) -> None:
    """Time-outs, crashes and failures to load are told apart, in either spelling of the document."""
    scripted.answer(body=json.dumps(document).encode(), said=said)
    error = failure(client)

    assert error_class is type(error)
    assert isinstance(error, FunctionError)
    assert (Executed[executed], said, 200) == (error.executed, error.code, error.status_code)
    assert document.get("errorMessage", document.get("Message", "")) == error.error_message
    assert document.get("errorType", said) == error.error_type
    assert error.result is not None
    assert document == error.result.json()


@pytest.mark.parametrize(
    ("said", "document"),
    [
        ("Unhandled", {"errorType": "URLError", "errorMessage": "timed out", "stackTrace": FRAMES}),
        ("Unhandled", {"errorMessage": "request timed out", "stackTrace": FRAMES}),
        ("Handled", {"errorMessage": "the request timed out"}),
        ("Unhandled", {"errorType": "OSError", "errorMessage": "process exited"}),
        ("Unhandled", {"errorType": "HandlerNotFound", "errorMessage": "mine", "stackTrace": FRAMES}),
    ],
)
def test_a_functions_own_words_are_not_the_platforms(
    scripted: Any, client: fcall.Client, said: str, document: dict[str, Any]
) -> None:
    """A function may say that something timed out, or raise what is named as a failure to load: it ran, and failed."""
    scripted.answer(body=json.dumps(document).encode(), said=said)
    error = failure(client)

    assert FunctionError is type(error)
    assert Executed.YES is error.executed


def test_a_failure_to_load_without_its_trace_may_be_the_functions_own(scripted: Any, client: fcall.Client) -> None:
    """Without a stack trace nobody can tell whether the handler ran."""
    scripted.answer(body=b'{"errorType": "UserCodeError", "errorMessage": "no"}', said="Unhandled")
    error = failure(client)

    assert FunctionError is type(error)
    assert Executed.MAYBE is error.executed


@pytest.mark.parametrize("body", [b"", b"plain words", b"\xff", b"[1]", b"null", b"[" * 100_000, "not base64!", 7])
def test_a_document_may_be_anything(generation: str, scripted: Any, client: fcall.Client, body: Any) -> None:
    """A function error is one, whatever stands where its document should."""
    scripted.answer(body=body, said="Unhandled")
    error = failure(client)

    assert FunctionError is type(error)
    assert isinstance(error, FunctionError)
    assert (Executed.YES, "Unhandled", "") == (error.executed, error.error_type, error.error_message)
    assert error.result is not None
    assert (body if isinstance(body, bytes) else str(body).encode()) == error.result.payload


@pytest.mark.parametrize("said", [7, True, {"a": 1}, ["x"]])
def test_a_function_error_of_any_kind_is_one(scripted: Any, client: fcall.Client, said: Any) -> None:
    """Whatever the gateway says where `functionError` should be empty, the function failed."""
    scripted.answer(body=b"{}", said=said)

    assert FunctionError is type(failure(client))


@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (400, InvalidRequestError),
        (401, AuthenticationError),
        (403, AccessDeniedError),
        (405, InvalidRequestError),
        (408, ProviderUnavailableError),
        (409, ConflictError),
        (412, ConflictError),
        (413, PayloadTooLargeError),
        (421, InvalidRequestError),
        (429, ThrottledError),
        (499, InvocationTimeoutError),
        (500, ProviderUnavailableError),
        (502, ProviderUnavailableError),
        (503, ProviderUnavailableError),
        (100, ProviderUnavailableError),
        (202, ProviderUnavailableError),
        (302, ProviderUnavailableError),
    ],
)
def test_a_status_has_a_class_and_no_certainty(
    generation: str, scripted: Any, client: fcall.Client, status: int, error_class: type[FcallError]
) -> None:
    """A status that is not 200 has the class that it has everywhere; whether a task ran does not follow from it."""
    scripted.answer(status)
    error = failure(client)

    assert error_class is type(error)
    assert (Executed.MAYBE, status, None) == (error.executed, error.status_code, error.code)


@pytest.mark.parametrize("key", ["ErrorCode", "errorCode", "Code"])
def test_the_gateways_code_is_kept(scripted: Any, client: fcall.Client, key: str) -> None:
    """The machine code of an error is read in every spelling, and never decides by itself."""
    scripted.answer(404, body=json.dumps({key: "ServiceNotFound", "ErrorMessage": "s3cr3t"}).encode())
    error = failure(client)

    assert FunctionNotFoundError is type(error)
    assert "ServiceNotFound" == error.code
    assert "s3cr3t" not in str(error)


@pytest.mark.parametrize("code", ["int", "None", 7, "two words", "x" * 65, ""])
def test_what_is_no_code_is_not_taken_for_one(scripted: Any, client: fcall.Client, code: Any) -> None:
    """A body cannot choose its class, and cannot put its words into the error."""
    scripted.answer(500, body=json.dumps({"ErrorCode": code}).encode())
    error = failure(client)

    assert ProviderUnavailableError is type(error)
    assert error.code in (None, "int", "None")


@pytest.mark.parametrize("kind", ["Sync", "Async"])
@pytest.mark.parametrize("answer", [True, False, 1.5, b"id", [], {}, object()], ids=repr)
def test_an_answer_that_makes_no_sense_is_no_success(answer: Any, kind: Any) -> None:
    """Neither a truth value, which is an int to Python, nor anything else unheard of says that nothing was sent."""
    with pytest.raises(ProviderUnavailableError) as raised:
        result_of(answer, kind, errors_of("1.0"))

    assert (Executed.MAYBE, None) == (raised.value.executed, raised.value.code)


ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
STATUS = st.sampled_from([100, 200, 202, 302, 404, 429, 500, 599]) | ANSWERS
DICTS = st.fixed_dictionaries({}, optional={"statusCode": STATUS, "functionError": ANSWERS, "payload": ANSWERS})


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(answer=ANSWERS | DICTS, kind=st.sampled_from(["Sync", "Async"]), generation=st.sampled_from(["1.0", "1.1"]))
def test_every_answer_is_a_result_or_an_error_of_ours(answer: Any, kind: Any, generation: Any) -> None:
    """Whatever the SDK returns is a result, or an error that is in the table."""
    try:
        result = result_of(answer, kind, errors_of(generation))
    except FcallError as error:
        outcome: Any = error
    else:
        outcome = result

    assert not isinstance(outcome, UnmappedProviderError)
    if isinstance(outcome, InvocationResult):
        assert outcome.status_code == (200 if kind == "Sync" else 202)
    else:
        assert outcome.executed or isinstance(answer, (int, dict))


def test_a_raised_error_holds_no_frame_of_ours() -> None:
    """The frame that caught an error is not in it: it would lead back to the error, and keep the payload alive."""
    import threading

    from fcall_linkedge._threads import Outcome

    outcome, free = Outcome(), threading.Semaphore(0)
    _work(lambda function: function(), lambda: 1 / 0, outcome, free)  # type: ignore[arg-type, return-value]
    assert outcome.error is not None
    trace = outcome.error.__traceback__

    assert trace is not None
    assert "_work" != trace.tb_frame.f_code.co_name
    assert free.acquire(blocking=False)
