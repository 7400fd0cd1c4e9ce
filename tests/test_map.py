"""Many calls at once on threads: order, laziness, limits, errors, leaving early, throttling, closing."""

from __future__ import annotations

import gc
import itertools
import re
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

import fcall
from fcall.errors import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    Executed,
    FunctionError,
    InvalidParamsError,
    InvalidPayloadError,
    ThrottledError,
    UnsupportedFeatureError,
)
from fcall.provider import Capabilities, Deadline, Invocation, InvocationResult

VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="unset")
ALL = [1, 2, 16]


class Counting:
    """A provider that answers with what a function makes of the payload, and counts the calls under way."""

    capabilities = Capabilities()

    def __init__(self, answer: Callable[[int], Any] = lambda number: number) -> None:
        self.answer = answer
        self.lock = threading.Lock()
        self.under_way = self.most = 0
        self.seen: list[int] = []

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        number = int(invocation.payload)
        with self.lock:
            self.seen.append(number)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            return InvocationResult(str(self.answer(number)).encode())
        finally:
            with self.lock:
                self.under_way -= 1

    def close(self) -> None:
        pass


class Gated(Counting):
    """The same, where each call waits until it is let through."""

    def __init__(self, *names: int) -> None:
        super().__init__(self._wait)
        self.gates: dict[int, threading.Event] = {name: threading.Event() for name in names}
        self.entered = threading.Semaphore(0)

    def _wait(self, number: int) -> int:
        self.entered.release()
        if number in self.gates:
            assert self.gates[number].wait(20)
        return number

    def wait_for(self, calls: int) -> None:
        for _ in range(calls):
            assert self.entered.acquire(timeout=20)

    def open(self) -> None:
        for gate in self.gates.values():
            gate.set()


def client_of(provider: Any, **options: Any) -> fcall.Client:
    return fcall.Client(providers={"double": provider}, **options)


def raising(error: Exception, *numbers: int) -> Callable[[int], int]:
    def answer(number: int) -> int:
        if number in numbers:
            raise error
        return number

    return answer


# Order and laziness


@pytest.mark.parametrize("concurrency", ALL)
def test_results_come_in_the_order_of_the_items(concurrency: int) -> None:
    """However long each call takes, the results are those of the items, one for each, in their order."""
    provider = Counting(lambda number: time.sleep(0.003 * (number % 5 == 0)) or number)
    with client_of(provider) as client:
        results = [result.json() for result in client.map("f", iter(range(200)), concurrency=concurrency)]

    assert list(range(200)) == results
    assert list(range(200)) == sorted(provider.seen)
    assert provider.most <= concurrency


def test_calls_that_take_time_are_made_at_once() -> None:
    """As many calls are under way as were asked for, never one more."""
    with client_of(provider := Counting(lambda number: time.sleep(0.02))) as client:
        assert 96 == len(list(client.map("f", range(96), concurrency=12)))

    assert 12 == provider.most


def test_quick_calls_need_one_thread() -> None:
    """Where calls only take the interpreter's time, more threads would only take it from each other."""
    registry = fcall.local.Registry()
    threads = set()
    registry.function("quick")(lambda event, context: threads.add(threading.get_ident()))
    with fcall.Client(provider="local", registry=registry) as client:
        list(client.map("quick", range(200), concurrency=2))  # whose first call loads what it needs
        threads.clear()
        assert 2000 == len(list(client.map("quick", range(2000), concurrency=64)))

    assert len(threads) < 48  # how many fewer, a busy machine decides too


def test_as_completed_gives_what_is_there_first() -> None:
    """A slow call keeps back nobody's outcome but its own."""
    with client_of(provider := Gated(0)) as client:
        outcomes = client.as_completed("f", range(40), concurrency=2)
        first = [next(outcomes).index for _ in range(39)]
        provider.open()

        assert set(range(1, 40)) == set(first)
        assert [0] == [outcome.index for outcome in outcomes]


