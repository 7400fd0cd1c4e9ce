"""One file of handlers, in every runtime: the same events come to the same results."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from handlers.events import EVENTS, FUNCTIONS, Event
from parity.case import Case, Function
from parity.real import RealFunction

import fcall
from fcall.errors import FunctionError

PORTABLE = Path(__file__).parent / "handlers" / "portable.py"
LOCAL = [f"{runtime} {isolation}" for runtime in ("lambda", "fc", "linkedge") for isolation in ("inline", "process")]
REAL = pytest.param(
    "awslambdaric",
    marks=pytest.mark.skipif(not importlib.util.find_spec("awslambdaric"), reason="it is the real runtime"),
)

Outcome = tuple[str, Any]
Ask = Callable[[Event], Outcome]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[Event, Outcome]]:
    """What comes of every event in one runtime; each function gets its events in order."""

    @cache
    def all_of(way: str) -> dict[Event, Outcome]:
        folder = tmp_path_factory.mktemp("handlers")
        shutil.copy(PORTABLE, folder)
        asking = _real if way == "awslambdaric" else _local(*way.split())
        told: dict[Event, Outcome] = {}
        for function in FUNCTIONS:
            for ask in asking(function, folder):
                told |= {event: ask(event) for event in EVENTS if event.function == function}
        return told

    return all_of


def _real(function: str, folder: Path) -> Iterator[Ask]:
    """awslambdaric's own loop, in a process that finds this fcall."""
    environment = {"PYTHONPATH": str(Path(fcall.__file__).parents[1])}
    made = RealFunction(Function(function, "handlers", (), f"portable.py:{function}", {}, environment), folder)

    def ask(event: Event) -> Outcome:
        seen = made.invoke(Case(function, event.payload))
        return (seen.error_type, seen.error_message) if seen.error_type else ("", _decoded(seen.payload))

    try:
        yield ask
    finally:
        made.close()


def _local(runtime: str, isolation: str) -> Callable[[str, Path], Iterator[Ask]]:
    def asking(function: str, folder: Path) -> Iterator[Ask]:
        options = {"provider": "local", "root": str(folder), "runtime": runtime, "isolation": isolation}
        with fcall.Client({"defaults": options}) as client:

            def ask(event: Event) -> Outcome:
                try:
                    return "", _decoded(client.invoke(f"local:portable.py:{function}", payload=event.payload).payload)
                except FunctionError as error:
                    return error.error_type, error.error_message

            yield ask

    return asking


def _decoded(payload: bytes) -> Any:
    """The answer as JSON text of one spelling: Lambda escapes what is beyond ASCII up to Python 3.11."""
    return json.dumps(json.loads(payload))


def test_there_are_events_enough() -> None:
    """At least forty events are compared, none of them twice."""
    assert 40 <= len(EVENTS) == len({(event.function, event.payload) for event in EVENTS})


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.id)
@pytest.mark.parametrize("way", [REAL, *LOCAL])
def test_an_event_comes_to_the_same_result_everywhere(
    way: str, event: Event, outcomes: Callable[[str], dict[Event, Outcome]]
) -> None:
    """The answer, or the failure with its type and message, is the same in every runtime."""
    error_type, told = outcomes(way)[event]

    if event.failure is None:
        expected = event.answer if isinstance(event.answer, bytes) else json.dumps(event.answer)
        assert ("", _decoded(expected) if isinstance(expected, bytes) else expected) == (error_type, told)
    else:
        assert event.failure == (error_type, told[: len(event.failure[1])])


@pytest.mark.parametrize("isolation", ["inline", "process"])
@pytest.mark.parametrize(
    ("runtime", "context", "expected"),
    [
        ("lambda", None, {"platform": "lambda", "version": "$LATEST", "invoker_context": {}, "remaining": True}),
        (
            "lambda",
            {"custom": {"a": 1}, "env": {"b": 2}, "client": {"app_title": "c"}, "w3c": {"traceparent": "d"}},
            {
                "trace_context": {"traceparent": "d"},
                "platform": "lambda",
                "version": "$LATEST",
                "invoker_context": {
                    "custom": {"a": 1},
                    "env": {"b": 2},
                    "client": {"app_title": "c"},
                    "w3c": {"traceparent": "d"},
                },
                "remaining": True,
            },
        ),
        ("fc", None, {"platform": "fc", "version": "LATEST", "invoker_context": {}, "remaining": True}),
        ("linkedge", None, {"platform": "linkedge", "version": None, "invoker_context": {}, "remaining": None}),
        (
            "linkedge",
            {"custom": {"a": 1, "traceparent": "d"}, "other": 2},
            {
                "trace_context": {"traceparent": "d"},
                "platform": "linkedge",
                "version": None,
                "invoker_context": {"custom": {"a": 1, "traceparent": "d"}, "other": 2},
                "remaining": None,
            },
        ),
    ],
)
def test_the_context_tells_what_the_runtime_knows(
    tmp_path: Path, isolation: str, runtime: str, context: Any, expected: dict[str, Any]
) -> None:
    """Whatever the runtime, the request id is the caller's, and the invoker context is the object that was given."""
    shutil.copy(PORTABLE, tmp_path)
    options = {"provider": "local", "root": str(tmp_path), "runtime": runtime, "isolation": isolation}
    with fcall.Client({"defaults": options}) as client:
        result = client.invoke("local:portable.py:told", context=context)
    name = None if runtime == "linkedge" else "told"

    assert {"trace_context": {}, **expected, "function_name": name, "request_id": result.request_id} == result.json()


@pytest.mark.skipif(not importlib.util.find_spec("awslambdaric"), reason="it is the real runtime")
def test_the_context_of_the_real_runtime(tmp_path: Path) -> None:
    """On awslambdaric's own loop the context tells the same as on the local runtime."""
    shutil.copy(PORTABLE, tmp_path)
    environment = {"PYTHONPATH": str(Path(fcall.__file__).parents[1])}
    made = RealFunction(Function("told", "handlers", (), "portable.py:told", {}, environment), tmp_path)
    try:
        seen = made.invoke(Case("told", b"", {"custom": {"a": 1, "baggage": "b"}, "w3c": {"traceparent": "d"}}))
    finally:
        made.close()

    assert {
        "platform": "lambda",
        "request_id": "ID",
        "function_name": "told",
        "version": "$LATEST",
        "invoker_context": {"custom": {"a": 1, "baggage": "b"}, "w3c": {"traceparent": "d"}},
        "trace_context": {"traceparent": "d"},
        "remaining": True,
    } == json.loads(seen.payload)
