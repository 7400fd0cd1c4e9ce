"""Frozen dataclasses, made quickly: where every call makes one, their own way is much of what the call takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, make_dataclass
from typing import Any, TypeVar

__all__ = ["maker"]

T = TypeVar("T")


def maker(cls: type[T]) -> Callable[..., T]:
    """What makes an instance of a frozen dataclass with slots, of all its fields by position.

    The class itself takes four times as long, since it sets each field by way of `object.__setattr__`. Here a twin that
    is not frozen takes the fields, and then becomes one of the class.
    """
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type] # a dataclass, as `fields` sees for itself
    twin: Any = make_dataclass(cls.__name__, names, slots=True)

    def make(*values: Any) -> T:
        made = twin(*values)
        made.__class__ = cls
        instance: T = made
        return instance

    return make
