"""What no fork may fall into."""

from __future__ import annotations

import logging  # noqa: F401 - it has a lock for forks too, which has to be asked for after ours, and so has to come first
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_fork"]

_whole = threading.RLock()


@contextmanager
def no_fork() -> Iterator[None]:
    """Have every fork by another thread wait until this is over.

    It is for an import amid the work: a child in which a module is half there would wait for the rest of it for ever.
    """
    with _whole:
        yield


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_whole.acquire, after_in_parent=_whole.release, after_in_child=_whole.release)
