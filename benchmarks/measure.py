"""Timing and telling: every subject has its turn in every round, and the median of the rounds counts."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TypeAlias

__all__ = ["Effort", "Row", "Samples", "Table", "interleaved", "limit", "micro", "milli", "repeated", "turns"]

Subject: TypeAlias = Callable[[int], float]
"""Does its work so many times and gives the seconds for one time."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Attributes:
        rounds: in each of them every subject has its turn.
        calls: how often a subject does its work in one turn.
        processes: how often each kind of process is started.
        waves: how many calls of many are made for each that is in flight, up to 10,000 of them.
        installs: environments that peers need are made where they are missing.
    """

    rounds: int
    calls: int
    processes: int
    waves: int = 1000
    installs: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, in words: what was measured, its cost, what it is held against, and the outcome."""

    what: str
    cost: str
    peer: str = ""
    ratio: str = ""
    to_reach: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of its own, and what is drawn of it.

    Attributes:
        title: a few words.
        columns: the headings.
        rows: the cells, in words.
        bars: for each group of bars, a number by name; none where nothing is drawn.
        unit: what the bars count.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    bars: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Samples:
    """Seconds by subject, one for each round, and what can be said of two subjects of the same rounds."""

    seconds: Mapping[str, list[float]]

    def cost(self, name: str) -> float:
        """The median of the rounds."""
        return median(self.seconds[name])

    def added(self, name: str, peer: str) -> float:
        """How much more than `peer` it takes, the median of the rounds' differences."""
        return median(mine - other for mine, other in self._pairs(name, peer))

    def ratio(self, name: str, peer: str) -> float:
        """How many times as long as `peer` it takes, the median of the rounds' ratios."""
        return median(mine / other for mine, other in self._pairs(name, peer))

    def _pairs(self, name: str, peer: str) -> list[tuple[float, float]]:
        return list(zip(self.seconds[name], self.seconds[peer], strict=True))


def repeated(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> Subject:
    """A subject that calls `call`. Garbage collection stays on, as in a real program, and starts from a clean heap.

    With `time.process_time` as the clock, the processor's time is measured: the system's share of it is in, waiting is
    not.
    """

    def run(times: int) -> float:
        gc.collect()
        turns = itertools.repeat(None, times)
        started = clock()
        for _ in turns:
            call()
        return (clock() - started) / times

    return run


def interleaved(subjects: Mapping[str, Subject], *, rounds: int, times: int) -> Samples:
    """Measure the subjects in turn, after a round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    for name in subjects:
        subjects[name](times)
    for name in turns(subjects, rounds):
        seconds[name].append(subjects[name](times))
    return Samples(seconds)


def turns(names: Iterable[str], rounds: int) -> Iterator[str]:
    """The names round after round, every second time backwards, so that none always follows the same one."""
    names = list(names)
    for number in range(rounds):
        yield from names[:: -1 if number % 2 else 1]


def micro(seconds: float) -> str:
    """Seconds as microseconds, in words."""
    return f"{seconds * 1e6:.1f} µs"


def milli(seconds: float) -> str:
    """Seconds as milliseconds, in words."""
    return f"{seconds * 1e3:.1f} ms"


def limit(words: str, reached: bool) -> str:
    """A figure to reach, and whether it was."""
    return f"{words}: {'reached' if reached else 'NOT reached'}"
