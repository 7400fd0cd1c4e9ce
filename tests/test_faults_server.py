"""The fault server: what it answers, what it counts, and that faults strike when they are told to."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fcall.provider import Deadline
from fcall.testing.faults import FAULTS, End, Fault, FaultServer, Headers, Request, Response, Stage

REQUEST = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


def _echo(request: Request) -> Response:
    return Response(200, {"X-Id": "1"}, request.body)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server that answers with what it was sent."""
    with FaultServer(_echo) as server:
        yield server


@pytest.fixture
def connect(server: FaultServer) -> Iterator[Callable[[], http.client.HTTPConnection]]:
    """Makes clients, which are closed at the end."""
    made: list[http.client.HTTPConnection] = []

    def connect() -> http.client.HTTPConnection:
        made.append(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10))
        return made[-1]

    yield connect
    for client in made:
        client.close()


def _posted(client: http.client.HTTPConnection, body: bytes = b"{}", target: str = "/a") -> tuple[int, bytes]:
    client.request("POST", target, body)
    response = client.getresponse()
    return response.status, response.read()


def _exchanged(server: FaultServer, data: bytes) -> bytes:
    """What a server sends back on a connection of its own, up to its end or the end of what is expected."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65_536), b""))


# The healthy service


def test_a_healthy_server_answers_and_counts(server: FaultServer, connect: Callable) -> None:
    """Every request is answered by the service, on one connection, and is counted with all that it said."""
    client = connect()
    answers = [_posted(client, body, "/a%2Fb?x=1&y=%20&z=") for body in (b"one", b"two")]

    assert [(200, b"one"), (200, b"two")] == answers
    assert (1, 2, 2) == (server.connections, server.received, server.executions)
    assert [b"one", b"two"] == [request.body for request in server.requests]
    assert ("POST", "/a%2Fb?x=1&y=%20&z=", "/a%2Fb") == (
        server.requests[0].method,
        server.requests[0].target,
        server.requests[0].path,
    )
    assert {"x": "1", "y": " ", "z": ""} == server.requests[0].query


def test_the_answer_is_one_write_with_its_length(server: FaultServer) -> None:
    """What goes over the line is a status line, the headers of the service, the length and the body."""
    assert b"HTTP/1.1 200 OK\r\nX-Id: 1\r\nContent-Length: 2\r\n\r\n{}" == _exchanged(server, REQUEST)


def test_large_bodies_go_both_ways(connect: Callable) -> None:
    """A body of several megabytes arrives and comes back as it was."""
    body = bytes(range(256)) * 4096 * 6

    assert (200, body) == _posted(connect(), body)


def test_a_chunked_request_is_put_together(server: FaultServer, connect: Callable) -> None:
    """A body that came in chunks is counted as one body, without its framing."""
    client = connect()
    client.request("POST", "/a", iter([b"one", b"two"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    client.getresponse().read()

    assert b"onetwo" == server.requests[0].body


def test_a_client_that_waits_for_leave_gets_it(server: FaultServer) -> None:
    """With ``Expect: 100-continue`` the server asks for the body before it waits for it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        leave = client.recv(1000)
        client.sendall(b"{}")

        assert b"HTTP/1.1 100 Continue\r\n\r\n" == leave
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_requests_in_one_segment_are_told_apart(server: FaultServer) -> None:
    """Two requests that arrive together get two answers, in order."""
    got = _exchanged(server, REQUEST + REQUEST.replace(b"{}", b"[]"))

    assert [b"{}", b"[]"] == [request.body for request in server.requests]
    assert got.index(b"{}") < got.index(b"[]")


