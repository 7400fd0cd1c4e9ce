"""The provider takes the exam that every provider takes, with either generation of the SDK."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import fcall_linkedge
import pytest
from fcall_linkedge import emulator

import fcall
from fcall.testing import Behaviour, ProviderContract, Rig


class EmulatedRig(Rig):
    """An emulated gateway, whose functions behave as the exam asks."""

    spec = fcall_linkedge.fcall_register_providers()
    plugin = "fcall_linkedge"
    sdk_modules = ("lecoresdk", "config", "utils", "runtime_utils", "pytest", "fcall_linkedge.emulator")
    known = (Behaviour.ECHO, Behaviour.FAIL, Behaviour.STALL)

    def __init__(self) -> None:
        self._runs: list[Behaviour] = []
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        registry = fcall.local.Registry()
        for behaviour in (Behaviour.ECHO, Behaviour.FAIL, Behaviour.STALL):
            registry.function(f"exam/{behaviour.name}")(self._behaving(behaviour))
        self._entered.enter_context(emulator.gateway(registry=registry))
        return self

    def __exit__(self, *_: object) -> None:
        self._entered.close()

    def provider(self) -> fcall_linkedge.LinkEdgeProvider:
        return fcall_linkedge.LinkEdgeProvider(fcall_linkedge.LinkEdgeOptions())

    def params(self, behaviour: Behaviour) -> Mapping[str, Any] | None:
        return {"serviceName": "exam", "functionName": behaviour.name} if behaviour in self.known else None

    def runs(self) -> int:
        return len(self._runs)

    def settle(self) -> None:
        fcall.local.drain()

    def _behaving(self, behaviour: Behaviour) -> Any:
        def handler(event: bytes, context: Any) -> bytes:
            self._runs.append(behaviour)
            if behaviour is Behaviour.FAIL:
                raise ValueError("the exam fails it")
            if behaviour is Behaviour.STALL:
                time.sleep(0.6)  # what this behaviour is, by its own words
            return event

        return handler


class NewerRig(EmulatedRig):
    """The same with the SDK in the shape of 1.1, which tells that a function is not known."""

    known = (*EmulatedRig.known, Behaviour.MISSING)

    def __enter__(self) -> Self:
        folder = str(Path(__file__).parent / "lecoresdk-1.1")
        sys.path.insert(0, folder)
        self._entered.callback(sys.path.remove, folder)
        return super().__enter__()


@pytest.mark.usefixtures("true_sdk")
class TestWithTheTrueSdk(ProviderContract):
    """lecoresdk 1.0, from the package index."""

    def rig(self) -> Rig:
        return EmulatedRig()


class TestWithTheNewerSdk(ProviderContract):
    """An SDK in the shape of lecoresdk 1.1."""

    def rig(self) -> Rig:
        return NewerRig()
