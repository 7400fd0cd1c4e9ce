"""Process isolation over a long time: whatever is killed, every call has one outcome, the right one."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

import fcall
from fcall.errors import FunctionCrashedError, FunctionLoadError

_CALLS = 100_000
_KILLS = 500
_CALLERS = 2

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it looks into /proc"),
]


class _Killer(threading.Thread):
    """Kills a random worker at each of so many random moments, as the calls go by."""

    def __init__(self) -> None:
        super().__init__()
        self._moments = sorted(random.sample(range(_CALLS * 9 // 10), _KILLS))
        self._began = itertools.count()
        self.calls = 0
        self.kills = 0

    def count(self) -> None:
        """One more call began."""
        self.calls = next(self._began)

    def run(self) -> None:
        for moment in self._moments:
            while self.calls < moment:
                time.sleep(random.random() / 1000)
            while not _killed_one():
                time.sleep(0.001)
            self.kills += 1


def _killed_one() -> bool:
    workers = _workers()
    if not workers:
        return False
    try:
        os.kill(random.choice(workers), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _workers() -> list[int]:
    """The living processes of this one that run functions."""
    children = [pid for task in _listed("/proc/self/task") for pid in _read(task / "children").decode().split()]
    return [int(pid) for pid in children if b"_worker" in _read(Path("/proc", pid, "cmdline"))]


def _listed(folder: str) -> list[Path]:
    return list(Path(folder).iterdir())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _call_many(client: fcall.Client, killer: _Killer, outcomes: Counter[str], first: int) -> None:
    for number in range(first, _CALLS, _CALLERS):
        killer.count()
        try:
            answer = client.invoke("local:app.py:double", number).json()
        except (FunctionCrashedError, FunctionLoadError) as error:
            outcomes["crashed" if "killed" in str(error) else f"crashed otherwise: {error}"] += 1
        except BaseException as error:
            outcomes[f"failed: {error!r}"] += 1
        else:
            outcomes["right" if answer == 2 * number else "wrong"] += 1


def test_kills_at_random_cost_their_own_calls_only() -> None:
    """Of 100,000 calls with 500 kills among them, each is answered rightly or is a crash, and nothing is used up."""
    Path("app.py").write_text("def double(event, context): return 2 * event")
    with fcall.Client(provider="local", root=".", isolation="process", function_timeout=20) as client:
        client.invoke("local:app.py:double", 0)
        killer, outcomes = _Killer(), [Counter[str]() for _ in range(_CALLERS)]
        before = len(_listed("/proc/self/fd")), threading.active_count()
        callers = [
            threading.Thread(target=_call_many, args=(client, killer, outcome, first))
            for first, outcome in enumerate(outcomes)
        ]
        for thread in (killer, *callers):
            thread.start()
        for thread in (*callers, killer):
            thread.join()
        slots = len(_workers())
        after = len(_listed("/proc/self/fd")), threading.active_count()

    total = sum(outcomes, Counter())

    assert _KILLS == killer.kills
    assert {"right", "crashed"} == set(total)
    assert _CALLS == total.total()
    assert total["crashed"] <= _KILLS
    assert slots <= _CALLERS
    assert after[0] <= before[0] + 4 * (_CALLERS - 1)  # each slot has four descriptors here, and there was one
    assert before[1] == after[1]