@pytest.mark.parametrize("concurrency", ALL)
def test_the_iterable_is_read_no_further_than_needed(concurrency: int) -> None:
    """Of endless items, a bounded number is read ahead of the results, on the thread that takes them."""
    read: list[int] = []

    def items() -> Iterator[int]:
        for number in itertools.count():
            read.append(threading.get_ident())
            yield number

    with client_of(Counting()) as client:
        results = client.map("f", items(), concurrency=concurrency)

        assert [] == read
        assert list(range(50)) == [next(results).json() for _ in range(50)]
        results.close()

    assert {threading.get_ident()} == set(read)
    assert len(read) <= 50 + (1 if concurrency == 1 else concurrency + 64)


def test_a_slow_iterable_keeps_back_no_result() -> None:
    """A result is handed over before the next item is waited for where there is one."""
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(5):
            yield number
            time.sleep(0.03)
            taken.append(number)

    with client_of(Counting()) as client:
        results = client.map("f", items(), concurrency=4)
        next(results)

        assert len(taken) < 4
        assert 4 == len(list(results))


@pytest.mark.parametrize("concurrency", ALL)
def test_nothing_grows_with_the_number_of_items(concurrency: int) -> None:
    """What was handed over is not kept, not even until the garbage collector comes: events, results, errors."""

    class Event(int):
        """An event that can be counted."""

        alive = 0

        def __init__(self, number: int) -> None:
            Event.alive += 1

        def __del__(self) -> None:
            Event.alive -= 1

    def answer(number: int) -> int:
        if number % 2:
            raise FunctionError(error_type="Odd")
        return number

    gc.disable()
    try:
        with client_of(Counting(answer)) as client:
            most = 0
            for outcome in client.as_completed("f", map(Event, range(2000)), concurrency=concurrency):
                most = max(most, Event.alive)
                del outcome
    finally:
        gc.enable()

    assert most <= 2 * concurrency + 64 + 2


def test_payloads_are_sent_as_they_are() -> None:
    """Bytes and texts go through `payloads`; an event is encoded."""
    registry = fcall.local.Registry()
    registry.function("echo")(lambda event, context: event)
    with fcall.Client(provider="local", registry=registry) as client:
        assert [1, "x"] == [result.json() for result in client.map("echo", payloads=[b"1", '"x"'])]
        assert ["1", None] == [result.json() for result in client.map("echo", ["1", None])]


def test_no_items_no_calls() -> None:
    """An empty iterable is over at once, and stays so."""
    with client_of(Counting()) as client:
        for concurrency in ALL:
            results = client.map("f", [], concurrency=concurrency)

            assert [] == list(results)
            assert [] == list(results)


def test_enqueue_many_gives_acceptances(registry: fcall.local.Registry, client: fcall.Client) -> None:
    """Each item is accepted with an id, in order, and runs later."""
    ran: list[int] = []
    registry.function("note")(lambda event, context: ran.append(event))
    accepted = list(client.enqueue_many("note", range(20), concurrency=4))
    fcall.local.drain()

    assert 20 == len({acceptance.request_id for acceptance in accepted})
    assert {(202, "local")} == {(acceptance.status_code, acceptance.provider) for acceptance in accepted}
    assert list(range(20)) == sorted(ran)


@pytest.mark.parametrize("concurrency", ALL)
def test_context_variables_travel(concurrency: int) -> None:
    """A call sees the variables of whoever began the map; what it sets is its own."""

    def answer(number: int) -> int:
        seen = VARIABLE.get()
        VARIABLE.set("spoilt")
        return {"set": 1}.get(seen, 0)

    token = VARIABLE.set("set")
    try:
        with client_of(Counting(answer)) as client:
            results = client.map("f", range(20), concurrency=concurrency)
            VARIABLE.reset(token)

            assert 20 * [1] == [result.json() for result in results]
    finally:
        assert "unset" == VARIABLE.get()


# Errors


@pytest.mark.parametrize("concurrency", ALL)
def test_map_raises_the_first_error(concurrency: int) -> None:
    """The results before it are handed over; the error says which item it was; nothing more is sent."""
    provider = Counting(raising(FunctionError(error_type="E"), 30, 35))
    with client_of(provider) as client:
        results = client.map("f", itertools.count(), concurrency=concurrency)
        taken = [next(results).json() for _ in range(30)]
        with pytest.raises(FunctionError) as caught:
            next(results)

        assert list(range(30)) == taken
        assert 30 == caught.value.index
        assert "[item 30; " in str(caught.value)
        assert [] == list(results)
    assert len(provider.seen) <= 31 + concurrency + 64


