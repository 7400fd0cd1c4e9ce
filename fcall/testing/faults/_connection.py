"""One connection, as bytes."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading

__all__ = ["Connection", "Gone"]

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER for no seconds: closing sends RST
_HUNG_UP = getattr(select, "POLLRDHUP", 0)  # Linux only; elsewhere a client that gives up is noticed by POLLHUP
_PIECE = 262_144


class Gone(Exception):  # noqa: N818 - no error: either side may leave
    """The client has left, or the server stops."""


class Connection:
    """A socket that was accepted. One thread uses it; `dismiss` and `stop` may come from others."""

    def __init__(self, plain: socket.socket) -> None:
        plain.setblocking(True)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = plain
        self._buffer = b""
        self._lock = threading.Lock()  # a socket is closed, or shut down from another thread, never both at once
        self._idle = False
        self._over = False
        self.dismissed = False

    def secure(self, context: ssl.SSLContext) -> None:
        """Become TLS, when the client begins with it."""
        self._idly(1, socket.MSG_PEEK)  # without a byte to read, wrapping a connection that was reset leaks it
        with self._lock:
            self._socket = context.wrap_socket(self._socket, server_side=True, do_handshake_on_connect=False)
        self._socket.do_handshake()

    # Reading and writing

    def read_until(self, mark: bytes, limit: int) -> bytes | None:
        """What comes up to and with `mark`; None if it has not come within `limit` bytes."""
        while (at := self._buffer.find(mark)) < 0:
            if len(self._buffer) > limit:
                return None
            self._buffer += self._receive()
        end = at + len(mark)
        found, self._buffer = self._buffer[:end], self._buffer[end:]
        return found

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        if len(self._buffer) >= count:
            found, self._buffer = self._buffer[:count], self._buffer[count:]
            return found
        pieces, missing = [self._buffer], count - len(self._buffer)
        self._buffer = b""
        while missing:
            piece = self._receive(missing)
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def begin(self) -> None:
        """Wait for the first byte of a request. Until then the connection is idle, and `dismiss` ends it."""
        if not self._buffer:
            self._buffer = self._idly(_PIECE)

    def _idly(self, count: int, flags: int = 0) -> bytes:
        with self._lock:
            if self.dismissed:
                raise Gone
            self._idle = True
        try:
            piece = self._socket.recv(count, flags)
        finally:
            with self._lock:
                self._idle = False
        if self.dismissed or not piece:
            raise Gone
        return piece

    @property
    def pending(self) -> bool:
        """Something was received and not read yet."""
        return bool(self._buffer)

    def is_busy(self) -> bool:
        """Whether anything that was sent is still to be read or answered. Any thread may ask."""
        poll = select.poll()
        with self._lock:
            if self._over or self._socket.fileno() < 0:
                return False
            poll.register(self._socket, select.POLLIN)
            return not self._idle or bool(poll.poll(0))

    def _receive(self, count: int = _PIECE) -> bytes:
        piece = self._socket.recv(min(count, _PIECE))
        if not piece:
            raise Gone
        return piece

    def send(self, data: bytes) -> None:
        """Send all of it."""
        if data:
            self._socket.sendall(data)

    def wait(self, seconds: float | None = None) -> None:
        """Let time pass, for ever if None.

        Raises:
            Gone: the client has closed its side, or the server stops.
        """
        poll = select.poll()
        poll.register(self._socket.fileno(), _HUNG_UP)
        if poll.poll(None if seconds is None else seconds * 1000):
            raise Gone

    # Endings

    def close(self) -> None:
        """Close in order, with a FIN. What the client still sends is taken and thrown away until it has seen that."""
        self._over = True
        with contextlib.suppress(OSError, ValueError):
            self._say_goodbye()
            socket.socket.shutdown(self._socket, socket.SHUT_WR)
            self._socket.settimeout(1.0)
            while socket.socket.recv(self._socket, _PIECE):
                pass
        self.drop()

    def _say_goodbye(self) -> None:
        """End TLS as it should be ended, without waiting for the client to do the same."""
        if isinstance(self._socket, ssl.SSLSocket):
            self._socket.setblocking(False)
            with contextlib.suppress(OSError, ValueError):
                self._socket.unwrap()

    def reset(self) -> None:
        """Tear down, with a RST."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.drop()

    def drop(self) -> None:
        """Let go of the socket."""
        with self._lock:
            self._socket.close()

    def dismiss(self) -> None:
        """End the connection if it is idle, and else when it is next."""
        with self._lock:
            self.dismissed = True
            if self._idle:
                self._shut_down()

    def stop(self) -> None:
        """Wake the thread that uses the connection, wherever it waits."""
        with self._lock:
            self.dismissed = True
            self._shut_down()

    def _shut_down(self) -> None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # that of TLS would pull the rug from its reader
