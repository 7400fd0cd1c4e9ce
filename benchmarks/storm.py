"""Figure 5: what many clients do to a service that fails, on a clock of their own and with the real policy."""

from __future__ import annotations

import heapq
from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from measure import Effort, Row, limit

from fcall._flow import Flow, Pause
from fcall._guard import Guards
from fcall._invocation import Invocation
from fcall._observers import NO_OBSERVERS
from fcall._route import Route
from fcall._target import Target
from fcall.errors import Executed, FcallError, ProviderUnavailableError, ThrottledError
from fcall.provider import Capabilities, Deadline, InvocationResult

__all__ = ["Storm", "rows", "storm"]

_CLIENTS, _CALLS_A_SECOND = 200, 10
_CALM, _OUTAGE = 15.0, 30.0
_LATENCY = 0.02

_TARGET = Target("storm", "work")
_CALL = Invocation("work", "storm")


class _Service:
    """A provider that is never called: the storm answers for it."""

    capabilities = Capabilities()

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        raise NotImplementedError

    def close(self) -> None:
        pass


class _Endless:
    """A budget that always pays, for comparison."""

    def charge(self, error: FcallError) -> int:
        return 1

    def refund(self, charged: int) -> None:
        pass


@dataclass(slots=True)
class _Calls:
    """Calls, and what came of them."""

    began: int = 0
    sent: int = 0
    went_well: int = 0

    @property
    def load(self) -> float:
        """Requests for each call."""
        return self.sent / self.began

    @property
    def success(self) -> float:
        """The share of calls that went well."""
        return self.went_well / self.began


@dataclass(slots=True)
class Storm:
    """What came of the calls that began in the outage, and of all of them."""

    outage: _Calls = field(default_factory=_Calls)
    whole: _Calls = field(default_factory=_Calls)


class _World:
    """Virtual time: what happens next is taken from a heap."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Any]] = []
        self._number = count()

    def clock(self) -> float:
        return self.now

    def later(self, seconds: float, do: Any) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._number), do))

    def run(self) -> None:
        while self._events:
            self.now, _, do = heapq.heappop(self._events)
            do()


def storm(
    failing: float,
    *,
    clients: int = _CLIENTS,
    throttled: bool = False,
    budget: bool = True,
    seed: int = 1,
) -> Storm:
    """Clients that each call ten times a second: 15 seconds of calm, 30 of outage, 15 of calm.

    Args:
        failing: the share of requests that the service refuses in the outage, each by chance.
        clients: how many there are; each is a process of its own, with its own budget.
        throttled: it refuses them as throttled, otherwise as unavailable.
        budget: whether retries are paid for.
        seed: of the chance.
    """
    world, random, told = _World(), Random(seed), Storm()
    error = ThrottledError if throttled else ProviderUnavailableError
    for number in range(clients):
        route = Route("storm", _Service(), guards=Guards())
        if not budget:
            route.guards.of("storm:storm/work").budget = _Endless()  # type: ignore[assignment]
        first = number / clients / _CALLS_A_SECOND
        for call in range(int((_CALM + _OUTAGE + _CALM) * _CALLS_A_SECOND)):
            begin = _Begin(world, random, told, route, failing, error)
            world.later(first + call / _CALLS_A_SECOND, begin)
    world.run()
    return told


@dataclass(slots=True)
class _Begin:
    """One call, from the moment it begins."""

    world: _World
    random: Random
    told: Storm
    route: Route
    failing: float
    error: type[FcallError]
    counted: tuple[_Calls, ...] = ()

    def __call__(self) -> None:
        world, told = self.world, self.told
        self.counted = (told.whole, told.outage) if self._outage() else (told.whole,)
        for calls in self.counted:
            calls.began += 1
        steps = Flow(_TARGET, _CALL, (self.route,), NO_OBSERVERS, world.clock, self.random.random).invoke()
        self._asked(steps, next(steps))

    def _outage(self) -> bool:
        return _CALM <= self.world.now < _CALM + _OUTAGE

    def _asked(self, steps: Generator[Any, Any, InvocationResult], step: Any) -> None:
        if isinstance(step, Pause):
            self.world.later(step.seconds, lambda: self._asked(steps, steps.send(None)))
            return
        for calls in self.counted:
            calls.sent += 1
        self.world.later(_LATENCY, lambda: self._answered(steps))

    def _answered(self, steps: Generator[Any, Any, InvocationResult]) -> None:
        failed = self._outage() and self.random.random() < self.failing
        try:
            step = steps.throw(self.error("storm", executed=Executed.NO)) if failed else steps.send(InvocationResult())
        except StopIteration:
            for calls in self.counted:
                calls.went_well += 1
        except FcallError:
            pass
        else:
            self._asked(steps, step)


def rows(effort: Effort) -> list[Row]:
    """The load that retries add while a service fails, and how many calls go well nevertheless."""
    clients = min(_CLIENTS, effort.calls)
    return [
        *(_load_row(failing, clients) for failing in (1.0, 0.5)),
        _success_row(0.1, clients),
        *(_load_row(failing, clients, throttled=True) for failing in (1.0, 0.5)),
    ]


def _load_row(failing: float, clients: int, *, throttled: bool = False) -> Row:
    ours = storm(failing, clients=clients, throttled=throttled).outage
    peer = storm(failing, clients=clients, throttled=throttled, budget=False).outage
    how = "are throttled" if throttled else "fail"
    return Row(
        f"a storm in which {failing:.0%} of the requests {how}: requests for a call",
        f"{ours.load:.2f}, {ours.success:.1%} of the calls go well",
        f"without the budget {peer.load:.2f}, {peer.success:.1%}",
        f"{ours.load / peer.load:.2f}",
        "" if throttled else limit("at most 1.25", ours.load <= 1.25),
    )


def _success_row(failing: float, clients: int) -> Row:
    ours = storm(failing, clients=clients)
    peer = storm(failing, clients=clients, budget=False)
    return Row(
        f"a storm in which {failing:.0%} of the requests fail: calls that go well",
        f"{ours.whole.success:.3%}, {ours.outage.success:.3%} of those in the outage; {ours.outage.load:.2f} requests",
        f"without the budget {peer.whole.success:.3%}, {peer.outage.success:.3%}; {peer.outage.load:.2f} requests",
        "",
        limit("at least 99.9 %", ours.whole.success >= 0.999),
    )
