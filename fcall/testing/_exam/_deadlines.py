"""The part of the exam about deadlines: a call is over when its time is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fcall.errors import Executed, InvocationTimeoutError
from fcall.testing._exam._rig import Behaviour
from fcall.testing._exam._subject import AMPLE, Examination, Subject

__all__ = ["Deadlines", "check_late"]

_EVENT = b'"an event of some length"'
_ADVICE = (
    "Give the SDK deadline.remaining() as its time-out, anew before each step that waits, since a socket's own begins "
    "again with every read. Where the SDK has none for the whole call, make it on a thread that can be left behind"
)
_PASSED = (
    "the deadline had passed before invoke: look at deadline.expired first, and raise InvocationTimeoutError with "
    "executed=Executed.NO. A time-out of 0 is something else to each SDK"
)


class Deadlines(Examination):
    """A call is over when its time is."""

    def test_the_deadline_is_honoured(self) -> None:
        """A call that is not answered in time is an InvocationTimeoutError that does not say NO."""
        with self.examined(Behaviour.STALL) as subject:
            check_late(subject, self.patience, lambda seconds: subject.attempt(seconds, payload=_EVENT))

    def test_the_deadline_covers_the_body(self) -> None:
        """An answer that goes on and on is over at the deadline too, though something comes all the time."""
        with self.examined(Behaviour.TRICKLE) as subject:
            check_late(subject, self.patience, lambda seconds: subject.attempt(seconds, payload=_EVENT))

    def test_a_deadline_that_has_passed_sends_nothing(self) -> None:
        """With no time left nothing is sent: a time-out of 0 means neither "for ever" nor "at once" to an SDK."""
        with self.examined(Behaviour.ECHO) as subject:
            before = subject.rig.runs()
            error = subject.fail(seconds=0.0, payload=b"{}")

            assert isinstance(error, InvocationTimeoutError), f"{_PASSED}, and the provider raised {error!r}"
            assert error.executed is Executed.NO, f"{_PASSED}, and executed was {error.executed.name}"
            assert subject.rig.runs() == before, "the error says NO, and yet the function ran"


def check_late(subject: Subject, patience: float, call: Callable[[float], object]) -> None:
    """See what comes of a call that is not answered within the seconds it is given."""
    what = f"a call of a function that is to {subject.behaviour.value}"
    error, seconds, elapsed = _late(subject, patience, call)

    assert isinstance(error, InvocationTimeoutError), (
        f"{what} had {seconds} s, and in {elapsed:.1f} s it came to {error!r}, not to InvocationTimeoutError. {_ADVICE}"
    )
    assert error.executed, (
        f"{what} had {seconds} s and was on its way when they were over, so its error must not say NO: nobody can tell "
        "whether the function ran"
    )
    assert elapsed < AMPLE, f"{what} had {seconds} s and took {elapsed:.1f} s. {_ADVICE}"


def _late(subject: Subject, patience: float, call: Callable[[float], object]) -> tuple[Any, float, float]:
    """What a call comes to, the seconds it was given, and those it took.

    On a busy machine the time may be over before anything was sent, and then NO is right: the call gets more.
    """
    for seconds in (patience, 4 * patience, 16 * patience, 64 * patience):
        before, started = subject.rig.runs(), time.monotonic()
        error = call(seconds)
        elapsed = time.monotonic() - started
        if getattr(error, "executed", True) or subject.rig.runs() > before:
            break
    return error, seconds, elapsed
