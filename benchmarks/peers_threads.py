"""The peers that block: many at once they call on threads."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

__all__ = ["PEERS", "Blocking"]

SMALL = b'"' + b"x" * 98 + b'"'


class Blocking:
    """Calls one after the other, or on a pool of threads.

    Args:
        call: makes one call with a payload and gives the answer's.
    """

    def __init__(self, call: Callable[[bytes], bytes]) -> None:
        self._call = call

    def one_by_one(self, filler: bytes, times: int) -> None:
        payload = b'"%b"' % filler
        for _ in range(times):
            assert self._call(payload) == payload

    def many(self, count: int, in_flight: int) -> None:
        with ThreadPoolExecutor(in_flight) as pool:
            for answer in pool.map(self._call, itertools.repeat(SMALL, count)):
                assert answer == SMALL


class Fcall(Blocking):
    """`Client`, and its `map`."""

    def __init__(self, url: str) -> None:
        import fcall_aws

        import fcall

        self._client = fcall.Client(
            provider="aws", region="us-east-1", endpoint_url=url, max_concurrency=1000, plugins=[fcall_aws]
        )
        super().__init__(lambda payload: self._client.invoke("echo", payload=payload).payload)

    def many(self, count: int, in_flight: int) -> None:
        payloads = itertools.repeat(SMALL, count)
        for result in self._client.map("echo", payloads=payloads, concurrency=in_flight):
            assert result.payload == SMALL


class Boto3(Blocking):
    """boto3 with its defaults, which keep ten connections."""

    def __init__(self, url: str, **config: Any) -> None:
        import boto3
        from botocore.config import Config

        client = boto3.client("lambda", region_name="us-east-1", endpoint_url=url, config=Config(**config))
        super().__init__(lambda payload: client.invoke(FunctionName="echo", Payload=payload)["Payload"].read())


class ByHand(Blocking):
    """A request signed by hand, on a pool of connections of urllib3."""

    def __init__(self, url: str) -> None:
        import urllib3
        from signing import PATH, signed

        pool = urllib3.connection_from_url(url, maxsize=1000, block=True, retries=False)
        host = url.partition("://")[2]

        def call(payload: bytes) -> bytes:
            answer = pool.urlopen("POST", PATH, body=payload, headers=signed(host, payload), timeout=60.0)
            if answer.status != 200 or "x-amz-function-error" in answer.headers:
                raise RuntimeError("the call failed")
            data: bytes = answer.data
            return data

        super().__init__(call)


PEERS: dict[str, Callable[[str], Any]] = {
    "fcall": Fcall,
    "fcall, threads": Fcall,
    "boto3": Boto3,
    "boto3, pool as needed": lambda url: Boto3(url, max_pool_connections=1000),
    "signed by hand": ByHand,
}
