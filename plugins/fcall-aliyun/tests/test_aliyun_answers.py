"""Answers: each of the service's failures is the one error that it stands for."""

from __future__ import annotations

import email.utils
import json
import pickle
import time
from collections.abc import Callable
from typing import Any

import pytest
from fcall_aliyun._answers import result_of
from fcall_aliyun._errors import CODES
from fcall_aliyun._exchange import Answer
from fcall_aliyun.testing import FcEndpoint
from hypothesis import given, settings
from hypothesis import strategies as st

import fcall
from fcall import errors
from fcall.errors import Executed, FcallError, FunctionError
from fcall.provider import InvocationResult, InvocationType
from fcall.testing.faults import Fault

BOTH = pytest.mark.parametrize("name", ["images/echo", "echo"], ids=["fc2", "fc3"])
SPELLINGS = [
    {"ErrorCode": "{}", "ErrorMessage": "m"},
    {"errorCode": "{}", "errorMessage": "m"},
    {"Code": "{}", "Message": "m", "RequestId": "r"},
]

NO, MAYBE, YES = Executed.NO, Executed.MAYBE, Executed.YES
BY_CODE = [
    (400, "InvalidArgument", errors.InvalidRequestError, NO, False),
    (400, "MissingRequiredHeader", errors.InvalidRequestError, NO, False),
    (400, "PathNotSupported", errors.InvalidRequestError, NO, False),
    (400, "EntityTooLarge", errors.PayloadTooLargeError, NO, False),
    (413, "Whatever", errors.PayloadTooLargeError, NO, False),
    (404, "ServiceNotFound", errors.FunctionNotFoundError, NO, False),
    (404, "FunctionNotFound", errors.FunctionNotFoundError, NO, False),
    (404, "AliasNotFound", errors.FunctionNotFoundError, NO, False),
    (404, "VersionNotFound", errors.FunctionNotFoundError, NO, False),
    (404, "NobodyKnows", errors.FunctionNotFoundError, NO, False),
    (403, "InvalidAccessKeyID", errors.AuthenticationError, NO, False),
    (403, "SignatureNotMatch", errors.AuthenticationError, NO, False),
    (401, "InvalidCredentials", errors.AuthenticationError, NO, False),
    (401, "NobodyKnows", errors.AuthenticationError, NO, False),
    (403, "AccessDenied", errors.AccessDeniedError, NO, False),
    (403, "NobodyKnows", errors.AccessDeniedError, NO, False),
    (409, "StatefulAsyncInvocationAlreadyExists", errors.ConflictError, NO, False),
    (400, "StatefulAsyncInvocationAlreadyExists", errors.ConflictError, NO, False),
    (409, "NobodyKnows", errors.ConflictError, NO, False),
    (412, "PreconditionFailed", errors.ConflictError, NO, False),
    (412, "CAExited", errors.FunctionNotReadyError, MAYBE, False),
    (412, "CAFileNotFound", errors.FunctionNotReadyError, NO, False),
    (429, "ResourceExhausted", errors.ThrottledError, NO, True),
    (429, "NobodyKnows", errors.ThrottledError, NO, True),
    (503, "ResourceThrottled", errors.ThrottledError, NO, True),
    (503, "Throttling.Anything", errors.ThrottledError, NO, True),
    (503, "NobodyKnows", errors.ProviderUnavailableError, MAYBE, True),
    (408, "NobodyKnows", errors.ProviderUnavailableError, MAYBE, True),
    (500, "InternalServerError", errors.ProviderUnavailableError, MAYBE, True),
    (502, "NobodyKnows", errors.ProviderUnavailableError, MAYBE, True),
    (504, "NobodyKnows", errors.ProviderUnavailableError, MAYBE, True),
    (599, "NobodyKnows", errors.ProviderUnavailableError, MAYBE, True),
    (502, "BadResponse", errors.FunctionResponseError, YES, False),
    (499, "ClientClosedRequest", errors.InvocationTimeoutError, YES, True),
    (418, "NobodyKnows", errors.InvalidRequestError, NO, False),
]


def _raised(client: fcall.Client, name: str, **parameters: Any) -> FcallError:
    with pytest.raises(FcallError) as raised:
        client.invoke(name, 1, timeout=2, **parameters)
    return raised.value


