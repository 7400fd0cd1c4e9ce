"""`fcall.http`: one attempt at a time on connections that are kept, and what is told where there is no answer."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import select
import socket
import ssl
import threading
import tracemalloc
import warnings
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fcall.errors import ClientClosedError
from fcall.http import Answer, HttpError, MalformedAnswerError, Pool, is_available
from fcall.http._connection import Connection
from fcall.http._reading import Reading
from fcall.provider import Deadline
from fcall.testing.faults import FAULTS, End, Fault, FaultServer, Request, Response

pytest.importorskip("httptools", reason="the engine reads answers with httptools")

T = TypeVar("T")

SHORT = 0.3
LONG = 20.0


def echo(request: Request) -> Response:
    """Answer with what was sent; `/slow` waits until the test says so."""
    return Response(200, (("x-request-id", "1"),), request.body)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A service that answers with what it is sent."""
    with FaultServer(echo) as server:
        yield server


@pytest.fixture(scope="module")
def secure() -> Iterator[FaultServer]:
    """The same over TLS, for all tests of this module."""
    pytest.importorskip("trustme", reason="trustme makes the server's certificates")
    with FaultServer(echo, tls=True) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_noise() -> Iterator[None]:
    """Nothing is left for the garbage collection to complain of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
        gc.collect()


def pool_of(server: FaultServer, size: int = 4, **options: Any) -> Pool:
    """A pool of connections to a server."""
    address = urlsplit(server.url)
    context = ssl.create_default_context(cafile=server.ca_file) if address.scheme == "https" else None
    return Pool(address.hostname or "", server.port, size, context, **options)


async def post(pool: Pool, body: bytes = b"hello", seconds: float = LONG) -> Answer:
    """One attempt."""
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return await pool.exchange(head, body, Deadline.after(seconds))


def run(main: Awaitable[T]) -> T:
    """Run on an event loop that nobody may complain to."""
    complaints: list[Any] = []

    async def watched() -> T:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        return await main

    result = asyncio.run(watched())
    gc.collect()

    assert [] == complaints
    return result


def test_it_is_available_where_httptools_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider can ask before it makes a pool."""
    there = is_available()
    monkeypatch.setattr("fcall.http.find_spec", lambda name: None)

    assert there
    assert not is_available()


def test_a_connection_is_kept(server: FaultServer) -> None:
    """One attempt after the other takes the same connection, with no delay and with probes of what is silent."""

    async def main() -> list[int]:
        pool = pool_of(server)
        for body in (b"one", b"", b"three" * 100_000):
            answer = await post(pool, body)

            assert (200, body, True) == (answer.status, answer.body, answer.framed)
            assert "1" == answer.headers["x-request-id"]
        (share,) = pool._shares.values()
        (connection,) = share._made
        options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY), (socket.SOL_SOCKET, socket.SO_KEEPALIVE)]
        found = [connection._sock.getsockopt(*option) for option in options]
        pool.close()
        return found

    assert all(run(main()))
    assert 1 == server.connections


def test_connections_equal_the_size() -> None:
    """However many attempts are made at once, there is never one connection more, and each has its own answer."""
    lock, now, most, full = threading.Lock(), 0, 0, threading.Event()

    def crowded(request: Request) -> Response:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
            if most == 3:
                full.set()
        full.wait(LONG)
        with lock:
            now -= 1
        return echo(request)

    async def main(server: FaultServer) -> list[bytes]:
        pool = pool_of(server, 3)
        answers = await asyncio.gather(*(post(pool, b"%d" % number) for number in range(50)))
        pool.close()
        return [answer.body for answer in answers]

    with FaultServer(crowded) as server:
        assert [b"%d" % number for number in range(50)] == run(main(server))
        assert 3 == most
        assert 3 == server.connections


def test_waiting_for_a_connection_ends_with_the_deadline(server: FaultServer) -> None:
    """Nothing is sent for an attempt that no connection was free for."""
    server.inject(Fault.HANG_BEFORE_ANSWER)

    async def main() -> None:
        pool = pool_of(server, 1)
        first = asyncio.ensure_future(post(pool))
        await asyncio.to_thread(received, server, 1)
        with pytest.raises(HttpError) as caught:
            await post(pool, seconds=0.01)
        first.cancel()
        await asyncio.wait({first})

        assert "waiting" == caught.value.stage
        assert isinstance(caught.value.cause, TimeoutError)
        assert b"well" == (await post(pool, b"well")).body
        pool.close()

    run(main())

    assert 2 == server.received


