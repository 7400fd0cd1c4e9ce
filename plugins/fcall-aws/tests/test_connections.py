"""Connections: as few as can be, kept while they are well, probed while they are idle, and never mixed up."""

from __future__ import annotations

import gc
import json
import select
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import fcall_aws
import pytest
from botocore.config import Config
from fcall_aws._http import Exchange, IncompleteRequestError

import fcall
from fcall.errors import Executed, InvocationTimeoutError
from fcall.provider import Deadline
from fcall.testing.faults import Fault

THREADS = 32
WAYS = pytest.mark.parametrize("watched", [False, True], ids=["own", "boto3"])


def _client_sockets(port: int) -> list[socket.socket]:
    """Our ends of the connections to a port of this machine."""
    found = []
    for held in gc.get_objects():
        if issubclass(type(held), socket.socket) and held.fileno() >= 0 and held.family == socket.AF_INET:
            try:
                peer = held.getpeername()[1]
            except OSError:
                continue
            if peer == port:
                found.append(held)
    return found


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@WAYS
def test_fifty_events_take_one_connection(line: Callable[..., Any], tls: bool, watched: bool) -> None:
    """Every answer is read to its end, that of an Event too, so that one connection serves them all."""
    it = line(tls=tls, watched=watched)
    outcomes = [it.queue(number) for number in range(50)]

    assert [None] * 50 == [outcome.error for outcome in outcomes]
    assert 50 == len(it.ran)
    assert 1 == it.server.connections


def test_boto3_unread_takes_fifty(line: Callable[..., Any], bare: Callable[..., Any]) -> None:
    """What is avoided: boto3 leaves the empty answer of an Event unread, and opens a connection for each."""
    it = line()
    client = bare(it.endpoint)
    for number in range(50):
        client.invoke(FunctionName="echo", InvocationType="Event", Payload=json.dumps(number))

    assert 50 == it.server.connections


@WAYS
def test_every_verb_keeps_the_connection(line: Callable[..., Any], watched: bool) -> None:
    """Answers, failures and refusals of every verb that is no stream leave the connection to the next call."""
    it = line(watched=watched)  # boto3 has a pool for each class of time-outs, and listing waits for 30 s
    for _ in range(3):
        for verb in (it.sync, it.queue, it.dry):
            assert verb("x", timeout=30).error is None
        assert [*it.client.list_functions()]
        with pytest.raises(Exception, match="it fails"):
            it.client.invoke("fail", 1, timeout=30)
        with pytest.raises(Exception, match="ResourceNotFoundException"):
            it.client.invoke("missing", 1, timeout=30)

    assert 1 == it.server.connections


@WAYS
def test_threads_share_as_many_connections_as_there_are_threads(line: Callable[..., Any], watched: bool) -> None:
    """32 threads of 20 calls each open at most 32 connections, and everyone gets the own answer."""
    it = line(watched=watched)

    def calls(thread: int) -> list[bool]:
        events = [[thread, call] for call in range(20)]
        return [it.client.invoke("echo", event).json() == event for event in events]

    with it._around(), ThreadPoolExecutor(THREADS) as pool:
        right = [answer for answers in pool.map(calls, range(THREADS)) for answer in answers]

    assert [True] * (THREADS * 20) == right
    assert it.server.connections <= THREADS


def test_the_limit_is_on_calls_and_connections(line: Callable[..., Any]) -> None:
    """No more calls are under way than max_concurrency says, nor more connections open; the others wait."""
    it = line(max_concurrency=4)
    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda number: it.client.invoke("echo", number).json(), range(200)))

    assert list(range(200)) == answers
    assert it.server.connections <= 4


def test_fifty_first_calls_make_one_client(line: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """50 threads whose first call is the first one altogether: one boto3 client is made, and none of them fails."""
    made = []
    genuine = boto3.Session.client

    def client(self: boto3.Session, *arguments: Any, **more: Any) -> Any:
        made.append(threading.get_ident())
        return genuine(self, *arguments, **more)

    monkeypatch.setattr(boto3.Session, "client", client)
    it = line()
    together = threading.Barrier(50)

    def first(number: int) -> Any:
        together.wait(10)
        return it.client.invoke("echo", number).json()

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(first, range(50)))

    assert list(range(50)) == answers
    assert 1 == len(made)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@WAYS
