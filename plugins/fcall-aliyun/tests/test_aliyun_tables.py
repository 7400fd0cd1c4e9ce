"""Answers, faults and doubts by themselves, without a server: every branch of the tables, quickly."""

from __future__ import annotations

import email.utils
import http.client
import json
import time
from typing import Any

import pytest
import urllib3.exceptions
from fcall_aliyun._answers import code_of, document_of, refused, result_of
from fcall_aliyun._doubts import Doubts
from fcall_aliyun._errors import ALREADY_EXISTS, WHEN_SENT, WHILE_CONNECTING
from fcall_aliyun._exchange import Answer

from fcall.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionCrashedError,
    FunctionError,
    FunctionLoadError,
    FunctionNotFoundError,
    FunctionNotReadyError,
    FunctionOutOfMemoryError,
    FunctionResponseError,
    FunctionTimeoutError,
    InvalidRequestError,
    InvocationTimeoutError,
    PayloadTooLargeError,
    ProviderUnavailableError,
    ThrottledError,
)
from fcall.provider import Deadline

NO, MAYBE, YES = Executed.NO, Executed.MAYBE, Executed.YES
OURS = {"x-fc-request-id": "r-1"}


def failure(status: int, body: Any = b"", headers: Any = OURS, kind: Any = "Sync", **more: Any) -> Any:
    """The error that an answer is."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(FcallError) as caught:
        result_of(Answer(status, headers, body, **more), kind)
    return caught.value


@pytest.mark.parametrize(("kind", "status"), [("Sync", 200), ("Async", 202)])
def test_an_answer_becomes_a_result_with_everything(kind: Any, status: int) -> None:
    """Payload, status, id, version and log come from where the service puts them."""
    headers = {**OURS, "x-fc-invocation-service-version": "7", "x-fc-log-result": "U1RBUlQ="}
    result = result_of(Answer(status, headers, b"[1]"), kind)

    assert (b"[1]", status, "r-1", "7", "START") == (
        result.payload,
        result.status_code,
        result.request_id,
        result.executed_version,
        result.log_tail,
    )
    assert "7" == result.headers["x-fc-invocation-service-version"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-fc-request-id": "a", "x-acs-request-id": "b"}, "a"),
        ({"x-acs-request-id": "b"}, "b"),
        ({"x-fc-a": ""}, None),
    ],
)
def test_a_request_id_has_two_headers(headers: dict[str, str], expected: str | None) -> None:
    """FC's own, or that of the gateway of 3.0."""
    assert expected == result_of(Answer(200, headers, b""), "Sync").request_id


@pytest.mark.parametrize(
    ("encoded", "text"), [("", None), ("a", None), ("é", None), ("gA==", "\ufffd"), ("U1RBUlQ=", "START")]
)
def test_a_spoilt_log_spoils_no_result(encoded: str, text: str | None) -> None:
    """It may begin amid a character, and what is not base64 is no log."""
    assert text == result_of(Answer(200, {**OURS, "x-fc-log-result": encoded}, b"1"), "Sync").log_tail


@pytest.mark.parametrize(
    ("kind", "headers", "body", "genuine"),
    [
        ("Sync", {}, b"[1]", True),
        ("Sync", {}, b"", False),
        ("Sync", {}, b"<p>", False),
        ("Sync", {"x-fc-a": "1"}, b"<p>", True),
        ("Sync", {"x-acs-request-id": "1"}, b"<p>", True),
        ("Sync", {"a-x-fc-a": "1"}, b"<p>", False),
        ("Async", {}, b"", True),
        ("Async", {}, b"{}", True),
        ("Async", {}, b"<p>", False),
    ],
)
def test_an_answer_is_the_services(kind: Any, headers: dict[str, str], body: bytes, genuine: bool) -> None:
    """By its headers, or else by being JSON, or nothing where nothing is right."""
    status = 200 if kind == "Sync" else 202
    if genuine:
        assert body == result_of(Answer(status, headers, body), kind).payload
        return
    error = failure(status, body, headers, kind)

    assert (ProviderUnavailableError, MAYBE, status) == (type(error), error.executed, error.status_code)
    assert "does not come from Function Compute" in error.message


