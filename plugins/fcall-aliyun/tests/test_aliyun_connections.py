"""Connections: kept, shared by threads, never by processes, and given up at once where they are refused."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fcall_aliyun.testing import FcEndpoint

import fcall
from fcall.errors import ClientClosedError, ConnectionFailedError, Executed, InvocationTimeoutError
from fcall.testing.faults import Fault, FaultServer, Request, Response


@pytest.mark.parametrize("name", ["images/echo", "echo"], ids=["fc2", "fc3"])
def test_calls_share_a_connection(endpoint: FcEndpoint, client: Callable[..., fcall.Client], name: str) -> None:
    """200 calls in a row, Sync and Async, need one connection."""
    caller = client(endpoint)
    before = endpoint.connections
    for number in range(200):
        (caller.enqueue if number % 4 == 0 else caller.invoke)(name, number)

    assert endpoint.connections - before == 1


def test_failures_keep_the_connection(endpoint: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
    """A function error and a refusal are read to their ends, and the connection serves on."""
    caller = client(endpoint)
    before = endpoint.connections
    for _ in range(20):
        for name in ("images/fail", "missing"):
            with pytest.raises(fcall.errors.InvocationError):
                caller.invoke(name)

    assert endpoint.connections - before == 1


def test_threads_share_the_pool(endpoint: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
    """32 threads with 20 calls each need 32 connections at most, and each gets its own answers."""
    caller = client(endpoint, max_concurrency=32)
    before = endpoint.connections

    def calls(thread: int) -> bool:
        return all(caller.invoke("images/echo", [thread, call]).json() == [thread, call] for call in range(20))

    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(calls, range(32)))
    assert endpoint.connections - before <= 32


def test_max_concurrency_is_a_limit(client: Callable[..., fcall.Client]) -> None:
    """No more calls are under way than allowed; one that cannot begin in time did not run."""
    entered, leave = threading.Event(), threading.Event()

    def wait(event: bytes, context: Any) -> bytes:
        entered.set()
        leave.wait(10)
        return b"done"

    with FcEndpoint({"wait": wait}) as endpoint, ThreadPoolExecutor(1) as pool:
        caller = client(endpoint, max_concurrency=1)
        first = pool.submit(caller.invoke, "wait")
        assert entered.wait(10)
        with pytest.raises(InvocationTimeoutError, match="max_concurrency") as raised:
            caller.invoke("wait", timeout=0.1)
        leave.set()

        assert raised.value.executed is Executed.NO
        assert first.result(10).text == "done"
        assert endpoint.connections == 1


SLOW_SERVICE = """
import sys
from fcall.testing.faults import FaultServer, Response
headers = (("X-Fc-Request-Id", "1"), ("Content-Type", "application/octet-stream"))
with FaultServer(lambda request: Response(200, headers, request.body, delay=0.05), keep=1) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


def test_fifty_threads_wait_together(client: Callable[..., fcall.Client]) -> None:
    """50 threads that each wait for 50 ms get at least four fifths of what the waiting alone allows."""
    rounds, threads, latency = 8, 50, 0.05
    command = [sys.executable, "-c", SLOW_SERVICE]  # elsewhere, so that it does not compete for this interpreter
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout
        caller = client(endpoint=service.stdout.readline().strip(), access_key_id="id", access_key_secret="secret")
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda _: caller.invoke("images/echo", 1), range(threads)))  # connections are there
            best = min(_seconds(pool, caller, threads * rounds) for _ in range(4))

    assert rounds * latency / best >= 0.8


def _seconds(pool: ThreadPoolExecutor, caller: fcall.Client, calls: int) -> float:
    started = time.perf_counter()
    list(pool.map(lambda _: caller.invoke("images/echo", 1), range(calls)))
    return time.perf_counter() - started


