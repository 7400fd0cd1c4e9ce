"""The provider takes the exam that every provider takes, on both APIs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import fcall_aliyun
from fcall_aliyun import AliyunOptions, wire
from fcall_aliyun.testing import FcEndpoint

from fcall.provider import Provider
from fcall.testing import EXAM_FAULTS, Behaviour, ExamFunctions, ProviderContract, Rig
from fcall.testing.faults import Fault


def _refusal(status: int, code: str) -> Fault:
    return Fault.status(status, json.dumps({"ErrorCode": code, "ErrorMessage": "no"}).encode())


FAULTS = {
    **EXAM_FAULTS,
    Behaviour.THROTTLED: _refusal(429, "ResourceExhausted"),
    Behaviour.DENIED: _refusal(403, "AccessDenied"),
}


class FcRig(Rig):
    """Function Compute on loopback, which behaves as the exam asks."""

    spec = fcall_aliyun.fcall_register_providers()
    plugin = "fcall_aliyun"
    sdk_modules = ("fc2", "requests", "urllib3", "alibabacloud_fc20230330", "darabonba")
    secrets = ("test-key-secret",)

    def __init__(self, service: str | None) -> None:
        self._service = service
        self._functions = ExamFunctions()
        prefix = "" if service is None else f"{service}/"
        self._endpoint = FcEndpoint({prefix + name: handler for name, handler in self._functions.handlers.items()})

    def __enter__(self) -> Self:
        self._endpoint.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._functions.end()
        self._endpoint.__exit__(kind, error, trace)

    def provider(self) -> Provider:
        return self.spec.create(AliyunOptions(**self._endpoint.options))

    def params(self, behaviour: Behaviour) -> Mapping[str, Any] | None:
        if behaviour in FAULTS:
            self._endpoint.inject(FAULTS[behaviour], always=True)
        named = {"functionName": "ECHO" if behaviour in FAULTS else behaviour.name}
        return named if self._service is None else {"serviceName": self._service, **named}

    def runs(self) -> int:
        return self._functions.runs

    def requests(self) -> int:
        return self._endpoint.received

    def received(self) -> Mapping[str, Any]:
        request = self._endpoint.requests[-1]
        return {"qualifier": wire.read(request.method, request.target, request.headers, request.body).qualifier}

    def settle(self) -> None:
        self._endpoint.settle()


class TestFc2(ProviderContract):
    """FC 2.0."""

    def rig(self) -> Rig:
        return FcRig("exam")


class TestFc3(ProviderContract):
    """FC 3.0."""

    def rig(self) -> Rig:
        return FcRig(None)
