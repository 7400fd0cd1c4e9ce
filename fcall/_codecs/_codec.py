"""What a codec is."""

from __future__ import annotations

from typing import Any, Protocol

from fcall._result import InvocationResult

__all__ = ["Codec"]


class Codec(Protocol):
    """Values of one type, on their way to a function and back. No error of it holds a value."""

    def encode(self, request: Any) -> bytes:
        """The payload for a value.

        Raises:
            InvalidParamsError: it is not of the type, or JSON cannot carry it.
        """

    def decode(self, result: InvocationResult) -> Any:
        """The value that a function answered.

        Raises:
            FunctionResponseError: it is not of the type, or not JSON.
        """
