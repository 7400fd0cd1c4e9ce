"""The library's one logger. fcall never configures logging: what is shown, and where, is the application's affair."""

from __future__ import annotations

import logging

__all__ = ["logger"]

logger = logging.getLogger("fcall")
logger.addHandler(logging.NullHandler())
