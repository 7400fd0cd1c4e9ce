"""How a connection is made."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from fcall._deadline import Deadline
from fcall._threads import UNBOUNDED
from fcall.http._answer import HttpError

__all__ = ["Dialer"]

_LONGEST = 10.0
_UNDER_WAY = (errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK, errno.EINTR)
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
        until = Deadline.after(min(deadline.remaining(), _LONGEST))
        try:
            sock = await self._reached(until)
            return sock if self._context is None else await self._secured(sock, self._context, until)
        except (OSError, ValueError) as error:
            raise HttpError("connecting", error) from error

    async def _reached(self, until: Deadline) -> socket.socket:
        failure = OSError("the name has no address")
        for family, kind, protocol, _, address in await self._addresses(until):
            if until.expired:  # a neighbour would answer even now, and nothing may be sent any more
                raise TimeoutError("the time to connect passed") from failure
            try:
                with _closed_if_it_fails(socket.socket(family, kind, protocol)) as sock:
                    sock.setblocking(False)
                    _set_options(sock)
                    await self._done(sock, partial(_connect, sock, address), until)
                    return sock
            except OSError as error:
                failure = error
        raise failure

    async def _addresses(self, until: Deadline) -> Any:
        try:
            return socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:  # it is a name
            if self._lookup is None:
                looked_up = UNBOUNDED.submit(socket.getaddrinfo, self._host, self._port, 0, socket.SOCK_STREAM)
                self._lookup = asyncio.wrap_future(looked_up)
                self._lookup.add_done_callback(self._forget)
        async with asyncio.timeout(until.remaining()):
            return await asyncio.shield(self._lookup)

    def _forget(self, lookup: asyncio.Future[Any]) -> None:
        self._lookup = None
        lookup.cancelled() or lookup.exception()  # there may be nobody left to hear of it

    async def _secured(self, sock: socket.socket, context: ssl.SSLContext, until: Deadline) -> socket.socket:
        with _closed_if_it_fails(sock):
            secure = context.wrap_socket(sock, do_handshake_on_connect=False, server_hostname=self._host)
        with _closed_if_it_fails(secure):  # which has taken the other's place
            await self._done(secure, secure.do_handshake, until)
            return secure

    async def _done(self, sock: socket.socket, operation: Callable[[], object], until: Deadline) -> None:
        """Do what the socket may have to wait for; it is not timed unless it does."""
        while True:
            try:
                operation()
                return
            except ssl.SSLWantReadError:
                watch, leave = self._loop.add_reader, self._loop.remove_reader
            except (BlockingIOError, ssl.SSLWantWriteError):
                watch, leave = self._loop.add_writer, self._loop.remove_writer
            ready = asyncio.Event()
            watch(sock.fileno(), ready.set)
            try:
                async with asyncio.timeout(until.remaining()):
                    await ready.wait()
            finally:
                leave(sock.fileno())


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


def _connect(sock: socket.socket, address: Any) -> None:
    """Connect, or go on with it.

    Raises:
        BlockingIOError: it takes its time.
        OSError: it failed.
    """
    code = sock.connect_ex(address)
    if code in _UNDER_WAY:  # on this machine it is over by now, and who asks need not wait to hear of it
        code = sock.connect_ex(address)
    if code not in (0, errno.EISCONN):
        raise BlockingIOError(code, "") if code in _UNDER_WAY else OSError(code, os.strerror(code))
