"""The provider takes the exam that every provider takes, with either generation of the SDK."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import fcall_linkedge
import pytest
from fcall_linkedge import emulator

import fcall
from fcall.testing import Behaviour, ExamFunctions, ProviderContract, Rig


class EmulatedRig(Rig):
    """An emulated gateway, whose functions behave as the exam asks."""

    spec = fcall_linkedge.fcall_register_providers()
    plugin = "fcall_linkedge"
    sdk_modules = ("lecoresdk", "config", "utils", "runtime_utils", "pytest", "fcall_linkedge.emulator")
    known: tuple[Behaviour, ...] = ()

    def __init__(self) -> None:
        self._functions = ExamFunctions()
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        registry = fcall.local.Registry()
        for name, handler in self._functions.handlers.items():
            registry.function(f"exam/{name}")(handler)
        self._entered.enter_context(emulator.gateway(registry=registry))
        return self

    def __exit__(self, *_: object) -> None:
        self._functions.end()
        self._entered.close()

    def provider(self) -> fcall_linkedge.LinkEdgeProvider:
        return fcall_linkedge.LinkEdgeProvider(fcall_linkedge.LinkEdgeOptions())

    def params(self, behaviour: Behaviour) -> Mapping[str, Any] | None:
        known = behaviour.name in self._functions.handlers or behaviour in self.known
        return {"serviceName": "exam", "functionName": behaviour.name} if known else None

    def runs(self) -> int:
        return self._functions.runs

    def requests(self) -> int:
        return self._functions.runs  # between the SDK and the function there is nothing that could refuse

    def received(self) -> Mapping[str, Any]:
        return {"invokerContext": self._functions.contexts[-1].invokerContext}

    def settle(self) -> None:
        fcall.local.drain()


class NewerRig(EmulatedRig):
    """The same with the SDK in the shape of 1.1, which tells that a function is not known."""

    known = (Behaviour.MISSING,)

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
