"""Slots: worker processes that each run one function, one event at a time, and are killed as a group at its limit."""

from __future__ import annotations

import contextlib
import io
import select
import socket
import struct
import time
import weakref
from collections import deque
from dataclasses import dataclass
from typing import Any

from fcall._fork import forget_in_child
from fcall.local._frames import Frame, FrameReader, packed
from fcall.local._glance import Glance
from fcall.local._runtimes import TAIL
from fcall.local._worker_process import Worker

__all__ = ["Slot", "SlotDied", "SlotSpec", "TimedOut"]

_PIECE = 65_536
_GLANCE = struct.pack("@ll", 0, 10_000)  # seconds and microseconds, as the system counts time


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """What a slot runs, and in what.

    Attributes:
        start: the first frame's header: the runtime, the handler, its folder, the memory limit, the log's form.
        environment: all the environment variables it has.
    """

    start: dict[str, Any]
    environment: dict[str, str]


class SlotDied(Exception):  # noqa: N818 - an event, for the caller to name
    """The worker's process ended before it answered.

    Attributes:
        status: its exit status, or less than 0 for the signal that killed it.
        begun: it had called the handler.
    """

    def __init__(self, status: int, begun: bool) -> None:
        super().__init__(f"the worker ended with status {status}")
        self.status = status
        self.begun = begun


class TimedOut(Exception):  # noqa: N818
    """The limit passed before the worker answered, and it was killed.

    Attributes:
        begun: it had called the handler.
    """

    def __init__(self, begun: bool) -> None:
        super().__init__("the worker was killed at its limit")
        self.begun = begun


