"""The end of a process: whatever was accepted runs, and what cannot run any more is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[[str], "subprocess.CompletedProcess[str]"]

# Each event leaves a line, after a moment in which the main thread has long come to its end.
BEGIN = """
    import atexit, os, sys, threading, time
    import fcall
    from fcall.errors import FcallError

    ran = os.open("ran", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    @fcall.local.function("note")
    def note(event, context):
        time.sleep(0.005)
        os.write(ran, f"{event}\\n".encode())

    client = fcall.Client()
"""


def events() -> list[int]:
    return sorted(map(int, Path("ran").read_text().split()))


@pytest.mark.parametrize(
    ("end", "code", "words"),
    [
        ("", 0, ""),
        ("sys.exit(0)", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("raise ValueError('the end')", 1, "ValueError: the end"),
        ("client = None; import gc; gc.collect()", 0, ""),
    ],
)
def test_whatever_was_accepted_runs(run_program: Run, end: str, code: int, words: str) -> None:
    """Fifty of fifty events run, however the program ends, and it ends as it would without them."""
    finished = run_program(
        f"""{BEGIN}
    for number in range(50):
        client.enqueue("note", number)
    {end}
    """
    )

    assert list(range(50)) == events()
    assert (code, "") == (finished.returncode, finished.stdout)
    assert finished.stderr == "" if not words else words in finished.stderr


@pytest.mark.parametrize("workers", [1, 4])
def test_what_events_enqueue_runs_as_well(run_program: Run, workers: int) -> None:
    """An event that runs while the process ends may enqueue others, and theirs run too."""
    finished = run_program(
        f"""{BEGIN}
    client = fcall.Client(provider="local", workers={workers})

    @fcall.local.function("chain")
    def chain(event, context):
        note(event, context)
        if event < 20:
            client.enqueue("chain", event + 1)
            client.enqueue("note", 100 + event)

    client.enqueue("chain", 0)
    """
    )

    assert "" == finished.stderr
    assert [*range(21), *range(100, 120)] == events()


@pytest.mark.parametrize("thread", ["main", "daemon"])
def test_nothing_is_accepted_that_cannot_run(run_program: Run, thread: str) -> None:
    """A function that is registered with atexit runs after Python waited for threads; its event is refused clearly."""
    finished = run_program(
        f"""{BEGIN}
    def late():
        try:
            client.enqueue("note", 2)
        except FcallError as error:
            print(type(error).__name__, error.executed.name, error.retryable, len(error.attempts))
            print(error)

    asked, told = threading.Event(), threading.Event()
    daemon = threading.Thread(target=lambda: (asked.wait(30), late(), told.set()), daemon=True)
    daemon.start()
    atexit.register(late if {thread == "main"} else lambda: (asked.set(), told.wait(30)))
    client.enqueue("note", 1)
    """
    )

    assert "ProviderUnavailableError NO False 1\n" in finished.stdout
    assert "no thread can be started to run the event: the interpreter is ending; enqueue earlier" in finished.stdout
    assert ("", 0, [1]) == (finished.stderr, finished.returncode, events())


def test_a_function_can_still_be_called(run_program: Run) -> None:
    """A Sync call needs no thread, so it works to the very end."""
    finished = run_program(
        f"""{BEGIN}
    atexit.register(client.invoke, "note", 7)
    """
    )

    assert ("", [7]) == (finished.stderr, events())


def test_a_thread_that_outlives_the_main_one_loses_nothing(run_program: Run) -> None:
    """Whether Python still starts threads by then depends on its version: an event is accepted and runs, or refused."""
    finished = run_program(
        f"""{BEGIN}
    def later():
        threading.main_thread().join(30)
        for number in range(5):
            try:
                client.enqueue("note", number)
                print(number)
            except FcallError as error:
                assert "no thread can be started to run the event" in str(error), error
                assert not error.executed

    threading.Thread(target=later).start()
    """
    )

    assert "" == finished.stderr
    assert list(map(int, finished.stdout.split())) == events()


def test_closing_and_draining_at_exit_are_quick(run_program: Run) -> None:
    """What atexit calls when everything has run finds nothing to wait for."""
    finished = run_program(
        f"""{BEGIN}
    atexit.register(client.close)
    atexit.register(lambda: print(fcall.local.drain()))
    client.enqueue("note", 1)
    """
    )

    assert ("True\n", "", [1]) == (finished.stdout, finished.stderr, events())


def test_a_daemon_cannot_keep_the_process_alive(run_program: Run) -> None:
    """A daemon that goes on enqueueing is refused once the program ends, and everything accepted has run."""
    finished = run_program(
        f"""{BEGIN}
    accepted = os.open("accepted", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def forever():
        number = 0
        while True:
            number += 1
            client.enqueue("note", number)
            os.write(accepted, b".")

    threading.excepthook = lambda info: None
    threading.Thread(target=forever, daemon=True).start()
    time.sleep(0.2)
    """
    )

    assert 0 == finished.returncode
    assert len(Path("accepted").read_text()) <= len(events())
