"""The peers of Function Compute, all of which block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peers_threads import Blocking

__all__ = ["PEERS"]

_ID, _SECRET = "benchmark-id", "benchmark-secret"


def _fcall(url: str, target: str) -> Blocking:
    import fcall_aliyun

    import fcall

    client = fcall.Client(
        provider="aliyun",
        endpoint=url,
        access_key_id=_ID,
        access_key_secret=_SECRET,
        max_concurrency=1000,
        plugins=[fcall_aliyun],
    )
    return Blocking(lambda payload: client.invoke(target, payload=payload).payload)


def _fc2(url: str) -> Blocking:
    import fc2

    client = fc2.Client(endpoint=url, accessKeyID=_ID, accessKeySecret=_SECRET)
    return Blocking(lambda payload: client.invoke_function("images", "echo", payload).data)


def _fc3(url: str) -> Blocking:
    from alibabacloud_fc20230330.client import Client
    from alibabacloud_fc20230330.models import InvokeFunctionHeaders, InvokeFunctionRequest
    from alibabacloud_tea_openapi.models import Config
    from darabonba.runtime import RuntimeOptions

    protocol, _, host = url.partition("://")
    client = Client(Config(access_key_id=_ID, access_key_secret=_SECRET, endpoint=host, protocol=protocol))
    headers, runtime = InvokeFunctionHeaders(), RuntimeOptions()

    def call(payload: bytes) -> bytes:
        answer = client.invoke_function_with_options("echo", InvokeFunctionRequest(body=payload), headers, runtime)
        data: bytes = answer.body.read()
        return data

    return Blocking(call)


def _by_hand(url: str) -> Blocking:
    import aliyun

    return Blocking(aliyun.by_hand(url, None)[0])


PEERS: dict[str, Callable[[str], Any]] = {
    "fcall, FC 2.0": lambda url: _fcall(url, "images/echo"),
    "fcall, FC 3.0": lambda url: _fcall(url, "echo"),
    "aliyun-fc2": _fc2,
    "FC 3.0's SDK": _fc3,
    "signed by hand, FC 2.0": _by_hand,
}
