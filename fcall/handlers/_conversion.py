"""Conversion: a decoded event as the dataclasses and TypedDicts that a function says it takes."""

from __future__ import annotations

import dataclasses
import enum
import sys
import typing
from functools import cache
from types import SimpleNamespace
from typing import Any

from ._event import InvalidEventError

__all__ = ["converted", "record_hint"]

_UNIONS = ("typing.Union", "<class 'types.UnionType'>")
_MARKS = ("Required", "NotRequired", "ReadOnly")
_JSON_NAMES = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


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


def converted(value: Any, hint: Any, place: str) -> Any:
    """The value as that type.

    Args:
        value: of JSON, or converted already.
        hint: a record, or a type that JSON's types and records make up.
        place: where in the event the value stands, for messages.

    Raises:
        InvalidEventError: it is not of that type.
        TypeError: no event can be converted to the type.
    """
    if hint in (Any, object):
        return value
    if dataclasses.is_dataclass(hint):
        return value if isinstance(value, hint) else _dataclass(value, hint, place)  # type: ignore[arg-type]
    if _is_typed_dict(hint):
        return _typed_dict(value, hint, place)
    origin = typing.get_origin(hint)
    if origin is not None:
        return _generic(value, hint, origin, place)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _member(value, hint, place)
    return _plain(value, hint, place)


def _has_record(hint: Any) -> bool:
    return (
        dataclasses.is_dataclass(hint)
        or _is_typed_dict(hint)
        or any(_has_record(argument) for argument in typing.get_args(hint) if not isinstance(argument, (list, str)))
    )


def _is_typed_dict(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, dict) and hasattr(hint, "__total__")


def _own_annotations(owner: Any) -> dict[str, Any]:
    """What a class or a function annotates itself; before Python 3.10 a class without any shows its base's."""
    if sys.version_info < (3, 10) and isinstance(owner, type):
        annotations: dict[str, Any] = owner.__dict__.get("__annotations__", {})  # noqa: RUF063 - standard library only
        return annotations
    return getattr(owner, "__annotations__", {})


@cache
def _hints(record: Any) -> dict[str, Any]:
    return _read(record, None, record)


def _read(annotated: Any, namespace: Any, owner: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(annotated, namespace, include_extras=True)
    except (NameError, TypeError) as error:
        raise TypeError(
            f"the annotations of {getattr(owner, '__qualname__', 'the handler')} cannot be read ({error}); define the "
            "types at the top of a module, and write Optional[X] instead of X | None before Python 3.10"
        ) from error


def _dataclass(value: Any, hint: Any, place: str) -> Any:
    fields = [field for field in dataclasses.fields(hint) if field.init]
    given = _plain(value, dict, place)
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    _check_present(given, required, place)
    hints = _hints(hint)
    return hint(
        **{
            field.name: converted(given[field.name], hints[field.name], f"{place}.{field.name}")
            for field in fields
            if field.name in given
        }
    )


def _typed_dict(value: Any, hint: Any, place: str) -> dict[str, Any]:
    given = _plain(value, dict, place)
    hints = _hints(hint)
    _check_present(given, [name for name in hints if _is_required(hint, name, hints[name])], place)
    known = {name: converted(given[name], _unmarked(hints[name]), f"{place}.{name}") for name in hints if name in given}
    return {**given, **known}


def _is_required(hint: Any, name: str, annotation: Any) -> bool:
    """Whether a key has to be there: its own mark decides, which a text's annotation hides from the class."""
    mark = _mark(annotation)
    return name in hint.__required_keys__ if mark not in ("Required", "NotRequired") else mark == "Required"


def _mark(annotation: Any) -> str:
    """``Required``, ``NotRequired`` or ``ReadOnly``, of typing or of typing_extensions, or an empty text."""
    name = str(typing.get_origin(annotation)).rpartition(".")[2]
    return name if name in _MARKS else ""


def _unmarked(annotation: Any) -> Any:
    return _unmarked(typing.get_args(annotation)[0]) if _mark(annotation) else annotation


def _check_present(given: dict[str, Any], required: list[str], place: str) -> None:
    missing = [name for name in required if name not in given]
    if missing:
        raise InvalidEventError(f"{place} lacks {', '.join(map(repr, missing))}")


def _generic(value: Any, hint: Any, origin: Any, place: str) -> Any:
    arguments = typing.get_args(hint)
    if origin is typing.Literal:
        return _literal(value, arguments, place)
    if str(origin) in _UNIONS:
        return _one_of(value, arguments, place)
    if str(origin).endswith("Annotated"):
        return converted(value, arguments[0], place)
    if origin is list:
        return [converted(each, arguments[0], f"{place}[{i}]") for i, each in enumerate(_plain(value, list, place))]
    if origin is tuple:
        return _tuple(value, arguments, place)
    if origin is dict:
        given = _plain(value, dict, place)
        return {name: converted(each, arguments[1], f"{place}[…]") for name, each in given.items()}
    raise _not_a_type_of_events(hint, place)


def _tuple(value: Any, arguments: tuple[Any, ...], place: str) -> tuple[Any, ...]:
    given = list(value) if isinstance(value, tuple) else _plain(value, list, place)
    hints = [arguments[0]] * len(given) if arguments[1:] == (...,) else list(arguments)
    if len(hints) != len(given):
        raise InvalidEventError(f"{place} has to have {len(hints)} elements, not {len(given)}")
    return tuple(converted(each, hint, f"{place}[{i}]") for i, (each, hint) in enumerate(zip(given, hints)))


def _one_of(value: Any, hints: tuple[Any, ...], place: str) -> Any:
    """The value as the first of the types that it fits; an exact type goes before one that it would be made into."""
    if value is None and type(None) in hints:
        return None
    others = [hint for hint in hints if hint is not type(None)]
    if len(others) == 1:
        return converted(value, others[0], place)
    faults = []
    for hint in sorted(others, key=lambda hint: type(value) is not hint):
        try:
            return converted(value, hint, place)
        except InvalidEventError as error:  # noqa: PERF203 - there are two or three types
            faults.append(str(error))
    raise InvalidEventError(f"{place} fits none of the types that it may have: {'; '.join(faults)}")


def _literal(value: Any, accepted: tuple[Any, ...], place: str) -> Any:
    if not any(type(value) is type(each) and value == each for each in accepted):
        raise InvalidEventError(f"{place} has to be one of {', '.join(map(repr, accepted))}")
    return value


def _member(value: Any, hint: type[enum.Enum], place: str) -> enum.Enum:
    try:
        return hint(value)
    except ValueError:
        accepted = ", ".join(repr(member.value) for member in hint)
    raise InvalidEventError(f"{place} has to be one of {accepted}")


def _plain(value: Any, hint: Any, place: str) -> Any:
    """The value, which has to be of one of JSON's types; an integer is a number too, and true is neither."""
    hint = type(None) if hint is None else hint
    if hint not in _JSON_NAMES:
        raise _not_a_type_of_events(hint, place)
    if hint is float and type(value) is int:
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise InvalidEventError(f"{place} has to be {_JSON_NAMES[hint]}, not {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    return next((name for kind, name in _JSON_NAMES.items() if type(value) is kind), type(value).__name__)


def _not_a_type_of_events(hint: Any, place: str) -> TypeError:
    return TypeError(
        f"{place} is annotated with {hint}, which no event can be converted to; use JSON's types or records"
    )
