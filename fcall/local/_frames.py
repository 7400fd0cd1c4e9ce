"""Frames: how this process and a worker talk over a socket pair.

A frame is a prefix of fixed size, with the request id and two lengths in it; a JSON header, which most calls do
without; and the payload as it is.
"""

from __future__ import annotations

import json
import struct
from typing import Any, TypeAlias

__all__ = ["Frame", "FrameReader", "packed"]

_PREFIX = struct.Struct("!4s36sII")
_MAGIC = b"fcl1"
_LONGEST = 256 * 1_048_576
_encode = json.JSONEncoder(separators=(",", ":")).encode


Frame: TypeAlias = tuple[str, dict[str, Any], bytes]
"""The invocation's request id, 36 characters at most; what there is to say beside the payload, mostly nothing; and an
event or an answer. The first is empty where there is no invocation."""


def packed(request_id: str, header: dict[str, Any], payload: bytes = b"") -> bytes:
    """A frame as bytes."""
    encoded = _encode(header).encode() if header else b""
    return b"".join((_PREFIX.pack(_MAGIC, request_id.encode(), len(encoded), len(payload)), encoded, payload))


class FrameReader:
    """Puts frames together from the pieces in which a socket hands them over."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = bytearray()

    def feed(self, piece: bytes) -> Frame | None:
        """The next frame, or None where it is not whole yet. There is never more than one on the way.

        Raises:
            ValueError: what came is no frame.
        """
        whole: bytes | bytearray = piece
        if self._begun:
            self._begun += piece
            whole = self._begun
        if len(whole) >= _PREFIX.size:
            magic, request_id, header_size, payload_size = _PREFIX.unpack_from(whole)
            start = _PREFIX.size + header_size
            missing = start + payload_size - len(whole)
            if magic != _MAGIC or missing < 0 or missing > _LONGEST:
                raise ValueError("this is no frame")
            if not missing:
                header = json.loads(whole[_PREFIX.size : start]) if header_size else {}
                payload = piece[start:] if whole is piece else bytes(memoryview(whole)[start:])
                self._begun = bytearray()
                return (request_id.rstrip(b"\0").decode(), header, payload)
        if whole is piece:
            self._begun += piece
        return None
