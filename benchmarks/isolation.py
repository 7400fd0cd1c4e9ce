"""Process isolation: a call in a process of its own, against pools that run a function in another warm process."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from handlers import EVENT, echo, fails
from measure import Effort, Row, Samples, interleaved, limit, micro, milli, repeated

import fcall
from fcall.errors import FunctionCrashedError, FunctionError, FunctionTimeoutError

__all__ = ["rows"]

Call: TypeAlias = Callable[[Any], Any]
"""Has an event echoed by another process, which has three seconds for it."""

_SECONDS = 3.0
_SHORT = 0.2
_MEGABYTE = "x" * 1_000_000
_PEERS = ("ProcessPoolExecutor", "loky", "pebble")


def rows(effort: Effort) -> list[Row]:
    """A call on one core and as the system schedules it, and what follows a failure."""
    table = []
    if hasattr(os, "sched_setaffinity"):  # Linux
        with _one_core():
            table += _call_rows(effort, ", one core")
    return [*table, *_call_rows(effort, ""), *_failure_rows(effort)]


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    """What is started meanwhile stays on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _call_rows(effort: Effort, where: str) -> list[Row]:
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(_client(_SECONDS))
        calls: dict[str, Call] = {"fcall": lambda event: client.invoke("benchmark/echo", event).json()}
        large = _echoing(calls, _MEGABYTE, effort.rounds, max(1, effort.calls // 100))
        small = _echoing({**calls, **_peers(stack)}, EVENT, effort.rounds, effort.calls)
        bare = repeated(lambda: client.invoke("benchmark/echo", EVENT))
        alone = interleaved({"invoke": bare}, rounds=effort.rounds, times=effort.calls).cost("invoke")
    words, megabyte = f"in another process{where}", large.cost("fcall")
    return [
        Row(f"`Client.invoke(…)` {words}, 100 bytes", micro(alone), to_reach=limit("at most 45 µs", alone <= 45e-6)),
        *(_peer_row(f"`Client.invoke(…).json()` {words}, 100 bytes", name, small) for name in _PEERS),
        Row(
            f"`Client.invoke(…).json()` {words}, 1 MB",
            milli(megabyte),
            to_reach=limit("at most 10 ms", megabyte <= 0.01),
        ),
    ]


def _echoing(calls: dict[str, Call], event: Any, rounds: int, times: int) -> Samples:
    assert all(call(event) == event for call in calls.values())
    subjects = {name: repeated(lambda call=call: call(event)) for name, call in calls.items()}
    return interleaved(subjects, rounds=rounds, times=times)


def _peers(stack: contextlib.ExitStack) -> dict[str, Call]:
    """The pools, with one process each."""
    pool = stack.enter_context(ProcessPoolExecutor(1))
    peers: dict[str, Call] = {"ProcessPoolExecutor": lambda event: pool.submit(echo, event, None).result(_SECONDS)}
    if find_spec("loky"):
        from loky import ProcessPoolExecutor as LokyExecutor

        loky = stack.enter_context(LokyExecutor(1))
        peers["loky"] = lambda event: loky.submit(echo, event, None).result(_SECONDS)
    if find_spec("pebble"):
        from pebble import ProcessPool

        pebble = stack.enter_context(ProcessPool(1))
        peers["pebble"] = lambda event: pebble.schedule(echo, (event, None), timeout=_SECONDS).result()
    return peers


def _peer_row(what: str, name: str, samples: Samples) -> Row:
    if name not in samples.seconds:
        return Row(what, micro(samples.cost("fcall")), f"{name}: not installed")
    times = samples.ratio(name, "fcall")
    peer = f"{name} {micro(samples.cost(name))}"
    return Row(what, micro(samples.cost("fcall")), peer, f"1/{times:.1f}", limit("at most 1/3", times >= 3))


def _failure_rows(effort: Effort) -> list[Row]:
    """The 95th percentiles of what follows a crash and a time-out."""
    with _client(_SHORT) as client:
        crashes = [_failed(client, "crash", FunctionCrashedError) for _ in range(effort.processes)]
        timeouts = [_failed(client, "endless", FunctionTimeoutError) for _ in range(effort.processes)]
    late = _p95([seconds - _SHORT for seconds, _ in timeouts])
    table = [Row("a time-out, later than its limit, p95", milli(late), to_reach=limit("at most 50 ms", late <= 0.05))]
    for what, failures in (("crash", crashes), ("time-out", timeouts)):
        after = _p95([seconds for _, seconds in failures])
        reached = limit("at most 150 ms", after <= 0.15)
        table.append(Row(f"the call after a {what}, its new process included, p95", milli(after), to_reach=reached))
    return table


def _failed(client: fcall.Client, how: str, error_class: type[FunctionError]) -> tuple[float, float]:
    """Seconds until a warm function fails, and those of its next call, which works."""
    client.invoke("benchmark/fails", "not yet")
    started = time.perf_counter()
    with contextlib.suppress(error_class):
        client.invoke("benchmark/fails", how)
    failed = time.perf_counter()
    client.invoke("benchmark/fails", "not any more")
    return failed - started, time.perf_counter() - failed


def _client(function_timeout: float) -> fcall.Client:
    registry = fcall.local.Registry()
    registry.function("benchmark/echo")(echo)
    registry.function("benchmark/fails")(fails)
    folder = str(Path(__file__).parent)
    return fcall.Client(
        provider="local", registry=registry, isolation="process", root=folder, function_timeout=function_timeout
    )


def _p95(values: list[float]) -> float:
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]