@pytest.mark.parametrize(
    ("kind", "status"), [("Sync", 202), ("Sync", 204), ("Sync", 299), ("Async", 200), ("Async", 204)]
)
def test_another_status_is_no_success(kind: Any, status: int) -> None:
    """Each kind of call has one, and below 300 no other is a refusal."""
    error = failure(status, b"[1]", kind=kind)

    assert (ProviderUnavailableError, MAYBE, status) == (type(error), error.executed, error.status_code)
    assert f"a {kind} call has another status" in error.message


def test_the_unusable_are_told_apart() -> None:
    """Too large, compressed, and without an end."""
    cut = failure(200, b"1", cut=True)
    packed = failure(200, b"1", {**OURS, "content-encoding": "gzip"})
    endless = failure(200, b"<p>", framed=False)
    other = failure(200, b"1", {**OURS, "content-encoding": "zstd"})
    deep = failure(200, b"[" * 100_000, framed=False)

    assert (FunctionResponseError, YES, "r-1") == (type(cut), cut.executed, cut.request_id)
    assert (ProviderUnavailableError, MAYBE) == (type(packed), packed.executed)
    assert (ConnectionFailedError, MAYBE) == (type(endless), endless.executed)
    assert [ProviderUnavailableError, ConnectionFailedError] == [type(other), type(deep)]
    assert b"[1]" == result_of(Answer(200, OURS, b"[1]", framed=False), "Sync").payload
    assert b"1" == result_of(Answer(200, {**OURS, "content-encoding": "identity"}, b"1"), "Sync").payload


@pytest.mark.parametrize(
    ("status", "code", "expected", "executed", "retryable", "words"),
    [
        (400, "InvalidArgument", InvalidRequestError, NO, False, "refused the request"),
        (404, "FunctionNotFound", FunctionNotFoundError, NO, False, "does not know the function"),
        (403, "InvalidAccessKeyID", AuthenticationError, NO, False, "the credentials or the signature"),
        (403, "AccessDenied", AccessDeniedError, NO, False, "may not call"),
        (413, "EntityTooLarge", PayloadTooLargeError, NO, False, "larger than Function Compute takes"),
        (409, ALREADY_EXISTS, ConflictError, NO, False, "contradicts an earlier one"),
        (412, "CAExited", FunctionNotReadyError, MAYBE, False, "could not be started"),
        (502, "BadResponse", FunctionResponseError, YES, False, "could not be delivered"),
        (499, "ClientClosedRequest", InvocationTimeoutError, YES, True, "given up while the function ran"),
        (500, "InternalServerError", ProviderUnavailableError, MAYBE, True, "or something before it did"),
        (429, "ResourceExhausted", ThrottledError, NO, True, "throttled the call"),
        (503, "Throttling.New", ThrottledError, NO, True, "throttled the call"),
        (503, "New.Throttling", ProviderUnavailableError, MAYBE, True, "or something before it did"),
    ],
)
def test_a_refusal_is_told_by_its_code(
    status: int, code: str, expected: type[FcallError], executed: Executed, retryable: bool, words: str
) -> None:
    """Its class, with words of ours that fit."""
    error = failure(status, {"ErrorCode": code, "ErrorMessage": "s3cr3t"})

    assert (expected, executed, retryable) == (type(error), error.executed, error.retryable)
    assert (code, status, "r-1") == (error.code, error.status_code, error.request_id)
    assert words in error.message
    assert "s3cr3t" not in str(error)


def test_a_response_that_cannot_be_delivered_is_kept() -> None:
    """The answer goes with its error, and with no other."""
    assert b'{"code": "BadResponse"}' == failure(502, {"code": "BadResponse"}).result.payload


