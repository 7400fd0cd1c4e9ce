"""What a forked child must not share with its parent."""

from __future__ import annotations

import logging  # noqa: F401 - what has a lock for forks too has to ask for it after ours, and so has to come before
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

__all__ = ["forget_in_child", "no_fork"]


class _Forkable(Protocol):
    """What has something to forget."""

    def after_fork_in_child(self) -> None:
        """Forget it."""


_forkables: weakref.WeakSet[_Forkable] = weakref.WeakSet()


def forget_in_child(forkable: _Forkable) -> None:
    """Have `after_fork_in_child` called in every forked child, as long as the object lives.

    There it replaces its locks, which another thread may have held, and lets go, without closing them, of connections
    and queues: they are the parent's.
    """
    _forkables.add(forkable)


_whole = threading.RLock()


@contextmanager
def no_fork() -> Iterator[None]:
    """Have every fork by another thread wait until this is over.

    It is for an import amid the work: a child in which a module is half there would wait for the rest of it for ever.
    """
    with _whole:
        yield


def _in_child() -> None:
    for forkable in list(_forkables):
        forkable.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_whole.acquire, after_in_parent=_whole.release, after_in_child=_whole.release)
    os.register_at_fork(after_in_child=_in_child)
