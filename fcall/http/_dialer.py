"""How a connection is made."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

from fcall._deadline import Deadline
from fcall._threads import UNBOUNDED
from fcall.http._answer import HttpError

__all__ = ["Dialer"]

_LONGEST = 10.0
_OPTIONS = {"TCP_NODELAY": 1, "TCP_KEEPIDLE": 60, "TCP_KEEPALIVE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""A silent connection is probed: what stands between forgets one after some minutes, and says nothing."""


class Dialer:
    """Connects to one endpoint, on one event loop. The name is looked up once for all who connect at the same time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self._loop, self._host, self._port, self._context = loop, host, port, context
        self._lookup: asyncio.Future[Any] | None = None

    async def connected(self, deadline: Deadline) -> socket.socket:
        """A socket that does not block; with TLS, the handshake is over.

        Raises:
            HttpError: there is none, after ten seconds at the latest.
        """
        try:
            async with asyncio.timeout(min(deadline.remaining(), _LONGEST)):
                sock = await self._reached()
                return sock if self._context is None else await self._secured(sock, self._context)
        except (OSError, ValueError) as error:
            raise HttpError("connecting", error) from error

    async def _reached(self) -> socket.socket:
        failure = OSError("the name has no address")
        for family, kind, protocol, _, address in await self._addresses():
            try:
                with _closed_if_it_fails(socket.socket(family, kind, protocol)) as sock:
                    sock.setblocking(False)
                    _set_options(sock)
                    await self._loop.sock_connect(sock, address)
                    return sock
            except OSError as error:
                failure = error
        raise failure

    async def _addresses(self) -> Any:
        try:
            return socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:  # it is a name
            if self._lookup is None:
                looked_up = UNBOUNDED.submit(socket.getaddrinfo, self._host, self._port, 0, socket.SOCK_STREAM)
                self._lookup = asyncio.wrap_future(looked_up)
                self._lookup.add_done_callback(self._forget)
        return await asyncio.shield(self._lookup)

    def _forget(self, lookup: asyncio.Future[Any]) -> None:
        self._lookup = None
        lookup.cancelled() or lookup.exception()  # there may be nobody left to hear of it

    async def _secured(self, sock: socket.socket, context: ssl.SSLContext) -> socket.socket:
        with _closed_if_it_fails(sock):
            secure = context.wrap_socket(sock, do_handshake_on_connect=False, server_hostname=self._host)
        with _closed_if_it_fails(secure):  # which has taken the other's place
            while True:
                try:
                    secure.do_handshake()
                    return secure
                except ssl.SSLWantReadError:
                    await _ready(secure, self._loop.add_reader, self._loop.remove_reader)
                except ssl.SSLWantWriteError:
                    await _ready(secure, self._loop.add_writer, self._loop.remove_writer)


@contextlib.contextmanager
def _closed_if_it_fails(sock: socket.socket) -> Iterator[socket.socket]:
    try:
        yield sock
    except BaseException:
        sock.close()
        raise


def _set_options(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS.items():
        if hasattr(socket, name):  # systems differ
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def _ready(sock: socket.socket, watch: Callable[..., object], leave: Callable[[int], object]) -> None:
    """Wait until the event loop says that the socket can go on."""
    event = asyncio.Event()
    watch(sock.fileno(), event.set)
    try:
        await event.wait()
    finally:
        leave(sock.fileno())
