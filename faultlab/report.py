"""What was measured, in tables and in words."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from typing import TypeAlias

from failover import Served
from outcome import Tally

__all__ = ["Way", "failovers", "is_kept", "page", "summary", "table"]

ByClient: TypeAlias = Mapping[str, Mapping[str, Tally]]
"""Tallies by client and fault; fcall's is the first client."""

Way: TypeAlias = tuple[str, str, bool]
"""The first cloud, the other one, and whether the fault is there for good."""

_TITLES = {
    "aws": "AWS Lambda",
    "aws-asyncio": "AWS Lambda, awaited",
    "fc2": "Function Compute 2.0",
    "fc2-asyncio": "Function Compute 2.0, awaited",
    "fc3": "Function Compute 3.0",
    "linkedge": "Link IoT Edge, on the emulator",
    "local": "Local, in a process of its own",
}
_TRICKLES = ("TLS_TRICKLE", "ENDLESS_CONTINUE", "SLOW_HEAD", "ENDLESS_HEAD")
_HOW_OFTEN = {False: "once, three attempts", True: "for good, one attempt"}
_PACKAGES = ("fcall-core", "boto3", "aliyun-fc2", "alibabacloud-fc20230330", "lecoresdk")


def table(provider: str, by_client: ByClient) -> str:
    """One provider: a line for each fault, and their sum."""
    if "fcall" not in by_client:
        return ""
    ours, *peers = by_client
    mine = by_client[ours]
    heading = ["Fault", "fcall told", "struck once", "Runs too many", "Wrong `executed`", "Foreign", "Overshoot"]
    heading += [f"{peer}: {what}" for peer in peers for what in ("most runs of a call", "told", "struck once")]
    rows = [_row(f"`{fault}`", mine[fault], [by_client[peer][fault] for peer in peers]) for fault in mine]
    rows.append(_row("**All**", _sum(mine), [_sum(by_client[peer]) for peer in peers]))
    return f"## {_TITLES[provider]}\n\n{_markdown(heading, rows)}\n"


def _row(name: str, tally: Tally, peers: Iterable[Tally]) -> list[str]:
    counts = (tally.duplicates, tally.wrong, sum(tally.foreign.values()))
    cells = [name, *_said(tally), *map(str, counts), _milliseconds(tally.overshoot)]
    for peer in peers:
        cells += [str(peer.most), *_said(peer)]
    return cells


def _said(tally: Tally) -> list[str]:
    return [_counted(tally.told), _counted(tally.told_once)]


def _counted(told: Counter[str]) -> str:
    """What was told how often."""
    return ", ".join(f"{what} {times}" for what, times in told.most_common()) or "–"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds > 0 else "0"


def _sum(tallies: Mapping[str, Tally]) -> Tally:
    return sum(tallies.values(), Tally())


def summary(tables: Mapping[str, ByClient]) -> str:
    """One line for each client of each provider."""
    heading = ["Provider", "Client", "Faults", "Calls", "Runs too many", "Wrong `executed`", "Foreign exceptions"]
    heading += ["Well, and nothing ran", "Cut off after 5 s", "Overshoot", "of trickles"]
    rows = [
        [_TITLES[provider], client, *_total(client, tallies)]
        for provider, by_client in tables.items()
        for client, tallies in by_client.items()
    ]
    return f"## Summary\n\n{_markdown(heading, rows)}\n"


def _total(client: str, tallies: Mapping[str, Tally]) -> list[str]:
    total = _sum(tallies)
    steady = _sum({fault: tally for fault, tally in tallies.items() if fault not in _TRICKLES})
    trickled = _sum({fault: tally for fault, tally in tallies.items() if fault in _TRICKLES})
    wrong = str(total.wrong) if client == "fcall" else "says nothing"
    counts = (total.duplicates, wrong, sum(total.foreign.values()), total.false_successes, total.stuck)
    overshoot = [_milliseconds(each.overshoot) for each in (steady, trickled)]
    return [str(len(tallies)), str(total.calls), *map(str, counts), *overshoot]


def failovers(served: Mapping[Way, Served]) -> str:
    """One line for each pair of clouds."""
    heading = ["From", "To", "Fault", "Calls", "Ran in both", "Ran twice", "Wrong `executed`", "Served by the first"]
    heading += ["by the other", "Failed", "Not sent, or refused for now", "of these served", "by the other"]
    rows = [
        [_TITLES[first], _TITLES[other], _HOW_OFTEN[always], *map(str, _cells(each))]
        for (first, other, always), each in served.items()
    ]
    return f"## Failover\n\n{_markdown(heading, rows)}\n"


