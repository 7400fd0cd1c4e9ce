"""HTTP that no client would speak: what is late, too large, malformed or too much of it."""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

import fcall

for _module in ("uvicorn", "httptools"):
    pytest.importorskip(_module, reason=f"{_module} is not installed, which serving needs")

from serve_clients.fuzz import requests, status_of  # noqa: E402
from toy_api import ToyApi  # noqa: E402

from fcall.serve import Server  # noqa: E402
from fcall.serve._app import App, Limits  # noqa: E402
from fcall.serve._functions import Functions  # noqa: E402
from fcall.serve._gate import Gate  # noqa: E402
from fcall.serve._journal import Journal  # noqa: E402
from fcall.serve._listener import Listener  # noqa: E402
from fcall.serve._protocol import BoundedProtocol  # noqa: E402
from fcall.serve._stage import Stage  # noqa: E402


def echo(event: object, context: object) -> object:
    return event


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of one function over every API that is installed, or over the toy API where none is."""
    registry = fcall.local.Registry()
    registry.function("echo")(echo)
    with Server(registry=registry, apis=[*_installed_apis(), ToyApi()], function_timeout=60) as server:
        yield server


def _installed_apis() -> list[object]:
    from fcall._plugins import Plugins

    return Plugins().apis()


def _connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60)


def _read(connection: socket.socket) -> bytes:
    """Everything up to the end of the connection."""
    pieces = []
    while piece := connection.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces)


def _works(server: Server) -> bool:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    connection.request("POST", "/toy/echo", b"[1]")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return bool(answer["payload"] == "[1]")


@pytest.mark.parametrize("begun", [b"", b"POST /toy/echo HT", b"POST /toy/echo HTTP/1.1\r\nHost: localhost\r\n"])
def test_a_request_that_does_not_come_is_not_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    """A connection on which no head of a request comes within the time-out is answered with 408 and closed."""
    monkeypatch.setattr(BoundedProtocol, "head_timeout", 0.1)
    with _connected(server.url) as connection:
        connection.sendall(begun)

        assert _read(connection).startswith(b"HTTP/1.1 408 ")


def test_a_second_request_that_does_not_come_is_not_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-out holds for every head of a kept-alive connection, and not before the first request is answered."""
    running, gave_up, go_on = threading.Event(), threading.Event(), threading.Event()
    give_up = BoundedProtocol._give_up

    def wait(event: object, context: object) -> None:
        running.set()
        go_on.wait(60)

    def noticed(protocol: BoundedProtocol) -> None:
        give_up(protocol)
        gave_up.set()

    server._options.registry.function("wait_for_second")(wait)
    with _connected(server.url) as connection:
        connection.sendall(b"POST /toy/wait_for_second HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        assert running.wait(60)
        monkeypatch.setattr(BoundedProtocol, "_give_up", noticed)
        monkeypatch.setattr(BoundedProtocol, "head_timeout", 0.05)
        connection.sendall(b"POST /toy/echo HTTP/1.1\r\nHo")
        assert gave_up.wait(60)
        go_on.set()
        answers = _read(connection)

    assert answers.startswith(b"HTTP/1.1 200 ")
    assert 1 == answers.count(b"HTTP/1.1 408 ")


def test_only_a_head_is_waited_for(server: Server) -> None:
    """No time-out runs while a request is answered, nor after it on an idle connection."""
    waiting = []
    registry = server._options.registry

    def look(event: object, context: object) -> None:
        waiting.extend(each._waiting for each in server._listener._uvicorn.server_state.connections)

    if registry.find(None, "look") is None:
        registry.function("look")(look)
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    connection.request("POST", "/toy/look")
    assert b"null" in connection.getresponse().read()
    look(None, None)
    connection.close()

    assert {None} == {*waiting}
    assert len(waiting) >= 2


@pytest.mark.parametrize(
    ("framing", "body"),
    [(b"content-length: 7", b'{"a":1}'), (b"transfer-encoding: chunked", b'7\r\n{"a":1}\r\n0\r\n\r\n')],
    ids=["length", "chunked"],
)
@pytest.mark.parametrize("apart", [False, True], ids=["at-once", "in-two"])
def test_an_offered_upgrade_takes_no_body_away(server: Server, framing: bytes, body: bytes, apart: bool) -> None:
    """A request that offers HTTP/2, as Java's client does, is answered with its body, and so is the one after it."""
    offer = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAAA\r\n"
    answers = []
    with _connected(server.url) as connection:
        for offered in (offer, b""):
            head = b"POST /toy/echo HTTP/1.1\r\nhost: localhost\r\n" + offered + framing + b"\r\n\r\n"
            for piece in (head, body) if apart else (head + body,):
                connection.sendall(piece)
            with http.client.HTTPResponse(connection) as response:
                response.begin()
                answers.append(json.loads(response.read())["payload"])

    assert ['{"a": 1}'] * 2 == answers


def test_a_tunnel_is_refused(server: Server) -> None:
    """CONNECT is answered, and the connection ends."""
    with _connected(server.url) as connection:
        connection.sendall(b"CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n")
        answer = _read(connection)

    assert answer.startswith(b"HTTP/1.1 405 ")


def test_a_head_is_not_endless(server: Server) -> None:
    """A head of more than a megabyte is refused."""
    with _connected(server.url) as connection:
        connection.sendall(b"POST /toy/echo HTTP/1.1\r\nHost: localhost\r\n")
        answer = b""
        try:
            for number in range(20_000):
                connection.sendall(b"X-%d: %s\r\n" % (number, b"x" * 100))
            answer = _read(connection)
        except ConnectionError:  # it was closed while we were still sending
            answer = answer or b"HTTP/1.1 431 "

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert _works(server)


@pytest.fixture
def small() -> Iterator[str]:
    """The URL of a server that takes bodies of 1,000 bytes, within a moment."""
    registry = fcall.local.Registry()
    stage = Stage(Functions([]), ["lambda"])
    app = App([ToyApi()], stage, Gate(), None, Journal(), Limits(body=1_000, body_timeout=0.2))
    listener = Listener(app, "127.0.0.1", 0)
    listener.start()
    yield f"http://127.0.0.1:{listener.port}"
    listener.stop()
    stage.close()
    del registry


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 1001", b"x" * 1_001),
        (b"Transfer-Encoding: chunked", b"3e9\r\n" + b"x" * 1_001 + b"\r\n0\r\n\r\n"),
    ],
)
def test_a_body_that_is_too_large_is_refused(small: str, framing: bytes, body: bytes) -> None:
    """A body over the cap is answered with 413 in the API's words, and its connection is closed."""
    with _connected(small) as connection:
        connection.sendall(b"POST /toy/echo HTTP/1.1\r\nHost: localhost\r\n" + framing + b"\r\n\r\n" + body)
        answer = _read(connection)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"the request is larger than 1000 bytes" in answer


def test_a_body_that_does_not_come_whole_is_not_waited_for(small: str) -> None:
    """A body that stops is answered with 408 in the API's words."""
    with _connected(small) as connection:
        connection.sendall(b"POST /toy/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nbegun")

        assert _read(connection).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("number", [500, pytest.param(10_000, marks=pytest.mark.long)])
def test_malformed_requests_are_refused_and_nothing_hangs(server: Server, number: int) -> None:
    """Of malformed requests none brings a server error, none is left without an end, and the next call works."""
    address = ("127.0.0.1", urlsplit(server.url).port or 0)
    seen: dict[int, int] = {}
    for request in requests(random.Random(9), number):
        status = status_of(address, request)
        seen[status] = seen.get(status, 0) + 1
        assert status < 500, request[:500]

    assert number == sum(seen.values())
    assert {400, 404} <= seen.keys()
    assert _works(server)