@pytest.mark.parametrize("concurrency", ALL)
def test_an_error_that_was_raised_is_let_go_of(concurrency: int) -> None:
    """Nothing of the map keeps it, and its payload with it, until the garbage collector comes."""

    class GoneError(FunctionError):
        """An error that can be watched."""

    def answer(number: int) -> int:
        raise GoneError(error_type="E")

    gc.disable()
    try:
        with client_of(Counting(answer)) as client:
            results = client.map("f", [1], concurrency=concurrency)
            try:
                next(results)
            except GoneError as error:
                watched = weakref.ref(error)
            gone_by = time.monotonic() + 10
            while watched() is not None and time.monotonic() < gone_by:  # a worker has it until it has turned away
                time.sleep(0.001)
            assert watched() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("concurrency", ALL)
def test_as_completed_hides_no_outcome(concurrency: int) -> None:
    """Each item has exactly one outcome, with a result or an error that knows its index."""
    errors = [FunctionError(error_type="E"), ConnectionFailedError("gone"), InvalidPayloadError("bad")]

    def answer(number: int) -> int:
        if number % 4:
            raise type(errors[number % 4 - 1])("no")
        return number

    with client_of(Counting(answer)) as client:
        outcomes = list(client.as_completed("f", range(120), concurrency=concurrency, timeout=20))

    assert list(range(120)) == sorted(outcome.index for outcome in outcomes)
    for outcome in outcomes:
        assert (outcome.result is None) == (outcome.error is not None) == bool(outcome.index % 4)
        assert outcome.error is None or outcome.index == outcome.error.index
        assert outcome.result is None or outcome.index == outcome.result.json()


@pytest.mark.parametrize("concurrency", ALL)
def test_an_event_that_cannot_be_sent_fails_alone(concurrency: int) -> None:
    """What is not JSON is an error of its item, like any other."""
    with client_of(Counting()) as client:
        outcomes = list(client.as_completed("f", [1, object(), 3], concurrency=concurrency))

    errors = {outcome.index: type(outcome.error) for outcome in outcomes}
    assert {0: type(None), 1: InvalidPayloadError, 2: type(None)} == errors


@pytest.mark.parametrize("concurrency", ALL)
def test_an_iterable_that_raises_is_heard_last(concurrency: int) -> None:
    """What was read before is called and handed over; then the iterable's own error comes, as it is."""

    def items() -> Iterator[int]:
        yield from range(5)
        raise LookupError("no more")

    with client_of(Counting()) as client:
        results = client.map("f", items(), concurrency=concurrency)

        assert list(range(5)) == [next(results).json() for _ in range(5)]
        with pytest.raises(LookupError, match="no more"):
            next(results)
        assert [] == list(results)


@pytest.mark.parametrize("concurrency", ALL)
def test_what_is_no_error_of_ours_comes_through(concurrency: int) -> None:
    """A provider that raises KeyboardInterrupt ends the map with it, for it is nobody's outcome."""

    def answer(number: int) -> int:
        raise KeyboardInterrupt

    with client_of(Counting(answer)) as client, pytest.raises(KeyboardInterrupt):
        next(client.as_completed("f", range(5), concurrency=concurrency))


async def asynchronous() -> AsyncIterator[int]:
    yield 1


