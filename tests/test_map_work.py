"""The work of a map, by every order of events: order, limits, cancelling, errors, back-pressure, forks."""

from __future__ import annotations

import pytest

pytest.importorskip("hypothesis", reason="hypothesis drives the work of a map")

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fcall._map._pace import Pace
from fcall._map._work import Work, within
from fcall.errors import ConfigurationError, ThrottledError


class WorkMachine(RuleBasedStateMachine):
    """One consumer, some workers and a model of what has become of every item."""

    @initialize(concurrency=st.integers(1, 5), in_order=st.booleans())
    def begin(self, concurrency: int, in_order: bool) -> None:
        self.now = 0.0
        self.rung = 0
        self.concurrency, self.in_order = concurrency, in_order
        self.pace = Pace(concurrency, lambda: self.now)
        self.work = Work(concurrency, self.pace, in_order=in_order, ring=self.ring)
        self.work.window = concurrency + 4
        self.idle = 0  # workers that were engaged and have taken nothing yet
        self.under_way: list[int] = []
        self.waiting: list[int] = []
        self.settled: dict[int, Any] = {}
        self.handed: list[int] = []
        self.put_count = 0
        self.cancelled: set[int] = set()
        self.ended = self.failed = self.forked = False

    def ring(self) -> None:
        self.rung += 1

    @rule()
    def put(self) -> None:
        if self.work.room <= 0:
            return
        self.work.put(f"event {self.put_count}")
        self.waiting.append(self.put_count)
        self.put_count += 1

    @rule()
    def put_after_the_end(self) -> None:
        if self.ended:
            self.work.put("too late")

    @rule(most=st.integers(-1, 8))
    def engage(self, most: int) -> None:
        engaged = self.work.engage(most)
        workers = self.idle + len(self.under_way)
        if engaged:
            assert engaged <= most
            assert workers + engaged <= self.pace.limit
            assert engaged <= len(self.waiting)
        self.idle += engaged

    @precondition(lambda self: self.idle)
    @rule()
    def take(self) -> None:
        too_many = self.idle + len(self.under_way) > self.pace.limit
        self.idle -= 1
        taken = self.work.take()
        if too_many or not self.waiting:
            assert taken is None
            return
        item = self.waiting.pop(0)

        assert (item, f"event {item}") == taken
        self.under_way.append(item)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 10), fails=st.integers(0, 7))
    def settle(self, which: int, fails: int) -> None:
        item = self.under_way.pop(which % len(self.under_way))
        self.idle += 1  # the worker looks for its next item
        rung = self.rung
        self.settled[item] = ThrottledError() if fails == 0 else f"result {item}"
        if fails == 0:
            self.work.settle(item, None, self.settled[item])
            if self.in_order:
                self.failed = True
                self.cancel_waiting()
        else:
            self.work.settle(item, self.settled[item])

        assert self.rung > rung

    @rule()
    def take_an_outcome(self) -> None:
        expected = self.next_items()
        outcome = self.work.ready()
        if not expected:
            assert outcome is None
            return
        assert outcome is not None
        assert outcome.item in expected
        made = self.settled[outcome.item]
        assert made is (outcome.error if isinstance(made, ThrottledError) else made)
        assert outcome.error is not None or outcome.result == made
        self.handed.append(outcome.item)

    def next_items(self) -> set[int]:
        if self.in_order:
            return {len(self.handed)} & self.settled.keys()
        return self.settled.keys() - set(self.handed)

    @precondition(lambda self: len(self.handed) > 6)
    @rule()
    def end(self) -> None:
        self.work.end()
        self.ended = True

    @precondition(lambda self: len(self.handed) > 2)
    @rule()
    def stop(self) -> None:
        self.work.stop()
        self.cancel_waiting()

    def cancel_waiting(self) -> None:
        self.cancelled |= set(self.waiting)
        self.waiting.clear()
        self.ended = True

    @rule(passes=st.floats(0, 2))
    def throttled(self, passes: float) -> None:
        before, sent_at = self.pace.limit, self.now
        self.now += passes
        self.pace.throttled(sent_at)

        assert max(1, before // 2) <= self.pace.limit <= before

    @rule()
    def went_well(self) -> None:
        before = self.pace.limit
        self.pace.went_well()

        assert before <= self.pace.limit <= before + 1

    @precondition(lambda self: len(self.handed) > 4 and not self.forked)
    @rule()
    def fork(self) -> None:
        """The child's side of it: nothing is called there, and whoever iterates is told why."""
        self.work.after_fork_in_child()

        assert self.work.room == 0
        assert self.work.ready() is None
        assert self.work.over
        with pytest.raises(ConfigurationError, match="the process that began this map goes on with it"):
            self.work.raise_reason()
        self.work.join()
        self.begin(self.concurrency, self.in_order)

    @invariant()
    def in_flight_is_limited(self) -> None:
        """Never more workers than the concurrency; the work counts them as they are."""
        if not hasattr(self, "work"):
            return
        assert self.idle + len(self.under_way) == self.work.workers <= self.concurrency
        assert 1 <= self.pace.limit <= self.concurrency

    @invariant()
    def what_waits_is_bounded(self) -> None:
        """Between the iterable and the consumer there is a window, and no more."""
        if not hasattr(self, "work"):
            return
        assert self.put_count - len(self.handed) - len(self.cancelled) <= self.work.window

    @invariant()
    def each_item_has_one_end(self) -> None:
        """An item waits, is under way, is settled or is cancelled; it is never two of these, nor handed over twice."""
        if not hasattr(self, "work"):
            return
        kinds = [set(self.waiting), set(self.under_way), set(self.settled), self.cancelled]

        assert sum(map(len, kinds)) == self.put_count == len(set().union(*kinds))
        assert len(self.handed) == len(set(self.handed))
        assert not self.in_order or self.handed == sorted(self.handed)

    @invariant()
    def the_end_is_the_end(self) -> None:
        """It is over when everything that was not cancelled is handed over, and not before."""
        if not hasattr(self, "work"):
            return
        left = self.put_count - len(self.cancelled) - len(self.handed)

        assert (self.ended and left == 0) == self.work.over


def test_the_work_by_every_order_of_events() -> None:
    """No step breaks what is promised: each item has one end, in its turn, and no more are under way than may be."""
    run_state_machine_as_test(WorkMachine, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))


@pytest.mark.long
def test_the_work_by_ten_thousand_steps() -> None:
    """The same, in 12,500 steps."""
    run_state_machine_as_test(WorkMachine, settings=settings(max_examples=250, stateful_step_count=50, deadline=None))


def test_a_call_cannot_wait_for_its_own_map() -> None:
    """A function that a map called, and that waits for that map, would wait for ever: it is refused."""
    work = Work(1, Pace(1), in_order=True, ring=bool)
    token = within.set((work,))
    try:
        with pytest.raises(ConfigurationError, match="cannot wait for that map; return first"):
            work.join()
    finally:
        within.reset(token)
