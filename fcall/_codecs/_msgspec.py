"""Structs of msgspec, and types that have them in them."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from fcall._result import InvocationResult, unreadable
from fcall.errors import InvalidParamsError

__all__ = ["MsgspecStruct"]

# What msgspec says of itself and of the type; the rest may hold the value.
_HARMLESS = re.compile(r"(Expected `[^`]*`(?:, got `[^`]*`)?|Object missing required field `[^`]*`)(?: - at `\$(.*)`)?")
_PLACE = re.compile(r".* - at `\$([\w.\[\]]*)`", re.DOTALL)


class MsgspecStruct:
    """The codec of a type that msgspec knows.

    Args:
        hint: the type.
    """

    def __init__(self, hint: Any) -> None:
        json = import_module("msgspec.json")
        self._encoder, self._decoder = json.Encoder(), json.Decoder(hint)

    def encode(self, request: Any) -> bytes:
        """The value as JSON, read back once: a struct checks its members only where it is decoded."""
        try:
            payload: bytes = self._encoder.encode(request)
            self._decoder.decode(payload)
            return payload
        except Exception as error:  # noqa: BLE001 - whatever it is, it may show the value
            fault = _fault("request", error)
        raise InvalidParamsError(fault)

    def decode(self, result: InvocationResult) -> Any:
        """The value that the JSON stands for."""
        try:
            return self._decoder.decode(result.payload)
        except Exception as error:  # noqa: BLE001 - see above
            fault = _fault("response", error)
        raise unreadable(result, fault)


def _fault(place: str, error: Exception) -> str:
    """What is wrong, in msgspec's words where they hold no value."""
    known = _HARMLESS.fullmatch(str(error))
    if known is not None:
        return f"{place}{known[2] or ''}: {known[1]}"
    at = _PLACE.fullmatch(str(error))
    return f"{place}{'' if at is None else at[1]} is not what its type says: msgspec raises {type(error).__name__}"
