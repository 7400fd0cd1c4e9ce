"""The watch: this process's end of the supervisor, which kills the workers that this process cannot kill any more."""

from __future__ import annotations

import atexit
import contextlib
import subprocess
import sys
import threading

from fcall._fork import forget_in_child
from fcall.local import _supervisor

__all__ = ["Watch", "watch"]


class Watch:
    """Tells a supervisor which process groups to kill when this process ends, however it ends."""

    def __init__(self) -> None:
        self._supervisor: subprocess.Popen[bytes] | None = None
        self.after_fork_in_child()
        forget_in_child(self)
        atexit.register(self.close)

    def after_fork_in_child(self) -> None:
        """A child has workers and a supervisor of its own; the parent's pipe must not stay open in it."""
        self._lock = threading.RLock()  # a worker that is collected as garbage is removed amid whatever happens here
        self._groups: set[int] = set()
        if self._supervisor is not None:
            self._supervisor.returncode = 0  # it is not ours to wait for
            self._close_pipe()
        self._supervisor = None

    def start(self) -> None:
        """Have a supervisor, anew where somebody killed it.

        Raises:
            OSError: no process can be started.
        """
        with self._lock:
            if self._supervisor is not None and self._supervisor.poll() is None:
                return
            self._close_pipe()
            self._supervisor = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-S", "-E", _supervisor.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
            self._tell("".join([f"+{group}\n" for group in list(self._groups)]))

    def add(self, group: int) -> None:
        """Have a process group killed when this process ends."""
        with self._lock:
            self._groups.add(group)
            self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """The group is no more, and its number may soon be another's."""
        with self._lock:
            self._groups.discard(group)
            self._tell(f"-{group}\n")

    def close(self) -> None:
        """Have the supervisor kill what is left, and wait until it has."""
        with self._lock:
            supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            assert supervisor.stdin is not None
            supervisor.stdin.close()
            supervisor.wait()

    def _tell(self, words: str) -> None:
        if self._supervisor is not None and self._supervisor.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # a dead one is replaced when the next worker starts
                self._supervisor.stdin.write(words.encode())

    def _close_pipe(self) -> None:
        if self._supervisor is not None and self._supervisor.stdin is not None:
            self._supervisor.stdin.close()


watch = Watch()
