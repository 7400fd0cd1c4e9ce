"""Entry points: what a runtime calls, around what the function's author wrote."""

from __future__ import annotations

from functools import wraps

from ._answer import encoded, plain
from ._context import context_of
from ._event import converter_for, decoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._context import Context

__all__ = ["entry_point", "handler"]

_ASYNC = 0x80 | 0x200  # inspect's CO_COROUTINE and CO_ASYNC_GENERATOR, without the import


def handler(function: Callable[[Any, Context], Any]) -> Callable[..., Any]:
    """Make a function an entry point for each runtime: AWS Lambda, Function Compute, Link IoT Edge, and a plain call.

    The function gets the decoded event, also where the runtime hands over bytes, and a `Context`. Where its first
    parameter is annotated with a dataclass or a TypedDict, the event is converted to it and checked. What it returns is
    encoded by one set of rules: JSON's types, dataclasses, enumerations, dates, UUIDs and those Decimals that lose
    nothing; bytes are the answer as they are.

    The result takes ``(event, context=None)``. The function itself is its ``__wrapped__``.

    Raises:
        TypeError: it is no function, or an ``async def``, which no runtime awaits.
    """
    if not callable(function) or isinstance(function, type):
        raise TypeError("@handler takes a function of (event, context); a Handler class has entry_point()")
    code = getattr(function, "__code__", None)
    if code is not None and code.co_flags & _ASYNC:
        raise TypeError(
            f"no runtime awaits a handler: {function.__qualname__} has to be a plain def; call asyncio.run in it"
        )
    first = code.co_varnames[0] if code is not None and code.co_argcount else ""
    return wraps(function)(entry_point(function, converter_for(function, first)))


def entry_point(function: Callable[[Any, Context], Any], convert: Callable[[Any], Any]) -> Callable[..., Any]:
    """What a runtime calls with its own event and context.

    Args:
        function: takes a decoded event and a `Context`.
        convert: makes the decoded event the type that the function takes.
    """

    def entry(event: Any, context: Any = None) -> Any:
        known = context_of(context)
        # A runtime that hands over bytes sends on the bytes that it gets back.
        in_bytes = isinstance(event, (bytes, bytearray)) or known.platform in ("fc", "linkedge")
        returned = function(convert(decoded(event) if in_bytes else event), known)
        return encoded(returned) if in_bytes else plain(returned)

    return entry
