"""Function Compute's two APIs for ``fcall serve``: pure translation."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fcall_aliyun._service import Fc2Api, Fc3Api

from fcall.errors import (
    FunctionError,
    FunctionNotFoundError,
    InvalidRequestError,
    PayloadTooLargeError,
    ProviderUnavailableError,
    ThrottledError,
)
from fcall.provider import InvocationResult
from fcall.serve import Answer, Api, Call, Function, Request

RESIZE = Function("resize", "images", "resize", "app/handlers.py:resize", timeout=7.5, modified=1_767_225_600.0)


class Catalogue:
    """One function of one service, and one alias."""

    def find(self, name: str, service: str | None = None) -> Function | None:
        return RESIZE if name == "resize" and service in (None, "images") else None

    def functions(self, service: str | None = None) -> list[Function]:
        return [RESIZE] if service in (None, "images") else []

    def version(self, qualifier: str | None) -> str | None:
        return {None: "$LATEST", "LATEST": "$LATEST", "live": "3", "7": "7"}.get(qualifier)


def _old(service: str = "images", function: str = "resize", **headers: str) -> Request:
    path = f"/2016-08-15/services/{service}/functions/{function}/invocations"
    return Request("POST", path, {name.replace("_", "-"): value for name, value in headers.items()}, b"event")


def _new(function: str = "resize", query: str = "", **headers: str) -> Request:
    path = f"/2023-03-30/functions/{function}/invocations{query}"
    return Request("POST", path, {name.replace("_", "-"): value for name, value in headers.items()}, b"event")


def _refusal(answer: Any) -> tuple[int, str]:
    assert isinstance(answer, Answer)
    document = json.loads(answer.body)
    return answer.status, document.get("ErrorCode") or document["Code"]


def test_the_apis_keep_to_the_interface() -> None:
    """Both are what ``fcall serve`` takes, and own the paths of their own version."""
    assert isinstance(Fc2Api(), Api)
    assert isinstance(Fc3Api(), Api)
    assert (True, False) == (Fc2Api().owns(_old().path), Fc2Api().owns(_new().path))
    assert (False, True) == (Fc3Api().owns(_old().path), Fc3Api().owns(_new().path))


def test_a_request_becomes_a_call() -> None:
    """Service, qualifier, type, payload and log tail of a request are those of the call, in either spelling."""
    old = Fc2Api().read(_old("images.live", x_fc_invocation_type="Async"), Catalogue())
    new = Fc3Api().read(_new(query="?qualifier=7", x_fc_log_type="Tail"), Catalogue())

    assert isinstance(old, Call)
    assert ("images", "live", "Async", b"event", False) == (
        old.service,
        old.qualifier,
        old.type,
        old.payload,
        old.log_tail,
    )
    assert isinstance(new, Call)
    assert (None, "7", "Sync", b"event", True) == (
        new.service,
        new.qualifier,
        new.type,
        new.payload,
        new.log_tail,
    )


@pytest.mark.parametrize(
    ("api", "request_", "expected"),
    [
        (Fc2Api(), _old("absent"), (404, "ServiceNotFound")),
        (Fc2Api(), _old(function="absent"), (404, "FunctionNotFound")),
        (Fc2Api(), _old("images.dead"), (404, "AliasNotFound")),
        (Fc2Api(), _old("images.8"), (404, "VersionNotFound")),
        (Fc2Api(), _old(x_fc_invocation_type="Later"), (400, "InvalidArgument")),
        (Fc2Api(), Request("GET", "/2016-08-15/services/absent/functions"), (404, "ServiceNotFound")),
        (Fc3Api(), _new("absent"), (404, "FunctionNotFound")),
        (Fc3Api(), Request("DELETE", "/2023-03-30/functions"), (405, "MethodNotAllowed")),
    ],
)
def test_a_wrong_request_is_answered_at_once(api: Any, request_: Request, expected: tuple[int, str]) -> None:
    """What is refused comes to no call, and has the service's status and code."""
    assert expected == _refusal(api.read(request_, Catalogue()))


