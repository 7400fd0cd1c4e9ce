"""Frames: how this process and a worker talk over a socket pair. Each is a JSON header and, raw, a payload."""

from __future__ import annotations

import json
import struct
from typing import Any

__all__ = ["FrameReader", "packed"]

_PREFIX = struct.Struct("!4sII")
_MAGIC = b"fcl1"
_encode = json.JSONEncoder(separators=(",", ":")).encode
_LONGEST = 256 * 1_048_576


def packed(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """One frame."""
    encoded = _encode(header).encode() if header else b"{}"
    return b"".join((_PREFIX.pack(_MAGIC, len(encoded), len(payload)), encoded, payload))


class FrameReader:
    """Puts frames together from the pieces in which a socket hands them over."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> tuple[dict[str, Any], bytes] | None:
        """The next frame, or None where it is not whole yet. There is never more than one on the way.

        Raises:
            ValueError: what came is no frame.
        """
        whole: bytes | bytearray = piece
        if self._buffer:
            self._buffer += piece
            whole = self._buffer
        if len(whole) < _PREFIX.size:
            return self._kept(whole)
        magic, header_size, payload_size = _PREFIX.unpack_from(whole)
        if magic != _MAGIC or header_size + payload_size > _LONGEST:
            raise ValueError("this is no frame")
        start = _PREFIX.size + header_size
        if len(whole) < start + payload_size:
            return self._kept(whole)
        header = {} if header_size == 2 else json.loads(bytes(whole[_PREFIX.size : start]))
        if not isinstance(header, dict) or len(whole) != start + payload_size:
            raise ValueError("this is no frame")
        payload = bytes(memoryview(whole)[start:])
        self._buffer = bytearray()
        return header, payload

    def _kept(self, whole: bytes | bytearray) -> tuple[dict[str, Any], bytes] | None:
        """Keep the beginning of a frame, and say that it is no more than that."""
        if whole is not self._buffer:
            self._buffer += whole
        return None
