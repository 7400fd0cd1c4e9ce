"""Process isolation: whatever a handler does, the caller gets a typed error, and the next call works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import fcall
from fcall.errors import (
    Executed,
    FunctionCrashedError,
    FunctionError,
    FunctionLoadError,
    FunctionOutOfMemoryError,
    FunctionResponseError,
    FunctionTimeoutError,
    InvalidParamsError,
    InvocationTimeoutError,
    UnsupportedFeatureError,
)

_HANDLERS = """
import ctypes, os, signal, socket, sys, threading, time

def echo(event, context):
    return event

def pid(event, context):
    return os.getpid()

def variables(event, context):
    return {name: os.environ.get(name) for name in event}

def sys_exit(event, context):
    sys.exit(event)

def os_exit(event, context):
    os._exit(7)

def segfault(event, context):
    ctypes.string_at(0)

def kill_itself(event, context):
    os.kill(os.getpid(), signal.SIGKILL)

def endless(event, context):
    while True:
        pass

def loop_in_c(event, context):
    sum(range(10**12))

def ignores_sigterm(event, context):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1)

def interrupted(event, context):
    raise KeyboardInterrupt

class Unspeakable(Exception):
    def __reduce__(self):
        raise TypeError("cannot be pickled")
    def __str__(self):
        raise RuntimeError("cannot be printed")

def unspeakable(event, context):
    raise Unspeakable

def not_json(event, context):
    return {1, 2}

def large_answer(event, context):
    return "x" * 50_000_000

def flood(event, context):
    for _ in range(50):
        print("y" * 1_000_000)
    return "flooded"

def close_everything(event, context):
    os.closerange(0, 100)
    return "closed"

def write_garbage(event, context):
    for descriptor in range(3, 1_000):
        try:
            os.write(descriptor, b"garbage " * 100)
        except OSError:
            pass
    return "written"

def answer_for_another(event, context):
    from fcall.local._frames import packed
    for descriptor in range(3, 1_000):
        try:
            os.write(descriptor, packed("another", {}, b"forged"))
        except OSError:
            pass
    return "written"

