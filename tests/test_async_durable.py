"""The durable queue: what was accepted runs, whatever becomes of the process that accepted it."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall.errors import ConfigurationError, Executed, ProviderUnavailableError
from fcall.local import SimulatedClock, _database
from fcall.local._events import Event
from fcall.local._nesting import Nesting
from fcall.local._request_id import new_request_id
from fcall.local._store import Store
from fcall.provider import Invocation

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no locks that end with a process"),
    pytest.mark.usefixtures("unmeasured"),
]

BEGIN = """
    import os, signal, sys, time
    import fcall

    client = fcall.Client(provider="local", durable="queue.db", async_pause=3600)

    @fcall.local.function("note")
    def note(event, context):
        with open("ran", "a") as ran:
            print(event, context.aws_request_id, file=ran)

    @fcall.local.function("stands")
    def stands(event, context):
        time.sleep(60)

    @fcall.local.function("fails")
    def fails(event, context):
        raise ValueError("not yet")

    def killed():
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def _own_records() -> Iterator[None]:
    fcall.local.forget_calls()
    yield
    assert fcall.local.drain(10)


def started(program: str) -> subprocess.Popen[str]:
    """A program that runs in a Python of its own, in the working directory of the test."""
    code = textwrap.dedent(BEGIN) + textwrap.dedent(program)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(program: str, status: int = -9) -> str:
    """What a program printed that has to end with this status."""
    with started(program) as process:
        out, err = process.communicate(timeout=60)

    assert (status, "") == (process.returncode, err)
    return out