@pytest.mark.parametrize(
    "line", [b"POST / HTTP/1.0\r\n\r\n", b"POST / HTTP/1.1\r\nConnection: close\r\n\r\n"], ids=["1.0", "close"]
)
def test_a_client_that_wants_one_answer_gets_one(server: FaultServer, line: bytes) -> None:
    """After HTTP/1.0 and ``Connection: close`` the server closes, though the client would still send."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(line)

        assert b"".join(iter(lambda: client.recv(1000), b"")).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\r\n\r\n",
        b"POST /\r\n\r\n",
        b"POST / HTTP/2\r\n\r\n",
        b"POST / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1_0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 10_000,
        b"POST / HTTP/1.1\r\nX: " + b"x" * 2_000_000,
    ],
    ids=range(13),
)
def test_what_is_no_request_is_not_counted(server: FaultServer, data: bytes) -> None:
    """A client that sends no proper request of HTTP/1.1 is told so, and nothing is counted or run."""
    assert _exchanged(server, data).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert (0, 0) == (server.received, server.executions)


@pytest.mark.parametrize("data", [REQUEST[:10], REQUEST[:-1], b""], ids=["head", "body", "nothing"])
def test_half_a_request_is_not_counted(server: FaultServer, data: bytes) -> None:
    """A request of which the end is missing is neither counted nor run nor answered."""
    assert b"" == _exchanged(server, data)
    assert (0, 0, 1) == (server.received, server.executions, server.connections)


def test_an_answer_may_be_chunked_late_or_without_body(connect: Callable) -> None:
    """A service may stream, take its time, and answer without a body."""
    answers = {
        "/parts": Response(body=(part for part in (b"one", b"", b"two"))),
        "/chunked": Response(body=b"whole", chunked=True),
        "/late": Response(body=b"late", delay=0.05),
        "/none": Response(204),
    }
    with FaultServer(lambda request: answers[request.path]) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        begin = time.monotonic()
        got = [_posted(client, target=path) for path in answers]
        client.close()

    assert [(200, b"onetwo"), (200, b"whole"), (200, b"late"), (204, b"")] == got
    assert time.monotonic() - begin >= 0.05
    assert 1 == server.connections


def test_a_service_that_raises_is_no_fault() -> None:
    """A mistake in a test's own service is a 500 for the client, and an exception of the thread for the test."""
    seen: list[threading.ExceptHookArgs] = []
    before, threading.excepthook = threading.excepthook, seen.append
    try:
        with FaultServer(lambda request: Response(status=1 // 0)) as server:
            got = _exchanged(server, REQUEST)
    finally:
        threading.excepthook = before

    assert got.startswith(b"HTTP/1.1 500 ")
    assert [ZeroDivisionError] == [type(hook.exc_value.__cause__) for hook in seen if hook.exc_value]


def test_headers_are_found_in_any_case() -> None:
    """Headers keep their order and their spelling, and are found in any; what came twice is joined."""
    headers = Headers([("X-B", "1"), ("x-a", "2"), ("x-b", "3")])

    assert ("1, 3", "2", None) == (headers["x-B"], headers.get("X-A"), headers.get("x-c"))
    assert "X-A" in headers
    assert 2 not in headers  # type: ignore[comparison-overlap]
    assert [("X-B", "1, 3"), ("x-a", "2")] == list(headers.items())
    assert (("X-B", "1"), ("x-a", "2"), ("x-b", "3")) == headers.pairs
    assert 2 == len(headers)


def test_reprs_tell_no_secret() -> None:
    """Neither the values of headers nor a query nor a body is in the repr of a request."""
    request = Request("POST", "/a?token=canary", Headers([("Authorization", "canary")]), b"canary")

    assert "<Request POST /a, 6 bytes>" == repr(request)
    assert "<Headers: Authorization>" == repr(request.headers)


# When faults strike


def test_faults_strike_one_request_each_in_order(server: FaultServer, connect: Callable) -> None:
    """Each fault is for one request, in the order in which they were injected; then all is well."""
    client = connect()
    server.inject(Fault.HTML_502, Fault.NONE)
    server.inject(Fault.status(503, b"busy"))
    got = [_posted(client)[0] for _ in range(5)]

    assert [502, 200, 503, 200, 200] == got
    assert (5, 3, 1) == (server.received, server.executions, server.connections)


def test_a_fault_may_stay(server: FaultServer, connect: Callable) -> None:
    """A fault that is there always strikes every request until the server is healed; others go before it."""
    client = connect()
    server.inject(Fault.status(503), always=True)
    server.inject(Fault.status(429))
    got = [_posted(client)[0] for _ in range(3)]
    server.heal()

    assert [429, 503, 503, 200] == [*got, _posted(client)[0]]


def test_reset_forgets_counts_and_faults(server: FaultServer, connect: Callable) -> None:
    """After a reset the server has seen nothing and nothing goes wrong, on the connections that there are."""
    client = connect()
    _posted(client)
    server.inject(Fault.HTML_502, Fault.REFUSED)
    server.reset()

    assert (0, 0, 0, ()) == (server.connections, server.received, server.executions, server.requests)
    assert (200, b"{}") == _posted(client)
    assert (0, 1) == (server.connections, server.received)


def test_a_fault_of_connecting_ends_idle_connections(server: FaultServer, connect: Callable) -> None:
    """The next request has to connect, and so meets the fault, though a connection was open."""
    client = connect()
    _posted(client)
    server.inject(Fault.RESET_ON_ACCEPT)

    with pytest.raises(ConnectionError):
        _posted(client)  # the old connection
    client.close()
    with pytest.raises(ConnectionError):
        _posted(client)  # the new one
    client.close()
    assert (200, b"{}") == _posted(client)


def test_an_idle_connection_is_ended_at_once(server: FaultServer) -> None:
    """A client that looks before it sends sees that its connection is gone as soon as a fault of connecting is next."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(REQUEST)
        client.recv(1000)
        assert server.settle()
        server.inject(Fault.CLOSE_ON_ACCEPT)

        assert b"" == client.recv(1000)


def test_a_fault_of_connecting_may_follow_others(server: FaultServer, connect: Callable) -> None:
    """A connection says that it will end when what goes wrong next needs a new one."""
    client = connect()
    server.inject(Fault.NONE, Fault.REFUSED)
    client.request("POST", "/a", b"{}")
    response = client.getresponse()

    assert (200, "close") == (response.status, response.headers["Connection"])
    response.read()
    with pytest.raises(ConnectionRefusedError):
        _posted(client)


def test_a_refused_port_is_open_again(server: FaultServer, connect: Callable) -> None:
    """Connections are refused until the server is healed, and made on the same port afterwards."""
    client = connect()
    server.inject(Fault.REFUSED)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            client.connect()
    server.heal()

    assert (200, b"{}") == _posted(client)
    assert 1 == server.connections


def test_a_port_may_be_refused_for_a_while(server: FaultServer, connect: Callable) -> None:
    """With a pace a fault of connecting ends by itself, and what was injected after it comes next."""
    client = connect()
    server.inject(Fault.REFUSED.with_pace(0.05), Fault.REFUSED.with_pace(0.05), Fault.HTML_502)
    begin = time.monotonic()
    while True:
        try:
            client.connect()
            break
        except ConnectionRefusedError:
            assert time.monotonic() - begin < 10

    assert time.monotonic() - begin >= 0.08
    assert 502 == _posted(client)[0]


def test_a_black_hole_swallows_connections(server: FaultServer, connect: Callable) -> None:
    """No answer comes to an attempt to connect. What made the port deaf is not counted when it hears again."""
    server.inject(Fault.BLACK_HOLE)
    with pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", server.port), timeout=0.1)
    assert 0 == server.connections
    server.heal()

    assert (200, b"{}") == _posted(connect())
    assert 1 == server.connections


def test_a_reused_connection_is_told_from_a_new_one(server: FaultServer, connect: Callable) -> None:
    """A fault of reuse lets the first request of a connection pass, and strikes the next."""
    client = connect()
    server.inject(Fault.RESET_REUSED, always=True)
    assert (200, b"{}") == _posted(client)
    with pytest.raises(ConnectionResetError):
        _posted(client)
    client.close()

    assert (200, b"{}") == _posted(client)
    assert (2, 2) == (server.received, server.connections)


@pytest.mark.parametrize("faults", [(), (Fault.HTML_200, Fault.HTML_502)], ids=["none", "two"])
def test_only_one_fault_can_be_there_always(server: FaultServer, faults: tuple[Fault, ...]) -> None:
    """With ``always`` there is exactly one fault, or an error."""
    with pytest.raises(ValueError, match="exactly one"):
        server.inject(*faults, always=True)


def test_a_fault_of_tls_needs_tls(server: FaultServer) -> None:
    """A server without TLS says so when it is asked to fail at it."""
    with pytest.raises(ValueError, match="TLS_ALERT is a fault of TLS"):
        server.inject(Fault.TLS_ALERT)


# Counts, load, and the end


def test_counts_are_exact_under_load(server: FaultServer) -> None:
    """32 clients on 32 connections are all answered with their own, and every request is counted once."""

    def calls(number: int) -> bool:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        bodies = [b"%d-%d" % (number, call) for call in range(50)]
        answers = [_posted(client, body) for body in bodies]
        client.close()
        return answers == [(200, body) for body in bodies]

    with ThreadPoolExecutor(32) as pool:
        right = list(pool.map(calls, range(32)))

    assert [True] * 32 == right
    assert (32, 1600, 1600) == (server.connections, server.received, server.executions)
    assert 1600 == len({request.body for request in server.requests})


def test_faults_are_spent_once_under_load(server: FaultServer) -> None:
    """However many clients there are, each injected fault strikes exactly one request."""
    server.inject(*[Fault.status(503)] * 100)

    def calls(number: int) -> int:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        failed = sum(_posted(client)[0] == 503 for _ in range(20))
        client.close()
        return failed

    with ThreadPoolExecutor(16) as pool:
        assert 100 == sum(pool.map(calls, range(16)))
    assert 220 == server.executions


def test_only_the_latest_requests_may_be_kept(connect: Callable) -> None:
    """With ``keep`` the requests take no more memory than that, and are counted all the same."""
    with FaultServer(_echo, keep=2) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        for number in range(5):
            _posted(client, b"%d" % number)
        client.close()

    assert [b"3", b"4"] == [request.body for request in server.requests]
    assert (5, 5) == (server.received, server.executions)


def test_counts_settle() -> None:
    """A request that its client no longer waits for is counted when the server says that all is settled."""
    with FaultServer(_echo) as server:
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(REQUEST)
        settled = server.settle()

        assert settled
        assert (50, 50, 50) == (server.connections, server.received, server.executions)


def test_a_closed_connection_is_settled(server: FaultServer) -> None:
    """What the client does with a connection that the server has closed matters no more."""
    server.inject(Fault.CLOSE_BEFORE_RUN)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(REQUEST)

        assert b"" == client.recv(1000)
        assert server.settle(0.2)


def test_what_hangs_does_not_settle(server: FaultServer, connect: Callable) -> None:
    """As long as a client waits for an answer that will not come, nothing is settled; when it gives up, all is."""
    server.inject(Fault.HANG_BEFORE_ANSWER)
    client = connect()
    client.request("POST", "/a", b"{}")
    patience = Deadline.after(10)
    while not server.received and not patience.expired:
        threading.Event().wait(0.002)

    assert not server.settle(0.05)
    client.close()
    assert server.settle()


def test_the_end_leaves_nothing_behind() -> None:
    """With clients in every kind of wait the server is gone at once: its threads, its sockets, its port."""
    before = set(threading.enumerate())
    hanging = [fault for fault in FAULTS if fault.end is End.HANG and not fault.needs_tls]
    clients = []
    with FaultServer(_echo) as server:
        for fault in [*hanging, Fault.SLOW_BODY, Fault.ENDLESS_BODY, Fault.delayed(60)]:
            if fault.stage is Stage.CONNECT:
                continue
            server.inject(fault)
            clients.append(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            clients[-1].sendall(REQUEST)
        clients.append(socket.create_connection(("127.0.0.1", server.port), timeout=10))  # and one that says nothing
        assert not server.settle(0.05)
        begin = time.monotonic()
    taken = time.monotonic() - begin

    assert taken < 5
    assert set() == set(threading.enumerate()) - before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))
    for client in clients:
        client.close()


def test_stopping_twice_is_harmless() -> None:
    """A server that was stopped inside its block ends in peace."""
    with FaultServer(_echo) as server:
        server.stop()
    server.stop()


def test_servers_do_not_share_a_port() -> None:
    """Many servers at once have a port each."""
    servers = [FaultServer(_echo) for _ in range(40)]
    ports = {server.port for server in servers}
    for server in servers:
        server.stop()

    assert 40 == len(ports)


# The faults as values


def test_every_ready_made_fault_is_an_attribute() -> None:
    """The tuple of all faults and the attributes of `Fault` are the same faults, under the same names."""
    declared = {name for name, kind in Fault.__annotations__.items() if name.isupper()}

    assert {fault.name for fault in FAULTS} | {"NONE"} == declared
    assert [fault for fault in FAULTS if getattr(Fault, fault.name) is not fault] == []
    assert len(FAULTS) == len({str(fault) for fault in FAULTS}) >= 32


def test_what_delivers_has_run() -> None:
    """No fault gives the client a healthy answer to a function that did not run."""
    assert [] == [fault.name for fault in FAULTS if fault.delivers and not fault.executes]


def test_faults_are_values() -> None:
    """A fault cannot be changed, and says what it is."""
    with pytest.raises(AttributeError):
        Fault.GARBAGE.executes = True  # type: ignore[misc]

    assert "GARBAGE" == str(Fault.GARBAGE)
    assert ("STATUS_503", "REDIRECT_302", "DELAYED_0.5S", "REFUSED_2S") == tuple(
        map(str, (Fault.status(503), Fault.redirect("/", 302), Fault.delayed(0.5), Fault.REFUSED.with_pace(2)))
    )
    assert Fault.status(503).executes is False
    assert Fault.status(503, runs=True).executes is True


def test_every_fault_is_explained(repository: Path) -> None:
    """The reference has a row for every ready-made fault, in order, with what becomes of function and client."""
    page = (repository / "docs" / "reference" / "faults.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_0-9]+)` \| (yes|no) \| (yes|no) \| \S", page, flags=re.MULTILINE)
    said = {True: "yes", False: "no"}

    assert [(fault.name, said[fault.executes], said[fault.delivers]) for fault in FAULTS] == rows
