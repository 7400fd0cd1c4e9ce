"""`fcall serve` for the figures: a function that does nothing, in the server's process, until standard input ends."""

from __future__ import annotations

import os
import sys
from typing import Any

import fcall
from fcall.serve import Server


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    registry = fcall.local.Registry()
    registry.function("noop")(_noop)
    with Server(registry=registry) as server:
        print(server.url, flush=True)
        sys.stdin.read()


def _noop(event: Any, context: Any) -> Any:
    return event


if __name__ == "__main__":
    main()
