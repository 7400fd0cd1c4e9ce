"""The fault server over TLS: certificates, and what can go wrong with them."""

from __future__ import annotations

import http.client
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fcall.testing.faults import FAULTS, End, Fault, FaultServer, Request, Response, Stage

pytest.importorskip("trustme", reason="trustme makes the certificates")

REQUEST = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
HEALTHY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
HANDSHAKES = [fault for fault in FAULTS if fault.needs_tls]


def _echo(request: Request) -> Response:
    return Response(body=request.body)


@pytest.fixture(scope="module")
def shared() -> Iterator[FaultServer]:
    """One server for the module."""
    with FaultServer(_echo, tls=True) as server:
        yield server


@pytest.fixture
def server(shared: FaultServer) -> FaultServer:
    """The module's server, in which nothing has happened yet."""
    assert shared.settle()
    shared.reset()
    return shared


def _connected(server: FaultServer, timeout: float = 10) -> ssl.SSLSocket:
    """A connection over TLS, whose certificate was checked."""
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=timeout)
    try:
        return ssl.create_default_context(cafile=server.ca_file).wrap_socket(plain, server_hostname="localhost")
    except BaseException:
        plain.close()
        raise


def _posted(client: http.client.HTTPConnection, body: bytes = b"{}") -> bytes:
    client.request("POST", "/a", body)
    return client.getresponse().read()


def _client(server: FaultServer, timeout: float = 10) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=server.ca_file)
    return http.client.HTTPSConnection("localhost", server.port, timeout=timeout, context=context)


def test_a_healthy_server_speaks_tls(server: FaultServer) -> None:
    """A client that trusts the server's authority is served, on one connection, for as long as it likes."""
    client = _client(server)
    answers = [_posted(client, b"%d" % number) for number in range(5)]
    client.close()

    assert [b"0", b"1", b"2", b"3", b"4"] == answers
    assert f"https://localhost:{server.port}" == server.url
    assert (1, 5, 5) == (server.connections, server.received, server.executions)


def test_nobody_else_trusts_it(server: FaultServer) -> None:
    """The certificate is worth nothing where the authority is not trusted; that client sends no request."""
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    with plain, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")

    assert 0 == server.received


def test_an_end_in_order_says_so(server: FaultServer) -> None:
    """A connection that is closed in order ends TLS before it ends TCP, so that a client can tell it from a cut."""
    server.inject(Fault.UNFRAMED)
    context = ssl.create_default_context(cafile=server.ca_file)
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as client,
    ):
        client.sendall(REQUEST)
        got = b"".join(iter(lambda: client.recv(1000), b""))

    assert got.endswith(b"\r\n\r\n{}")


def test_a_reset_is_a_reset_below_tls(server: FaultServer) -> None:
    """A connection over TLS is torn down by RST, whatever the client's TLS makes of it."""
    server.inject(Fault.RESET_BEFORE_ANSWER)
    with _connected(server) as client:
        client.sendall(REQUEST)
        with pytest.raises(ConnectionResetError):
            list(iter(lambda: socket.socket.recv(client, 65_536), b""))


EXPECTED = {
    Fault.TLS_CLOSE: (ssl.SSLEOFError, "EOF"),
    Fault.TLS_RESET: (ConnectionResetError, None),
    Fault.TLS_HANG: (TimeoutError, None),
    Fault.TLS_ALERT: (ssl.SSLError, "(?i)handshake.failure"),
    Fault.TLS_PLAIN_HTTP: (ssl.SSLError, "(?i)wrong.version"),
    Fault.TLS_TRICKLE: (TimeoutError, None),
    Fault.TLS_UNTRUSTED: (ssl.SSLCertVerificationError, "unable to get local issuer"),
    Fault.TLS_WRONG_NAME: (ssl.SSLCertVerificationError, "Hostname mismatch"),
    Fault.TLS_EXPIRED: (ssl.SSLCertVerificationError, "expired"),
}


@pytest.mark.parametrize("fault", EXPECTED, ids=str)
def test_a_handshake_fails_as_it_says(server: FaultServer, fault: Fault) -> None:
    """No request gets through a handshake that fails, and the next connection is well again."""
    error, match = EXPECTED[fault]
    server.inject(fault)
    with pytest.raises(error, match=match):
        _connected(server, timeout=0.5)

    with _connected(server) as client:
        client.sendall(REQUEST)
        assert HEALTHY == client.recv(1000)
    assert (2, 1) == (server.connections, server.received)


def test_every_fault_of_the_handshake_is_tested() -> None:
    """A new fault of TLS has to say here what a client sees."""
    assert set(HANDSHAKES) == {*EXPECTED, Fault.TLS_SLOW}


def test_a_handshake_may_be_slow(server: FaultServer) -> None:
    """A slow handshake succeeds for those who wait."""
    server.inject(Fault.TLS_SLOW.with_pace(0.1))
    begin = time.monotonic()
    with _connected(server) as client:
        assert time.monotonic() - begin >= 0.1
        client.sendall(REQUEST)
        assert HEALTHY == client.recv(1000)


