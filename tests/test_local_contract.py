"""The local provider takes the exam that every provider takes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import pytest

import fcall
from fcall.local._options import LocalOptions
from fcall.local._plugin import fcall_register_providers
from fcall.local._provider import LocalProvider
from fcall.testing import Behaviour, ExamFunctions, ProviderContract, Rig


class LocalRig(Rig):
    """Functions of this process that behave as the exam asks."""

    spec = fcall_register_providers()
    plugin = "fcall.local._plugin"
    sdk_modules = ("boto3", "botocore", "fc2", "lecoresdk", "asyncio")

    def __init__(self) -> None:
        self._functions = ExamFunctions(stall=0.3)  # inline, on the thread of the caller
        self._registry = fcall.local.Registry()
        for name, handler in self._functions.handlers.items():
            self._registry.function(f"exam/{name}")(handler)

    def provider(self) -> LocalProvider:
        self._provider = LocalProvider(LocalOptions(registry=self._registry))
        return self._provider

    def params(self, behaviour: Behaviour) -> Mapping[str, Any] | None:
        known = behaviour is Behaviour.MISSING or behaviour.name in self._functions.handlers
        return {"serviceName": "exam", "functionName": behaviour.name} if known else None

    def runs(self) -> int:
        return self._functions.runs

    def requests(self) -> int:
        return self._functions.runs  # there is nothing between the caller and the function

    def received(self) -> Mapping[str, Any]:
        context = self._functions.contexts[-1]
        sent = context.client_context
        return {
            "qualifier": context.invoked_function_arn.partition(f"function:{context.function_name}:")[2] or None,
            "invokerContext": None if sent is None else {"custom": dict(sent.custom)},
        }

    def settle(self) -> None:
        self._provider.close()

    def answer(self, payload: bytes) -> bytes | None:
        ascii_only = sys.version_info < (3, 12)  # as Lambda's own runtimes write it
        try:
            return json.dumps(json.loads(payload or b"{}"), ensure_ascii=ascii_only).encode()
        except ValueError:
            return None


class TestLocalProvider(ProviderContract):
    """The local provider, inline."""

    def rig(self) -> Rig:
        return LocalRig()


def test_a_contract_without_a_rig_says_what_is_missing() -> None:
    """The exam cannot be taken by accident without a platform."""
    with pytest.raises(NotImplementedError, match="return a rig"):
        ProviderContract().rig()
