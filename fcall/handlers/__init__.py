"""The function's side: one body for AWS Lambda, Function Compute, Link IoT Edge and this machine.

This package stands alone. It needs the standard library and Python 3.9 or later, loads nothing of the client, and may
be copied into a function's own folder as ``fcall/handlers``.
"""

from __future__ import annotations

from ._base import Handler
from ._context import Context
from ._entry import handler
from ._event import InvalidEventError

TYPE_CHECKING = False  # as in typing, whose import a cold start would pay for
if TYPE_CHECKING:
    from typing import Any

    from ._execution import Configuration as Configuration
    from ._execution import ExecutionContext as ExecutionContext

__all__ = ["Configuration", "Context", "ExecutionContext", "Handler", "InvalidEventError", "handler"]


if not TYPE_CHECKING:  # a type checker is to notice a name that is not there

    def __getattr__(name: str) -> Any:
        if name not in ("Configuration", "ExecutionContext"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from . import _execution

        value = globals()[name] = getattr(_execution, name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
