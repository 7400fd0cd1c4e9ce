"""What a function enqueues in a process of its own runs before that process ends."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import fcall

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process isolation needs POSIX")

CODE = """
import os
import time
import fcall

def fast(event, context):
    fcall.default_client().enqueue("s/mark", event)
    return os.getpid()

def outer(event, context):
    fcall.default_client().invoke("s/fast", event)

def failing(event, context):
    fcall.default_client().enqueue("s/mark", event)
    raise ValueError

def mark(event, context):
    time.sleep(0.2)  # long enough for the process to be ended before
    print("x" * 100_000, flush=True)  # more than a pipe holds
    with open("marks", "a") as marks:
        marks.write(f"{event}\\n")
"""

CONFIG = """
[services.s]
provider = "local"
isolation = "process"
functions = { fast = "app.py:fast", outer = "app.py:outer", failing = "app.py:failing", mark = "app.py:mark" }
"""


@pytest.fixture(autouse=True)
def _app() -> None:
    Path("app.py").write_text(CODE)
    Path("fcall.toml").write_text(CONFIG)


def marks() -> list[str]:
    return sorted(Path("marks").read_text().split()) if Path("marks").exists() else []


@pytest.mark.parametrize("options", ["", "reuse = false\n"])
@pytest.mark.parametrize("function", ["fast", "outer"])
def test_closing_waits_for_what_functions_enqueued(options: str, function: str) -> None:
    """However long their processes are kept, and however deep they are within each other."""
    Path("fcall.toml").write_text(CONFIG + options)
    with fcall.Client() as client:
        for number in range(3):
            client.invoke(f"s/{function}", number)

    assert ["0", "1", "2"] == marks()


def test_the_call_itself_does_not_wait() -> None:
    """A process that is not kept finishes by itself, behind the caller's back."""
    Path("fcall.toml").write_text(CONFIG.replace("mark =", "slow =") + "reuse = false\n")
    Path("app.py").write_text(CODE.replace("s/mark", "s/slow"))
    with fcall.Client() as client:
        client.invoke("s/fast", 1)

        assert [] == marks()
    assert ["1"] == marks()


def test_a_function_that_fails_has_enqueued_all_the_same() -> None:
    """What was accepted before the failure runs."""
    with fcall.Client() as client, pytest.raises(fcall.errors.FunctionError):
        client.invoke("s/failing", 7)

    assert ["7"] == marks()


@pytest.mark.parametrize("ending", ["", "raise SystemExit(0)", "raise ValueError"])
def test_the_end_of_the_program_waits_for_it(ending: str) -> None:
    """Also where nobody closed the client."""
    program = f"import fcall\nfcall.default_client().invoke('s/fast', 5)\n{ending}"
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], timeout=60, check=False, capture_output=True)

    assert ["5"] == marks()


def test_making_room_loses_nothing() -> None:
    """A process that has to go to make room for another function's ends only when it is done."""
    Path("fcall.toml").write_text(CONFIG + "concurrency = 1\n")
    seen: list[Any] = []
    with fcall.Client() as client:
        client.invoke("s/fast", 1)
        seen.append(client.invoke("s/mark", 2).status_code)

    assert [200] == seen
    assert ["1", "2"] == marks()
