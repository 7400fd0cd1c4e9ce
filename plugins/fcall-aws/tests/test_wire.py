"""The loopback endpoint answers as Lambda does: asked by boto3 alone, with nothing of fcall's provider in between."""

from __future__ import annotations

import base64
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fcall_aws.testing import LambdaEndpoint, error_answer, function_error, result

KIB = 1024
MIB = 1024 * KIB


class Functions:
    """Handlers that tell what they were given, and how often they ran."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def echo(self, event: Any, context: Any) -> Any:
        self.events.append(event)
        return event

    def about(self, event: Any, context: Any) -> Any:
        custom = context.client_context and context.client_context.custom
        return {"custom": custom, "id": context.aws_request_id, "arn": context.invoked_function_arn}

    def fail(self, event: Any, context: Any) -> Any:
        self.events.append(event)
        raise ValueError("it fails")

    def leave(self, event: Any, context: Any) -> Any:
        sys.exit(3)

    def odd(self, event: Any, context: Any) -> Any:
        return {1, 2}

    def huge(self, event: Any, context: Any) -> Any:
        return "x" * int(event)


@pytest.fixture
def functions() -> Functions:
    """The handlers of the endpoint."""
    return Functions()


@pytest.fixture
def endpoint(functions: Functions) -> Iterator[LambdaEndpoint]:
    """An endpoint with these handlers, and ``prod`` for version 7."""
    names = ("echo", "about", "fail", "leave", "odd", "huge")
    handlers = {name: getattr(functions, name) for name in names}
    with LambdaEndpoint(handlers, aliases={"prod": "7"}) as endpoint:
        yield endpoint


@pytest.fixture
def client(endpoint: LambdaEndpoint, bare: Callable[..., Any]) -> Any:
    """A plain boto3 client for it."""
    return bare(endpoint)


def _invoke(client: Any, function: str, payload: bytes = b"{}", **more: Any) -> tuple[dict[str, Any], bytes]:
    answer = client.invoke(FunctionName=function, Payload=payload, **more)
    return answer, answer["Payload"].read()


def _refusal(call: Callable[[], Any]) -> tuple[int, str, str]:
    """Status, code and message of the error that a call raises."""
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    assert response["ResponseMetadata"]["RequestId"]
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_an_answer_comes_with_the_headers_of_the_service(bare: Callable[..., Any], tls: bool) -> None:
    """A sync call is answered with 200, the function's answer, its version and the request id."""
    with LambdaEndpoint({"echo": lambda event, context: event}, tls=tls) as endpoint:
        answer, payload = _invoke(bare(endpoint), "echo", '{"name": "Grüße, 世界"}'.encode())
    metadata = answer["ResponseMetadata"]

    assert {"name": "Grüße, 世界"} == json.loads(payload)
    assert (200, "$LATEST") == (answer["StatusCode"], answer["ExecutedVersion"])
    assert "FunctionError" not in answer
    assert "LogResult" not in answer
    assert str(uuid.UUID(metadata["RequestId"])) == metadata["RequestId"]
    assert "0" == metadata["HTTPHeaders"]["x-amzn-remapped-content-length"]
    assert "application/json" == metadata["HTTPHeaders"]["content-type"]


def test_no_answer_is_null(client: Any) -> None:
    """A handler that returns nothing is answered with ``null``, and not with an empty body."""
    assert b"null" == _invoke(client, "echo", b"null")[1]


def test_no_payload_is_an_empty_object(client: Any, functions: Functions) -> None:
    """A request without a body reaches the handler as ``{}``."""
    answer = client.invoke(FunctionName="echo")

    assert b"{}" == answer["Payload"].read()
    assert [{}] == functions.events


def test_an_event_is_queued_and_runs(client: Any, endpoint: LambdaEndpoint, functions: Functions) -> None:
    """An Event call is answered with 202 and nothing else, and runs once."""
    answer, payload = _invoke(client, "echo", b"[1]", InvocationType="Event")
    endpoint.settle()

    assert (202, b"") == (answer["StatusCode"], payload)
    assert "ExecutedVersion" not in answer
    assert [[1]] == functions.events


def test_a_failing_event_is_accepted_all_the_same(client: Any, endpoint: LambdaEndpoint, functions: Functions) -> None:
    """An Event whose function fails is answered with 202, and is tried three times."""
    answer, _ = _invoke(client, "fail", b"[1]", InvocationType="Event")
    endpoint.settle()

    assert 202 == answer["StatusCode"]
    assert [[1]] * 3 == functions.events