def kept(path: str = "queue.db") -> int:
    """How many events are in the file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])


def left_over(function: str, *payloads: bytes, runtime: str = "lambda", accepted_at: float | None = None) -> None:
    """Put events into the file, as a process leaves them that ended before they were done."""
    store = Store("queue.db", runtime, ".")
    for payload in payloads or [b"1"]:
        invocation = Invocation(function, None, "Async", payload, configured=":" in function)
        request_id, now = new_request_id(), time.time() if accepted_at is None else accepted_at
        store.add(Event(invocation, request_id, Nesting(1, request_id), now))
    store.close()


def durable(registry: fcall.local.Registry | None = None, **options: Any) -> fcall.Client:
    """A client whose queue is durable, and which was used once."""
    if registry is not None:
        options["registry"] = registry
    client = fcall.Client(provider="local", durable="queue.db", **options)
    with contextlib.suppress(fcall.errors.FunctionNotFoundError):
        client.check("nobody")
    return client


# One process


def test_an_event_is_kept_before_it_is_accepted(registry: fcall.local.Registry) -> None:
    """When the call comes back the event is in the file; it is gone when the function has run."""
    seen: list[int] = []
    registry.function("look")(lambda event, context: seen.append(kept()))
    with durable(registry, workers=1) as client:
        for _ in range(3):
            client.enqueue("look")
        assert fcall.local.drain(10)
        assert 0 == kept()

    assert {1, 2, 3} >= set(seen)
    assert 1 == seen[-1]


def test_what_is_done_leaves_nothing(registry: fcall.local.Registry) -> None:
    """After closing there is one file, readable by its owner alone, and nothing in it."""
    registry.function("note")(lambda event, context: None)
    with durable(registry) as client:
        client.enqueue("note", "a secret")

    assert ["queue.db"] == sorted(os.listdir())
    assert 0o600 == Path("queue.db").stat().st_mode & 0o777
    assert 0 == kept()


def test_an_unused_queue_ends_with_its_process() -> None:
    """A program that never closes its client leaves the file tidy at its normal end, too."""
    ended("client.enqueue('note', 1)", status=0)

    assert ["queue.db", "ran"] == sorted(os.listdir())
    assert 0 == kept()


def test_a_failed_event_is_kept_until_somebody_was_told(registry: fcall.local.Registry) -> None:
    """Through its attempts and until the destination took its record, there is always something in the file."""
    seen: list[int] = []
    registry.function("fails")(lambda event, context: seen.append(kept()) or 1 / 0)
    registry.function("failed")(lambda event, context: seen.append(kept()))
    with durable(registry, on_failure="failed", clock=SimulatedClock(), async_pause=60.0) as client:
        client.enqueue("fails")
        assert fcall.local.drain(10)

        assert [1, 1, 1, 1] == seen
        assert 0 == kept()


def test_a_record_that_nobody_took_stays(registry: fcall.local.Registry) -> None:
    """Where the destination fails for good, the next start tells it again, and the function does not run again."""
    ran: list[Any] = []
    told: list[Any] = []
    registry.function("fails")(lambda event, context: [ran.append(event), 1 / 0])
    with durable(registry, on_failure=lambda record: 1 / 0) as client:
        client.enqueue("fails", 7)

    assert ([7, 7, 7], 1) == (ran, kept())
    fcall.local.forget_calls()
    with durable(registry, on_failure=lambda record: [told.append(record), 1 / (len(told) > 2)]):
        assert fcall.local.drain(10)

    assert [7, 7, 7] == [record["requestPayload"] for record in told]
    assert [(1, "failed"), (2, "failed"), (3, "ok")] == [(call.attempt, call.outcome) for call in fcall.local.calls()]
    assert ([7, 7, 7], 0) == (ran, kept())


def test_a_record_goes_to_the_destination_of_its_time(registry: fcall.local.Registry) -> None:
    """A record that was left goes to the destination that is named when it is resumed."""
    told: list[Any] = []
    registry.function("fails")(lambda event, context: 1 / 0)
    registry.function("failed")(lambda event, context: told.append(event["requestPayload"]))
    with durable(registry, on_failure=lambda record: 1 / 0) as client:
        client.enqueue("fails", 7)
    with durable(registry, on_failure="failed"):
        assert fcall.local.drain(10)

    assert ([7], 0) == (told, kept())


def test_a_file_that_cannot_be_written_refuses_the_event(
    registry: fcall.local.Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that cannot be kept is not accepted, and does not run."""
    monkeypatch.setattr(_database, "_PATIENCE", 0.01)
    ran: list[int] = []
    registry.function("note")(lambda event, context: ran.append(event))
    config = {"defaults": {"provider": "local", "attempts": 1, "durable": "queue.db"}}
    client = fcall.Client(config, provider="local", registry=registry, durable="queue.db")
    client.check("note")
    with contextlib.closing(sqlite3.connect("queue.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            ProviderUnavailableError, match=r"could not be kept in .*queue\.db: database is locked"
        ) as error:
            client.enqueue("note", 1)
        other.execute("ROLLBACK")
    client.enqueue("note", 2)
    client.close()

    assert (Executed.NO, True) == (error.value.executed, error.value.retryable)
    assert [2] == ran


def test_an_event_whose_end_cannot_be_written_may_run_again(
    registry: fcall.local.Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the file cannot be told that an event is done, the log says so, and the queue goes on."""
    monkeypatch.setattr(_database, "_PATIENCE", 0.01)
    other = sqlite3.connect("queue.db", isolation_level=None, check_same_thread=False)
    registry.function("note")(lambda event, context: other.execute("BEGIN IMMEDIATE") and None)
    with contextlib.closing(other), durable(registry) as client:
        client.enqueue("note")
        assert fcall.local.drain(10)
        other.execute("ROLLBACK")

    assert "could not be written, so an event may run again: database is locked" in caplog.text
    assert 1 == kept()


@pytest.mark.parametrize("what", ["text", "database", "folder", "nowhere"])
def test_a_file_that_is_something_else_is_refused(what: str) -> None:
    """Nothing of somebody else's is overwritten, and the error says what to do."""
    if what == "text":
        Path("queue.db").write_text("these are not events " * 1000)
    elif what == "database":
        with contextlib.closing(sqlite3.connect("queue.db")) as connection:
            connection.execute("CREATE TABLE mine (id)")
    elif what == "folder":
        Path("queue.db").mkdir()
    path = "no/such/queue.db" if what == "nowhere" else "queue.db"
    with pytest.raises(ConfigurationError, match=r"the durable queue cannot be kept in .*name a file in a folder"):
        fcall.Client(provider="local", durable=path).check("note")


def test_the_path_is_relative_to_the_configuration(tmp_path: Path) -> None:
    """A file that names the queue means a file beside it, wherever the program runs."""
    (tmp_path / "fcall.toml").write_text('[defaults]\nprovider = "local"\ndurable = "queue.db"\n')
    with fcall.Client(tmp_path / "fcall.toml") as client, contextlib.suppress(fcall.errors.FunctionNotFoundError):
        client.check("note")

    assert (tmp_path / "queue.db").is_file()


# The next start


def test_what_a_killed_process_accepted_runs(registry: fcall.local.Registry) -> None:
    """Events that waited or ran when the process was killed run in the next one, each with its own id and content."""
    out = ended(
        """
        client = fcall.Client(provider="local", durable="queue.db", workers=1)
        for number in range(5):
            accepted = client.enqueue("stands", number, context={"custom": {"n": number}}, qualifier="prod")
            print(accepted.request_id, flush=True)
        killed()
        """
    )
    seen: list[tuple[int, str, Any, str]] = []

    @registry.function("stands")
    def stands(event: Any, context: Any) -> None:
        qualifier = context.invoked_function_arn.rpartition(":")[2]
        seen.append((event, context.aws_request_id, context.client_context.custom, qualifier))

    assert 5 == kept()
    with durable(registry):
        assert fcall.local.drain(10)

    assert [(n, request_id, {"n": n}, "prod") for n, request_id in enumerate(out.split())] == sorted(seen)
    assert 0 == kept()


def test_attempts_are_counted_on(registry: fcall.local.Registry) -> None:
    """An event that waited for its second attempt when the process was killed has two left."""
    ended(
        """
        import sqlite3

        file = sqlite3.connect("queue.db")
        client.enqueue("fails")
        while not file.execute("SELECT attempts FROM events").fetchone()[0]:
            time.sleep(0.001)
        killed()
        """
    )
    told: list[Any] = []
    registry.function("fails")(lambda event, context: 1 / 0)
    with durable(registry, on_failure=told.append):
        assert fcall.local.drain(10)

    assert [2, 3] == [call.attempt for call in fcall.local.calls() if call.function == "fails"]
    assert [3] == [record["requestContext"]["approximateInvokeCount"] for record in told]


def test_the_time_without_a_process_counts(registry: fcall.local.Registry) -> None:
    """An event that became too old while nothing ran is not run, and the destination is told."""
    told: list[Any] = []
    ran: list[Any] = []
    registry.function("note")(lambda event, context: ran.append(event))
    left_over("note", b"1", accepted_at=1_000.0)
    left_over("note", b"2", accepted_at=30_000.0)
    with durable(registry, clock=SimulatedClock(start=40_000.0), on_failure=told.append):
        assert fcall.local.drain(10)

    assert [2] == ran
    assert [(1, "EventAgeExceeded")] == [
        (record["requestPayload"], record["requestContext"]["condition"]) for record in told
    ]


def test_a_registered_function_has_no_folder(registry: fcall.local.Registry) -> None:
    """Events of registered functions are resumed wherever the program is started."""
    Path("elsewhere").mkdir()
    registry.function("note")(lambda event, context: None)
    left_over("note")
    with durable(registry, root="elsewhere"):
        assert fcall.local.drain(10)

    assert ["ok"] == [call.outcome for call in fcall.local.calls()]


def test_any_bytes_are_kept(registry: fcall.local.Registry) -> None:
    """A payload is the same after a restart, byte for byte."""
    seen: list[bytes] = []
    registry.function("raw")(lambda event, context: seen.append(event))
    left_over("raw", bytes(range(256)), runtime="fc")
    with durable(registry, runtime="fc"):
        assert fcall.local.drain(10)

    assert [bytes(range(256))] == seen


def test_code_is_found_again() -> None:
    """An event for code that the configuration names needs no registration to be resumed."""
    Path("app.py").write_text("def handler(event, context):\n    open('ran', 'x').close()\n")
    left_over("app.py:handler")
    with durable():
        assert fcall.local.drain(10)

    assert Path("ran").exists()


def test_an_event_without_a_function_waits_for_it(
    registry: fcall.local.Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """It stays in the file, the log says so, and it runs as soon as its function is registered."""
    left_over("late", b"1", b"2")
    left_over("never")
    ran: list[int] = []
    with durable(registry):
        assert fcall.local.drain(10)
        assert 3 == kept()
        messages = [(record.levelno, record.message) for record in caplog.records]
        registry.function("late")(lambda event, context: ran.append(event))
        assert fcall.local.drain(10)

    assert {1, 2} == set(ran)
    assert 1 == kept()
    path = os.path.abspath("queue.db")
    assert [
        (logging.WARNING, f"{path} keeps events of {name}, which is no function here (yet): {number}")
        for name, number in (("late", 2), ("never", 1))
    ] == messages


def test_a_file_that_cannot_be_used_breaks_no_registration(
    registry: fcall.local.Registry, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a registration finds the file in use, the log says so, and the next registration resumes what is left."""
    monkeypatch.setattr(_database, "_PATIENCE", 0.01)
    left_over("late")
    with durable(registry), contextlib.closing(sqlite3.connect("queue.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        registry.function("late")(lambda event, context: None)
        other.execute("ROLLBACK")

        assert "could not be resumed: " in caplog.text
        assert 1 == kept()
        registry.function("another")(lambda event, context: None)
        assert fcall.local.drain(10)
        assert 0 == kept()


def test_a_lost_file_of_code_loses_no_event(caplog: pytest.LogCaptureFixture) -> None:
    """An event for code whose file is gone stays until the file is back."""
    left_over("app.py:handler")
    with durable():
        assert fcall.local.drain(10)
    Path("app.py").write_text("def handler(event, context): return 1\n")
    with durable():
        assert fcall.local.drain(10)

    assert "keeps events of app.py:handler, which is no function here" in caplog.text
    assert ["ok"] == [call.outcome for call in fcall.local.calls()]


@pytest.mark.parametrize("other", [{"runtime": "fc"}, {"root": "elsewhere"}])
def test_events_of_others_are_left_alone(caplog: pytest.LogCaptureFixture, other: dict[str, str]) -> None:
    """A provider with another runtime or another folder does not run them, and says that they are there."""
    Path("app.py").write_text("def handler(event, context): return 1\n")
    Path("elsewhere").mkdir()
    left_over("app.py:handler")
    with durable(**other):
        assert fcall.local.drain(10)

    assert 1 == kept()
    assert "keeps events for another runtime or root: 1" in caplog.text


# Several at once


def test_the_living_keep_their_events(registry: fcall.local.Registry) -> None:
    """Another process takes nothing from one that lives, and everything from one that was killed."""
    registry.function("stands")(lambda event, context: None)
    with started(
        """
        for number in range(3):
            client.enqueue("stands", number)
        print("ready", flush=True)
        time.sleep(60)
        """
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with durable(registry) as client:
            client.enqueue("stands", "mine")
            assert fcall.local.drain(10)

        assert [b'"mine"'] == [call.payload for call in fcall.local.calls()]
        assert 3 == kept()
        other.kill()
        other.wait(10)
        with durable(registry):
            assert fcall.local.drain(10)

    assert {b'"mine"', b"0", b"1", b"2"} == {call.payload for call in fcall.local.calls()}


def test_providers_of_one_process_share_a_file(registry: fcall.local.Registry) -> None:
    """Each runs what it accepted, once."""
    ran: list[int] = []
    registry.function("note")(lambda event, context: ran.append(event))
    clients = [durable(registry, function_timeout=1 + number) for number in range(4)]
    for number in range(40):
        clients[number % 4].enqueue("note", number)
    for client in clients:
        client.close()

    assert list(range(40)) == sorted(ran)


def test_processes_may_open_and_close_at_once() -> None:
    """However many open and close the same file at the same time, a new one included, each of them can."""
    program = """
        from fcall.local._store import Store

        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(300):
            store = Store(f"queue-{number // 2}.db", "lambda", ".")
            store.take_over()
            store.close()
    """
    processes = [started(program) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    for process in processes:
        with process:
            assert process.stderr is not None
            err = process.stderr.read()

        assert (0, "") == (process.returncode, err)
    assert [] == list(Path().glob("*-owner-*"))


def test_processes_that_start_together_share_what_is_left() -> None:
    """Whoever is first takes it; each event runs once, and each one that is accepted meanwhile does, too."""
    left_over("note", *(str(number).encode() for number in range(100)))
    processes = [
        started(f"for n in range({100 + 50 * p}, {150 + 50 * p}): client.enqueue('note', n)") for p in range(4)
    ]
    for process in processes:
        with process:
            _, err = process.communicate(timeout=60)

        assert (0, "") == (process.returncode, err)
    ran = Counter(int(line.split()[0]) for line in Path("ran").read_text().splitlines())

    assert dict.fromkeys(range(300), 1) == ran
    assert 0 == kept()


def test_a_fork_shares_nothing() -> None:
    """Parent and child go on with a connection each: what the parent accepted runs there, once, and the child's too."""
    out = ended(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        for number in range(5):
            client.enqueue("note", f"parent-{number}")
        child = os.fork()
        me = "child" if child == 0 else "parent"
        for number in range(5, 25):
            client.enqueue("note", f"{me}-{number}")
        client.close()
        if child == 0:
            os._exit(0)
        print(os.waitpid(child, 0)[1])
        """,
        status=0,
    )
    ran = Counter(line.split()[0] for line in Path("ran").read_text().splitlines())

    assert "0\n" == out
    expected = [f"parent-{number}" for number in range(25)] + [f"child-{number}" for number in range(5, 25)]
    assert dict.fromkeys(expected, 1) == ran
    assert [] == list(Path().glob("*-owner-*"))


def test_a_fork_leaves_nothing_behind() -> None:
    """A parent that does not use its queue again after a fork leaves the file tidy, and so does the child."""
    ended(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        client.check("note")
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        """,
        status=0,
    )

    assert ["queue.db"] == sorted(os.listdir())


def test_a_child_that_lives_on_holds_nothing_for_its_parent(registry: fcall.local.Registry) -> None:
    """The events of a killed parent are free although a child that it forked is still there."""
    out = ended(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        client.enqueue("stands")
        child = os.fork()
        if child == 0:
            os.close(1), os.close(2)
            time.sleep(60)
        print(child, flush=True)
        killed()
        """
    )
    registry.function("stands")(lambda event, context: None)
    try:
        with durable(registry):
            assert fcall.local.drain(10)
    finally:
        os.kill(int(out), 9)

    assert 0 == kept()


# Killed at random instants

WRITER = """
    import pathlib, random

    # 200 events; those whose acceptance was told are not enqueued again.
    told = set(pathlib.Path("told").read_text().split()) if os.path.exists("told") else set()
    tell = os.open("told", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    done = os.open("done", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    @fcall.local.function("work")
    def work(event, context):
        time.sleep(random.random() / 500)
        os.write(done, f"{event}\\n".encode())

    client = fcall.Client(provider="local", durable="queue.db")
    client.check("work")
    print("ready", flush=True)
    for number in range(200):
        if str(number) not in told:
            client.enqueue("work", number)
            os.write(tell, f"{number}\\n".encode())
"""


def killed_until_done(kills: int, seed: int) -> None:
    """Run the program, kill it at random instants, let it come to its end, and look what it did."""
    import random

    chance = random.Random(seed)
    for _ in range(kills):
        with started(WRITER) as process:
            assert process.stdout is not None
            if chance.random() < 0.8:
                process.stdout.readline()
                time.sleep(chance.random() * 0.08)
            else:
                time.sleep(chance.random() * 0.3)
            process.kill()
    ended(WRITER, status=0)

    assert set(map(str, range(200))) == set(Path("told").read_text().split())
    assert set(map(str, range(200))) == set(Path("done").read_text().split())
    assert 0 == kept()


@pytest.mark.parametrize("seed", [1, 2])
def test_no_kill_loses_an_event(seed: int) -> None:
    """Two hundred of two hundred accepted events run, although the process is killed again and again."""
    killed_until_done(8, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_no_kill_loses_an_event_ever(seed: int) -> None:
    """The same with sixty kills, ten times."""
    killed_until_done(60, seed)
