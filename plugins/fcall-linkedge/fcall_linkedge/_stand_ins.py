"""Stand-ins for the modules that a gateway has beside the SDK. Their real contents are not public.

What the SDK of either generation uses of them is here, with the values that the vendor documents or that the SDK's own
tests show; where neither says, with those of the vendor's other SDKs.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from fcall.errors import ProviderNotInstalledError
from fcall_linkedge._emulated import HEADER_FUNCTION_ERROR, HEADER_INVOCATION_ID, Gateway, Reply, current
from fcall_linkedge._sdk import Generation, generation_of

__all__ = ["sdk_in_place"]

_SDK = "lecoresdk"
_PACKAGE = "runtime_utils"


class RequestException(Exception):  # noqa: N818 - the gateway's name
    """A request was not accepted."""

    def __init__(self, msg: str = "") -> None:
        super().__init__(msg)
        self.msg = msg


class WSConnException(RequestException):
    """An answer did not come."""


class SyncMsgEvent(threading.Event):
    """An event with a message; the SDK makes one and never waits for it."""

    msg: Any = None

    def set(self, msg: Any = None) -> None:
        """Wake up who waits, with a message."""
        self.msg = msg
        super().set()


class Ipc:
    """The way to the gateway: whichever is emulated at the moment, so that clients of the SDK may outlive one."""

    def invokeTask(self, functionId: str, invokerContext: str, invocationType: str, payload: str | bytes) -> Reply:  # noqa: N802, N803
        """Run or enqueue a function."""
        return _gateway().invoke_task(functionId, invokerContext, invocationType, payload)

    def getTaskResult(self, functionId: str, invocationId: str) -> Reply:  # noqa: N802, N803
        """Fetch a result."""
        return _gateway().task_result(invocationId)

    def get_credential(self, uri: str | None) -> Reply:
        """There is no role here, and so no credential."""
        return {"state": True, "msg": {"statusCode": 404}}


def _gateway() -> Gateway:
    if not current:
        raise RuntimeError("there is no gateway any more; call functions while fcall_linkedge.emulator.gateway() lasts")
    return current[-1]


def _check_param(params: Mapping[str, Any], key: str) -> bool:
    return key in params and params[key] not in (None, "")


def _build_arn(region: str, account: str, service: str, function: str) -> str:
    return f"acs:fc:{region}:{account}:service:{service}:function:{function}"


_CONTENTS: Mapping[str, Mapping[str, Any]] = {
    "config": {
        "INVOCATION_TYPE_SYNC": "Sync",
        "INVOCATION_TYPE_ASYNC": "Async",
        "HEADER_INVOCATION_ID": HEADER_INVOCATION_ID,
        "HEADER_FUNCTION_ERROR": HEADER_FUNCTION_ERROR,
        "HEADER_PROV_CREDENTIAL": "X-Provider-Credential",
    },
    "fc_error": {
        "PY_RUNTIME_SUCCESS": 0,
        "PY_RUNTIME_ERROR_FAILED": 100_000,
        "PY_RUNTIME_ERROR_INVAILD_PARAM": 100_001,
        "RequestException": RequestException,
        "WSConnException": WSConnException,
    },
    "ipc_wrapper": {"ipc": Ipc()},
    "sync": {"SyncMsg_Event": SyncMsgEvent},
    "utils": {"check_param": _check_param, "buildArnString": _build_arn},
}


def _module(name: str, contents: Mapping[str, Any]) -> ModuleType:
    module = ModuleType(name, f"A stand-in for the module {name} of a Link IoT Edge gateway.")
    vars(module).update(contents)
    return module


_TOP = {name: _module(name, contents) for name, contents in _CONTENTS.items()}
_ALL = {
    **_TOP,
    _PACKAGE: _module(_PACKAGE, {"__path__": [], **_TOP}),
    **{f"{_PACKAGE}.{name}": module for name, module in _TOP.items()},
}
_sdks: dict[str | None, dict[str, ModuleType]] = {}
"""The modules of each SDK that was in place, by where it is from: each is imported once."""


@contextmanager
def sdk_in_place() -> Iterator[Generation]:
    """Have `lecoresdk` importable, with the stand-ins; afterwards everything is as it was.

    A module of the user's that has a name of the gateway's stays the user's, for everyone but the SDK.

    Raises:
        ProviderNotInstalledError: it is not installed.
    """
    before = {name: sys.modules.pop(name) for name in [*sys.modules] if name in _ALL or _is_sdk(name)}
    sys.modules.update(_ALL)
    try:
        sdk = _sdk()
        for name in _TOP:
            _give_back(name, before)
        yield generation_of(sdk)
    finally:
        for name in [name for name, module in sys.modules.items() if _ALL.get(name) is module or _is_sdk(name)]:
            del sys.modules[name]
        sys.modules.update(before)


def _is_sdk(name: str) -> bool:
    return name.partition(".")[0] == _SDK


def _sdk() -> ModuleType:
    spec = importlib.util.find_spec(_SDK)
    if spec is None:
        raise ProviderNotInstalledError(
            "an emulated gateway needs the SDK; install it with: pip install fcall-linkedge[emulator]"
        )
    if spec.origin in _sdks:
        sys.modules.update(_sdks[spec.origin])
    else:
        importlib.import_module(_SDK)
        _sdks[spec.origin] = {name: module for name, module in sys.modules.items() if _is_sdk(name)}
    return sys.modules[_SDK]


def _give_back(name: str, before: Mapping[str, ModuleType]) -> None:
    """Let a name mean the user's own module again, where there is one, imported or not."""
    stand_in = sys.modules.pop(name)
    if name in before:
        sys.modules[name] = before[name]
    elif importlib.util.find_spec(name) is None:
        sys.modules[name] = stand_in
