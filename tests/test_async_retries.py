"""Async calls that fail: tried again as a cloud does, then told of."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall.errors import ConfigurationError, FunctionError, FunctionLoadError, InvalidParamsError, InvalidPayloadError
from fcall.local import CallRecord, SimulatedClock, _nesting
from fcall.local._async_calls import AsyncCalls, Nowhere
from fcall.local._events import Event, Rules
from fcall.local._queue import EventQueue
from fcall.provider import Invocation


@pytest.fixture(autouse=True)
def _own_records() -> Iterator[None]:
    fcall.local.forget_calls()
    yield
    assert fcall.local.drain(10)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


class Flaky:
    """A handler that fails the first `failures` times, and notes what it sees."""

    def __init__(self, clock: SimulatedClock, failures: int) -> None:
        self.clock = clock
        self.failures = failures
        self.seen: list[tuple[float, Any, str]] = []

    def __call__(self, event: Any, context: Any) -> None:
        self.seen.append((self.clock.monotonic(), event, context.aws_request_id))
        if len(self.seen) <= self.failures:
            raise ValueError("not yet")


def client_of(registry: fcall.local.Registry, clock: SimulatedClock, **options: Any) -> fcall.Client:
    return fcall.Client(provider="local", registry=registry, clock=clock, **options)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread is about to bring about."""
    ends_at = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.001)


def outcomes() -> list[tuple[str, int, str]]:
    return [(call.function, call.attempt, call.outcome) for call in fcall.local.calls()]


def test_a_failure_is_tried_again_as_on_lambda(registry: fcall.local.Registry, clock: SimulatedClock) -> None:
    """Two more attempts, one and two minutes later, with the same event and the same request id."""
    handler = Flaky(clock, failures=5)
    registry.function("orders/charge")(handler)
    acceptance = client_of(registry, clock, async_pause=60.0).enqueue("orders/charge", {"order": 7})
    assert fcall.local.drain(10)

    assert [(at, {"order": 7}, acceptance.request_id) for at in (0.0, 60.0, 180.0)] == handler.seen
    assert [("charge", attempt, "failed") for attempt in (1, 2, 3)] == outcomes()


def test_a_success_ends_the_attempts(registry: fcall.local.Registry, clock: SimulatedClock) -> None:
    """An event whose function succeeds at last is done, and nobody is told."""
    registry.function("charge")(Flaky(clock, failures=1))
    told: list[object] = []
    client_of(registry, clock, async_pause=60.0, on_failure=told.append).enqueue("charge")
    assert fcall.local.drain(10)

    assert [("charge", 1, "failed"), ("charge", 2, "ok")] == outcomes()
    assert [] == told


def test_by_default_no_time_passes_between_attempts(registry: fcall.local.Registry) -> None:
    """Without a pause three attempts take no time, so that a test need not wait for them."""
    ran: list[float] = []
    registry.function("charge")(lambda event, context: ran.append(time.monotonic()) or 1 / 0)
    started = time.monotonic()
    with fcall.Client(provider="local", registry=registry) as client:
        client.enqueue("charge")
        assert fcall.local.drain(10)

    assert 3 == len(ran)
    assert time.monotonic() - started < 5


def test_a_real_pause_is_waited_for(registry: fcall.local.Registry) -> None:
    """On the clock of this machine, a pause takes as long as it says, and `drain` waits for it or gives up."""
    ran: list[float] = []
    registry.function("charge")(lambda event, context: ran.append(time.monotonic()) or 1 / 0)
    with fcall.Client(provider="local", registry=registry, async_pause=0.2, async_retries=1) as client:
        client.enqueue("charge")

        assert not fcall.local.drain(0.01)
        assert fcall.local.drain(10)
        assert 0.2 <= ran[1] - ran[0] < 5


@pytest.mark.parametrize(
    ("runtime", "options", "attempts"),
    [("lambda", {}, 3), ("fc", {}, 4), ("linkedge", {}, 4), ("lambda", {"async_retries": 0}, 1)],
)
def test_the_runtime_says_how_often(
    registry: fcall.local.Registry, runtime: str, options: dict[str, int], attempts: int
) -> None:
    """Lambda tries twice more, Function Compute three times; async_retries says otherwise."""
    registry.function("charge")(lambda event, context: 1 / 0)
    with fcall.Client(provider="local", registry=registry, runtime=runtime, **options) as client:
        client.enqueue("charge")

    assert attempts == len(fcall.local.calls())


