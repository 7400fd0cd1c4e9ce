"""Kept connections to one endpoint."""

from __future__ import annotations

import contextlib
import socket
import ssl
import weakref
from collections import deque
from typing import Any
from urllib.parse import SplitResult

from fcall.errors import ConnectionFailedError, Executed, FcallError, InvocationTimeoutError
from fcall.provider import Deadline
from fcall_aws._http import is_idle

__all__ = ["Connections", "unreachable"]

_CONNECT_TIMEOUT = 10.0


class Connections:
    """Connections to one endpoint. The one that was used last is used next, so that the others may grow old and go.

    Args:
        address: the endpoint.
        context: how TLS is spoken, for https.
        socket_options: what is set on every socket.

    Attributes:
        host: where the endpoint is.
        port: its port.
        context: how TLS is spoken, or None.
    """

    def __init__(
        self, address: SplitResult, context: ssl.SSLContext | None, socket_options: list[tuple[int, int, int]]
    ) -> None:
        self.host = address.hostname or ""
        self.port = address.port or (443 if context else 80)
        self.context = context
        self._options = socket_options
        self._kept: deque[socket.socket] = deque()
        weakref.finalize(self, _close, self._kept)  # where nobody closes them

    def take(self, deadline: Deadline) -> socket.socket:
        """A connection, kept or new.

        Raises:
            ConnectionFailedError, InvocationTimeoutError: none can be made; nothing was sent.
        """
        while True:
            try:
                kept = self._kept.pop()
            except IndexError:
                return self._connect(deadline)
            if is_idle(kept):
                return kept
            kept.close()

    def give_back(self, connection: socket.socket) -> None:
        """Keep a connection whose last answer was read to its end."""
        self._kept.append(connection)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        _close(self._kept)

    def _connect(self, deadline: Deadline) -> socket.socket:
        connection: socket.socket | None = None
        try:
            connection = self._reach(deadline)
            if self.context is None:
                return connection
            connection.settimeout(_patience(deadline))
            return self.context.wrap_socket(connection, server_hostname=self.host)
        except OSError as error:
            if connection is not None:
                connection.close()
            raise unreachable(error, f"{self.host}:{self.port}", deadline) from error

    def _reach(self, deadline: Deadline) -> socket.socket:
        connection = self._first_reached(deadline)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for level, name, value in self._options:
            connection.setsockopt(level, name, value)
        return connection

    def _first_reached(self, deadline: Deadline) -> socket.socket:
        """A connection to the first address that takes one. All of them together have what is left, and not each."""
        *others, last = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in others:
            with contextlib.suppress(OSError):
                return _connected(socket.socket(family, kind, protocol), address, deadline)
            if deadline.expired:
                break
        family, kind, protocol, _, address = last
        return _connected(socket.socket(family, kind, protocol), address, deadline)


def _connected(connection: socket.socket, address: Any, deadline: Deadline) -> socket.socket:
    try:
        connection.settimeout(_patience(deadline))
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def _close(kept: deque[socket.socket]) -> None:
    while kept:
        kept.pop().close()


def _patience(deadline: Deadline) -> float:
    return max(min(deadline.remaining(), _CONNECT_TIMEOUT), 0.001)


def unreachable(error: Exception, address: str, deadline: Deadline) -> FcallError:
    """The error for a connection that cannot be made; nothing was sent."""
    if deadline.expired:
        return InvocationTimeoutError("the time-out passed while connecting", executed=Executed.NO)
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectionFailedError(
            f"the server's certificate is not trusted: {error.verify_message}; name its authority in AWS_CA_BUNDLE",
            executed=Executed.NO,
            retryable=False,
        )
    what = "agree on TLS with" if isinstance(error, ssl.SSLError) else "connect to"
    return ConnectionFailedError(
        f"could not {what} {address} ({type(error).__name__}); look at region and endpoint_url", executed=Executed.NO
    )
