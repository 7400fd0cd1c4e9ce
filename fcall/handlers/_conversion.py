"""Conversion: values of JSON as the types that records are made of, and values of these types checked."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import typing
from functools import partial
from typing import Any, Callable

from ._annotations import hints_of, is_required, is_typed_dict, unaliased, unmarked
from ._event import InvalidEventError

__all__ = ["Convert", "converter"]

Convert = Callable[[Any, str], Any]
"""Takes a value of JSON, or one that is converted already, and its place for messages; gives it as of one type.

It raises InvalidEventError where the value is not of the type.
"""

_UNIONS = ("typing.Union", "<class 'types.UnionType'>")
_LISTS = (list, collections.abc.Sequence)
_OBJECTS = (dict, collections.abc.Mapping)
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


def converter(hint: Any, place: str, records: dict[Any, _Record] | None = None) -> Convert:
    """What makes values the type; it is put together once, so that no type has to be looked at again.

    Args:
        hint: a record, or a type that JSON's types and records make up.
        place: where the type stands, for messages.
        records: those of which a converter is being made already, since a record may hold its own kind.

    Raises:
        TypeError: JSON cannot be converted to the type; it is the mistake of who wrote it.
    """
    hint, records = unaliased(hint), {} if records is None else records
    if not isinstance(hint, collections.abc.Hashable):  # no type is like that, and the tables below cannot be asked
        raise _refused(hint, place)
    if hint in (Any, object):
        return _anything
    if dataclasses.is_dataclass(hint) or is_typed_dict(hint):
        return _of_record(hint, place, records)
    if typing.get_origin(hint) is not None:
        return _of_generic(hint, place, records)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return partial(_member, hint)
    if hint is None or hint in _JSON_NAMES:
        return partial(_plain, type(None) if hint is None else hint)
    name = f"{getattr(hint, '__module__', '')}.{getattr(hint, '__qualname__', '')}"
    if name in _WRITTEN:
        return partial(_written, hint, _WRITTEN[name])
    raise _refused(hint, place)


def _of_record(hint: Any, place: str, records: dict[Any, _Record]) -> Convert:
    if hint not in records:
        records[hint] = record = _TypedDict(hint) if is_typed_dict(hint) else _Dataclass(hint)
        record.members = {
            name: converter(member, f"{place}.{name}", records) for name, member in record.hints().items()
        }
    return records[hint]


def _of_generic(hint: Any, place: str, records: dict[Any, _Record]) -> Convert:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return partial(_literal, arguments)
    if origin in _OBJECTS and arguments and arguments[0] not in (str, Any):
        raise _refused(hint, place)
    if origin in (*_LISTS, *_OBJECTS):
        element = converter(arguments[-1], f"{place}[…]", records) if arguments else _anything
        return partial(_list if origin in _LISTS else _dict, element)
    if str(origin).endswith("Annotated"):
        return converter(arguments[0], place, records)
    parts = [(part, converter(part, place, records)) for part in arguments if part is not ...]
    if origin is tuple:
        return partial(_tuple, [part for _, part in parts], arguments[1:] == (...,))
    if str(origin) in _UNIONS:
        return partial(_one_of, [part for part in parts if part[0] is not type(None)], type(None) in arguments)
    raise _refused(hint, place)


def _refused(hint: Any, place: str) -> TypeError:
    return TypeError(
        f"{place} is annotated with {hint}, which JSON cannot be converted to; use JSON's types or records"
    )


class _Record:
    """What converts to one record.

    Attributes:
        members: what converts to each of its members.
    """

    def __init__(self, hint: Any) -> None:
        self._hint = hint
        self._required = self._needed()
        self.members: dict[str, Convert] = {}

    def hints(self) -> dict[str, Any]:
        """The type of each member."""
        raise NotImplementedError

    def __call__(self, value: Any, place: str) -> Any:
        """The value as that record."""
        raise NotImplementedError

    def _needed(self) -> list[str]:
        """The members without which there is no such record."""
        raise NotImplementedError

    def _converted(self, value: Any, place: str) -> dict[str, Any]:
        """The members that are there."""
        given = _plain(dict, value, place)
        missing = [name for name in self._required if name not in given]
        if missing:
            raise InvalidEventError(f"{place} lacks {', '.join(map(repr, missing))}")
        return {
            name: convert(given[name], f"{place}.{name}") for name, convert in self.members.items() if name in given
        }


class _Dataclass(_Record):
    """What converts to one dataclass, and checks those that somebody made: nothing else has looked at their members."""

    def hints(self) -> dict[str, Any]:
        hints = hints_of(self._hint)
        return {field.name: hints[field.name] for field in dataclasses.fields(self._hint) if field.init}

    def _needed(self) -> list[str]:
        none = dataclasses.MISSING
        fields = (field for field in dataclasses.fields(self._hint) if field.init)
        return [field.name for field in fields if field.default is none and field.default_factory is none]

    def __call__(self, value: Any, place: str) -> Any:
        if not isinstance(value, self._hint):
            return self._hint(**self._converted(value, place))
        for name, convert in self.members.items():
            convert(getattr(value, name), f"{place}.{name}")
        return value


class _TypedDict(_Record):
    """What converts to one TypedDict; members that it does not name are left alone."""

    def hints(self) -> dict[str, Any]:
        return {name: unmarked(annotation) for name, annotation in hints_of(self._hint).items()}

    def _needed(self) -> list[str]:
        return [name for name, annotation in hints_of(self._hint).items() if is_required(self._hint, name, annotation)]

    def __call__(self, value: Any, place: str) -> Any:
        known = self._converted(value, place)
        return {**value, **known}


def _anything(value: Any, place: str) -> Any:
    return value


def _list(element: Convert, value: Any, place: str) -> list[Any]:
    given = value if isinstance(value, tuple) else _plain(list, value, place)
    return [element(each, f"{place}[{i}]") for i, each in enumerate(given)]


def _dict(element: Convert, value: Any, place: str) -> dict[str, Any]:
    """The object; a key comes from the event, so that no message shows it."""
    return {name: element(each, f"{place}[…]") for name, each in _plain(dict, value, place).items()}


def _tuple(parts: list[Convert], repeated: bool, value: Any, place: str) -> tuple[Any, ...]:
    given = value if isinstance(value, tuple) else _plain(list, value, place)
    parts = parts * len(given) if repeated else parts
    if len(parts) != len(given):
        raise InvalidEventError(f"{place} has to have {len(parts)} elements, not {len(given)}")
    return tuple(convert(each, f"{place}[{i}]") for i, (each, convert) in enumerate(zip(given, parts)))


def _one_of(parts: list[tuple[Any, Convert]], nullable: bool, value: Any, place: str) -> Any:
    """The value as the first of the types that it fits; an exact type goes before one that it would be made into."""
    if value is None and nullable:
        return None
    if len(parts) == 1:
        return parts[0][1](value, place)
    faults = []
    for _, convert in sorted(parts, key=lambda part: type(value) is not part[0]):
        try:
            return convert(value, place)
        except InvalidEventError as error:  # noqa: PERF203 - there are two or three types
            faults.append(str(error))
    raise InvalidEventError(f"{place} fits none of the types that it may have: {'; '.join(faults)}")


def _literal(accepted: tuple[Any, ...], value: Any, place: str) -> Any:
    for each in accepted:
        if any(type(value) is type(meant) and value == meant for meant in (each, getattr(each, "value", each))):
            return each
    raise InvalidEventError(
        f"{place} has to be one of {', '.join(repr(getattr(each, 'value', each)) for each in accepted)}"
    )


def _member(hint: type[enum.Enum], value: Any, place: str) -> enum.Enum:
    try:
        member = hint(value)
    except ValueError:
        member = None
    if member is None or (isinstance(value, bool) and not isinstance(member.value, bool)):  # for True equals 1
        raise InvalidEventError(f"{place} has to be one of {', '.join(repr(each.value) for each in hint)}")
    return member


def _written(hint: Any, what: str, value: Any, place: str) -> Any:
    """A value that JSON has a text for, or a number for a Decimal."""
    if isinstance(value, hint):
        return value
    if type(value) not in ((str, int, float) if "number" in what else (str,)):
        raise InvalidEventError(f"{place} has to be {what}, not {_kind(value)}")
    try:
        return _read(str(value), hint)
    except (ValueError, ArithmeticError):
        pass
    raise InvalidEventError(f"{place} has to be {what}")  # outside the clause: what was raised shows the value


def _read(text: str, hint: Any) -> Any:
    if hasattr(hint, "fromisoformat"):  # which takes no Z before Python 3.11
        return hint.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
    made = hint(text)
    is_finite = getattr(made, "is_finite", None)
    if is_finite is not None and not is_finite():
        raise ValueError("JSON has no such number")
    return made


def _plain(hint: Any, value: Any, place: str) -> Any:
    """The value, which has to be of one of JSON's types; an integer is a number too, and true is neither."""
    if type(value) is hint:
        return value
    if hint is float and type(value) is int:
        return float(value)
    if not isinstance(value, hint) or isinstance(value, bool):
        raise InvalidEventError(f"{place} has to be {_JSON_NAMES[hint]}, not {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    return next((name for kind, name in _JSON_NAMES.items() if type(value) is kind), type(value).__name__)
