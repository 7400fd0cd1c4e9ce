"""Local functions that call local functions: the deadline and the trace are handed on, and a circle ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import fcall
from fcall.errors import FunctionError

_FUNCTIONS = """
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fcall

def circle(event, context):
    Path("depth").write_text(str(event))
    return fcall.default_client().invoke("app/circle", event + 1).json()

def circle_of_threads(event, context):
    Path("depth").write_text(str(event))
    client = fcall.default_client()
    with ThreadPoolExecutor() as pool:
        return pool.submit(lambda: client.invoke("app/circle_of_threads", event + 1).json()).result()

def waits(event, context):
    try:
        fcall.default_client().invoke("app/sleeps", timeout=60)
    except fcall.errors.InvocationTimeoutError as error:
        return error.executed.name

def sleeps(event, context):
    time.sleep(1)

def trace(event, context):
    return os.environ["_X_AMZN_TRACE_ID"]

def traces(event, context):
    with fcall.Client() as client:
        client.enqueue("app/later")
        return [trace(event, context), client.invoke("app/trace").json()]

class Probe:
    capabilities = fcall.provider.Capabilities()

    def invoke(self, invocation, deadline):
        return fcall.InvocationResult(str(deadline.remaining()).encode())

    def close(self):
        pass

def left(event, context):
    with fcall.Client(provider="probe", providers={"probe": Probe()}) as client:
        return client.invoke("probe:any", timeout=3_000).json()

def later(event, context):
    Path("later").write_text(trace(event, context))
"""


@pytest.fixture
def _application() -> Iterator[None]:
    """A working directory with the functions; each finds the others by the configuration beside them."""
    Path("app.py").write_text(_FUNCTIONS)
    yield
    fcall.set_default_client(None)


def _configured(**options: object) -> fcall.Client:
    """The default client, the local provider's options being these."""
    names = ("circle", "circle_of_threads", "waits", "sleeps", "trace", "traces", "later", "left")
    functions = ", ".join(f'{name} = "app.py:{name}"' for name in names)
    lines = [f"{name} = {json.dumps(value)}" for name, value in options.items()]
    Path("fcall.toml").write_text(
        "\n".join(["[services.app]", 'provider = "local"', f"functions = {{ {functions} }}", *lines])
    )
    return fcall.default_client()


@pytest.mark.usefixtures("_application")
@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_a_circle_of_calls_ends(isolation: str) -> None:
    """A function that calls itself is stopped at `recursion_depth`, also over the borders of processes."""
    client = _configured(isolation=isolation, recursion_depth=3, function_timeout=30)

    with pytest.raises(FunctionError) as caught:
        client.invoke("app/circle", 1)

    assert "RecursiveInvocationError" in caught.value.error_message
    assert "3" == Path("depth").read_text()


def test_an_enqueued_event_is_no_deeper(registry: fcall.local.Registry) -> None:
    """An event runs after the function that enqueued it, not within it, so a chain of events is no recursion."""
    seen = []
    with fcall.Client(provider="local", registry=registry, recursion_depth=2) as client:

        @registry.function("chain")
        def chain(event: int, context: object) -> None:
            seen.append(event)
            if event < 5:
                client.enqueue("chain", event + 1)

        client.enqueue("chain", 1)

        assert fcall.local.drain(timeout=10)
    assert [1, 2, 3, 4, 5] == seen


@pytest.mark.usefixtures("_application")
def test_a_circle_of_calls_from_threads_ends() -> None:
    """In a process of its own a function's threads are the function's: what they call is as deep."""
    client = _configured(isolation="process", recursion_depth=3, function_timeout=30)

    with client, pytest.raises(FunctionError, match="RecursiveInvocationError: 3 local calls are within each other"):
        client.invoke("app/circle_of_threads", 1)

    assert "3" == Path("depth").read_text()


@pytest.mark.usefixtures("_application")
@pytest.mark.parametrize("isolation", ["inline", "process"])
@pytest.mark.parametrize(("timeout", "function_timeout"), [(100, 1_000), (1_000, 100)])
def test_a_call_within_a_call_has_what_is_left(isolation: str, timeout: float, function_timeout: float) -> None:
    """A function that makes a call gives it no more than its own caller has left, nor than its own limit."""
    client = _configured(isolation=isolation, function_timeout=function_timeout)

    assert 0 < client.invoke("app/left", timeout=timeout).json() <= 100


@pytest.mark.usefixtures("_application")
def test_a_call_ends_with_the_function_that_makes_it() -> None:
    """However patient a function is with a function that it calls, its own limit ends the wait."""
    client = _configured(function_timeout=0.5)

    with pytest.raises(fcall.errors.FunctionTimeoutError):
        client.invoke("app/waits")

    inner = fcall.local.calls()[-2]
    assert ("app.py:sleeps", fcall.errors.InvocationTimeoutError) == (inner.function, type(inner.error))


@pytest.mark.usefixtures("_application")
def test_the_trace_is_one() -> None:
    """Every function that one call brings about sees the same root of the trace: called, or enqueued."""
    client = _configured(isolation="process", function_timeout=30)

    traces = client.invoke("app/traces").json()

    roots = {trace.partition(";")[0] for trace in [*traces, Path("later").read_text()]}
    assert 1 == len(roots)
