"""Answers: what a function returned, as JSON by one set of rules, whatever the runtime would have made of it."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["encodable", "encoded", "plain"]

_LONGEST_INTEGER = 1000  # digits; Python itself reads no more than 4300


def plain(returned: Any) -> Any:
    """The answer in JSON's own types, for a runtime that encodes it; bytes are the answer as they are.

    Raises:
        TypeError, ValueError: JSON cannot carry it.
    """
    return returned if isinstance(returned, bytes) else json.loads(_json(returned))


def encoded(returned: Any) -> bytes:
    """The answer in bytes, for a runtime that sends on what it is given.

    Raises:
        TypeError, ValueError: JSON cannot carry it.
    """
    return returned if isinstance(returned, bytes) else _json(returned)


def _json(returned: Any) -> bytes:
    """JSON without NaN, which Lambda's runtime would send, and lone surrogates, of which it dies since Python 3.12."""
    text = json.dumps(returned, allow_nan=False, ensure_ascii=False, default=encodable)
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass
    raise ValueError("the answer has a lone surrogate in it, which UTF-8 cannot carry; remove it")


def encodable(value: Any) -> Any:
    """What stands for a value that is of none of JSON's types."""
    import dataclasses  # only an answer that has such a value pays for these
    import datetime
    import decimal
    import enum
    import uuid

    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, decimal.Decimal):
        return _number(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _number(value: Any) -> int | float:
    """A Decimal as the number that it is. Lambda's runtime keeps every digit and Function Compute's does not."""
    if value.is_finite():
        if value == value.to_integral_value() and value.adjusted() < _LONGEST_INTEGER:
            return int(value)
        if value == type(value)(repr(float(value))):
            return float(value)
    raise ValueError("a Decimal would lose digits as a number; use str() of it")
