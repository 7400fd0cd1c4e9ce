"""A map by every order of events: on threads as they come, and on an event loop whose clock only we move."""

from __future__ import annotations

import pytest

pytest.importorskip("hypothesis", reason="hypothesis drives the maps")

import asyncio
import itertools
import os
import selectors
import threading
import warnings
from collections.abc import Iterator
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

import fcall
from fcall.errors import ConfigurationError, FcallError, FunctionError, ThrottledError
from fcall.provider import Capabilities, Deadline, Invocation, InvocationResult

AHEAD = 64
"""How many items more than its concurrency a map may have read, and not handed over, at least."""


def bound(concurrency: int) -> int:
    """How many items may be between the iterable and the consumer."""
    return concurrency + max(concurrency, AHEAD)


class FailingError(FunctionError):
    """What an item fails with that is to fail."""


# On an event loop


class Clock(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """A selector that lets time pass at once where the loop would wait for it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready: list[Any] = super().select(20 if timeout is None else 0)
        if timeout is None:
            assert ready, "the loop waits for nothing that could ever come"
        elif not ready:
            self.now += timeout
        return ready


class Service:
    """A provider whose calls end when and as they are told to."""

    capabilities = Capabilities()

    def __init__(self) -> None:
        self.calls: dict[int, asyncio.Future[bytes]] = {}
        self.sent: list[int] = []
        self.most = 0

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        number = int(invocation.payload)
        assert number not in self.calls, "an item is called twice at once"
        self.sent.append(number)
        self.calls[number] = asyncio.get_running_loop().create_future()
        self.most = max(self.most, len(self.calls))
        try:
            return InvocationResult(await self.calls[number])
        finally:
            del self.calls[number]

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        raise AssertionError("it is to be awaited")

    def close(self) -> None: ...


class Ends:
    """How a map may end, whoever calls its items.

    Attributes:
        handed: the items that were handed over, in order.
        stopped: the map was cancelled, or an item failed.
        over: there is nothing more to come.
    """

    in_order: bool
    handed: list[int]
    stopped: bool
    over: bool

    def told(self, index: int) -> str:
        """How the call of an item was told to end."""
        raise NotImplementedError

    def failed_at(self, index: int | None, error: FcallError) -> None:
        """Results in order end with the first error."""
        assert self.in_order
        assert len(self.handed) == index
        self.check_error(index, error)
        self.stopped = self.over = True

    def check_error(self, index: int, error: FcallError) -> None:
        """An item fails as it was told to; only where the map was cancelled is throttling the end of one."""
        if isinstance(error, ThrottledError):
            assert self.stopped
            assert "throttled" == self.told(index)
        else:
            assert (FailingError, "fail") == (type(error), self.told(index))


class AwaitedMachine(Ends, RuleBasedStateMachine):
    """One consumer, a service that we answer for, and a model of what has become of every item."""

    @initialize(
        concurrency=st.integers(1, 6),
        in_order=st.booleans(),
        count=st.sampled_from([None, 3, 90]),
        awaited=st.booleans(),
    )
    def begin(self, concurrency: int, in_order: bool, count: int | None, awaited: bool) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("fcall._map._source._LONGEST_READ", 3600)  # of our time, which is not the loop's
        self.clock = Clock()
        self.loop = asyncio.SelectorEventLoop(self.clock)
        self.loop.time = lambda: self.clock.now  # type: ignore[method-assign]
        self.service, self.concurrency, self.in_order, self.count = Service(), concurrency, in_order, count
        self.read, self.handed = 0, list[int]()
        self.decided: dict[int, str] = {}
        self.taking: asyncio.Task[Any] | None = None
        self.stopped = self.interrupted = self.over = False
        self.sent_before: set[int] | None = None
        client = fcall.AsyncClient(providers={"service": self.service})
        client._clock, client._random = lambda: self.clock.now, lambda: 0.5
        source = self.asynchronous() if awaited else self.items()
        verb = client.map if in_order else client.as_completed
        self.results: Any = verb("f", source, concurrency=concurrency, timeout=604_800)

    def items(self) -> Iterator[int]:
        for number in itertools.count() if self.count is None else range(self.count):
            self.read += 1
            yield number

    async def asynchronous(self) -> Any:
        for number in self.items():
            yield number

    def run(self, seconds: float = 0.0) -> None:
        """Let everything happen that happens within so many seconds of the loop's clock."""

        async def turns() -> None:
            await asyncio.sleep(seconds)
            for _ in range(40):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())
        if self.taking is not None and self.taking.done():
            taking, self.taking = self.taking, None
            self.judge(taking)

    def judge(self, taking: asyncio.Task[Any]) -> None:
        """See that what was handed over is what had to come next."""
        try:
            given = taking.result()
        except StopAsyncIteration:
            self.over = True
        except FcallError as error:
            self.failed_at(error.index, error)
        else:
            index = int(given.text) if self.in_order else given.index
            assert index not in self.handed
            assert not self.in_order or len(self.handed) == index
            if getattr(given, "error", None) is not None:
                assert index == given.error.index
                self.check_error(index, given.error)
            else:
                assert str(index).encode() == (given if self.in_order else given.result).payload
                assert "ok" == self.decided[index]
            self.handed.append(index)

    def told(self, index: int) -> str:
        return self.decided[index]

    @precondition(lambda self: self.taking is None)
    @rule()
    def take(self) -> None:
        self.taking = self.loop.create_task(self.results.__anext__())
        self.run()

    @precondition(lambda self: self.service.calls)
    @rule(which=st.integers(0, 10), how=st.sampled_from(["ok", "ok", "ok", "ok", "throttled", "fail"]))
    def answer(self, which: int, how: str) -> None:
        number = sorted(self.service.calls)[which % len(self.service.calls)]
        self.decided[number] = how
        errors = {"throttled": ThrottledError("busy"), "fail": FailingError(error_type="E")}
        if how in errors:
            self.service.calls[number].set_exception(errors[how])
        else:
            self.service.calls[number].set_result(str(number).encode())
        self.run()

    @precondition(lambda self: self.service.calls)
    @rule(times=st.integers(1, 6))
    def throttle(self, times: int) -> None:
        """The service is busy for a while, whoever calls."""
        for _ in range(times):
            while self.service.calls:
                self.answer(0, "throttled")
            self.run(25)

    @rule(seconds=st.floats(0.01, 30))
    def time_passes(self, seconds: float) -> None:
        self.run(seconds)

    @precondition(lambda self: len(self.handed) > 2 and not self.stopped)
    @rule()
    def cancel(self) -> None:
        self.results.cancel()
        self.stopped = True
        self.sent_before = set(self.service.sent)
        self.run()

    @precondition(lambda self: len(self.handed) > 4 and self.taking is not None)
    @rule()
    def interrupt(self) -> None:
        """The task that iterates is cancelled: so is what it waits for, and there is no more."""
        taking, self.taking = self.taking, None
        assert taking is not None
        taking.cancel()
        self.run()

        assert taking.cancelled()
        assert {} == self.service.calls
        self.stopped = self.interrupted = True
        self.sent_before = set(self.service.sent)
        self.take()
        assert self.over

    @invariant()
    def in_flight_is_limited(self) -> None:
        """Never more calls than the concurrency, and no new ones above the pace."""
        if hasattr(self, "results"):
            assert self.service.most <= self.concurrency

    @invariant()
    def reading_is_bounded(self) -> None:
        """Nothing is read before the first outcome is asked for, and never more than the window."""
        if hasattr(self, "results"):
            assert self.read <= len(self.handed) + bound(self.concurrency) + 1  # one may be in the hands of the reader

    @invariant()
    def after_the_stop_nothing_new_is_sent(self) -> None:
        """Only an item that was throttled is called again."""
        if hasattr(self, "results") and self.sent_before is not None:
            assert self.sent_before == set(self.service.sent)

    @invariant()
    def who_waits_has_reason_to(self) -> None:
        """Whoever takes is given what can be given, and is kept waiting only where calls are under way or paused."""
        if not hasattr(self, "results") or self.taking is None:
            return
        ready = [number for number, how in self.decided.items() if how != "throttled" and number not in self.handed]
        assert not ready if not self.in_order else len(self.handed) not in ready
        assert self.service.calls or "throttled" in self.decided.values()

    def teardown(self) -> None:
        """Answer everything: each item that was sent is handed over, and then it is over."""
        if not hasattr(self, "results"):
            return
        try:
            self.run_to_the_end()
        finally:
            self.loop.close()
            self.patch.undo()

    def run_to_the_end(self) -> None:
        if self.count is None and not self.stopped:
            self.cancel()
        while not self.over or self.service.calls:
            while self.service.calls:
                self.answer(0, "ok")
            if self.taking is None and not self.over:
                self.take()
            self.run(25)

        assert {} == self.service.calls
        assert self.in_order or self.interrupted or set(self.handed) == set(self.service.sent)
        assert self.stopped or self.count == len(self.handed)
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())


