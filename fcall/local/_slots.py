"""Slots: worker processes that each run one function, one event at a time, and are killed as a group at its limit."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcall._fork import forget_in_child
from fcall.local import _supervisor
from fcall.local._frames import FrameReader, packed
from fcall.local._runtimes import TAIL

__all__ = ["Reply", "Slot", "SlotDied", "SlotSpec", "TimedOut"]

_PIECE = 65_536
_SMALL = 65_536
_START_LIMIT = 10.0
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


@dataclass(frozen=True, slots=True)
class Reply:
    """What a slot answered: a header, empty where all went well, the payload, and the end of its log."""

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
    """One worker process.

    Args:
        spec: what it runs.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, spec: SlotSpec) -> None:
        self.spec = spec
        self.used = False
        ours, theirs = socket.socketpair()
        log_ours, log_theirs = os.pipe()
        with theirs, open(log_theirs, "wb") as log_end:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-P", "-u", "-c", _START, str(theirs.fileno()), _SOURCES],
                stdin=subprocess.DEVNULL,
                stdout=log_end,
                stderr=log_end,
                env=spec.environment,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        _watch.add(self._process.pid)
        self._socket, self._log = ours, log_ours
        os.set_blocking(log_ours, False)
        self._reader = FrameReader()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._poll = select.poll()
        self._poll.register(ours, select.POLLIN)
        self._poll.register(log_ours, select.POLLIN)
        self._end = _end_of(self._process.pid)
        if self._end is not None:
            self._poll.register(self._end, select.POLLIN)
        self._socket.sendall(packed(spec.start))

    def ready(self) -> Reply:
        """Wait until the function is loaded, or has failed to.

        Raises:
            SlotDied, TimedOut: loading ended the process, or took more than 10 seconds.
        """
        return self._answer(time.monotonic() + _START_LIMIT)

    def call(self, header: dict[str, Any], payload: bytes, ends_at: float) -> Reply:
        """Run one event.

        Args:
            header: what the worker has to know of the invocation.
            payload: the event.
            ends_at: when to kill the worker, on the monotonic clock.

        Raises:
            BrokenPipeError: the worker was dead before the event was whole on its way; it did not run.
            SlotDied, TimedOut: it ended, or was killed at its limit.
        """
        self.used = True
        frame = packed(header, payload)
        if len(frame) <= _SMALL:
            self._socket.sendall(frame)
        else:
            self._send_large(frame, ends_at)
        return self._answer(ends_at)

    def kill(self) -> int:
        """End the worker and its whole group; what it has become of is its status."""
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
        _watch.remove(self._process.pid)
        status = self._process.wait()
        self.abandon()
        return status

    def abandon(self) -> None:
        """Let go of the worker without touching it; in a forked child it is the parent's."""
        self._socket.close()
        if self._log >= 0:
            os.close(self._log)
            self._log = -1
        if self._end is not None:
            os.close(self._end)
            self._end = None

    def take_log(self) -> bytes:
        """The end of what was taken of the worker's log since the last time."""
        tail = b"".join(self._tail)[-TAIL:]
        self._tail.clear()
        self._tail_size = 0
        return tail

    def _send_large(self, frame: bytes, ends_at: float) -> None:
        self._socket.settimeout(max(0.001, ends_at - time.monotonic()))
        try:
            self._socket.sendall(frame)
        except TimeoutError:
            raise TimedOut(self._killed_log()) from None
        finally:
            with contextlib.suppress(OSError):
                self._socket.settimeout(None)

    def _answer(self, ends_at: float) -> Reply:
        while True:
            left = ends_at - time.monotonic()
            if left <= 0:
                raise TimedOut(self._killed_log())
            frame = None
            # The socket is looked at before the log, so what was logged before an answer is seen with it.
            for descriptor, _ in self._poll.poll(left * 1000 + 1):
                if descriptor == self._log:
                    self._drain()
                elif descriptor == self._end:
                    frame = frame or self._last_words()
                else:
                    frame = self._received()
            if frame is not None:
                return Reply(*frame, self.take_log() if self._tail else b"")

    def _last_words(self) -> tuple[dict[str, Any], bytes]:
        """What a process that ended had still answered; something it started may hold its socket open."""
        self._socket.setblocking(False)
        while (frame := self._received()) is None:
            continue
        return frame

    def _received(self) -> tuple[dict[str, Any], bytes] | None:
        try:
            piece = self._socket.recv(_PIECE)
        except OSError:
            piece = b""
        if not piece:
            raise self._died()
        try:
            return self._reader.feed(piece)
        except ValueError:  # the handler wrote garbage on our socket
            raise self._died() from None

    def _died(self) -> SlotDied:
        """The end of the process; one that lives on without its socket is killed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            # The group's leader is not reaped before the group is killed, so that its number stays its own.
            _wait_without_reaping(self._process.pid, 0.2)
        self._drain()
        log = self.take_log()
        return SlotDied(self.kill(), log)

    def _killed_log(self) -> bytes:
        self._drain()
        log = self.take_log()
        self.kill()
        return log

    def _drain(self) -> None:
        """Take what is in the log's pipe, and keep its end."""
        while True:
            try:
                piece = os.read(self._log, _SMALL)
            except BlockingIOError:
                return
            if not piece:
                self._poll.unregister(self._log)  # closed by the worker; there is nothing more to wait for
                return
            self._tail.append(piece)
            self._tail_size += len(piece)
            while self._tail_size - len(self._tail[0]) >= TAIL:
                self._tail_size -= len(self._tail.popleft())
            if len(piece) < _SMALL:
                return


def _end_of(pid: int) -> int | None:
    """A descriptor that is readable when the process has ended, where the system has such a thing."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _wait_without_reaping(pid: int, seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.001)


class _Watch:
    """The parent's end of the supervisor, which is started with the first slot."""

    def __init__(self) -> None:
        self.after_fork_in_child()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """A child has slots and a supervisor of its own; the parent's pipe must not stay open in it."""
        pipe = getattr(self, "_pipe", None)
        if pipe is not None:
            with contextlib.suppress(OSError):
                os.close(pipe)
        self._lock = threading.Lock()
        self._pipe: int | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._groups: set[int] = set()

    def add(self, group: int) -> None:
        with self._lock:
            self._groups.add(group)
            if self._supervisor is None or self._supervisor.poll() is not None:
                self._start()
            else:
                self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        with self._lock:
            self._groups.discard(group)
            self._tell(f"-{group}\n")

    def _start(self) -> None:
        """Start a supervisor, anew where somebody killed it, and tell it of every group."""
        reading, writing = os.pipe()
        try:
            self._supervisor = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-S", "-E", _supervisor.__file__],
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(reading)
        if self._pipe is not None:
            os.close(self._pipe)
        self._pipe = writing
        self._tell("".join(f"+{group}\n" for group in self._groups))

    def _tell(self, words: str) -> None:
        if self._pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # a dead one is replaced when the next slot starts
                os.write(self._pipe, words.encode())


_watch = _Watch()
