"""Calls one after the other, by payload size: fcall, the SDKs, and a request signed by hand, which is the floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import environment
import processes
from measure import Effort, Samples, Table, turns

__all__ = ["tables"]

_SIZES = {"100 B": 100, "10 KB": 10_240, "1 MB": 1_048_576}


@dataclass(frozen=True, slots=True)
class _Contest:
    """Who is measured together.

    Attributes:
        title: of the table.
        floor: what nobody can be faster than.
        peers: the environment that each of them needs.
    """

    title: str
    floor: str
    peers: Mapping[str, str]


_CONTESTS = (
    _Contest(
        "AWS Lambda",
        "signed by hand",
        {
            **dict.fromkeys(("signed by hand", "fcall", "fcall, asyncio", "boto3"), "clouds"),
            "aiobotocore": "aiobotocore",
        },
    ),
    _Contest(
        "Function Compute",
        "signed by hand, FC 2.0",
        dict.fromkeys(
            ("signed by hand, FC 2.0", "fcall, FC 2.0", "fcall, FC 3.0", "FC 3.0's SDK", "aliyun-fc2"), "clouds"
        ),
    ),
)


def tables(effort: Effort) -> list[Table]:
    """A table for each cloud."""
    python = environment.interpreter("clouds", make=effort.installs)
    return [] if python is None else [_table(contest, python, effort) for contest in _CONTESTS]


def _table(contest: _Contest, python: str, effort: Effort) -> Table:
    with (
        processes.service(python, 0) as (url, _),
        processes.peers(contest.peers, url, make=effort.installs) as partners,
    ):
        wall, cpu = _measured(partners, effort)
    rows = [_row(name, contest.floor, wall, cpu) for name in partners]
    columns = ["One after the other"]
    for size in _SIZES:
        columns += [size, "CPU", "× the floor's CPU"]
    bars = {
        size: {name: median(cpu[size].seconds[name]) * 1e6 for name in partners}
        for size in _SIZES  # in microseconds
    }
    return Table(f"Calls of {contest.title}, one after the other", columns, rows, bars, "µs of CPU for a call")


def _measured(
    partners: Mapping[str, processes.Partner], effort: Effort
) -> tuple[dict[str, Samples], dict[str, Samples]]:
    """Seconds and the processor's seconds of a call, by size."""
    wall: dict[str, Samples] = {}
    cpu: dict[str, Samples] = {}
    for size, count in _SIZES.items():
        times = max(1, effort.calls // (100 if count > 100_000 else 10))
        seconds, processor = ({name: list[float]() for name in partners} for _ in range(2))
        for partner in partners.values():
            partner.ask(verb="one_by_one", size=count, times=times)
        for name in turns(partners, effort.rounds):
            done = partners[name].ask(verb="one_by_one", size=count, times=times)
            seconds[name].append(done["seconds"] / times)
            processor[name].append(done["processor"] / times)
        wall[size], cpu[size] = Samples(seconds), Samples(processor)
    return wall, cpu


def _row(name: str, floor: str, wall: Mapping[str, Samples], cpu: Mapping[str, Samples]) -> Sequence[str]:
    cells = [name]
    for size in _SIZES:
        ratio = cpu[size].ratio(name, floor)
        cells += [_time(wall[size].cost(name)), _time(cpu[size].cost(name)), f"{ratio:.2f}"]
    return cells


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs"