class Slot:
    """One worker process. It is ended by `kill`, or when the slot is garbage.

    Args:
        spec: what it runs.

    Attributes:
        used_at: when its last event began, or else the slot itself, on the monotonic clock.
        log: the end of what was logged since then.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, spec: SlotSpec) -> None:
        self.used_at = time.monotonic()
        self._worker = Worker.started(spec.environment)
        self._finalizer = weakref.finalize(self, self._worker.end)
        self._finalizer.atexit = False  # one that is busy for a daemon thread is left to the supervisor
        forget_in_child(self)
        self._begun = self._worker.begun
        self._socket = self._worker.channel
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _GLANCE)
        self._looking = Glance(self._socket)
        self.log = _Log(self._worker.log)
        self._reader = FrameReader()
        self._poll = select.poll()
        # The socket is looked at before the log, so what was logged before an answer is seen with it.
        for end in self._worker.ends:
            self._poll.register(end, select.POLLIN)
        self._log_number = self._worker.log.fileno()
        self._socket_number = self._socket.fileno()
        with contextlib.suppress(OSError):  # one that is dead already is found out by who waits for it
            self._socket.sendall(packed("", spec.start))

    def ready(self, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Wait until the function is loaded. The header is empty, or says what went wrong.

        Args:
            seconds: when to kill the worker, counted from now.

        Raises:
            SlotDied, TimedOut: it ended, or was killed at its limit.
        """
        return self._checked(self._awaited(time.monotonic() + seconds), "")

    def call(
        self, request_id: str, header: dict[str, Any], payload: bytes, seconds: float
    ) -> tuple[dict[str, Any], bytes]:
        """Run one event. The header of its answer is empty where all went well and nothing else was asked for.

        Args:
            request_id: the invocation's.
            header: what else the worker has to know of it.
            payload: the event.
            seconds: when to kill the worker.

        Raises:
            SlotDied, TimedOut: it ended, or was killed at its limit; the function ran where it had `begun`.
        """
        self.used_at = time.monotonic()
        ends_at = self.used_at + seconds
        plain = not header and not self.log.seen
        if not plain:
            self.log.forget()
        self._begun.clear()
        self._send(packed(request_id, header, payload), ends_at)
        return self._checked((plain and self._glance()) or self._awaited(ends_at), request_id)

    @property
    def owes(self) -> bool:
        """Whether something that its function enqueued may not have run yet: nobody but the worker knows of it."""
        return self._worker.owes

    def end(self) -> None:
        """Let the worker do what its function enqueued, however long it takes, and end it."""
        if self._finalizer.detach():
            self._worker.end()

    def kill(self) -> int:
        """End the worker and its whole group; what it has become of is its status."""
        self._worker.owes = False
        if self._finalizer.detach():
            self._worker.end()
        return self._worker.process.returncode

    def after_fork_in_child(self) -> None:
        """Let go of the worker without touching it: it is the parent's."""
        self._finalizer.detach()
        self._worker.let_go()
        self._worker.process.returncode = 0  # it is not ours to wait for

    def _send(self, frame: bytes, ends_at: float) -> None:
        try:
            if len(frame) <= _PIECE:
                self._socket.sendall(frame)  # the socket is empty, and takes as much without waiting
            else:
                self._send_large(frame, ends_at)
        except TimeoutError:
            raise self._timed_out() from None
        except OSError:
            raise self._died() from None

    def _send_large(self, frame: bytes, ends_at: float) -> None:
        self._socket.settimeout(max(0.001, ends_at - time.monotonic()))
        try:
            self._socket.sendall(frame)
        finally:
            with contextlib.suppress(OSError):
                self._socket.settimeout(None)

    def _checked(self, frame: Frame, request_id: str) -> tuple[dict[str, Any], bytes]:
        """What a frame says, where it answers this event."""
        answered_id, header, payload = frame
        if answered_id != request_id:
            raise self._died()
        self._worker.owes = bool(header) and header.pop("owes", False)
        return header, payload

    def _glance(self) -> Frame | None:
        """The answer, where it comes soon. It looks at nothing but the socket, which is quicker.

        A log that nobody wants stays in its pipe meanwhile; when that is full, the answer is not there soon.
        """
        try:
            piece = self._looking.receive()
        except BlockingIOError:
            return None
        except OSError:
            piece = b""
        return self._read(piece)

    def _awaited(self, ends_at: float) -> Frame:
        """The answer, looking after the log and the process meanwhile."""
        frame = None
        while frame is None:
            left = ends_at - time.monotonic()
            if left <= 0:
                raise self._timed_out()
            for descriptor, _ in self._poll.poll(left * 1000):
                if descriptor == self._socket_number:
                    frame = self._received()
                elif descriptor == self._log_number:
                    self._take_log()
                elif frame is None:
                    frame = self._last_words()
        return frame

    def _received(self) -> Frame | None:
        try:
            piece = self._socket.recv(_PIECE)
        except OSError:
            piece = b""
        return self._read(piece)

    def _read(self, piece: bytes) -> Frame | None:
        """The next frame, where it is whole now. No piece is the end."""
        try:
            if piece:
                return self._reader.feed(piece)
        except ValueError:  # the handler wrote garbage on our socket
            pass
        raise self._died()

    def _last_words(self) -> Frame:
        """What a process that ended had still answered; something it started may hold its socket open."""
        self._socket.setblocking(False)
        while (frame := self._received()) is None:
            continue
        return frame

    def _take_log(self) -> None:
        if not self.log.drain():
            self._poll.unregister(self._log_number)  # closed by the worker; there is nothing more to wait for

    def _died(self) -> SlotDied:
        """The end of the process; one that lives on without its socket is killed."""
        # The group's leader is not reaped before the group is killed, so that its number stays its own.
        self._worker.wait_without_reaping(0.2)
        self.log.drain()
        status = self.kill()
        return SlotDied(status, self._begun.is_set)  # only now: one that lived on might have begun yet

    def _timed_out(self) -> TimedOut:
        self.log.drain()
        self.kill()
        return TimedOut(self._begun.is_set)


class _Log:
    """The end of what a worker wrote on its standard output and error.

    Args:
        pipe: where it comes out, not blocking.

    Attributes:
        seen: whether there ever was something.
    """

    def __init__(self, pipe: io.FileIO) -> None:
        self._pipe = pipe
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self.seen = False

    def drain(self) -> bool:
        """Take what is in the pipe, and keep its end. False when nobody can write there any more."""
        while piece := self._pipe.read(_PIECE):
            self.seen = True
            self._pieces.append(piece)
            self._size += len(piece)
            while self._size - len(self._pieces[0]) >= TAIL:
                self._size -= len(self._pieces.popleft())
            if len(piece) < _PIECE:
                return True
        return piece is None

    def forget(self) -> None:
        """Begin anew, without what is still in the pipe."""
        self.drain()
        self._pieces.clear()
        self._size = 0

    def tail(self) -> bytes:
        """The end of what was taken."""
        return b"".join(self._pieces)[-TAIL:]
