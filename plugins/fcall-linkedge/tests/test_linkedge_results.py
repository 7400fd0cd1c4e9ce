"""What lecoresdk 1.0, as it is on the package index, makes of each kind of call and reply, and what we make of that."""

from __future__ import annotations

import base64
import json
from importlib import metadata
from typing import Any

import pytest
from fcall_linkedge import _stand_ins

import fcall
from fcall import Executed
from fcall.errors import (
    FcallError,
    FunctionError,
    FunctionResponseError,
    InvalidParamsError,
    InvocationTimeoutError,
    ProviderUnavailableError,
)

pytestmark = pytest.mark.usefixtures("true_sdk")

INVALID = 100_001
GOOD = {"serviceName": "images", "functionName": "resize", "invokerContext": "e30=", "payload": "{}"}


def raw(params: Any) -> Any:
    """What the SDK itself gives, with the gateway's modules stood in for."""
    import lecoresdk

    return lecoresdk.Client().invoke_function(params)


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name not in names}


def failure(client: fcall.Client, kind: str = "Sync") -> FcallError:
    """The error of a good call, made by way of the provider."""
    with pytest.raises(FcallError) as raised:
        client.invoke_function({"serviceName": "images", "functionName": "resize", "invocationType": kind})
    return raised.value


def test_the_sdk_is_the_true_one() -> None:
    """These tests run what the package index has."""
    assert "1.0" == metadata.version("lecoresdk")


@pytest.mark.parametrize(
    "params",
    [
        without("invokerContext"),
        {**GOOD, "invokerContext": None},
        {**GOOD, "invokerContext": ""},
        without("payload"),
        {**GOOD, "invocationType": None},
        {**GOOD, "invocationType": "sync"},
        without("serviceName"),
        {**GOOD, "serviceName": ""},
        {**GOOD, "serviceName": 1},
        without("functionName"),
        {**GOOD, "functionName": ""},
        {**GOOD, "functionName": b"resize"},
        {**GOOD, "invokerContext": {"custom": {}}},
        {**GOOD, "functionId": 7},
        {**GOOD, "payload": None},
        {**GOOD, "payload": {"width": 64}},
        {**GOOD, "payload": bytearray(b"{}")},
    ],
    ids=repr,
)
def test_a_bad_call_is_an_int_to_the_sdk(scripted: Any, params: dict[str, Any]) -> None:
    """The SDK answers a call that it does not like with a number, and sends nothing."""
    assert INVALID == raw(params)
    assert [] == scripted.asked


def test_no_params_are_a_type_error_to_the_sdk(scripted: Any, client: fcall.Client) -> None:
    """The SDK lets a TypeError out where params is None; we say what params is."""
    with pytest.raises(TypeError):
        raw(None)
    with pytest.raises(InvalidParamsError, match="params is a mapping"):
        client.invoke_function(None)  # type: ignore[arg-type]

    assert [] == scripted.asked


def test_unknown_keys_are_ignored_by_the_sdk(scripted: Any) -> None:
    """A key that the SDK does not know changes nothing."""
    scripted.answer(body=b"{}")

    assert {"statusCode": 200, "functionError": "", "payload": "e30="} == raw({**GOOD, "timeout": 3})


