"""A flag that a worker sets when it calls the handler, and that its parent looks at where the worker has died."""

from __future__ import annotations

import io
import mmap
import os
import tempfile
from typing import IO

__all__ = ["Flag", "flag_file"]


class Flag:
    """One byte of memory, which outlives whoever wrote it. To set or clear it costs no system call.

    Args:
        descriptor: the `flag_file`, which may be closed afterwards.
    """

    __slots__ = ("_memory",)

    def __init__(self, descriptor: int) -> None:
        self._memory: mmap.mmap | bytes = mmap.mmap(descriptor, 1)

    def set(self) -> None:
        """Set it, for both processes."""
        self._memory[0] = 1  # type: ignore[index]

    def clear(self) -> None:
        """Clear it, for both processes."""
        self._memory[0] = 0  # type: ignore[index]

    @property
    def is_set(self) -> bool:
        """Whether it is set, or was when it was closed."""
        return bool(self._memory[0])

    def close(self) -> None:
        """Let go of the memory; what it was then is remembered."""
        if isinstance(self._memory, mmap.mmap):
            memory, self._memory = self._memory, self._memory[:]
            memory.close()


def flag_file() -> IO[bytes]:
    """A file without a name, to make a flag of in each process.

    Raises:
        OSError: there can be none.
    """
    try:
        file: IO[bytes] = io.FileIO(os.memfd_create("fcall-flag"), "r+")
    except (AttributeError, OSError):  # not Linux, or a sandbox that has none
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - for the caller to close
    file.truncate(1)
    return file
