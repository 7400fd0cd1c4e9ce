"""Records, and what records are made of: by the rules of the function's side."""

from __future__ import annotations

from typing import Any

from fcall import _json
from fcall._invocation import attempted
from fcall._result import InvocationResult, unreadable
from fcall.errors import InvalidParamsError
from fcall.handlers import InvalidEventError
from fcall.handlers._answer import encodable
from fcall.handlers._conversion import converter

__all__ = ["Record", "written"]


class Record:
    """The codec of a dataclass, a TypedDict, or a type of JSON that has such types in it.

    Args:
        hint: the type.
        what: what it is the type of, for messages.

    Raises:
        TypeError: JSON cannot be converted to the type.
    """

    def __init__(self, hint: Any, what: str) -> None:
        self._convert = converter(hint, what)

    def encode(self, request: Any) -> bytes:
        """The value as JSON."""
        return attempted("request", self._encoded, request)

    def decode(self, result: InvocationResult) -> Any:
        """The value that the JSON stands for."""
        answer = result.json()
        try:
            return self._convert(answer, "response")
        except InvalidEventError as error:
            fault = str(error)
        except Exception as error:  # noqa: BLE001 - the class of a record may raise anything, and with the payload in it
            fault = f"response cannot be made what it has to be: its class raises {type(error).__name__}"
        raise unreadable(result, fault)

    def _encoded(self, request: Any) -> bytes:
        try:
            value = self._convert(request, "request")
        except InvalidEventError as error:
            fault = str(error)
        else:
            return written(value)
        raise InvalidParamsError(fault)


def written(value: Any) -> bytes:
    """JSON by the rules for answers of handlers: with records, enumerations, dates, UUIDs and Decimals.

    Raises:
        TypeError, ValueError, RecursionError: JSON cannot carry the value.
    """
    return _json.encode(value, encodable)
