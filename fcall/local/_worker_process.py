"""Worker processes: how one is started, watched over and ended, whatever it runs."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fcall.local._flag import Flag, flag_file
from fcall.local._watch import watch

__all__ = ["Worker"]

_PIECE = 65_536
_NAP = 0.01
# The worker runs the very code that this process runs, and then forgets where that came from.
_START = (
    "import sys; sys.path.insert(0, sys.argv[2]); from fcall.local._worker import main; del sys.path[0]; "
    "main(int(sys.argv[1]), int(sys.argv[3]))"
)
_SOURCES = str(Path(__file__).parents[2])


@dataclass(slots=True)
class Worker:
    """One worker process, and what this process has of it.

    Attributes:
        process: the process.
        channel: the socket to it.
        log: where its output comes out.
        death: readable when the process has ended, where the system has such a thing.
        begun: what the process sets when it calls the handler.
        owes: it has something to do yet, which it will where the channel ends.
    """

    process: subprocess.Popen[bytes]
    channel: socket.socket
    log: io.FileIO
    death: io.FileIO | None
    begun: Flag
    owes: bool = False

    @classmethod
    def started(cls, environment: dict[str, str]) -> Worker:
        """A new worker; where there cannot be one, nothing is left of it.

        Raises:
            OSError: no process can be started.
        """
        watch.start()
        with contextlib.ExitStack() as undo:
            ours, theirs = map(undo.enter_context, socket.socketpair())
            log, log_end = (undo.enter_context(io.FileIO(end, mode)) for end, mode in zip(os.pipe(), "rw", strict=True))
            os.set_blocking(log.fileno(), False)
            file = undo.enter_context(flag_file())
            begun = Flag(file.fileno())
            undo.callback(begun.close)
            process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-P", "-u", "-c", _START, str(theirs.fileno()), _SOURCES, str(file.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log_end,
                stderr=log_end,
                env=environment,
                pass_fds=(theirs.fileno(), file.fileno()),
                start_new_session=True,
            )
            undo.callback(_kill, process)
            watch.add(process.pid)
            death = _death_of(process.pid)
            theirs.close()
            log_end.close()
            file.close()
            undo.pop_all()
        return cls(process, ours, log, death, begun)

    @property
    def ends(self) -> list[socket.socket | io.FileIO]:
        """What can be read, in the order in which to look at it."""
        return [end for end in (self.channel, self.log, self.death) if end is not None]

    def let_go(self) -> None:
        """Close what this process has of it."""
        for end in (*self.ends, self.begun):
            end.close()

    def end(self) -> None:
        """Let it finish where it owes something, kill its group, and let go."""
        if self.owes:
            self._let_finish()
        _kill(self.process)
        self.let_go()

    def wait_without_reaping(self, seconds: float) -> None:
        """Wait until it has ended, at most so long."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            if self._has_ended():
                return
            time.sleep(0.001)

    def _let_finish(self) -> None:
        """Wait until it has ended by itself; somebody has to take its output meanwhile."""
        with contextlib.suppress(OSError):
            self.channel.shutdown(socket.SHUT_WR)
        while not self._has_ended():
            while self.log.read(_PIECE):
                pass
            time.sleep(_NAP)

    def _has_ended(self) -> bool:
        """Whether the process has ended, leaving it to be waited for."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _death_of(pid: int) -> io.FileIO | None:
    """What is readable when the process has ended, where the system has such a thing."""
    try:
        return io.FileIO(os.pidfd_open(pid))
    except AttributeError:  # not Linux
        return None
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):  # an old Linux, or a container that forbids it
            return None
        raise


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the number is still its own


def _kill(process: subprocess.Popen[bytes]) -> None:
    _kill_group(process)
    watch.remove(process.pid)
    process.wait()
