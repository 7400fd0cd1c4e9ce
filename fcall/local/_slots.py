"""Slots: worker processes that each run one function, one event at a time, and are killed as a group at its limit."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from fcall._fork import forget_in_child
from fcall.local._frames import Frame, FrameReader, packed
from fcall.local._runtimes import TAIL
from fcall.local._watch import watch

__all__ = ["Reply", "Slot", "SlotDied", "SlotSpec", "TimedOut"]

_PIECE = 65_536
# The worker runs the very code that this process runs, and then forgets where that came from.
_START = (
    "import sys; sys.path.insert(0, sys.argv[2]); from fcall.local._worker import main; del sys.path[0]; "
    "main(int(sys.argv[1]))"
)
_SOURCES = str(Path(__file__).parents[2])


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """What a slot runs, and in what.

    Attributes:
        start: the first frame's header: the runtime, the handler, its folder, the memory limit, the log's form.
        environment: all the environment variables it has.
    """

    start: dict[str, Any]
    environment: dict[str, str]


class Reply(NamedTuple):
    """What a slot answered.

    Attributes:
        header: what there is to say beside the payload; empty where all went well and nothing else was asked for.
        payload: the answer, or the error document.
        log: the end of what was logged.
    """

    header: dict[str, Any]
    payload: bytes
    log: bytes


class SlotDied(Exception):  # noqa: N818 - an event, for the caller to name
    """The worker's process ended before it answered.

    Attributes:
        status: its exit status, or less than 0 for the signal that killed it.
        log: the end of its log.
    """

    def __init__(self, status: int, log: bytes) -> None:
        super().__init__(f"the worker ended with status {status}")
        self.status = status
        self.log = log


class TimedOut(Exception):  # noqa: N818
    """The limit passed before the worker answered; it was killed.

    Attributes:
        log: the end of its log.
    """

    def __init__(self, log: bytes) -> None:
        super().__init__("the worker was killed at its limit")
        self.log = log


class Slot:
    """One worker process. It is ended by `kill`, when the slot is garbage, and when the interpreter ends.

    Args:
        spec: what it runs.

    Attributes:
        used_at: when its last event began, on the monotonic clock.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, spec: SlotSpec) -> None:
        self.used_at = 0.0
        self._worker = _started(spec.environment)
        self._finalizer = weakref.finalize(self, _end, self._worker)
        forget_in_child(self)
        self._socket = self._worker.socket
        self._log = _Log(self._worker.log)
        self._reader = FrameReader()
        self._poll = select.poll()
        # The socket is looked at before the log, so what was logged before an answer is seen with it.
        for end in self._worker.ends:
            self._poll.register(end, select.POLLIN)
        self._log_number = self._worker.log.fileno()
        self._socket_number = self._socket.fileno()
        with contextlib.suppress(OSError):  # one that is dead already is found out by who waits for it
            self._socket.sendall(packed("", spec.start))

    def ready(self, ends_at: float) -> Reply:
        """Wait until the function is loaded, or has failed to.

        Args:
            ends_at: when to kill the worker, on the monotonic clock.

        Raises:
            SlotDied, TimedOut: it ended, or was killed at its limit.
        """
        return self._answer("", ends_at)

    def call(self, request_id: str, header: dict[str, Any], payload: bytes, seconds: float) -> Reply:
        """Run one event.

        Args:
            request_id: the invocation's.
            header: what else the worker has to know of it.
            payload: the event.
            seconds: when to kill the worker.

        Raises:
            BrokenPipeError, ConnectionResetError: the worker was dead before the event was whole on its way; it did not
                run.
            SlotDied, TimedOut: it ended, or was killed at its limit.
        """
        self.used_at = time.monotonic()
        ends_at = self.used_at + seconds
        frame = packed(request_id, header, payload)
        if len(frame) <= _PIECE:
            self._socket.sendall(frame)  # the socket is empty, and takes as much without waiting
        else:
            self._send_large(frame, ends_at)
        return self._answer(request_id, ends_at)

    def kill(self) -> int:
        """End the worker and its whole group; what it has become of is its status."""
        if self._finalizer.detach():
            _end(self._worker)
        return self._worker.process.returncode

    def after_fork_in_child(self) -> None:
        """Let go of the worker without touching it: it is the parent's."""
        self._finalizer.detach()
        self._worker.let_go()
        self._worker.process.returncode = 0  # it is not ours to wait for

    def _send_large(self, frame: bytes, ends_at: float) -> None:
        self._socket.settimeout(max(0.001, ends_at - time.monotonic()))
        try:
            self._socket.sendall(frame)
        except TimeoutError:
            raise self._timed_out() from None
        finally:
            with contextlib.suppress(OSError):
                self._socket.settimeout(None)

    def _answer(self, request_id: str, ends_at: float) -> Reply:
        while True:
            left = ends_at - time.monotonic()
            if left <= 0:
                raise self._timed_out()
            frame = None
            for descriptor, _ in self._poll.poll(left * 1000):
                if descriptor == self._socket_number:
                    frame = self._received()
                elif descriptor == self._log_number:
                    self._take_log()
                elif frame is None:
                    frame = self._last_words()
            if frame is not None:
                if frame.request_id != request_id:
                    raise self._died()
                return Reply(frame.header, frame.payload, self._log.taken())

    def _received(self) -> Frame | None:
        try:
            piece = self._socket.recv(_PIECE)
            if piece:
                return self._reader.feed(piece)
        except (OSError, ValueError):  # a broken socket, or one on which the handler wrote garbage
            pass
        raise self._died()

    def _last_words(self) -> Frame:
        """What a process that ended had still answered; something it started may hold its socket open."""
        self._socket.setblocking(False)
        while (frame := self._received()) is None:
            continue
        return frame

    def _take_log(self) -> None:
        if not self._log.drain():
            self._poll.unregister(self._log_number)  # closed by the worker; there is nothing more to wait for

    def _died(self) -> SlotDied:
        """The end of the process; one that lives on without its socket is killed."""
        # The group's leader is not reaped before the group is killed, so that its number stays its own.
        _wait_without_reaping(self._worker.process.pid, 0.2)
        self._log.drain()
        return SlotDied(self.kill(), self._log.taken())

    def _timed_out(self) -> TimedOut:
        self._log.drain()
        self.kill()
        return TimedOut(self._log.taken())


