"""Owners of a file that several processes share: each one holds a lock for as long as it lives, and no longer.

The system lets go of a dead process's locks, whatever it died of. A process id says less: it is soon given to another
process, and in a container the same program has the same one again.
"""

from __future__ import annotations

import contextlib
import glob
import os
import uuid

from fcall.errors import UnsupportedFeatureError

try:
    import fcntl
except ImportError:  # Windows
    _can_lock = False
else:
    _can_lock = True

__all__ = ["Owner", "living_owners"]


class Owner:
    """One owner: a locked file of its own beside the shared one, as long as it lives.

    Args:
        shared: the path of the shared file.

    Raises:
        UnsupportedFeatureError: this system has no such locks.
        OSError: the file cannot be made or locked.
    """

    def __init__(self, shared: str) -> None:
        if not _can_lock:
            raise UnsupportedFeatureError("a durable queue needs file locks, which this system does not have")
        self.name = uuid.uuid4().hex
        self._path = _prefix(shared) + self.name
        self._file: int | None = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def leave(self) -> None:
        """Own nothing any more."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        self.abandon()

    def abandon(self) -> None:
        """Let go of the file only: in a forked child the owner is the parent, whose lock stays."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def living_owners(shared: str) -> list[str]:
    """The names of the owners that live, in this process and in others. What dead ones left is tidied up.

    Nobody may become an owner meanwhile; that is for the caller to see to.
    """
    prefix = _prefix(shared)
    return [path.removeprefix(prefix) for path in glob.glob(glob.escape(prefix) + "*") if _is_held(path)]


def _is_held(path: str) -> bool:
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except PermissionError:  # another user's, which cannot be asked
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        with contextlib.suppress(OSError):
            os.unlink(path)
        return False
    finally:
        os.close(file)


def _prefix(shared: str) -> str:
    return f"{shared}-owner-"
