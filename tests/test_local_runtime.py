"""Running a handler: what it gets, what comes back, and what becomes of its failures."""

from __future__ import annotations

import decimal
import json
import sys
import threading
import traceback
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall.errors import (
    Executed,
    FunctionCrashedError,
    FunctionError,
    FunctionLoadError,
    FunctionResponseError,
    FunctionTimeoutError,
    InvalidPayloadError,
    InvocationTimeoutError,
)
from fcall.local._options import LocalOptions
from fcall.local._provider import LocalProvider
from fcall.provider import Deadline, Invocation

ASCII_ONLY = sys.version_info < (3, 12)
"""Lambda's runtimes for newer Pythons write UTF-8."""


@pytest.fixture
def run(client: fcall.Client, registry: fcall.local.Registry) -> Callable[..., fcall.InvocationResult]:
    """Registers a handler and calls it with the client's `invoke`."""

    def run(handler: Callable[[Any, Any], Any], *event: Any, **parameters: Any) -> fcall.InvocationResult:
        registry.function("test/handler")(handler)
        return client.invoke("test/handler", *event, **parameters)

    return run


def failure(run: Callable[..., Any], handler: Callable[[Any, Any], Any], *event: Any, **parameters: Any) -> Any:
    with pytest.raises(fcall.FcallError) as caught:
        run(handler, *event, **parameters)
    return caught.value


def echo(event: Any, context: Any) -> Any:
    return event


# The event


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", {}),
        (b"null", None),
        (b'"Ada"', "Ada"),
        (b"[1, 2.5, true]", [1, 2.5, True]),
        (b' {"a": 1, "a": 2}\n', {"a": 2}),
        ('"Grüße, 世界 🌍"'.encode(), "Grüße, 世界 🌍"),
        (b'\xef\xbb\xbf{"mark": 1}', {"mark": 1}),
        (b"12345678901234567890123", 12345678901234567890123),
    ],
)
def test_the_event_is_the_payload_decoded(run: Any, payload: bytes, expected: Any) -> None:
    """Any JSON value is an event; an absent payload is an empty object, and null is None."""
    seen: list[Any] = []
    run(lambda event, context: seen.append(event), payload=payload)

    assert [expected] == seen


def test_no_event_and_none_are_two_things(run: Any) -> None:
    """Leaving the event out is not the same as sending null."""
    seen: list[Any] = []
    run(lambda event, context: seen.append(event))
    run(lambda event, context: seen.append(event), None)

    assert [{}, None] == seen


def test_the_event_is_the_handlers_own(run: Any) -> None:
    """Whatever the handler does to its event, the caller's object and the next call do not see it."""
    given = {"names": ["Ada"]}

    def spoil(event: Any, context: Any) -> Any:
        event["names"].append("spoilt")
        return event

    assert {"names": ["Ada", "spoilt"]} == run(spoil, given).json()
    assert {"names": ["Ada", "spoilt"]} == run(spoil, given).json()
    assert {"names": ["Ada"]} == given


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff\xfe",
        b'"\xc3\x28"',
        b"{'name': 'Ada'}",
        b'{"name": ',
        b"1 2",
        b" ",
        b"NaN",
        b'{"a": -Infinity}',
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"1" * 5_000, id="many digits"),
    ],
)
def test_what_is_no_event_does_not_run(run: Any, payload: bytes) -> None:
    """A payload that the runtime cannot decode is refused, is not tried again, and is not shown."""
    ran: list[Any] = []
    error = failure(run, lambda event, context: ran.append(event), payload=payload, idempotent=True)

    assert (InvalidPayloadError, Executed.NO, 1, []) == (type(error), error.executed, len(error.attempts), ran)
    assert "the payload is not JSON in UTF-8" in str(error)
    assert (None, None) == (error.__cause__, error.__context__)  # a decoder's error holds the whole payload


# The answer


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (None, b"null"),
        ("Grüße", b'"Gr\\u00fc\\u00dfe"' if ASCII_ONLY else '"Grüße"'.encode()),
        ((1, (2,)), b"[1, [2]]"),
        ({2: "a", None: "b", True: "c", 0.5: "d"}, b'{"2": "a", "null": "b", "true": "c", "0.5": "d"}'),
        (10**30, b"1" + b"0" * 30),
    ],
)
def test_the_answer_goes_through_json(run: Any, returned: Any, expected: bytes) -> None:
    """A tuple comes back as a list and every key as text, as over a network."""
    assert expected == run(lambda event, context: returned).payload