def test_a_dry_run_runs_nothing(client: Any, functions: Functions) -> None:
    """A DryRun call is answered with 204 and without a body, and nothing runs."""
    answer, payload = _invoke(client, "echo", InvocationType="DryRun")

    assert (204, b"") == (answer["StatusCode"], payload)
    assert [] == functions.events


def test_connections_are_kept_through_every_kind_of_answer(client: Any, endpoint: LambdaEndpoint) -> None:
    """Answers with a body and without one, errors too, leave the connection usable."""
    for kind in ("RequestResponse", "Event", "DryRun") * 3:
        _invoke(client, "echo", InvocationType=kind)
        _refusal(lambda: client.invoke(FunctionName="missing"))
        list(client.invoke_with_response_stream(FunctionName="echo", Payload=b"[]")["EventStream"])

    assert 1 == endpoint.server.connections


@pytest.mark.parametrize(
    ("given", "version"), [("$LATEST", "$LATEST"), ("12", "12"), ("prod", "7")], ids=["latest", "number", "alias"]
)
def test_a_qualifier_says_which_version_runs(client: Any, given: str, version: str) -> None:
    """A qualifier beside the name and one within it mean the same version, which the answer names."""
    beside, _ = _invoke(client, "about", Qualifier=given)
    within, payload = _invoke(client, f"about:{given}")

    assert [version, version] == [beside["ExecutedVersion"], within["ExecutedVersion"]]
    assert json.loads(payload)["arn"].endswith(f":function:about:{given}")


@pytest.mark.parametrize(
    "name",
    [
        "echo",
        "000000000000:function:echo",
        "000000000000:echo",
        "arn:aws:lambda:us-east-1:000000000000:function:echo",
        "arn:aws:lambda:us-east-1:000000000000:function:echo:prod",
    ],
)
def test_every_form_of_a_name_is_understood(client: Any, name: str) -> None:
    """A function is found by its name, its partial ARN and its ARN."""
    assert b"[7]" == _invoke(client, name, b"[7]")[1]


def test_the_client_context_reaches_the_function(client: Any) -> None:
    """What a caller puts into the client context is the handler's context.client_context."""
    context = base64.b64encode(b'{"custom": {"trace": "abc"}}').decode()
    answer, payload = _invoke(client, "about", ClientContext=context)

    assert {"trace": "abc"} == json.loads(payload)["custom"]
    assert json.loads(payload)["id"] == answer["ResponseMetadata"]["RequestId"]


def test_the_log_tail_is_the_log_of_the_platform(client: Any) -> None:
    """With LogType Tail the answer has the end of the log, in base64; a function that fails has one too."""
    for function in ("echo", "fail"):
        answer, _ = _invoke(client, function, LogType="Tail")
        log = base64.b64decode(answer["LogResult"]).decode()

        assert log.startswith(f"START RequestId: {answer['ResponseMetadata']['RequestId']} Version: $LATEST\n")
        assert "REPORT RequestId: " in log


def test_what_a_function_prints_is_in_its_log_tail(bare: Callable[..., Any], tmp_path: Path) -> None:
    """With a process of its own, a function's output is in the log tail, cut to its last 4 KB."""
    (tmp_path / "talks.py").write_text("def handler(event, context):\n    print(event * 1000)\n")
    with LambdaEndpoint({"talks": "talks.py:handler"}, isolation="process", root=str(tmp_path)) as endpoint:
        short, _ = _invoke(bare(endpoint), "talks", b'"word"', LogType="Tail")
        long, _ = _invoke(bare(endpoint), "talks", b'"many words"', LogType="Tail")

    assert b"wordword" in base64.b64decode(short["LogResult"])
    assert 4 * KIB == len(base64.b64decode(long["LogResult"]))


@pytest.mark.parametrize(
    ("function", "error_type", "message"),
    [
        ("fail", "ValueError", "it fails"),
        ("leave", "Runtime.ExitError", "Error: Runtime exited with error: exit status 3"),
        ("odd", "Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"),
    ],
)
def test_a_functions_failure_is_a_200_that_says_so(client: Any, function: str, error_type: str, message: str) -> None:
    """A function that fails is answered with 200, a FunctionError and the error document."""
    answer, payload = _invoke(client, function)
    document = json.loads(payload)

    assert (200, "Unhandled", "$LATEST") == (answer["StatusCode"], answer["FunctionError"], answer["ExecutedVersion"])
    assert error_type == document["errorType"]
    assert document["errorMessage"].endswith(message)


def test_a_traceback_begins_with_the_handler(client: Any) -> None:
    """The stack trace of an exception begins with the handler's own frame, not with those of the endpoint."""
    _, payload = _invoke(client, "fail")
    document = json.loads(payload)

    assert ["errorMessage", "errorType", "requestId", "stackTrace"] == list(document)
    assert ", in fail\n" in document["stackTrace"][0]


