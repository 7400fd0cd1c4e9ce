"""Code: which handler a function's name means."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from fcall._target import Target, parse_named
from fcall._wording import quoted
from fcall.errors import InvalidParamsError
from fcall.local._runtimes import Handler

__all__ = ["Code", "is_code", "target_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """A handler, or where to find it. There is one for each function of a provider, which knows it by this object.

    Attributes:
        name: what it was called, for messages.
        function_name: what the handler is told that its function is called.
        module: the module as it was written, without the ending of a file: ``app/handlers`` or ``package.module``.
        function: the handler's name in the module.
        path: the module's file, or None where it was named as a module.
        handler: the handler itself, where it was registered.
        handler_name: the handler as the vendors write it: ``app/handlers.function``.
    """

    name: str
    function_name: str
    module: str
    function: str
    path: Path | None = None
    handler: Handler | None = None
    handler_name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "handler_name", f"{self.module}.{self.function}")

    @classmethod
    def named(cls, name: str, root: str) -> Code:
        """What ``path/to.py:function`` or ``package.module:function`` means.

        Raises:
            InvalidParamsError: the name has not the form of a handler's.
        """
        module, _, function = name.rpartition(":")
        if not module or not function.isidentifier():
            raise InvalidParamsError(
                f"{quoted(name, 100)!r} names no handler; write path/to/file.py:function or package.module:function"
            )
        is_file = module.endswith(".py") or "/" in module or os.sep in module
        return cls(name, function, module.removesuffix(".py"), function, Path(root, module) if is_file else None)

    @classmethod
    def registered(cls, name: str, handler: Handler) -> Code:
        """A function that this process has already."""
        module = getattr(handler, "__module__", "") or ""
        return cls(name, name, module, getattr(handler, "__qualname__", ""), None, handler)

    @property
    def is_there(self) -> bool:
        """Whether there is something to load; for a module that is seen only when it is loaded."""
        return self.path is None or os.path.isfile(self.path)  # which takes a name that is too long for missing


def target_of(text: str) -> Target:
    """``path/to.py:function`` and ``package.module:function`` are code; anything else is the name of a registration."""
    return Target(function=text) if is_code(text) else parse_named(text)


def is_code(name: str) -> bool:
    """Whether a name that a developer wrote means code, and not a registration."""
    return ":" in name or name.endswith(".py")
