"""The transport: signed requests over kept connections, one attempt each, everything against the call's clock."""

from __future__ import annotations

import contextlib
import io
import re
import socket
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from http.client import HTTPException, IncompleteRead
from typing import Any

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ClosedPoolError, EmptyPoolError, HTTPError, ProxyError
from urllib3.response import BaseHTTPResponse

from fcall.errors import (
    ClientClosedError,
    ConfigurationError,
    Executed,
    FcallError,
    InvocationTimeoutError,
)
from fcall.provider import Deadline
from fcall_aliyun._errors import WHEN_SENT, WHILE_CONNECTING
from fcall_aliyun._exchange import Answer, Request
from fcall_aliyun._head import StrictResponse
from fcall_aliyun._options import AliyunOptions
from fcall_aliyun._process import PerProcess
from fcall_aliyun._waking import Waking

__all__ = ["Transport", "busy", "host_and_port", "kind", "ssl_context", "too_late_to_connect"]

_CONNECT_TIMEOUT = 10.0
_PIECE = 262_144
_SPELLING = {"host": "Host", "accept": "Accept"}
_WORDS = {
    "RemoteDisconnected": "the connection was closed without an answer",
    "IncompleteRead": "the answer was cut short",
    "ReadTimeoutError": "the time-out passed; raise timeout, or enqueue the event",
    "TimeoutError": "the time-out passed; raise timeout, or enqueue the event",
}
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")
_NO_RETRIES = urllib3.Retry.from_int(False, redirect=False)
_KEEP_ALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4))


class _Attempt:
    """One try.

    Attributes:
        deadline: by when it has to be over.
        sent: the request was handed over whole.
        surplus: what came with the answer and is no part of it.
        connection: the connection that it uses.
    """

    __slots__ = ("connection", "deadline", "sent", "surplus")

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.sent = False
        self.surplus = b""
        self.connection: _Clocked | None = None

    def seconds(self) -> float:
        """What is left for the next step on a socket.

        Raises:
            TimeoutError: nothing is.
        """
        left = self.deadline.remaining()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def spoil(self) -> None:
        """See that nobody uses the connection after this attempt."""
        if self.connection is not None:
            self.connection.spoilt = True


# urllib3 has a time-out for each step on a socket and none for the whole; this is how a connection learns of the clock.
_current: ContextVar[_Attempt] = ContextVar("fcall_aliyun_attempt")


class _ClockedReader(io.RawIOBase):
    """Reads from a socket, and waits no longer than the attempt may take."""

    def __init__(self, sock: Any, attempt: _Attempt) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._attempt = attempt
        self.at_end = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.at_end:
            return 0
        self._sock.settimeout(self._attempt.seconds())
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _ClockedBuffer(io.BufferedReader):
    """Buffers what was read, and tells the attempt what of it is left when the answer is over."""

    def __init__(self, reader: _ClockedReader, attempt: _Attempt) -> None:
        super().__init__(reader)
        self._reader = reader
        self._attempt = attempt

    def close(self) -> None:
        if not self.closed:
            self._reader.at_end = True  # so that peek looks at the buffer alone
            self._attempt.surplus = self.peek()
            if self._attempt.surplus:
                self._attempt.spoil()
        super().close()


