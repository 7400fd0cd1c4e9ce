"""The door for those who write a provider whose platform speaks HTTP/1.1: requests from asyncio, on connections of its own.

A `Pool` keeps connections to one endpoint. It makes one attempt and tells what came, or how far the attempt got; it
signs, follows, retries and decodes nothing. It needs httptools, which comes with ``fcall-core[asyncio]``.
"""

from __future__ import annotations

import select
from importlib.util import find_spec

from fcall.http._answer import Answer, BrokenAnswerError, HttpError, Stage
from fcall.http._pool import Pool

__all__ = ["Answer", "BrokenAnswerError", "HttpError", "Pool", "Stage", "is_available"]


def is_available() -> bool:
    """Whether a pool can be used here: httptools is installed, and this is a platform with `select.poll`."""
    return hasattr(select, "poll") and find_spec("httptools") is not None