def test_what_cannot_be_called_at_all_is_said_at_once() -> None:
    """A mistake that every item would share is found before the first one is read."""
    client: Any = client_of(Counting())
    for arguments, keywords, words in (
        (("f",), {}, "neither is given"),
        (("f", [1]), {"payloads": [b"1"]}, "both are given"),
        (("f", "text"), {}, "events is an iterable of items, not a str"),
        (("f", {"a": 1}), {}, "events is an iterable of items, not a dict"),
        (("f",), {"payloads": b"text"}, "payloads is an iterable of items, not a bytes"),
        (("f", 5), {}, "events is an iterable of items, not an int"),
        (("f", asynchronous()), {}, "events is an asynchronous iterable, which only AsyncClient can read"),
        (("f", [1]), {"concurrency": 0}, "concurrency is a whole number from 1"),
        (("f", [1]), {"concurrency": True}, "concurrency is a whole number from 1"),
        (("f", [1]), {"payload": b"1"}, "pass payloads="),
        (("f", [1]), {"idempotency_key": "k"}, "idempotency_key belongs to one call"),
        (("f", [1]), {"timeout": -1}, "the timeout is over 0"),
        (("f", [1]), {"progress": "yes"}, "progress is True, False or a function"),
        (("", [1]), {}, "target"),
    ):
        with pytest.raises(InvalidParamsError, match=words):
            client.map(*arguments, **keywords)
    with pytest.raises(UnsupportedFeatureError, match="qualifiers"):
        client.as_completed("f", [1], qualifier="1")
    with pytest.raises(TypeError, match=r"'timout' .*did you mean 'timeout'"):
        client.map("f", [1], timout=3)


# Leaving early, and closing


def test_leaving_the_loop_cancels_what_was_not_sent() -> None:
    """After a break nothing more is sent; what was sent ends in the background, and closing the client waits for it."""
    provider = Gated(2, 3)
    client = client_of(provider)
    for result in client.map("f", range(1000), concurrency=2):
        if result.json() == 1:
            break
    provider.wait_for(3)
    sent = len(provider.seen)
    threading.Timer(0.05, provider.open).start()
    client.close()

    assert 0 == provider.under_way
    assert list(range(sent)) == sorted(provider.seen)
    assert sent <= 4


def test_close_waits_for_what_was_sent() -> None:
    """`close` sends nothing more, waits, and then there is no more; it may be called twice."""
    provider = Gated(0, 1)
    with client_of(provider) as client, client.as_completed("f", range(100), concurrency=2) as results:
        for _ in zip([1], [0], strict=True):
            threading.Timer(0.05, provider.open).start()
            results.close()
        results.close()

        assert [] == list(results)
        assert 0 == provider.under_way


def test_cancel_hands_over_what_was_sent() -> None:
    """After `cancel`, the outcomes of what was sent still come, and nothing else."""
    provider = Gated(0, 1)
    with client_of(provider) as client:
        results = client.as_completed("f", range(100), concurrency=2)
        threading.Thread(target=lambda: (provider.wait_for(2), results.cancel(), provider.open())).start()

        assert [0, 1] == sorted(outcome.index for outcome in results)
    assert [0, 1] == sorted(provider.seen)


def test_closing_the_client_under_way() -> None:
    """What was sent is still handed over; then the iteration says why it does not go on."""
    provider = Gated(2, 3)
    client = client_of(provider)
    results = client.map("f", range(1000), concurrency=2)

    assert [0, 1] == [next(results).json() for _ in range(2)]
    provider.wait_for(3)
    closing = threading.Thread(target=client.close)
    closing.start()
    while not results._work.stopped:
        time.sleep(0.001)
    provider.open()
    handed_over = [0, 1]
    with pytest.raises(ClientClosedError):
        handed_over.extend(result.json() for result in results)  # as they come, up to the error
    closing.join(20)
    assert handed_over == sorted(provider.seen) == list(range(len(handed_over)))
    with pytest.raises(ClientClosedError):
        client.map("f", [1])


@pytest.mark.parametrize("concurrency", ALL)
def test_a_function_cannot_close_the_client_that_maps_it(concurrency: int, registry: fcall.local.Registry) -> None:
    """It would wait for itself, so it is refused; the map goes on, and so does one within it."""
    client = fcall.Client(provider="local", registry=registry)

    @registry.function("inner")
    def inner(event: Any, context: Any) -> Any:
        with pytest.raises(ConfigurationError, match="cannot wait for that map; return first"):
            client.close()
        return event

    @registry.function("outer")
    def outer(event: Any, context: Any) -> Any:
        return sum(result.json() for result in client.map("inner", range(event), concurrency=concurrency))

    with client:
        assert [0, 0, 1, 3] == [result.json() for result in client.map("outer", range(4), concurrency=concurrency)]


