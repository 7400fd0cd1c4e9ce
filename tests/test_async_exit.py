"""The end of a process for events that wait for their next attempt: it comes at once, and then the process ends."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import pytest

PROGRAM = """
    import os, sys, time
    import fcall

    ran = os.open("ran", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    failed = set()

    @fcall.local.function("work")
    def work(event, context):
        if event % 2 and event not in failed:
            failed.add(event)
            raise ValueError("not yet")
        if event >= 40:
            raise ValueError("never")
        time.sleep(0.002)
        os.write(ran, f"{event}\\n".encode())

    @fcall.local.function("told")
    def told(event, context):
        os.write(ran, f"{event['requestPayload']}\\n".encode())

    client = fcall.Client(provider="local", async_pause=3600, on_failure="told", **options)
    for number in range(50):
        client.enqueue("work", number)
"""


@pytest.mark.parametrize("options", [{}, {"workers": 1}, {"durable": "queue.db"}])
@pytest.mark.parametrize(
    ("end", "status", "words"),
    [("", 0, ""), ("sys.exit(3)", 3, ""), ("raise ValueError('the end')", 1, "ValueError: the end")],
)
def test_whatever_waits_for_a_retry_is_tried_at_the_end(
    end: str, status: int, words: str, options: dict[str, object]
) -> None:
    """Fifty of fifty events end, the last attempts and destinations included, and nobody waits for hours."""
    program = f"options = {options!r}\n{textwrap.dedent(PROGRAM)}\n{end}\n"
    started = time.monotonic()
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)

    assert time.monotonic() - started < 30
    assert dict.fromkeys(range(50), 1) == Counter(map(int, Path("ran").read_text().split()))
    assert (status, "") == (finished.returncode, finished.stdout)
    assert words in finished.stderr
    assert words or not finished.stderr