def _cells(each: Served) -> Sequence[int]:
    told = (each.calls, each.both, each.twice, each.wrong, each.first, each.other, each.failed)
    return (*told, each.refused, each.refused_served, each.refused_other)


def is_kept(tables: Mapping[str, ByClient], served: Mapping[Way, Served]) -> bool:
    """Whether fcall did as it promises. How late it was is no part of it: that says much of the machine."""
    ours = [_sum(by_client["fcall"]) for by_client in tables.values() if "fcall" in by_client]
    fair = all(not (tally.duplicates or tally.wrong or tally.foreign) for tally in ours)
    once = all(not (each.both or each.twice or each.wrong) for each in served.values())
    went_on = all(each.refused_served == each.refused for each in served.values())
    over = all(each.refused_other == each.refused for (_, _, always), each in served.items() if always)
    return fair and once and went_on and over


def page(tables: Mapping[str, ByClient], served: Mapping[Way, Served], calls: int, peer_calls: int) -> str:
    """All of it, as a page of the documentation."""
    counts = f"fcall made {calls} calls under each fault and {calls} more where it struck once, the SDKs {peer_calls}"
    made = f"Written by `python faultlab/run.py`.\n{_machine()}.\n{counts}.\n"
    parts = [_INTRODUCTION, made, summary(tables)]
    if served:
        parts += [failovers(served).rstrip("\n"), _ABOUT_FAILOVER]
    return "\n".join([*parts, *(table(provider, by_client) for provider, by_client in tables.items())])


def _machine() -> str:
    packages = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, load {os.getloadavg()[2]:.0f}"
    return f"{python}, {machine}; {packages}"


def _version(package: str) -> str:
    if package == "fcall-core":
        import fcall

        return fcall.__version__
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _markdown(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


_INTRODUCTION = """# The fault lab

What a client is worth shows when calls fail. The lab calls a function of every provider under every fault of the
[fault server](reference/faults.md), and counts at the function's end how often it ran. Nothing else decides what is
true: not the answer, and not the error.

- **Runs too many**: runs of the function beyond the first, of one call.
- **Wrong `executed`**: success although nothing ran; an error that says NO although the function ran, or YES although
  it did not. MAYBE is never wrong. What ran is the number of requests that were received whole, and what the fault
  does with them; on a gateway and in a local process, what the function itself counted.
- **Foreign**: exceptions that are not the client's own, and of fcall's own `UnmappedProviderError`, its safety net.
- **Overshoot**: by how much the slowest call outlasted its time-out, of half a second, or a second for a local process.
  The figure to stay below is 100 ms, and 300 ms where what comes is trickled. It says as much of the machine: where
  many programs want each core (`load`, an average of the last quarter of an hour), whoever wakes up waits for one.

Every fault is there twice: for the whole call, however often the client tries, and once, so that a second try would
go well. On the way to a cloud each of the two meets a new client. The clouds' endpoints speak TLS, each in a process
of its own. `awaited` is fcall's `AsyncClient` on the connections of the event loop, which for Function Compute is the
same for both APIs. fcall has its default policy. The vendors' SDKs are as they come, with the same time-out for
connecting and for reading, and nothing else changed; a call of theirs that has not ended after five seconds is cut off,
and is `stuck` in the tables. On a gateway, where there is no HTTP, what fails is what the SDK asks the gateway:
`INSTEAD` of the task running, `AFTER` it ran, or when its `RESULT` is fetched. In a local process it is loading
(`LOAD`), the process while it waits (`IDLE`), or the running function (`RUN`, and `LIMIT` with a short function
time-out); there the fault is the function's own, and stays.
"""

_ABOUT_FAILOVER = """
A fault that strikes once meets the default policy, three attempts, so that the first cloud may still serve the call.
One that is there for good meets a policy of one attempt. "Not sent, or refused for now" counts the calls whose fault
keeps the connection or the handshake from being made, or is an answer by which the cloud says that it did not run the
call and may do so later. A hang is not counted there, since it may take all of the caller's two seconds, nor is a
certificate that is not trusted, which no repetition mends.
"""