def test_maps_within_maps_do_not_wait_for_each_other(registry: fcall.local.Registry, client: fcall.Client) -> None:
    """Each map has threads of its own, so one within another always gets on."""
    registry.function("leaf")(lambda event, context: time.sleep(0.002) or event)

    @registry.function("tree")
    def tree(event: Any, context: Any) -> Any:
        return sum(result.json() for result in client.map("leaf", range(8), concurrency=8))

    assert 8 * [28] == [result.json() for result in client.map("tree", range(8), concurrency=8)]


def test_a_limit_of_the_service_is_one_of_the_map() -> None:
    """Under `max_in_flight`, items wait in the map, where their time-outs do not run yet."""
    provider = Counting(lambda number: time.sleep(0.02))
    configuration = {"services": {"s": {"provider": "double", "max_in_flight": 2}}}
    with fcall.Client(configuration, providers={"double": provider}) as client:
        assert 12 == len(list(client.map("s/f", range(12), concurrency=12, timeout=0.1)))

    assert 2 == provider.most


# Throttling


class Throttling(Counting):
    """A service that has room for so many calls at once, and throttles every other."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self.throttled = 0
        self.last: list[int] = []

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        with self.lock:
            if self.under_way >= self.room:
                self.throttled += 1
                raise ThrottledError("too many", retry_after=0.001)
            self.under_way += 1
        try:
            time.sleep(0.005)
            return InvocationResult(invocation.payload)
        finally:
            with self.lock:
                self.under_way -= 1


def test_a_throttling_service_slows_the_map_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """No item fails of it: fewer calls are made at once, and each item has one outcome."""
    monkeypatch.setattr("fcall._map._pace._BASE_PAUSE", 0.01)
    monkeypatch.setattr("fcall._policy._THROTTLED_BASE_PAUSE", 0.001)
    provider = Throttling(3)
    with client_of(provider) as client:
        results = client.map("f", range(300), concurrency=32)

        assert list(range(300)) == [result.json() for result in results]
        assert results._work.pace.limit < 32
    assert 0 < provider.throttled < 1500


def test_an_item_before_the_one_that_failed_is_called_until_it_is_throttled_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first error is that of the first item that really failed, not of one that only had to wait."""
    monkeypatch.setattr("fcall._map._pace._BASE_PAUSE", 0.01)
    monkeypatch.setattr("fcall._policy._THROTTLED_BASE_PAUSE", 0.001)
    failed, tries = threading.Event(), itertools.count()

    def answer(number: int) -> int:
        if number == 1:
            failed.set()
            raise FunctionError(error_type="E")
        failed.wait(20)  # or else the map slows down before it has called the other one
        if next(tries) < 6:
            raise ThrottledError("busy")
        return number

    with client_of(Counting(answer)) as client:
        results = client.map("f", range(3), concurrency=2)

        assert 0 == next(results).json()
        with pytest.raises(FunctionError) as caught:
            next(results)
    assert 1 == caught.value.index