def received(server: FaultServer, number: int) -> None:
    """Wait until a server has received so many requests."""
    patience = Deadline.after(LONG)
    while server.received < number:
        assert not patience.expired
        threading.Event().wait(0.002)


def test_a_cancelled_attempt_costs_its_connection(server: FaultServer) -> None:
    """Nobody reads the answer to somebody else's request; whoever waited goes on with a new connection."""
    server.inject(Fault.HANG_BEFORE_ANSWER)

    async def main() -> None:
        pool = pool_of(server, 1)
        first = asyncio.ensure_future(post(pool, b"first"))
        await asyncio.to_thread(received, server, 1)
        second = asyncio.ensure_future(post(pool, b"second"))
        await asyncio.sleep(0)
        first.cancel()

        assert b"second" == (await second).body
        assert first.cancelled()
        pool.close()

    run(main())

    assert 2 == server.connections


def test_cancelling_who_waits_costs_nothing(server: FaultServer) -> None:
    """The place that one was just given goes to the next in line."""

    async def main() -> None:
        pool, waiting = pool_of(server, 1), list[asyncio.Future[Answer]]()

        async def first() -> None:
            await post(pool)
            waiting[0].cancel()  # it has the place, and has not run since

        held = asyncio.ensure_future(first())
        await asyncio.sleep(0)
        waiting += [asyncio.ensure_future(post(pool, body)) for body in (b"gone", b"next", b"gone too")]
        await asyncio.sleep(0)
        waiting[2].cancel()

        assert b"next" == (await waiting[1]).body
        assert b"again" == (await post(pool, b"again")).body
        await asyncio.wait([held, *waiting])
        assert [True, False, True] == [each.cancelled() for each in waiting]
        pool.close()

    run(main())

    assert 1 == server.connections
    assert 3 == server.received


def test_a_connection_that_was_closed_meanwhile_is_not_used(server: FaultServer) -> None:
    """Also where the event loop had no time to hear of it."""
    server.inject(Fault.CLOSE_WHEN_IDLE)

    async def main() -> bytes:
        pool = pool_of(server)
        await post(pool)
        (share,) = pool._shares.values()
        (connection,) = share._idle
        assert select.select([connection._sock], [], [], LONG)[0]  # the loop stands still meanwhile
        answer = await post(pool, b"second")
        pool.close()
        return answer.body

    assert b"second" == run(main())
    assert 2 == server.connections


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_large_request_does_not_hold_up_the_loop(tls: bool) -> None:
    """What no buffer holds is sent as the server takes it, and everybody else goes on meanwhile."""
    body, go = os.urandom(6_000_000), threading.Event()

    async def main(server: FaultServer, listener: socket.socket) -> None:
        pool = pool_of(server)
        slow = Pool("127.0.0.1", listener.getsockname()[1], 1)
        first = asyncio.ensure_future(post(slow, body))
        taken, _ = await asyncio.to_thread(listener.accept)

        assert body == (await post(pool, body)).body  # the first is stuck amid its request
        assert not first.done()
        await asyncio.to_thread(answered, taken, len(body))
        assert b"" == (await first).body
        pool.close()
        slow.close()

    go.set()
    with FaultServer(echo, tls=tls) as server, socket.create_server(("127.0.0.1", 0)) as listener:
        run(main(server, listener))


def answered(connection: socket.socket, size: int) -> None:
    """Read a request with a body of that size, and answer with nothing."""
    with connection:
        connection.settimeout(LONG)
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        left = size - len(data.partition(b"\r\n\r\n")[2])
        while left:
            left -= len(connection.recv(1 << 20))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def test_a_request_that_is_cut_off_did_not_leave_whole(server: FaultServer) -> None:
    """The server hangs up amid a body that no buffer holds."""
    server.inject(Fault.RESET_IN_REQUEST_BODY)

    async def main() -> HttpError:
        pool = pool_of(server)
        with pytest.raises(HttpError) as caught:
            await post(pool, b"a" * 6_000_000)
        pool.close()
        return caught.value

    error = run(main())

    assert "sending" == error.stage
    assert isinstance(error.cause, OSError)
    assert 0 == server.executions


