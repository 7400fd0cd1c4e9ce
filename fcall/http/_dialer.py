"""How a connection is made."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

from fcall._deadline import Deadline
from fcall._threads import UNBOUNDED
from fcall.http._answer import HttpError

__all__ = ["Dialer"]

_LONGEST = 10.0
_PROBES = (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
"""A silent connection is probed: what stands between forgets one after some minutes, and says nothing."""

_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *((socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _PROBES if hasattr(socket, name)),
]


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
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setblocking(False)
                for option in _OPTIONS:
                    sock.setsockopt(*option)
                await self._loop.sock_connect(sock, address)
                return sock
            except BaseException as error:
                sock.close()
                if not isinstance(error, OSError):
                    raise
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
        loop = self._loop
        try:
            sock = secure = context.wrap_socket(sock, do_handshake_on_connect=False, server_hostname=self._host)
            while True:
                try:
                    secure.do_handshake()
                    return secure
                except ssl.SSLWantReadError:
                    await _ready(secure, loop.add_reader, loop.remove_reader)
                except ssl.SSLWantWriteError:
                    await _ready(secure, loop.add_writer, loop.remove_writer)
        except BaseException:
            sock.close()
            raise


async def _ready(sock: socket.socket, watch: Callable[..., object], leave: Callable[[int], object]) -> None:
    """Wait until the event loop says that the socket can go on."""
    event = asyncio.Event()
    watch(sock.fileno(), event.set)
    try:
        await event.wait()
    finally:
        leave(sock.fileno())