def test_half_a_character_is_written_as_the_runtime_of_this_python_does(run: Any) -> None:
    """Up to Python 3.11 it is escaped. Later runtimes of Lambda write UTF-8, and die of what UTF-8 does not have."""
    if ASCII_ONLY:
        assert b'"\\ud800"' == run(lambda event, context: "\ud800").payload
    else:
        assert FunctionCrashedError is type(failure(run, lambda event, context: "\ud800"))


def test_the_answer_is_a_copy(run: Any) -> None:
    """What a handler returned and keeps is not what the caller gets."""
    kept = {"names": ["Ada"]}
    result = run(lambda event, context: kept)
    kept["names"].append("spoilt")

    assert {"names": ["Ada"]} == result.json()


def circular() -> Any:
    circle: list[Any] = []
    circle.append(circle)
    return circle


def deep() -> Any:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    return value


class Shifty(dict[str, Any]):
    """A mapping that changes while it is read."""

    def items(self) -> Any:
        raise RuntimeError("dictionary changed size during iteration")


class MuteError(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise OSError("asked")


class Sullen(dict[str, Any]):
    """A mapping that cannot even say why it cannot be read."""

    def items(self) -> Any:
        raise MuteError


async def coroutine(event: Any, context: Any) -> None:
    raise AssertionError("nobody awaits it")


UNSENDABLE: list[Any] = [
    ({1}, "Object of type set is not JSON serializable"),
    ({"deep": [b"\xff"]}, "'utf-8' codec can't decode byte 0xff"),
    (object(), "Object of type object is not JSON serializable"),
    ({(1, 2): 3}, "keys must be str, int, float, bool or None, not tuple"),
    (circular(), "Circular reference detected"),
    pytest.param(10**5_000, "Exceeds the limit", id="many digits"),
    (Shifty(a=1), "dictionary changed size during iteration"),
]


@pytest.mark.parametrize(("returned", "words"), UNSENDABLE)
def test_what_json_cannot_carry_is_an_error(run: Any, returned: Any, words: str) -> None:
    """The function ran, its effects stand, and its answer cannot be sent."""
    error = failure(run, lambda event, context: returned)

    assert (FunctionResponseError, Executed.YES) == (type(error), error.executed)
    assert "Runtime.MarshalError" == error.error_type
    assert f"Unable to marshal response: {words}" in error.error_message


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (b"\xff as it is", b"\xff as it is"),
        ({"deep": [b"bytes"]}, b'{"deep": ["bytes"]}'),
        ([float("nan"), float("-inf")], b"[NaN, -Infinity]"),
        (decimal.Decimal("1.10"), b"1.10"),
    ],
)
def test_what_lambda_carries_beyond_json_is_carried(run: Any, returned: Any, expected: bytes) -> None:
    """Lambda's runtime is generous, and a function that works here has to work there."""
    assert expected == run(lambda event, context: returned).payload


def test_an_answer_whose_error_cannot_be_said_ends_the_process(run: Any) -> None:
    """Lambda's runtime dies of it; here the caller is told so, and lives."""
    error = failure(run, lambda event, context: Sullen(a=1))

    assert (FunctionCrashedError, Executed.YES, "Runtime.ExitError") == (type(error), error.executed, error.error_type)


def test_an_answer_that_is_too_deep_is_an_error(run: Any) -> None:
    """It is an error of ours, and no crash."""
    value = deep()
    error = failure(run, lambda event, context: value)

    assert (FunctionResponseError, "Runtime.MarshalError") == (type(error), error.error_type)
    assert "maximum recursion depth exceeded" in error.error_message


def test_a_coroutine_is_no_answer(run: Any) -> None:
    """A handler is a plain function; one that has to be awaited says so."""
    made: list[Any] = []

    def handler(event: Any, context: Any) -> Any:
        made.append(coroutine(event, context))
        return made[0]

    error = failure(run, handler)
    made[0].close()

    assert "Object of type coroutine is not JSON serializable" in error.error_message


# Failures


def test_an_exception_is_a_function_error(run: Any) -> None:
    """It has the exception's type, message and stack, from the handler's own frame on."""

    def work() -> int:
        raise KeyError("name")

    def handler(event: Any, context: Any) -> int:
        return 1 + work()

    error = failure(run, handler)

    assert (FunctionError, Executed.YES, 200) == (type(error), error.executed, error.status_code)
    assert ("KeyError", "'name'") == (error.error_type, error.error_message)
    assert ["in handler\n    return 1 + work()\n", 'in work\n    raise KeyError("name")\n'] == [
        frame[frame.index("in ") :] for frame in error.stack_trace
    ]
    assert isinstance(error.__cause__, KeyError)
    assert error.request_id
    assert "the function failed: KeyError: 'name'" in str(error)