def threads(event, context):
    stop = threading.Event()
    started = []
    for _ in range(2000):
        thread = threading.Thread(target=stop.wait, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            break
        started.append(thread)
    stop.set()
    for thread in started:
        thread.join()
    return "done"

def hungry(event, context):
    return len(bytearray(2_000_000_000))

def grandchild(event, context):
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    return child

def forks(event, context):
    os.fork()
    return event

def leaves_thread(event, context):
    threading.Thread(target=time.sleep, args=(60,)).start()
    return "left"

def says(event, context):
    print(event)

def sleeps(event, context):
    time.sleep(event)
    return "slept"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hostile.py").write_text(_HANDLERS)
    return tmp_path


@pytest.fixture
def isolated(folder: Path) -> Iterator[fcall.Client]:
    """A client whose local functions run in processes of their own, for half a second at most."""
    with fcall.Client(provider="local", root=str(folder), isolation="process", function_timeout=0.5) as client:
        yield client


def _call(client: fcall.Client, function: str, event: object = None) -> object:
    return client.invoke(f"local:hostile.py:{function}", event).json()


@pytest.mark.parametrize(
    ("function", "error_class", "words"),
    [
        ("os_exit", FunctionCrashedError, "exit status 7"),
        ("segfault", FunctionCrashedError, "segmentation fault"),
        ("kill_itself", FunctionCrashedError, "killed"),
        ("endless", FunctionTimeoutError, "timed out after 0.50 seconds"),
        ("loop_in_c", FunctionTimeoutError, "timed out after 0.50 seconds"),
        ("ignores_sigterm", FunctionTimeoutError, "timed out after 0.50 seconds"),
        ("interrupted", FunctionCrashedError, "Runtime exited"),
        ("unspeakable", FunctionCrashedError, "exit status 1"),
        ("not_json", FunctionResponseError, "set is not JSON serializable"),
        ("close_everything", FunctionCrashedError, "Runtime exited"),
        ("write_garbage", FunctionCrashedError, "Runtime exited"),
        ("answer_for_another", FunctionCrashedError, "Runtime exited"),
    ],
)
def test_a_hostile_handler_is_a_typed_error(
    isolated: fcall.Client, function: str, error_class: type[FunctionError], words: str
) -> None:
    """Whatever the handler does to its process, the caller gets the error for it, and no other call is hurt."""
    neighbour = _call(isolated, "pid")
    with pytest.raises(error_class, match=words) as caught:
        _call(isolated, function, {})

    assert caught.value.executed is Executed.YES
    assert "well" == _call(isolated, "echo", "well")
    assert neighbour == _call(isolated, "pid")


def test_an_answer_over_the_limit_is_a_response_error(folder: Path) -> None:
    """An answer that is too large fails after the handler ran, as in the cloud, and the next call works."""
    with fcall.Client(provider="local", root=str(folder), isolation="process", function_timeout=20) as client:
        with pytest.raises(FunctionResponseError, match="exceeded maximum allowed payload size"):
            _call(client, "large_answer")

        assert "well" == _call(client, "echo", "well")


@pytest.mark.parametrize(("status", "words"), [(None, "without providing a reason"), (3, "exit status 3"), ("x", "1")])
def test_an_exit_is_a_crash_with_its_status(isolated: fcall.Client, status: object, words: str) -> None:
    """`sys.exit` ends the function's process, and the error says with which status."""
    with pytest.raises(FunctionCrashedError, match=words):
        _call(isolated, "sys_exit", status)


@pytest.mark.parametrize("function", ["threads", "leaves_thread", "flood", "forks"])
def test_a_greedy_handler_is_served(folder: Path, function: str) -> None:
    """Threads, a flood of output and a fork in the handler do no harm: it is answered, once, and so is the next."""
    with fcall.Client(provider="local", root=str(folder), isolation="process", function_timeout=20) as client:
        for _ in range(3):
            answer = _call(client, function, "mine")

            assert answer in ("done", "left", "flooded", "mine")


def test_the_interpreter_ends_well_after_all_of_them(folder: Path) -> None:
    """A program that met every hostile handler ends with exit status 0 and without a word."""
    program = """
import sys
sys.path.insert(0, sys.argv[1])
import fcall, hostile
client = fcall.Client(provider="local", root=sys.argv[1], isolation="process", function_timeout=1, memory_limit=4096)
handlers = [name for name, value in vars(hostile).items() if getattr(value, "__code__", None)]
assert len(handlers) >= 20
for name in handlers:
    try:
        client.invoke(f"local:hostile.py:{name}", [])
    except fcall.errors.FunctionError:
        pass
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program, str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (0, "", "") == (ended.returncode, ended.stdout, ended.stderr)


def test_memory_over_the_limit_is_out_of_memory(folder: Path) -> None:
    """A handler that takes more than its memory limit is a FunctionOutOfMemoryError, and its neighbours go on."""
    options = {"root": str(folder), "isolation": "process", "memory_limit": 1024}
    with fcall.Client(provider="local", **options) as client:
        with pytest.raises(FunctionOutOfMemoryError):
            _call(client, "hungry")

        assert 1 == _call(client, "echo", 1)


def test_the_group_is_killed_at_the_limit(folder: Path) -> None:
    """What the handler forked goes with it when its process is ended."""
    with fcall.Client(provider="local", root=str(folder), isolation="process") as client:
        child = _call(client, "grandchild")

        assert isinstance(child, int)
        os.kill(child, 0)
    _wait_until_gone(child)


def _wait_until_gone(pid: int) -> None:
    ends_at = time.monotonic() + 3
    while time.monotonic() < ends_at:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} lives on")


def test_a_process_serves_one_event_after_the_other(isolated: fcall.Client) -> None:
    """A process is kept warm for the next call of its function."""
    assert _call(isolated, "pid") == _call(isolated, "pid")


def test_fresh_processes_serve_one_event_each(folder: Path) -> None:
    """With reuse = false every event has a process of its own."""
    with fcall.Client(provider="local", root=str(folder), isolation="process", reuse=False) as client:
        assert _call(client, "pid") != _call(client, "pid")


def test_a_slot_found_dead_is_replaced(isolated: fcall.Client) -> None:
    """A process that died while it waited costs the next caller nothing."""
    pid = _call(isolated, "pid")
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    assert pid != _call(isolated, "pid")


def test_a_slot_that_dies_before_it_reads_the_event_is_replaced(isolated: fcall.Client) -> None:
    """A process that was killed with the event on its way to it did not run it: another one does, once."""
    pid = _call(isolated, "pid")
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGSTOP)
    killer = threading.Timer(0.1, os.kill, (pid, signal.SIGKILL))
    killer.start()
    other = _call(isolated, "pid")
    killer.join()

    assert pid != other


@pytest.mark.parametrize("size", [1, 2_000_000])
def test_an_event_that_was_never_read_did_not_run(isolated: fcall.Client, size: int) -> None:
    """A process that does not take the event in time is killed, and the function did not run."""
    pid = _call(isolated, "pid")
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(InvocationTimeoutError, match="did not take the event") as caught:
        isolated.invoke("local:hostile.py:pid", "x" * size, timeout=0.2)

    assert caught.value.executed is Executed.NO
    assert pid != _call(isolated, "pid")


def test_an_event_that_was_never_read_goes_to_another_process(isolated: fcall.Client) -> None:
    """Where the caller has more patience than the function's limit, the call is tried again, and runs once."""
    pid = _call(isolated, "pid")
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGSTOP)
    result = isolated.invoke("local:hostile.py:pid", timeout=20)

    assert pid != result.json()
    assert ["not sent", "ok"] == [attempt.outcome for attempt in result.attempts]


