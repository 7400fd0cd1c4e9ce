"""The fc and linkedge runtimes: a handler's caller gets what Function Compute, or a gateway, gives."""

from __future__ import annotations

import gc
import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from parity.fc_corpus import FC_CASES, FCCase

from fcall import Client
from fcall.errors import (
    FunctionCrashedError,
    FunctionError,
    FunctionLoadError,
    FunctionResponseError,
    FunctionTimeoutError,
    UnsupportedFeatureError,
)

Made = Callable[..., Client]


@pytest.fixture(params=["inline", "process"])
def isolation(request: pytest.FixtureRequest) -> str:
    """Both isolations."""
    return str(request.param)


@pytest.fixture
def client(tmp_path: Path, isolation: str) -> Iterator[Made]:
    """Clients of functions in ``m.py``, whose code is given."""
    made: list[Client] = []

    def make(code: str, runtime: str = "fc", **options: Any) -> Client:
        (tmp_path / "m.py").write_text(textwrap.dedent(code), encoding="utf-8")
        given = {"provider": "local", "root": str(tmp_path), "isolation": isolation, "runtime": runtime, **options}
        made.append(Client({"defaults": given}))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def _tidied() -> Iterator[None]:
    """A coroutine that nobody awaits is warned of when it is collected, which is to be here and not in a later test."""
    yield
    gc.collect()


@pytest.mark.usefixtures("_tidied")
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize("case", FC_CASES, ids=lambda case: f"{case.about}-{case.what}")
def test_an_outcome_is_the_documented_or_observed_one(case: FCCase, client: Made, isolation: str) -> None:
    """Each handler gives what the runtime is documented, or was seen, to give."""
    if case.ends and isolation == "inline":
        pytest.skip("it would end this process")
    call = client(case.code)
    if case.answer is not None:
        assert case.answer == call.invoke("local:m.py:handler", payload=case.event).payload
        return
    with pytest.raises(case.error) as caught:
        call.invoke("local:m.py:handler", payload=case.event)

    assert type(caught.value) is case.error
    assert (case.error_type, case.error_message) == (caught.value.error_type, caught.value.error_message)
    assert case.error_message == _document(caught.value)["errorMessage"]


def _document(error: FunctionError) -> dict[str, Any]:
    assert error.result is not None
    document: dict[str, Any] = json.loads(error.result.payload)
    return document


def test_a_stack_trace_is_a_list_of_lists(client: Made, tmp_path: Path) -> None:
    """Each frame of the function's own is a list of file, line, name and source; the runtime's is not among them."""
    code = """\
        def handler(event, context):
            return inner()

        def inner():
            raise ValueError("deep")
    """
    with pytest.raises(FunctionError) as caught:
        client(code).invoke("local:m.py:handler")
    file = f'File "{tmp_path / "m.py"}"'

    assert [
        [file, "line 2", "in handler", "return inner()"],
        [file, "line 5", "in inner", 'raise ValueError("deep")'],
    ] == _document(caught.value)["stackTrace"]
    assert ["errorMessage", "errorType", "stackTrace"] == list(_document(caught.value))
    assert 2 == len(caught.value.stack_trace)


def test_a_load_failure_has_a_flat_stack_trace(client: Made) -> None:
    """It is how a load failure is told from an exception that a handler named likewise."""
    with pytest.raises(FunctionLoadError) as caught:
        client("raise ValueError('at import')\n").invoke("local:m.py:handler")

    assert ["ValueError: at import\n"] == _document(caught.value)["stackTrace"]


def test_what_the_platform_reports_is_a_message_alone(client: Made) -> None:
    """An ended process has no error document of its own."""
    with pytest.raises(FunctionCrashedError) as caught:
        client("import sys\ndef handler(event, context): sys.exit(1)\n").invoke("local:m.py:handler")

    assert ["errorMessage"] == list(_document(caught.value))


def test_a_time_out_has_its_words(client: Made) -> None:
    """A function over its limit fails with the vendor's text."""
    call = client("import time\ndef handler(event, context): time.sleep(0.4)\n", function_timeout=0.2)
    with pytest.raises(FunctionTimeoutError) as caught:
        call.invoke("local:m.py:handler")

    assert "Function time out after 0.2 seconds" == caught.value.error_message


