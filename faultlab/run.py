"""The fault lab: ``python faultlab/run.py`` calls every provider under every fault, and prints what came of it.

It needs the plugins fcall-aws[asyncio], fcall-aliyun[asyncio,fc3] and fcall-linkedge; the vendors' SDKs are measured
beside fcall. It ends with status 1 where fcall did not do as it promises. ``--page FILE`` also writes the tables as a
page.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import failover
import report
from lines import Line, measured
from outcome import Tally

__all__ = ["LINES", "line_of", "main"]

LINES = {
    "aws": ("fcall", "boto3"),
    "aws-asyncio": ("fcall",),
    "fc2": ("fcall", "aliyun-fc2"),
    "fc2-asyncio": ("fcall",),
    "fc3": ("fcall", "alibabacloud-fc20230330"),
    "linkedge": ("fcall", "lecoresdk"),
    "local": ("fcall",),
}
"""The clients that each provider's functions are called with, fcall first."""

_WAYS = (("aws", "fc2"), ("fc2", "aws"))


def line_of(provider: str, client: str) -> Line:
    """The line from a client to a provider's function. What it needs is imported now."""
    if provider == "local":
        from isolation import IsolationLine

        return IsolationLine()
    if provider == "linkedge":
        from edge import EdgeLine

        return EdgeLine(client)
    from clouds import CloudLine

    cloud, _, awaited = provider.partition("-")
    return CloudLine(cloud, f"{client}, awaited" if awaited else client)


def tallies(provider: str, client: str, calls: int, faults: Sequence[str] = ()) -> dict[str, Tally]:
    """What came of so many calls under each fault, or under some."""
    logging.disable()  # what SDKs log of every failure
    with line_of(provider, client) as line:
        return {fault: measured(line, fault, calls) for fault in line.faults if not faults or fault in faults}


def main() -> None:
    arguments = _arguments()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.jobs, context, max_tasks_per_child=1) as pool:
        counts = {provider: _counts(provider, arguments) for provider in arguments.providers}
        futures = {
            (provider, client): pool.submit(tallies, provider, client, calls, arguments.faults)
            for provider, by_client in counts.items()
            for client, calls in by_client.items()
        }
        ways = _failovers(pool, arguments)
        tables = {}
        for provider, by_client in counts.items():
            tables[provider] = {client: futures[provider, client].result() for client in by_client}
            print(report.table(provider, tables[provider]), flush=True)
        served = {way: future.result() for way, future in ways.items()}
    if served:
        print(report.failovers(served))
    print(report.summary(tables))
    if arguments.page:
        arguments.page.write_text(report.page(tables, served, arguments.calls, arguments.peer_calls), encoding="utf-8")
    sys.exit(not report.is_kept(tables, served))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Call every provider under every fault.")
    parser.add_argument("providers", nargs="*", metavar="PROVIDER", help=f"some of: {', '.join(LINES)}; default: all")
    parser.add_argument("--calls", type=int, default=20, help="fcall's calls under each fault; default: 20")
    parser.add_argument("--peer-calls", type=int, default=3, help="the SDKs' calls under each fault; default: 3")
    parser.add_argument("--failover-calls", type=int, default=3, help="default: 3; 0: leave it out")
    parser.add_argument("--faults", nargs="*", default=(), metavar="FAULT", help="only these faults")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes measure at once; default: 1")
    parser.add_argument("--page", type=Path, help="write the tables to this file")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.providers if name not in LINES]:
        parser.error(f"there is no provider {unknown[0]!r}; there are {', '.join(LINES)}")
    arguments.providers = arguments.providers or list(LINES)
    return arguments


def _counts(provider: str, arguments: argparse.Namespace) -> dict[str, int]:
    """How many calls each client makes."""
    counts = {client: arguments.calls if client == "fcall" else arguments.peer_calls for client in LINES[provider]}
    return {client: calls for client, calls in counts.items() if calls}


def _failovers(pool: ProcessPoolExecutor, arguments: argparse.Namespace) -> dict[report.Way, Future[failover.Served]]:
    if not (arguments.failover_calls and {"aws", "fc2"} <= set(arguments.providers)):
        return {}
    return {
        (first, other, always): pool.submit(
            failover.figures, first, other, arguments.failover_calls, arguments.faults, always=always
        )
        for first, other in _WAYS
        for always in (False, True)
    }


if __name__ == "__main__":
    main()