# On threads


class Scripted:
    """A provider that ends each call as its payload says, and sees how many there are at once."""

    capabilities = Capabilities()

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self.lock = threading.Lock()
        self.under_way: set[int] = set()
        self.tried: list[int] = []
        self.wrong = ""

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        number, how = invocation.payload.decode().split()
        with self.lock:
            again = self.tried.count(int(number)) > 4
            if int(number) in self.under_way or len(self.under_way) >= self.concurrency:
                self.wrong = f"{number} is called while {self.under_way} are under way"
            self.under_way.add(int(number))
            self.tried.append(int(number))
        try:
            return self.answer(number, how, again)
        finally:
            with self.lock:
                self.under_way.remove(int(number))

    def answer(self, number: str, how: str, again: bool) -> InvocationResult:
        if how == "slow":
            threading.Event().wait(0.002)
        if how == "throttled" and not again:
            raise ThrottledError("busy")
        if how == "fail":
            raise FailingError(error_type="E")
        return InvocationResult(number.encode())

    def close(self) -> None: ...


class ThreadMachine(Ends, RuleBasedStateMachine):
    """One consumer, real threads, and a script that says how each item ends."""

    @initialize(
        concurrency=st.integers(1, 6),
        in_order=st.booleans(),
        script=st.lists(st.sampled_from(["ok"] * 6 + ["slow", "slow", "throttled", "fail"]), max_size=40),
        breaks=st.booleans(),
    )
    def begin(self, concurrency: int, in_order: bool, script: list[str], breaks: bool) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("fcall._map._pace._BASE_PAUSE", 0.001)
        self.patch.setattr("fcall._policy._THROTTLED_BASE_PAUSE", 0.001)
        self.concurrency, self.in_order, self.script, self.breaks = concurrency, in_order, script, breaks
        self.read, self.handed = 0, list[int]()
        self.takes = 0  # what the rules go by, since threads have every run end differently
        self.stopped = self.over = self.forked = False
        self.provider = Scripted(concurrency)
        self.client = fcall.Client(providers={"scripted": self.provider})
        verb = self.client.map if in_order else self.client.as_completed
        self.results: Any = verb("f", payloads=self.items(), concurrency=concurrency)

    def items(self) -> Iterator[str]:
        for number, how in enumerate(self.script):
            self.read += 1
            yield f"{number} {how}"
        if self.breaks:
            raise LookupError("no more")

    @rule()
    def take(self) -> None:
        self.takes += 1
        try:
            given = next(self.results)
        except StopIteration:
            assert self.over or self.stopped or (not self.breaks and len(self.handed) == len(self.script))
            self.over = True
        except LookupError:
            assert self.breaks
            assert not self.over
            assert self.stopped or len(self.handed) == len(self.script)
            self.over = True
        except (FailingError, ThrottledError) as error:
            self.failed_at(error.index, error)
        else:
            assert not self.over
            self.judge(int(given.text) if self.in_order else given.index, given)

    def told(self, index: int) -> str:
        return self.script[index]

    def judge(self, index: int, given: Any) -> None:
        assert index not in self.handed
        assert not self.in_order or len(self.handed) == index
        if getattr(given, "error", None) is not None:
            assert index == given.error.index
            self.check_error(index, given.error)
        else:
            assert "fail" != self.script[index]
            assert str(index) == (given if self.in_order else given.result).text
        self.handed.append(index)

    @precondition(lambda self: self.takes > 5)
    @rule(how=st.sampled_from(["cancel", "close"]))
    def stop(self, how: str) -> None:
        getattr(self.results, how)()
        self.stopped = True
        if how == "close":
            assert set() == self.provider.under_way
            self.over = True

    @precondition(lambda self: self.takes > 1 and not self.forked and hasattr(os, "fork"))
    @rule()
    def fork(self) -> None:
        """The child may not go on with it, and begins one of its own; the parent misses nothing."""
        self.forked = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 and later warn of every fork among threads
            child = os.fork()
        if not child:
            code = 7
            try:
                code = self.in_child()
            finally:
                os._exit(code)
        assert 0 == os.waitpid(child, 0)[1]

    def in_child(self) -> int:
        try:
            next(self.results)
        except (ConfigurationError, StopIteration) as error:
            if isinstance(error, StopIteration) and not self.over:
                return 8
        self.provider.__init__(4)  # type: ignore[misc]
        texts = [result.text for result in self.client.map("f", payloads=[f"{n} slow" for n in range(6)])]
        return 0 if texts == [str(number) for number in range(6)] else 9

    @invariant()
    def in_flight_is_limited(self) -> None:
        """Never more calls than the concurrency, and no item twice at once."""
        assert not hasattr(self, "results") or not self.provider.wrong

    @invariant()
    def reading_is_bounded(self) -> None:
        """Nothing is read before the first outcome is asked for, and never more than the window."""
        if hasattr(self, "results"):
            assert self.read <= len(self.handed) + (1 if self.concurrency == 1 else bound(self.concurrency))

    def teardown(self) -> None:
        """Take what is left: each item that was sent is handed over, and then it is over."""
        if not hasattr(self, "results"):
            return
        closed = self.over and self.stopped
        while not self.over:
            self.take()
        self.client.close()
        self.patch.undo()

        assert set() == self.provider.under_way
        assert closed or self.in_order or set(self.handed) == set(self.provider.tried)
        assert self.stopped or list(range(len(self.script))) == sorted(self.handed)
        with pytest.raises(StopIteration):
            next(self.results)


QUICK = settings(max_examples=30, stateful_step_count=30, deadline=None)
FULL = settings(max_examples=250, stateful_step_count=50, deadline=None)  # 12,500 steps of each


@pytest.mark.parametrize("machine", [AwaitedMachine, ThreadMachine])
def test_a_map_by_every_order_of_events(machine: type[RuleBasedStateMachine]) -> None:
    """Order, limits, cancelling, errors, back-pressure and forks: no step breaks what is promised."""
    run_state_machine_as_test(machine, settings=QUICK)


@pytest.mark.long
@pytest.mark.parametrize("machine", [AwaitedMachine, ThreadMachine])
def test_a_map_by_ten_thousand_steps(machine: type[RuleBasedStateMachine]) -> None:
    """The same, in 12,500 steps of each."""
    run_state_machine_as_test(machine, settings=FULL)
