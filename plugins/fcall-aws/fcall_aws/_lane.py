"""The fast lane: requests of a boto3 client, sent on connections of our own.

botocore asks whoever listens to ``before-send`` for an answer before it sends a request itself. The lane answers: the
client, its events, its signatures and its parsing stay what they are, and only the way to the wire is another. It
stands aside, so that botocore's own session sends the request, wherever somebody else wants to see it or it would have
to do what it does not.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import FunctionType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from fcall.errors import ConnectionFailedError, Executed, FcallError, InvocationTimeoutError
from fcall.provider import Deadline
from fcall_aws._answers import Head
from fcall_aws._connections import Connections
from fcall_aws._http import Exchange, IncompleteRequestError
from fcall_aws._underway import underway

__all__ = ["Headers", "Lane", "broken", "connections_for"]

_EVENT_STREAM = "application/vnd.amazon.eventstream"
_TOLD = (
    *(
        "provide-client-params",
        "before-parameter-build",
        "before-endpoint-resolution",
        "before-call",
        "request-created",
    ),
    *("choose-signer", "before-sign", "before-send", "response-received", "before-parse", "needs-retry", "after-call"),
    "after-call-error",
)


def connections_for(client: Any, core: Any, socket_options: list[tuple[int, int, int]]) -> Connections | None:
    """Connections to a client's endpoint, or None where the lane does not do what the client's settings ask for.

    Args:
        client: the boto3 client.
        core: the botocore session that it was made with.
        socket_options: what is set on every socket.
    """
    from botocore.utils import get_environ_proxies

    address = urlsplit(client.meta.endpoint_url)
    config = client.meta.config
    if address.scheme not in ("http", "https") or "@" in address.netloc:
        return None
    if config.proxies or config.client_cert or get_environ_proxies(client.meta.endpoint_url):
        return None
    try:
        return Connections(address, _tls(core) if address.scheme == "https" else None, socket_options)
    except (OSError, ValueError):  # botocore's own session says what is wrong with it
        return None


def _tls(core: Any) -> ssl.SSLContext:
    """TLS as botocore's session speaks it, with the authorities that it trusts."""
    from botocore.httpsession import create_urllib3_context, get_cert_path

    trusted = core.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE", True)
    context: ssl.SSLContext = create_urllib3_context()
    context.load_verify_locations(get_cert_path(trusted))
    context.check_hostname = True
    context.set_alpn_protocols(["http/1.1"])
    return context