@pytest.mark.parametrize("name", ["images/echo", "echo"], ids=["fc2", "fc3"])
def test_a_refused_port_is_told_at_once(client: Callable[..., fcall.Client], name: str) -> None:
    """A port where nobody listens is reported within 0.3 s, all attempts included."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else's
        caller = client(
            endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}", access_key_id="id", access_key_secret="secret"
        )
        _refused(caller, name)
        started = time.perf_counter()
        error = _refused(caller, name)

    assert time.perf_counter() - started < 0.3
    assert error.executed is Executed.NO
    assert len(error.attempts) == 3


def _refused(caller: fcall.Client, name: str) -> ConnectionFailedError:
    with pytest.raises(ConnectionFailedError) as raised:
        caller.invoke(name, timeout=10)
    return raised.value


def test_a_name_that_does_not_resolve_is_told_at_once(
    client: Callable[..., fcall.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that has no address is reported within 0.3 s, all attempts included."""

    def unknown(*arguments: Any, **keywords: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    caller = client(endpoint="https://fc.invalid", access_key_id="id", access_key_secret="secret")
    _refused(caller, "images/echo")
    started = time.perf_counter()
    error = _refused(caller, "images/echo")

    assert time.perf_counter() - started < 0.3
    assert error.executed is Executed.NO
    assert "Name or service not known" in str(error)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_has_connections_of_its_own(tmp_path: Any) -> None:
    """8 children with 25 calls each, after the parent has called, get their own answers and disturb nobody's."""
    program = """
import os, sys
import fcall, fcall_aliyun
from fcall_aliyun.testing import FcEndpoint
with FcEndpoint({"images/echo": lambda event, context: event}, tls=sys.argv[1] == "tls") as endpoint:
    server = os.getpid()
    spec = fcall_aliyun.fcall_register_providers()
    provider = spec.create(spec.options(**endpoint.options))  # the caller's own, which no child makes anew
    client = fcall.Client(providers={"aliyun": provider})
    client.invoke("images/echo", "parent")
    children = []
    for child in range(8):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                right = all(client.invoke("images/echo", [child, n]).json() == [child, n] for n in range(25))
                code = 0 if right else 2
            finally:
                os._exit(code)
        children.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    again = client.invoke("images/echo", "parent").json()
    print(codes, again, endpoint.connections)
    provider.close()
"""
    for scheme in ("http", "tls"):
        environ = {**os.environ, "PYTHONWARNINGS": "ignore::DeprecationWarning"}  # forking beside threads is the point
        finished = subprocess.run(
            [sys.executable, "-c", program, scheme],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

        assert finished.stdout == f"{[0] * 8} parent 9\n", finished.stderr


STRAY = b"HTTP/1.1 200 OK\r\nX-Fc-Request-Id: 1\r\nContent-Length: 9\r\n\r\nsomebody"
TWO_LENGTHS = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n0\r\n0\r\n\r\n"
SPOILING = [
    Fault("TOO_MUCH", executes=True, sends=lambda response: (b"".join(response.wire()) + STRAY,)),
    Fault("TWO_FRAMES", sends=lambda response: (TWO_LENGTHS,)),
    Fault("SWITCHED_AND_KEPT", sends=lambda response: (b"HTTP/1.1 101 Switching Protocols\r\n\r\n",)),
]


@pytest.mark.parametrize("fault", SPOILING, ids=str)
def test_an_answer_may_spoil_the_connection(client: Callable[..., fcall.Client], fault: Fault) -> None:
    """Where more may come than the answer, the connection is not used again, though nobody closed it."""
    with FcEndpoint({"echo": lambda event, context: event}) as endpoint:
        endpoint.inject(fault)
        caller = client(endpoint)
        with contextlib.suppress(fcall.errors.InvocationError):
            caller.invoke("echo", 0)

        assert [caller.invoke("echo", number).json() for number in range(3)] == [0, 1, 2]
        assert endpoint.connections == 2


def test_a_closed_provider_refuses(endpoint: FcEndpoint) -> None:
    """After close no connection is opened any more."""
    from fcall_aliyun import AliyunOptions, fcall_register_providers

    from fcall.provider import Deadline, Invocation

    provider = fcall_register_providers().create(AliyunOptions(**endpoint.options))
    provider.invoke(Invocation("echo", "images"), Deadline.after(5))
    provider.close()
    with pytest.raises(ClientClosedError):
        provider.invoke(Invocation("echo", "images"), Deadline.after(5))


@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "proxy"])
def test_closing_wakes_up_who_waits(client: Callable[..., fcall.Client], proxied: bool) -> None:
    """A call that waits for a connection is told at once; one that is under way is answered."""
    entered, leave = threading.Event(), threading.Event()

    def hold(request: Request) -> Response:
        entered.set()
        leave.wait(10)
        return Response(200, (("X-Fc-Request-Id", "1"),), b"done")

    with FaultServer(hold) as server, ThreadPoolExecutor(5) as pool:
        there = {"endpoint": server.url, "access_key_id": "id", "access_key_secret": "secret"}
        caller = client(max_concurrency=1, timeout=30, **there, **({"proxy": server.url} if proxied else {}))
        under_way = pool.submit(caller.invoke, "images/echo", 1)
        assert entered.wait(5)
        waiting = [pool.submit(caller.invoke, "images/echo", 1) for _ in range(3)]
        while not all(future.running() for future in waiting):
            time.sleep(0.01)
        caller.close()
        failures = [future.exception(5) for future in waiting]
        leave.set()

        assert under_way.result(5).payload == b"done"
        assert [ClientClosedError] * 3 == [type(failure) for failure in failures]
        assert server.received == 1


def test_an_address_without_tls_is_told(client: Callable[..., fcall.Client]) -> None:
    """Where TLS fails for another reason than the certificate, the error says which."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        pool.submit(_say_hello, listener)
        caller = client(endpoint=f"127.0.0.1:{listener.getsockname()[1]}", access_key_id="id", access_key_secret="x")
        with pytest.raises(ConnectionFailedError, match="TLS failed") as raised:
            caller.invoke("images/echo", 1, timeout=5)
        listener.shutdown(socket.SHUT_RDWR)

    assert raised.value.executed is Executed.NO


def _say_hello(listener: socket.socket) -> None:
    """Speak first, and no TLS, on every connection until the listener is shut."""
    with contextlib.suppress(OSError):
        while True:
            with listener.accept()[0] as connection:
                connection.sendall(b"220 mail.example ESMTP\r\n")
                connection.recv(4096)


def test_the_socket_is_set_up_for_long_calls(endpoint: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
    """No delay, and a probe of the connection while a function runs for long."""
    opened: list[socket.socket] = []
    connect = socket.socket.connect

    def noted(self: socket.socket, address: Any) -> None:
        opened.append(self)
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", noted)
        caller = client(endpoint)
        options: list[tuple[int, int]] = []
        setsockopt = socket.socket.setsockopt
        patch.setattr(
            socket.socket,
            "setsockopt",
            lambda self, *values: (options.append(values[:2]), setsockopt(self, *values))[1],  # type: ignore[func-returns-value]
        )
        caller.invoke("images/echo", 1)

    assert opened
    assert {(socket.IPPROTO_TCP, socket.TCP_NODELAY), (socket.SOL_SOCKET, socket.SO_KEEPALIVE)} <= set(options)