def test_the_environment_is_an_allow_list(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions see the variables they were given and no credentials of the caller."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("PASSED", "on")
    options = {"environment": {"STAGE": "test"}, "pass_environment": ["PASSED"]}
    names = ["AWS_SECRET_ACCESS_KEY", "PASSED", "STAGE", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
    with fcall.Client(provider="local", isolation="process", root=str(folder), **options) as client:
        seen = _call(client, "variables", names)

    assert {
        "AWS_SECRET_ACCESS_KEY": None,
        "PASSED": "on",
        "STAGE": "test",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    } == seen


def test_a_log_is_of_one_call(isolated: fcall.Client) -> None:
    """What one call logs is in its own log, also where the calls before it logged and nobody wanted that."""
    target = "local:hostile.py:says"
    isolated.invoke(target, "unwanted")
    first = isolated.invoke(target, "first", log_tail=True).log_tail
    isolated.invoke(target, "unwanted")
    second = isolated.invoke(target, "second", log_tail=True).log_tail

    assert first is not None
    assert second is not None
    assert ["first"] == [word for word in ("unwanted", "first", "second") if word in first]
    assert ["second"] == [word for word in ("unwanted", "first", "second") if word in second]


@pytest.mark.parametrize("size", [100, 10_000])
def test_a_function_that_logs_is_not_held_up(isolated: fcall.Client, size: int) -> None:
    """A log that nobody wants never fills its pipe for longer than a moment."""
    started = time.monotonic()
    for _ in range(1000):
        isolated.invoke("local:hostile.py:says", "x" * size)

    assert time.monotonic() - started < 5


def test_environments_are_kept_apart(folder: Path) -> None:
    """Of two functions with environments of their own, called at once, neither ever sees the other's."""
    services = {
        name: {
            "provider": "local",
            "isolation": "process",
            "root": str(folder),
            "environment": {"WHOSE": name},
            "functions": {"variables": "hostile.py:variables"},
        }
        for name in ("mine", "yours")
    }
    seen: dict[str, Counter[str]] = {name: Counter() for name in services}

    def call(client: fcall.Client, name: str) -> None:
        for _ in range(500):
            seen[name][client.invoke(f"{name}/variables", ["WHOSE"]).json()["WHOSE"]] += 1

    with fcall.Client(config={"services": services}) as client:
        callers = [threading.Thread(target=call, args=(client, name)) for name in services]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()

    assert {"mine": {"mine": 500}, "yours": {"yours": 500}} == seen


def test_the_callers_time_out_ends_the_wait(folder: Path) -> None:
    """A caller waits for as long as it said, and is told that the function ran."""
    with fcall.Client(provider="local", root=str(folder), isolation="process", function_timeout=60) as client:
        assert "slept" == _call(client, "sleeps", 0)  # its process is there, and has the whole second to begin
        started = time.monotonic()
        with pytest.raises(InvocationTimeoutError) as caught:
            client.invoke("local:hostile.py:sleeps", 60, timeout=1)

        assert time.monotonic() - started < 10
        assert caught.value.executed is Executed.YES


def test_a_function_without_a_module_is_refused(folder: Path, registry: fcall.local.Registry) -> None:
    """A function that another process cannot import is refused, with what to do."""
    registry.function("a/b")(lambda event, context: event)
    client = fcall.Client(provider="local", registry=registry, isolation="process")
    with client, pytest.raises(UnsupportedFeatureError, match="at the top of a module"):
        client.invoke("a/b")


@pytest.mark.parametrize("option", [{"environment": {"A": "1"}}, {"memory_limit": 64}, {"log_format": "JSON"}])
def test_inline_refuses_what_needs_a_process(option: dict[str, object]) -> None:
    """What is process-wide cannot be had inline, and is not ignored."""
    with pytest.raises(InvalidParamsError, match="isolation"):
        fcall.Client(provider="local", **option).invoke("a/b")


def test_exit_at_import_is_a_load_error(isolated: fcall.Client, folder: Path) -> None:
    """A module that ends its process while it is imported did not run its handler."""
    (folder / "leaves.py").write_text("import sys; sys.exit(4)")
    with pytest.raises(FunctionLoadError, match="exit status 4") as caught:
        isolated.invoke("local:leaves.py:handler")

    assert caught.value.executed is Executed.NO


def test_killing_the_parent_leaves_nobody_behind(folder: Path) -> None:
    """A parent that is killed with SIGKILL takes its workers, busy and idle, with it within 3 seconds."""
    script = (
        "import fcall, sys, threading, time\n"
        "client = fcall.Client(provider='local', root=sys.argv[1], isolation='process', function_timeout=60)\n"
        "print(client.invoke('local:hostile.py:pid').text, flush=True)\n"
        "threading.Thread(target=client.invoke, args=('local:hostile.py:sleeps', 60), daemon=True).start()\n"
        "print(client.invoke('local:hostile.py:grandchild').text, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(parent.stdout.readline()) for _ in range(2)]
        parent.kill()
    for pid in pids:
        _wait_until_gone(pid)
