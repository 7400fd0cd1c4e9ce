"""Figure 2: one local call in this process, against the JSON that it has to make and against awslambdaric's loop."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import runtime_api
from handlers import EVENT, count, echo
from measure import Effort, Row, Samples, Subject, interleaved, limit, micro, repeated

import fcall

__all__ = ["rows"]

_COMPACT_EVENT = json.dumps(EVENT, separators=(",", ":"))
assert len(_COMPACT_EVENT) == 100


def rows(effort: Effort) -> list[Row]:
    """Client.invoke and invoke_function, from a Python object to a Python object."""
    registry = fcall.local.Registry()
    registry.function("benchmark/echo")(echo)
    registry.function("benchmark/count")(count)
    with fcall.Client(provider="local", registry=registry) as client, contextlib.ExitStack() as stack:
        subjects = _here(client)
        if find_spec("awslambdaric"):
            subjects |= _awslambdaric(stack)
        samples = interleaved(subjects, rounds=effort.rounds, times=effort.calls)
    return [*_json_rows(samples), *_awslambdaric_rows(samples)]


def _here(client: fcall.Client) -> dict[str, Subject]:
    """Nothing here waits, so the processor's time is what it takes on a machine that does nothing else."""
    calls: dict[str, Callable[[], Any]] = {
        "JSON, echo": lambda: _round_trips(echo),
        "JSON, count": lambda: _round_trips(count),
        "invoke, echo": lambda: client.invoke("benchmark/echo", EVENT).json(),
        "invoke, count": lambda: client.invoke("benchmark/count", EVENT).json(),
        "invoke_function, echo": lambda: _invoke_function(client, "echo"),
        "invoke_function, count": lambda: _invoke_function(client, "count"),
    }
    assert calls["invoke, echo"]() == calls["invoke_function, echo"]() == EVENT
    return {name: repeated(call, time.process_time) for name, call in calls.items()}


def _round_trips(handler: Callable[[Any, Any], Any]) -> Any:
    """The floor: the event there, the answer back, and the handler called plainly."""
    return json.loads(json.dumps(handler(json.loads(json.dumps(EVENT)), None)))


def _invoke_function(client: fcall.Client, function: str) -> Any:
    params = {"serviceName": "benchmark", "functionName": function, "payload": json.dumps(EVENT)}
    return json.loads(client.invoke_function(params)["payload"])


def _awslambdaric(stack: contextlib.ExitStack) -> dict[str, Subject]:
    """Its own loop in its own process, as the system schedules it and at its best, and a client that does nothing."""
    event = _COMPACT_EVENT.encode()
    loop = stack.enter_context(runtime_api.serving(runtime_api.AWSLAMBDARIC, event))
    nothing = stack.enter_context(runtime_api.serving(runtime_api.BARE_CLIENT, event))
    loop.serve(1)
    assert json.loads(loop.last_answer) == EVENT
    subjects = {"loop": loop.serve, "bare client": nothing.serve}
    if hasattr(os, "sched_setaffinity"):  # Linux
        subjects |= {"loop, one core": loop.serve_on_one_core, "bare client, one core": nothing.serve_on_one_core}
    return subjects


def _json_rows(samples: Samples) -> list[Row]:
    rows = []
    for answer, words in (("echo", "an answer of 100 bytes"), ("count", "an answer of 18 bytes")):
        for verb, shown in (("invoke", "`Client.invoke(…).json()`"), ("invoke_function", "`invoke_function`")):
            name, floor = f"{verb}, {answer}", f"JSON, {answer}"
            ratio = samples.ratio(name, floor)
            rows.append(
                Row(
                    f"{shown}, {words}",
                    micro(samples.cost(name)),
                    f"two JSON round trips {micro(samples.cost(floor))}",
                    f"{ratio:.2f}",
                    limit("at most 3", ratio <= 3) if name == "invoke, echo" else "",
                )
            )
    return rows


def _awslambdaric_rows(samples: Samples) -> list[Row]:
    if "loop" not in samples.seconds:
        return [Row("the same call by awslambdaric's loop", "not measured: awslambdaric is not installed")]
    times = samples.ratio("loop", "invoke, echo")
    rows = [_loop_row("", samples, limit("at most 1/4", times >= 4))]
    if "loop, one core" in samples.seconds:
        rows.append(_loop_row(", one core", samples))
    return rows


def _loop_row(where: str, samples: Samples, to_reach: str = "") -> Row:
    loop, nothing = (micro(samples.cost(f"{name}{where}")) for name in ("loop", "bare client"))
    return Row(
        "`Client.invoke(…).json()`, an answer of 100 bytes",
        micro(samples.cost("invoke, echo")),
        f"awslambdaric's loop{where} {loop}; a client that does nothing {nothing}",
        f"1/{samples.ratio(f'loop{where}', 'invoke, echo'):.1f}",
        to_reach,
    )
