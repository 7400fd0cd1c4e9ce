"""Time-outs: a call of the SDK cannot be stopped, so it is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import fcall_linkedge
import pytest
from fcall_linkedge import emulator

import fcall
from fcall import Executed
from fcall.errors import FcallError, InvocationTimeoutError, ProviderUnavailableError

Run = Callable[[str], "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.usefixtures("true_sdk")


class Hanging:
    """A function that hangs until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)
        self.done = threading.Semaphore(0)
        self.at_once = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, event: bytes, context: Any) -> bytes:
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self.begun.release()
        self.go.wait(30)
        with self._lock:
            self.at_once -= 1
        self.done.release()
        return event


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """The function ``s/hanging`` of an emulated gateway, beside ``s/quick``."""
    function, registry = Hanging(), fcall.local.Registry()
    registry.function("s/hanging")(function)
    registry.function("s/quick")(lambda event, context: event)
    with emulator.gateway(registry=registry):
        yield function
        function.go.set()


def limited(limit: int) -> fcall.Client:
    return fcall.Client(plugins=[fcall_linkedge], provider="linkedge", max_concurrency=limit)


def test_a_call_is_left_behind_at_the_deadline(hanging: Hanging, client: fcall.Client) -> None:
    """A call that does not come back is an InvocationTimeoutError at its deadline, and may still run."""
    begun = time.monotonic()
    with pytest.raises(InvocationTimeoutError) as raised:
        client.invoke("s/hanging", timeout=0.2)

    assert Executed.MAYBE is raised.value.executed
    assert 0.2 <= time.monotonic() - begun < 5
    assert hanging.at_once == 1
    hanging.go.set()
    assert hanging.done.acquire(timeout=10), "what was left behind runs to its end"
    assert client.invoke("s/quick", 1).json() == 1


def test_calls_that_are_left_behind_are_counted(hanging: Hanging) -> None:
    """No more threads than the limit: a call that finds them all taken did not run, and says so."""
    with limited(2) as client:
        for _ in range(2):
            with pytest.raises(InvocationTimeoutError) as raised:
                client.invoke("s/hanging", timeout=0.1)
            assert Executed.MAYBE is raised.value.executed
        with pytest.raises(InvocationTimeoutError, match="max_concurrency") as raised:
            client.invoke("s/quick", timeout=0.1)

        assert Executed.NO is raised.value.executed
        assert 2 == hanging.most == sum(thread.name == "fcall-linkedge" for thread in threading.enumerate())
        hanging.go.set()
        assert client.invoke("s/quick", 1, timeout=10).json() == 1


def test_a_call_waits_for_a_thread(hanging: Hanging) -> None:
    """A call over the limit waits its turn, and everybody gets an answer."""
    with limited(3) as client, ThreadPoolExecutor(9) as pool:
        calls = [pool.submit(client.invoke, "s/hanging", number, timeout=20) for number in range(9)]
        for _ in range(3):
            assert hanging.begun.acquire(timeout=10)
        hanging.go.set()

        assert list(range(9)) == [call.result().json() for call in calls]
        assert hanging.most <= 3


def test_a_limit_of_one_is_one_at_a_time(hanging: Hanging) -> None:
    """With max_concurrency = 1 the gateway's modules are never used by two threads at once."""
    hanging.go.set()
    with limited(1) as client, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: client.invoke("s/hanging", number).json(), range(40)))

    assert list(range(40)) == results
    assert 1 == hanging.most


def test_context_variables_reach_the_call(scripted: Any, client: fcall.Client) -> None:
    """The SDK runs on another thread with the caller's context variables."""
    trace: ContextVar[str] = ContextVar("trace", default="none")
    seen: list[str] = []
    scripted.answer()
    invoke_task = scripted.invoke_task
    scripted.invoke_task = lambda *arguments: (seen.append(trace.get()), invoke_task(*arguments))[1]
    trace.set("t-1")
    client.invoke("s/f")

    assert ["t-1"] == seen


