"""What a forked child must not share with its parent."""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["forget_in_child"]


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


def _in_child() -> None:
    for forkable in list(_forkables):
        forkable.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_in_child)
