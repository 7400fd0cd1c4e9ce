"""Many calls at once: a map against the calls by themselves, and against a thread pool of Python's own."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import memory
from measure import Effort, Row, Samples, Subject, interleaved, limit, micro

import fcall
from fcall.provider import Capabilities, Deadline, Invocation, InvocationResult

__all__ = ["rows"]

_LATENCY = 0.05
_IN_FLIGHT = 100


class _Distant:
    """A service that answers after some time."""

    capabilities = Capabilities()

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        time.sleep(_LATENCY)
        return InvocationResult(invocation.payload)

    def close(self) -> None:
        """There is nothing to let go of."""


def rows(effort: Effort) -> list[Row]:
    """Per item, of functions in this process, of processes of their own, and of calls that take 50 ms."""
    registry = fcall.local.Registry()
    registry.function("nothing")(lambda event, context: event)
    with fcall.Client(provider="local", registry=registry) as client, ThreadPoolExecutor(16) as pool:
        samples = interleaved(_inline(client, pool), rounds=effort.rounds, times=effort.calls)
        added = _added_memory(client, 1_000_000 if effort.rounds > 1 else 1000)
    return [*_inline_rows(samples), added, *_isolated_rows(effort), _distant_row(effort)]


def _inline(client: fcall.Client, pool: ThreadPoolExecutor) -> dict[str, Subject]:
    def one(event: int) -> InvocationResult:
        return client.invoke("nothing", event)

    return {
        "calls": _drained(lambda events: map(one, events)),
        "map, 1": _drained(lambda events: client.map("nothing", events, concurrency=1)),
        "map, 16": _drained(lambda events: client.map("nothing", events, concurrency=16)),
        "as_completed, 16": _drained(lambda events: client.as_completed("nothing", events, concurrency=16)),
        "pool, 16": _drained(lambda events: pool.map(one, events)),
    }


def _drained(made: Callable[[Iterable[int]], Iterable[Any]]) -> Subject:
    """A subject that takes every result of so many items."""

    def run(times: int) -> float:
        events = itertools.islice(itertools.count(), times)
        started = time.perf_counter()
        taken = sum(1 for _ in made(events))
        elapsed = time.perf_counter() - started
        assert taken == times
        return elapsed / times

    return run


def _inline_rows(samples: Samples) -> list[Row]:
    rows = []
    for name in ("map, 1", "map, 16", "as_completed, 16", "pool, 16"):
        ratio = samples.ratio(name, "calls")
        verb, _, concurrency = name.partition(", ")
        what = "`ThreadPoolExecutor.map` of `invoke`" if verb == "pool" else f"`{verb}`"
        rows.append(
            Row(
                f"{what} over a function that does nothing, {concurrency} at once, per item",
                micro(samples.cost(name)),
                f"the calls themselves {micro(samples.cost('calls'))}",
                f"{ratio:.2f}",
                limit("at most 1.2", ratio <= 1.2) if verb == "map" else "",
            )
        )
    thousand = samples.cost("map, 16") * 1000
    return [*rows, Row("a map of 1,000 local calls, inline", _milli(thousand), "", "", _most(thousand, 0.025))]


def _added_memory(client: fcall.Client, count: int) -> Row:
    drained = _drained(lambda events: client.map("nothing", events, concurrency=16))
    drained(1000)
    memory.forget_peak()
    before = memory.now()
    drained(count)
    added = memory.peak() - before
    return Row(
        f"`map` of {count:,} calls of a function that does nothing, memory added",
        f"{added:.1f} MB",
        to_reach=limit("at most 10 MB", added <= 10),
    )


def _isolated_rows(effort: Effort) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "nothing.py").write_text("def handler(event, context):\n    return event\n")
        with fcall.Client(provider="local", isolation="process", root=folder) as client:
            client.invoke("local:nothing.py:handler", 1)
            return [_isolated_row(client, concurrency, effort) for concurrency in (1, 16)]


def _isolated_row(client: fcall.Client, concurrency: int, effort: Effort) -> Row:
    drained = _drained(lambda events: client.map("local:nothing.py:handler", events, concurrency=concurrency))
    took = min(drained(1000) for _ in range(effort.rounds))
    return Row(
        f"a map of 1,000 local calls, in processes of their own, {concurrency} at once, at best",
        _milli(took * 1000),
        "",
        "",
        _most(took * 1000, 0.05),
    )


def _distant_row(effort: Effort) -> Row:
    count = 10 * _IN_FLIGHT if effort.rounds > 1 else 10
    with fcall.Client(providers={"distant": _Distant()}) as client, ThreadPoolExecutor(_IN_FLIGHT) as pool:
        subjects = {
            "map": _drained(lambda events: client.map("f", events, concurrency=_IN_FLIGHT)),
            "pool": _drained(lambda events: pool.map(lambda event: client.invoke("f", event), events)),
        }
        samples = interleaved(subjects, rounds=min(3, effort.rounds), times=count)
    bound = _LATENCY / min(_IN_FLIGHT, count)
    share = bound / samples.cost("map")
    return Row(
        f"`map` of {count:,} calls of 50 ms, {_IN_FLIGHT} in flight on threads",
        f"{1 / samples.cost('map'):,.0f} a second",
        f"`ThreadPoolExecutor.map` {1 / samples.cost('pool'):,.0f} a second; the latency allows {1 / bound:,.0f}",
        f"{share:.0%} of that",
    )


def _milli(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _most(seconds: float, most: float) -> str:
    return limit(f"at most {most * 1000:.0f} ms", seconds <= most)
