"""The threads for calls that block: how many there are, when they end, and that nobody waits for them."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable

import pytest

from fcall import _threads
from fcall._threads import Threads

Run = Callable[[str], "subprocess.CompletedProcess[str]"]


def test_a_thread_is_used_again() -> None:
    """Jobs that follow one another need one thread, and two at once need two."""
    threads = Threads()
    gate = threading.Event()
    for number in range(20):
        assert number == threads.submit(lambda number=number: number).result(10)
        while not threads._idle:
            time.sleep(0.0005)
    waiting = [threads.submit(gate.wait, 10) for _ in range(2)]

    assert 2 == threads.count
    gate.set()
    assert [True, True] == [future.result(10) for future in waiting]


def test_there_are_never_more_than_allowed() -> None:
    """Jobs beyond that wait, in their order; one that waits can be cancelled."""
    threads, gate = Threads(2), threading.Event()
    order: list[int] = []
    held = [threads.submit(gate.wait, 10) for _ in range(2)]
    waiting = [threads.submit(order.append, number) for number in range(5)]

    assert 2 == threads.count
    assert waiting[3].cancel()
    assert not held[0].cancel()
    gate.set()
    for future in (*waiting[:3], waiting[4]):
        future.result(10)
    assert [0, 1, 2, 4] == sorted(order)
    assert 2 == threads.count


def test_what_a_job_raises_reaches_its_future() -> None:
    """An error does not end the thread, whatever it is."""
    threads = Threads(1)

    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        threads.submit(fail).result(10)
    assert 5 == threads.submit(lambda: 5).result(10)


def test_what_a_job_raises_that_nobody_waits_for_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The thread takes the next job."""
    threads, done = Threads(1), threading.Event()
    threads.start(lambda: 1 / 0)
    threads.start(done.set)

    assert done.wait(10)
    assert ["a job raised what nobody waits for"] == [record.message for record in caplog.records]


def test_an_idle_thread_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some seconds without a job there is no thread any more; the next job gets a new one."""
    monkeypatch.setattr(_threads, "_IDLE", 0.01)
    threads = Threads()
    threads.submit(bool).result(10)
    ends_at = time.monotonic() + 10
    while threads.count and time.monotonic() < ends_at:
        time.sleep(0.005)

    assert 0 == threads.count
    assert 7 == threads.submit(lambda: 7).result(10)


def test_no_job_is_lost_where_threads_end_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that comes just as the last thread gives up waiting is run all the same."""
    monkeypatch.setattr(_threads, "_IDLE", 0.0005)
    threads = Threads(3)
    for number in range(300):
        futures = [threads.submit(int, number) for _ in range(2)]
        if number % 3 == 0:
            time.sleep(0.0005)

        assert [number, number] == [future.result(10) for future in futures]
    assert 0 <= threads.count <= 3


def test_the_interpreter_does_not_wait_for_them(run_program: Run) -> None:
    """A program ends although a call blocks for ever."""
    finished = run_program(
        """
        import threading, time
        from fcall._threads import Threads

        entered = threading.Event()
        Threads().start(lambda: (entered.set(), time.sleep(600)))
        entered.wait()
        print("end")
        """
    )

    assert (0, "end\n", "") == (finished.returncode, finished.stdout, finished.stderr)


def test_a_forked_child_has_none_of_them(run_program: Run) -> None:
    """The child starts threads of its own, and runs none of the jobs that the parent's wait with."""
    finished = run_program(
        """
        import os, threading, warnings
        from fcall._threads import Threads

        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 and later warn of every fork among threads

        threads, gate = Threads(1), threading.Event()
        held, waiting = threads.submit(gate.wait, 30), threads.submit(print, "once")
        pid = os.fork()
        if not pid:
            assert threads.count == 0
            assert threads.submit(lambda: 5).result(10) == 5
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        gate.set()
        waiting.result(10)
        """
    )

    assert (0, "once\n") == (finished.returncode, finished.stdout)
    assert "" == finished.stderr