@BOTH
@pytest.mark.parametrize(("status", "code", "error", "executed", "retryable"), BY_CODE)
def test_a_refusal_is_known_by_its_code(
    plain: FcEndpoint,
    client: Callable[..., fcall.Client],
    name: str,
    status: int,
    code: str,
    error: type[FcallError],
    executed: Executed,
    retryable: bool,
) -> None:
    """In every spelling, by code and then by status, with the two answers that matter."""
    caller = client(plain, attempts=1)
    for spelling in SPELLINGS:
        body = json.dumps(spelling).replace("{}", code).encode()
        plain.inject(Fault.status(status, body, {"X-Fc-Request-Id": "request-1"}), always=True)
        raised = _raised(caller, name)
        plain.heal()

        assert type(raised) is error
        assert (raised.executed, raised.retryable) == (executed, retryable)
        assert (raised.code, raised.status_code, raised.request_id) == (code, status, "request-1")
        assert type(pickle.loads(pickle.dumps(raised))) is error


@BOTH
@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_of_the_table_is_mapped(
    plain: FcEndpoint, client: Callable[..., fcall.Client], name: str, code: str
) -> None:
    """A code counts whatever status it comes with."""
    plain.inject(Fault.status(400, json.dumps({"ErrorCode": code}).encode()), always=True)
    row = CODES[code]

    assert type(_raised(client(plain, attempts=1), name)) is getattr(row, "error", row)


ODD = [
    b"",
    b"<html>gateway</html>",
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b"{",
    b"\xff\xfe",
    b"[" * 5_000,
    b'{"ErrorCode": 1}',
]


@BOTH
@pytest.mark.parametrize("body", ODD, ids=lambda body: repr(body[:12]))
@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 413, 429, 500, 502, 503, 504, 599])
def test_a_malformed_error_is_one_of_ours(
    plain: FcEndpoint, client: Callable[..., fcall.Client], name: str, status: int, body: bytes
) -> None:
    """An error body that the service does not send is never taken for its word that nothing ran."""
    plain.inject(Fault.status(status, body), always=True)
    raised = _raised(client(plain, attempts=1), name)
    known = {413: errors.PayloadTooLargeError, 429: errors.ThrottledError}
    if body.startswith(b"{") and body != b"{":
        assert raised.status_code == status
    elif status in known:
        assert type(raised) is known[status]
    else:
        assert (type(raised), raised.executed) == (errors.ProviderUnavailableError, MAYBE)


@BOTH
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed(
    plain: FcEndpoint, client: Callable[..., fcall.Client], name: str, status: int
) -> None:
    """A redirect is an error, and no other request is made."""
    plain.inject(Fault.redirect(f"{plain.url}/elsewhere", status), always=True)
    raised = _raised(client(plain, attempts=1), name)

    assert (type(raised), raised.executed, raised.retryable) == (errors.ProviderUnavailableError, NO, False)
    assert plain.received == 1


@BOTH
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "2"}, 2.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"x-acs-retry-after": "1500"}, 1.5),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, 0.0),
        ({"Retry-After": "Fri, 31 Dec 99999 23:59:59 GMT"}, None),
        ({"Retry-After": "Fri, 31 Dec 999999999999999999999 23:59:59 GMT"}, None),
        ({}, None),
    ],
)
def test_a_throttled_call_says_how_long_to_wait(
    plain: FcEndpoint, client: Callable[..., fcall.Client], name: str, headers: dict[str, str], seconds: float | None
) -> None:
    """The pause that the service asks for, whichever header says it."""
    plain.inject(Fault.status(429, b"{}", headers), always=True)
    with pytest.raises(errors.ThrottledError) as raised:
        client(plain, attempts=1).invoke(name, 1, timeout=0.4)

    assert raised.value.retry_after == seconds


