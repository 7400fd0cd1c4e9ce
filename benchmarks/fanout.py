"""Many calls of 50 ms at once: calls a second, memory and connections, beside what the latency allows at best."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from statistics import median
from typing import Any

import environment
import processes
from measure import Effort, Table, limit, turns

__all__ = ["tables"]

_LATENCY = 0.05
_COUNT = 10_000
_IN_FLIGHT = {10: 1, 100: 3, 1000: 5}
"""How many rounds each of them is worth: with ten calls at once, one takes every peer 50 seconds."""
_OURS = "fcall, asyncio"
_PEERS = {
    "the same bytes": "clouds",
    "fcall, asyncio": "clouds",
    "fcall": "clouds",
    "fcall, threads": "threads",
    "signed by hand, aiohttp": "clouds",
    "boto3, pool as needed": "clouds",
    "boto3": "clouds",
    "aiobotocore": "aiobotocore",
}
_WORDS = {
    "the same bytes": "no client but the same bytes again and again: the service's own limit",
    "fcall, asyncio": "`AsyncClient.map`",
    "fcall": "`Client.map`",
    "fcall, threads": "`Client.map` on threads, without `fcall-aws[asyncio]`",
    "signed by hand, aiohttp": "signed by hand, sent by aiohttp",
    "boto3, pool as needed": "threads over boto3, its pool as large as needed",
    "boto3": "threads over boto3, its pool as it comes",
    "aiobotocore": "aiobotocore",
}


def tables(effort: Effort) -> list[Table]:
    """A table for each number of calls in flight, and one of long calls."""
    python = environment.interpreter("clouds", make=effort.installs)
    if python is None:
        return []
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a connection for each call, and each peer keeps them
    made = []
    with processes.service(python, _LATENCY) as (url, service):
        for in_flight, rounds in _IN_FLIGHT.items():
            count = min(_COUNT, in_flight * effort.waves)
            made.append(_fan_out(url, service, in_flight, count, min(rounds, effort.rounds), effort))
    with processes.service(python, 1.0) as (url, service):
        made.append(_long_calls(url, service, min(1000, 10 * effort.waves), effort))
    return made


def _fan_out(url: str, service: processes.Partner, in_flight: int, count: int, rounds: int, effort: Effort) -> Table:
    with processes.peers(_PEERS, url, make=effort.installs) as partners:
        done = _measured(partners, service, in_flight, count, rounds)
    bound = in_flight / _LATENCY
    cpu = {name: median(turn["processor"] / count for turn in turns_of) for name, turns_of in done.items()}
    rates = {name: median(count / turn["seconds"] for turn in turns_of) for name, turns_of in done.items()}
    rows = [
        (
            _WORDS[name],
            f"{rates[name]:,.0f}",
            f"{rates[name] / bound:.0%}",
            f"{rates[_OURS] / rates[name]:.2f}",
            f"{cpu[name] * 1e6:.0f} µs",
            f"{cpu[name] / cpu[_OURS]:.2f}",
            f"{max(turn['peak'] for turn in done[name]):.0f} MB",
            f"{max(turn['connections'] for turn in done[name]):,.0f}",
        )
        for name in done
    ]
    columns = (
        f"{count:,} calls of 50 ms, {in_flight:,} in flight; the latency allows {bound:,.0f} a second",
        "Calls a second",
        "Of what the latency allows",
        "`AsyncClient.map` is so many times as fast",
        "CPU for a call",
        "times that of `AsyncClient.map`",
        "Most memory",
        "Connections",
    )
    return Table(f"{in_flight:,} in flight", columns, rows, {f"{in_flight:,} in flight": rates}, "calls a second")


def _measured(
    partners: Mapping[str, processes.Partner], service: processes.Partner, in_flight: int, count: int, rounds: int
) -> dict[str, list[dict[str, Any]]]:
    done: dict[str, list[dict[str, Any]]] = {name: [] for name in partners}
    for partner in partners.values():
        partner.ask(verb="many", count=2 * in_flight, in_flight=in_flight)  # which connects
    for name in turns(partners, rounds):
        service.ask()
        turn = partners[name].ask(verb="many", count=count, in_flight=in_flight)
        done[name].append({**turn, **service.ask()})
    return done


def _long_calls(url: str, service: processes.Partner, count: int, effort: Effort) -> Table:
    """From the first connection on: what it takes to have so many calls under way."""
    limits = {"fcall, asyncio": (1.5, 60), "fcall": (1.5, 60), "fcall, threads": (2.0, 150)}
    rows = []
    with processes.peers({name: _PEERS[name] for name in limits}, url, make=effort.installs) as partners:
        for name, (seconds, memory) in limits.items():
            partners[name].ask(verb="one_by_one", size=100, times=1)
            service.ask()
            turn = {**partners[name].ask(verb="many", count=count, in_flight=count), **service.ask()}
            reached = turn["seconds"] <= seconds and turn["added"] <= memory and turn["connections"] <= count
            rows.append(
                (
                    _WORDS[name],
                    f"{turn['seconds']:.2f} s",
                    f"{turn['added']:.0f} MB",
                    f"{turn['connections']:,}",
                    limit(f"{seconds} s, {memory} MB more, {count:,} connections", reached),
                )
            )
    columns = (f"{count:,} calls of 1 s, all in flight", "Took", "Memory added", "Connections", "At most")
    return Table("Long calls", columns, rows)
