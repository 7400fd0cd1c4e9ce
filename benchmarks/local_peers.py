"""A local call against other ways to run a handler on one's own machine, each in an environment of its own."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import environment
from handlers import EVENT, echo
from measure import Effort, Row, interleaved, micro, repeated

import fcall

__all__ = ["rows"]

_SCRIPT = Path(__file__).with_name("peers_local.py")
_PEERS = {
    "python-lambda-local": ("python-lambda-local, a process for each call", 50),
    "lithops": ("lithops on localhost, a map", 20),
}


def rows(effort: Effort) -> list[Row]:
    """What one call takes, wall clock."""
    registry = fcall.local.Registry()
    registry.function("benchmark/echo")(echo)
    with fcall.Client(provider="local", registry=registry) as client:
        subjects = {"call": repeated(lambda: client.invoke("benchmark/echo", EVENT).json())}
        ours = interleaved(subjects, rounds=effort.rounds, times=effort.calls).cost("call")
    return [_row(name, ours, effort) for name in _PEERS]


def _row(name: str, ours: float, effort: Effort) -> Row:
    words, times = _PEERS[name]
    what = "`Client.invoke(…).json()`, an answer of 100 bytes"
    python = environment.interpreter(name, make=effort.installs)
    if python is None:
        return Row(what, micro(ours), f"{words}: not installed")
    theirs = min(_seconds(python, name, times if effort.rounds > 1 else 2) for _ in range(min(3, effort.rounds)))
    return Row(what, micro(ours), f"{words} {theirs * 1e3:.1f} ms", f"1/{theirs / ours:,.0f}")


def _seconds(python: str, name: str, times: int) -> float:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # lithops leaves something running
        setting = environment.setting() | {"HOME": folder, "TMPDIR": folder}
        done = subprocess.run(
            [python, str(_SCRIPT), name, str(times)],
            env=setting,
            capture_output=True,
            text=True,
            check=True,
            timeout=900,
        )
    seconds: float = json.loads(done.stdout.splitlines()[-1])
    return seconds
