"""A port that can be open, closed, or deaf."""

from __future__ import annotations

import contextlib
import select
import socket
import threading

__all__ = ["Listener"]

_HOST = "127.0.0.1"
_BACKLOG = 512
_FILLERS = 8


def _bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((_HOST, port))
    return made


class Listener:
    """Accepts connections on a port of its own, which stays its own while it is closed.

    One thread accepts. Others open and close, one at a time, and find that done on return.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)  # a full pipe wakes as well
        self._guard = _bound(0)  # never listens; it keeps others from the port while nobody does
        self.port: int = self._guard.getsockname()[1]
        self._socket: socket.socket | None = None
        self._fillers: list[socket.socket] = []
        self._waiting: list[socket.socket] = []
        self._handing_over = False
        self.open()

    def open(self) -> None:
        """Have connections accepted."""
        with self._lock:
            self._hear()
            if self._socket is None:
                self._socket = _bound(self.port)
                self._socket.setblocking(False)
                self._socket.listen(_BACKLOG)
                self.wake()

    def refuse(self) -> None:
        """Have connections refused: RST instead of SYN-ACK."""
        with self._lock:
            self._hear()
            if self._socket is not None:
                with contextlib.suppress(OSError):  # while the other thread polls it, closing alone would do nothing
                    self._socket.shutdown(socket.SHUT_RDWR)
                self._socket.close()
                self._socket = None
                self.wake()

    def ignore(self) -> None:
        """Leave connections without any answer, as where packets are lost: the queue of those to accept is full."""
        self.open()
        with self._lock:
            assert self._socket is not None  # one thread at a time opens and closes
            self._socket.listen(0)
            for _ in range(_FILLERS):
                filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                filler.setblocking(False)
                filler.connect_ex((_HOST, self.port))
                self._fillers.append(filler)
                if not select.select([], [filler], [], 0.02)[1]:
                    break

    def _hear(self) -> None:
        """No longer be deaf: take the fillers out of the queue, and keep whoever else stands in it."""
        if not self._fillers:
            return
        assert self._socket is not None
        ours = {filler.getsockname() for filler in self._fillers}
        with contextlib.suppress(BlockingIOError):
            while True:
                accepted, address = self._socket.accept()
                if address in ours:
                    accepted.close()
                else:
                    self._waiting.append(accepted)
        while self._fillers:
            self._fillers.pop().close()
        self._socket.listen(_BACKLOG)
        self.wake()

    def accept(self, seconds: float | None) -> socket.socket | None:
        """A new connection; None after `seconds` without one, after `wake`, and now and then."""
        poll = select.poll()
        with self._lock:
            self._handing_over = False
            poll.register(self._woken, select.POLLIN)
            if self._socket is not None and not self._fillers:
                poll.register(self._socket, select.POLLIN)
            if self._waiting:
                seconds = 0
        for descriptor, _ in poll.poll(None if seconds is None else seconds * 1000):
            if descriptor == self._woken.fileno():
                self._woken.recv(4096)
        with self._lock:
            accepted = self._accepted()
            self._handing_over = accepted is not None
            return accepted

    def _accepted(self) -> socket.socket | None:
        if self._waiting:
            return self._waiting.pop()
        if self._socket is None or self._fillers:
            return None
        with contextlib.suppress(OSError):
            return self._socket.accept()[0]
        return None

    def has_callers(self) -> bool:
        """Whether somebody waits to be accepted, or was and is still in the hands of the thread that accepts."""
        with self._lock:
            if self._handing_over or self._waiting:
                return True
            if self._socket is None or self._fillers:
                return False
            return bool(select.select([self._socket], [], [], 0)[0])

    def wake(self) -> None:
        """Have `accept` return soon."""
        with contextlib.suppress(BlockingIOError):
            self._waker.send(b".")

    def close(self) -> None:
        """Give the port back. The thread that accepts has ended."""
        self.refuse()
        for held in (self._guard, self._waker, self._woken, *self._waiting):
            held.close()