def test_code_that_cannot_be_loaded_fails_as_the_function_does(bare: Callable[..., Any], tmp_path: Path) -> None:
    """A module that raises while it is imported is answered with 200, and its document has no request id."""
    (tmp_path / "broken.py").write_text("raise LookupError('not here')\n")
    with LambdaEndpoint({"broken": "broken.py:handler"}, root=str(tmp_path)) as endpoint:
        answer, payload = _invoke(bare(endpoint), "broken")

    assert "Unhandled" == answer["FunctionError"]
    assert ("LookupError", "") == (json.loads(payload)["errorType"], json.loads(payload)["requestId"])


def test_a_function_that_takes_too_long_is_timed_out(bare: Callable[..., Any], tmp_path: Path) -> None:
    """A function that reaches its limit is answered with the document of the platform."""
    (tmp_path / "sleeps.py").write_text("import time\n\ndef handler(event, context):\n    time.sleep(60)\n")
    options = {"isolation": "process", "root": str(tmp_path), "function_timeout": 0.3}
    with LambdaEndpoint({"sleeps": "sleeps.py:handler"}, **options) as endpoint:
        answer, payload = _invoke(bare(endpoint), "sleeps")

    assert "Unhandled" == answer["FunctionError"]
    assert "Sandbox.Timedout" == json.loads(payload)["errorType"]
    assert json.loads(payload)["errorMessage"].endswith("Error: Task timed out after 0.30 seconds")


def test_an_answer_may_have_6_mib_and_100_bytes(client: Any) -> None:
    """An answer of 6,291,556 bytes comes through; with one more the function has failed, though it ran."""
    most = 6 * MIB + 100 - 2
    fits, payload = _invoke(client, "huge", str(most).encode())
    over, document = _invoke(client, "huge", str(most + 1).encode())

    assert "FunctionError" not in fits
    assert most + 2 == len(payload)
    assert "Unhandled" == over["FunctionError"]
    assert "Function.ResponseSizeTooLarge" == json.loads(document)["errorType"]


def test_a_missing_function_is_named_by_its_arn(client: Any) -> None:
    """An unknown function, version or alias is refused with 404 and the whole name of what was looked for."""
    arn = "arn:aws:lambda:us-east-1:000000000000:function:"
    missing = _refusal(lambda: client.invoke(FunctionName="missing"))
    no_alias = _refusal(lambda: client.invoke(FunctionName="echo", Qualifier="staging"))

    assert (404, "ResourceNotFoundException", f"Function not found: {arn}missing:$LATEST") == missing
    assert (404, "ResourceNotFoundException", f"Function not found: {arn}echo:staging") == no_alias


def test_a_function_of_another_region_is_not_found(client: Any) -> None:
    """An ARN of another region is refused with 404."""
    arn = "arn:aws:lambda:eu-west-1:000000000000:function:echo"
    status, code, message = _refusal(lambda: client.invoke(FunctionName=arn))

    assert (404, "ResourceNotFoundException") == (status, code)
    assert "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')" == message


@pytest.mark.parametrize("name", ["bad name!", "a/b", "x" * 65, "x" * 257, "arn:aws:s3:::bucket"])
def test_a_name_that_is_none_is_a_validation_error(client: Any, name: str) -> None:
    """A name that the pattern does not allow is refused with 400."""
    status, code, message = _refusal(lambda: client.invoke(FunctionName=name))

    assert (400, "ValidationException") == (status, code)
    assert message.startswith("1 validation error detected: Value '")


@pytest.mark.parametrize(
    "more", [{"InvocationType": "Nope"}, {"LogType": "Head"}, {"Qualifier": "a b"}, {"Qualifier": "x" * 129}], ids=str
)
def test_a_value_out_of_its_bounds_is_a_validation_error(client: Any, more: dict[str, str]) -> None:
    """What boto3 lets through, the service refuses with 400."""
    assert (400, "ValidationException") == _refusal(lambda: client.invoke(FunctionName="echo", **more))[:2]


def test_two_qualifiers_are_refused(client: Any) -> None:
    """A qualifier in the name and another one beside it contradict each other."""
    status, code, _ = _refusal(lambda: client.invoke(FunctionName="echo:1", Qualifier="2"))

    assert (400, "InvalidParameterValueException") == (status, code)


