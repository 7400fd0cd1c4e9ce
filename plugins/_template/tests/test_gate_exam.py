"""The provider takes the exam that every provider takes, on the gate on loopback."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import fcall_gate
from fcall_gate.testing import GateEndpoint

from fcall.provider import Provider
from fcall.testing import EXAM_FAULTS, Behaviour, ExamFunctions, ProviderContract, Rig
from fcall.testing.faults import Fault


def _refusal(status: int, code: str) -> Fault:
    return Fault.status(status, json.dumps({"code": code}).encode(), {"Request-Id": "id-1"})


FAULTS = {
    **EXAM_FAULTS,
    Behaviour.THROTTLED: _refusal(429, "Busy"),
    Behaviour.DENIED: _refusal(403, "NotAllowed"),
}


class GateRig(Rig):
    """Makes the gate behave as the exam asks."""

    spec = fcall_gate.fcall_register_providers()
    plugin = "fcall_gate"
    sdk_modules = ("http.client",)
    secrets = ("a-token-that-nobody-may-see",)

    def __init__(self) -> None:
        self._functions = ExamFunctions()
        self._endpoint = GateEndpoint(self._functions.handlers)

    def __exit__(self, *_: object) -> None:
        self._functions.end()
        self._endpoint.stop()

    def provider(self) -> Provider:
        return self.spec.create(fcall_gate.GateOptions(self._endpoint.address, self.secrets[0]))

    def params(self, behaviour: Behaviour) -> Mapping[str, Any] | None:
        if behaviour in FAULTS:
            self._endpoint.inject(FAULTS[behaviour], always=True)
            return {"functionName": "ECHO"}
        return {"functionName": behaviour.name}  # MISSING is the name of no function

    def runs(self) -> int:
        return self._functions.runs

    def requests(self) -> int:
        return self._endpoint.received

    def settle(self) -> None:
        self._endpoint.settle()


class TestGate(ProviderContract):
    """The provider `gate`."""

    def rig(self) -> Rig:
        return GateRig()
