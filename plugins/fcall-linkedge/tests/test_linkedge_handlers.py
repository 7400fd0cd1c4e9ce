"""Handlers that run anywhere, on an emulated gateway: edge code gets through the SDK what others get elsewhere."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import fcall_linkedge
import pytest
from fcall_linkedge import emulator
from handlers.events import EVENTS, FUNCTIONS, Event

import fcall
from fcall.errors import FunctionError

PORTABLE = Path(__file__).parents[3] / "tests" / "handlers" / "portable.py"
SDK_1_1 = Path(__file__).parent / "lecoresdk-1.1"
HAS_SDK = pytest.mark.skipif(not importlib.util.find_spec("lecoresdk"), reason="lecoresdk is not installed")
GENERATIONS = [pytest.param("1.0", marks=HAS_SDK), "1.1"]

Outcome = tuple[str, Any]


def _deployed(folder: Path) -> dict[str, Any]:
    """The configuration of a gateway with the functions of portable.py, as a file of its own, which is loaded anew."""
    shutil.copy(PORTABLE, folder)
    functions = {name: f"portable.py:{name}" for name in (*FUNCTIONS, "told")}
    return {"services": {"edge": {"runtime": "linkedge", "root": str(folder), "functions": functions}}}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[Event, Outcome]]:
    """What comes of every event by way of one generation of the SDK; each function gets its events in order."""

    @cache
    def all_of(generation: str) -> dict[Event, Outcome]:
        with pytest.MonkeyPatch.context() as patch:
            if generation == "1.1":
                patch.syspath_prepend(SDK_1_1)
            with (
                emulator.gateway(_deployed(tmp_path_factory.mktemp("edge"))),
                fcall.Client(provider="linkedge", plugins=[fcall_linkedge]) as client,
            ):
                return {event: _outcome(client, event) for event in EVENTS}

    return all_of


def _outcome(client: fcall.Client, event: Event) -> Outcome:
    try:
        return "", json.loads(client.invoke(f"edge/{event.function}", payload=event.payload).payload)
    except FunctionError as error:
        return error.error_type, error.error_message


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.id)
@pytest.mark.parametrize("generation", GENERATIONS)
def test_an_event_comes_to_the_same_result_on_a_gateway(
    generation: str, event: Event, outcomes: Callable[[str], dict[Event, Outcome]]
) -> None:
    """The answer, or the failure with its type and message, is that of every other runtime."""
    error_type, told = outcomes(generation)[event]

    if event.failure is None:
        answer = json.loads(event.answer) if isinstance(event.answer, bytes) else event.answer
        assert ("", json.dumps(answer)) == (error_type, json.dumps(told))
    else:
        assert event.failure == (error_type, told[: len(event.failure[1])])


def test_the_context_on_a_gateway(sdk_1_1: None, tmp_path: Path) -> None:
    """It tells what a gateway tells: the request's id and the invoker context, and neither a name nor a limit."""
    with (
        emulator.gateway(_deployed(tmp_path)),
        fcall.Client(provider="linkedge", plugins=[fcall_linkedge]) as client,
    ):
        told = client.invoke("edge/told", payload=b"{}", context={"custom": {"a": 1}}).json()

    assert told.pop("request_id")
    assert {
        "platform": "linkedge",
        "function_name": None,
        "version": None,
        "invoker_context": {"custom": {"a": 1}},
        "trace_context": {},
        "remaining": None,
    } == told
