"""Measure fcall and print the figures as Markdown tables: ``python benchmarks/run.py [FIGURE …] [--write]``.

``--write`` puts them into ``docs/benchmarks.md``, and what is drawn beside it. The peers of some figures are in
``benchmarks/requirements.txt``; those of others get environments of their own (``environment.py``). What is not
installed is left out and said to be.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
from collections.abc import Callable
from importlib import metadata

import aliyun
import aws
import fanout
import isolation
import local_call
import local_peers
import many
import overhead
import page
import plot
import sequential
import serve
import startup
import storm
import verbs
from measure import Effort, Row, Table

_HEADINGS = ("What", "Cost", "Against", "Ratio", "To reach")


def _of_rows(rows: Callable[[Effort], list[Row]]) -> Callable[[Effort], list[Table]]:
    return lambda effort: [Table("", _HEADINGS, [dataclasses.astuple(row) for row in rows(effort)])]


_FIGURES: dict[str, Callable[[Effort], list[Table]]] = {
    "startup": _of_rows(startup.rows),
    "local_call": _of_rows(local_call.rows),
    "local_peers": _of_rows(local_peers.rows),
    "isolation": _of_rows(isolation.rows),
    "overhead": _of_rows(overhead.rows),
    "many": _of_rows(many.rows),
    "storm": _of_rows(storm.rows),
    "verbs": _of_rows(verbs.rows),
    "aws": _of_rows(aws.rows),
    "aliyun": _of_rows(aliyun.rows),
    "sequential": sequential.tables,
    "fanout": fanout.tables,
    "serve": _of_rows(serve.rows),
}
_FULL = Effort(rounds=25, calls=2000, processes=40)
_SHORT = Effort(rounds=3, calls=500, processes=5, waves=100)
_QUICK = Effort(rounds=1, calls=5, processes=1, waves=2, installs=False)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure fcall and print the figures.")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"some of: {', '.join(_FIGURES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="see that everything runs; its numbers mean nothing")
    parser.add_argument("--short", action="store_true", help="fewer rounds: half of the time, and more noise")
    parser.add_argument("--write", action="store_true", help="put the tables and plots into docs/")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.figures if name not in _FIGURES]:
        parser.error(f"there is no figure {unknown[0]!r}; there are {', '.join(_FIGURES)}")
    effort = _QUICK if arguments.quick else _SHORT if arguments.short else _FULL
    print(f"{_machine()}\n")
    for name in arguments.figures or _FIGURES:
        tables = _FIGURES[name](effort)
        text = "\n\n".join(_lines(table) for table in tables) or f"{name}: its peers are not installed."
        print(f"{text}\n", flush=True)
        if arguments.write and tables:
            drawn = {group: numbers for table in tables for group, numbers in table.bars.items()}
            unit = next((table.unit for table in tables if table.bars), "")
            page.put(name, f"{_machine()}\n\n{text}", plot.bars(drawn, unit) if drawn else None)


def _lines(table: Table) -> str:
    rows = [table.columns, ["---"] * len(table.columns), *table.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _machine() -> str:
    names = (
        "fcall-core",
        "awslambdaric",
        "tenacity",
        "stamina",
        "loky",
        "pebble",
        "fcall-aws",
        "boto3",
        "fcall-aliyun",
        "aliyun-fc2",
    )
    peers = (f"{name} {version}" for name in names if (version := _version(name)))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}; {', '.join(peers)}"


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
