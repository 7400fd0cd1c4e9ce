"""`lecoresdk`: found, recognised, and told what it wants.

There are two generations, and no version to tell them by: 1.0, the only one on the package index, and 1.1, whose source
is public and which newer gateways may bring. Observed: `lecoresdk.fc` of 1.1 imports base64, since it encodes the
invoker context itself; 1.0 takes the encoded text and needs no base64.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any, Literal, TypeAlias

from fcall.errors import ProviderNotInstalledError
from fcall.provider import Invocation

__all__ = ["USED_OF_THE_GATEWAY", "Generation", "Sdk", "generation_of", "imported"]

Generation: TypeAlias = Literal["1.0", "1.1"]

USED_OF_THE_GATEWAY: Mapping[str, tuple[str, ...]] = {
    "config": ("INVOCATION_TYPE_SYNC", "INVOCATION_TYPE_ASYNC"),
    "fc_error": ("PY_RUNTIME_ERROR_INVAILD_PARAM",),
    "ipc_wrapper": ("ipc",),
    "sync": ("SyncMsg_Event",),
    "utils": ("buildArnString", "check_param"),
}
"""The gateway's modules, and of each what both generations need. 1.0 finds them at the top level of the import path,
where any other file of that name may be found first; 1.1 finds them in the package ``runtime_utils``."""

_WHERE = (
    "lecoresdk works only inside a Link IoT Edge gateway, which brings the modules that it needs; elsewhere use "
    "fcall_linkedge.emulator, or configure another provider"
)


class Sdk:
    """The SDK of this gateway, ready to be called from any thread.

    Args:
        module: `lecoresdk`.

    Attributes:
        generation: which one it is.
        client: its client, one for all calls: it keeps nothing of a call.

    Raises:
        ProviderNotInstalledError: it found other modules than the gateway's.
    """

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        code = _code_of(module)
        if strangers := _strangers(vars(code)):
            raise ProviderNotInstalledError(f"lecoresdk took {strangers} for the gateway's; rename them")
        self.generation = generation_of(module)
        _leave_root_logger_alone(code)
        self.client = module.Client()

    def params(self, invocation: Invocation) -> dict[str, Any]:
        """The call as this generation wants it. The invoker context is encoded once, here or by the SDK."""
        params: dict[str, Any] = {"invocationType": invocation.type, "payload": invocation.payload}
        if invocation.function_id is not None:
            params["functionId"] = invocation.function_id
        else:
            params["serviceName"], params["functionName"] = invocation.service, invocation.function
        context = invocation.invoker_context
        if self.generation == "1.0":
            params["invokerContext"] = base64.standard_b64encode(json.dumps(context or {}).encode()).decode()
        elif context is not None:
            params["invokerContext"] = context
        return params


def imported() -> ModuleType:
    """`lecoresdk`, imported now if it was not yet.

    Raises:
        ProviderNotInstalledError: it cannot be, since this is no gateway.
    """
    try:
        module = importlib.import_module("lecoresdk")
    except (Exception, SystemExit) as error:  # other people's config.py may do anything
        raise ProviderNotInstalledError(f"{_WHERE}{_why(error)}") from error
    if not hasattr(module, "Client"):
        raise ProviderNotInstalledError(f"{_named(module)} is not the gateway's SDK; rename it. {_WHERE}")
    return module


def generation_of(module: ModuleType) -> Generation:
    """Which generation `lecoresdk` is."""
    return "1.1" if hasattr(_code_of(module), "base64") else "1.0"


def _code_of(module: ModuleType) -> ModuleType:
    """The module in which the SDK's client is defined."""
    return sys.modules.get(module.Client.__module__, module)


def _why(error: BaseException) -> str:
    """What stood in the way of the import, as far as the user can do something about it."""
    missing = getattr(error, "name", None)
    if broken := _broken(error):
        return f". Here it found {broken}, which raised {type(error).__name__}; rename that file if it is yours"
    if not isinstance(error, ImportError):
        return f". Importing it raised {type(error).__name__}"
    if missing == "lecoresdk" or (missing or "").startswith("runtime_utils"):
        return ""
    if taken := _strangers(sys.modules):
        return f". Here it took {taken} for the gateway's, which would stand in its way there too; rename them"
    return ""


def _broken(error: BaseException) -> str | None:
    """The module with a name of the gateway's that could not be imported itself, in words: it is in no list then."""
    files = {frame.f_globals.get("__name__"): frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)}
    if isinstance(error, SyntaxError) and error.filename is not None:
        files.setdefault(Path(error.filename).stem, error.filename)
    return next((f"{name!r} ({files[name]})" for name in USED_OF_THE_GATEWAY if name in files), None)


def _strangers(modules: Mapping[str, Any]) -> str:
    """Which of the modules have a name of the gateway's and are something else, in words."""
    named = {name: modules[name] for name in USED_OF_THE_GATEWAY if isinstance(modules.get(name), ModuleType)}
    return " and ".join(
        _named(module) for name, module in named.items() if not set(USED_OF_THE_GATEWAY[name]) <= set(dir(module))
    )


def _named(module: ModuleType) -> str:
    place = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "no file")
    return f"{module.__name__!r} ({place})"


def _leave_root_logger_alone(code: ModuleType) -> None:
    """Give the SDK a logger of its own, ``lecoresdk``.

    It calls ``logging.debug`` and the like, which put a handler on the root logger of a process that has none.
    """
    if isinstance(getattr(code, "logging", None), ModuleType):
        import logging

        code.logging = logging.getLogger("lecoresdk")  # type: ignore[attr-defined]
