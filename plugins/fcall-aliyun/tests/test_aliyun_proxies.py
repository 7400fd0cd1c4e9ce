"""Proxies: the configured one alone, what it sees, and what is said when it fails."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest
from fcall_aliyun.testing import FcEndpoint

import fcall
from fcall.errors import ConnectionFailedError, Executed
from fcall.testing.faults import FaultServer, Request, Response


class TestProxies:
    """A proxy is used where the configuration names one, and the environment's never."""

    def test_the_environment_has_no_say(
        self, plain: FcEndpoint, client: Callable[..., fcall.Client], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """HTTP_PROXY, ALL_PROXY and a netrc change nothing."""
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")

        assert client(plain).invoke("images/echo", 1).json() == 1

    def test_a_configured_proxy_is_asked(self, plain: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
        """The proxy gets the whole address, its credentials, and the signature that still fits."""
        seen: list[Request] = []

        def forward(request: Request) -> Response:
            seen.append(request)
            path = request.target.removeprefix(plain.url)
            reply = plain.reply(Request(request.method, path, request.headers, request.body))
            return Response(reply.status, reply.headers, reply.body)

        with FaultServer(forward) as proxy:
            caller = client(plain, proxy=proxy.url, proxy_credentials="user:password")
            answers = [caller.invoke(name, 1).json() for name in ("images/echo", "echo")]

        assert answers == [1, 1]
        assert [request.target.startswith(plain.url) for request in seen] == [True, True]
        assert {request.headers["Proxy-Authorization"] for request in seen} == {"Basic dXNlcjpwYXNzd29yZA=="}
        assert proxy.connections == 1

    def test_tls_goes_through_a_tunnel(self, client: Callable[..., fcall.Client]) -> None:
        """The proxy is asked to connect, sees neither path nor payload, and certificates are checked all the same."""
        with FcEndpoint({"images/echo": lambda event, context: event}, tls=True) as endpoint:
            tunnel = Tunnel(endpoint.port)
            caller = client(endpoint, proxy=f"http://127.0.0.1:{tunnel.port}", proxy_credentials="user:password")

            assert caller.invoke("images/echo", 1).json() == 1
            assert tunnel.head.startswith(f"CONNECT localhost:{endpoint.port} HTTP/1.".encode())
            assert b"Basic dXNlcjpwYXNzd29yZA==" in tunnel.head
            caller.close()
            tunnel.close()

    def test_a_proxy_that_cannot_be_reached(self, plain: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
        """Without its proxy a call fails, and did not run."""
        with pytest.raises(ConnectionFailedError, match=r"the proxy http://127\.0\.0\.1:9 could") as raised:
            client(plain, proxy="http://127.0.0.1:9").invoke("images/echo", 1)

        assert raised.value.executed is Executed.NO

    def test_a_proxy_that_refuses(self, client: Callable[..., fcall.Client]) -> None:
        """A proxy that does not connect further is named, with its status."""
        with FaultServer(lambda request: Response(407)) as proxy:
            caller = client(endpoint="fc.example", proxy=proxy.url, access_key_id="id", access_key_secret="secret")
            with pytest.raises(ConnectionFailedError, match=r"proxy .* with status 407") as raised:
                caller.invoke("images/echo", 1)

        assert raised.value.executed is Executed.NO


class Tunnel:
    """A proxy that serves one CONNECT."""

    def __init__(self, to: int) -> None:
        self.head = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self._threads = [threading.Thread(target=self._serve, args=(to,), daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def close(self) -> None:
        for thread in self._threads:
            thread.join(5)
        for each in self._sockets:
            each.close()

    def _serve(self, to: int) -> None:
        client, _ = self._listener.accept()
        while b"\r\n\r\n" not in self.head:
            self.head += client.recv(4096)
        server = socket.create_connection(("127.0.0.1", to))
        self._sockets += [client, server]
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for ends in ((client, server), (server, client)):
            self._threads.append(threading.Thread(target=_pump, args=ends, daemon=True))
            self._threads[-1].start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while piece := source.recv(65_536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