BEGIN = """
    import os, sys, threading, time
    import fcall, fcall_linkedge
    from fcall_linkedge import emulator

    @fcall.local.function("s/hanging")
    def hanging(event, context):
        print("hanging", flush=True)
        threading.Event().wait()

    @fcall.local.function("s/quick")
    def quick(event, context):
        return event

    client = fcall.Client(plugins=[fcall_linkedge], provider="linkedge", max_concurrency=2)
"""


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise KeyError('the end')"])
def test_a_hung_call_does_not_keep_the_process(run_program: Run, end: str) -> None:
    """A program ends although calls hang in it for ever, and with its own exit code."""
    begun = time.monotonic()
    finished = run_program(
        f"""{BEGIN}
    with emulator.gateway():
        for _ in range(2):
            try:
                client.invoke("s/hanging", timeout=0.2)
            except fcall.FcallError as error:
                print(error.executed.name, flush=True)
        client.close()
        {end}
    """
    )

    assert ["hanging", "MAYBE"] * 2 == finished.stdout.split()
    assert {"": 0, "sys.exit(3)": 3}.get(end, 1) == finished.returncode
    assert "the end" in finished.stderr if "raise" in end else finished.stderr == ""
    assert time.monotonic() - begun < 30


def test_a_call_while_the_interpreter_ends_is_an_error_or_an_answer(run_program: Run) -> None:
    """Whether a thread still starts then depends on Python's version; where none does, nothing ran."""
    finished = run_program(
        f"""{BEGIN}
    import atexit

    def late():
        try:
            print(client.invoke("s/quick", 7).json())
        except fcall.FcallError as error:
            print(type(error).__name__, error.executed.name, error.retryable)

    gateway = emulator.gateway()
    gateway.__enter__()
    client.invoke("s/quick", 1)
    atexit.register(late)
    """
    )

    assert finished.stdout in ("7\n", "ProviderUnavailableError NO False\n")
    assert "" == finished.stderr


def test_a_call_that_gets_no_thread_did_not_run(
    scripted: Any, client: fcall.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system has no more threads the call did not run, and its turn is given back."""

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    scripted.answer()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        for _ in range(20):
            with pytest.raises(ProviderUnavailableError) as raised:
                client.invoke("s/f", timeout=5)
            assert (Executed.NO, False) == (raised.value.executed, raised.value.retryable)

    assert [] == scripted.asked
    assert b"" == client.invoke("s/f").payload


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_begins_anew(run_program: Run) -> None:
    """The parent's hung calls are not the child's: it has all its threads, with the same client and provider."""
    finished = run_program(
        f"""{BEGIN}
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads
    provider = fcall_linkedge.LinkEdgeProvider(fcall_linkedge.LinkEdgeOptions(max_concurrency=1))
    mine = fcall.Client(providers={{"linkedge": provider}})
    with emulator.gateway():
        for each in (client, client, mine):
            try:
                each.invoke("s/hanging", timeout=0.2)
            except fcall.FcallError:
                pass
        pid = os.fork()
        if pid == 0:
            answers = [each.invoke("s/quick", 7, timeout=10).json() for each in (client, mine)]
            os._exit(sum(answers))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    )

    assert "14" == finished.stdout.split()[-1]
    assert "" == finished.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_ctrl_c_ends_a_hung_call(tmp_path: Path) -> None:
    """Ctrl-C is seen while a call hangs, and the program ends at once."""
    Path("program.py").write_text(
        textwrap.dedent(
            f"""
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)
    {BEGIN}
    with emulator.gateway():
        client.invoke("s/hanging", timeout=60)
    """
        )
    )
    with subprocess.Popen(
        [sys.executable, "program.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert "hanging\n" == process.stdout.readline()
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
            errors = process.communicate(timeout=30)[1]
        finally:
            process.kill()

    assert time.monotonic() - begun < 10
    assert "KeyboardInterrupt" in errors
    assert "it may have run" in errors


def test_many_threads_and_time_outs_mix_up_nothing(hanging: Hanging, client: fcall.Client) -> None:
    """Answers and time-outs at once: each caller gets its own."""

    def call(number: int) -> object:
        if number % 10 == 0:
            with pytest.raises(FcallError) as raised:
                client.invoke("s/hanging", timeout=0.05)
            return type(raised.value)
        return client.invoke("s/quick", number, timeout=20).json()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(call, range(100)))

    assert [InvocationTimeoutError if number % 10 == 0 else number for number in range(100)] == results