def test_code_that_does_not_load_is_tried_again(client: fcall.Client) -> None:
    """A module that can be imported the second time runs at the second attempt."""
    Path("app.py").write_text(
        "import os\n"
        "if not os.path.exists('been_here'):\n"
        "    os.mkdir('been_here')\n"
        "    import nowhere\n"
        "def handler(event, context):\n"
        "    return 1\n"
    )
    client.enqueue("local:app.py:handler")
    assert fcall.local.drain(10)

    first, second = fcall.local.calls()
    assert ("failed", FunctionLoadError) == (first.outcome, type(first.error))
    assert ("ok", 2) == (second.outcome, second.attempt)


def test_what_can_never_run_is_not_tried_again(registry: fcall.local.Registry, clock: SimulatedClock) -> None:
    """A payload that is no event is given up after one look at it."""
    told: list[Any] = []
    registry.function("charge")(lambda event, context: None)
    client_of(registry, clock, on_failure=told.append).enqueue("charge", payload=b"{not JSON")
    assert fcall.local.drain(10)

    first = fcall.local.calls()[0]
    assert ("failed", InvalidPayloadError) == (first.outcome, type(first.error))
    assert [("{not JSON", "InvalidPayloadError", 1)] == [
        (
            record["requestPayload"],
            record["responsePayload"]["errorType"],
            record["requestContext"]["approximateInvokeCount"],
        )
        for record in told
    ]


class Faulty:
    """Runs events as a provider would that has a fault, or whose system is out of something."""

    def __init__(self) -> None:
        self.faults: list[Exception] = [OSError("no more processes"), ZeroDivisionError()]

    def run_event(self, event: Event) -> None:
        if self.faults:
            raise self.faults.pop()

    def has(self, invocation: Invocation) -> bool:
        return True


def test_a_fault_is_not_the_end_of_an_event(clock: SimulatedClock, caplog: pytest.LogCaptureFixture) -> None:
    """What raises an error that is none of fcall's is in the log with its stack, and the event is tried again."""
    queue = EventQueue(1, 10)
    asyncs = AsyncCalls(Faulty(), queue, Rules(2, 0.0, 60.0), None, Nowhere(), clock)
    asyncs.accept(Event(Invocation("charge", None, "Async"), "id-1", _nesting.apart("id-1")))
    assert queue.wait(10)

    assert [("charge", 1, "failed"), ("charge", 2, "failed"), ("charge", 3, "ok")] == outcomes()
    assert "UnmappedProviderError" == type(fcall.local.calls()[0].error).__name__
    assert "no more processes" in caplog.text


def test_a_crash_in_its_own_process_is_tried_again(tmp_path: Path) -> None:
    """With process isolation, a function that ends its process is tried again in another one."""
    (tmp_path / "app.py").write_text(
        "import os\n"
        "def handler(event, context):\n"
        "    if not os.path.exists('been_here'):\n"
        "        open('been_here', 'w').close()\n"
        "        os._exit(3)\n"
    )
    with fcall.Client(provider="local", root=str(tmp_path), isolation="process") as client:
        client.enqueue("local:app.py:handler")

    assert [("app.py:handler", 1, "failed"), ("app.py:handler", 2, "ok")] == outcomes()


# Age


def test_an_event_that_would_be_too_old_is_given_up(registry: fcall.local.Registry, clock: SimulatedClock) -> None:
    """An attempt that would come after the maximum age is not waited for."""
    told: list[Any] = []
    registry.function("charge")(lambda event, context: 1 / 0)
    client_of(registry, clock, async_pause=60.0, max_event_age=100.0, on_failure=told.append).enqueue("charge")
    assert fcall.local.drain(10)

    assert ["EventAgeExceeded"] == [record["requestContext"]["condition"] for record in told]
    assert [("charge", 1, "failed"), ("charge", 2, "failed"), ("charge", 2, "expired")] == outcomes()[:3]
    assert 60.0 == clock.monotonic()


def test_an_event_that_waited_too_long_does_not_run(registry: fcall.local.Registry, clock: SimulatedClock) -> None:
    """An event that was too old before its turn came goes to the destination without having run."""
    told: list[Any] = []
    reached, go_on = threading.Event(), threading.Event()
    registry.function("slow")(lambda event, context: [reached.set(), go_on.wait(10)])
    registry.function("charge")(lambda event, context: None)
    client = client_of(registry, clock, workers=1, max_event_age=60.0, on_failure=told.append)
    client.enqueue("slow")
    client.enqueue("charge", 7)
    assert reached.wait(10)
    clock.advance(61)
    go_on.set()
    assert fcall.local.drain(10)

    context = told[0]["requestContext"]
    assert (7, "EventAgeExceeded", 0) == (
        told[0]["requestPayload"],
        context["condition"],
        context["approximateInvokeCount"],
    )
    assert "responsePayload" not in told[0]
    assert [("slow", 1, "ok"), ("charge", 0, "expired")] == outcomes()[:2]


