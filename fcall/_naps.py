"""How long a thread sleeps on a lock before it looks up."""

from __future__ import annotations

__all__ = ["LONGEST_NAP"]

LONGEST_NAP = 0.5
"""Seconds. A Ctrl-C that comes just before a thread goes to sleep on a lock is not seen until it wakes up."""