def test_an_item_that_is_throttled_to_the_end_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own time-out ends it; the error is the last one, with every attempt, numbered, and it did not run."""
    monkeypatch.setattr("fcall._map._pace._BASE_PAUSE", 0.01)
    monkeypatch.setattr("fcall._policy._THROTTLED_BASE_PAUSE", 0.001)
    begun = time.monotonic()
    with client_of(Throttling(0)) as client, pytest.raises(ThrottledError) as caught:
        next(client.map("f", range(3), concurrency=2, timeout=0.4))

    assert time.monotonic() - begun < 5
    assert not caught.value.executed
    assert len(caught.value.attempts) > 3
    numbers = [attempt.number for attempt in caught.value.attempts]
    assert list(range(1, len(numbers) + 1)) == numbers
    assert "throttled every time" in "".join(caught.value.__notes__)


def test_a_map_that_waits_to_call_again_can_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """An item in its pause is not waited for until the pause is over."""
    monkeypatch.setattr("fcall._policy._THROTTLED_BASE_PAUSE", 0.001)
    monkeypatch.setattr("fcall._map._pace.Pace.pause", lambda *arguments: 15.0)
    with client_of(Throttling(0)) as client:
        results = client.as_completed("f", range(3), concurrency=2)
        threading.Timer(0.2, results.cancel).start()
        begun = time.monotonic()

        assert all(isinstance(outcome.error, ThrottledError) for outcome in results)
        assert time.monotonic() - begun < 5


def test_a_throttled_item_that_may_have_run_is_not_called_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an earlier attempt may have run it, the map does not go on after the attempts of one call."""
    monkeypatch.setattr("fcall._policy._THROTTLED_BASE_PAUSE", 0.001)
    errors = iter([ConnectionFailedError("broke off"), *(ThrottledError("busy") for _ in range(50))])

    def answer(number: int) -> int:
        raise next(errors)

    with client_of(Counting(answer)) as client, pytest.raises(ThrottledError) as caught:
        next(client.map("f", [1], idempotent=True, timeout=5))

    assert caught.value.executed is Executed.MAYBE
    assert 3 == len(caught.value.attempts)


def test_after_an_interrupt_nothing_is_waited_for() -> None:
    """A program that catches the interrupt can close its client at once, though a call is still under way."""
    provider = Gated(1)

    def answer(number: int) -> int:
        if number == 0:
            provider.wait_for(1)
            raise KeyboardInterrupt
        return Gated._wait(provider, number)

    provider.answer = answer
    client = client_of(provider)
    with pytest.raises(KeyboardInterrupt) as caught:
        list(client.as_completed("f", range(2), concurrency=2))
    begun = time.monotonic()
    client.close()

    assert time.monotonic() - begun < 5
    assert any("may have run (executed: MAYBE)" in note for note in caught.value.__notes__)
    provider.open()


# Progress


@pytest.mark.parametrize("concurrency", ALL)
def test_progress_is_shown_to_a_function(concurrency: int) -> None:
    """It is told of every outcome by the end: done, failed, retried, the total where it is known."""
    tries: dict[int, int] = {}

    def answer(number: int) -> int:
        tries[number] = tries.get(number, 0) + 1
        if number == 3:
            raise FunctionError(error_type="E")
        if number == 5 and tries[number] == 1:
            raise ThrottledError("once", retry_after=0.001)
        return number

    shown: list[fcall.Progress] = []
    with client_of(Counting(answer)) as client:
        list(client.as_completed("f", list(range(10)), concurrency=concurrency, progress=shown.append))

    last = shown[-1]
    assert (10, 1, 1, 10, True) == (last.done, last.failed, last.retried, last.total, last.finished)
    assert last.rate == pytest.approx(10 / last.elapsed)
    assert 0 == last.left
    assert 1 == sum(progress.finished for progress in shown)


def test_progress_on_a_terminal_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """`progress=True` draws over one line where standard error is a terminal, and is silent elsewhere."""

    class Screen(list[str]):
        tty = True

        def write(self, text: str) -> None:
            self.append(text)

        def flush(self) -> None: ...

        def isatty(self) -> bool:
            return self.tty

    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    with client_of(Counting(raising(FunctionError(error_type="E"), 3))) as client:
        list(client.as_completed("f", range(1200), progress=True))
        screen.tty = False
        list(client.as_completed("f", range(5), progress=True))

    assert screen[-1].startswith("\r\x1b[K1,200/1,200  ")
    assert re.search(r"/s  1 failed  0 retried  \d:\d\d\n$", screen[-1])
    assert 1 == sum("\n" in text for text in screen)


def test_the_line_says_what_is_left() -> None:
    """The rate and the time left are those of the progress; without a total there is none."""
    from fcall._map._progress import line

    assert "50/100  5/s  0 failed  0 retried  0:10 left" == line(fcall.Progress(50, 0, 0, 100, 10.0))
    assert "50  5/s  1 failed  2 retried" == line(fcall.Progress(50, 1, 2, None, 10.0))
    assert "7,200  1/s  0 failed  0 retried  2:00:00" == line(fcall.Progress(7200, 0, 0, None, 7200.0, True))