# Destinations


def test_a_function_is_told(registry: fcall.local.Registry, clock: SimulatedClock) -> None:
    """The destination is an ordinary function: it gets the record as its event, with a request id of its own."""
    seen: list[tuple[Any, str]] = []

    @registry.function("orders/charge")
    def charge(event: Any, context: Any) -> None:
        raise ValueError("card refused")

    @registry.function("orders/failed")
    def failed(event: Any, context: Any) -> None:
        seen.append((event, context.aws_request_id))

    client = client_of(registry, clock, async_pause=60.0, on_failure="orders/failed")
    acceptance = client.enqueue("orders/charge", {"order": 7})
    assert fcall.local.drain(10)

    [(record, request_id)] = seen
    assert acceptance.request_id == record["requestContext"]["requestId"] != request_id
    assert "1970-01-01T00:03:00.000Z" == record["timestamp"]
    assert {"order": 7} == record["requestPayload"]
    assert ("ValueError", "card refused") == (
        record["responsePayload"]["errorType"],
        record["responsePayload"]["errorMessage"],
    )
    assert ("failed", 1, "ok") == outcomes()[-1]


def test_code_is_told(tmp_path: Path) -> None:
    """The destination may be named as code, relative to the root."""
    (tmp_path / "app.py").write_text(
        "def handler(event, context):\n    1 / 0\n"
        "import pathlib\n"
        "def failed(event, context):\n    pathlib.Path('told').write_text(event['requestPayload'])\n"
    )
    config = {"defaults": {"provider": "local", "root": str(tmp_path), "on_failure": "app.py:failed"}}
    with fcall.Client(config) as client:
        client.enqueue("local:app.py:handler", "the event")

    assert "the event" == Path("told").read_text()


def test_a_destination_that_fails_is_tried_again(registry: fcall.local.Registry, clock: SimulatedClock) -> None:
    """A destination has the same retries as any other function."""
    destination = Flaky(clock, failures=2)
    registry.function("charge")(lambda event, context: 1 / 0)
    registry.function("failed")(destination)
    client_of(registry, clock, async_retries=2, async_pause=60.0, on_failure="failed").enqueue("charge")
    assert fcall.local.drain(10)

    assert [180.0, 240.0, 360.0] == [at for at, _, _ in destination.seen]
    assert 1 == len({request_id for _, _, request_id in destination.seen})