def test_globals_are_kept_between_events(client: Made) -> None:
    """A module is loaded once, and lives on after an exception."""
    code = """\
        served = 0

        def handler(event, context):
            global served
            served += 1
            return 1 / 0 if event == b"fail" else served
    """
    call = client(code)
    first = call.invoke("local:m.py:handler").json()
    with pytest.raises(FunctionError):
        call.invoke("local:m.py:handler", payload=b"fail")

    assert (1, 3) == (first, call.invoke("local:m.py:handler").json())


def test_the_qualifier_is_the_service_s(client: Made) -> None:
    """The context says which version was asked for."""
    call = client("def handler(event, context): return context.service.qualifier\n")

    assert "prod" == call.invoke("local:m.py:handler", qualifier="prod").text


def test_an_invoker_context_is_refused(client: Made) -> None:
    """Function Compute has no place for one, so it is not dropped in silence."""
    with pytest.raises(UnsupportedFeatureError):
        client("def handler(event, context): return 1\n").invoke("local:m.py:handler", context={"custom": {}})


def test_a_log_is_framed_by_the_vendor_s_lines(tmp_path: Path) -> None:
    """The log tail of a process begins and ends with the lines that Function Compute writes."""
    (tmp_path / "m.py").write_text("def handler(event, context):\n    print('hello')\n    return 1 / len(event)\n")
    options = {"provider": "local", "root": str(tmp_path), "isolation": "process", "runtime": "fc"}
    with Client({"defaults": options}) as call:
        result = call.invoke("local:m.py:handler", payload=b"x", log_tail=True)
        with pytest.raises(FunctionError) as caught:
            call.invoke("local:m.py:handler", log_tail=True)
    first, *_, last = (caught.value.log_tail or "").splitlines()

    assert [
        f"FC Invoke Start RequestId: {result.request_id}",
        "hello",
        f"FC Invoke End RequestId: {result.request_id}",
    ] == (result.log_tail or "").splitlines()
    assert f"FC Invoke Start RequestId: {caught.value.request_id}" == first
    assert f"FC Invoke End RequestId: {caught.value.request_id}, Error: Unhandled function error" == last


_EDGE = "def handler(event, context):\n    return {expression}\n"


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("type(event).__name__", "bytes"),
        ("context['requestId'] == context.requestId", "true"),
        ("context['invokerContext']", '{\n    "custom": {\n        "a": 1\n    },\n    "more": [\n        1\n    ]\n}'),
        ("context.invokerContext['custom']", '{\n    "a": 1\n}'),
        ("sorted(context)", '[\n    "invokerContext",\n    "requestId"\n]'),
        ("hasattr(context, 'credentials')", "false"),
    ],
)
def test_a_gateway_s_context_has_two_members(expression: str, answer: str, client: Made) -> None:
    """On a gateway, the request id and the caller's own object are keys and attributes, and there is nothing else."""
    call = client(_EDGE.format(expression=expression), "linkedge")
    context = {"custom": {"a": 1}, "more": [1]}

    assert answer == call.invoke("local:m.py:handler", payload=b"x", context=context).text


def test_a_gateway_s_context_is_empty_without_one(client: Made) -> None:
    """A caller that gives no context gives an empty object."""
    call = client(_EDGE.format(expression="context.invokerContext"), "linkedge")

    assert {} == call.invoke("local:m.py:handler").json()


@pytest.mark.parametrize("expression", ["b'raw'", "'text'", "{'b': 1, 'a': None}"])
def test_a_gateway_answers_by_the_same_rules(expression: str, client: Made) -> None:
    """What a handler returns is encoded on a gateway as on Function Compute."""
    code = _EDGE.format(expression=expression)

    assert client(code).invoke("local:m.py:handler").payload == (
        client(code, "linkedge").invoke("local:m.py:handler").payload
    )


def test_an_answer_that_cannot_be_encoded_says_that_it_ran(client: Made) -> None:
    """Encoding comes after the handler, whose effects stand."""
    with pytest.raises(FunctionResponseError) as caught:
        client(_EDGE.format(expression="{1}")).invoke("local:m.py:handler")

    assert caught.value.executed
