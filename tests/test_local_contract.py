"""The local provider takes the exam that every provider takes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest

import fcall
from fcall.local._plugin import fcall_register_providers
from fcall.local._provider import LocalOptions, LocalProvider
from fcall.testing import Behaviour, ProviderContract, Rig


class LocalRig(Rig):
    """Functions of this process that behave as the exam asks."""

    spec = fcall_register_providers()
    plugin = "fcall.local._plugin"
    sdk_modules = ("boto3", "botocore", "fc2", "lecoresdk", "asyncio")

    def __init__(self) -> None:
        self._runs: list[Behaviour] = []
        self._registry = fcall.local.Registry()
        for behaviour, handler in ((Behaviour.ECHO, _echo), (Behaviour.FAIL, _fail), (Behaviour.STALL, _stall)):
            self._registry.function(f"exam/{behaviour.name}")(self._counted(behaviour, handler))

    def provider(self) -> LocalProvider:
        self._provider = LocalProvider(LocalOptions(registry=self._registry))
        return self._provider

    def params(self, behaviour: Behaviour) -> Mapping[str, Any] | None:
        known = (Behaviour.ECHO, Behaviour.FAIL, Behaviour.MISSING, Behaviour.STALL)
        return {"serviceName": "exam", "functionName": behaviour.name} if behaviour in known else None

    def runs(self) -> int:
        return len(self._runs)

    def settle(self) -> None:
        self._provider.close()

    def answer(self, payload: bytes) -> bytes:
        ascii_only = sys.version_info < (3, 12)  # as Lambda's own runtimes write it
        return json.dumps(json.loads(payload or b"{}"), ensure_ascii=ascii_only).encode()

    def _counted(self, behaviour: Behaviour, handler: Any) -> Any:
        def counted(event: Any, context: Any) -> Any:
            self._runs.append(behaviour)
            return handler(event, context)

        return counted


def _echo(event: Any, context: Any) -> Any:
    return event


def _fail(event: Any, context: Any) -> Any:
    raise ValueError("the exam fails it")


def _stall(event: Any, context: Any) -> Any:
    time.sleep(0.6)  # what this behaviour is, by its own words


class TestLocalProvider(ProviderContract):
    """The local provider, inline."""

    def rig(self) -> Rig:
        return LocalRig()


def test_a_contract_without_a_rig_says_what_is_missing() -> None:
    """The exam cannot be taken by accident without a platform."""
    with pytest.raises(NotImplementedError, match="return a rig"):
        ProviderContract().rig()
