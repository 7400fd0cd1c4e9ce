"""The queue of Async events: accepted means that it runs, after the call, and that somebody can wait for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall.errors import ConfigurationError, Executed, FunctionNotFoundError, ProviderUnavailableError, ThrottledError
from fcall.local._queue import EventQueue


class Gate:
    """Handlers of this object stand still until it opens."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.reached = threading.Semaphore(0)
        self.ran: list[Any] = []

    def handler(self, event: Any, context: Any) -> None:
        self.reached.release()
        assert self.opened.wait(10)
        self.ran.append(event)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()
    assert fcall.local.drain(10)


@pytest.fixture
def gated(gate: Gate, registry: fcall.local.Registry) -> Gate:
    registry.function("gated")(gate.handler)
    return gate


def test_an_event_runs_after_the_call(client: fcall.Client, gated: Gate) -> None:
    """The call comes back while the function has not ended."""
    client.enqueue("gated", 1)

    assert [] == gated.ran
    gated.opened.set()
    client.close()
    assert [1] == gated.ran


def test_an_event_runs_on_a_thread_that_is_waited_for(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """The thread is not the caller's, and not a daemon, which the interpreter would cut off."""
    seen: list[threading.Thread] = []
    registry.function("which")(lambda event, context: seen.append(threading.current_thread()))
    client.enqueue("which")
    client.close()

    assert (False, "fcall-local") == (seen[0].daemon, seen[0].name)
    assert threading.current_thread() is not seen[0]


def test_an_idle_queue_has_no_threads(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """No thread is there before the first event, and none stays after the last."""
    before = set(threading.enumerate())
    registry.function("nothing")(lambda event, context: None)
    client.invoke("nothing")

    assert set() == set(threading.enumerate()) - before
    for _ in range(20):
        client.enqueue("nothing")
    client.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set() == set(threading.enumerate()) - before


def test_the_event_is_fixed_when_it_is_accepted(client: fcall.Client, gated: Gate) -> None:
    """What the caller does to its object afterwards does not reach the function."""
    event = {"names": ["Ada"]}
    client.enqueue("gated", event)
    event["names"].append("spoilt")
    gated.opened.set()
    client.close()

    assert [{"names": ["Ada"]}] == gated.ran


def test_events_run_in_order_where_one_runs_at_a_time(registry: fcall.local.Registry, gated: Gate) -> None:
    """With one worker the first that was accepted is the first that runs."""
    client = fcall.Client(provider="local", registry=registry, workers=1)
    gated.opened.set()
    for number in range(50):
        client.enqueue("gated", number)
    client.close()

    assert list(range(50)) == gated.ran


@pytest.mark.parametrize("workers", [1, 3])
def test_as_many_run_at_once_as_there_are_workers(registry: fcall.local.Registry, gated: Gate, workers: int) -> None:
    """The others wait."""
    client = fcall.Client(provider="local", registry=registry, workers=workers)
    for number in range(workers + 2):
        client.enqueue("gated", number)
    for _ in range(workers):
        assert gated.reached.acquire(timeout=10)

    assert not gated.reached.acquire(blocking=False)
    gated.opened.set()
    client.close()
    assert workers + 2 == len(gated.ran)


def test_a_full_queue_refuses(registry: fcall.local.Registry, gated: Gate) -> None:
    """One too many is ThrottledError, the function does not run for it, and nothing that was accepted is lost."""
    config = {"defaults": {"provider": "local", "attempts": 1}}
    client = fcall.Client(config, provider="local", registry=registry, workers=1, queue_size=2)
    client.enqueue("gated", 0)
    assert gated.reached.acquire(timeout=10)
    client.enqueue("gated", 1)
    client.enqueue("gated", 2)
    with pytest.raises(
        ThrottledError, match="2 events wait already; enqueue more slowly, or raise queue_size"
    ) as caught:
        client.enqueue("gated", 3)

    assert (Executed.NO, True) == (caught.value.executed, caught.value.retryable)
    gated.opened.set()
    client.close()
    assert [0, 1, 2] == gated.ran


def test_a_full_queue_is_tried_again(registry: fcall.local.Registry, gated: Gate) -> None:
    """Since the refusal may pass, the call is made again and is accepted once there is room."""
    client = fcall.Client(provider="local", registry=registry, workers=1, queue_size=1)
    client._sleep = lambda seconds: gated.opened.set() or fcall.local.drain(10)  # type: ignore[assignment]
    client.enqueue("gated", 0)
    assert gated.reached.acquire(timeout=10)
    client.enqueue("gated", 1)
    client.enqueue("gated", 2)
    client.close()

    assert [0, 1, 2] == gated.ran


@pytest.mark.parametrize("options", [{"workers": 0}, {"queue_size": 0}])
def test_a_queue_has_room_and_a_worker(options: dict[str, int]) -> None:
    """Nothing could ever run without."""
    with pytest.raises(ConfigurationError, match="workers, queue_size, concurrency and memory_limit are 1 or more"):
        fcall.Client(provider="local", **options).invoke("x")


# Failures


def raise_value_error(event: Any, context: Any) -> None:
    raise ValueError("out of stock")


def leave(event: Any, context: Any) -> None:
    raise SystemExit(3)


def interrupt(event: Any, context: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (raise_value_error, "ValueError: out of stock"),
        (leave, "exit status 3"),
        (interrupt, "exit status 1"),
        (lambda event, context: {1}, "set is not JSON serializable"),
    ],
)
def test_a_failure_is_logged_and_not_raised(
    client: fcall.Client, registry: fcall.local.Registry, caplog: pytest.LogCaptureFixture, handler: Any, words: str
) -> None:
    """Nobody waits for the function, so its failure is an error in the log, with the id that the caller got."""
    registry.function("failing")(handler)
    acceptance = client.enqueue("failing")
    client.close()

    assert [("fcall", logging.ERROR)] == [(record.name, record.levelno) for record in caplog.records]
    assert f"the Async call {acceptance.request_id} of failing failed: " in caplog.text
    assert words in caplog.text


def test_a_payload_that_is_no_event_is_logged(
    client: fcall.Client, registry: fcall.local.Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """The service accepts the event as it comes, as a cloud does; the runtime then refuses it."""
    registry.function("any")(lambda event, context: None)
    client.enqueue("any", payload=b"{not JSON")
    client.close()

    assert "the payload is not JSON" in caplog.text
    assert "{not JSON" not in caplog.text


def test_code_that_cannot_be_loaded_is_logged(client: fcall.Client, caplog: pytest.LogCaptureFixture) -> None:
    """What is there but does not load fails when it runs; what is not there is refused by the call."""
    Path("bad.py").write_text("raise KeyboardInterrupt")
    client.enqueue("local:bad.py:handler")
    client.close()

    assert "the function could not be loaded: Runtime.ExitError" in caplog.text


def test_an_unknown_function_is_refused_at_once(client: fcall.Client) -> None:
    """A call that can never run is not accepted."""
    with pytest.raises(FunctionNotFoundError):
        client.enqueue("nobody")


def test_a_failure_does_not_stop_the_queue(
    registry: fcall.local.Registry, gated: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """The events behind it run."""
    client = fcall.Client(provider="local", registry=registry, workers=1)
    registry.function("failing")(leave)
    gated.opened.set()
    for number in range(3):
        client.enqueue("failing")
        client.enqueue("gated", number)
    client.close()

    assert [0, 1, 2] == gated.ran
    assert 3 == len(caplog.records)


def test_a_fault_of_our_own_does_not_stop_the_queue(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever an event raises, its thread goes on, and waiting for it ends."""
    queue = EventQueue(1, 10)
    ran: list[int] = []
    for event in (lambda: 1 / 0, lambda: ran.append(1)):
        queue.put(event)  # type: ignore[arg-type]

    assert queue.wait(10)
    assert [1] == ran
    assert "an Async call raised what is no error of fcall" in caplog.text


# Waiting


def test_drain_waits_for_every_provider(registry: fcall.local.Registry, gated: Gate) -> None:
    """`fcall.local.drain` waits for whatever any client of the process enqueued."""
    clients = [fcall.Client(provider="local", registry=registry, workers=1) for _ in range(3)]
    for number, client in enumerate(clients):
        client.enqueue("gated", number)

    assert not fcall.local.drain(0)
    assert not fcall.local.drain(0.01)
    gated.opened.set()
    assert fcall.local.drain(10)
    assert {0, 1, 2} == set(gated.ran)
    assert fcall.local.drain()


def test_drain_waits_for_what_events_enqueue(registry: fcall.local.Registry) -> None:
    """An event that enqueues another one, also at another client, is not done before that one is."""
    clients = [fcall.Client(provider="local", registry=registry, workers=1) for _ in range(2)]
    ran: list[int] = []

    @registry.function("chain")
    def chain(event: Any, context: Any) -> None:
        ran.append(event)
        if event:
            clients[event % 2].enqueue("chain", event - 1)

    clients[0].enqueue("chain", 20)

    assert fcall.local.drain(10)
    assert list(range(20, -1, -1)) == ran


def test_draining_while_clients_come_and_go(registry: fcall.local.Registry) -> None:
    """Providers may be made, used and forgotten by other threads while somebody waits."""
    registry.function("nothing")(lambda event, context: None)

    def come_and_go(_: int) -> bool:
        fcall.Client(provider="local", registry=registry).enqueue("nothing")
        return fcall.local.drain(10)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(come_and_go, range(200)))


def test_close_waits(client: fcall.Client, gated: Gate) -> None:
    """`Client.close` comes back when everything that was accepted has run."""
    for number in range(10):
        client.enqueue("gated", number)
    threading.Timer(0.05, gated.opened.set).start()
    client.close()

    assert set(range(10)) == set(gated.ran)


@pytest.mark.parametrize("way", ["drain", "close", "other"])
def test_an_event_cannot_wait_for_itself(client: fcall.Client, registry: fcall.local.Registry, way: str) -> None:
    """It gets a clear error instead of a deadlock, and its client still waits for it."""
    other = fcall.Client(provider="local", registry=registry, workers=1)
    seen: list[object] = []

    @registry.function("waits")
    def waits(event: Any, context: Any) -> None:
        try:
            {"drain": fcall.local.drain, "close": client.close, "other": other.close}[way]()
        except ConfigurationError as error:
            seen.append(str(error))
        time.sleep(0.02)
        seen.append("ran")

    client.enqueue("waits")
    client.close()

    refused = ["a function that was enqueued cannot wait for the queue it runs from; return first"]
    assert [*(refused if way != "other" else []), "ran"] == seen


def test_events_that_drain_do_not_wait_for_each_other(registry: fcall.local.Registry) -> None:
    """Two events of two clients that both wait for everything are both refused."""
    together = threading.Barrier(2)
    errors: list[str] = []

    @registry.function("waits")
    def waits(event: Any, context: Any) -> None:
        together.wait(10)
        with pytest.raises(ConfigurationError) as caught:
            fcall.local.drain()
        together.wait(10)  # neither event ends before both were refused
        errors.append(type(caught.value).__name__)

    for _ in range(2):
        fcall.Client(provider="local", registry=registry).enqueue("waits")

    assert fcall.local.drain(10)
    assert ["ConfigurationError"] * 2 == errors


def test_a_sync_function_may_wait(client: fcall.Client, registry: fcall.local.Registry, gated: Gate) -> None:
    """A function that was called, not enqueued, runs on its caller's thread and may wait for events."""
    gated.opened.set()
    registry.function("waits")(lambda event, context: [client.enqueue("gated", 1).status_code, fcall.local.drain(10)])

    assert [202, True] == client.invoke("waits").json()


def test_an_event_may_close_a_client_of_its_own(
    client: fcall.Client, registry: fcall.local.Registry, gated: Gate
) -> None:
    """Only waiting for itself is refused."""
    gated.opened.set()

    @registry.function("outer")
    def outer(event: Any, context: Any) -> None:
        with fcall.Client(provider="local", registry=registry) as inner:
            inner.enqueue("gated", "inner")
        gated.ran.append("outer")

    client.enqueue("outer")
    client.close()

    assert ["inner", "outer"] == gated.ran


# Threads that cannot be started


class Unstartable(threading.Thread):
    """A thread for which there is no room."""

    def start(self) -> None:
        raise RuntimeError("can't start new thread")


class Interrupted(threading.Thread):
    """A thread whose start is interrupted."""

    def start(self) -> None:
        raise KeyboardInterrupt


def test_an_event_without_a_thread_is_refused(
    client: fcall.Client, gated: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no thread can be started the event is not accepted, and nobody waits for it."""
    monkeypatch.setattr(threading, "Thread", Unstartable)
    queue = EventQueue(1, 1)
    with pytest.raises(ProviderUnavailableError, match=r"no thread can be started .* can't start new thread") as caught:
        queue.put(lambda: None)

    assert (Executed.NO, True) == (caught.value.executed, caught.value.retryable)
    assert queue.wait(10)
    assert fcall.local.drain(10)


def test_one_thread_is_enough(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only some threads can be started, these run everything."""
    queue = EventQueue(3, 10)
    queue.put(lambda: gate.handler(0, None))
    monkeypatch.setattr(threading, "Thread", Unstartable)
    for number in (1, 2):
        queue.put(lambda number=number: gate.handler(number, None))  # type: ignore[misc]
    gate.opened.set()

    assert queue.wait(10)
    assert [0, 1, 2] == gate.ran


class InterruptedLater(threading.Thread):
    """A thread whose start is interrupted when it runs already."""

    def start(self) -> None:
        super().start()
        raise KeyboardInterrupt


@pytest.mark.parametrize("kind", [Interrupted, InterruptedLater])
def test_an_interrupted_start_leaves_nothing_to_wait_for(monkeypatch: pytest.MonkeyPatch, kind: type) -> None:
    """Ctrl-C while the thread is being started gets through, and closing does not hang afterwards."""
    monkeypatch.setattr(threading, "Thread", kind)
    queue = EventQueue(1, 1)
    with pytest.raises(KeyboardInterrupt):
        queue.put(lambda: None)

    assert queue.wait(10)
    assert fcall.local.drain(10)


def test_two_events_that_close_each_others_client_do_not_hang(
    registry: fcall.local.Registry,
) -> None:
    """At least one of them is told that it would wait for itself."""
    refused: list[BaseException] = []
    clients = [fcall.Client(provider="local", registry=registry, workers=workers) for workers in (1, 2)]
    both = threading.Barrier(2)

    @registry.function("closer")
    def closer(event: int, context: Any) -> None:
        both.wait(10)
        try:
            clients[event].close()
        except ConfigurationError as error:
            refused.append(error)

    clients[0].enqueue("closer", 1)
    clients[1].enqueue("closer", 0)

    assert fcall.local.drain(10)
    assert refused
