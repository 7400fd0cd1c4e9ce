"""Registries: which functions of this process can be called, and by what name."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, TypeVar

from fcall._fork import forget_in_child
from fcall._invocation import checked_names
from fcall._target import parse_named
from fcall.errors import ConfigurationError, InvalidParamsError

__all__ = ["DEFAULT", "Handler", "Registry", "function"]

Handler: TypeAlias = Callable[[Any, Any], Any]
H = TypeVar("H", bound=Callable[..., Any])


class Registry:
    """Functions by name.

    The module's own `function` decorator registers in one registry that every local provider uses by default; another
    one keeps a test's functions apart: ``Client(provider="local", registry=registry)``.
    """

    def __init__(self) -> None:
        self._functions: dict[tuple[str | None, str], Handler] = {}
        self._listeners: list[weakref.WeakMethod[Callable[[], None]]] = []
        self.after_fork_in_child()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """Take a fresh lock; another thread may have held the parent's."""
        self._lock = threading.Lock()

    def function(self, name: str) -> Callable[[H], H]:
        """Register the decorated function, which stays what it is.

        Args:
            name: ``service/function`` or ``function``.

        Raises:
            InvalidParamsError: the name is not one, or what is decorated cannot be called.
            ConfigurationError: another function has the name. The same function, defined again, replaces itself.
        """
        if callable(name):
            raise InvalidParamsError("name the function: @fcall.local.function('service/function')")
        target = parse_named(name) if isinstance(name, str) else None
        if target is None or target.qualifier is not None:
            raise InvalidParamsError(
                "a function is registered as 'service/function' or 'function', without a qualifier"
            )
        checked_names(target)  # one that no call could have is a mistake
        key = (target.service, target.function)

        def register(handler: H) -> H:
            self._add(key, name, handler)
            return handler

        return register

    def find(self, service: str | None, function: str) -> Handler | None:
        """The function of that name, or None."""
        return self._functions.get((service, function))

    def names(self, service: str | None) -> Iterator[str]:
        """The names of a service's functions, sorted."""
        with self._lock:
            keys = list(self._functions)
        yield from sorted(function for owner, function in keys if owner == service)

    def all(self) -> list[tuple[str | None, str]]:
        """Service and name of every function, sorted."""
        with self._lock:
            return sorted(self._functions, key=lambda key: (key[0] or "", key[1]))

    def tell(self, listener: Callable[[], None]) -> None:
        """Call a bound method after every registration, for as long as its object lives."""
        with self._lock:
            self._listeners = [each for each in self._listeners if each() is not None]
            self._listeners.append(weakref.WeakMethod(listener))

    def _add(self, key: tuple[str | None, str], name: str, handler: Handler) -> None:
        if not callable(handler):
            raise InvalidParamsError(
                f"{name!r} is a {type(handler).__name__}, which cannot be called; decorate a function"
            )
        with self._lock:
            known = self._functions.get(key)
            if known is not None and known is not handler and _place(known) != _place(handler):
                raise ConfigurationError(
                    f"{name!r} is registered twice, as {_place(known)} and as {_place(handler)}; give one another name"
                )
            self._functions[key] = handler
            listeners = [each() for each in self._listeners]
        for listener in listeners:
            if listener is not None:
                listener()


def _place(handler: Handler) -> str:
    """Where a function is defined, by its file: a file may be imported under two names."""
    name = getattr(handler, "__qualname__", None)
    if name is None:  # an object that can be called, of which there may be several
        return object.__repr__(handler)
    module = getattr(handler, "__module__", None)
    return f"{name} of {getattr(sys.modules.get(str(module)), '__file__', None) or module}"


DEFAULT = Registry()


def function(name: str) -> Callable[[H], H]:
    """Register a function of this process: ``@fcall.local.function("service/function")``.

    Raises:
        InvalidParamsError: the name is not one, or what is decorated cannot be called.
        ConfigurationError: another function has the name.
    """
    return DEFAULT.function(name)
