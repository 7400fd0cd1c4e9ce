"""Annotations: what a function, a class or a record says of its types, as far as they are needed when it runs."""

from __future__ import annotations

import dataclasses
import sys
import typing
from functools import cache
from types import SimpleNamespace
from typing import Any

__all__ = ["hints_of", "is_required", "is_typed_dict", "record_hint", "unaliased", "unmarked"]

_MARKS = ("Required", "NotRequired", "ReadOnly")


def record_hint(owner: Any, name: str) -> Any:
    """The type that `owner`, a function or a class, annotates `name` with; None where there is no record in it."""
    if isinstance(owner, type):
        owner = next(cls for cls in owner.__mro__ if name in _own_annotations(cls))
        namespace = sys.modules[owner.__module__].__dict__
    else:
        namespace = getattr(owner, "__globals__", {})
    # This annotation alone: the others may have names in them that only a type checker imports.
    hint = _read(SimpleNamespace(__annotations__={name: _own_annotations(owner)[name]}), namespace, owner)[name]
    return hint if _has_record(hint) else None


@cache
def hints_of(record: Any) -> dict[str, Any]:
    """The types of a record's members.

    Raises:
        TypeError: they cannot be read.
    """
    return _read(record, None, record)


def is_typed_dict(hint: Any) -> bool:
    """Whether the type is a TypedDict, of typing or of typing_extensions."""
    return isinstance(hint, type) and issubclass(hint, dict) and hasattr(hint, "__total__")


def is_required(hint: Any, name: str, annotation: Any) -> bool:
    """Whether a key has to be there: its own mark decides, which a text's annotation hides from the class."""
    mark = _mark(annotation)
    return name in hint.__required_keys__ if mark not in ("Required", "NotRequired") else mark == "Required"


def unmarked(annotation: Any) -> Any:
    """The type of a TypedDict's key without its marks."""
    return unmarked(typing.get_args(annotation)[0]) if _mark(annotation) else annotation


def unaliased(hint: Any) -> Any:
    """The type behind a ``NewType`` or a ``type`` statement."""
    if type(hint).__name__ == "TypeAliasType":
        return unaliased(hint.__value__)
    return unaliased(hint.__supertype__) if hasattr(hint, "__supertype__") else hint


def _has_record(hint: Any) -> bool:
    hint = unaliased(hint)
    return (
        dataclasses.is_dataclass(hint)
        or is_typed_dict(hint)
        or any(_has_record(argument) for argument in typing.get_args(hint) if not isinstance(argument, (list, str)))
    )


def _own_annotations(owner: Any) -> dict[str, Any]:
    """What a class or a function annotates itself; before Python 3.10 a class without any shows its base's."""
    if sys.version_info < (3, 10) and isinstance(owner, type):
        annotations: dict[str, Any] = owner.__dict__.get("__annotations__", {})  # noqa: RUF063 - standard library only
        return annotations
    return getattr(owner, "__annotations__", {})


def _read(annotated: Any, namespace: Any, owner: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(annotated, namespace, include_extras=True)
    except (NameError, TypeError) as error:
        raise TypeError(
            f"the annotations of {getattr(owner, '__qualname__', 'the handler')} cannot be read ({error}); define the "
            "types at the top of a module, and write Optional[X] instead of X | None before Python 3.10"
        ) from error


def _mark(annotation: Any) -> str:
    """``Required``, ``NotRequired`` or ``ReadOnly``, of typing or of typing_extensions, or an empty text."""
    name = str(typing.get_origin(annotation)).rpartition(".")[2]
    return name if name in _MARKS else ""
