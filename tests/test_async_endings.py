"""Whatever happens to an event, it has one end: it ran, its destination was told, or the log says why neither."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall.local import SimulatedClock
from fcall.local._destination import failed_event
from fcall.local._events import Event, Rules
from fcall.local._nesting import Nesting
from fcall.provider import Invocation

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

ALWAYS = 100
"""More failures than there are attempts."""


@dataclass(frozen=True)
class Plan:
    """What is to happen.

    Attributes:
        failures: for each event, how many of its attempts fail.
        destination: how many of the attempts to tell of each one fail; None for no destination.
        called: the destination is called, and is no function.
        options: of the provider.
    """

    failures: list[int]
    destination: int | None
    called: bool
    options: dict[str, Any]


failures = st.sampled_from([0, 0, 1, 2, 3, ALWAYS])
plans = st.builds(
    Plan,
    st.lists(failures, min_size=1, max_size=12),
    st.none() | failures,
    st.booleans(),
    st.fixed_dictionaries(
        {
            "workers": st.integers(1, 4),
            "async_retries": st.integers(0, 3),
            "async_pause": st.sampled_from([0.0, 1.0, 60.0]),
            "max_event_age": st.sampled_from([0.5, 100.0, 21_600.0]),
        }
    ),
)


class World:
    """An application that behaves as planned, and the notes it takes."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tried: Counter[int] = Counter()
        self.told: Counter[int] = Counter()
        self.ok: list[int] = []
        self.delivered: list[int] = []
        self.registry = fcall.local.Registry()
        self.registry.function("work")(self.work)
        self.registry.function("failed")(self.failed)

    def work(self, event: int, context: Any) -> None:
        self.tried[event] += 1
        if self.tried[event] <= self.plan.failures[event]:
            raise ValueError("planned")
        self.ok.append(event)

    def failed(self, record: dict[str, Any], context: Any = None) -> None:
        event = record["requestPayload"]
        self.told[event] += 1
        assert self.tried[event] == record["requestContext"]["approximateInvokeCount"]
        if self.told[event] <= (self.plan.destination or 0):
            raise ValueError("planned")
        self.delivered.append(event)

    def run(self, **options: Any) -> None:
        on_failure = None if self.plan.destination is None else self.failed if self.plan.called else "failed"
        options = {**self.plan.options, "registry": self.registry, "on_failure": on_failure, **options}
        with fcall.Client(provider="local", clock=SimulatedClock(), **options) as client:
            for event in range(len(self.plan.failures)):
                client.enqueue("work", event)
            assert fcall.local.drain(30)


def check(world: World) -> None:
    """Every event has exactly one end, and it is the right one."""
    outcomes = Counter(call.outcome for call in fcall.local.calls())
    undeliverable = outcomes["undeliverable"]
    given_up = len(world.plan.failures) - len(world.ok)
    assert len(set(world.ok)) == len(world.ok)
    assert len(set(world.delivered)) == len(world.delivered)
    assert set() == set(world.ok) & set(world.delivered)
    if world.plan.destination is None:
        assert (0, 0) == (undeliverable, len(world.delivered))
    else:
        assert given_up == undeliverable + len(world.delivered)
    assert sum(world.tried.values()) + sum(world.told.values()) == outcomes["ok"] + outcomes["failed"]
    allowed = attempts_allowed(world.plan.options)
    assert [event for event, failures in enumerate(world.plan.failures) if failures < allowed] == sorted(world.ok)
    assert [min(failures + 1, allowed) for failures in world.plan.failures] == [
        world.tried[event] for event in range(len(world.plan.failures))
    ]


def attempts_allowed(options: dict[str, Any]) -> int:
    """How many attempts an event has, where each one takes no time."""
    rules = Rules(options["async_retries"], options["async_pause"], options["max_event_age"])
    attempts, age = 1, rules.pause_after(1)
    while rules.gives_up(attempts, age) is None:
        attempts += 1
        age += rules.pause_after(attempts)
    return attempts


@hypothesis.settings(deadline=None)
@hypothesis.given(plans)
def test_every_event_ends_once(plan: Plan) -> None:
    """An accepted event ends as ok, as told of, or as undeliverable; never twice, and never not at all."""
    fcall.local.forget_calls()
    world = World(plan)
    world.run()

    check(world)


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(plans)
def test_every_durable_event_ends_once(plan: Plan) -> None:
    """The same holds where events are kept in a file, which keeps what is undeliverable and nothing else."""
    fcall.local.forget_calls()
    world = World(plan)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "queue.db")
        world.run(durable=path)
        undeliverable = sum(call.outcome == "undeliverable" for call in fcall.local.calls())
        check(world)
        world.plan = Plan(plan.failures, 0, plan.called, plan.options)
        fcall.local.forget_calls()
        on_failure = world.failed if plan.called else "failed"
        options = {"registry": world.registry, "durable": path, "on_failure": on_failure, "clock": SimulatedClock()}
        with fcall.Client(provider="local", **options) as client:
            client.check("work")
            assert fcall.local.drain(30)

    assert undeliverable == len(fcall.local.calls())
    assert all(call.outcome == "ok" for call in fcall.local.calls())


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_pauses_end_in_order(workers: int) -> None:
    """Retries come when they are due and not before, whatever else is queued."""
    clock, registry, seen = SimulatedClock(), fcall.local.Registry(), []
    fcall.local.forget_calls()

    @registry.function("work")
    def work(event: int, context: Any) -> None:
        seen.append((event, clock.monotonic()))
        raise ValueError

    options = {"workers": workers, "async_pause": 60.0, "clock": clock}
    with fcall.Client(provider="local", registry=registry, **options) as client:
        client.enqueue("work", 0)
        assert fcall.local.drain(10)
        client.enqueue("work", 1)
        assert fcall.local.drain(10)

    assert [(0, 0.0), (0, 60.0), (0, 180.0), (1, 180.0), (1, 240.0), (1, 360.0)] == seen
    assert all(a <= b for a, b in itertools.pairwise(moment for _, moment in seen))


@hypothesis.given(st.integers(0, 8), st.integers(0, 20), st.floats(0, 1e6))
def test_every_event_is_given_up_in_the_end(retries: int, attempts: int, age: float) -> None:
    """There is no number of attempts above the limit, and no age above the limit, at which an event still runs."""
    rules = Rules(retries, 0.0, 100.0)

    assert (attempts > retries or age > 100) == (rules.gives_up(attempts, age) is not None)


@hypothesis.given(st.binary())
def test_every_payload_makes_a_record(payload: bytes) -> None:
    """No payload whatsoever keeps its event from being told of."""
    event = Event(Invocation("any", payload=payload), "id", Nesting(1, "id"), failure=payload)
    json.dumps(failed_event(event, "RetriesExhausted", 0.0), allow_nan=False).encode()
