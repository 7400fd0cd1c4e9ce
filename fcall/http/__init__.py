"""The door for those who write a provider for a platform that speaks HTTP/1.1: requests from asyncio.

A `Pool` keeps connections to one endpoint. It makes one attempt and tells what came, or how far the attempt got; it
signs, follows, retries and decodes nothing. It needs httptools, which comes with ``fcall-core[asyncio]``.
"""

from __future__ import annotations

import select
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fcall.http._answer import Answer, BrokenAnswerError, HttpError, MalformedAnswerError, Stage

if TYPE_CHECKING:
    from fcall.http._pool import Pool

__all__ = ["Answer", "BrokenAnswerError", "HttpError", "MalformedAnswerError", "Pool", "Stage", "is_available"]


def is_available() -> bool:
    """Whether a pool can be used here: httptools is installed, and this is a platform with `select.poll`."""
    return hasattr(select, "poll") and find_spec("httptools") is not None


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name != "Pool":  # which alone imports asyncio, and not before it is needed
            raise AttributeError(f"module 'fcall.http' has no attribute {name!r}")
        from fcall.http._pool import Pool

        return Pool
