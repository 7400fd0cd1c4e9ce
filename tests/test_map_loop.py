"""A map from blocking code of a provider that can be awaited: its calls are tasks of a loop on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

import fcall
from fcall.errors import FunctionError, ThrottledError
from fcall.provider import Call, Capabilities, Deadline, Invocation, InvocationResult

VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="unset")

PROGRAM = """
import asyncio, os, signal, sys, threading, time, warnings
warnings.simplefilter("error", ResourceWarning)
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 and later warn of every fork among threads
signal.signal(signal.SIGINT, signal.default_int_handler)
import fcall
from fcall.provider import Capabilities, InvocationResult

class Awaited:
    capabilities = Capabilities()
    under_way = 0

    async def invoke_asyncio(self, invocation, deadline):
        Awaited.under_way += 1
        try:
            await asyncio.sleep(600 if invocation.payload == b'"long"' else 0.01)
        finally:
            Awaited.under_way -= 1
        return InvocationResult(invocation.payload)

    def invoke(self, invocation, deadline):
        raise AssertionError("it is to be awaited")

    def close(self): ...

client = fcall.Client(providers={"awaited": Awaited()})
"""


class Awaited:
    """A provider with an asyncio path; without it, it says so."""

    capabilities = Capabilities()

    def __init__(self, answer: Callable[[int], Any] = lambda number: number) -> None:
        self.answer = answer
        self.under_way = self.most = 0
        self.threads: set[int] = set()
        self.blocked: list[int] = []

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult | None:
        self.threads.add(threading.get_ident())
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0.005)
            answer = self.answer(int(invocation.payload))
            return None if answer is None else InvocationResult(str(answer).encode())
        finally:
            self.under_way -= 1

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.blocked.append(int(invocation.payload))
        return InvocationResult(invocation.payload)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("verb", ["map", "as_completed"])
def test_the_calls_are_awaited_on_one_thread(verb: str) -> None:
    """As many as were asked for are under way, on a thread that is neither ours nor one for each of them."""
    with fcall.Client(providers={"awaited": (provider := Awaited())}) as client:
        given = list(getattr(client, verb)("f", range(300), concurrency=50))

    assert list(range(300)) == sorted((one if verb == "map" else one.result).json() for one in given)
    assert 50 == provider.most
    assert 1 == len(provider.threads)
    assert threading.get_ident() not in provider.threads
    assert [] == provider.blocked


def test_one_call_at_a_time_is_made_by_the_consumer() -> None:
    """With `concurrency=1` nothing is handed to another thread."""
    with fcall.Client(providers={"awaited": (provider := Awaited())}) as client:
        assert list(range(5)) == [result.json() for result in client.map("f", range(5), concurrency=1)]

    assert list(range(5)) == provider.blocked


def test_what_cannot_be_awaited_is_called_on_threads() -> None:
    """A call that the provider does not take on its asyncio path has a thread, whatever the others have."""
    provider = Awaited(lambda number: None if number % 3 == 0 else number)
    with fcall.Client(providers={"awaited": provider}) as client:
        assert list(range(30)) == [result.json() for result in client.map("f", range(30), concurrency=8)]

    assert list(range(0, 30, 3)) == sorted(provider.blocked)


def test_errors_and_throttling_are_as_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first error is raised with its index; a throttled item is called again."""
    monkeypatch.setattr("fcall._map._pace._BASE_PAUSE", 0.01)
    monkeypatch.setattr("fcall._policy._THROTTLED_BASE_PAUSE", 0.001)
    tries: list[int] = []

    def answer(number: int) -> int:
        tries.append(number)
        if number == 3 and tries.count(3) < 6:
            raise ThrottledError("busy")
        if number == 20:
            raise FunctionError(error_type="E")
        return number

    with fcall.Client(providers={"awaited": Awaited(answer)}) as client:
        results = client.map("f", range(100), concurrency=4)

        assert list(range(20)) == [next(results).json() for _ in range(20)]
        with pytest.raises(FunctionError) as caught:
            next(results)
    assert 20 == caught.value.index