@pytest.mark.parametrize("way", ["function", "callable", "missing", "itself"])
def test_a_record_that_cannot_be_delivered_is_told_in_the_log(
    registry: fcall.local.Registry, clock: SimulatedClock, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    """A destination that fails for good is in the log and in the records; no destination is told of it, and it ends."""

    def fails(*_: Any) -> None:
        raise RuntimeError("no room")

    registry.function("charge")(lambda event, context: 1 / 0)
    registry.function("failed")(fails)
    on_failure = {"function": "failed", "callable": fails, "missing": "nobody", "itself": "charge"}[way]
    client_of(registry, clock, on_failure=on_failure).enqueue("charge", {"secret": "content"})
    assert fcall.local.drain(10)

    last = fcall.local.calls()[-1]
    assert "undeliverable" == last.outcome
    assert 1 == [call.outcome for call in fcall.local.calls()].count("undeliverable")
    assert [logging.ERROR] * 2 == [record.levelno for record in caplog.records]
    assert f"the Async call {last.request_id} of {last.function} failed: " in caplog.text
    assert "content" not in caplog.text


def test_without_a_destination_the_log_is_told(
    registry: fcall.local.Registry, clock: SimulatedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """An event that is given up is one error in the log, and its earlier attempts are for those who want to know."""
    caplog.set_level(logging.INFO, "fcall")
    registry.function("charge")(lambda event, context: 1 / 0)
    acceptance = client_of(registry, clock).enqueue("charge")
    assert fcall.local.drain(10)

    assert [logging.INFO, logging.INFO, logging.ERROR] == [record.levelno for record in caplog.records]
    assert all(str(acceptance.request_id) in record.message for record in caplog.records)


def test_a_destination_may_enqueue(registry: fcall.local.Registry, clock: SimulatedClock) -> None:
    """Whatever a destination sets going is waited for."""
    ran: list[Any] = []
    registry.function("charge")(lambda event, context: 1 / 0)
    registry.function("failed")(lambda event, context: client.enqueue("note", event["requestPayload"]) and None)
    registry.function("note")(lambda event, context: ran.append(event))
    client = client_of(registry, clock, on_failure="failed")
    client.enqueue("charge", 7)
    assert fcall.local.drain(10)

    assert [7] == ran


def test_an_event_stays_in_the_trace_of_its_caller(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """What a function enqueues belongs to the same trace, and begins a nesting of its own."""
    places: list[_nesting.Nesting] = []
    registry.function("inner")(lambda event, context: places.append(_nesting.nested("another", 16)))

    @registry.function("outer")
    def outer(event: Any, context: Any) -> None:
        places.append(_nesting.nested("another", 16))
        client.enqueue("inner")

    answer = client.invoke("outer")
    assert fcall.local.drain(10)

    assert [_nesting.Nesting(2, str(answer.request_id))] * 2 == places


# The queue


def test_retries_of_many_events_keep_all_workers_busy(registry: fcall.local.Registry) -> None:
    """When many pauses end at once, as many events run at once as there are workers."""
    together = threading.Barrier(4)
    tried: set[int] = set()

    @registry.function("charge")
    def charge(event: int, context: Any) -> None:
        if event not in tried:
            tried.add(event)
            raise ValueError
        together.wait(10)

    with fcall.Client(provider="local", registry=registry, workers=4, async_pause=0.1) as client:
        for number in range(8):
            client.enqueue("charge", number)
        assert fcall.local.drain(10)

    assert {"failed": 8, "ok": 8} == {
        outcome: [call.outcome for call in fcall.local.calls()].count(outcome) for outcome in ("failed", "ok")
    }


def test_an_event_runs_while_another_one_pauses(registry: fcall.local.Registry) -> None:
    """A pause takes no worker away."""
    ran = threading.Event()
    registry.function("fails")(lambda event, context: 1 / 0)
    registry.function("runs")(lambda event, context: ran.set())
    client = fcall.Client(provider="local", registry=registry, workers=1, async_pause=3600.0)
    client.enqueue("fails")
    wait_until(lambda: bool(fcall.local.calls()))
    client.enqueue("runs")

    assert ran.wait(10)
    client.close()


def test_what_waits_for_a_retry_takes_room(registry: fcall.local.Registry) -> None:
    """The queue is bounded, whatever its events wait for; what was accepted is never refused its next attempt."""
    registry.function("fails")(lambda event, context: 1 / 0)
    config = {"defaults": {"provider": "local", "attempts": 1}}
    options = {"workers": 1, "queue_size": 2, "async_pause": 3600.0, "async_retries": 1}
    client = fcall.Client(config, provider="local", registry=registry, **options)
    for number in range(2):
        client.enqueue("fails", number)
        wait_until(lambda: len(fcall.local.calls()) > number)  # noqa: B023 - it is called at once
    with pytest.raises(fcall.errors.ThrottledError):
        client.enqueue("fails", 2)
    client.close()

    assert 4 == len(fcall.local.calls())


def test_close_does_not_wait_for_pauses(registry: fcall.local.Registry) -> None:
    """`Client.close` has what waits for a retry run at once, to the last attempt and the destination."""
    told: list[Any] = []
    registry.function("fails")(lambda event, context: 1 / 0)
    client = fcall.Client(provider="local", registry=registry, async_pause=3600.0, on_failure=told.append)
    client.enqueue("fails")
    wait_until(lambda: bool(fcall.local.calls()))
    started = time.monotonic()
    client.close()

    assert time.monotonic() - started < 10
    assert [3] == [record["requestContext"]["approximateInvokeCount"] for record in told]


def test_a_thread_waits_only_while_something_does(registry: fcall.local.Registry) -> None:
    """One thread watches over the pauses, however many there are, and none is left when all are over."""
    before = set(threading.enumerate())
    registry.function("fails")(lambda event, context: 1 / 0)
    client = fcall.Client(provider="local", registry=registry, async_pause=0.3, async_retries=1)
    for _ in range(20):
        client.enqueue("fails")
    wait_until(lambda: len(fcall.local.calls()) >= 20)
    wait_until(lambda: len(set(threading.enumerate()) - before) <= 1 or len(fcall.local.calls()) > 20)
    assert fcall.local.drain(10)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)

    assert set() == set(threading.enumerate()) - before
    assert 40 == len(fcall.local.calls())


# Records


def test_calls_says_what_ran(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """Sync and Async calls of any client are listed, with their payload and how they ended."""
    registry.function("orders/charge")(lambda event, context: 1 / event)
    answer = client.invoke("orders/charge", 1)
    with pytest.raises(FunctionError):
        client.invoke("orders/charge", 0)
    acceptance = client.enqueue("orders/charge", 2)
    assert fcall.local.drain(10)

    good, bad, later = fcall.local.calls()
    assert CallRecord("orders", "charge", "Sync", b"1", str(answer.request_id), 1, "ok", None) == good
    assert ("failed", 1, "ZeroDivisionError") == (bad.outcome, bad.attempt, getattr(bad.error, "error_type", None))
    assert CallRecord("orders", "charge", "Async", b"2", str(acceptance.request_id), 1, "ok", None) == later


def test_a_record_shows_no_payload(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """A record can be printed without its content."""
    registry.function("charge")(lambda event, context: None)
    client.invoke("charge", {"card": "4711"})

    assert b'{"card":"4711"}' == fcall.local.calls()[0].payload
    assert "4711" not in repr(fcall.local.calls())


def test_records_keep_nothing_large(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """A large payload is not kept, and neither are the frames that an error was raised through."""
    registry.function("fails")(lambda event, context: 1 / 0)
    with pytest.raises(FunctionError) as caught:
        client.invoke("fails", payload=b'"' + b"x" * 20_000 + b'"')

    [call] = fcall.local.calls()
    assert call.payload is None
    assert call.error is not None
    assert (None, None) == (call.error.__traceback__, call.error.__cause__)
    assert caught.value is not call.error


def test_only_so_many_records_are_kept(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """The last thousand are kept, and `forget_calls` forgets them."""
    registry.function("count")(lambda event, context: None)
    for number in range(1_001):
        client.invoke("count", number)

    assert (1_000, b"1") == (len(fcall.local.calls()), fcall.local.calls()[0].payload)
    fcall.local.forget_calls()
    assert () == fcall.local.calls()


def test_what_did_not_run_leaves_no_record(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """A DryRun and a call of nobody are no calls of a function."""
    registry.function("charge")(lambda event, context: None)
    client.check("charge")
    with pytest.raises(fcall.errors.FunctionNotFoundError):
        client.invoke("nobody")

    assert () == fcall.local.calls()


# Options


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"async_retries": -1}, "async_retries is 0 to 8"),
        ({"async_retries": 9}, "async_retries is 0 to 8"),
        ({"async_pause": -0.1}, "async_pause is 0 to 86400 seconds"),
        ({"max_event_age": 0}, "max_event_age is over 0"),
        ({"max_event_age": 604_801}, "max_event_age is over 0"),
        ({"on_failure": "a/b/c"}, "too many parts"),
        ({"on_failure": 7}, "on_failure"),
        ({"clock": time.monotonic}, "clock"),
    ],
)
def test_options_are_checked(option: dict[str, Any], words: str) -> None:
    """An option that makes no sense is refused when the provider is made."""
    with pytest.raises(InvalidParamsError, match=words):
        fcall.Client(provider="local", **option).invoke("x")


def test_a_clock_cannot_be_configured() -> None:
    """Only code has a clock to give."""
    with pytest.raises(ConfigurationError, match="clock"):
        fcall.Client({"defaults": {"provider": "local", "clock": "sundial"}}).invoke("x")


def test_a_simulated_clock_does_not_go_back(clock: SimulatedClock) -> None:
    """Time can be let pass, and not be turned back."""
    clock.advance(5)
    with pytest.raises(ValueError, match="time does not go back"):
        clock.advance(-1)

    assert (5.0, 5.0) == (clock.time(), clock.monotonic())


def test_simulated_time_stands_still_while_something_runs(
    registry: fcall.local.Registry, clock: SimulatedClock
) -> None:
    """No pause ends under an event that runs, so ages and pauses are what they would be if it took no time."""
    reached, go_on = threading.Event(), threading.Event()
    registry.function("slow")(lambda event, context: [reached.set(), go_on.wait(10)])
    registry.function("fails")(lambda event, context: 1 / 0)
    client = client_of(registry, clock, workers=3, async_pause=60.0)
    client.enqueue("slow")
    assert reached.wait(10)
    client.enqueue("fails")
    wait_until(lambda: bool(fcall.local.calls()))

    assert not fcall.local.drain(0.3)
    assert 0.0 == clock.monotonic()
    go_on.set()
    assert fcall.local.drain(10)
    assert 180.0 == clock.monotonic()
