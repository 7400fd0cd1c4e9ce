"""One peer, in a process of its own: ``peer.py NAME URL``. It prints ``ready``, and answers lines of JSON.

``{"verb": "one_by_one", "size": 100, "times": 50}`` has it call 50 times with 100 bytes, and ``{"verb": "many",
"count": 500, "in_flight": 10}`` 500 times, 10 of them at once. The answer has the seconds, the processor's seconds, and
the most memory that the process had meanwhile, in megabytes.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from typing import Any

import memory

_MODULES = {
    "fcall": "peers_threads",
    "fcall, threads": "peers_threads",
    "boto3": "peers_threads",
    "boto3, pool as needed": "peers_threads",
    "signed by hand": "peers_threads",
    "fcall, asyncio": "peers_asyncio",
    "aiobotocore": "peers_asyncio",
    "signed by hand, aiohttp": "peers_asyncio",
    "the same bytes": "peers_asyncio",
    "fcall, FC 2.0": "peers_alibaba",
    "fcall, FC 3.0": "peers_alibaba",
    "aliyun-fc2": "peers_alibaba",
    "FC 3.0's SDK": "peers_alibaba",
    "signed by hand, FC 2.0": "peers_alibaba",
}


def main(name: str, url: str) -> None:
    peer = importlib.import_module(_MODULES[name]).PEERS[name](url)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(_done(peer, json.loads(line))), flush=True)
    os._exit(0)  # nothing of it is worth tidying up


def _done(peer: Any, what: dict[str, Any]) -> dict[str, float]:
    gc.collect()
    memory.forget_peak()
    before = memory.now()
    started, processor = time.perf_counter(), time.process_time()
    if what["verb"] == "one_by_one":
        peer.one_by_one(b"x" * (what["size"] - 2), what["times"])
    else:
        peer.many(what["count"], what["in_flight"])
    return {
        "seconds": time.perf_counter() - started,
        "processor": time.process_time() - processor,
        "peak": memory.peak(),
        "added": memory.peak() - before,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
