"""Measure fcall and print the figures as one Markdown table: ``python benchmarks/run.py``.

The peers are in ``benchmarks/requirements.txt``; what is not installed is left out and said to be.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
from collections.abc import Sequence
from importlib import metadata

import aliyun
import aws
import isolation
import local_call
import many
import overhead
import serve
import startup
import storm
import verbs
from measure import Effort

_FIGURES = {
    "startup": startup.rows,
    "local_call": local_call.rows,
    "isolation": isolation.rows,
    "overhead": overhead.rows,
    "many": many.rows,
    "storm": storm.rows,
    "verbs": verbs.rows,
    "aws": aws.rows,
    "aliyun": aliyun.rows,
    "serve": serve.rows,
}
_FULL = Effort(rounds=25, calls=2000, processes=40)
_QUICK = Effort(rounds=1, calls=5, processes=1)
_HEADINGS = ("What", "Cost", "Against", "Ratio", "To reach")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure fcall and print the figures.")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"some of: {', '.join(_FIGURES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="see that everything runs; its numbers mean nothing")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.figures if name not in _FIGURES]:
        parser.error(f"there is no figure {unknown[0]!r}; there are {', '.join(_FIGURES)}")
    print(f"{_machine()}\n")
    _print(_HEADINGS)
    _print(["---"] * len(_HEADINGS))
    for name in arguments.figures or _FIGURES:
        for row in _FIGURES[name](_QUICK if arguments.quick else _FULL):
            _print(dataclasses.astuple(row))


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
    peers = (f"{name} {_version(name)}" for name in names)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}; {', '.join(peers)}"


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _print(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