class Lane:
    """The lane of one client. It is what listens to the client's ``before-send``.

    Args:
        client: the boto3 client.
        connections: connections to the client's endpoint.

    Attributes:
        connections: the same.
        origin: the endpoint's scheme and place.
    """

    def __init__(self, client: Any, connections: Connections) -> None:
        self._client = client
        self._events = client.meta.events
        self.connections = connections
        address = urlsplit(client.meta.endpoint_url)
        self.origin = f"{address.scheme}://{address.netloc}"
        self._host = _host(address)
        self._genuine = _transport()
        self._is_genuine = _is_botocores_own(self._genuine)
        self._seen: object = None
        self._is_alone = False
        client.meta.events.register("before-call.lambda", self._name_host)
        client.meta.events.register("before-send.lambda", self)

    def __call__(self, request: Any, event_name: str = "", **_: Any) -> Any:
        """The answer to a request, or None where botocore is to send it."""
        from botocore.awsrequest import AWSResponse

        if underway.rehearsed is not None:
            underway.rehearsed.append(request)
            return AWSResponse(request.url, 200, {}, _Raw(iter(()), whole=b""))
        underway.sent = True
        deadline = underway.deadline
        if deadline is None or not self._may_answer(event_name):
            return None
        head = self._head(request)
        if head is None:
            return None
        exchange, raw = self.exchanged(head, request.body or b"", deadline)
        response = AWSResponse(request.url, exchange.status, {}, raw)
        response.headers = Headers(exchange.headers)
        return response

    def is_unwatched(self) -> bool:
        """Whether nobody but botocore and this listens to anything that a call tells, and nothing is replaced below.

        The emitter makes itself a new cache whenever somebody begins or ceases to listen, so that is when to look.
        """
        if not self._is_genuine or _transport() != self._genuine:
            return False
        cache = getattr(getattr(self._events, "_emitter", None), "_lookup_cache", None)
        if cache is not self._seen:
            self._is_alone = cache is not None and _has_own_listeners_only(self._events)
            self._seen = cache
        return self._is_alone

    def rehearsed(self, given: dict[str, Any], deadline: Deadline) -> Any:
        """The request that botocore builds and signs for a call, which is not sent, or None where there is none."""
        requests: list[Any] = []
        underway.begin(deadline)
        underway.rehearsed = requests
        try:
            self._client.invoke(**given)
        finally:
            underway.deadline = underway.rehearsed = None
        return requests[0] if len(requests) == 1 else None

    def _name_host(self, params: Any, **_: Any) -> None:
        """Say the host before it is signed: where no header says it, botocore works it out of the URL, and twice."""
        if params["url"].startswith(f"{self.origin}/"):
            params["headers"].setdefault("Host", self._host)

    def _may_answer(self, event_name: str) -> bool:
        return self._is_genuine and _transport() == self._genuine and _is_only_listener(self._events, event_name, self)

    def _head(self, request: Any) -> bytes | None:
        """The request line and the headers, or None where the request is not of the kind that a lane can send."""
        url, body = request.url, request.body
        if not (url.startswith(self.origin) and url[len(self.origin) : len(self.origin) + 1] == "/"):
            return None
        if not (body is None or type(body) is bytes) or "Host" not in request.headers:
            return None
        lines = [f"{request.method} {url[len(self.origin) :]} HTTP/1.1"]
        for name, value in request.headers.items():
            lines.append(f"{name}: {value.decode('latin-1') if isinstance(value, bytes) else value}")
        lines.append("Accept-Encoding: identity\r\n\r\n")
        head = "\r\n".join(lines)
        return head.encode("latin-1") if head.count("\n") == len(lines) + 1 and head.isascii() else None

    def exchanged(self, head: bytes, body: bytes, deadline: Deadline) -> tuple[Exchange, _Raw]:
        """Send a request as it is; its answer, and the body of that.

        Raises:
            FcallError: there is none.
        """
        connection = self.connections.take(deadline)
        exchange = Exchange(connection, deadline)
        try:
            exchange.send(head, body)
            exchange.read_head()
            if exchange.status == 200 and exchange.headers.get("content-type", "").startswith(_EVENT_STREAM):
                pieces = self._streamed(exchange, connection)
                # Once its answer was read to the end, the connection is kept, and may serve another call already.
                return exchange, _Raw(pieces, lambda: None if exchange.reusable else connection.close(), exchange.limit)
            whole = self._whole(exchange)
        except OSError as error:
            connection.close()
            left = not isinstance(error, IncompleteRequestError)
            raise broken(error, Head(exchange.status, exchange.headers), deadline, whole=left) from error
        except BaseException:
            connection.close()
            raise
        self._keep(exchange, connection)
        return exchange, _Raw(iter((whole,)), whole=whole)

    def _whole(self, exchange: Exchange) -> bytes:
        """The answer's body; of a refusal that is cut short, what there is of it: its head says what it is."""
        try:
            return exchange.whole_body()
        except OSError:
            if exchange.status < 300:
                raise
            return b""

    def _streamed(self, exchange: Exchange, connection: socket.socket) -> Iterator[bytes]:
        yield from exchange.body()
        self._keep(exchange, connection)

    def _keep(self, exchange: Exchange, connection: socket.socket) -> None:
        if exchange.reusable:
            self.connections.give_back(connection)
        else:
            connection.close()


