"""What a handler's object is made with, for type checkers and for those who bring their own."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Configuration", "ExecutionContext"]


class Configuration(Protocol):
    """Settings by name, such as ``os.environ`` or a dict."""

    def get(self, key: str, default: Any = None, /) -> Any:
        """The setting of that name, or `default`."""


class ExecutionContext(Protocol):
    """One execution of a function: what it works on, and what it works with."""

    @property
    def event(self) -> Any:
        """The decoded event."""

    @property
    def context(self) -> Any:
        """What is known of the invocation, a `Context` where `Handler.entry_point` made it."""

    @property
    def config(self) -> Configuration:
        """The function's settings."""

    def notify(self, error: Exception, /) -> object:
        """Tell whoever has to know that the function failed."""
