"""Events: decoded, and where the function says of what type they are, converted and checked."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

__all__ = ["InvalidEventError", "converter_for", "decoded"]


class InvalidEventError(ValueError):
    """The event is not what the function takes. The message says where in it and what is wrong, and never the value."""

    __module__ = __package__ or __name__  # where it is imported from, for tracebacks


def decoded(event: Any) -> Any:
    """The event as a value, as AWS Lambda hands it over: an empty one is an empty object.

    What is a value already, as in a test of the function, is left as it is.

    Raises:
        InvalidEventError: it is not JSON in UTF-8.
    """
    if event is None or (isinstance(event, (bytes, bytearray, str)) and not event):
        return {}
    if not isinstance(event, (bytes, bytearray, str)):
        return event
    try:
        return json.loads(event, parse_constant=_refuse_constant)
    except RecursionError:
        fault = "is nested too deeply"
    except UnicodeError:
        fault = "is not UTF-8"
    except ValueError as error:
        position = f" (at character {error.pos})" if isinstance(error, json.JSONDecodeError) else ""
        fault = f"is not JSON{position}"
    raise InvalidEventError(f"the event {fault}")  # outside the clauses: a decoder's exception holds the whole event


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def converter_for(owner: Any, name: str) -> Callable[[Any], Any]:
    """What makes an event the type that `owner` annotates `name` with; anything but records is left as it is.

    The annotation is read at the first event, when every name in it is defined.

    Args:
        owner: the function, or the class.
        name: its parameter, or its attribute.
    """
    places = owner.__mro__ if isinstance(owner, type) else (owner,)
    if not any(name in getattr(place, "__annotations__", {}) for place in places):
        return lambda event: event
    converters: list[Callable[[Any, str], Any]] = []

    def convert(event: Any) -> Any:
        if not converters:
            from . import _annotations, _conversion

            hint = _annotations.record_hint(owner, name)
            converters.append(_conversion.converter(object if hint is None else hint, "event"))
        return converters[0](event, "event")

    return convert
