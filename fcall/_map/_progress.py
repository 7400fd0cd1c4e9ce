"""Progress: how far a map is, for a terminal or for any other display."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass

from fcall._map._work import Settled
from fcall._wording import a_kind
from fcall.errors import InvalidParamsError

__all__ = ["Meter", "Progress", "ProgressOption", "meter"]

_PERIOD = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a map is.

    Attributes:
        done: items that were handed over, the failed ones included.
        failed: items that ended in an error.
        retried: attempts beyond the first of each item.
        total: how many items there are, or None where the iterable does not know.
        elapsed: seconds since the map began.
        finished: there is nothing more to come.
    """

    done: int
    failed: int
    retried: int
    total: int | None
    elapsed: float
    finished: bool = False

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.done / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take at this rate, or None where nobody knows."""
        return None if self.total is None or not self.done else max(0, self.total - self.done) / self.rate


ProgressOption = bool | Callable[[Progress], object]
"""What `progress=` takes."""


class Meter:
    """Counts outcomes, and shows the count ten times a second at most.

    Args:
        display: what is shown it.
        total: how many items there are, or None.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self, display: Callable[[Progress], object], total: int | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._display = display
        self._total = total
        self._clock = clock
        self._started = clock()
        self._shown_at = self._started
        self._done = self._failed = self._retried = 0
        self._finished = False

    def count(self, settled: Settled) -> None:
        """One more item is handed over."""
        self._done += 1
        self._failed += settled.error is not None
        self._retried += max(0, len(getattr(settled.error or settled.result, "attempts", ())) - 1)
        self.show()

    def show(self) -> None:
        """Show how far it is, unless that was done a moment ago."""
        now = self._clock()
        if now - self._shown_at >= _PERIOD:
            self._shown_at = now
            self._display(self._progress(now))

    def finish(self) -> None:
        """Show it a last time."""
        if not self._finished:
            self._finished = True
            self._display(self._progress(self._clock()))

    def _progress(self, now: float) -> Progress:
        elapsed = now - self._started
        return Progress(self._done, self._failed, self._retried, self._total, elapsed, self._finished)


def meter(progress: ProgressOption, events: Iterable[object] | object) -> Meter | None:
    """The meter that `progress=` asks for, or None where it asks for none.

    Raises:
        InvalidParamsError: it is neither a bool nor something to call.
    """
    if progress is True:
        progress = _draw if sys.stderr is not None and sys.stderr.isatty() else False
    if progress is False:
        return None
    if not callable(progress):
        raise InvalidParamsError(f"progress is True, False or a function of a Progress, not {a_kind(progress)}")
    return Meter(progress, len(events) if isinstance(events, Sized) else None)


def _draw(progress: Progress) -> None:
    """A line on the terminal, drawn over the one before."""
    with contextlib.suppress(OSError, ValueError):  # nobody looks any more
        sys.stderr.write(f"\r\x1b[K{line(progress)}" + ("\n" if progress.finished else ""))
        sys.stderr.flush()


def line(progress: Progress) -> str:
    """The progress in one line of text."""
    count = f"{progress.done:,}" if progress.total is None else f"{progress.done:,}/{progress.total:,}"
    parts = [count, f"{progress.rate:,.0f}/s", f"{progress.failed:,} failed", f"{progress.retried:,} retried"]
    if progress.finished:
        parts.append(_clock(progress.elapsed))
    elif progress.left is not None:
        parts.append(f"{_clock(progress.left)} left")
    return "  ".join(parts)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
