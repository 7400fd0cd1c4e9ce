"""The shortcut: calls that nobody watches are made without botocore, and Lambda sees the same requests."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from fcall_aws._shortcut import Shortcut

from fcall.errors import FcallError

VARYING = {"x-amz-date", "authorization", "amz-sdk-invocation-id", "x-amz-security-token"}


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each attempt whether it took the shortcut."""
    seen: list[bool] = []
    invoke = Shortcut.invoke

    def watched(*given: Any) -> Any:
        seen.append(True)
        result = invoke(*given)
        seen[-1] = result is not None
        return result

    monkeypatch.setattr(Shortcut, "invoke", watched)
    return seen


def headers(line: Any) -> list[dict[str, str]]:
    """What each request said, but for what differs from call to call."""
    return [
        {name.lower(): value for name, value in request.headers.items() if name.lower() not in VARYING}
        for request in line.server.requests
    ]


@pytest.mark.parametrize("verb", ["sync", "queue", "dry"])
@pytest.mark.parametrize("more", [{}, {"context": {"custom": {"a": "ü"}}, "log_tail": True}], ids=["bare", "more"])
def test_lambda_sees_the_same(line: Callable[..., Any], taken: list[bool], verb: str, more: dict[str, Any]) -> None:
    """botocore makes the first call and we make the others: requests and results are the same."""
    more = more if verb == "sync" else {}
    one = line()
    values = [getattr(one, verb)({"a": 1}, **more).value for _ in range(4)]
    heads = headers(one)

    assert [False, True, True, True] == taken
    assert [heads[0]] * 4 == heads
    assert verb != "sync" or [b'{"a": 1}'] * 4 == [value.replace(b'"a":1', b'"a": 1') for value in values]


def test_failures_are_the_same(line: Callable[..., Any], taken: list[bool]) -> None:
    """A function's failure and Lambda's refusals read as they do by way of botocore."""
    one = line(attempts=1)

    def told(name: str) -> tuple[Any, ...]:
        with pytest.raises(FcallError) as caught:
            one.client.invoke(name, {})
        error = caught.value
        words = str(error).replace(str(error.request_id), "")
        return type(error), error.code, error.status_code, error.executed, words, getattr(error, "error_type", None)

    for name in ("fail", "nowhere"):
        outcomes = [told(name) for _ in range(3)]

        assert [outcomes[0]] * 3 == outcomes
    assert [False, True, True] * 2 == taken


def test_who_listens_is_told(line: Callable[..., Any], taken: list[bool]) -> None:
    """As soon as somebody listens, or wants botocore's log, botocore makes the calls again."""
    one = line()
    for _ in range(3):
        one.sync("warm")
    client = sdk_client_of(one)
    told: list[str] = []

    def listen(**_: Any) -> None:
        told.append("told")

    client.meta.events.register("before-parameter-build.lambda.Invoke", listen)
    one.sync("listened")
    client.meta.events.unregister("before-parameter-build.lambda.Invoke", listen)
    one.sync("again")
    logging.getLogger("botocore").setLevel(logging.DEBUG)
    try:
        one.sync("logged")
    finally:
        logging.getLogger("botocore").setLevel(logging.NOTSET)

    assert [False, True, True, False, True, False] == taken
    assert ["told"] == told


def sdk_client_of(one: Any) -> Any:
    """The boto3 client of a line."""
    (route,) = one.client._router.routes(one.client._router.target("echo"))
    (client,) = route.provider._clients._made.values()
    return client
