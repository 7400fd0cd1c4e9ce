"""JSON as the contract understands it: UTF-8, no NaN, nothing that cannot be read back."""

from __future__ import annotations

import json
from typing import Any, NoReturn

__all__ = ["decode", "encode", "text"]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def encode(value: Any) -> bytes:
    """The value as JSON.

    Raises:
        TypeError, ValueError, RecursionError: JSON cannot carry the value: its type, NaN, a lone surrogate, a circle,
            or too many levels.
    """
    return _encoder.encode(value).encode()


def decode(data: bytes) -> Any:
    """The value that JSON text in UTF-8 stands for; a byte order mark is accepted.

    Raises:
        ValueError, RecursionError: it is not JSON in UTF-8, or too deeply nested.
    """
    return _decoder.decode(text(data))


def text(data: bytes) -> str:
    """JSON in UTF-8 as text; a byte order mark is accepted and left out.

    Raises:
        ValueError: it is not UTF-8.
    """
    return data.decode("utf-8-sig" if data[:1] == b"\xef" else "utf-8")
