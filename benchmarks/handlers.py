"""The functions that are called, in this process and by awslambdaric in its own."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["EVENT", "count", "echo", "fails"]

EVENT = {
    "bucket": "images",
    "key": "a.png",
    "size": {"width": 640, "height": 480},
    "quality": 0.8,
    "formats": ["webp"],
}


def echo(event: Any, context: Any) -> Any:
    """An answer as long as the event."""
    return event


def count(event: Any, context: Any) -> Any:
    """An answer of a few bytes."""
    return {"pixels": event["size"]["width"] * event["size"]["height"]}


def fails(event: Any, context: Any) -> Any:
    """An answer, unless the event says how to fail."""
    if event == "crash":
        os._exit(1)
    while event == "endless":
        pass
    return event
