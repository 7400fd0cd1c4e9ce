"""The watch: this process's end of the supervisor, which kills the workers that this process cannot kill any more."""

from __future__ import annotations

import atexit
import contextlib
import os
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
        self._pipe: int | None = None
        self._ending = False
        self.after_fork_in_child()
        forget_in_child(self)
        atexit.register(self.close)

    def after_fork_in_child(self) -> None:
        """A child has workers and a supervisor of its own; the parent's pipe must not stay open in it."""
        self._lock = threading.RLock()  # a worker that is collected as garbage is removed amid whatever happens here
        self._groups: set[int] = set()
        self._close_pipe()
        if self._supervisor is not None:
            self._supervisor.returncode = 0  # it is not ours to wait for
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
            reading, writing = os.pipe()
            try:
                self._supervisor = subprocess.Popen(  # noqa: S603 - our own interpreter
                    [sys.executable, "-S", "-E", _supervisor.__file__],
                    stdin=reading,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except BaseException:
                os.close(writing)
                raise
            finally:
                os.close(reading)
            self._pipe = writing
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
            if self._ending:
                self.close()

    def close(self) -> None:
        """The interpreter is ending: let the supervisor go, and wait for it, as soon as there is nobody to watch.

        What daemon threads call goes on for as long as the interpreter does, and is watched until then.
        """
        with self._lock:
            self._ending = True
            if self._supervisor is not None and self._groups:
                self._supervisor.returncode = 0  # it outlives us, so nobody waits for it
            elif self._supervisor is not None:
                self._close_pipe()
                self._supervisor.returncode = None
                self._supervisor.wait()
                self._supervisor = None

    def _close_pipe(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            os.close(pipe)

    def _tell(self, words: str) -> None:
        if self._pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # a dead one is replaced when the next worker starts
                os.write(self._pipe, words.encode())


watch = Watch()