@pytest.mark.parametrize("fault", [Fault.EARLY_ANSWER, Fault.EARLY_ANSWER_RESET], ids=str)
def test_an_answer_to_half_a_request_counts(fault: Fault, server: FaultServer) -> None:
    """A server that refuses a large request by its head is heard, though it hangs up at once."""
    server.inject(fault)

    async def main() -> int:
        pool = pool_of(server)
        try:
            status = (await post(pool, b"a" * 6_000_000)).status
        except HttpError as error:
            status = error.status
        pool.close()
        return status

    assert run(main()) in (413, 0) if fault is Fault.EARLY_ANSWER_RESET else (413,)


def test_a_longer_answer_is_cut(server: FaultServer) -> None:
    """It is not read to its end, and its connection serves nobody else."""

    async def main() -> tuple[Answer, Answer]:
        pool = pool_of(server, largest=1000)
        long, short = await post(pool, b"a" * 1_000_000), await post(pool, b"a" * 1000)
        pool.close()
        return long, short

    long, short = run(main())

    assert (True, b"a" * 1000) == (long.cut, long.body)
    assert (False, b"a" * 1000) == (short.cut, short.body)
    assert 2 == server.connections


def test_close_lets_what_is_under_way_come_to_its_end() -> None:
    """Who waits for a connection is told, who has one gets the answer, and later nothing begins."""
    go = threading.Event()

    async def main(server: FaultServer) -> None:
        pool = pool_of(server, 1)
        first = asyncio.ensure_future(post(pool, b"first"))
        second = asyncio.ensure_future(post(pool, b"second"))
        await asyncio.to_thread(received, server, 1)
        await asyncio.to_thread(pool.close)
        with pytest.raises(ClientClosedError):
            await second
        go.set()

        assert b"first" == (await first).body
        with pytest.raises(ClientClosedError):
            await post(pool)

    with FaultServer(lambda request: go.wait(LONG) and echo(request)) as server:
        run(main(server))


