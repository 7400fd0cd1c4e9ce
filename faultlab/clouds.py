"""Lines to the clouds: fcall, and the vendors' SDKs as they come, with the same time-out and nothing else changed."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Self

from endpoints import Endpoint, faults_of

import fcall
from fcall.errors import FcallError

__all__ = ["CLIENTS", "CloudLine", "environment", "fcall_client", "options"]

_EVENT = b'{"name": "Ada", "filler": "0123456789"}'
_KEYS = ("test-key-id", "test-key-secret")
_TARGETS = {"aws": "echo", "fc2": "images/echo", "fc3": "echo"}

Call = Callable[[], object]


@contextlib.contextmanager
def environment(**more: str) -> Iterator[None]:
    """Credentials that mean nothing, and none of this machine's settings."""
    kept = dict(os.environ)
    for name in kept:
        if name.startswith(("AWS_", "ALIBABA_", "FCALL_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "fault-lab",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": _KEYS[0],
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": _KEYS[1],
        **more,
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def options(cloud: str, endpoint: Endpoint) -> dict[str, Any]:
    """What fcall's provider needs to call an endpoint, beside what is in the environment."""
    if cloud == "aws":
        return {"provider": "aws", "endpoint_url": endpoint.url}
    return {"provider": "aliyun", "endpoint": endpoint.url, "ca_file": endpoint.ca_file}


def fcall_client(**options: Any) -> fcall.Client:
    """A client of fcall that knows the plugins whether they are installed or only importable."""
    return fcall.Client(plugins=_plugins(), **options)


def _plugins() -> list[object]:
    import fcall_aliyun
    import fcall_aws

    return [fcall_aws, fcall_aliyun]


def _fcall(cloud: str, endpoint: Endpoint, timeout: float, stack: ExitStack) -> tuple[Call, Call]:
    client = stack.enter_context(fcall_client(**options(cloud, endpoint)))
    target = _TARGETS[cloud]
    return (
        lambda: client.invoke(target, payload=_EVENT, timeout=timeout),
        lambda: client.invoke(target, payload=_EVENT, timeout=10, idempotent=True),
    )


def _fcall_awaited(cloud: str, endpoint: Endpoint, timeout: float, stack: ExitStack) -> tuple[Call, Call]:
    runner = stack.enter_context(asyncio.Runner())
    client = fcall.AsyncClient(plugins=_plugins(), **options(cloud, endpoint))
    stack.callback(lambda: runner.run(client.close()))
    target = _TARGETS[cloud]
    return (
        lambda: runner.run(client.invoke(target, payload=_EVENT, timeout=timeout)),
        lambda: runner.run(client.invoke(target, payload=_EVENT, timeout=10, idempotent=True)),
    )


def _boto3(cloud: str, endpoint: Endpoint, timeout: float, stack: ExitStack) -> tuple[Call, Call]:
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=timeout, read_timeout=timeout)
    client = boto3.client("lambda", endpoint_url=endpoint.url, verify=endpoint.ca_file, config=config)
    stack.callback(client.close)
    call = lambda: client.invoke(FunctionName="echo", Payload=_EVENT)["Payload"].read()  # noqa: E731 - returned twice
    return call, call


def _fc2(cloud: str, endpoint: Endpoint, timeout: float, stack: ExitStack) -> tuple[Call, Call]:
    import fc2

    key_id, secret = _KEYS
    client = fc2.Client(endpoint=endpoint.url, accessKeyID=key_id, accessKeySecret=secret, Timeout=timeout)
    call = lambda: client.invoke_function("images", "echo", _EVENT).data  # noqa: E731 - returned twice
    return call, call


def _fc3(cloud: str, endpoint: Endpoint, timeout: float, stack: ExitStack) -> tuple[Call, Call]:
    from alibabacloud_fc20230330 import models
    from alibabacloud_fc20230330.client import Client
    from alibabacloud_tea_openapi.utils_models import Config
    from darabonba.runtime import RuntimeOptions

    key_id, secret = _KEYS
    host = endpoint.url.partition("://")[2]
    client = Client(Config(access_key_id=key_id, access_key_secret=secret, endpoint=host, protocol="HTTPS"))
    milliseconds = round(timeout * 1000)
    runtime = RuntimeOptions(ca=endpoint.ca_file, connect_timeout=milliseconds, read_timeout=milliseconds)

    def call() -> bytes:
        request = models.InvokeFunctionRequest(body=_EVENT)
        answer = client.invoke_function_with_options("echo", request, models.InvokeFunctionHeaders(), runtime)
        return bytes(answer.body.read())

    return call, call


def _own_of_boto3() -> tuple[type[BaseException], ...]:
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    return BotoCoreError, ClientError, HTTPClientError


def _own_of_fc2() -> tuple[type[BaseException], ...]:
    from fc2.fc_exceptions import FcError

    return (FcError,)


def _own_of_fc3() -> tuple[type[BaseException], ...]:
    from darabonba.exceptions import DaraException
    from Tea.exceptions import TeaException

    return DaraException, TeaException


Maker = Callable[[str, Endpoint, float, ExitStack], tuple[Call, Call]]

CLIENTS: Mapping[str, tuple[Maker, Callable[[], tuple[type[BaseException], ...]]]] = {
    "fcall": (_fcall, lambda: (FcallError,)),
    "fcall, awaited": (_fcall_awaited, lambda: (FcallError,)),
    "boto3": (_boto3, _own_of_boto3),
    "aliyun-fc2": (_fc2, _own_of_fc2),
    "alibabacloud-fc20230330": (_fc3, _own_of_fc3),
}
"""What makes each client's call, with its time-out and with a patient one, and the exceptions that it documents."""


class CloudLine:
    """A client, and a cloud's endpoint.

    Args:
        cloud: ``aws``, ``fc2`` or ``fc3``.
        client: one of `CLIENTS`.
    """

    timeout = 0.5

    def __init__(self, cloud: str, client: str) -> None:
        self._cloud = cloud
        self._client = client
        self._stack = ExitStack()
        self._fault = ""

    def __enter__(self) -> Self:
        self._endpoint = self._stack.enter_context(Endpoint(self._cloud))
        trusted = str(self._endpoint.ca_file)
        self._stack.enter_context(environment(AWS_CA_BUNDLE=trusted, REQUESTS_CA_BUNDLE=trusted))
        self._made = self._stack.enter_context(ExitStack())
        self.own = CLIENTS[self._client][1]()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)

    @property
    def faults(self) -> Sequence[str]:
        return tuple(faults_of(self._cloud))

    def strike(self, fault: str) -> None:
        self._endpoint.heal()
        if fault != self._fault:
            self._renew()
        self._fault = fault
        with contextlib.suppress(Exception):  # it is for the connection that it leaves
            self._healthy()
        self._endpoint.strike(fault)

    def runs(self) -> int:
        return self._endpoint.runs(self._fault)

    def _renew(self) -> None:
        """Make a new client: what the faults before used up of its allowance for retries is no part of this."""
        self._made.close()
        make = CLIENTS[self._client][0]
        self.call, self._healthy = make(self._cloud, self._endpoint, self.timeout, self._made)
