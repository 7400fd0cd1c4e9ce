"""HTTP as uvicorn speaks it, with bounds on the head of a request: its size, and how long it may take to come."""

from __future__ import annotations

import asyncio

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

__all__ = ["BoundedProtocol"]


class BoundedProtocol(HttpToolsProtocol):
    """Closes connections that begin a request and do not go on, which uvicorn itself leaves open.

    An upgrade that a client offers, as of Java's to HTTP/2, is not taken: the request is read as if it offered none.
    uvicorn alone answers such a request without its body, which it then takes for the next request.

    Attributes:
        head_timeout: seconds from a connection's or a request's beginning to the end of its head.
        head_size: bytes that a head may have.
    """

    head_timeout = 20.0
    head_size = 1_048_576  # AWS takes as much

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._read = 0
        self._waiting: asyncio.TimerHandle | None = None
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """There is nothing to wait for any more."""
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head is too long."""
        if self.transport.is_closing():  # refused, and still being sent to
            return
        if self._waiting is not None:
            self._read += len(data)
            if self._read > self.head_size:
                self._refuse(431)
                return
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def _parse(self, data: bytes) -> None:
        """Parse what came. A parser that sees an upgrade stops after the head, whose body is to follow."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._offer:
                self.parser.feed_data(self._offer)
                self._parse(data[upgrade.args[0] :])
            else:
                self._refuse(405)

    def on_message_begin(self) -> None:
        """A request begins, the first of its connection or another one."""
        super().on_message_begin()
        self._offer = b""
        if self._waiting is None:
            self._read = 0
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        """The head is there; one with an upgrade is kept, to be parsed again without."""
        if self.parser.should_upgrade():
            self._offer = self._without_upgrade()
            return
        self._head_is_there()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there, unless its body is to be parsed yet."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _without_upgrade(self) -> bytes:
        """The head again; nothing where it asks for a tunnel, which is an upgrade by its method."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            return b""
        fields = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([b"%s %s HTTP/%s" % (method, self.url, version), *fields, b"", b""])

    def _wait_for_head(self) -> None:
        self._waiting = self.loop.call_later(self.head_timeout, self._give_up)

    def _give_up(self) -> None:
        """Wait no longer, unless the request before this one is still being answered."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait_for_head()
        else:
            self._refuse(408)

    def _head_is_there(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _refuse(self, status: int) -> None:
        self._head_is_there()
        if not self.transport.is_closing():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