def test_context_variables_travel() -> None:
    """A call sees the variables of whoever began the map; what it sets is its own."""

    def answer(number: int) -> int:
        seen = VARIABLE.get()
        VARIABLE.set("spoilt")
        return {"set": 1}.get(seen, 0)

    with fcall.Client(providers={"awaited": Awaited(answer)}) as client:
        token = VARIABLE.set("set")
        results = client.map("f", range(20), concurrency=4)
        VARIABLE.reset(token)

        assert 20 * [1] == [result.json() for result in results]
    assert "unset" == VARIABLE.get()


def test_closing_waits_for_what_was_sent() -> None:
    """Leaving the loop sends nothing more, and the client's end settles what was."""
    provider = Awaited()
    with fcall.Client(providers={"awaited": provider}) as client:
        for _ in client.map("f", range(10_000), concurrency=20):
            break

    assert 0 == provider.under_way


def test_a_map_from_the_loop_itself() -> None:
    """An observer that maps, on the very thread of the loop, gets threads, and nothing waits for itself."""
    inner: list[int] = []

    class Mapping:
        @fcall.hookimpl
        def fcall_before_invoke(self, call: Call) -> None:
            if call.function == "outer":
                inner.extend(result.json() for result in client.map("inner", range(3), concurrency=2))

    provider = Awaited()
    with fcall.Client(providers={"awaited": provider}, plugins=[Mapping()]) as client:
        assert [0, 1] == [result.json() for result in client.map("outer", range(2), concurrency=2)]

    assert [0, 1, 2, 0, 1, 2] == inner
    assert 6 == len(provider.blocked)


def test_an_interrupt_cancels_the_calls(run_program: Callable[[str], Any]) -> None:
    """Ctrl-C ends the map at once, and its calls with it; the note says how many there were."""
    finished = run_program(
        f"""{PROGRAM}
def interrupt():
    while Awaited.under_way < 8:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt).start()
try:
    next(client.map("f", ["long"] * 100, concurrency=8))
except KeyboardInterrupt as error:
    assert "interrupted while 8 of the calls of f by a map" in error.__notes__[-1], error.__notes__
while Awaited.under_way:
    time.sleep(0.001)
print("end")
"""
    )

    assert (0, "end\n", "") == (finished.returncode, finished.stdout, finished.stderr)


def test_a_program_may_end_with_a_map_under_way(run_program: Callable[[str], Any]) -> None:
    """The interpreter waits for neither the loop nor its calls, and says nothing of them."""
    finished = run_program(
        f"""{PROGRAM}
results = client.map("f", ["long"] * 9, concurrency=4)
threading.Thread(target=lambda: next(results), daemon=True).start()
while Awaited.under_way < 4:
    time.sleep(0.001)
print("end", flush=True)
"""
    )

    assert (0, "end\n", "") == (finished.returncode, finished.stdout, finished.stderr)


def test_a_fork_in_the_loop(run_program: Callable[[str], Any]) -> None:
    """The child begins a loop of its own, and the parent's goes on and misses nothing."""
    finished = run_program(
        f"""{PROGRAM}
seen = []
for result in client.map("f", range(60), concurrency=8):
    seen.append(result.json())
    if len(seen) in (10, 30):
        pid = os.fork()
        if not pid:
            import gc
            signal.alarm(20)
            assert gc.collect() >= 0
            os._exit(0 if [r.json() for r in client.map("f", range(9), concurrency=4)] == list(range(9)) else 7)
        assert os.waitpid(pid, 0)[1] == 0
assert seen == list(range(60)), seen
print("end")
"""
    )

    assert (0, "end\n", "") == (finished.returncode, finished.stdout, finished.stderr)


def test_many_calls_take_no_thread_each() -> None:
    """A thousand calls at once are done in the time of a few, with one thread more than before."""
    with fcall.Client(providers={"awaited": (provider := Awaited())}) as client:
        list(client.map("f", range(2), concurrency=2))
        before = threading.active_count()
        results = client.map("f", range(1000), concurrency=1000)
        next(results)

        assert threading.active_count() <= before
        assert 999 == len(list(results))
    assert 1000 == provider.most


def test_the_consumer_may_take_its_time() -> None:
    """While it does, the calls that were sent end, and no more are sent than the window holds."""
    with fcall.Client(providers={"awaited": (provider := Awaited())}) as client:
        results = client.as_completed("f", range(10_000), concurrency=4)
        next(results)
        ends_at = time.monotonic() + 20
        while provider.under_way and time.monotonic() < ends_at:
            time.sleep(0.01)

        assert 0 == provider.under_way
        results.close()