def test_the_raw_error_document_comes_along(run: Any) -> None:
    """It is in the result's payload, as Lambda's runtime writes it."""
    error = failure(run, lambda event, context: 1 / 0)

    assert {
        "errorMessage": "division by zero",
        "errorType": "ZeroDivisionError",
        "requestId": error.request_id,
        "stackTrace": list(error.stack_trace),
    } == error.result.json()
    assert ["errorMessage", "errorType", "requestId", "stackTrace"] == list(error.result.json())
    assert ("$LATEST", "local") == (error.result.executed_version, error.result.provider)


@pytest.mark.parametrize(
    "error", [TimeoutError("t"), MemoryError(), RecursionError("r"), StopIteration(5), OSError(2, "x")]
)
def test_any_exception_of_the_handler_is_the_functions(run: Any, error: Exception) -> None:
    """A class of a name that we or Python use elsewhere stays an ordinary failure of the function."""

    def handler(event: Any, context: Any) -> None:
        raise error

    raised = failure(run, handler)

    assert (FunctionError, type(error).__name__, str(error)) == (type(raised), raised.error_type, raised.error_message)
    assert 1 == len(raised.attempts)


def test_the_wrong_number_of_arguments_is_the_functions_failure(run: Any) -> None:
    """A handler takes event and context; one that does not fails when it is called, and has no frame of its own."""
    error = failure(run, lambda event: None)

    assert "TypeError" == error.error_type
    assert [True] == ["handler(event, context)" in frame for frame in error.stack_trace]  # the runtime's own
    assert "takes 1 positional argument but 2 were given" in error.error_message


def test_repeated_frames_are_counted(run: Any) -> None:
    """A function that calls itself without end fails as it does on Lambda, with a stack that can be read."""

    def forever(event: Any, context: Any) -> Any:
        return forever(event, context)

    error = failure(run, forever)

    assert (FunctionError, "RecursionError") == (type(error), error.error_type)
    assert len(error.stack_trace) < 10
    assert "[Previous line repeated" in "".join(error.stack_trace)


@pytest.mark.parametrize(
    ("raised", "how"),
    [
        (SystemExit(3), "Runtime exited with error: exit status 3"),
        (SystemExit(), "Runtime exited without providing a reason"),
        (SystemExit(0), "Runtime exited without providing a reason"),
        (SystemExit("bye"), "Runtime exited with error: exit status 1"),
        (GeneratorExit(), "Runtime exited with error: exit status 1"),
        (BaseExceptionGroup("both", [SystemExit(2)]), "Runtime exited with error: exit status 1"),
        (MuteError(), "Runtime exited with error: exit status 1"),
    ],
)
def test_what_ends_a_process_is_a_crash(run: Any, raised: BaseException, how: str) -> None:
    """Leaving by sys.exit() or the like ends the function, and not the program that called it."""

    def handler(event: Any, context: Any) -> None:
        raise raised

    error = failure(run, handler)

    assert (FunctionCrashedError, Executed.YES) == (type(error), error.executed)
    assert "Runtime.ExitError" == error.error_type
    assert f"RequestId: {error.request_id} Error: {how}" == error.error_message
    assert {"errorMessage", "errorType"} == error.result.json().keys()


def test_sys_exit_does_not_end_the_caller(run: Any) -> None:
    """The caller goes on with an error that it can catch."""
    error = failure(run, lambda event, context: sys.exit("goodbye"))

    assert isinstance(error, FunctionCrashedError)