@pytest.mark.parametrize("status", [600, 999])
def test_a_status_that_there_is_not_makes_no_sense(status: int) -> None:
    """Nothing is known of it, so it may have run."""
    error = failure(status, {"Code": "NobodyKnows"})

    assert (ProviderUnavailableError, MAYBE) == (type(error), error.executed)
    assert "has this status" in error.message


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (400, {}, b"", None),
        (499, {}, b"<p>", None),
        (404, {}, b"[]", None),
        (404, {}, b"{}", FunctionNotFoundError),
        (404, {"x-fc-a": ""}, b"", FunctionNotFoundError),
        (413, {}, b"", PayloadTooLargeError),
        (429, {}, b"", ThrottledError),
        (500, {}, b"", ProviderUnavailableError),
        (502, {}, b"", ProviderUnavailableError),
        (399, {}, b"", ProviderUnavailableError),
    ],
)
def test_what_stands_before_the_service_says_nothing_of_it(
    status: int, headers: dict[str, str], body: bytes, expected: type[FcallError] | None
) -> None:
    """A refusal that is not the service's own may come after the function ran, but for two that mean one thing."""
    error = failure(status, body, headers)

    assert (expected or ProviderUnavailableError) is type(error)
    assert (expected is None) is ("something before Function Compute" in error.message)
    assert error.code is None
    if expected is None:
        assert (MAYBE, True, status) == (error.executed, error.retryable, error.status_code)


def test_a_redirect_is_called_one() -> None:
    """It is not followed, and nothing ran."""
    error = failure(302)
    edges = [failure(status).message for status in (300, 399)]

    assert (ProviderUnavailableError, NO, False) == (type(error), error.executed, error.retryable)
    assert "the answer is a redirect; redirects are not followed" == error.message
    assert "redirect" not in failure(400).message
    assert [error.message] * 2 == edges


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"{}", {}), (b'{"a": 1}', {"a": 1}), (b"[]", None), (b"", None), (b"{", None), (b"[" * 100_000, None)],
    ids=lambda value: repr(value)[:12],
)
def test_a_document_is_an_object(body: bytes, expected: Any) -> None:
    """Anything else is none."""
    assert expected == document_of(body)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (None, None),
        ({}, None),
        ({"ErrorCode": "A"}, "A"),
        ({"errorCode": "A"}, "A"),
        ({"Code": "A.b-c_1"}, "A.b-c_1"),
        ({"code": "A"}, "A"),
        ({"ErrorCode": 1, "code": "B"}, "B"),
        ({"ErrorCode": "two words", "Code": "B"}, "B"),
        ({"Code": ".A"}, None),
        ({"Code": "A" * 200}, "A" * 200),
        ({"Code": "A" * 201}, None),
    ],
)
def test_a_code_is_a_name(document: Any, expected: str | None) -> None:
    """In the spelling of either version, and never a text with words or lines of its own."""
    assert expected == code_of(document)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"x-acs-retry-after": "1500"}, 1.5),
        ({"x-acs-retry-after": "-1"}, 0.0),
        ({"x-acs-retry-after": "1500", "retry-after": "9"}, 1.5),
        ({"x-acs-retry-after": "soon"}, None),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0.0),
        ({"retry-after": "Fri, 31 Dec 99999 23:59:59 GMT"}, None),
        ({"retry-after": "Fri, 31 Dec 999999999999999999999 23:59:59 GMT"}, None),
    ],
)
def test_a_throttled_call_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    """In seconds, in milliseconds or as a date."""
    error = refused(Answer(429, headers))

    assert isinstance(error, ThrottledError)
    assert seconds == error.retry_after


def test_a_pause_may_be_a_date() -> None:
    """It is the time until then."""
    error = refused(Answer(429, {"retry-after": email.utils.formatdate(time.time() + 1000)}))

    assert isinstance(error, ThrottledError)
    assert 900 < (error.retry_after or 0) <= 1000


NESTED = [['File "index.py"', "line 3", "in handler"], "at", 7, None]
FLAT = ["ModuleNotFoundError: x\n"]
ENDED = "Process exited unexpectedly before completing request"


