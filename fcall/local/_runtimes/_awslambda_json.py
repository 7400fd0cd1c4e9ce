"""JSON as AWS Lambda's Python runtime reads and writes it, which is as simplejson does.

Observed: awslambdaric 4.2.2 with simplejson 4.3. Where the standard library is sure to do the same, it goes first: it
takes half the time.
"""

from __future__ import annotations

import decimal
import json
import marshal
import math
import sys
from typing import Any, NoReturn

import simplejson
from simplejson.raw_json import RawJSON

from fcall._json import reader, writer

__all__ = ["decode", "encode", "encode_plain"]

_ASCII_ONLY = sys.version_info < (3, 12)


class _Encoder(simplejson.JSONEncoder):
    """ASCII up to Python 3.11, UTF-8 from 3.12 on; a Decimal keeps its digits."""

    def __init__(self) -> None:
        super().__init__(use_decimal=False, allow_nan=True, ensure_ascii=_ASCII_ONLY)

    def default(self, value: Any) -> Any:
        if isinstance(value, decimal.Decimal):
            return math.nan if value.is_nan() else RawJSON(str(value))
        return super().default(value)


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


encode = _Encoder().encode
"""The value as the runtime answers it; whatever it raises is in the runtime's words."""

_decode_anything = simplejson.JSONDecoder().decode
_quick_encode = writer(json.JSONEncoder(ensure_ascii=_ASCII_ONLY))
_decode_plain = reader(json.JSONDecoder(parse_constant=_refuse))


def encode_plain(value: Any) -> str | None:
    """What `encode` gives, or None where that is not certain. It takes half the time."""
    try:
        marshal.dumps(value)  # fails for all but the very types that Python builds in, which the two libraries agree on
        text = _quick_encode(value)
    except Exception:  # noqa: BLE001 - the other one has the last word
        return None
    # Beyond ASCII they differ in these two, which JavaScript once took for line ends.
    return None if "\u2028" in text or "\u2029" in text else text


def decode(payload: bytes) -> Any:
    """The value that the runtime hands to the function.

    Raises:
        Exception: it is not JSON in UTF-8; the words are the runtime's.
    """
    try:
        return _decode_plain(payload.decode())
    except Exception:  # noqa: BLE001
        return _decode_anything(payload)  # type: ignore[arg-type] # it takes bytes as well
