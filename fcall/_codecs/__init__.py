"""Codecs: values of one type as payloads, and answers as values of one type.

What a type needs decides who does it: pydantic for its models, msgspec for its structs, and the converter of
`fcall.handlers` for everything else, so that both sides of a call understand a record alike. Neither library is
imported before a type of it is given.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from typing import Any

from fcall._codecs._codec import Codec
from fcall._codecs._raw import Raw
from fcall._codecs._record import Record, written
from fcall._wording import a_kind
from fcall.errors import InvalidParamsError

__all__ = ["Codec", "codec_for", "written"]


def codec_for(hint: Any, what: str) -> Codec:
    """The codec of a type; None is any value of JSON.

    Args:
        hint: the type.
        what: ``"request"`` or ``"response"``, for messages.

    Raises:
        InvalidParamsError: it is no type, or one that JSON cannot be converted to.
    """
    if hint is bytes:
        return Raw()
    if dataclasses.is_dataclass(hint) and not isinstance(hint, type):
        raise InvalidParamsError(f"{what} is a type, not {a_kind(hint)}; pass its class")
    library = _library(hint)
    try:
        return Record(Any if hint is None else hint, what) if library is None else library(hint)
    except Exception as error:  # each library has errors of its own for a type that it cannot use
        raise InvalidParamsError(str(error) if library is None else f"{what} cannot be converted: {error}") from error


def _library(hint: Any) -> Callable[[Any], Codec] | None:
    """What makes the codec of a type that belongs to a library, or None."""
    if _has(hint, "__pydantic_core_schema__"):
        from fcall._codecs._pydantic import PydanticModel

        return PydanticModel
    if _has(hint, "__struct_config__"):
        from fcall._codecs._msgspec import MsgspecStruct

        return MsgspecStruct
    return None


def _has(hint: Any, mark: str) -> bool:
    """Whether a class with this mark is in the type."""
    return (isinstance(hint, type) and hasattr(hint, mark)) or any(_has(each, mark) for each in typing.get_args(hint))
