"""Call a cloud function wherever it runs, and know whether it ran.

Importing this package loads nothing: each name below is brought in when it is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, whose import would cost more than everything else here
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from fcall import errors as errors
    from fcall import handlers as handlers
    from fcall import http as http
    from fcall import local as local
    from fcall import provider as provider
    from fcall import testing as testing
    from fcall._async_client import AsyncClient as AsyncClient
    from fcall._client import Client as Client
    from fcall._client import default_client as default_client
    from fcall._client import set_default_client as set_default_client
    from fcall._hookspecs import hookimpl as hookimpl
    from fcall._map._async_results import AsyncResults as AsyncResults
    from fcall._map._progress import Progress as Progress
    from fcall._map._results import Outcome as Outcome
    from fcall._map._results import Results as Results
    from fcall._result import Acceptance as Acceptance
    from fcall._result import FunctionInfo as FunctionInfo
    from fcall._result import InvocationResult as InvocationResult
    from fcall.dispatcher import Dispatcher as Dispatcher
    from fcall.errors import Executed as Executed
    from fcall.errors import FcallError as FcallError

__all__ = [
    "Acceptance",
    "AsyncClient",
    "AsyncResults",
    "Client",
    "Dispatcher",
    "Executed",
    "FcallError",
    "FunctionInfo",
    "InvocationResult",
    "Outcome",
    "Progress",
    "Results",
    "default_client",
    "errors",
    "handlers",
    "hookimpl",
    "http",
    "invoke_function",
    "local",
    "provider",
    "set_default_client",
    "testing",
]

__version__ = "0.1.0"

_HOME = {
    "Acceptance": "fcall._result",
    "AsyncClient": "fcall._async_client",
    "AsyncResults": "fcall._map._async_results",
    "Client": "fcall._client",
    "Dispatcher": "fcall.dispatcher",
    "Executed": "fcall.errors",
    "FcallError": "fcall.errors",
    "FunctionInfo": "fcall._result",
    "InvocationResult": "fcall._result",
    "Outcome": "fcall._map._results",
    "Progress": "fcall._map._progress",
    "Results": "fcall._map._results",
    "default_client": "fcall._client",
    "hookimpl": "fcall._hookspecs",
    "set_default_client": "fcall._client",
}
_DOORS = ("errors", "handlers", "http", "local", "provider", "testing")


def invoke_function(params: Mapping[str, Any]) -> dict[str, Any]:
    """Call a function with the default client; `Client.invoke_function` says what `params` holds."""
    from fcall._client import default_client

    return default_client().invoke_function(params)


if not TYPE_CHECKING:  # a type checker is to notice a name that is not there

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name in _DOORS:
            return import_module(f"fcall.{name}")
        if name not in _HOME:
            raise AttributeError(f"module 'fcall' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOME[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
