"""Many calls, failures among them, and nothing is used up: ``python faultlab/soak.py``.

Every eighth call meets a fault; after a warm-up, memory, file descriptors and threads must stay where they are. Linux.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clouds import environment, fcall_client, options
from endpoints import Endpoint
from outcome import observed

import fcall
from fcall.errors import FcallError

_CALLS = {"aws": 15_000, "fc2": 10_000, "fc3": 10_000}
_TARGETS = {"aws": "echo", "fc2": "images/echo", "fc3": "echo"}
_FAULTS = (
    "RESET_BEFORE_ANSWER CLOSE_BEFORE_ANSWER RESET_IN_REQUEST_HEAD CLOSE_IN_HEAD HTML_502 EMPTY_500 GARBAGE "
    "CLOSE_IN_BODY RESET_IN_CHUNK BAD_STATUS NO_LAST_CHUNK TLS_CLOSE TLS_UNTRUSTED CLOSE_REUSED MALFORMED_JSON "
    "CLOSE_WHEN_IDLE HANG_BEFORE_ANSWER RESET_ON_ACCEPT"
).split()
_EVERY = 8
_WARM_UP = 0.2
_MOST_MEGABYTES = 2.0
_TIMEOUT, _SHORT_TIMEOUT = 5.0, 0.1


@dataclass(frozen=True)
class Used:
    """What a process holds.

    Attributes:
        megabytes: memory that is its own.
        descriptors: open files.
        threads: its threads.
    """

    megabytes: float
    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> Used:
        gc.collect()
        time.sleep(0.2)  # the server sees the last connection go
        fields = dict(line.split(":", 1) for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
        private = sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))
        return cls(private / 1024, len(list(Path("/proc/self/fd").iterdir())), threading.active_count())

    def __str__(self) -> str:
        return f"{self.megabytes:.1f} MB, {self.descriptors} file descriptors, {self.threads} threads"


def soak(cloud: str, calls: int) -> bool:
    """So many calls, one after the other; whether nothing was used up."""
    with ExitStack() as stack:
        endpoint = stack.enter_context(Endpoint(cloud))
        stack.enter_context(environment(AWS_CA_BUNDLE=str(endpoint.ca_file)))
        client = stack.enter_context(fcall_client(**options(cloud, endpoint)))
        told: Counter[str] = Counter()
        faults = itertools.cycle(_FAULTS)
        warm_up = int(calls * _WARM_UP)
        _call_many(client, endpoint, cloud, warm_up, faults, told)
        before = Used.now()
        _call_many(client, endpoint, cloud, calls - warm_up, faults, told)
        after = Used.now()
    flat = (
        after.megabytes - before.megabytes <= _MOST_MEGABYTES
        and after.descriptors <= before.descriptors + 1  # a connection may be there or not
        and after.threads <= before.threads
    )
    print(f"{cloud}: {calls} calls ({', '.join(f'{what} {times}' for what, times in told.most_common())})")
    print(f"  after {warm_up}: {before}\n  after {calls}: {after}\n  {'flat' if flat else 'NOT flat'}", flush=True)
    return flat


def _call_many(
    client: fcall.Client, endpoint: Endpoint, cloud: str, calls: int, faults: Any, told: Counter[str]
) -> None:
    for number in range(calls):
        timeout = _TIMEOUT
        if number % _EVERY == 0:
            fault = next(faults)
            endpoint.strike(fault, always=False)
            timeout = _SHORT_TIMEOUT if fault.startswith("HANG") else _TIMEOUT
        outcome = observed(lambda: client.invoke(_TARGETS[cloud], {"n": number}, timeout=timeout), FcallError)  # noqa: B023 - it is called now
        told[outcome.told] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description="See that many calls use nothing up.")
    parser.add_argument("clouds", nargs="*", help=f"some of: {', '.join(_CALLS)}; default: aws fc2")
    parser.add_argument("--calls", type=int, help=f"how many; default: {_CALLS}")
    arguments = parser.parse_args()
    flat = [soak(cloud, arguments.calls or _CALLS[cloud]) for cloud in arguments.clouds or ("aws", "fc2")]
    sys.exit(not all(flat))


if __name__ == "__main__":
    main()
