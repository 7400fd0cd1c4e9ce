"""Many calls, failures among them, and nothing is used up: ``python faultlab/soak.py``.

Every eighth call meets a fault; after a warm-up, memory, file descriptors, threads and processes must stay where they
are. Linux.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from clouds import environment, fcall_client, options
from endpoints import Endpoint
from outcome import observed

import fcall
from fcall.errors import FcallError

_CALLS = {"inline": 100_000, "process": 100_000, "aws": 15_000, "fc2": 10_000, "fc3": 10_000}
_USUAL = ("inline", "process", "aws", "fc2")
_TARGETS = {"aws": "echo", "fc2": "images/echo", "fc3": "echo"}
_FAULTS = (
    "RESET_BEFORE_ANSWER CLOSE_BEFORE_ANSWER RESET_IN_REQUEST_HEAD CLOSE_IN_HEAD HTML_502 EMPTY_500 GARBAGE "
    "CLOSE_IN_BODY RESET_IN_CHUNK BAD_STATUS NO_LAST_CHUNK TLS_CLOSE TLS_UNTRUSTED CLOSE_REUSED MALFORMED_JSON "
    "CLOSE_WHEN_IDLE HANG_BEFORE_ANSWER RESET_ON_ACCEPT"
).split()
_LOCAL_FAULTS = """raises raises_unspeakable raises_exit recurses answers_not_json answers_itself
    no_such_function""".split()
_PROCESS_FAULTS = """raises answers_not_json raises recurses answers_itself raises no_such_function raises exits raises
    answers_not_json raises kills_itself raises answers_itself raises endless""".split()
_EVERY = 8
_WARM_UP = 0.2
_MOST_MEGABYTES = 2.0
_TIMEOUT, _SHORT_TIMEOUT = 5.0, 0.1

Call: TypeAlias = Callable[[int], object]
"""Makes the call of that number, a fault in its way or not."""


@dataclass(frozen=True)
class Used:
    """What a process holds.

    Attributes:
        megabytes: memory that is its own.
        descriptors: open files.
        threads: its threads.
        processes: its children.
    """

    megabytes: float
    descriptors: int
    threads: int
    processes: int

    @classmethod
    def now(cls) -> Used:
        gc.collect()
        time.sleep(0.2)  # the server sees the last connection go
        fields = dict(line.split(":", 1) for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
        private = sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))
        tasks = Path("/proc/self/task").iterdir()
        children = [pid for task in tasks for pid in (task / "children").read_text().split()]
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        return cls(private / 1024, descriptors, threading.active_count(), len(children))

    def __str__(self) -> str:
        counts = f"{self.descriptors} file descriptors, {self.threads} threads, {self.processes} processes"
        return f"{self.megabytes:.1f} MB, {counts}"

    def is_flat(self, before: Used) -> bool:
        """Whether no more is held, but for a little memory, and a connection that may be there or not."""
        return (
            self.megabytes - before.megabytes <= _MOST_MEGABYTES
            and self.descriptors <= before.descriptors + 1
            and self.threads <= before.threads
            and self.processes <= before.processes
        )


def soak(name: str, calls: int) -> bool:
    """So many calls, one after the other; whether nothing was used up."""
    told: Counter[str] = Counter()
    warm_up = int(calls * _WARM_UP)
    with ExitStack() as stack:
        call = _local(name, stack) if name in ("inline", "process") else _cloud(name, stack)
        _call_many(call, range(warm_up), told)
        before = Used.now()
        _call_many(call, range(warm_up, calls), told)
        after = Used.now()
    flat = after.is_flat(before)
    print(f"{name}: {calls} calls ({', '.join(f'{what} {times}' for what, times in told.most_common())})")
    print(f"  after {warm_up}: {before}\n  after {calls}: {after}\n  {'flat' if flat else 'NOT flat'}", flush=True)
    return flat


def _call_many(call: Call, numbers: range, told: Counter[str]) -> None:
    for number in numbers:
        told[observed(partial(call, number), FcallError).told] += 1


def _cloud(cloud: str, stack: ExitStack) -> Call:
    endpoint = stack.enter_context(Endpoint(cloud))
    stack.enter_context(environment(AWS_CA_BUNDLE=str(endpoint.ca_file)))
    client = stack.enter_context(fcall_client(**options(cloud, endpoint)))
    faults = itertools.cycle(_FAULTS)

    def call(number: int) -> object:
        timeout = _TIMEOUT
        if number % _EVERY == 0:
            fault = next(faults)
            endpoint.strike(fault, always=False)
            timeout = _SHORT_TIMEOUT if fault.startswith("HANG") else _TIMEOUT
        return client.invoke(_TARGETS[cloud], {"n": number}, timeout=timeout)

    return call


def _local(isolation: str, stack: ExitStack) -> Call:
    root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    shutil.copy(Path(__file__).with_name("victims.py"), root)
    (root / "marks").write_bytes(bytes(8192))
    event = {"marks": str(root / "marks")}
    client = stack.enter_context(fcall.Client(provider="local", root=str(root), isolation=isolation))
    faults = itertools.cycle(_LOCAL_FAULTS if isolation == "inline" else _PROCESS_FAULTS)

    def call(number: int) -> object:
        fault = next(faults) if number % _EVERY == 0 else "well"
        timeout = _SHORT_TIMEOUT if fault == "endless" else _TIMEOUT
        return client.invoke(f"local:victims.py:{fault}", event, timeout=timeout)

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description="See that many calls use nothing up.")
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(_CALLS)}; default: {' '.join(_USUAL)}")
    parser.add_argument("--calls", type=int, help=f"how many; default: {_CALLS}")
    arguments = parser.parse_args()
    flat = [soak(name, arguments.calls or _CALLS[name]) for name in arguments.names or _USUAL]
    sys.exit(not all(flat))


if __name__ == "__main__":
    main()
