"""The one moment by which a call has to be over."""

from __future__ import annotations

import time

import pytest

from fcall._deadline import Deadline


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("passed", "remaining", "expired"), [(0.0, 2.0, False), (1.5, 0.5, False), (2.0, 0.0, True), (9.0, 0.0, True)]
)
def test_time_runs_out(passed: float, remaining: float, expired: bool) -> None:
    """What remains shrinks to nothing and never below, and then the deadline has expired."""
    clock = Clock()
    deadline = Deadline.after(2.0, clock)
    clock.now += passed

    assert remaining == deadline.remaining()
    assert expired is deadline.expired
    assert f"<Deadline in {remaining:.3f} s>" == repr(deadline)


def test_it_keeps_to_the_monotonic_clock() -> None:
    """Setting the wall clock changes no deadline."""
    before = time.monotonic()
    deadline = Deadline.after(5)

    assert time.monotonic is deadline.clock
    assert before + 5 <= deadline.expires_at <= time.monotonic() + 5
    assert not deadline.expired