def test_idle_connections_are_probed(line: Callable[..., Any], tls: bool, watched: bool) -> None:
    """The true socket has keep-alive with at most 120 s of silence, and has not lost TCP_NODELAY."""
    it = line(tls=tls, watched=watched)
    it.sync("x")
    (ours,) = _client_sockets(it.server.port)

    assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    if hasattr(socket, "TCP_KEEPIDLE"):
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 120


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("fault", [Fault.CLOSE_WHEN_IDLE, Fault.STRAY_ANSWER_THEN_CLOSE], ids=str)
@WAYS
def test_a_kept_connection_that_went_stale_is_replaced(
    line: Callable[..., Any], tls: bool, fault: Fault, watched: bool
) -> None:
    """What the server has closed, or has said unasked, while a connection was idle, is seen before it is used again."""
    it = line(tls=tls, watched=watched)
    it.server.inject(fault)
    assert it.sync("first").error is None
    (ours,) = _client_sockets(it.server.port)
    select.select([ours], [], [], 5)  # until the server's end has come
    outcome = it.sync("second")

    assert (b'"second"', None, 1) == (outcome.value, outcome.error, outcome.runs)
    assert 2 == it.server.connections


def test_the_callers_own_client_is_used(line: Callable[..., Any]) -> None:
    """A boto3 client of the application's own makes the calls."""
    it = line()
    mine = boto3.client(
        "lambda", endpoint_url=it.endpoint.url, config=Config(retries={"total_max_attempts": 1, "mode": "standard"})
    )
    seen = []
    mine.meta.events.register("before-call.lambda.Invoke", lambda **_: seen.append("told"))
    with fcall.Client(provider="aws", client=mine, plugins=[fcall_aws]) as client:
        answer = client.invoke("echo", [1]).json()
    mine.close()

    assert [1] == answer
    assert ["told"] == seen


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("fault", [Fault.SLOW_BODY, Fault.HANG_IN_BODY, Fault.HANG_IN_CHUNK], ids=str)
@WAYS
def test_a_body_that_trickles_is_cut_at_the_deadline(
    line: Callable[..., Any], tls: bool, fault: Fault, watched: bool
) -> None:
    """The deadline holds for the whole answer, whatever comes in between; the function ran, and the error says so."""
    it = line(tls=tls, watched=watched)
    it.sync("warm", timeout=1)  # there is a client for each class of time-outs, and making it takes its time
    it.server.inject(fault)
    outcome = it.sync("x" * 1000, timeout=0.4)

    assert isinstance(outcome.error, InvocationTimeoutError)
    assert Executed.YES is outcome.error.executed
    assert 0.35 < outcome.seconds < 1.2


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("fault", [Fault.SLOW_HEAD, Fault.HANG_BEFORE_ANSWER, Fault.ENDLESS_CONTINUE], ids=str)
def test_a_head_that_trickles_is_cut_at_the_deadline(line: Callable[..., Any], tls: bool, fault: Fault) -> None:
    """A head that does not come in time is a time-out, and nobody knows whether the function ran."""
    it = line(tls=tls)
    it.sync("warm", timeout=1)  # there is a client for each class of time-outs, and making it takes its time
    it.server.inject(fault)
    outcome = it.sync("x", timeout=0.4)

    assert isinstance(outcome.error, InvocationTimeoutError)
    assert Executed.MAYBE is outcome.error.executed
    assert 0.35 < outcome.seconds < 1.2


def test_a_deadline_is_kept_without_answer_for_each_thread(line: Callable[..., Any]) -> None:
    """Calls with different time-outs at the same time each end at their own."""
    it = line()
    it.sync("warm", timeout=1)  # there is a client for each class of time-outs, and making it takes its time
    it.server.inject(Fault.HANG_BEFORE_ANSWER, always=True)

    def call(seconds: float) -> float:
        begun = time.monotonic()
        with pytest.raises(InvocationTimeoutError):
            it.client.invoke("echo", 1, timeout=seconds)
        return time.monotonic() - begun - seconds

    with ThreadPoolExecutor(4) as pool:
        late = list(pool.map(call, (0.2, 0.5, 0.8, 1.1)))

    assert all(0 <= seconds < 0.8 for seconds in late)


def test_a_request_whose_time_is_up_waits_for_nothing() -> None:
    """Where the deadline passed before the request could be sent, nobody waits for what the server may have to say."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"H")  # as much of an answer as makes one wait for the rest
        with pytest.raises(IncompleteRequestError):
            Exchange(ours, Deadline.after(0)).send(b"POST / HTTP/1.1\r\n\r\n", b"")

        assert ours.gettimeout() is None


def test_all_addresses_of_a_host_share_the_deadline(line: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with many addresses none of which answers costs the caller its time-out once, and not once for each."""
    it = line()
    it.sync("warm", timeout=1)
    it.server.inject(Fault.BLACK_HOLE, always=True)
    genuine = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *where, **how: genuine(*where, **how)[-1:] * 10)
    outcome = it.sync("nobody", timeout=1)
    it.server.heal()

    assert (InvocationTimeoutError, Executed.NO) == (type(outcome.error), outcome.error.executed)
    assert outcome.seconds < 5