def test_a_task_is_accepted_once() -> None:
    """The id of an asynchronous task is taken once, and the answer repeats it."""
    api = Fc3Api()
    request = _new(x_fc_invocation_type="Async", x_fc_async_task_id="order-7")
    call = api.read(request, Catalogue())
    assert isinstance(call, Call)
    answer = api.answer(call, InvocationResult(b"", 202, "the-id"))

    assert ("order-7", "the-id") == (
        dict(answer.headers)["X-Fc-Stateful-Async-Invocation-Id"],
        dict(answer.headers)["X-Fc-Request-Id"],
    )
    assert (409, "StatefulAsyncInvocationAlreadyExists") == _refusal(api.read(request, Catalogue()))


def test_what_came_of_a_call_is_answered_as_the_service_does() -> None:
    """Answers and failures have status 200, the log where it was asked for, and the function's own document."""
    api = Fc3Api()
    call = api.read(_new(x_fc_log_type="Tail"), Catalogue())
    assert isinstance(call, Call)
    answer = api.answer(call, InvocationResult(b"1", 200, "the-id", None, "the log"))
    failure = api.answer(call, FunctionError("x", request_id="the-id", result=InvocationResult(b"document")))

    assert (200, b"1") == (answer.status, answer.body)
    assert b"the log" == base64.b64decode(dict(answer.headers)["X-Fc-Log-Result"])
    assert (200, b"document") == (failure.status, failure.body)
    assert "UnhandledInvocationError" == dict(failure.headers)["X-Fc-Error-Type"]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (FunctionNotFoundError("gone"), (404, "FunctionNotFound")),
        (PayloadTooLargeError("large"), (400, "EntityTooLarge")),
        (ThrottledError("full"), (429, "ResourceExhausted")),
        (ProviderUnavailableError("no thread"), (500, "InternalServerError")),
        (InvalidRequestError("odd"), (400, "InvalidArgument")),
    ],
)
def test_what_is_refused_below_is_an_error_of_the_service(outcome: Any, expected: tuple[int, str]) -> None:
    """An error of fcall that is no function's own has the service's status and code."""
    api = Fc2Api()
    call = api.read(_old(), Catalogue())
    assert isinstance(call, Call)

    assert expected == _refusal(api.answer(call, outcome))


def test_the_servers_own_refusals_are_spelt_as_the_service_does() -> None:
    """A request that is too large or one too many, and a fault, have codes of the service."""
    problems = [_refusal(Fc2Api().problem(_old(), status, "words")) for status in (413, 429, 500, 503)]

    assert [
        (400, "EntityTooLarge"),
        (429, "ResourceExhausted"),
        (500, "InternalServerError"),
        (503, "ResourceThrottled"),
    ] == problems


def test_functions_are_listed_as_the_service_does() -> None:
    """A record of a listing has the handler, the time-out and the date."""
    answer = Fc2Api().read(Request("GET", "/2016-08-15/services/images/functions?prefix=re"), Catalogue())
    assert isinstance(answer, Answer)
    (record,) = json.loads(answer.body)["functions"]

    assert ("resize", "app/handlers.resize", 8) == (record["functionName"], record["handler"], record["timeout"])
    assert "2026-01-01T00:00:00Z" == record["lastModifiedTime"]


def test_an_unsigned_request_is_refused_where_keys_are_given() -> None:
    """Each API says in its own way that nobody signed."""
    assert (403, "AccessDenied") == _refusal(Fc2Api().verify(_old(), {"key": "secret"}))
    assert (401, "InvalidCredentials") == _refusal(Fc3Api().verify(_new(), {"key": "secret"}))


def test_the_usage_names_the_clients() -> None:
    """There are lines to paste for each SDK, with URL and function in them."""
    usage = {**Fc2Api().usage("http://127.0.0.1:9700", RESIZE), **Fc3Api().usage("http://127.0.0.1:9700", RESIZE)}

    assert ["aliyun-fc2", "Node, @alicloud/fc2", "alibabacloud-fc20230330"] == [*usage]
    assert all("127.0.0.1:9700" in "\n".join(lines) and "resize" in "\n".join(lines) for lines in usage.values())