def test_a_code_is_a_name(plain: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
    """A text that is no machine code is none: it could write lines of its own into a log."""
    plain.inject(Fault.status(400, b'{"ErrorCode": "A\\nERROR all is well"}'))
    with pytest.raises(errors.InvalidRequestError) as raised:
        client(plain).invoke("echo", 1)

    assert raised.value.code is None


def test_a_pause_may_be_a_date(plain: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
    """Retry-After as a date is the time until then."""
    plain.inject(Fault.status(429, b"{}", {"Retry-After": email.utils.formatdate(time.time() + 30)}), always=True)
    with pytest.raises(errors.ThrottledError) as raised:
        client(plain, attempts=1).invoke("echo", 1, timeout=0.4)

    assert 25 <= (raised.value.retry_after or 0) <= 30


NESTED = [['File "index.py"', "line 3", "in handler", "raise ValueError()"]]
FLAT = ["ModuleNotFoundError: No module named 'x'\n"]
FUNCTION_ERRORS = [
    ({"errorMessage": "m", "errorType": "ValueError", "stackTrace": NESTED}, FunctionError, YES, "ValueError"),
    ({"errorMessage": "m"}, FunctionError, YES, "UnhandledInvocationError"),
    ({"errorMessage": "Function time out after 3 seconds"}, errors.FunctionTimeoutError, YES, None),
    ({"errorMessage": "Function timed out after 3s (maxMemoryUsage: 8.02MB)"}, errors.FunctionTimeoutError, YES, None),
    ({"errorMessage": "2018 Task timed out after 3.00 seconds"}, errors.FunctionTimeoutError, YES, None),
    (
        {"errorMessage": "Process exited unexpectedly before completing request (duration: 9ms, maxMemoryUsage: 8MB)"},
        errors.FunctionCrashedError,
        YES,
        None,
    ),
    (
        {"errorMessage": "Process exited unexpectedly before completing request: out of memory"},
        errors.FunctionOutOfMemoryError,
        YES,
        None,
    ),
    ({"errorMessage": "m", "errorType": "ImportModuleError", "stackTrace": FLAT}, errors.FunctionLoadError, NO, None),
    ({"errorMessage": "m", "errorType": "HandlerNotFound", "stackTrace": FLAT}, errors.FunctionLoadError, NO, None),
    ({"errorMessage": "m", "errorType": "UserCodeSyntaxError", "stackTrace": FLAT}, errors.FunctionLoadError, NO, None),
    ({"errorMessage": "m", "errorType": "UserCodeError", "stackTrace": FLAT}, errors.FunctionLoadError, NO, None),
    ({"errorMessage": "m", "errorType": "InvalidHandleName", "stackTrace": []}, errors.FunctionLoadError, NO, None),
    ({"errorMessage": "m", "errorType": "ImportModuleError"}, errors.FunctionLoadError, MAYBE, None),
    # What a handler itself raises is never taken for the platform's word.
    ({"errorMessage": "m", "errorType": "ImportModuleError", "stackTrace": NESTED}, FunctionError, YES, None),
    ({"errorMessage": "the read timed out", "errorType": "E", "stackTrace": NESTED}, FunctionError, YES, "E"),
    ({"errorMessage": "Task timed out", "errorType": "E", "stackTrace": NESTED}, FunctionError, YES, "E"),
    ({"errorMessage": "out of memory", "errorType": "E", "stackTrace": NESTED}, FunctionError, YES, "E"),
    ({"errorMessage": 1, "errorType": None, "stackTrace": "text"}, FunctionError, YES, None),
    ({}, FunctionError, YES, None),
]


@BOTH
@pytest.mark.parametrize(("document", "error", "executed", "error_type"), FUNCTION_ERRORS)
def test_a_function_error_is_told_apart(
    plain: FcEndpoint,
    client: Callable[..., fcall.Client],
    name: str,
    document: dict[str, Any],
    error: type[FcallError],
    executed: Executed,
    error_type: str | None,
) -> None:
    """Load failures, time-outs and crashes are known, and a handler's own exception is never taken for one."""
    headers = {"X-Fc-Error-Type": "UnhandledInvocationError", "X-Fc-Request-Id": "request-1"}
    plain.inject(Fault.status(200, json.dumps(document).encode(), headers, runs=True))
    raised = _raised(client(plain, attempts=1), name)

    assert isinstance(raised, FunctionError)
    assert type(raised) is error
    assert (raised.executed, raised.request_id, raised.status_code) == (executed, "request-1", 200)
    assert error_type in (None, raised.error_type)
    assert raised.result is not None
    assert json.loads(raised.result.payload) == document


@BOTH
def test_an_initializer_that_fails_is_a_load_failure(
    plain: FcEndpoint, client: Callable[..., fcall.Client], name: str
) -> None:
    """The service says so by its header, whatever the body has; the handler did not run."""
    body = json.dumps({"errorMessage": "Function time out after 3 seconds"}).encode()
    plain.inject(Fault.status(200, body, {"X-Fc-Error-Type": "InitializationError"}))
    raised = _raised(client(plain, attempts=1), name)

    assert (type(raised), raised.executed) == (errors.FunctionLoadError, NO)


@BOTH
@pytest.mark.parametrize(
    "body", [b"", b"text", b"[]", b"null", b"\xff\xfe", b"{", b"[" * 5_000], ids=lambda b: repr(b[:9])
)
def test_a_function_error_may_have_any_body(
    plain: FcEndpoint, client: Callable[..., fcall.Client], name: str, body: bytes
) -> None:
    """The header alone makes it one; its value is the type where the body has none."""
    plain.inject(Fault.status(200, body, {"X-Fc-Error-Type": "HandledInvocationError"}, runs=True))
    raised = _raised(client(plain, attempts=1), name)

    assert type(raised) is FunctionError
    assert (raised.error_type, raised.executed) == ("HandledInvocationError", YES)


def test_the_stack_is_one_text_for_each_frame(plain: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
    """A frame that the runtime gives in parts is put together."""
    with pytest.raises(FunctionError) as raised:
        client(plain, attempts=1).invoke("fail")

    (frame,) = raised.value.stack_trace
    assert "in fail" in frame
    assert 'raise ValueError("the handler fails")' in frame


IMPOSSIBLE = [
    (200, b"", {}),
    (200, b"<html></html>", {"Content-Type": "text/html"}),
    (200, b"plain text", {}),
    (202, b"", {"X-Fc-Request-Id": "1"}),
    (204, b"", {"X-Fc-Request-Id": "1"}),
    (206, b"1", {"X-Fc-Request-Id": "1"}),
    (299, b"1", {"X-Fc-Request-Id": "1"}),
    (200, b"1", {"X-Fc-Request-Id": "1", "Content-Encoding": "br"}),
]


@BOTH
@pytest.mark.parametrize(("status", "body", "headers"), IMPOSSIBLE)
def test_an_answer_that_cannot_be_is_no_success(
    plain: FcEndpoint,
    client: Callable[..., fcall.Client],
    name: str,
    status: int,
    body: bytes,
    headers: dict[str, str],
) -> None:
    """A 2xx that Function Compute does not send for a Sync call says MAYBE, never yes."""
    plain.inject(Fault.status(status, body, headers))
    raised = _raised(client(plain, attempts=1), name)

    assert (type(raised), raised.executed) == (errors.ProviderUnavailableError, MAYBE)


@BOTH
@pytest.mark.parametrize(
    ("status", "body", "headers"), [(200, b"", {"X-Fc-Request-Id": "1"}), (202, b"<html></html>", {}), (204, b"", {})]
)
def test_an_acceptance_that_cannot_be_is_none(
    plain: FcEndpoint,
    client: Callable[..., fcall.Client],
    name: str,
    status: int,
    body: bytes,
    headers: dict[str, str],
) -> None:
    """An Async call is accepted by 202 and by nothing else."""
    plain.inject(Fault.status(status, body, headers))
    with pytest.raises(errors.ProviderUnavailableError) as raised:
        client(plain, attempts=1).enqueue(name, 1)

    assert raised.value.executed is MAYBE


@BOTH
def test_a_service_without_request_ids_is_believed(
    plain: FcEndpoint, client: Callable[..., fcall.Client], name: str
) -> None:
    """An emulator that sends no header of its own is taken at its JSON."""
    plain.inject(Fault.status(200, b'{"a": 1}'), Fault.status(202))
    caller = client(plain, attempts=1)

    assert caller.invoke(name, 1).json() == {"a": 1}
    assert caller.enqueue(name, 1).request_id is None


def test_a_spoilt_log_spoils_no_result(plain: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
    """A log tail that is no base64 is left out."""
    plain.inject(Fault.status(200, b"1", {"X-Fc-Request-Id": "1", "X-Fc-Log-Result": "=é=".encode().decode("latin-1")}))

    assert client(plain, attempts=1).invoke("echo", 1, log_tail=True).log_tail is None


def test_the_executed_version_is_told(plain: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
    """FC 2.0 says which version of the service ran."""
    plain.inject(Fault.status(200, b"1", {"X-Fc-Request-Id": "1", "X-Fc-Invocation-Service-Version": "7"}))

    assert client(plain, attempts=1).invoke("images/echo", 1).executed_version == "7"


def test_an_answer_over_the_limit_is_not_taken(plain: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
    """The answer's size is capped; the function ran, and the connection is not used again."""
    caller = client(plain, attempts=1, response_limit=1_000)
    with pytest.raises(errors.FunctionResponseError, match="response_limit") as raised:
        caller.invoke("echo", payload=b"x" * 1_001)

    assert raised.value.executed is YES
    assert caller.invoke("echo", payload=b"x" * 1_000).payload == b"x" * 1_000


@settings(max_examples=150, derandomize=True, database=None, deadline=None)
@given(
    status=st.integers(200, 599),
    body=st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["ErrorCode", "errorCode", "Code", "errorMessage", "errorType", "stackTrace"]),
                    inner,
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
    error_type=st.sampled_from(["", "UnhandledInvocationError", "InitializationError", "FCCommonError", "?"]),
)
def test_whatever_comes_is_a_result_or_our_error(status: int, body: bytes, error_type: str) -> None:
    """No answer, however odd, brings anything out but a result or an error of ours, never the one without a name."""
    for headers in ({}, {"x-fc-request-id": "1", "x-fc-error-type": error_type}):
        for kind in ("Sync", "Async"):
            outcome = _outcome(Answer(status, headers, body), kind)

            assert outcome is not errors.UnmappedProviderError
            assert outcome is not InvocationResult or status == (200 if kind == "Sync" else 202)


def _outcome(answer: Answer, kind: InvocationType) -> type[object]:
    try:
        return type(result_of(answer, kind))
    except FcallError as error:
        return type(error)
