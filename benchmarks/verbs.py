"""Beside the figures: the verbs against each other and against what Python itself has for the same thing."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from handlers import EVENT, echo
from measure import Effort, Row, Subject, interleaved, micro, repeated

import fcall

__all__ = ["rows"]


def rows(effort: Effort) -> list[Row]:
    """No figure is to be reached here."""
    registry = fcall.local.Registry()
    registry.function("benchmark/echo")(echo)
    registry.function("benchmark/failing")(_failing)
    with fcall.Client(provider="local", registry=registry) as client, ThreadPoolExecutor(4) as pool:
        samples = interleaved(_subjects(client, pool), rounds=effort.rounds, times=effort.calls)
    pairs = {
        "`Client.invoke` against `invoke_function`": ("invoke", "invoke_function"),
        "`Client.enqueue`, per event until all have run, against a thread pool": ("enqueue", "thread pool"),
        "a function's error, raised to the caller, against a plain `try`": ("function error", "plain error"),
    }
    return [
        Row(what, micro(samples.cost(name)), micro(samples.cost(peer)), f"{samples.ratio(name, peer):.2f}")
        for what, (name, peer) in pairs.items()
    ]


def _subjects(client: fcall.Client, pool: ThreadPoolExecutor) -> dict[str, Subject]:
    payload = json.dumps(EVENT)
    params = {"serviceName": "benchmark", "functionName": "echo", "payload": payload}
    return {
        "invoke": repeated(lambda: client.invoke("benchmark/echo", payload=payload)),
        "invoke_function": repeated(lambda: client.invoke_function(params)),
        "enqueue": _until_done(
            lambda: client.enqueue("benchmark/echo", payload=payload), lambda _: fcall.local.drain()
        ),
        "thread pool": _until_done(lambda: pool.submit(_run, payload), wait),
        "function error": repeated(lambda: _caught(lambda: client.invoke("benchmark/failing", payload=payload))),
        "plain error": repeated(lambda: _caught(lambda: _failing(json.loads(payload), None))),
    }


def _until_done(accept: Callable[[], Any], finish: Callable[[list[Any]], object]) -> Subject:
    def batch(times: int) -> float:
        return repeated(lambda: finish([accept() for _ in range(times)]))(1) / times

    return batch


def _run(payload: str) -> str:
    return json.dumps(echo(json.loads(payload), None))


def _failing(event: Any, context: Any) -> None:
    raise ValueError("this function always fails")


def _caught(call: Callable[[], object]) -> None:
    try:
        call()
    except (ValueError, fcall.errors.FunctionError):
        return
    raise AssertionError("the function did not fail")
