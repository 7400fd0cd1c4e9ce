"""Process isolation leaves nothing behind: no process, no descriptor, no warning, however a client ends."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import fcall
from fcall.errors import Executed, InvocationTimeoutError

_HANDLERS = """
import os, time

def pid(event, context):
    return os.getpid()

def sleeps(event, context):
    time.sleep(event)
"""

_CLIENT = """
import os, pathlib, sys, threading, time, fcall

def sleep(seconds):
    client.invoke("local:app.py:sleeps", seconds)

def children():
    return pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()

client = fcall.Client(provider="local", root=".", isolation="process", function_timeout=60)
print(client.invoke("local:app.py:pid").text, flush=True)
"""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it looks into /proc")


@pytest.fixture(autouse=True)
def _functions() -> None:
    Path("app.py").write_text(_HANDLERS)


@pytest.fixture
def run_strictly() -> Callable[..., list[str]]:
    """Runs a program with every warning an error, and gives what it printed; it has to end well and without a word."""

    def run(program: str, before: str = "") -> list[str]:
        Path("program.py").write_text(before + _CLIENT + program)
        command = [sys.executable, "-X", "dev", "-W", "error", "program.py"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)

        assert (0, "") == (ended.returncode, ended.stderr)
        return ended.stdout.split()

    return run


def _live_on(pids: list[str]) -> bool:
    """Whether one of them lives for longer than the supervisor has."""
    ends_at = time.monotonic() + 3
    while any(map(_lives, pids)) and time.monotonic() < ends_at:
        time.sleep(0.01)
    return any(map(_lives, pids))


def _lives(pid: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _children() -> set[str]:
    tasks = Path("/proc/self/task").iterdir()
    return {pid for task in tasks for pid in (task / "children").read_text().split()}


@pytest.mark.parametrize(
    "ending",
    [
        "client.close()",
        "",
        "del client",
        "fcall.set_default_client(client); del client",
        "sys.exit(0)",
        "threading.Thread(target=sleep, args=(0.2,)).start()",
        "threading.Thread(target=sleep, args=(60,), daemon=True).start(); time.sleep(0.3)",
        "import atexit; atexit.register(client.close)",
    ],
)
def test_nothing_is_left_at_exit(run_strictly: Callable[..., list[str]], ending: str) -> None:
    """However a program ends that has called isolated functions, it says nothing and leaves no process behind."""
    pids = run_strictly(f"print(*children())\n{ending}\n")

    assert len(pids) == 3
    assert not _live_on(pids)


@pytest.mark.parametrize("registered", ["import atexit; atexit.register(lambda: call())\n", ""])
def test_a_call_at_exit_works(run_strictly: Callable[..., list[str]], registered: str) -> None:
    """What is registered with atexit may call isolated functions still, whether it was before fcall or after it."""
    pids = run_strictly(
        "call = lambda: print(client.invoke('local:app.py:pid').text)\n"
        + (registered and "import atexit; atexit.register(call)\n"),
        before="" if registered else "import atexit; atexit.register(lambda: call())\n",
    )

    assert len(pids) == 2
    assert not _live_on(pids)


def test_a_forked_child_leaves_its_parents_processes_alone(run_strictly: Callable[..., list[str]]) -> None:
    """A forked child that ends properly, with its own calls and without, ends none of its parent's processes."""
    pids = run_strictly(
        """
for calls in (False, True):
    child = os.fork()
    if child == 0:
        if calls:
            print(client.invoke("local:app.py:pid").text, flush=True)
        sys.exit()
    assert os.waitpid(child, 0)[1] == 0
    print(client.invoke("local:app.py:pid").text, flush=True)
"""
    )

    first, second, childs, third = pids
    assert first == second == third != childs
    assert not _live_on(pids)


def test_closing_a_client_frees_everything() -> None:
    """A closed client has no process and no descriptor left, also for a call that was under way."""
    with fcall.Client(provider="local", root=".", isolation="process") as client:
        client.invoke("local:app.py:pid")
    descriptors, children = _descriptors(), _children()
    for _ in range(3):
        with fcall.Client(provider="local", root=".", isolation="process") as client:
            client.invoke("local:app.py:pid")

    assert descriptors == _descriptors()
    assert children == _children()


def test_a_forgotten_client_frees_everything() -> None:
    """A client that nobody has any more frees its processes, as if it had been closed."""
    fcall.Client(provider="local", root=".", isolation="process").invoke("local:app.py:pid")
    gc.collect()
    descriptors, children = _descriptors(), _children()
    fcall.Client(provider="local", root=".", isolation="process").invoke("local:app.py:pid")
    gc.collect()

    assert descriptors == _descriptors()
    assert children == _children()


@pytest.mark.parametrize("spare", range(3, 12))
def test_a_process_that_cannot_start_is_an_error_of_ours(run_strictly: Callable[..., list[str]], spare: int) -> None:
    """Without descriptors no process starts: that is a ProviderUnavailableError, leaks nothing, and may pass."""
    printed = run_strictly(
        f"""
import resource
from fcall.errors import ProviderUnavailableError

def descriptors():
    return len(os.listdir("/proc/self/fd"))

client.close()
client = fcall.Client(provider="local", root=".", isolation="process")
before = descriptors()
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (before - 1 + {spare} - 3, hard))
outcome = "worked"
try:
    client.invoke("local:app.py:pid")
except ProviderUnavailableError as error:
    outcome = error.executed.name
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(outcome, descriptors() - before)
print(client.invoke("local:app.py:pid").text)
"""
    )

    _, outcome, leaked, _ = printed
    assert outcome in ("NO", "worked")
    assert leaked == ("0" if outcome == "NO" else "3")


def test_idle_processes_are_no_more_than_may_run_at_once(tmp_path: Path) -> None:
    """Many functions do not keep a process each: the one that was not used for longest makes room."""
    for name in "abcde":
        Path(f"{name}.py").write_text(_HANDLERS)
    before = _children()
    with fcall.Client(provider="local", root=".", isolation="process", concurrency=2) as client:
        pids = {name: client.invoke(f"local:{name}.py:pid").json() for name in "abacada"}
        kept = client.invoke("local:a.py:pid").json()
        running = {pid for pid in _children() - before if _lives(pid)}

    assert pids["a"] == kept
    assert {str(pids["a"]), str(pids["d"])} <= running
    assert not {str(pids["b"]), str(pids["c"])} & running


def test_loading_ends_at_the_callers_time_out() -> None:
    """A caller does not wait longer than it said for a module that takes long to import."""
    Path("slow.py").write_text("import time; time.sleep(60)")
    with fcall.Client(provider="local", root=".", isolation="process") as client:
        started = time.monotonic()
        with pytest.raises(InvocationTimeoutError) as caught:
            client.invoke("local:slow.py:handler", timeout=0.3)

        assert time.monotonic() - started < 20
        assert caught.value.executed is Executed.NO