@pytest.mark.parametrize("number", [INVALID, 0, -1])
def test_an_int_is_refused_parameters(
    scripted: Any, client: fcall.Client, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Whatever the number, it stands for parameters that were refused: nothing was sent."""
    monkeypatch.setattr(_stand_ins._TOP["utils"], "check_param", lambda params, key: False)
    monkeypatch.setattr(_stand_ins._TOP["fc_error"], "PY_RUNTIME_ERROR_INVAILD_PARAM", number)
    error = failure(client)

    assert InvalidParamsError is type(error)
    assert (Executed.NO, str(number), []) == (error.executed, error.code, scripted.asked)


def test_what_is_asked_of_the_gateway(scripted: Any, client: fcall.Client) -> None:
    """Names become an ARN, Sync is said, bytes stay bytes, and a context is there although none was given."""
    scripted.answer()
    client.invoke("images/resize", payload=b"\xff\x00")
    client.invoke_function({"functionId": "0123", "payload": "x", "invokerContext": {"custom": {"a": "é"}}})

    arn = "acs:fc:::service:images:function:resize"
    context = base64.b64encode(b'{"custom": {"a": "\\u00e9"}}').decode()
    assert [(arn, "e30=", "Sync", b"\xff\x00"), ("0123", context, "Sync", b"x")] == scripted.asked


def test_the_result_is_decoded(scripted: Any, client: fcall.Client) -> None:
    """The SDK hands over base64 text, and we the bytes of the function."""
    scripted.answer(body=b"\xff\x00{}")
    result = client.invoke("images/resize")

    assert base64.b64encode(b"\xff\x00{}").decode() == raw(GOOD)["payload"]
    assert (b"\xff\x00{}", 200, None) == (result.payload, result.status_code, result.request_id)


def test_a_result_without_a_body_is_empty(scripted: Any, client: fcall.Client) -> None:
    """No body is an empty text to the SDK, and an empty payload to us."""
    scripted.answer()
    del scripted.result["msg"]["body"]

    assert "" == raw(GOOD)["payload"]
    assert b"" == client.invoke("images/resize").payload


def test_a_function_error_ran(scripted: Any, client: fcall.Client) -> None:
    """A `functionError` is a FunctionError with the document's words, whatever the status."""
    document = {"errorMessage": "no", "errorType": "ValueError", "stackTrace": [["File", "line 1"]]}
    scripted.answer(body=json.dumps(document).encode(), said="Unhandled")
    error = failure(client)

    assert "Unhandled" == raw(GOOD)["functionError"]
    assert isinstance(error, FunctionError)
    assert (Executed.YES, "ValueError", "no", ("File, line 1",), "Unhandled") == (
        error.executed,
        error.error_type,
        error.error_message,
        error.stack_trace,
        error.code,
    )
    assert error.result is not None
    assert document == error.result.json()


def test_a_status_is_looked_at(scripted: Any, client: fcall.Client) -> None:
    """The SDK returns a result of any status; only 200 is one to us."""
    scripted.answer(500)
    error = failure(client)

    assert 500 == raw(GOOD)["statusCode"]
    assert ProviderUnavailableError is type(error)
    assert (Executed.MAYBE, 500) == (error.executed, error.status_code)


def test_an_accepted_event_has_an_id(scripted: Any, client: fcall.Client) -> None:
    """Async gives the invocation's id."""
    scripted.answer(202)
    accepted = client.enqueue("images/resize", {})

    assert "id-1" == raw({**GOOD, "invocationType": "Async"})
    assert ("id-1", 202) == (accepted.request_id, accepted.status_code)


@pytest.mark.parametrize("status", [200, 404, 429, 500])
def test_an_event_that_is_not_accepted_may_run(scripted: Any, client: fcall.Client, status: int) -> None:
    """Async is accepted with 202 alone; else the SDK raises, and nobody says whether the event runs."""
    scripted.answer(status)
    error = failure(client, "Async")

    with pytest.raises(_stand_ins.RequestException):
        raw({**GOOD, "invocationType": "Async"})
    assert ProviderUnavailableError is type(error)
    assert (Executed.MAYBE, False, "RequestException") == (error.executed, error.retryable, error.code)


@pytest.mark.parametrize("reply", [None, {"state": False}, {"msg": {"statusCode": 202}}], ids=["none", "empty", "bare"])
def test_an_event_without_a_reply_may_run(scripted: Any, client: fcall.Client, reply: Any) -> None:
    """No reply to an event, or half of one, is the same."""
    scripted.task = reply
    error = failure(client, "Async")

    with pytest.raises(_stand_ins.RequestException):
        raw({**GOOD, "invocationType": "Async"})
    assert ProviderUnavailableError is type(error)
    assert Executed.MAYBE is error.executed


@pytest.mark.parametrize(
    ("task", "result"),
    [
        (None, None),
        ({"state": True, "msg": {"statusCode": 404, "headers": {}, "body": ""}}, None),
        ({"state": True, "msg": {"statusCode": 200, "headers": {"X-Fc-Invocation-Id": "1"}}}, {"state": False}),
    ],
    ids=["no answer", "no invocation id", "a result that says nothing"],
)
def test_none_may_have_run(scripted: Any, client: fcall.Client, task: Any, result: Any) -> None:
    """The SDK returns None for three reasons, and in the last one the function ran."""
    scripted.task, scripted.result = task, result
    error = failure(client)

    assert raw(GOOD) is None
    assert ProviderUnavailableError is type(error)
    assert (Executed.MAYBE, False, None) == (error.executed, error.retryable, error.code)
    assert "it does not say which" in str(error)


def test_a_result_that_does_not_come_may_still_come(scripted: Any, client: fcall.Client) -> None:
    """The task was taken and its result is not there: it may be running."""
    scripted.answer()
    scripted.result = None
    error = failure(client)

    with pytest.raises(_stand_ins.WSConnException):
        raw(GOOD)
    assert InvocationTimeoutError is type(error)
    assert (Executed.MAYBE, "WSConnException") == (error.executed, error.code)


def test_a_result_without_a_status_is_none(scripted: Any, client: fcall.Client) -> None:
    """The SDK lets a KeyError out; the function may have run."""
    scripted.answer()
    del scripted.result["msg"]["statusCode"]
    error = failure(client)

    with pytest.raises(KeyError):
        raw(GOOD)
    assert ProviderUnavailableError is type(error)
    assert (Executed.MAYBE, "KeyError") == (error.executed, error.code)


def test_an_accepted_event_without_an_id_may_run(scripted: Any, client: fcall.Client) -> None:
    """The SDK lets a KeyError out where the header with the id is missing."""
    scripted.task = {"msg": {"statusCode": 202, "headers": {}}}
    error = failure(client, "Async")

    with pytest.raises(KeyError):
        raw({**GOOD, "invocationType": "Async"})
    assert ProviderUnavailableError is type(error)
    assert Executed.MAYBE is error.executed


@pytest.mark.parametrize("broken", [ConnectionResetError("s3cr3t"), OSError("s3cr3t"), SystemExit(3), StopIteration()])
def test_whatever_the_gateway_raises_is_an_error_of_ours(
    scripted: Any, client: fcall.Client, broken: BaseException
) -> None:
    """What the gateway's modules raise passes through the SDK; the call may have run, and the words stay outside."""
    scripted.task = broken
    error = failure(client)

    assert (Executed.MAYBE, type(broken).__name__, broken) == (error.executed, error.code, error.__cause__)
    assert "s3cr3t" not in str(error)


@pytest.mark.parametrize("body", ["not base64!", "e3!0=", "e30", "é", 7, ["e30="]])
def test_a_result_that_is_not_base64_cannot_be_read(scripted: Any, client: fcall.Client, body: Any) -> None:
    """A result that the gateway cannot have sent is not a success; the function ran."""
    scripted.answer(body=body)
    error = failure(client)

    assert isinstance(error, FunctionResponseError)
    assert Executed.YES is error.executed
    assert error.result is not None
    assert str(body).encode() == error.result.payload


@pytest.mark.parametrize("status", ["200", True, None, 99, 600, 200.0])
def test_a_status_that_is_none_makes_no_sense(scripted: Any, client: fcall.Client, status: Any) -> None:
    """What stands where the status should, and is none, is no success."""
    scripted.answer(status)
    error = failure(client)

    assert ProviderUnavailableError is type(error)
    assert Executed.MAYBE is error.executed
