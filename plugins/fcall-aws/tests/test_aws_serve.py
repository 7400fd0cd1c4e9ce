"""Lambda's API for ``fcall serve``: pure translation, and Signature Version 4 as botocore writes it."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from fcall_aws._service._api import LambdaApi
from fcall_aws._service._signature import check

from fcall.errors import (
    FunctionError,
    FunctionNotFoundError,
    PayloadTooLargeError,
    ProviderUnavailableError,
    ThrottledError,
)
from fcall.provider import InvocationResult
from fcall.serve import Answer, Api, Call, Function, Request

RESIZE = Function("resize", "images", "resize", "app/handlers.py:resize", timeout=7.5, modified=1_767_225_600.5)
KEYS = {"key": "secret"}


class Catalogue:
    """One function, and one alias."""

    def find(self, name: str, service: str | None = None) -> Function | None:
        return RESIZE if name == "resize" else None

    def functions(self, service: str | None = None) -> list[Function]:
        return [RESIZE]

    def version(self, qualifier: str | None) -> str | None:
        return {None: "$LATEST", "$LATEST": "$LATEST", "live": "3"}.get(qualifier)


@pytest.fixture
def api() -> LambdaApi:
    """The API."""
    return LambdaApi()


def _invoke(name: str = "resize", body: bytes = b"{}", query: str = "", **headers: str) -> Request:
    lower = {key.replace("_", "-").lower(): value for key, value in headers.items()}
    return Request("POST", f"/2015-03-31/functions/{name}/invocations{query}", lower, body)


def _code(answer: Any) -> tuple[int, str]:
    assert isinstance(answer, Answer)
    return answer.status, dict(answer.headers)["x-amzn-ErrorType"]


def test_the_api_keeps_to_the_interface(api: LambdaApi) -> None:
    """It is what ``fcall serve`` takes, and owns the paths of Lambda's functions alone."""
    owned = ["/2015-03-31/functions", "/2015-03-31/functions/x/invocations", "/2014-11-13/functions/x/invoke-async/"]

    assert isinstance(api, Api)
    assert [True] * 3 == [api.owns(path) for path in owned]
    assert [False] * 3 == [api.owns(path) for path in ("/", "/2015-03-31/event-source-mappings", "/2016-08-15/")]


def test_a_request_becomes_a_call(api: LambdaApi) -> None:
    """Type, payload, client context, qualifier and log tail of a request are those of the call."""
    request = _invoke(
        "resize:live", b'{"a": 1}', X_Amz_Client_Context="eyJjdXN0b20iOiB7ImEiOiAxfX0=", X_Amz_Log_Type="Tail"
    )
    call = api.read(request, Catalogue())
    event = api.read(_invoke(X_Amz_Invocation_Type="Event", X_Amz_Client_Context="e30="), Catalogue())

    assert isinstance(call, Call)
    assert (RESIZE, "Sync", b'{"a": 1}', "live", True) == (
        call.function,
        call.type,
        call.payload,
        call.qualifier,
        call.log_tail,
    )
    assert {"custom": {"a": 1}} == call.context
    assert isinstance(event, Call)
    assert ("Async", None) == (event.type, event.context)


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (_invoke("absent"), 404, "ResourceNotFoundException"),
        (_invoke("resize:dead"), 404, "ResourceNotFoundException"),
        (_invoke("arn:aws:lambda:us-west-2:000000000000:function:resize"), 404, "ResourceNotFoundException"),
        (_invoke(body=b"{"), 400, "InvalidRequestContentException"),
        (_invoke("a%20b"), 400, "ValidationException"),
        (_invoke(X_Amz_Durable_Execution_Name="x"), 400, "InvalidParameterValueException"),
        (Request("DELETE", "/2015-03-31/functions/resize"), 404, "UnknownOperationException"),
        (Request("GET", f"/2015-03-31/functions?MaxItems={'1' * 5000}"), 400, "ValidationException"),
        (Request("GET", "/2015-03-31/functions?MaxItems=%D9%A3"), 400, "ValidationException"),
    ],
)
def test_a_wrong_request_is_answered_at_once(api: LambdaApi, request_: Request, status: int, code: str) -> None:
    """What is refused comes to no call, and has the service's status and code."""
    assert (status, code) == _code(api.read(request_, Catalogue()))


@pytest.mark.parametrize(("qualifier", "version"), [("live", "3"), ("$LATEST", "$LATEST")])
def test_a_qualified_function_is_described_with_its_qualifier(api: LambdaApi, qualifier: str, version: str) -> None:
    """GetFunction of a version or an alias names it in the ARN, and says which version it is."""
    answer = api.read(Request("GET", f"/2015-03-31/functions/resize?Qualifier={qualifier}"), Catalogue())
    assert isinstance(answer, Answer)
    described = json.loads(answer.body)["Configuration"]

    assert f"arn:aws:lambda:us-east-1:000000000000:function:resize:{qualifier}" == described["FunctionArn"]
    assert version == described["Version"]


