"""Every error that Lambda and boto3 can give has a row, and each comes out as that row says."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any

import botocore.exceptions
import botocore.session
import fcall_aws
import pytest
from fcall_aws import _errors, _failures
from fcall_aws.testing import Answer, LambdaEndpoint, error_answer, function_error

import fcall
from fcall import errors
from fcall.errors import Executed, FcallError, FunctionError
from fcall.provider import Deadline, ErrorRow, Invocation, Provider

OPERATIONS = ("Invoke", "InvokeWithResponseStream", "ListFunctions")


def _modelled() -> dict[str, int]:
    """The code of every error of the three operations in the installed service model, with its status."""
    model = botocore.session.Session().get_service_model("lambda")
    shapes = [shape for name in OPERATIONS for shape in model.operation_model(name).error_shapes]
    return {shape.name: shape.metadata["error"]["httpStatusCode"] for shape in shapes}


MODELLED = _modelled()


def _row(row: Any) -> ErrorRow:
    return row if isinstance(row, ErrorRow) else ErrorRow(row)


def _executed(row: ErrorRow) -> Executed:
    return row.error.default_executed if row.executed is None else row.executed


@pytest.fixture
def endpoint() -> Iterator[LambdaEndpoint]:
    """An endpoint with one function."""
    with LambdaEndpoint({"echo": lambda event, context: event}) as endpoint:
        yield endpoint


@pytest.fixture
def provider(endpoint: LambdaEndpoint) -> Iterator[Provider]:
    """The provider, for that endpoint."""
    provider = fcall_aws.fcall_register_providers().create(fcall_aws.AwsOptions(endpoint_url=endpoint.url))
    yield provider
    provider.close()


@pytest.fixture
def failure(endpoint: LambdaEndpoint, provider: Provider) -> Callable[[Answer], Any]:
    """What a call raises where the endpoint answers so."""

    def raised(answer: Answer) -> Any:
        endpoint.answer_next(answer)
        with pytest.raises(FcallError) as caught:
            provider.invoke(Invocation("echo", payload=b"{}"), Deadline.after(10))
        return caught.value

    return raised


def test_every_modelled_error_has_a_row() -> None:
    """Walked over the installed service model: no error of the three operations is missing from the table."""
    assert len(MODELLED) >= 30
    assert set() == set(MODELLED) - set(_errors.CODES)


@pytest.mark.parametrize("code", sorted({*_errors.CODES, *MODELLED}))
def test_a_code_comes_out_as_its_row_says(code: str, failure: Callable[[Answer], Any]) -> None:
    """By way of boto3: the row's class, its `executed`, and the service's code, status and request id."""
    row = _row(_errors.CODES[code])
    error = failure(error_answer(code, "in words", status=MODELLED.get(code)))

    assert row.error is type(error)
    assert _executed(row) is error.executed
    assert (row.error.retryable if row.retryable is None else row.retryable) is error.retryable
    assert code == error.code
    assert error.request_id


@pytest.mark.parametrize("code", sorted(MODELLED))
def test_only_what_the_service_cannot_know_is_in_doubt(code: str) -> None:
    """The API reference says which codes mean that the function was prevented from running: all but two."""
    row = _row(_errors.CODES[code])

    assert (code in ("ServiceException", "EFSIOException")) is bool(_executed(row))


@pytest.mark.parametrize("status", sorted(_errors.STATUSES))
def test_a_status_without_a_code_has_a_row(status: str, failure: Callable[[Answer], Any]) -> None:
    """A page of HTML from something in between is told by its status, and its words are not repeated."""
    row = _row(_errors.STATUSES[status])
    error = failure(Answer(int(status), (("Content-Type", "text/html"),), b"<html>a page that says much</html>"))

    assert row.error is type(error)
    assert Executed.NO is error.executed
    assert "page that says" not in str(error)


@pytest.mark.parametrize("status", [300, 301, 307, 402, 406, 408, 409, 410, 418, 451, 499])
def test_what_no_row_knows_is_in_doubt(status: int, failure: Callable[[Answer], Any]) -> None:
    """A status that nobody has seen here before says nothing about what ran."""
    error = failure(Answer(status, (), b""))

    assert errors.ProviderUnavailableError is type(error)
    assert Executed.MAYBE is error.executed
    assert not error.retryable


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"[1, 2]", b'"text"', b"\xff\xfe", b'{"Message": 1}', b"null"])
@pytest.mark.parametrize("status", [500, 502, 503, 504, 509])
def test_a_malformed_failure_is_a_failure(status: int, body: bytes, failure: Callable[[Answer], Any]) -> None:
    """Whatever a 5xx has for a body, botocore's trouble with it does not escape, and the function may have run."""
    error = failure(Answer(status, (("Content-Type", "application/json"),), body))

    assert errors.ProviderUnavailableError is type(error)
    assert Executed.MAYBE is error.executed


