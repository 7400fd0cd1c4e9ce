"""The double for the functions that a test's code calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextvars import copy_context
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

import fcall
from fcall.errors import (
    AccessDeniedError,
    Executed,
    FcallError,
    FunctionError,
    InvalidParamsError,
    ThrottledError,
    UnmappedProviderError,
)
from fcall.testing import FcallMock, MockedCall


@pytest.fixture
def mock() -> Iterator[FcallMock]:
    """A mock that is active, without the check at the end that the fixture `fcall_mock` makes."""
    with FcallMock().active() as mock:
        yield mock


@pytest.mark.parametrize("value", [{"width": 1}, [1, 2], "text", None, 0, False])
def test_a_route_returns_a_value(mock: FcallMock, client: fcall.Client, value: Any) -> None:
    """A JSON value is what the function answers, again and again; a list too is one value."""
    mock.route("images/resize", returns=value)

    assert [value, value] == [client.invoke("images/resize").json() for _ in range(2)]
    assert [] == mock.faults()


@dataclass
class Resized:
    name: str
    taken: date


def test_a_record_is_an_answer_too(mock: FcallMock, client: fcall.Client) -> None:
    """What a handler may return, a route may: as a value, in a sequence, and from a function."""
    resized = Resized("ada.png", date(2026, 11, 21))
    mock.route("images/resize", returns=resized)
    mock.route("images/crop", sequence=[resized])
    mock.route("images/pad", function=lambda event: [resized])

    assert {"name": "ada.png", "taken": "2026-11-21"} == client.invoke("images/resize").json()
    assert resized == client.function("images/crop", response=Resized)({})
    assert [resized] == client.function("images/pad", response=list[Resized])({})


@pytest.mark.parametrize("answers", [{"returns": {1, 2}}, {"sequence": [1, float("nan")]}])
def test_an_answer_that_json_cannot_carry_is_the_tests_mistake(mock: FcallMock, answers: dict[str, Any]) -> None:
    """It is found where the route is made, and is no failure of the function."""
    with pytest.raises(InvalidParamsError, match=r"^the answer is not JSON"):
        mock.route("images/resize", **answers)


def test_bytes_and_whole_results_are_answers_as_they_are(mock: FcallMock, client: fcall.Client) -> None:
    """What is no JSON, or needs a request id of its own, can be returned too."""
    mock.route("raw", returns=b"\xff")
    mock.route("whole", returns=fcall.InvocationResult(b"1", request_id="r", log_tail="log"))
    result = client.invoke("whole", log_tail=True)

    assert b"\xff" == client.invoke("raw").payload
    assert ("r", "log", "mock") == (result.request_id, result.log_tail, result.provider)


def test_an_error_of_fcall_reaches_the_caller(mock: FcallMock, client: fcall.Client) -> None:
    """It comes with what the call knows, without a retry that a test would wait for, and is not itself changed."""
    error = ThrottledError("busy", retry_after=5)
    route = mock.route("images/resize", raises=error)
    with pytest.raises(ThrottledError, match="busy") as raised:
        client.invoke("images/resize")

    assert ("images", "resize", 5, 1) == (
        raised.value.service,
        raised.value.function,
        raised.value.retry_after,
        len(raised.value.attempts),
    )
    assert (None, (), 1) == (error.function, error.attempts, len(route.calls))


def test_a_class_of_error_will_do(mock: FcallMock, client: fcall.Client) -> None:
    """Where the words do not matter, the class is enough."""
    mock.route("a", raises=AccessDeniedError)
    mock.route("b", raises=KeyError)

    with pytest.raises(AccessDeniedError, match="raised by fcall_mock"):
        client.invoke("a")
    with pytest.raises(FunctionError, match="KeyError"):
        client.invoke("b")


def test_any_other_exception_is_the_functions_own(mock: FcallMock, client: fcall.Client) -> None:
    """The caller sees what a function that raises looks like: it ran, and has a type, a message and a document."""
    mock.route("images/resize", raises=OSError("the disk is full"))
    with pytest.raises(FunctionError) as raised:
        client.invoke("images/resize")

    assert (Executed.YES, "OSError", "the disk is full") == (
        raised.value.executed,
        raised.value.error_type,
        raised.value.error_message,
    )
    assert raised.value.result is not None
    assert "OSError" == raised.value.result.json()["errorType"]


def test_a_sequence_has_an_answer_for_each_call(mock: FcallMock, client: fcall.Client) -> None:
    """Values are returned and exceptions raised, in order; one call more is a failure of the test."""
    mock.route("images/resize", sequence=[1, AccessDeniedError("no"), [2]])

    assert 1 == client.invoke("images/resize").json()
    with pytest.raises(AccessDeniedError):
        client.invoke("images/resize")
    assert ["images/resize was not called for the last 1 of its answers"] == mock.faults()
    assert [2] == client.invoke("images/resize").json()
    assert [] == mock.faults()
    with pytest.raises(AssertionError, match="its sequence is at its end"):
        client.invoke("images/resize")
    assert 1 == len(mock.faults())


def test_a_function_answers_by_the_event(mock: FcallMock, client: fcall.Client) -> None:
    """It gets the decoded event, and what it raises is the function's own failure; a DryRun does not run it."""
    seen = []
    mock.route("halve", function=lambda event: seen.append(event) or event["width"] // 2)
    client.check("halve", {"width": 1})

    assert 320 == client.invoke("halve", {"width": 640}).json()
    assert b"320" == b"".join(client.stream("halve", {"width": 640}))
    with pytest.raises(FunctionError, match="KeyError"):
        client.invoke("halve", {})
    assert [{"width": 640}, {"width": 640}, {}] == seen


def test_async_calls_are_accepted(mock: FcallMock, client: fcall.Client) -> None:
    """A function runs, and how it fails is nobody's to see; an error of fcall is the caller's all the same."""
    seen: list[Any] = []
    mock.route("index", function=seen.append)
    mock.route("fails", raises=ValueError("unseen"))
    mock.route("refused", raises=ThrottledError)

    assert (202, "mock") == (client.enqueue("index", 1).status_code, client.enqueue("fails").provider)
    assert [1] == seen
    with pytest.raises(ThrottledError):
        client.enqueue("refused")


def test_calls_are_remembered(mock: FcallMock, client: fcall.Client) -> None:
    """Every call has its target, type, event and parameters, with its route and in the order of all calls."""
    resize = mock.route("images/resize", returns=1)
    mock.route("images/index", returns=None)
    client.invoke("images/resize:prod", {"width": 1}, context={"custom": {"a": 1}}, timeout=5, idempotent=True)
    client.enqueue("images/index", payload=b"\xff", idempotency_key="k", options={"any": 1})
    client.check("images/resize")

    assert ["images/resize:prod", "images/index", "images/resize"] == [call.target for call in mock.calls]
    assert ["Sync", "Async", "DryRun"] == [call.type for call in mock.calls]
    assert [{"width": 1}, b"\xff", None] == [call.event for call in mock.calls]
    assert [mock.calls[0], mock.calls[2]] == resize.calls
    assert MockedCall("images/resize:prod", "Sync", b'{"width":1}', {"custom": {"a": 1}}, 5.0, True) == mock.calls[0]
    assert ("k", {"any": 1}) == (mock.calls[1].idempotency_key, mock.calls[1].options)


def test_a_call_shows_no_content() -> None:
    """The repr of a call holds no payload, no context and no key."""
    call = MockedCall("f", "Sync", b"hunter2", {"custom": {"a": "hunter2"}}, idempotency_key="hunter2")

    assert "hunter2" not in repr(call)


def test_an_unexpected_call_fails_at_once_and_again(mock: FcallMock, client: fcall.Client) -> None:
    """It is no error of fcall that the application might handle; and where it catches everything, the fault stays."""
    mock.route("images/resize", returns=1)
    with pytest.raises(AssertionError, match=r"images/rezise was called, and .* \(did you mean 'images/resize'\?\)"):
        client.invoke("images/rezise")

    assert 2 == len(mock.faults())
    assert "images/rezise was called, and no route expects it" in mock.faults()[0]
    assert "images/resize was never called" == mock.faults()[1]


def test_a_failed_assertion_in_a_function_is_not_lost(mock: FcallMock, client: fcall.Client) -> None:
    """What a test asserts about an event fails the test, even where the application handles every error."""

    def checking(event: Any) -> None:
        raise AssertionError("wrong width")

    mock.route("images/resize", function=checking)
    with pytest.raises(UnmappedProviderError) as raised:
        client.invoke("images/resize")

    assert isinstance(raised.value.__cause__, AssertionError)
    assert ["an assertion about images/resize failed: wrong width"] == mock.faults()


def test_qualifiers_have_routes_of_their_own(mock: FcallMock, client: fcall.Client) -> None:
    """A route with a qualifier is for that one, and one without for all others."""
    mock.route("f:prod", returns="prod")
    mock.route("f", returns="any")
    mock.route("g:prod", returns="g")

    assert ["prod", "prod", "any", "any"] == [
        client.invoke(target, qualifier=qualifier).json()
        for target, qualifier in (("f:prod", None), ("f", "prod"), ("f:dev", None), ("f", None))
    ]
    assert "g" == client.invoke("g", qualifier="prod").json()
    with pytest.raises(FcallError):
        client.invoke("g", qualifier="dev")
    assert ["g:dev was called, and no route expects it; there is f, f:prod, g:prod"] == mock.faults()


def test_every_kind_of_target_can_be_routed(mock: FcallMock) -> None:
    """ARNs, targets past the configuration, and the portable contract are named as the application writes them."""
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:resize"
    mock.route(arn, returns="arn")
    mock.route("local:app/handlers.py:resize", returns="code")
    mock.route("images/resize", returns="named")
    params = {"serviceName": "images", "functionName": "resize", "provider": "aws", "payload": {}}

    assert "arn" == fcall.Client().invoke(arn).json()
    assert "code" == fcall.Client().invoke("local:app/handlers.py:resize?runtime=fc").json()
    assert b'"named"' == fcall.invoke_function(params)["payload"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one of"),
        ({"returns": 1, "raises": ValueError}, "exactly one of"),
        ({"returns": None, "function": print}, "exactly one of"),
        ({"raises": "ThrottledError"}, "raises is an exception, not a str; what is answered is returns"),
        ({"raises": int}, "raises is an exception"),
        ({"function": {"width": 1}}, "function is called with the event, and a dict cannot be"),
    ],
)
def test_a_route_has_one_kind_of_answer(mock: FcallMock, arguments: dict[str, Any], message: str) -> None:
    """No answer, two kinds of them, or one that is not of its kind, is a mistake of the test."""
    with pytest.raises(InvalidParamsError, match=message):
        mock.route("f", **arguments)