class Headers(dict[str, str]):
    """An answer's headers, whose names are in lower case, found by any case; botocore's own take far longer to make."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """The header, or the default."""
        return super().get(name.lower(), default)


class _Raw:
    """A body, as botocore reads one.

    Attributes:
        whole: all of it, where it was read to its end already.
        limit: has the pieces that are still to come wait until another moment at most.
    """

    def __init__(
        self,
        pieces: Iterator[bytes],
        close: Callable[[], None] = lambda: None,
        limit: Callable[[Deadline], None] = lambda _: None,
        whole: bytes | None = None,
    ) -> None:
        self._pieces = pieces
        self.whole = whole
        self.limit = limit
        self._rest = b""
        self.close = close

    def read(self, amt: int | None = None) -> bytes:
        """At most so many bytes, or all."""
        if amt is None:
            return self._rest + b"".join(self._pieces)
        piece = self._rest or next(self._pieces, b"")
        piece, self._rest = (piece, b"") if len(piece) <= amt else (piece[:amt], piece[amt:])
        return piece

    def stream(self, **_: Any) -> Iterator[bytes]:
        """The pieces as they come."""
        return self._pieces


def broken(error: Exception, head: Head, deadline: Deadline, *, whole: bool) -> FcallError:
    """The error for an exchange that broke off.

    Args:
        error: why.
        head: what had come of the answer.
        deadline: the call's.
        whole: the request had left whole; otherwise nobody can have acted on it.
    """
    facts: dict[str, Any] = {
        "executed": head.ran if whole else Executed.NO,
        "status_code": head.status or None,
        "request_id": head.request_id,
    }
    if isinstance(error, TimeoutError) or deadline.expired:
        return InvocationTimeoutError("the time-out passed before the answer was there", **facts)
    return ConnectionFailedError(f"the connection broke off: {type(error).__name__}", **facts)


def _is_only_listener(events: Any, event_name: str, listener: object) -> bool:
    """Whether nobody else listens to an event that is just being told.

    botocore asks all listeners and offers no public way to see who they are. While it asks, it has just looked them up
    (botocore 1.40.0 to 1.44.5: ``HierarchicalEmitter._lookup_cache``). Where it looks otherwise, nobody knows.
    """
    try:
        listeners = events._emitter._lookup_cache[event_name]
        return len(listeners) == 1 and listeners[0] is listener
    except (AttributeError, IndexError, KeyError, TypeError):
        return False


def _has_own_listeners_only(events: Any) -> bool:
    """Whether all who listen to what ``invoke`` tells are botocore's, or ours."""
    try:
        found = [events._emitter._handlers.prefix_search(f"{event}.lambda.Invoke") for event in _TOLD]
        homes = {listener.__module__ for listeners in found for listener in listeners}
        return "botocore.stub" not in homes and all(home.startswith(("botocore.", "fcall_aws.")) for home in homes)
    except (AttributeError, TypeError):
        return False


def _transport() -> tuple[object, ...]:
    """What botocore calls and sends with; recorders and doubles put their own in its place."""
    client, httpsession, awsrequest = _modules()
    return (
        client.BaseClient._make_api_call,
        httpsession.URLLib3Session.send,
        awsrequest.AWSHTTPConnection.request,
        awsrequest.AWSHTTPConnectionPool.ConnectionCls,
        awsrequest.AWSHTTPSConnectionPool.ConnectionCls,
    )


@lru_cache(maxsize=1)  # an import that was made takes its time too
def _modules() -> tuple[Any, Any, Any]:
    from botocore import awsrequest, client, httpsession

    return client, httpsession, awsrequest


def _is_botocores_own(transport: tuple[object, ...]) -> bool:
    from botocore import awsrequest

    *functions, plain, secure = transport
    package = os.path.join(os.path.dirname(awsrequest.__file__), "")
    return (plain, secure) == (awsrequest.AWSHTTPConnection, awsrequest.AWSHTTPSConnection) and all(
        type(function) is FunctionType and function.__code__.co_filename.startswith(package) for function in functions
    )


def _host(address: SplitResult) -> str:
    """The Host header, as it is signed (botocore.auth): without the scheme's own port."""
    host = f"[{address.hostname}]" if ":" in (address.hostname or "") else address.hostname or ""
    own = {"http": 80, "https": 443}[address.scheme]
    return host if address.port in (None, own) else f"{host}:{address.port}"
