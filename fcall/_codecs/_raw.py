"""Payloads as they are."""

from __future__ import annotations

from fcall._result import InvocationResult
from fcall._wording import a_kind
from fcall.errors import InvalidParamsError

__all__ = ["Raw"]


class Raw:
    """The codec of bytes, which are sent and handed over untouched."""

    def encode(self, request: bytes) -> bytes:
        """The bytes."""
        if not isinstance(request, bytes):
            raise InvalidParamsError(f"request has to be bytes, not {a_kind(request)}")
        return request

    def decode(self, result: InvocationResult) -> bytes:
        """The bytes."""
        return result.payload
