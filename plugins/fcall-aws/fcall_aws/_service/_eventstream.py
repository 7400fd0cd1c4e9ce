"""The event stream encoding, in which `InvokeWithResponseStream` answers.

A frame is its length, the length of its headers, a checksum of these two, the headers, the payload, and a checksum of
all that (CRC32, as in zlib). Numbers are big-endian. Source: the reader of botocore 1.44.5.
"""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Mapping

__all__ = ["error_frame", "event_frame", "exception_frame", "frame"]

_TEXT = 7
_AROUND = 16
"""Bytes of a frame that are neither headers nor payload."""


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame with text headers."""
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack("!II", _AROUND + len(encoded) + len(payload), len(encoded))
    message = b"".join((prelude, struct.pack("!I", crc32(prelude)), encoded, payload))
    return message + struct.pack("!I", crc32(message))


def event_frame(event_type: str, payload: bytes, content_type: str = "application/octet-stream") -> bytes:
    """A frame that carries an event."""
    return frame({":message-type": "event", ":event-type": event_type, ":content-type": content_type}, payload)


def exception_frame(exception_type: str, payload: bytes) -> bytes:
    """A frame that carries an exception, by which the service ends a stream."""
    kind = {":message-type": "exception", ":exception-type": exception_type, ":content-type": "application/json"}
    return frame(kind, payload)


def error_frame(code: str, message: str) -> bytes:
    """A frame that carries an error which is not modelled."""
    return frame({":message-type": "error", ":error-code": code, ":error-message": message}, b"")


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", _TEXT, len(text)) + text