class _Log:
    """The end of what a worker wrote on its standard output and error.

    Args:
        pipe: where it comes out, not blocking.
    """

    def __init__(self, pipe: io.FileIO) -> None:
        self._pipe = pipe
        self._pieces: deque[bytes] = deque()
        self._size = 0

    def drain(self) -> bool:
        """Take what is in the pipe, and keep its end. False when nobody can write there any more."""
        while piece := self._pipe.read(_PIECE):
            self._pieces.append(piece)
            self._size += len(piece)
            while self._size - len(self._pieces[0]) >= TAIL:
                self._size -= len(self._pieces.popleft())
            if len(piece) < _PIECE:
                return True
        return piece is None

    def taken(self) -> bytes:
        """The end of what was taken since the last time."""
        if not self._pieces:
            return b""
        tail = b"".join(self._pieces)[-TAIL:]
        self._pieces.clear()
        self._size = 0
        return tail


class _Worker(NamedTuple):
    """What this process has of a worker. `death`, where the system has such a thing, is readable when it has ended."""

    process: subprocess.Popen[bytes]
    socket: socket.socket
    log: io.FileIO
    death: io.FileIO | None

    @property
    def ends(self) -> list[socket.socket | io.FileIO]:
        """What can be read, in the order in which to look at it."""
        return [end for end in (self.socket, self.log, self.death) if end is not None]

    def let_go(self) -> None:
        for end in self.ends:
            end.close()


def _started(environment: dict[str, str]) -> _Worker:
    """A new worker; where there cannot be one, nothing is left of it."""
    watch.start()
    with contextlib.ExitStack() as undo:
        ours, theirs = map(undo.enter_context, socket.socketpair())
        log, log_end = (undo.enter_context(io.FileIO(end, mode)) for end, mode in zip(os.pipe(), "rw", strict=True))
        os.set_blocking(log.fileno(), False)
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-P", "-u", "-c", _START, str(theirs.fileno()), _SOURCES],
            stdin=subprocess.DEVNULL,
            stdout=log_end,
            stderr=log_end,
            env=environment,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
        undo.callback(_kill, process)
        watch.add(process.pid)
        death = _death_of(process.pid)
        theirs.close()
        log_end.close()
        undo.pop_all()
    return _Worker(process, ours, log, death)


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


def _end(worker: _Worker) -> None:
    _kill(worker.process)
    worker.let_go()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
    watch.remove(process.pid)
    process.wait()


def _wait_without_reaping(pid: int, seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.001)
