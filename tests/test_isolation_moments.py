"""A worker that ends at any moment between its event and the handler: nothing is said to have run that did not."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import fcall
from fcall.errors import Executed, FunctionCrashedError, InvocationTimeoutError

# The profiler sees every call and return of the worker from the moment at which it has read an event. At the one that
# is asked for, the worker sends itself a signal; the file that asks is gone by then, so it strikes once.
_HANDLERS = """
import os, pathlib, sys

import fcall.local._glance

fcall.local._glance._MOMENT = -1.0  # it never looks before it sleeps, so the moments are the same every time

order, seen, left = pathlib.Path("order"), pathlib.Path("seen"), None

def watch(frame, event, called):
    global left
    if event == "c_return" and called.__name__ == "recv" and order.exists():
        left, number = map(int, order.read_text().split())
    elif left is None:
        return
    else:
        left, number = left - 1, int(order.read_text().split()[1])
    if left == 0:
        left = None
        order.unlink()
        name = frame.f_code.co_name if event in ("call", "return") else called.__name__
        with seen.open("a") as file:
            print(event, name, file=file)
        os.kill(os.getpid(), number)

def crash(event, context):
    os.kill(os.getpid(), 9)

def f(event, context):
    global left
    left = None
    with open("runs", "a") as file:
        file.write("x")
    return os.getpid()

sys.setprofile(watch)
"""
_AT_THE_CALL = ["return set", "call f"]
"""The moments at which the handler is being called and has not come to its first line."""

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="there are no processes of their own here")


@pytest.fixture(autouse=True)
def _functions() -> None:
    Path("app.py").write_text(_HANDLERS)


@pytest.fixture
def runtime() -> str:
    """Whose rules the function runs by; a test may have it otherwise."""
    return "lambda"


@pytest.fixture
def client(runtime: str) -> Iterator[fcall.Client]:
    """A client whose local functions run in processes of their own, and that tries each call once."""
    with fcall.Client(provider="local", root=".", isolation="process", runtime=runtime, attempts=1) as client:
        yield client


@pytest.fixture
def strike(client: fcall.Client) -> Callable[..., tuple[str, int]]:
    """Calls the function with a signal at its worker's so many-th moment: what is told of it, and how often it ran."""

    def struck(moment: int, number: signal.Signals = signal.SIGKILL, timeout: float = 60) -> tuple[str, int]:
        client.invoke("local:app.py:f", timeout=60)  # a process that waits for events
        Path("runs").write_text("")
        Path("order").write_text(f"{moment} {int(number)}")
        try:
            client.invoke("local:app.py:f", timeout=timeout)
            told = "ok"
        except (FunctionCrashedError, InvocationTimeoutError) as error:
            told = f"{type(error).__name__} {error.executed.name}"
        return told, len(Path("runs").read_text())

    return struck


def test_a_worker_killed_before_it_calls_the_handler_is_replaced(strike: Callable[..., tuple[str, int]]) -> None:
    """Whenever it is killed before it calls the handler, another one runs the event, once; from then on it is YES."""
    outcomes = []
    while not Path("order").exists():  # until a moment that the worker did not come to before its handler ran
        outcomes.append(strike(len(outcomes)))
    assert ("ok", 1) == outcomes.pop()
    seen = Path("seen").read_text().splitlines()

    assert "c_return recv" == seen[0]
    assert _AT_THE_CALL == seen[-2:]
    assert [("ok", 1)] * (len(seen) - 2) == outcomes[:-2]
    assert [("FunctionCrashedError YES", 0)] * 2 == outcomes[-2:]


@pytest.mark.parametrize("runtime", ["lambda", "fc", "linkedge"])
def test_a_worker_that_dies_in_the_handler_ran_it(client: fcall.Client) -> None:
    """By the rules of every runtime, a function that ends its process was called, and is not called again."""
    with pytest.raises(FunctionCrashedError) as caught:
        client.invoke("local:app.py:crash", timeout=60)

    assert caught.value.executed is Executed.YES


@pytest.mark.parametrize("runtime", ["lambda", "fc"])
def test_a_worker_stopped_before_it_calls_the_handler_did_not_run_it(strike: Callable[..., tuple[str, int]]) -> None:
    """A worker that has read the event and then stands still until the caller's time-out did not run the function."""
    assert ("InvocationTimeoutError NO", 0) == strike(0, signal.SIGSTOP, timeout=0.3)