def test_functions_are_described_as_the_service_does(api: LambdaApi) -> None:
    """Listing and GetFunction show handler, time-out and date, in the region that the request was signed for."""
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=key/20260101/eu-west-1/lambda/aws4_request, x"}
    listed = api.read(Request("GET", "/2015-03-31/functions", signed), Catalogue())
    described = api.read(Request("GET", "/2015-03-31/functions/resize"), Catalogue())
    assert isinstance(listed, Answer)
    assert isinstance(described, Answer)
    (record,) = json.loads(listed.body)["Functions"]

    assert "arn:aws:lambda:eu-west-1:000000000000:function:resize" == record["FunctionArn"]
    assert ("app/handlers.resize", 8) == (record["Handler"], record["Timeout"])
    assert "2026-01-01T00:00:00.500+0000" == record["LastModified"]
    assert (
        "arn:aws:lambda:us-east-1:000000000000:function:resize"
        == (json.loads(described.body)["Configuration"]["FunctionArn"])
    )


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (FunctionNotFoundError("gone"), 404, "ResourceNotFoundException"),
        (PayloadTooLargeError("large"), 413, "RequestEntityTooLargeException"),
        (ThrottledError("full"), 429, "TooManyRequestsException"),
        (ProviderUnavailableError("no thread"), 500, "ServiceException"),
        (FunctionError("without an answer"), 500, "ServiceException"),
    ],
)
def test_what_is_refused_below_is_an_error_of_the_service(api: LambdaApi, outcome: Any, status: int, code: str) -> None:
    """An error of fcall that is no function's own has the service's status and code."""
    call = api.read(_invoke(), Catalogue())
    assert isinstance(call, Call)

    assert (status, code) == _code(api.answer(call, outcome))


def test_the_servers_own_refusals_are_spelt_as_the_service_does(api: LambdaApi) -> None:
    """A request that is late, too large or one too many, and a fault, have codes of the service."""
    codes = [_code(api.problem(_invoke(), status, "words")) for status in (408, 413, 429, 500, 503)]

    assert [
        (408, "RequestTimeoutException"),
        (413, "RequestEntityTooLargeException"),
        (429, "TooManyRequestsException"),
        (500, "ServiceException"),
        (503, "ServiceUnavailableException"),
    ] == codes


def test_every_answer_names_its_request(api: LambdaApi) -> None:
    """The id of the invocation is the answer's, and what came to none has an id of its own."""
    call = api.read(_invoke(), Catalogue())
    assert isinstance(call, Call)
    answer = api.answer(call, InvocationResult(b"1", 200, "the-id"))
    refusal = api.read(_invoke("absent"), Catalogue())
    assert isinstance(refusal, Answer)

    assert "the-id" == dict(answer.headers)["x-amzn-RequestId"]
    assert 36 == len(dict(refusal.headers)["x-amzn-RequestId"])


def test_the_usage_names_the_clients(api: LambdaApi) -> None:
    """There are lines to paste for boto3, the AWS CLI and Node, with URL and function in them."""
    usage = api.usage("http://127.0.0.1:9700", RESIZE)

    assert ["boto3", "AWS CLI", "Node"] == [*usage]
    assert all("http://127.0.0.1:9700" in "\n".join(lines) and "resize" in "\n".join(lines) for lines in usage.values())


def _signed(secret: str = "secret", target: str = "/2015-03-31/functions/a%3Ab/invocations?Qualifier=x%20y") -> Any:
    """A request as botocore signs it: method, target, headers, body."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("POST", f"http://localhost:9700{target}", {"X-Amz-Log-Type": "Tail"}, b"{}")
    SigV4Auth(Credentials("key", secret, "token"), "lambda", "eu-west-1").add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": "localhost:9700"}
    return "POST", target, headers, b"{}"


def _changed(signed: Any, **headers: str | None) -> Any:
    method, target, before, body = signed
    after = {**before, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return method, target, {name: value for name, value in after.items() if value is not None}, body


def test_what_botocore_signs_is_accepted() -> None:
    """A request that botocore signed with a known key is right, its path and query as they were sent."""
    assert check(*_signed(), KEYS) is None
    assert check(*_signed(target="/2015-03-31/functions/?Marker=&MaxItems=2"), KEYS) is None


def test_what_was_changed_after_it_was_signed_is_refused() -> None:
    """Another body, path, query, header or secret does not match the signature; nothing of it is repeated."""
    method, target, headers, body = _signed()
    changed = [
        (method, target, headers, b"{ }"),
        (method, target + "1", headers, body),
        (method, target.replace("functions", "function"), headers, body),
        ("GET", target, headers, body),
        _changed(_signed(), x_amz_log_type="None"),
        _changed(_signed(), x_amz_invocation_type="Event"),  # which was not signed at all
        _signed("another secret"),
        _changed(_signed(), authorization=headers["authorization"].replace("/lambda/", "/s3/")),
    ]
    found = [check(*each, KEYS) for each in changed]

    assert ["InvalidSignatureException"] * 8 == [each[0] for each in found if each is not None]


def test_a_signature_has_to_be_there_known_and_fresh() -> None:
    """Without a signature, with one of another kind, an unknown key or an old date, the code says which."""
    now = datetime.datetime.now(datetime.UTC).timestamp()
    signed = _signed()
    found = [
        check(*_changed(signed, authorization=None), KEYS),
        check(*_changed(signed, authorization="Bearer x"), KEYS),
        check(*signed, {"other": "secret"}),
        check(*signed, KEYS, now + 301),
        check(*_changed(signed, x_amz_date="yesterday"), KEYS),
    ]

    assert [
        "MissingAuthenticationTokenException",
        "IncompleteSignatureException",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "InvalidSignatureException",
    ] == [code for code, _ in filter(None, found)]
    assert check(*signed, KEYS, now + 200) is None


def test_a_refused_signature_is_an_answer(api: LambdaApi) -> None:
    """The API refuses what no key signed with status 403, and takes what one did."""
    signed = Request(*_signed())

    assert (403, "UnrecognizedClientException") == _code(api.verify(signed, {}))
    assert api.verify(signed, KEYS) is None