@pytest.mark.parametrize("payload", [b"{", b"NaN", b"\xff", b"[1] 2", b"[" * 100_000])
def test_a_payload_that_is_not_json_never_reaches_the_function(
    client: Any, functions: Functions, payload: bytes
) -> None:
    """The front end reads the payload, and refuses with 400 what is not JSON in UTF-8."""
    for kind in ("RequestResponse", "Event"):
        status, code, message = _refusal(lambda kind=kind: _invoke(client, "echo", payload, InvocationType=kind))

        assert (400, "InvalidRequestContentException") == (status, code)
        assert message.startswith("Could not parse request body into json: ")
    assert [] == functions.events


@pytest.mark.parametrize("context", ["%%%", base64.b64encode(b"[]").decode(), base64.b64encode(b"{").decode()])
def test_a_client_context_that_is_none_is_refused(client: Any, context: str) -> None:
    """A client context has to be base64 of a JSON object."""
    refusal = _refusal(lambda: client.invoke(FunctionName="about", ClientContext=context))

    assert (400, "InvalidRequestContentException") == refusal[:2]


def test_the_client_context_has_3583_bytes_at_most(client: Any) -> None:
    """A client context of 3,580 bytes of base64 comes through, one of 3,584 does not."""
    fits, over = (base64.b64encode(b'{"custom": {"x": "%s"}}' % (b"y" * (n - 22))).decode() for n in (2685, 2687))

    assert (3580, 3584) == (len(fits), len(over))
    assert 200 == _invoke(client, "about", ClientContext=fits)[0]["StatusCode"]
    assert (400, "InvalidRequestContentException") == _refusal(
        lambda: client.invoke(FunctionName="about", ClientContext=over)
    )[:2]


def test_a_sync_payload_has_6_mib_at_most(client: Any) -> None:
    """A sync payload of 6,291,456 bytes comes through, one more byte is refused with 413."""
    most = b'"' + b"x" * (6 * MIB - 2) + b'"'

    assert most == _invoke(client, "echo", most)[1]
    assert (
        413,
        "RequestEntityTooLargeException",
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
    ) == _refusal(lambda: _invoke(client, "echo", most + b" "))


def test_an_event_has_1_mib_at_most(client: Any) -> None:
    """The payload of an Event of 1,048,576 bytes is accepted, one more byte is refused with 413."""
    most = b'"' + b"x" * (MIB - 2) + b'"'

    assert 202 == _invoke(client, "echo", most, InvocationType="Event")[0]["StatusCode"]
    assert (
        413,
        "RequestEntityTooLargeException",
        "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
    ) == _refusal(lambda: _invoke(client, "echo", most + b" ", InvocationType="Event"))


def test_a_durable_execution_runs_once_for_its_name(client: Any, functions: Functions) -> None:
    """The same durable execution name gives the first answer again; with another payload it is refused."""
    first, one = _invoke(client, "echo", b"[1]", DurableExecutionName="order-7")
    again, same = _invoke(client, "echo", b"[1]", DurableExecutionName="order-7")
    refusal = _refusal(lambda: _invoke(client, "echo", b"[2]", DurableExecutionName="order-7"))

    assert one == same
    assert first["DurableExecutionArn"] == again["DurableExecutionArn"]
    assert (409, "DurableExecutionAlreadyStartedException") == refusal[:2]
    assert [[1]] == functions.events


def test_canned_answers_are_given_once_and_in_order(
    client: Any, endpoint: LambdaEndpoint, functions: Functions
) -> None:
    """The next requests get the canned answers, nothing runs for them, and then the functions answer again."""
    throttled = error_answer(
        "TooManyRequestsException", "Rate Exceeded.", reason="CallerRateLimitExceeded", retry_after=3
    )
    endpoint.answer_next(throttled, function_error(b'{"errorMessage": "old"}', kind="Handled"), result(b'"canned"'))
    with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
        client.invoke(FunctionName="echo")
    handled, _ = _invoke(client, "echo")

    assert ("CallerRateLimitExceeded", "3") == (
        caught.value.response["Reason"],
        caught.value.response["retryAfterSeconds"],
    )
    assert "Rate Exceeded." == caught.value.response["Error"]["Message"]
    assert "Handled" == handled["FunctionError"]
    assert b'"canned"' == _invoke(client, "echo")[1]
    assert [] == functions.events
    assert b"[5]" == _invoke(client, "echo", b"[5]")[1]


def test_a_path_of_no_operation_is_unknown(endpoint: LambdaEndpoint) -> None:
    """A request that is none of the API is refused with 404 and a code of its own."""
    import urllib3

    with urllib3.PoolManager() as pool:
        answer = pool.request("GET", f"{endpoint.url}/2015-03-31/layers")

    assert 404 == answer.status
    assert "UnknownOperationException" == answer.headers["x-amzn-errortype"]
    assert "0" == answer.headers["x-amzn-remapped-content-length"]