@pytest.mark.parametrize(
    ("document", "expected", "executed"),
    [
        ({"errorMessage": "m", "errorType": "ValueError", "stackTrace": NESTED}, FunctionError, YES),
        ({"errorMessage": "m"}, FunctionError, YES),
        ({"errorMessage": "Function time out after 3 seconds"}, FunctionTimeoutError, YES),
        ({"errorMessage": "Function timed out\nafter", "stackTrace": FLAT}, FunctionTimeoutError, YES),
        ({"errorMessage": "function X\nTIMED OUT", "errorType": "E"}, FunctionTimeoutError, YES),
        ({"errorMessage": "task timeout", "stackTrace": NESTED}, FunctionError, YES),
        ({"errorMessage": "it timed out"}, FunctionTimeoutError, YES),
        ({"errorMessage": "IT TIMEOUT"}, FunctionTimeoutError, YES),
        ({"errorMessage": "it timed out", "errorType": "E"}, FunctionError, YES),
        ({"errorMessage": "it timed out", "stackTrace": []}, FunctionError, YES),
        ({"errorMessage": ENDED}, FunctionCrashedError, YES),
        ({"errorMessage": ENDED.upper(), "errorType": "E"}, FunctionCrashedError, YES),
        ({"errorMessage": f"the {ENDED}"}, FunctionError, YES),
        ({"errorMessage": f"{ENDED}: oom"}, FunctionOutOfMemoryError, YES),
        ({"errorMessage": f"{ENDED}: oom", "errorType": "E"}, FunctionOutOfMemoryError, YES),
        ({"errorMessage": "OUT OF MEMORY"}, FunctionOutOfMemoryError, YES),
        ({"errorMessage": "memory limit exceeded"}, FunctionOutOfMemoryError, YES),
        ({"errorMessage": "it exceeds the memory"}, FunctionOutOfMemoryError, YES),
        ({"errorMessage": "out of memory", "errorType": "E"}, FunctionError, YES),
        ({"errorMessage": "out of memory", "stackTrace": []}, FunctionError, YES),
        *(
            ({"errorType": name, "stackTrace": FLAT}, FunctionLoadError, NO)
            for name in (
                "HandlerNotFound",
                "ImportModuleError",
                "InitializationError",
                "InvalidHandleName",
                "UserCodeError",
                "UserCodeSyntaxError",
            )
        ),
        ({"errorType": "UserCodeError", "stackTrace": []}, FunctionLoadError, NO),
        ({"errorType": "UserCodeError"}, FunctionLoadError, MAYBE),
        ({"errorType": "UserCodeError", "stackTrace": "text"}, FunctionLoadError, MAYBE),
        ({"errorType": "UserCodeError", "stackTrace": NESTED}, FunctionError, YES),
        ({"errorType": "MyError", "stackTrace": FLAT}, FunctionError, YES),
    ],
)
def test_a_functions_failure_is_told_apart(document: Any, expected: type[FcallError], executed: Executed) -> None:
    """The platform's words count where a handler's cannot be."""
    error = failure(200, document, {**OURS, "x-fc-error-type": "UnhandledInvocationError", "x-fc-log-result": "eA=="})

    assert (expected, executed) == (type(error), error.executed)
    assert (200, "r-1", "x") == (error.status_code, error.request_id, error.log_tail)
    assert (document.get("errorType", "UnhandledInvocationError"), document.get("errorMessage", "")) == (
        error.error_type,
        error.error_message,
    )
    assert document == error.result.json()


def test_a_stack_is_one_text_for_each_frame() -> None:
    """Frames come in parts, as texts or as anything."""
    headers = {**OURS, "x-fc-error-type": "X"}
    errors = [failure(200, {"stackTrace": stack}, headers) for stack in (NESTED, "text", [])]

    assert ('File "index.py", line 3, in handler', "at", "7", "") == errors[0].stack_trace
    assert [(), ()] == [error.stack_trace for error in errors[1:]]


