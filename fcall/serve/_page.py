"""The page for people."""

from __future__ import annotations

__all__ = ["html"]


def html() -> bytes:
    """The page, complete in itself; what it shows is at ``/_fcall/state``."""
    return b"<!doctype html><title>fcall serve</title><p>This server's state is at <a href=/_fcall/state>JSON</a>.\n"