def test_each_event_loop_has_connections_of_its_own(server: FaultServer) -> None:
    """A pool may serve one loop after the other, and several at once; those of a loop that has ended are closed."""
    pool = pool_of(server, 2)
    for number in range(3):
        assert b"%d" % number == run(post(pool, b"%d" % number)).body
    together = threading.Barrier(3)

    async def main() -> list[bytes]:
        await asyncio.to_thread(together.wait, LONG)
        return [(await post(pool, b"%d" % number)).body for number in range(20)]

    results: list[list[bytes]] = []
    threads = [threading.Thread(target=lambda: results.append(asyncio.run(main()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.close()

    assert [[b"%d" % number for number in range(20)]] * 3 == results
    assert 6 == server.connections


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_a_loop_that_is_closed_amid_attempts(kind: str, server: FaultServer) -> None:
    """Nobody ended them; the collection of their tasks complains of nothing, and the pool serves the next loop."""
    new_loop = asyncio.new_event_loop if kind == "asyncio" else pytest.importorskip("uvloop").new_event_loop
    pool, noise = pool_of(server, 1), list[Any]()
    server.inject(Fault.HANG_BEFORE_ANSWER)
    loop = new_loop()
    attempts = [loop.create_task(_wait_for(post(pool, body))) for body in (b"sent", b"waits")]
    loop.run_until_complete(loop.run_in_executor(None, received, server, 1))
    loop.close()
    loop.set_exception_handler(lambda _, context: noise.append(context["message"]))
    with pytest.MonkeyPatch.context() as patch, contextlib.closing(new_loop()) as another:
        patch.setattr("sys.unraisablehook", noise.append)

        assert b"next" == another.run_until_complete(_wait_for(post(pool, b"next"))).body
        attempts.clear()
        gc.collect()
        pool.close()
        another.run_until_complete(asyncio.sleep(0))

    assert ["Task was destroyed but it is pending!"] * 2 == noise


async def _wait_for(attempt: Awaitable[Answer]) -> Answer:
    return await attempt


def test_a_body_in_many_small_pieces_costs_no_more_than_its_size() -> None:
    """Whoever sends it in chunks of two bytes fills no more memory than with one of them all."""
    chunks, size = b"2\r\nab\r\n" * 8192, 8192 * 2
    reading = Reading(1 << 24)
    reading.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    tracemalloc.start()
    try:
        for _ in range(16):
            reading.feed(chunks)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    reading.feed(b"0\r\n\r\n")

    assert b"ab" * (size * 8) == reading.answer().body
    assert taken < 16 * size * 3


def test_a_pool_that_is_forgotten_closes_its_connections(server: FaultServer) -> None:
    """Nobody has to close it, and the garbage collection has nothing to warn of."""

    async def main() -> None:
        pool = pool_of(server)
        await post(pool)
        (share,) = pool._shares.values()
        (connection,) = share._made
        sock = connection._sock
        del pool, share, connection
        gc.collect()
        await asyncio.sleep(0)

        assert -1 == sock.fileno()

    run(main())


def test_a_forked_child_connects_anew(run_program: Callable[[str], Any]) -> None:
    """It takes no connection of its parent's, and leaves the parent's event loop alone."""
    ended = run_program("""
        import asyncio, os, warnings
        from fcall.http import Pool
        from fcall.provider import Deadline
        from fcall.testing.faults import FaultServer, Response

        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # 3.12 and later warn of a fork among threads
        HEAD = b"POST / HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 1\\r\\n\\r\\n"

        async def main(pool):
            for _ in range(2):
                answer = await pool.exchange(HEAD, b"1", Deadline.after(20))
            return answer.body

        async def parent(pool):
            assert await main(pool) == b"1"
            child = os.fork()
            if child == 0:
                asyncio._set_running_loop(None)
                try:
                    os._exit(asyncio.run(main(pool)) != b"1")
                finally:
                    os._exit(2)
            assert os.waitpid(child, 0)[1] == 0
            assert await main(pool) == b"1"
            pool.close()

        with FaultServer(lambda request: Response(200, (), request.body)) as server:
            asyncio.run(parent(Pool("127.0.0.1", server.port, 1)))
            print(server.connections)
    """)

    assert ("2\n", "") == (ended.stdout, ended.stderr)


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked up once for all who wait for it, and each of them is told."""
    asked: list[str] = []

    def unknown(host: str, *_: Any, flags: int = 0, **__: Any) -> Any:
        if not flags:
            asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async def main() -> list[Any]:
        pool = Pool("nowhere.invalid", 80, 10)
        return await asyncio.gather(*(post(pool) for _ in range(5)), return_exceptions=True)

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    errors = run(main())

    assert ["connecting"] * 5 == [error.stage for error in errors]
    assert all(isinstance(error.cause, socket.gaierror) for error in errors)
    assert ["nowhere.invalid"] == asked


def test_nothing_is_sent_after_the_time_to_connect(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that is silent until the deadline leaves no time for the next one, however quick that is."""
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # it takes none of these from its queue, and no more fit in
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(silent.getsockname())
        addresses = [silent.getsockname(), ("127.0.0.1", server.port)]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        pool = Pool("two.invalid", 80, 1)
        with pytest.raises(HttpError) as caught:
            run(post(pool, seconds=0.2))

    assert ("connecting", TimeoutError) == (caught.value.stage, type(caught.value.cause))
    assert 0 == server.connections


def test_a_request_that_is_none_costs_its_connection_only(server: FaultServer) -> None:
    """What cannot be sent is the caller's mistake; the next one has its place at once."""

    async def main() -> None:
        pool = pool_of(server, 1)
        for _ in range(2):
            with pytest.raises(TypeError):
                await pool.exchange(b"POST / HTTP/1.1\r\n\r\n", "text", Deadline.after(LONG))  # type: ignore[arg-type]

        assert b"well" == (await asyncio.wait_for(post(pool, b"well"), LONG / 2)).body
        pool.close()

    run(main())


def test_connecting_takes_no_longer_than_it_may(server: FaultServer) -> None:
    """A server that does not answer is given up at the deadline, and leaves no socket behind."""
    server.inject(Fault.HANG_ON_ACCEPT)
    pytest.importorskip("trustme", reason="trustme makes the server's certificates")

    async def main(black: FaultServer) -> HttpError:
        pool = pool_of(black)
        with pytest.raises(HttpError) as caught:
            await post(pool, seconds=0.05)
        pool.close()
        return caught.value

    with FaultServer(echo, tls=True) as black:
        black.inject(Fault.TLS_HANG)
        error = run(main(black))

    assert "connecting" == error.stage
    assert isinstance(error.cause, TimeoutError)


def _cases(tls: bool) -> list[Any]:
    faults = [fault for fault in FAULTS if fault.needs_tls == tls]
    return [
        pytest.param(fault.with_pace(0.001) if fault.name in ("SLOW_HEAD", "SLOW_BODY") else fault, id=str(fault))
        for fault in faults
    ]


def _check_fault(server: FaultServer, fault: Fault) -> None:
    hangs = fault.end is End.HANG or fault.name in ("NO_COLON", "TLS_SLOW")

    async def main() -> tuple[Answer | None, HttpError | None]:
        pool = pool_of(server, 2)
        answer, failure = None, None
        await post(pool, b"warm")
        server.reset()
        server.inject(fault)
        try:
            answer = await post(pool, b"struck" * 10, SHORT if hangs else LONG)
        except HttpError as error:
            failure = error
        server.heal()
        server.settle()
        runs = server.executions
        for _ in range(3):  # what strikes a little later may meet the first of these
            try:
                after: Answer | None = await post(pool, b"after")
            except HttpError:
                after = None
        pool.close()

        assert after is not None
        assert b"after" == after.body
        assert runs <= 1
        if failure is not None:
            assert failure.stage == "answering" or runs == 0
        if fault.delivers and fault.name not in ("SAME_LENGTH_TWICE", "TLS_SLOW"):
            assert failure is None
        return answer, failure

    run(main())


@pytest.mark.parametrize("fault", _cases(tls=False))
def test_a_fault(fault: Fault, server: FaultServer) -> None:
    """There is an answer, or an error by whose stage nothing ran if it says so; the next attempt is well."""
    _check_fault(server, fault)


@pytest.mark.parametrize("fault", [*_cases(tls=True), *(Fault.CLOSE_REUSED, Fault.RESET_IN_BODY, Fault.HANG_IN_HEAD)])
def test_a_fault_over_tls(fault: Fault, secure: FaultServer) -> None:
    """The same, with a handshake to fail."""
    _check_fault(secure, fault)


class Owner:
    """Whoever keeps the connection of a test."""

    largest = 1 << 20

    def __init__(self) -> None:
        self.kept = self.closed = 0

    def rest(self, connection: Connection) -> None:
        """It is kept."""
        self.kept += 1

    def gone(self, connection: Connection) -> None:
        """It is closed."""
        self.closed += 1

    def leave(self) -> None:
        """Its place is free."""


@contextlib.contextmanager
def conversation() -> Iterator[tuple[Connection, socket.socket, Owner]]:
    """A connection, the server's end of it, and whose it is."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    owner = Owner()
    connection = Connection(ours, asyncio.get_running_loop(), owner)
    try:
        yield connection, theirs, owner
    finally:
        connection.close()
        theirs.close()


REQUEST = b"GET / HTTP/1.1\r\n\r\n"


def begun(connection: Connection) -> asyncio.Future[Answer]:
    """An attempt on a connection."""
    return connection.begin(REQUEST, b"", LONG)


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_every_exchange_has_its_own_time() -> None:
    """A connection has one timer: it neither cuts a later exchange short, nor lets a shorter one go on."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with conversation() as (connection, theirs, _):
            for seconds in (LONG, 0.02):
                short = connection.begin(REQUEST, b"", seconds)
                theirs.sendall(ANSWER)
                await short
            longer = connection.begin(REQUEST, b"", LONG)
            while not longer.done() and (connection._timer is None or connection._timer.when() < loop.time() + 1):
                await asyncio.sleep(0.002)  # until the short one's time has passed, and the timer is set anew

            assert not longer.done()
            theirs.sendall(ANSWER)
            await longer
            with pytest.raises(HttpError, match="TimeoutError"):
                await asyncio.wait_for(connection.begin(REQUEST, b"", 0.02), LONG / 2)

    asyncio.run(main())


def test_a_connection_keeps_no_calls_variables(server: FaultServer) -> None:
    """A kept connection outlives the call that made it, and does not keep alive what that one's context has."""

    class Session:
        """Something of the application's."""

    session: ContextVar[Session] = ContextVar("session")

    async def called(pool: Pool) -> weakref.ref[Session]:
        session.set(Session())
        await post(pool)
        return weakref.ref(session.get())

    async def main() -> None:
        pool = pool_of(server)
        kept = await asyncio.create_task(called(pool))
        await asyncio.sleep(0)
        gc.collect()

        assert kept() is None
        pool.close()

    run(main())


BODIES = st.binary(max_size=300)


@st.composite
def answers(draw: Any) -> tuple[bytes, bytes, bool]:
    """An answer on the wire, its body, and whether it says how long it is."""
    body = draw(BODIES)
    framing = draw(st.sampled_from(["length", "chunks", "close"]))
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" * draw(st.integers(0, 2))
    head = interim + b"HTTP/1.1 200 OK\r\nX-Twice: a\r\nx-twice: b \r\n"
    if framing == "length":
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body, body, True
    if framing == "close":
        return head + b"\r\n" + body, body, False
    cuts = sorted({0, len(body), *draw(st.lists(st.integers(0, len(body)), max_size=4))})
    chunks = [body[start:end] for start, end in itertools.pairwise(cuts) if start < end]
    wire = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    trailer = draw(st.sampled_from([b"", b"X-Trailer: t\r\n"]))
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + wire + b"0\r\n" + trailer + b"\r\n", body, True


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers(), st.lists(st.integers(1, 400), max_size=6))
def test_an_answer_reads_the_same_in_whatever_pieces_it_comes(
    answer: tuple[bytes, bytes, bool], pieces: list[int]
) -> None:
    """Interim answers, chunks, trailers and a close as the end, cut anywhere."""
    wire, body, framed = answer

    async def main() -> tuple[Answer, Owner]:
        with conversation() as (connection, theirs, owner):
            got = begun(connection)
            rest = wire
            for size in pieces:
                piece, rest = rest[:size], rest[size:]
                theirs.sendall(piece)
                await asyncio.sleep(0)
            theirs.sendall(rest)
            if not framed:
                theirs.shutdown(socket.SHUT_WR)
            return await asyncio.wait_for(got, LONG), owner

    result, owner = asyncio.run(main())

    assert (200, body, framed) == (result.status, result.body, result.framed)
    assert "a, b" == result.headers["x-twice"]
    assert "x-trailer" not in result.headers
    assert (int(framed), 1) == (owner.kept, owner.closed)  # it is closed by the test


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\naa, and more",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % number for number in range(300)) + b"\r\n",
        b"\x00" * 100,
    ],
    ids=range(12),
)
def test_what_is_odd_is_an_error(wire: bytes) -> None:
    """Nothing is guessed, and what is raised repeats nothing of what came."""

    async def main() -> HttpError:
        with conversation() as (connection, theirs, _):
            got = begun(connection)
            sent = asyncio.ensure_future(asyncio.to_thread(_send, theirs, wire))
            with pytest.raises(HttpError) as caught:
                await got
            await sent
            return caught.value

    error = run(main())

    assert "answering" == error.stage
    assert isinstance(error.cause, MalformedAnswerError)
    assert "aa" not in f"{error} {error.cause}"


def _send(sock: socket.socket, wire: bytes) -> None:
    with contextlib.suppress(OSError):  # it was enough for the other side
        sock.sendall(wire)


def test_a_second_answer_is_told_of() -> None:
    """What nobody asked for costs the connection; what was asked for counts."""

    async def main() -> tuple[Answer, Owner]:
        with conversation() as (connection, theirs, owner):
            got = begun(connection)
            theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na" * 2)
            return await got, owner

    answer, owner = run(main())

    assert (b"a", True) == (answer.body, answer.followed)
    assert (0, 1) == (owner.kept, owner.closed)


def test_each_attempt_has_a_deadline_of_its_own(server: FaultServer) -> None:
    """An attempt that began later and may take less time ends first, and none of them late or never."""

    async def main() -> list[float]:
        pool = pool_of(server)
        await post(pool)
        server.inject(Fault.HANG_BEFORE_ANSWER, always=True)
        ends: list[float] = []

        async def attempt(seconds: float) -> None:
            with pytest.raises(HttpError):
                await post(pool, seconds=seconds)
            ends.append(seconds)

        await asyncio.wait_for(asyncio.gather(*map(attempt, (0.3, 0.1, 0.2))), LONG)
        pool.close()
        return ends

    assert [0.1, 0.2, 0.3] == run(main())