def test_a_route_is_made_once_for_what_can_be_called(mock: FcallMock) -> None:
    """A second route for a target, or a target that no call could have, is a mistake of the test."""
    mock.route("f", returns=1)

    with pytest.raises(InvalidParamsError, match="'f' has a route already"):
        mock.route("f", returns=2)
    with pytest.raises(InvalidParamsError, match="has an empty part"):
        mock.route("images/", returns=1)


def test_tasks_and_copied_contexts_are_answered_and_other_threads_are_not(
    client: fcall.Client, registry: fcall.local.Registry
) -> None:
    """A mock is held in a context variable: it goes where the context goes, and nowhere else."""
    registry.function("f")(lambda event, context: "real")
    answers: list[Any] = []

    def call() -> None:
        answers.append(client.invoke("f").json())

    async def task() -> None:
        call()

    with FcallMock().active() as mock:
        mock.route("f", returns="mocked")
        asyncio.run(task())
        for target in (copy_context().run, lambda function: function()):
            thread = threading.Thread(target=target, args=(call,))
            thread.start()
            thread.join()
    call()

    assert ["mocked", "mocked", "real", "real"] == answers


def test_a_sequence_is_handed_out_once_to_many_threads(mock: FcallMock, client: fcall.Client) -> None:
    """Each answer of a sequence goes to exactly one call."""
    mock.route("f", sequence=list(range(200)))
    answers: list[int] = []

    def call() -> None:
        answers.extend(client.invoke("f").json() for _ in range(25))

    threads = [threading.Thread(target=copy_context().run, args=(call,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(range(200)) == sorted(answers)