def test_an_unknown_code_is_in_doubt(failure: Callable[[Answer], Any]) -> None:
    """A refusal by a code that the table has not heard of yet is not taken for a NO."""
    error = failure(error_answer("BrandNewException", status=400))

    assert Executed.MAYBE is error.executed
    assert "BrandNewException" == error.code


@pytest.mark.parametrize(("said", "expected"), [("2", 2.0), ("0.5", 0.5), ("soon", None), ("-1", None), ("nan", None)])
def test_a_throttled_call_hears_how_long_to_wait(
    said: str, expected: float | None, failure: Callable[[Answer], Any]
) -> None:
    """Retry-After becomes seconds, where it is a number of them."""
    answer = error_answer("TooManyRequestsException", "Rate Exceeded.")
    error = failure(Answer(answer.status, (*answer.headers, ("Retry-After", said)), answer.body))

    assert expected == error.retry_after


def _client_side() -> list[type[Exception]]:
    """Every exception of botocore that is none of the service's answers."""
    found = [thing for _, thing in inspect.getmembers(botocore.exceptions, inspect.isclass)]
    return [thing for thing in found if issubclass(thing, botocore.exceptions.BotoCoreError)]


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize("exception", _client_side(), ids=lambda exception: exception.__name__)
def test_every_exception_of_botocore_is_mapped(exception: type[Exception], sent: bool) -> None:
    """None is unmapped; before a request was on its way the function did not run, and afterwards it did not for sure
    only where no connection was made."""
    error = _errors.call_error(exception.__new__(exception), sent=sent, deadline=Deadline.after(10))
    unreached = ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError")
    did_not = not sent or any(parent.__name__ in unreached for parent in exception.__mro__)

    assert errors.UnmappedProviderError is not type(error)
    assert (Executed.NO if did_not else Executed.MAYBE) is error.executed


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        (botocore.exceptions.NoCredentialsError(), errors.AuthenticationError),
        (botocore.exceptions.CredentialRetrievalError(provider="x", error_msg="y"), errors.AuthenticationError),
        (botocore.exceptions.TokenRetrievalError(provider="x", error_msg="y"), errors.AuthenticationError),
        (botocore.exceptions.UnauthorizedSSOTokenError(), errors.AuthenticationError),
        (botocore.exceptions.SSOTokenLoadError(error_msg="y"), errors.AuthenticationError),
        (
            botocore.exceptions.ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole"),
            errors.AuthenticationError,
        ),
        (RuntimeError("Credentials were refreshed, but are still expired."), errors.AuthenticationError),
        (botocore.exceptions.NoRegionError(), errors.ConfigurationError),
        (botocore.exceptions.EndpointProviderError(msg="y"), errors.ConfigurationError),
        (botocore.exceptions.ParamValidationError(report="y"), errors.InvalidParamsError),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), errors.InvalidParamsError),
        (KeyError("x"), errors.InvalidParamsError),
        (botocore.exceptions.EndpointConnectionError(endpoint_url="x", error="y"), errors.ConnectionFailedError),
        (botocore.exceptions.HTTPClientError(error="Invalid header value"), errors.ConnectionFailedError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_what_is_raised_before_sending(exception: Exception, expected: type[FcallError]) -> None:
    """Credentials, configuration and parameters each have their class, and nothing ran."""
    error = _errors.call_error(exception, sent=False, deadline=Deadline.after(10))

    assert expected is type(error)
    assert Executed.NO is error.executed


def test_a_role_that_may_not_be_assumed_is_no_refusal_of_lambda() -> None:
    """A refusal by the service that gives out credentials is about credentials, even if it looks like Lambda's own."""
    refused = botocore.exceptions.ClientError({"Error": {"Code": "ServiceException"}}, "AssumeRole")

    assert errors.AuthenticationError is type(_errors.call_error(refused, sent=False, deadline=Deadline.after(1)))


KILLED = "RequestId: 1 Error: Runtime exited with error: signal: killed"
OLD_TIMEOUT = "2024-04-01T00:00:00.000Z 1 Task timed out after 1.00 seconds"
DOCUMENTS: list[tuple[Any, type[FcallError], Executed]] = [
    *(
        ({"errorType": code, "errorMessage": "RequestId: 1 Error: it"}, _row(row).error, _row(row).executed)
        for code, row in _failures.FAILURES.items()
    ),
    ({"errorType": "ValueError", "errorMessage": "no", "requestId": "1", "stackTrace": ["  f"]}, FunctionError, None),
    (
        {"errorType": "TimeoutError", "errorMessage": "Task timed out after 1.00 seconds", "requestId": "1"},
        FunctionError,
        None,
    ),
    ({"errorType": "MemoryError", "errorMessage": "", "requestId": "1", "stackTrace": []}, FunctionError, None),
    (
        {"errorType": "Sandbox.Timedout", "errorMessage": "mine", "stackTrace": ["  f"], "requestId": "1"},
        FunctionError,
        None,
    ),
    ({"errorMessage": OLD_TIMEOUT}, errors.FunctionTimeoutError, None),
    ({"errorType": "Runtime.ExitError", "errorMessage": KILLED}, errors.FunctionOutOfMemoryError, None),
    (
        {"errorType": "KeyError", "errorMessage": "'X'", "requestId": "", "stackTrace": ["  f"]},
        errors.FunctionLoadError,
        None,
    ),
    ({"errorType": "Extension.Crash", "errorMessage": "x"}, FunctionError, Executed.MAYBE),
    ({"errorType": "Runtime.NeverHeardOf", "errorMessage": "x"}, FunctionError, Executed.MAYBE),
    ({"errorType": "", "errorMessage": "x"}, FunctionError, None),
    ({"errorType": 5, "errorMessage": ["x"], "stackTrace": "no list"}, FunctionError, None),
    ([1, 2], FunctionError, None),
    ("a text", FunctionError, None),
    (None, FunctionError, None),
]


@pytest.mark.parametrize(("document", "expected", "executed"), DOCUMENTS)
def test_failures_of_functions_are_told_apart(
    document: Any, expected: type[FcallError], executed: Executed | None, failure: Callable[[Answer], Any]
) -> None:
    """Load, time-out, crash, memory, response and the function's own error each have their class."""
    error = failure(function_error(json.dumps(document).encode()))

    assert expected is type(error)
    assert _executed(ErrorRow(expected, executed)) is error.executed


@pytest.mark.parametrize("body", [b"", b"not JSON", b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("kind", ["Handled", "Unhandled", "Whatever"])
def test_the_header_alone_says_that_a_function_failed(kind: str, body: bytes, failure: Callable[[Answer], Any]) -> None:
    """Its presence counts, neither its value nor what the body looks like; the raw document is kept."""
    error = failure(function_error(body, kind=kind))

    assert FunctionError is type(error)
    assert body == error.result.payload


def test_a_body_that_looks_like_a_failure_is_an_answer(endpoint: LambdaEndpoint, provider: Provider) -> None:
    """A function may return an errorMessage; without the header it is what it returned."""
    result = provider.invoke(Invocation("echo", payload=b'{"errorMessage": "x"}'), Deadline.after(10))

    assert {"errorMessage": "x"} == result.json()


def test_a_functions_own_error_has_everything(failure: Callable[[Answer], Any]) -> None:
    """Type, message, stack, request id, log and version."""
    document = {"errorMessage": "'missing'", "errorType": "KeyError", "requestId": "1", "stackTrace": ["  a", "  b"]}
    error = failure(function_error(json.dumps(document).encode(), version="7", log="START\nEND\n"))

    assert ("KeyError", "'missing'", ("  a", "  b")) == (error.error_type, error.error_message, error.stack_trace)
    assert "START\nEND\n" == error.log_tail
    assert "7" == error.result.executed_version
    assert error.request_id == error.result.request_id


def test_expired_credentials_are_renewed_once(endpoint: LambdaEndpoint) -> None:
    """A session that ran out is tried again with a client that looks for credentials anew; one just made is not."""
    with fcall.Client(plugins=[fcall_aws], provider="aws", endpoint_url=endpoint.url) as client:
        endpoint.answer_next(error_answer("ExpiredTokenException", "expired", status=403))
        with pytest.raises(errors.AuthenticationError) as caught:
            client.invoke("echo")

    assert 1 == len(caught.value.attempts)
