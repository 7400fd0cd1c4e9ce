"""Waiting for a worker's answer: awake for a moment where it comes soon, asleep where it does not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fcall.local import _glance
from fcall.local._glance import Glance

SHORT, LONG = _glance._MOMENT / 10, 0.05


class Watched:
    """A socket of which it is known how it was asked. It is true to the one below it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.asked: list[bool] = []

    def recv(self, size: int, flags: int = 0) -> bytes:
        self.asked.append(bool(flags & socket.MSG_DONTWAIT))
        return self._sock.recv(size, flags)


@pytest.fixture
def ends() -> Iterator[tuple[Any, socket.socket]]:
    """The end that waits, watched, and the other one."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Watched(ours), theirs


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Sets whether there is more than one processor."""
    return lambda there: monkeypatch.setattr(_glance, "_has_several_processors", lambda: there)


def after(seconds: float, ends: tuple[Any, socket.socket], glance: Glance) -> list[bool]:
    """How the socket is asked for what comes so much later."""
    ours, theirs = ends
    ours.asked.clear()
    timer = threading.Timer(seconds, theirs.sendall, [b"it"])
    if seconds < LONG:
        theirs.sendall(b"it")
    else:
        timer.start()

    assert b"it" == glance.receive()
    return list(ours.asked)


def test_it_looks_where_the_last_wait_was_short(ends: tuple[Any, socket.socket], several: Callable) -> None:
    """Once something came at once, the next is looked for before it sleeps, and it sleeps where that does not come."""
    several(True)
    glance = Glance(ends[0])
    while not glance._was_short:  # a busy machine may make any wait a long one
        after(SHORT, ends, glance)

    assert [True] == after(SHORT, ends, glance)[:1]
    while not glance._was_short:
        after(SHORT, ends, glance)
    asked = after(LONG, ends, glance)

    assert ([True, False], True) == ([asked[0], asked[-1]], all(asked[:-1]))


def test_it_sleeps_where_the_last_wait_was_long(ends: tuple[Any, socket.socket], several: Callable) -> None:
    """Nothing is spent on what takes its time."""
    several(True)
    glance = Glance(ends[0])
    after(LONG, ends, glance)

    assert [False] == after(LONG, ends, glance)
    assert [False] == after(SHORT, ends, glance)


def test_it_never_looks_where_there_is_one_processor(ends: tuple[Any, socket.socket], several: Callable) -> None:
    """The other end could not run meanwhile."""
    several(False)
    glance = Glance(ends[0])

    assert [[False]] * 5 == [after(SHORT, ends, glance) for _ in range(5)]


def test_it_keeps_to_the_sockets_time_out(several: Callable) -> None:
    """Looking prolongs a wait by a moment at most."""
    several(True)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, bytes(8) + (20_000).to_bytes(8, "little"))
        glance = Glance(ours)
        glance._was_short = True
        started = time.monotonic()
        with pytest.raises(BlockingIOError):
            glance.receive()

        assert time.monotonic() - started < 5
        assert not glance._was_short