class _ClockedSocket:
    """As much of a socket as an answer is read from."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        attempt = _current.get()
        return _ClockedBuffer(_ClockedReader(self._sock, attempt), attempt)


class _ClockedResponse(StrictResponse):
    """An answer that cannot be trickled past the deadline."""

    def __init__(self, sock: Any, *arguments: Any, **keywords: Any) -> None:
        super().__init__(_ClockedSocket(sock), *arguments, **keywords)  # type: ignore[arg-type]


class _Clocked:
    """A connection that keeps to the clock of the attempt it serves, and notes when the request is on its way."""

    response_class: Any = _ClockedResponse
    sock: Any
    spoilt = False
    held: list[bytes] | None = None

    @property
    def is_connected(self) -> bool:
        """Asked by the pool before it hands the connection to the next attempt."""
        return not self.spoilt and bool(super().is_connected)  # type: ignore[misc]

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.spoilt = False

    def request(self, *arguments: Any, **keywords: Any) -> None:
        attempt = _current.get()
        attempt.connection = self
        held: list[bytes] = []
        self.held = held
        try:
            super().request(*arguments, **keywords)  # type: ignore[misc]
        finally:
            self.held = None
        small = sum(len(data) for data in held) <= _PIECE
        for data in [b"".join(held)] if small else held:
            self._write(data, attempt)
        attempt.sent = True

    def send(self, data: Any) -> None:
        """Send, or, in a request, wait for the rest of it: head and body go out together where they are small."""
        if self.held is None:
            super().send(data)  # type: ignore[misc]
        else:
            self.held.append(data)

    def _write(self, data: bytes, attempt: _Attempt) -> None:
        view = memoryview(data)
        for start in range(0, len(view), _PIECE):
            if start:
                self.sock.settimeout(attempt.seconds())
            super().send(view[start : start + _PIECE])  # type: ignore[misc]


class _Http(_Clocked, HTTPConnection):
    """Plain."""


class _Https(_Clocked, HTTPSConnection):
    """TLS."""


class _HttpPool(Waking, urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(Waking, urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https


class Transport:
    """Sends requests to one endpoint. It may be used from many threads, and after a fork.

    It follows no redirect, retries nothing, verifies TLS always, and takes no proxy but the configured one.
    """

    def __init__(self, options: AliyunOptions) -> None:
        self._options = options
        self._url = options.url
        self._limit = options.response_limit
        self._host = self._url.partition("://")[2]
        self._pools: PerProcess[Any] = PerProcess(self._pool)
        # A proxy that forwards is given whole addresses, and so is one that tunnels, which then sends the path alone.
        self._prefix = "" if options.proxy is None else self._url
        self._closed = False

    def send(self, request: Request, deadline: Deadline) -> Answer:
        """Make one attempt.

        Raises:
            ConnectionFailedError: the connection could not be made (NO) or broke (MAYBE).
            InvocationTimeoutError: the deadline passed, before the request was on its way (NO) or later (MAYBE).
            ProviderUnavailableError: what came back is no HTTP (MAYBE).
        """
        attempt = _Attempt(deadline)
        token = _current.set(attempt)
        try:
            return self._exchanged(request, attempt)
        except ClosedPoolError as error:
            raise ClientClosedError("the provider is closed; make a new client") from error
        except EmptyPoolError as error:
            raise busy(self._options.max_concurrency) from error
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            raise self._failure(error, attempt) from error
        finally:
            _current.reset(token)

    def check_open(self) -> None:
        """See that it is not closed.

        Raises:
            ClientClosedError: it is.
        """
        if self._closed:
            raise ClientClosedError("the provider is closed; make a new client")

    def close(self) -> None:
        """Close the connections of this process; one that is in use is closed when its call is over."""
        self._closed = True
        pools = self._pools.known()
        for pool in _each(pools):
            pool.close()

    def _exchanged(self, request: Request, attempt: _Attempt) -> Answer:
        self.check_open()
        left = attempt.seconds()
        response = self._pools.get().urlopen(
            request.method,
            self._prefix + request.target,
            body=request.body,
            headers=self._named(request.headers),
            retries=_NO_RETRIES,
            redirect=False,
            timeout=urllib3.Timeout(connect=min(left, _CONNECT_TIMEOUT), read=left),
            pool_timeout=left,
            preload_content=False,
            decode_content=False,
        )
        return self._read(response, attempt)

    def _read(self, response: BaseHTTPResponse, attempt: _Attempt) -> Answer:
        """The answer to its end. The connection is kept only where nothing can follow that belongs to this answer."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        length, chunked, whole = headers.get("content-length", ""), "transfer-encoding" in headers, False
        if not attempt.sent or response.status < 200 or (length and chunked):
            attempt.spoil()
        try:
            body = response.read(self._limit + 1, decode_content=False)
            cut = len(body) > self._limit
            if not cut and response.length_remaining:
                raise IncompleteRead(b"", response.length_remaining)
            whole = not cut
        finally:
            if not whole:
                response.close()
            response.release_conn()
        if attempt.surplus and not attempt.surplus.startswith(b"HTTP/1."):
            raise HTTPException("the answer is longer than it says")
        return Answer(response.status, headers, body[: self._limit], chunked or length.replace(", ", "").isdigit(), cut)

    def _named(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The headers, where there is a proxy spelt as urllib3 spells those that it adds then and would add twice."""
        return {_SPELLING.get(name, name): value for name, value in headers.items()} if self._prefix else headers

    def _failure(self, error: Exception, attempt: _Attempt) -> FcallError:
        cause = _innermost(error)
        if attempt.sent:
            return WHEN_SENT.error_of(cause, f"{self._host} did not answer: {kind(cause)}")
        if isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError) and attempt.deadline.remaining() < 0.002:
            return too_late_to_connect(self._host)
        place = f"the proxy {self._options.proxy}" if isinstance(error, ProxyError) else self._host
        return WHILE_CONNECTING.error_of(cause, f"{place} could not be reached: {kind(cause)}")

    def _pool(self) -> Any:
        """A pool for this process."""
        options: dict[str, Any] = {
            "maxsize": self._options.max_concurrency,
            "block": True,
            "socket_options": _socket_options(),
        }
        if self._url.startswith("https://"):
            options["ssl_context"] = ssl_context(self._options.ca_file)
        if self._options.proxy is None:
            host, port = host_and_port(self._url)
            if self._url.startswith("https://"):
                return _HttpsPool(host, port, **options)
            return _HttpPool(host, port, **options)
        manager = urllib3.ProxyManager(self._options.proxy, proxy_headers=self._proxy_headers(), **options)
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager

    def _proxy_headers(self) -> Mapping[str, str]:
        credentials = self._options.proxy_credentials
        return {} if credentials is None else urllib3.make_headers(proxy_basic_auth=credentials)


def _each(pools: Any) -> list[Any]:
    """The pool, or those that a proxy's manager has, or none."""
    if not isinstance(pools, urllib3.PoolManager):
        return [] if pools is None else [pools]
    return [pool for key in pools.pools.keys() if (pool := pools.pools.get(key)) is not None]  # noqa: SIM118


def busy(connections: int) -> FcallError:
    """The error for a call that no connection became free for."""
    return InvocationTimeoutError(
        f"the time-out passed while all {connections} connections were in use; raise max_concurrency, or call less at "
        "once",
        executed=Executed.NO,
    )


def too_late_to_connect(host: str) -> FcallError:
    """The error for a call whose time-out passed before it was connected."""
    return InvocationTimeoutError(
        f"the time-out passed while connecting to {host}; raise timeout", executed=Executed.NO
    )


def host_and_port(url: str) -> tuple[str, int | None]:
    """What an address says of both."""
    parsed = urllib3.util.parse_url(url)
    return parsed.host or "", parsed.port


def _socket_options() -> list[tuple[int, int, int]]:
    """No delay, as urllib3 has it, and a probe of what is idle: a function may run for an hour without a byte."""
    probes = [
        (socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _KEEP_ALIVE if hasattr(socket, name)
    ]
    return [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *probes]


def ssl_context(ca_file: str | None) -> ssl.SSLContext:
    """What the system and certifi trust, or what the file has and nothing else.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigurationError(f"ca_file {ca_file} cannot be read as certificates: {type(error).__name__}") from error
    if ca_file is None:
        with contextlib.suppress(OSError):  # the system's roots are there still
            context.load_verify_locations(certifi.where())
    return context


def _innermost(error: BaseException) -> BaseException:
    """What urllib3 wrapped."""
    while isinstance(error, HTTPError) and error.args and isinstance(error.args[-1], Exception):
        error = error.args[-1]
    return error


def kind(error: BaseException) -> str:
    """What happened, in words that cannot hold anything of the request or the answer."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or type(error).__name__}); see whether the address speaks TLS"
    if type(error) is OSError and (refusal := _TUNNEL.match(str(error))):
        return f"it refused to connect further, with status {refusal[1]}"
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return _WORDS.get(type(error).__name__, type(error).__name__)
