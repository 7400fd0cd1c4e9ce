"""The provider takes the exam that every provider takes, on both APIs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import fcall_aliyun
import pytest
from fcall_aliyun import AliyunOptions
from fcall_aliyun.testing import FcEndpoint

from fcall.http import is_available
from fcall.provider import Provider
from fcall.testing import AsyncioProviderContract, Behaviour, ProviderContract, Rig
from fcall.testing.faults import Fault


class FcRig(Rig):
    """Function Compute on loopback, which behaves as the exam asks."""

    spec = fcall_aliyun.fcall_register_providers()
    plugin = "fcall_aliyun"
    sdk_modules = ("fc2", "requests", "urllib3", "alibabacloud_fc20230330", "darabonba")

    def __init__(self, service: str | None) -> None:
        self._service = service
        self._runs: list[Behaviour] = []
        handlers = {Behaviour.ECHO: _echo, Behaviour.FAIL: _fail, Behaviour.STALL: _stall}
        prefix = "" if service is None else f"{service}/"
        self._endpoint = FcEndpoint(
            {f"{prefix}{behaviour.name}": self._counted(behaviour, handler) for behaviour, handler in handlers.items()}
        )

    def __enter__(self) -> Self:
        self._endpoint.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._endpoint.__exit__(kind, error, trace)

    def provider(self) -> Provider:
        return self.spec.create(AliyunOptions(**self._endpoint.options))

    def params(self, behaviour: Behaviour) -> Mapping[str, Any] | None:
        if behaviour is Behaviour.THROTTLED:
            self._endpoint.inject(_refusal(429, "ResourceExhausted"), always=True)
        elif behaviour is Behaviour.DENIED:
            self._endpoint.inject(_refusal(403, "AccessDenied"), always=True)
        elif behaviour is Behaviour.REFUSED:
            self._endpoint.inject(Fault.REFUSED, always=True)
        named = {"functionName": behaviour.name}
        return named if self._service is None else {"serviceName": self._service, **named}

    def runs(self) -> int:
        return len(self._runs)

    def settle(self) -> None:
        self._endpoint.settle()

    def _counted(self, behaviour: Behaviour, handler: Any) -> Any:
        def counted(event: Any, context: Any) -> Any:
            self._runs.append(behaviour)
            return handler(event, context)

        return counted


def _refusal(status: int, code: str) -> Fault:
    return Fault.status(status, json.dumps({"ErrorCode": code, "ErrorMessage": "no"}).encode())


def _echo(event: Any, context: Any) -> Any:
    return event


def _fail(event: Any, context: Any) -> Any:
    raise ValueError("the exam fails it")


def _stall(event: Any, context: Any) -> Any:
    time.sleep(0.6)  # what this behaviour is, by its own words


class TestFc2(ProviderContract):
    """FC 2.0."""

    def rig(self) -> Rig:
        return FcRig("exam")


@pytest.mark.skipif(not is_available(), reason="httptools is not installed: fcall-aliyun[asyncio]")
class TestFc2Awaited(AsyncioProviderContract):
    """FC 2.0, awaited."""

    def rig(self) -> Rig:
        return FcRig("exam")


@pytest.mark.skipif(not is_available(), reason="httptools is not installed: fcall-aliyun[asyncio]")
class TestFc3Awaited(AsyncioProviderContract):
    """FC 3.0, awaited."""

    def rig(self) -> Rig:
        return FcRig(None)


class TestFc3(ProviderContract):
    """FC 3.0."""

    def rig(self) -> Rig:
        return FcRig(None)
