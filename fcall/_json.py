"""JSON as the contract understands it: UTF-8, no NaN, nothing that cannot be read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, NoReturn

__all__ = ["decode", "encode", "reader", "text", "writer"]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def writer(encoder: json.JSONEncoder) -> Callable[[Any], str]:
    """The encoder's `encode`, quicker since it is got ready once and not for every value.

    A circle is not looked for on the way: that one looks for it where a value has no end.
    """
    encode_carefully = encoder.encode
    try:
        pieces: Callable[[Any, int], tuple[str, ...]] = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
            None,
            encoder.default,
            json.encoder.encode_basestring_ascii if encoder.ensure_ascii else json.encoder.encode_basestring,
            encoder.indent,
            encoder.key_separator,
            encoder.item_separator,
            encoder.sort_keys,
            encoder.skipkeys,
            encoder.allow_nan,
        )
    except (AttributeError, TypeError):  # no version of Python promises that there is such a thing
        return encode_carefully

    def encode(value: Any) -> str:
        try:
            return "".join(pieces(value, 0))
        except RecursionError:
            return encode_carefully(value)

    return encode


def reader(decoder: json.JSONDecoder) -> Callable[[str], Any]:
    """The decoder's `decode`, quicker where no white space is around the value, for which that one looks at length."""
    value_and_end, decode_carefully = decoder.raw_decode, decoder.decode

    def decode(text: str) -> Any:
        try:
            value, end = value_and_end(text)
        except ValueError:
            return decode_carefully(text)
        return value if end == len(text) else decode_carefully(text)

    return decode


@cache
def _writer(default: Callable[[Any], Any] | None = None) -> Callable[[Any], str]:
    return writer(json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=default))


_read = reader(json.JSONDecoder(parse_constant=_refuse_constant))


def encode(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """The value as JSON.

    Args:
        value: what is to be encoded.
        default: makes a value of JSON's types of one that is of none.

    Raises:
        TypeError, ValueError, RecursionError: JSON cannot carry the value: its type, NaN, a lone surrogate, a circle,
            or too many levels.
    """
    return _writer(default)(value).encode()


def decode(data: bytes) -> Any:
    """The value that JSON text in UTF-8 stands for; a byte order mark is accepted.

    Raises:
        ValueError, RecursionError: it is not JSON in UTF-8, or too deeply nested.
    """
    return _read(text(data))


def text(data: bytes) -> str:
    """JSON in UTF-8 as text; a byte order mark is accepted and left out.

    Raises:
        ValueError: it is not UTF-8.
    """
    return data.decode("utf-8-sig" if data[:1] == b"\xef" else "utf-8")
