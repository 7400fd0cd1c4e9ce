"""Conversion: values of JSON as the types that records are made of, and values of these types checked."""

from __future__ import annotations

import dataclasses
import enum
import typing
from typing import Any

from ._annotations import hints_of, is_required, is_typed_dict, unaliased, unmarked
from ._event import InvalidEventError

__all__ = ["check_hint", "converted"]

_UNIONS = ("typing.Union", "<class 'types.UnionType'>")
_JSON_NAMES = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
    type(None): "null",
}
# By their names, for whoever does not use them does not pay for their import.
_WRITTEN = {
    "datetime.date": "a date in ISO 8601",
    "datetime.datetime": "a date and time in ISO 8601",
    "datetime.time": "a time in ISO 8601",
    "decimal.Decimal": "a decimal number",
    "uuid.UUID": "a UUID",
}


def check_hint(hint: Any, place: str) -> None:
    """See that values can be converted to the type, and to every type in it.

    Raises:
        TypeError: they cannot; it is the mistake of who wrote the type.
    """
    seen: list[Any] = []
    left = [(hint, place)]
    while left:
        hint, place = left.pop()
        if hint not in seen:
            seen.append(hint)
            left += _parts(unaliased(hint), place)


def converted(value: Any, hint: Any, place: str) -> Any:
    """The value as that type.

    Args:
        value: of JSON, or converted already; then it is checked.
        hint: a type that `check_hint` found nothing wrong with.
        place: where the value stands, for messages.

    Raises:
        InvalidEventError: it is not of that type.
    """
    hint = unaliased(hint)
    if hint in (Any, object):
        return value
    if _is_dataclass(hint):
        return _checked(value, hint, place) if isinstance(value, hint) else _dataclass(value, hint, place)
    if is_typed_dict(hint):
        return _typed_dict(value, hint, place)
    origin = typing.get_origin(hint)
    if origin is not None:
        return _generic(value, hint, origin, place)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _member(value, hint, place)
    return _written(value, hint, place) if _name(hint) in _WRITTEN else _plain(value, hint, place)


def _parts(hint: Any, place: str) -> list[tuple[Any, str]]:
    """The types that a type is made of, each with the place at which it stands."""
    if _is_dataclass(hint):
        hints = hints_of(hint)
        return [(hints[field.name], f"{place}.{field.name}") for field in dataclasses.fields(hint) if field.init]
    if is_typed_dict(hint):
        return [(unmarked(annotation), f"{place}.{name}") for name, annotation in hints_of(hint).items()]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is dict and (not arguments or arguments[0] in (str, Any)):
        return [(arguments[1], f"{place}[…]")] if arguments else []
    if origin in (list, tuple) or str(origin) in _UNIONS:
        return [(argument, place) for argument in arguments if argument is not ...]
    if str(origin).endswith("Annotated"):
        return [(arguments[0], place)]
    is_enum = isinstance(hint, type) and issubclass(hint, enum.Enum)
    is_simple = hint in (Any, object, None) or hint in _JSON_NAMES or _name(hint) in _WRITTEN
    if origin is typing.Literal or is_enum or is_simple:
        return []
    raise TypeError(f"{place} is annotated with {hint}, which JSON cannot be converted to; use JSON's types or records")


def _is_dataclass(hint: Any) -> bool:
    return dataclasses.is_dataclass(hint)


def _name(hint: Any) -> str:
    return f"{getattr(hint, '__module__', '')}.{getattr(hint, '__qualname__', '')}"


def _checked(value: Any, hint: Any, place: str) -> Any:
    """A record that somebody made, as it is; nothing has looked at its members before."""
    hints = hints_of(hint)
    for field in dataclasses.fields(hint):
        if field.init:
            converted(getattr(value, field.name), hints[field.name], f"{place}.{field.name}")
    return value


def _dataclass(value: Any, hint: Any, place: str) -> Any:
    fields = [field for field in dataclasses.fields(hint) if field.init]
    given = _plain(value, dict, place)
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    _check_present(given, required, place)
    hints = hints_of(hint)
    return hint(
        **{
            field.name: converted(given[field.name], hints[field.name], f"{place}.{field.name}")
            for field in fields
            if field.name in given
        }
    )


def _typed_dict(value: Any, hint: Any, place: str) -> dict[str, Any]:
    given = _plain(value, dict, place)
    hints = hints_of(hint)
    _check_present(given, [name for name in hints if is_required(hint, name, hints[name])], place)
    known = {name: converted(given[name], unmarked(hints[name]), f"{place}.{name}") for name in hints if name in given}
    return {**given, **known}


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
    if origin is tuple:
        return _tuple(value, arguments, place)
    given, element = _plain(value, origin, place), arguments[-1] if arguments else Any
    if origin is list:
        return [converted(each, element, f"{place}[{i}]") for i, each in enumerate(given)]
    return {name: converted(each, element, f"{place}[…]") for name, each in given.items()}


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


def _written(value: Any, hint: Any, place: str) -> Any:
    """A value that JSON has a text for, or a number for a Decimal."""
    if isinstance(value, hint):
        return value
    kinds = (str, int, float) if _name(hint) == "decimal.Decimal" else (str,)
    if type(value) not in kinds:
        raise InvalidEventError(f"{place} has to be {_WRITTEN[_name(hint)]}, not {_kind(value)}")
    try:
        return _read(str(value), hint)
    except (ValueError, ArithmeticError):
        pass
    raise InvalidEventError(f"{place} has to be {_WRITTEN[_name(hint)]}")  # outside: the other one shows the value


def _read(text: str, hint: Any) -> Any:
    if hasattr(hint, "fromisoformat"):  # which takes no Z before Python 3.11
        return hint.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
    made = hint(text)
    is_finite = getattr(made, "is_finite", None)
    if is_finite is not None and not is_finite():
        raise ValueError("JSON has no such number")
    return made


def _plain(value: Any, hint: Any, place: str) -> Any:
    """The value, which has to be of one of JSON's types; an integer is a number too, and true is neither."""
    hint = type(None) if hint is None else hint
    if hint is float and type(value) is int:
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise InvalidEventError(f"{place} has to be {_JSON_NAMES[hint]}, not {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    return next((name for kind, name in _JSON_NAMES.items() if type(value) is kind), type(value).__name__)