def test_ctrl_c_gets_through(run: Any) -> None:
    """On the main thread an interrupt ends the call as it ends everything, with a note that it may have run."""

    def handler(event: Any, context: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        run(handler)

    assert "executed: MAYBE" in caught.value.__notes__[0]


def test_an_interrupt_that_a_handler_makes_up_is_a_crash(run: Any) -> None:
    """On another thread nobody pressed Ctrl-C."""

    def handler(event: Any, context: Any) -> None:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool:
        error = pool.submit(run, handler).exception(10)

    assert isinstance(error, FunctionCrashedError)


def test_an_error_document_holds_any_words(run: Any) -> None:
    """Words that are no proper text are still written down, and shown on one line."""
    words = "line\nline \ud800\x1b[31m" if ASCII_ONLY else "line\nline \x1b[31m"

    def handler(event: Any, context: Any) -> None:
        raise ValueError(words)

    error = failure(run, handler)

    assert words == error.result.json()["errorMessage"]
    assert str(error).isprintable()


# Functions that call functions


def test_a_handler_may_call_a_function(run: Any, client: fcall.Client, registry: fcall.local.Registry) -> None:
    """A function that calls another one gets its answer, also its failure as an exception of its own."""
    registry.function("test/inner")(lambda event, context: 10 // event["by"])

    def outer(event: Any, context: Any) -> Any:
        try:
            return client.invoke("test/inner", event).json()
        except FunctionError as error:
            return error.error_type

    assert 5 == run(outer, {"by": 2}).json()
    assert "ZeroDivisionError" == run(outer, {"by": 0}).json()


def test_a_failure_comes_through_several_functions(run: Any, client: fcall.Client, registry: Any) -> None:
    """The error of an inner call that nobody catches is the failure of the outer function."""
    registry.function("test/inner")(lambda event, context: 1 / 0)
    error = failure(run, lambda event, context: client.invoke("test/inner").json())

    assert (FunctionError, "FunctionError", "handler") == (type(error), error.error_type, error.function)
    assert "ZeroDivisionError" in error.error_message


def test_a_function_that_calls_itself_without_end_is_an_error(run: Any, client: fcall.Client, registry: Any) -> None:
    """It ends in an error of ours that can be read, and the client works as before."""

    def forever(event: Any, context: Any) -> Any:
        return client.invoke("test/handler", event).json()

    error = failure(run, forever)

    assert (FunctionError, Executed.YES) == (type(error), error.executed)
    assert len(str(error)) < 2_000
    assert len(traceback.format_exception_only(error)) == 1
    registry.function("test/echo")(echo)
    assert {"fine": 1} == client.invoke("test/echo", {"fine": 1}).json()


# Time


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_function_that_takes_too_long_is_an_error() -> None:
    """It is noticed when the function returns, says YES, and is the platform's error, without a stack."""
    clock, registry = Clock(), fcall.local.Registry()
    provider = LocalProvider(LocalOptions(function_timeout=3, registry=registry), clock)
    seen: list[int] = []

    @registry.function("test/slow")
    def slow(event: Any, context: Any) -> None:
        seen.append(context.get_remaining_time_in_millis())
        clock.now += event
        seen.append(context.get_remaining_time_in_millis())

    invocation = Invocation("slow", "test", payload=b"2.5")
    provider.invoke(invocation, Deadline.after(60, clock))
    with pytest.raises(FunctionTimeoutError) as caught:
        provider.invoke(Invocation("slow", "test", payload=b"3.5"), Deadline.after(60, clock))
    error = caught.value

    assert [3000, 500, 3000, 0] == seen
    assert ("Sandbox.Timedout", Executed.YES) == (error.error_type, error.executed)
    assert f"RequestId: {error.request_id} Error: Task timed out after 3.00 seconds" == error.error_message


def test_an_answer_after_the_callers_patience_is_an_error(run: Any) -> None:
    """The function ran to its end, and the error says so."""
    ran: list[int] = []

    def handler(event: Any, context: Any) -> None:
        threading.Event().wait(0.02)
        ran.append(1)

    error = failure(run, handler, timeout=0.01, idempotent=True)

    assert (InvocationTimeoutError, Executed.YES, [1]) == (type(error), error.executed, ran)
    assert "the function ended after the caller's time-out" in str(error)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), 86_401])
def test_a_limit_without_sense_is_an_error(seconds: float) -> None:
    """`function_timeout` has bounds."""
    with pytest.raises(fcall.errors.InvalidParamsError, match="function_timeout is over 0 and at most 86400 seconds"):
        fcall.Client(provider="local", function_timeout=seconds).invoke("x")


def test_a_target_may_set_the_limit(client: fcall.Client) -> None:
    """``?function_timeout=`` is an option that stands in a target."""
    Path("slow.py").write_text("import time\ndef handler(event, context): time.sleep(0.02)")
    with pytest.raises(FunctionTimeoutError, match=r"timed out after 0\.01 seconds"):
        client.invoke("local:slow.py:handler?function_timeout=0.01")


# The context


def test_the_context_says_what_is_called(run: Any, client: fcall.Client) -> None:
    """Its members are those of Lambda's context."""
    seen: list[Any] = []
    result = run(lambda event, context: seen.append(context), qualifier="prod", timeout=5)
    context = seen[0]

    assert result.request_id == context.aws_request_id
    assert ("handler", "$LATEST", "128") == (
        context.function_name,
        context.function_version,
        context.memory_limit_in_mb,
    )
    assert "arn:aws:lambda:us-east-1:000000000000:function:handler:prod" == context.invoked_function_arn
    assert ("/aws/lambda/handler", "local") == (context.log_group_name, context.log_stream_name)
    assert (None, None) == (context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id)
    assert context.client_context is None
    assert 0 < context.get_remaining_time_in_millis() <= 3000
    assert repr(context).startswith(f"LambdaContext([aws_request_id={result.request_id},log_group_name=")


