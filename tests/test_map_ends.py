"""How a map meets the end of things: Ctrl-C, the end of the program, a fork."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither SIGINT to send nor forks"),
    pytest.mark.usefixtures("unmeasured"),
]

BEGIN = """
import os, signal, sys, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 and later warn of every fork among threads
signal.signal(signal.SIGINT, signal.default_int_handler)
import fcall

registry = fcall.local.Registry()
registry.function("slow")(lambda event, context: os.write(1, b"ready\\n") and time.sleep(600))
registry.function("echo")(lambda event, context: event)
registry.function("nap")(lambda event, context: time.sleep(0.01) or event)
client = fcall.Client(provider="local", registry=registry)
"""

PROMPTLY = 5.0
"""Seconds; everything that is interrupted here would take longer by itself."""


def interrupted(program: str, ready: int) -> tuple[int, str, float]:
    """How a program ends that gets Ctrl-C once it is ready: exit code, standard error, seconds that it took to end."""
    Path("program.py").write_text(BEGIN + textwrap.dedent(program))
    with subprocess.Popen(
        [sys.executable, "program.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for _ in range(ready):
                assert "ready\n" == process.stdout.readline()
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
            errors = process.communicate(timeout=30)[1]
            return process.returncode, errors, time.monotonic() - begun
        finally:
            process.kill()


@pytest.mark.parametrize("verb", ["map", "as_completed"])
def test_ctrl_c_ends_a_map_at_once(verb: str) -> None:
    """Nothing that is under way is waited for, neither by the client nor by the interpreter; a note says how many."""
    code, errors, seconds = interrupted(
        f"""
        with client:
            for result in client.{verb}("slow", range(100), concurrency=4):
                pass
        """,
        ready=4,
    )

    assert -signal.SIGINT == code
    assert "fcall: interrupted while 4 of the calls of slow by a map were under way" in errors
    assert "they may have run (executed: MAYBE)" in errors
    assert seconds < PROMPTLY


def test_ctrl_c_while_the_consumer_calls() -> None:
    """With one call at a time it is like Ctrl-C in a single call."""
    code, errors, seconds = interrupted(
        """
        with client:
            next(client.map("slow", range(100), concurrency=1))
        """,
        ready=1,
    )

    assert -signal.SIGINT == code
    assert "fcall: interrupted while slow was being called; it may have run (executed: MAYBE)" in errors
    assert seconds < PROMPTLY


@pytest.mark.parametrize("leave", ["with client.as_completed('slow', [1, 2], concurrency=2) as results", "with client"])
def test_ctrl_c_in_the_loop(leave: str) -> None:
    """An interrupt of what is done with the results leaves nothing to wait for either."""
    code, _, seconds = interrupted(
        f"""
        import threading

        {leave}:
            results = client.as_completed("slow", range(9), concurrency=2)
            threading.Thread(target=lambda: next(results), daemon=True).start()
            time.sleep(600)
        """,
        ready=2,
    )

    assert -signal.SIGINT == code
    assert seconds < PROMPTLY


def test_ctrl_c_in_asyncio() -> None:
    """`asyncio.run` ends at once, and the client's `async with` waits for nothing."""
    code, errors, seconds = interrupted(
        """
        import asyncio

        async def main():
            async with fcall.AsyncClient(provider="local", registry=registry) as client:
                async for result in client.map("slow", range(100), concurrency=4):
                    pass

        asyncio.run(main())
        """,
        ready=4,
    )

    assert -signal.SIGINT == code
    assert "KeyboardInterrupt" in errors
    assert seconds < PROMPTLY


def test_a_program_may_end_with_a_map_under_way(run_program: Callable[[str], Any]) -> None:
    """The interpreter ends without waiting, and without a word on standard error."""
    finished = run_program(
        f"""{BEGIN}
results = client.map("slow", range(100), concurrency=4)
import threading
threading.Thread(target=lambda: next(results), daemon=True).start()
time.sleep(0.2)
print("end", flush=True)
"""
    )

    assert (0, "") == (finished.returncode, finished.stderr)
    assert finished.stdout.endswith("end\n")


def test_a_fork_in_the_loop(run_program: Callable[[str], Any]) -> None:
    """The parent goes on and misses nothing; the child may not go on with it, and may begin one of its own."""
    finished = run_program(
        f"""{BEGIN}
from fcall.errors import ConfigurationError

for concurrency in (1, 2, 8):
    seen = []
    results = client.map("nap", range(60), concurrency=concurrency)
    for result in results:
        seen.append(result.json())
        if len(seen) == 20:
            pid = os.fork()
            if not pid:
                try:
                    next(results)
                except ConfigurationError as error:
                    assert "begin one of your own here" in str(error)
                    assert [r.json() for r in client.map("nap", range(9), concurrency=4)] == list(range(9))
                    client.close()
                    os._exit(0)
                os._exit(7)
            assert os.waitpid(pid, 0)[1] == 0
    assert seen == list(range(60)), seen
client.close()
print("end")
"""
    )

    assert (0, "end\n", "") == (finished.returncode, finished.stdout, finished.stderr)


def test_a_fork_while_threads_are_busy(run_program: Callable[[str], Any]) -> None:
    """However a fork falls among the calls of another thread's map, the child's own map goes through."""
    finished = run_program(
        f"""{BEGIN}
import threading

stop = threading.Event()
def busy():
    while not stop.is_set():
        assert sum(1 for _ in client.map("echo", range(200), concurrency=4)) == 200

threads = [threading.Thread(target=busy) for _ in range(2)]
for thread in threads:
    thread.start()
try:
    for _ in range(15):
        pid = os.fork()
        if not pid:
            signal.alarm(20)
            os._exit(0 if sum(1 for _ in client.map("nap", range(20), concurrency=4)) == 20 else 7)
        assert os.waitpid(pid, 0)[1] == 0
finally:
    stop.set()
for thread in threads:
    thread.join()
"""
    )

    assert (0, "") == (finished.returncode, finished.stderr)


def test_a_map_on_threads_loads_no_event_loop(run_program: Callable[[str], Any]) -> None:
    """Nor anything else: another thread may be forking, and the child could not import what is half imported here."""
    finished = run_program(
        f"""{BEGIN}
client.invoke("echo", 1)
before = set(sys.modules)
assert len(list(client.map("echo", range(100), concurrency=4))) == 100
assert before == set(sys.modules), set(sys.modules) - before
assert not {{"asyncio", "concurrent.futures"}} & before
"""
    )

    assert (0, "") == (finished.returncode, finished.stderr)
