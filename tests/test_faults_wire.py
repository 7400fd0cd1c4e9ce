"""Every fault, as a client sees it on the line: the bytes, and how the connection ends."""

from __future__ import annotations

import gzip
import http.client
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fcall.testing.faults import FAULTS, End, Fault, FaultServer, Request, Response, Stage

REQUEST = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
BODY = b'{"n": 1}'
STATUS = b"HTTP/1.1 200 OK\r\nX-Id: 1\r\n"
HEALTHY = STATUS + b"Content-Length: 8\r\n\r\n" + BODY
PLAIN = [fault for fault in FAULTS if not fault.needs_tls and fault.stage not in (Stage.CONNECT, Stage.ACCEPT)]
WHOLE = [fault for fault in PLAIN if fault.stage is Stage.ANSWER]
SILENCE = 0.3  # seconds without a byte, after which a connection hangs
ENOUGH = 2_000_000  # bytes, or
TOO_LONG = 0.5  # seconds, after which an answer is endless


def _answer(request: Request) -> Response:
    return Response(200, {"X-Id": "1"}, BODY)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server with a healthy answer of eight bytes."""
    with FaultServer(_answer) as server:
        yield server


@contextmanager
def _connected(server: FaultServer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        yield client


def _read(client: socket.socket, enough: int = ENOUGH) -> tuple[bytes, End]:
    """What comes, and how it ends; HANG where nothing comes any more, or always more."""
    client.settimeout(SILENCE)
    got, begin = bytearray(), time.monotonic()
    try:
        while len(got) < enough and time.monotonic() - begin < TOO_LONG:
            if not (piece := client.recv(65_536)):
                return bytes(got), End.CLOSE
            got += piece
    except TimeoutError:
        pass
    except ConnectionResetError:
        return bytes(got), End.RESET
    return bytes(got), End.HANG


def _met(server: FaultServer, fault: Fault, enough: int = ENOUGH) -> tuple[bytes, End]:
    """What a client meets that sends its request over a connection which it has used before."""
    with _connected(server) as client:
        client.sendall(REQUEST)
        assert HEALTHY == client.recv(65_536)
        server.reset()
        server.inject(fault)
        client.sendall(REQUEST)
        return _read(client, enough)


def _quick(fault: Fault) -> Fault:
    """The fault, in less than the time that a test has."""
    return fault.with_pace(0.003) if fault.pace else fault


@pytest.mark.parametrize("fault", [fault for fault in PLAIN if fault.end is not End.KEEP], ids=str)
def test_a_fault_ends_as_it_says(server: FaultServer, fault: Fault) -> None:
    """The connection is closed by FIN, torn down by RST, or hangs; the function has run or it has not."""
    _, end = _met(server, _quick(fault))

    assert fault.end is end
    assert (int(fault.stage is Stage.ANSWER), int(fault.executes)) == (server.received, server.executions)


@pytest.mark.parametrize("fault", [fault for fault in PLAIN if fault.end is End.KEEP], ids=str)
def test_a_connection_that_is_kept_goes_on(server: FaultServer, fault: Fault) -> None:
    """After a fault that keeps the connection the next request on it is answered as it should be."""
    server.inject(_quick(fault))
    with _connected(server) as client:
        client.sendall(REQUEST + REQUEST)
        got = b""
        while not (got.endswith(HEALTHY) and server.received == 2):
            got = got[-len(HEALTHY) :] + client.recv(1 << 20)

    assert 1 + int(fault.executes) == server.executions


TEXT = "Content-Type: text/html; charset=utf-8\r\n"
HTML = b"<!DOCTYPE html>\n<html><head><title>Gateway</title></head><body><h1>Gateway</h1></body></html>\n"
HALF_HEAD = b"HTTP/1.1 200 OK\r\nX-Id: "


def _html(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\n{TEXT}Content-Length: {len(HTML)}\r\n\r\n".encode() + HTML


EXPECTED = {
    Fault.CLOSE_REUSED: b"",
    Fault.RESET_REUSED: b"",
    Fault.CLOSE_IN_REQUEST_HEAD: b"",
    Fault.RESET_IN_REQUEST_HEAD: b"",
    Fault.CLOSE_IN_REQUEST_BODY: b"",
    Fault.RESET_IN_REQUEST_BODY: b"",
    Fault.HANG_IN_REQUEST_BODY: b"",
    Fault.CLOSE_BEFORE_RUN: b"",
    Fault.RESET_BEFORE_RUN: b"",
    Fault.HANG_BEFORE_RUN: b"",
    Fault.CLOSE_BEFORE_ANSWER: b"",
    Fault.RESET_BEFORE_ANSWER: b"",
    Fault.HANG_BEFORE_ANSWER: b"",
    Fault.ONLY_CONTINUE: b"HTTP/1.1 100 Continue\r\n\r\n",
    Fault.CLOSE_IN_HEAD: HALF_HEAD,
    Fault.RESET_IN_HEAD: HALF_HEAD,
    Fault.HANG_IN_HEAD: HALF_HEAD,
    Fault.SLOW_HEAD: HEALTHY,
    Fault.SLOW_BODY: HEALTHY,
    Fault.NO_COLON: STATUS + b"this is no header\r\nContent-Length: 8\r\n\r\n" + BODY,
    Fault.BAD_STATUS: b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    Fault.ODD_STATUS: b"HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n",
    Fault.SWITCHED_PROTOCOLS: b"HTTP/1.1 101 Switching Protocols\r\n\r\n\0\1\2",
    Fault.CONTINUE_FIRST: b"HTTP/1.1 100 Continue\r\n\r\n" + HEALTHY,
    Fault.HTTP_1_0: b"HTTP/1.0 200 OK\r\nX-Id: 1\r\n\r\n" + BODY,
    Fault.TWO_LENGTHS: STATUS + b"Content-Length: 8\r\nContent-Length: 24\r\n\r\n" + BODY,
    Fault.SAME_LENGTH_TWICE: STATUS + b"Content-Length: 8\r\nContent-Length: 8\r\n\r\n" + BODY,
    Fault.NEGATIVE_LENGTH: STATUS + b"Content-Length: -1\r\n\r\n" + BODY,
    Fault.LENGTH_IN_WORDS: STATUS + b"Content-Length: seven\r\n\r\n" + BODY,
    Fault.LENGTH_TOO_LONG: STATUS + b"Content-Length: 24\r\n\r\n" + BODY,
    Fault.LENGTH_TOO_SHORT: STATUS + b"Content-Length: 7\r\n\r\n" + BODY,
    Fault.LENGTH_AND_CHUNKS: STATUS
    + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\n"
    + BODY
    + b"\r\n0\r\n\r\n",
    Fault.CLOSE_IN_BODY: STATUS + b"Content-Length: 16\r\n\r\n" + BODY[:4],
    Fault.RESET_IN_BODY: STATUS + b"Content-Length: 16\r\n\r\n" + BODY[:4],
    Fault.HANG_IN_BODY: STATUS + b"Content-Length: 16\r\n\r\n" + BODY[:4],
    Fault.CLOSE_IN_CHUNK: STATUS + b"Transfer-Encoding: chunked\r\n\r\n10\r\n" + BODY[:4],
    Fault.NO_LAST_CHUNK: STATUS + b"Transfer-Encoding: chunked\r\n\r\n4\r\n" + BODY[:4] + b"\r\n",
    Fault.BAD_CHUNK: STATUS + b"Transfer-Encoding: chunked\r\n\r\nsize\r\n" + BODY + b"\r\n0\r\n\r\n",
    Fault.UNFRAMED: STATUS + b"Connection: close\r\n\r\n" + BODY,
    Fault.CLOSE_IN_UNFRAMED: STATUS + b"Connection: close\r\n\r\n" + BODY[:4],
    Fault.RESET_IN_UNFRAMED: STATUS + b"Connection: close\r\n\r\n" + BODY[:4],
    Fault.BARE_BODY: BODY,
    Fault.LOST_BODY: STATUS + b"Content-Length: 0\r\n\r\n",
    Fault.EMPTY_200: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    Fault.HTML_200: _html("200 OK"),
    Fault.HTML_502: _html("502 Bad Gateway"),
    Fault.HTML_504_AFTER_RUN: _html("504 Gateway Timeout"),
    Fault.EMPTY_500: b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    Fault.REDIRECT_TO_ITSELF: b"HTTP/1.1 307 Temporary Redirect\r\nLocation: ?again\r\nContent-Length: 0\r\n\r\n",
    Fault.CLOSE_WHEN_IDLE: HEALTHY,
    Fault.RESET_WHEN_IDLE: HEALTHY,
}


@pytest.mark.parametrize("fault", EXPECTED, ids=str)
def test_a_fault_sends_these_bytes(server: FaultServer, fault: Fault) -> None:
    """To the byte, what stands on the line."""
    expected = EXPECTED[fault]
    got, _ = _met(server, _quick(fault), ENOUGH if fault.end in (End.CLOSE, End.RESET) else len(expected) or 1)

    assert expected == got


@pytest.mark.parametrize("body", [b"", b"1"], ids=["empty", "one byte"])
@pytest.mark.parametrize(
    "fault", [Fault.CLOSE_IN_BODY, Fault.CLOSE_IN_CHUNK, Fault.NO_LAST_CHUNK, Fault.LENGTH_TOO_LONG], ids=str
)
def test_what_is_cut_is_never_whole(fault: Fault, body: bytes) -> None:
    """However short the healthy answer is, a client can see that something is missing."""
    with FaultServer(lambda request: Response(body=body)) as server:
        server.inject(fault)
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        client.request("POST", "/", b"{}")
        response = client.getresponse()
        with pytest.raises(http.client.IncompleteRead):
            response.read()
        client.close()


@pytest.mark.parametrize("fault", [fault for fault in WHOLE if fault.delivers], ids=str)
def test_a_patient_client_gets_what_is_delivered(server: FaultServer, fault: Fault) -> None:
    """A client that is correct and patient has the healthy answer in spite of a fault that delivers."""
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    server.inject(_quick(fault))
    client.request("POST", "/", b"{}")
    response = client.getresponse()

    assert (200, BODY) == (response.status, response.read())
    client.close()


def test_a_connection_is_closed_on_accept_whatever_is_sent(server: FaultServer) -> None:
    """A connection that is closed at once gives its client nothing but the end of it."""
    server.inject(Fault.CLOSE_ON_ACCEPT, Fault.HANG_ON_ACCEPT)
    ends = []
    for _ in range(2):
        with _connected(server) as client:
            ends.append(_read(client))

    assert [(b"", End.CLOSE), (b"", End.HANG)] == ends
    assert (2, 0) == (server.connections, server.received)


def test_a_connection_is_reset_on_accept(server: FaultServer) -> None:
    """A connection that is torn down at once fails its client, which may still be in the act of connecting."""
    server.inject(Fault.RESET_ON_ACCEPT)
    with pytest.raises(ConnectionResetError), _connected(server) as client:
        client.recv(1)

    assert (1, 0) == (server.connections, server.received)


def test_a_reset_meets_a_client_that_still_sends(server: FaultServer) -> None:
    """Torn down in the middle of a large request, the connection fails while the client writes."""
    server.inject(Fault.RESET_IN_REQUEST_BODY)
    with _connected(server) as client, pytest.raises(ConnectionError):
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100_000_000)

    assert (0, 0) == (server.received, server.executions)


def test_an_early_answer_reaches_a_client_that_still_sends(server: FaultServer) -> None:
    """A client may send its whole request and finds the answer that came before it was read."""
    server.inject(Fault.EARLY_ANSWER)
    with _connected(server) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 20000000\r\n\r\n" + b"x" * 20_000_000)
        got, end = _read(client)

    assert got.startswith(b"HTTP/1.1 413 ")  # whose name is another one from Python 3.13 on
    assert b"\r\nConnection: close\r\n" in got
    assert End.CLOSE is end
    assert 0 == server.received


def test_a_server_that_stops_reading_stops_the_client(server: FaultServer) -> None:
    """A client that sends more than the line holds is stuck in sending until its own time-out."""
    server.inject(Fault.HANG_IN_REQUEST_BODY)
    with _connected(server) as client:
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100_000_000)


@pytest.mark.parametrize("fault", [Fault.SLOW_HEAD, Fault.SLOW_BODY], ids=str)
def test_a_slow_answer_trickles(server: FaultServer, fault: Fault) -> None:
    """The bytes come one by one, so that no time-out between two of them ever fires."""
    server.inject(fault.with_pace(0.02))
    with _connected(server) as client:
        client.sendall(REQUEST)
        pieces = [client.recv(65_536) for _ in range(4)]

    assert [1, 1, 1] == [len(piece) for piece in pieces[1:]]
    assert HEALTHY.startswith(b"".join(pieces))


def test_the_first_piece_comes_at_once(server: FaultServer) -> None:
    """The pace is between pieces: it holds back neither the first nor what comes after the last."""
    server.inject(Fault.STRAY_ANSWER.with_pace(60))
    with _connected(server) as client:
        client.sendall(REQUEST)

        assert HEALTHY == client.recv(65_536)


@pytest.mark.parametrize("fault", [Fault.ENDLESS_CONTINUE, Fault.ENDLESS_HEAD, Fault.ENDLESS_BODY], ids=str)
def test_what_is_endless_goes_on(server: FaultServer, fault: Fault) -> None:
    """It comes again and again, until the client gives up; then the server notices."""
    server.inject(_quick(fault))
    with _connected(server) as client:
        client.sendall(REQUEST)
        begin = time.monotonic()
        got = b""
        while len(got) < 100 or (fault is not Fault.ENDLESS_CONTINUE and len(got) < 2_000_000):
            got += client.recv(65_536)
            assert time.monotonic() - begin < 10

    assert server.settle()


def test_a_huge_header_is_one_line(server: FaultServer) -> None:
    """One header line is longer than any client takes by default."""
    got, _ = _met(server, Fault.HUGE_HEADER)

    assert max(map(len, got.split(b"\r\n"))) > 200_000
    assert got.endswith(b"\r\nContent-Length: 8\r\n\r\n" + BODY)


def test_many_headers_are_many_lines(server: FaultServer) -> None:
    """There are more header lines than any client takes by default."""
    got, _ = _met(server, Fault.MANY_HEADERS)

    assert got.count(b"\r\n") > 5_000


def test_a_big_body_is_valid_json(server: FaultServer) -> None:
    """It is an honest answer but for its size."""
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    server.inject(Fault.BIG_BODY)
    client.request("POST", "/", b"{}")
    response = client.getresponse()
    body = response.read()
    client.close()

    assert 32 * 1024 * 1024 + 2 == len(body) == int(response.headers["Content-Length"])
    assert (b'" ', b' "') == (body[:2], body[-2:])


def test_a_gzip_bomb_is_small_until_unpacked(server: FaultServer) -> None:
    """A few kilobytes on the line are megabytes for a client that unpacks what it did not ask to have packed."""
    got, _ = _met(server, Fault.GZIP_BOMB)
    head, _, body = got.partition(b"\r\n\r\n")

    assert b"Content-Encoding: gzip" in head
    assert len(body) < 100_000
    assert 32 * 1024 * 1024 + 2 == len(gzip.decompress(body))


@pytest.mark.parametrize("fault", [Fault.STRAY_ANSWER, Fault.STRAY_ANSWER_THEN_CLOSE], ids=str)
def test_a_stray_answer_comes_by_itself(server: FaultServer, fault: Fault) -> None:
    """A second answer, to nobody, follows the healthy one after a moment."""
    server.inject(fault)
    with _connected(server) as client:
        client.sendall(REQUEST)
        first = client.recv(65_536)
        stray, end = _read(client)

    assert HEALTHY == first
    assert stray.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert (End.CLOSE if fault.end is End.CLOSE else End.HANG) is end


def test_a_fault_of_ones_own(server: FaultServer) -> None:
    """A fault is a stage, bytes, and an end, so a test can make those it needs."""
    fault = Fault("TEAPOT", end=End.RESET, executes=True, sends=lambda response: (b"I am ", response.content()))
    server.inject(fault)
    with _connected(server) as client:
        client.sendall(REQUEST)

        assert (b"I am " + BODY, End.RESET) == _read(client)
    assert 1 == server.executions


def test_an_answer_of_ones_own(server: FaultServer) -> None:
    """A status with headers and a body, a redirect and a delayed answer are made in a call."""
    server.inject(
        Fault.status(429, b"{}", {"Retry-After": "1"}), Fault.redirect("http://127.0.0.1/x", 302), Fault.delayed(0.05)
    )
    with _connected(server) as client:
        got = []
        for _ in range(3):
            client.sendall(REQUEST)
            begin = time.monotonic()
            got.append(client.recv(65_536))

    assert b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}" == got[0]
    assert b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/x\r\nContent-Length: 0\r\n\r\n" == got[1]
    assert HEALTHY == got[2]
    assert time.monotonic() - begin >= 0.05
    assert 1 == server.executions


def test_a_client_that_resets_does_no_harm(server: FaultServer) -> None:
    """A client that tears its connection down in the middle of an answer is forgotten, and the next is served."""
    for fault in (Fault.ENDLESS_BODY, Fault.HANG_BEFORE_ANSWER, Fault.SLOW_BODY):
        server.inject(fault)
        with _connected(server) as client:
            client.sendall(REQUEST)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert server.settle()

    server.heal()
    with _connected(server) as client:
        client.sendall(REQUEST)
        assert HEALTHY == client.recv(65_536)


@pytest.mark.parametrize("fault", [Fault.CLOSE_WHEN_IDLE, Fault.STRAY_ANSWER_THEN_CLOSE], ids=str)
def test_urllib3_survives_a_connection_closed_between_requests(server: FaultServer, fault: Fault) -> None:
    """A pool that looks before it sends finds the connection gone, and nothing runs twice."""
    urllib3 = pytest.importorskip("urllib3", reason="urllib3 has the pool")
    server.inject(fault)
    with urllib3.PoolManager(retries=False) as pool:
        assert 200 == pool.request("POST", server.url, body=b"{}").status
        assert server.settle()
        time.sleep(0.05)
        assert 200 == pool.request("POST", server.url, body=b"{}").status

    assert (2, 2) == (server.executions, server.connections)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.REFUSED, "NewConnectionError"),
        (Fault.RESET_BEFORE_ANSWER, "ProtocolError"),
        (Fault.GARBAGE, "ProtocolError"),
        (Fault.HANG_BEFORE_ANSWER, "ReadTimeoutError"),
        (Fault.CLOSE_IN_BODY, "ProtocolError"),
        (Fault.CLOSE_IN_CHUNK, "ProtocolError"),
        (Fault.MANY_HEADERS, "ProtocolError"),
        (Fault.TWO_LENGTHS, "InvalidHeader"),
    ],
    ids=str,
)
def test_urllib3_sees_the_fault(server: FaultServer, fault: Fault, error: str) -> None:
    """The pool that most SDKs stand on reports each fault as it does on a real network."""
    urllib3 = pytest.importorskip("urllib3", reason="urllib3 has the pool")
    server.inject(fault)
    with urllib3.PoolManager(retries=False, timeout=0.2) as pool, pytest.raises(urllib3.exceptions.HTTPError) as caught:
        pool.request("POST", server.url, body=b"{}")

    assert error == type(caught.value).__name__
    assert int(fault.executes) == server.executions