def test_without_a_qualifier_the_arn_has_none(run: Any) -> None:
    """The function's ARN ends in its name."""
    seen: list[str] = []
    run(lambda event, context: seen.append(context.invoked_function_arn))

    assert ["arn:aws:lambda:us-east-1:000000000000:function:handler"] == seen


def test_the_context_logs_to_standard_output(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """``context.log`` writes what it is given, and no line end."""
    run(lambda event, context: context.log("as it is"))

    assert ("as it is", "") == capsys.readouterr()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (None, None, None)),
        ({"custom": {"trace": "4bf92f"}}, ({"trace": "4bf92f"}, None, None)),
        ('{"custom": {}, "env": {"a": 1}}', ({}, {"a": 1}, None)),
        ("eyJjdXN0b20iOiB7ImIiOiAyfX0=", ({"b": 2}, None, None)),
    ],
)
def test_the_invoker_context_is_the_client_context(run: Any, given: Any, expected: Any) -> None:
    """Whichever way it was spelt, the handler sees its keys as attributes."""
    seen: list[Any] = []
    run(lambda event, context: seen.append(context.client_context), context=given)

    assert expected == (seen[0].custom, seen[0].env, seen[0].client)


def test_a_mobile_client_is_an_object(run: Any) -> None:
    """The client in a client context has the attributes that Lambda gives it, and no others."""
    seen: list[Any] = []
    run(lambda event, context: seen.append(context.client_context.client), context={"client": {"app_title": "t"}})

    assert ("t", None) == (seen[0].app_title, seen[0].app_version_name)


def test_a_context_that_cannot_be_made_did_not_run_the_handler(run: Any) -> None:
    """A client that is no object is the runtime's own failure, as on Lambda: the handler was not called."""
    seen: list[Any] = []
    error = failure(run, lambda event, context: seen.append(event), context={"client": "text"})

    assert [] == seen
    assert (FunctionLoadError, "AttributeError") == (type(error), error.error_type)
    assert error.executed is Executed.NO


def test_every_key_of_the_invoker_context_travels(run: Any) -> None:
    """The local provider carries the whole object; as text it is what Lambda shows of it."""
    seen: list[Any] = []
    run(lambda event, context: seen.append(context.client_context), context={"anything": "s3cret", "__class__": 1})

    assert "s3cret" == seen[0].anything
    assert "ClientContext([custom=None,env=None,client=None])" == repr(seen[0])


def test_the_context_is_the_handlers_own(run: Any, client: fcall.Client) -> None:
    """An attempt that is made again gets a context that nobody has changed, and the caller's object stays as it is."""
    given: dict[str, Any] = {"custom": {"seen": []}}
    seen: list[Any] = []

    def handler(event: Any, context: Any) -> Any:
        context.client_context.custom["seen"].append(len(seen))
        seen.append(context.client_context.custom["seen"])
        if len(seen) < 2:
            raise ConnectionResetError
        return None

    config = {"defaults": {"provider": "local", "retry_error_types": ["ConnectionResetError"]}}
    registry = fcall.local.Registry()
    registry.function("handler")(handler)
    again = fcall.Client(config, provider="local", registry=registry)
    result = again.invoke("handler", context=given, idempotent=True)

    assert 2 == len(result.attempts)
    assert [[0], [1]] == seen
    assert {"custom": {"seen": []}} == given


def test_every_call_has_an_id_of_its_own(run: Any) -> None:
    """Request ids are UUIDs of version 4, and no two are the same."""
    ids = {run(echo).request_id for _ in range(100)}

    assert 100 == len(ids)
    assert {4} == {uuid.UUID(each).version for each in ids}
    assert {uuid.RFC_4122} == {uuid.UUID(each).variant for each in ids}


def test_context_variables_are_the_callers(run: Any) -> None:
    """A Sync call runs on the caller's thread and sees what the caller set."""
    variable = ContextVar("variable", default="unset")
    variable.set("set")

    assert ["set", threading.current_thread().name] == run(
        lambda event, context: [variable.get(), threading.current_thread().name]
    ).json()


def test_json_is_written_as_on_lambda(run: Any) -> None:
    """Separators and escapes are those of Lambda's runtime, so that a byte for byte comparison holds."""
    value = {"a": [1, "ü"], "b": None}

    expected = json.dumps(value, ensure_ascii=ASCII_ONLY).encode()

    assert expected == run(lambda event, context: value).payload
