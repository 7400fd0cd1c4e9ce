"""The part of the exam about those who share a provider: threads, and processes after a fork."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

from fcall.testing._exam._rig import Behaviour
from fcall.testing._exam._subject import Examination, Subject, skip

__all__ = ["Sharing"]

_THREADS, _CALLS = 8, 20
_LONGEST = 30  # seconds that a forked child may take


class Sharing(Examination):
    """A provider is called from many threads at once, and on both sides of a fork."""

    def test_threads_do_not_mix_up_answers(self) -> None:
        """Each of many threads gets the answers to its own calls."""
        with self.examined(Behaviour.ECHO) as subject, ThreadPoolExecutor(_THREADS) as pool:
            wrong = sum(pool.map(lambda number: _wrong_answers(subject, f"thread {number}"), range(_THREADS)))

            assert wrong == 0, (
                f"{wrong} of {_THREADS * _CALLS} calls on {_THREADS} threads got another call's answer; keep what "
                "belongs to one call in local variables, and give each thread a connection of its own"
            )

    def test_calls_do_not_wait_for_each_other(self) -> None:
        """Two calls on two threads are under way at the same time."""
        with self.examined(Behaviour.MEET) as subject, ThreadPoolExecutor(2) as pool:
            calls = [pool.submit(subject.attempt, payload=b"{}") for _ in range(2)]
            failed = [call.result() for call in calls if isinstance(call.result(), Exception)]

            assert failed == [], (
                f"of two calls that can only end together, one waited for the other to end: {failed}. Hold no lock "
                "while a call is under way"
            )

    def test_a_fork_is_survived(self) -> None:
        """After a fork, parent and child both go on, and neither gets the other's answers."""
        if not hasattr(os, "fork"):
            skip("this system has no fork")
        with self.examined(Behaviour.ECHO) as subject:
            subject.invoke(payload=b'"before the fork"')
            pid, pipe = _forked(lambda: _wrong_answers(subject, "child"))
            wrong = _wrong_answers(subject, "parent")
            told = _told(pid, pipe)

            assert told == "0", (
                f"a forked child is to have 0 wrong answers, and this one ended with: {told or 'no word'}. Take fresh "
                "locks, threads and connections in a child: see fcall.provider.forget_in_child"
            )
            assert wrong == 0, f"while a forked child made calls, {wrong} of the parent's got a wrong answer"


def _wrong_answers(subject: Subject, caller: str) -> int:
    """How many of the caller's calls were answered with anything but its own event."""
    events = [f'"{caller}, call {call}"'.encode() for call in range(_CALLS)]
    return sum(subject.invoke(payload=event).payload != subject.answer(event) for event in events)


def _forked(function: Callable[[], object]) -> tuple[int, int]:
    """Run a function in a forked child; its process id, and the pipe in which it tells what came of it."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forks beside threads, which are meant
        pid = os.fork()
    if pid == 0:
        _live(function, write)
    os.close(write)
    return pid, read


def _live(function: Callable[[], object], pipe: int) -> NoReturn:
    """The child's whole life. It ends at once, since what is to be tidied up at an exit is the parent's."""
    told = "an interrupt"
    try:
        # What measures or debugs the parent may have been forked with its locks held.
        sys.settrace(None)
        threading.settrace(None)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_LONGEST)
        told = str(function())
    except Exception as error:  # noqa: BLE001 - it is told
        told = f"{type(error).__name__}: {error}"
    finally:
        os.write(pipe, told.encode()[:4096])
        os._exit(0)


def _told(pid: int, pipe: int) -> str:
    with open(pipe, encoding="utf-8", errors="replace") as lines:
        told = lines.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return told if code == 0 else f"no answer within {_LONGEST} s"
