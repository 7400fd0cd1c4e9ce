"""What came of a call, what was the truth, and whether the two agree."""

from __future__ import annotations

import contextlib
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fcall.errors import Executed, FcallError, UnmappedProviderError

__all__ = ["OK", "STUCK", "Outcome", "Tally", "observed"]

OK = "ok"
STUCK = "stuck"
_LONGEST = 5.0
"""Seconds after which a call that ignores its time-out is broken off."""


class _Stuck(BaseException):
    """The call ignores its time-out. No SDK swallows it by catching `Exception`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call told its caller.

    Attributes:
        told: ``ok``, ``stuck``, the error's `executed` in small letters, or the name of a foreign exception's class.
        seconds: how long it took.
        foreign: what was raised is none of the client's own errors.
        error: what was raised.
    """

    told: str
    seconds: float
    foreign: bool = False
    error: BaseException | None = None

    def is_wrong(self, runs: int) -> bool:
        """Whether what is told of the function's runs is not what happened. A foreign exception tells nothing."""
        if self.told in (OK, Executed.YES.value):
            return runs == 0
        return self.told == Executed.NO.value and runs > 0


def observed(call: Callable[[], Any], own: type[BaseException] | tuple[type[BaseException], ...]) -> Outcome:
    """Make a call and see what it tells. On the main thread only.

    Args:
        call: makes it.
        own: the exceptions that its client documents; any other is foreign.
    """
    begun = time.monotonic()
    try:
        with _broken_off_after(_LONGEST):
            call()
    except _Stuck:
        return Outcome(STUCK, time.monotonic() - begun)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever an SDK lets slip is what is looked for
        seconds = time.monotonic() - begun
        foreign = not isinstance(error, own) or isinstance(error, UnmappedProviderError)
        told = error.executed.value if isinstance(error, FcallError) and not foreign else type(error).__name__
        return Outcome(told, seconds, foreign, error)
    return Outcome(OK, time.monotonic() - begun)


@contextlib.contextmanager
def _broken_off_after(seconds: float) -> Iterator[None]:
    def break_off(*_: object) -> None:
        raise _Stuck

    before = signal.signal(signal.SIGALRM, break_off)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass(slots=True)
class Tally:
    """The calls of one client under one fault.

    Attributes:
        calls: how many there were.
        runs: how often the function ran in all of them.
        most: how often it ran in one of them at most.
        duplicates: how many runs were one too many.
        wrong: how many calls told something of the runs that is not so.
        false_successes: how many of these were told to be well although nothing ran.
        overshoot: seconds past the deadline, of the latest.
        told: how many calls told what, the fault being there for good.
        told_once: how many told what, the fault having struck once.
        foreign: the foreign exceptions by name.
    """

    calls: int = 0
    runs: int = 0
    most: int = 0
    duplicates: int = 0
    wrong: int = 0
    false_successes: int = 0
    overshoot: float = 0.0
    told: Counter[str] = field(default_factory=Counter)
    told_once: Counter[str] = field(default_factory=Counter)
    foreign: Counter[str] = field(default_factory=Counter)

    @property
    def stuck(self) -> int:
        """How many calls had to be broken off."""
        return self.told[STUCK] + self.told_once[STUCK]

    def add(self, outcome: Outcome, runs: int, timeout: float, *, always: bool = True) -> None:
        """Count a call that ran the function so many times."""
        self.calls += 1
        self.runs += runs
        self.most = max(self.most, runs)
        self.duplicates += max(0, runs - 1)
        self.wrong += outcome.is_wrong(runs)
        self.false_successes += outcome.told == OK and not runs
        self.overshoot = max(self.overshoot, outcome.seconds - timeout)
        (self.told if always else self.told_once)[outcome.told] += 1
        if outcome.foreign:
            self.foreign[type(outcome.error).__name__] += 1

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.calls + other.calls,
            self.runs + other.runs,
            max(self.most, other.most),
            self.duplicates + other.duplicates,
            self.wrong + other.wrong,
            self.false_successes + other.false_successes,
            max(self.overshoot, other.overshoot),
            self.told + other.told,
            self.told_once + other.told_once,
            self.foreign + other.foreign,
        )