def test_a_handshake_may_trickle(server: FaultServer) -> None:
    """The server's part of the handshake comes byte by byte: no time-out between two bytes ends it."""
    server.inject(Fault.TLS_TRICKLE.with_pace(0.01))
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"\x16\x03\x01\x00\x05hello")
        pieces = [client.recv(100) for _ in range(12)]

    assert b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\0\0\0" == b"".join(pieces)[:12]


@pytest.mark.parametrize("fault", [f for f in FAULTS if not f.needs_tls and f.stage is Stage.ANSWER], ids=str)
def test_a_fault_is_the_same_over_tls(server: FaultServer, fault: Fault) -> None:
    """The request is whole, and the function runs or not, as over a plain connection; then all is well."""
    server.inject(fault.with_pace(0.003) if fault.pace else fault)
    with _connected(server) as client:
        client.sendall(REQUEST)
        client.settimeout(0.1)
        _read_some(client)

    assert server.settle()
    assert (1, int(fault.executes)) == (server.received, server.executions)


def _read_some(client: ssl.SSLSocket) -> None:
    """Read until the end, until nothing comes, or until it has been enough."""
    end = time.monotonic() + 0.5
    try:
        while client.recv(65_536) and time.monotonic() < end:
            pass
    except (TimeoutError, ConnectionResetError):
        return


def test_a_fault_of_connecting_ends_idle_connections(server: FaultServer) -> None:
    """The next request has to make a new connection, and so meets the fault of the handshake."""
    client = _client(server)
    _posted(client)
    server.inject(Fault.TLS_UNTRUSTED)
    with pytest.raises((http.client.RemoteDisconnected, OSError)):
        _posted(client)
    client.close()
    with pytest.raises(ssl.SSLCertVerificationError):
        _posted(client)
    client.close()

    assert 1 == server.executions


def test_many_clients_are_served(server: FaultServer) -> None:
    """32 clients over TLS are all answered with their own."""

    def calls(number: int) -> bool:
        client = _client(server, timeout=30)
        bodies = [b"%d-%d" % (number, call) for call in range(20)]
        answers = [_posted(client, body) for body in bodies]
        client.close()
        return answers == bodies

    with ThreadPoolExecutor(32) as pool:
        assert [True] * 32 == list(pool.map(calls, range(32)))
    assert (32, 640) == (server.connections, server.executions)


def test_the_end_leaves_nothing_behind() -> None:
    """With clients in the middle of everything the server is gone at once, and so is its file."""
    before = set(threading.enumerate())
    with FaultServer(_echo, tls=True) as server:
        ca_file = Path(server.ca_file or "")
        assert b"BEGIN CERTIFICATE" in ca_file.read_bytes()
        idle, hanging = _connected(server), _connected(server)
        server.inject(Fault.HANG_BEFORE_ANSWER)
        hanging.sendall(REQUEST)
        assert not server.settle(0.05)
        server.inject(Fault.TLS_HANG)
        greeting = socket.create_connection(("127.0.0.1", server.port))
        begin = time.monotonic()
    taken = time.monotonic() - begin

    assert taken < 5
    assert set() == set(threading.enumerate()) - before
    assert not ca_file.exists()
    for client in (idle, hanging, greeting):
        client.close()


def test_a_client_that_resets_in_the_handshake_does_no_harm(server: FaultServer) -> None:
    """A client that leaves before or in the handshake is forgotten, and the next is served."""
    for hello in (b"", b"\x16\x03\x01", b"POST / HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(hello)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert server.settle()
    with _connected(server) as client:
        client.sendall(REQUEST)
        assert HEALTHY == client.recv(1000)


@pytest.mark.parametrize("end", [End.CLOSE, End.RESET, End.HANG], ids=str)
def test_urllib3_sees_no_answer(server: FaultServer, end: End) -> None:
    """The pool that most SDKs stand on fails with its own errors, and the function has run once."""
    urllib3 = pytest.importorskip("urllib3", reason="urllib3 has the pool")
    server.inject(Fault("NO_ANSWER", end=end, executes=True))
    with (
        urllib3.PoolManager(retries=False, timeout=0.2, ca_certs=server.ca_file) as pool,
        pytest.raises((urllib3.exceptions.ProtocolError, urllib3.exceptions.ReadTimeoutError)),
    ):
        pool.request("POST", server.url, body=b"{}")

    assert 1 == server.executions


def test_without_trustme_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS needs the extra, and says so; nothing is left behind."""
    before = set(threading.enumerate())
    monkeypatch.setitem(sys.modules, "trustme", None)

    with pytest.raises(ImportError, match=r"pip install 'fcall-core\[testing\]'"):
        FaultServer(_echo, tls=True)
    assert set() == set(threading.enumerate()) - before


def test_a_plain_server_loads_no_cryptography() -> None:
    """Without TLS nothing is imported that fcall does not bring."""
    program = (
        "import sys; from fcall.testing.faults import FaultServer, Response\n"
        "with FaultServer(lambda request: Response()) as server: pass\n"
        "assert not {'trustme', 'cryptography', 'pytest'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