@pytest.mark.parametrize(
    ("header", "document", "expected", "executed"),
    [
        ("InitializationError", {"errorMessage": "Function time out"}, FunctionLoadError, NO),
        ("FunctionOOMError", {"errorType": "E"}, FunctionOutOfMemoryError, YES),
        ("Unheard", {"errorMessage": 5, "errorType": None}, FunctionError, YES),
    ],
)
def test_a_header_may_say_more_than_the_body(header: str, document: Any, expected: Any, executed: Executed) -> None:
    """It says that an initializer failed, or that memory ran out."""
    error = failure(200, document, {"x-fc-error-type": header})

    assert (expected, executed) == (type(error), error.executed)
    assert (document.get("errorType") or header) == error.error_type


@pytest.mark.parametrize("body", [b"", b"[]", b"x" * 3_000, b"\xff", b"null"], ids=lambda body: repr(body[:8]))
def test_a_body_that_is_no_document_is_the_words(body: bytes) -> None:
    """2,000 characters of it; the header is the type."""
    error = failure(200, body, {"x-fc-error-type": "X"})

    assert (FunctionError, "X", body[:2_000].decode(errors="replace")) == (
        type(error),
        error.error_type,
        error.error_message,
    )


def test_words_without_a_document_are_the_platforms() -> None:
    """What is no document comes from no runtime, so its words count."""
    assert FunctionTimeoutError is type(failure(200, b"Function time out", {"x-fc-error-type": "X"}))


@pytest.mark.parametrize("status", [202, 500])
def test_the_header_counts_where_the_service_accepted(status: int) -> None:
    """With a status that is an error, the status says more."""
    error = failure(status, {}, {**OURS, "x-fc-error-type": "X"}, "Async")

    assert (FunctionError if status == 202 else ProviderUnavailableError) is type(error)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (TimeoutError(), InvocationTimeoutError),
        (urllib3.exceptions.ReadTimeoutError(None, "", ""), InvocationTimeoutError),  # type: ignore[arg-type]
        (ConnectionResetError(), ConnectionFailedError),
        (http.client.RemoteDisconnected(), ConnectionFailedError),
        (http.client.IncompleteRead(b""), ConnectionFailedError),
        (urllib3.exceptions.IncompleteRead(1, 2), ConnectionFailedError),
        (urllib3.exceptions.ProtocolError(), ConnectionFailedError),
        (http.client.BadStatusLine(""), ProviderUnavailableError),
        (urllib3.exceptions.DecodeError(), ProviderUnavailableError),
        (UnicodeDecodeError("utf-8", b"", 0, 1, ""), ProviderUnavailableError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_a_fault_of_the_connection_has_its_row(raised: Exception, expected: type[FcallError]) -> None:
    """Once the request was on its way it may have run, and before it did not."""
    sent, connecting = WHEN_SENT.error_of(raised), WHILE_CONNECTING.error_of(raised)

    assert (expected, MAYBE) == (type(sent), sent.executed)
    assert (ConnectionFailedError, NO) == (type(connecting), connecting.executed)


def test_a_doubt_is_of_one_call() -> None:
    """It is known by the call and its deadline together, until that has passed."""
    now = [0.0]
    first, second = Deadline(5.0, lambda: now[0]), Deadline(9.0, lambda: now[0])
    doubts = Doubts()
    doubts.add("key", first)

    assert doubts.had("key", first)
    assert not doubts.had("key", second)
    assert not doubts.had("other", first)
    doubts.add("other", second)
    assert doubts.had("key", first)


def test_a_doubt_is_forgotten_when_its_call_is_over() -> None:
    """The next doubt clears away what has passed, and nothing else."""
    now = [0.0]
    first, second = Deadline(5.0, lambda: now[0]), Deadline(9.0, lambda: now[0])
    doubts = Doubts()
    doubts.add("a", first)
    doubts.add("b", second)
    now[0] = 6.0
    doubts.add("c", second)

    assert [False, True, True] == [doubts.had(*each) for each in (("a", first), ("b", second), ("c", second))]
