"""The flag between a worker and its parent: one byte that both see."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fcall.local._flag import Flag, flag_file

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a mapping of a file is another thing here")


@pytest.fixture(params=["memfd_create", "a temporary file"])
def flag(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Flag:
    """A flag, in memory or in a file, as the system has it."""
    if request.param != "memfd_create":
        monkeypatch.delattr(os, "memfd_create", raising=False)
    with flag_file() as file:
        return Flag(file.fileno())


def test_a_flag_is_clear_until_it_is_set(flag: Flag) -> None:
    """A new flag is clear; it can be set and cleared any number of times."""
    seen = [flag.is_set]
    for change in (flag.set, flag.clear, flag.set):
        change()
        seen.append(flag.is_set)
    flag.close()

    assert [False, True, False, True] == seen


def test_another_process_sets_it(flag: Flag) -> None:
    """What another process has set is seen here, also after that process was killed."""
    child = os.fork()
    if child == 0:
        flag.set()
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)

    assert flag.is_set
    flag.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it looks into /proc")
@pytest.mark.parametrize("is_set", [False, True])
def test_a_closed_flag_holds_nothing_and_stays_as_it_was(is_set: bool) -> None:
    """Closing, twice too, gives back the file and the memory; what the flag was is remembered."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    with flag_file() as file:
        flag = Flag(file.fileno())
    if is_set:
        flag.set()
    flag.close()
    flag.close()

    assert is_set is flag.is_set
    assert before == len(list(Path("/proc/self/fd").iterdir()))
