"""The fault server in a process of its own: the same members, and nothing left behind."""

from __future__ import annotations

import http.client
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fcall.testing.faults import FAULTS, End, Fault, FaultProcess, FaultServer

_SERVICES = """
import os
from fcall.testing.faults import FaultServer, Response

def pid(request):
    return Response(body=b"%d" % os.getpid())

def cut(response):
    return (response.head("Content-Length: 9"),)

def failing():
    raise LookupError("there is no such service")

class Endpoint:
    def __init__(self):
        self.server = FaultServer(pid)

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        self.server.stop()
"""


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module that the other process can import too."""
    (tmp_path / "services_of_a_test.py").write_text(_SERVICES)
    monkeypatch.syspath_prepend(tmp_path)
    import services_of_a_test

    yield services_of_a_test
    del sys.modules["services_of_a_test"]


@pytest.fixture
def server(services: Any) -> Iterator[FaultProcess]:
    """A server elsewhere that answers with the number of its process."""
    with FaultProcess(partial(FaultServer, services.pid)) as server:
        yield server


def _posted(server: FaultProcess) -> bytes:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        client.request("POST", "/a?b=1", b"{}", {"X-Id": "1"})
        return client.getresponse().read()
    finally:
        client.close()


def test_it_is_another_process(server: FaultProcess) -> None:
    """The service answers from a process of its own, and what it has seen is told here."""
    answer = _posted(server)

    assert str(os.getpid()).encode() != answer
    assert f"http://127.0.0.1:{server.port}" == server.url
    assert server.ca_file is None
    assert server.settle()
    assert (1, 1, 1) == (server.received, server.executions, server.connections)
    assert ["/a?b=1"] == [request.target for request in server.requests]
    assert "1" == server.requests[0].headers["x-id"]


def test_faults_are_injected_from_here(server: FaultProcess) -> None:
    """A fault strikes once, or until the server is healed; resetting forgets what was counted."""
    server.inject(Fault.CLOSE_BEFORE_ANSWER)
    with pytest.raises(http.client.RemoteDisconnected):
        _posted(server)
    well = _posted(server)
    server.inject(Fault.CLOSE_BEFORE_ANSWER, always=True)
    for _ in range(2):
        with pytest.raises(http.client.RemoteDisconnected):
            _posted(server)
    server.heal()

    assert well == _posted(server)
    assert 5 == server.executions
    server.reset()
    assert 0 == server.executions


def test_every_fault_goes_there(server: FaultProcess) -> None:
    """Every ready-made fault can be sent to the other process, slower and with another answer too."""
    plain = [fault for fault in FAULTS if not fault.needs_tls]
    server.inject(*plain, *[fault.with_pace(0.1) for fault in plain], Fault.delayed(0.1), Fault.redirect("/"))
    server.heal()
    server.inject(Fault.status(503, b"full", {"Retry-After": "1"}, runs=True))

    assert b"full" == _posted(server)
    assert 1 == server.executions


def test_a_fault_of_ones_own_goes_there(server: FaultProcess, services: Any) -> None:
    """A fault of one's own may be made of a function in a module."""
    server.inject(Fault("CUT", end=End.CLOSE, executes=True, sends=services.cut))
    with pytest.raises(http.client.IncompleteRead):
        _posted(server)

    assert 1 == server.executions


def test_an_endpoint_that_has_a_server_will_do(services: Any) -> None:
    """What is made may have the server as an attribute, as a vendor's endpoint does."""
    with FaultProcess(services.Endpoint) as server:
        server.inject(Fault.status(418))

        assert b"" == _posted(server)
        assert 1 == server.received


def test_errors_are_raised_here(services: Any, server: FaultProcess) -> None:
    """A server that cannot be made, and a fault that it refuses, raise here what they raise there."""
    with pytest.raises(LookupError, match="no such service"):
        FaultProcess(services.failing)
    with pytest.raises(ValueError, match="make the server with tls=True"):
        server.inject(Fault.TLS_CLOSE)

    assert _posted(server)


def test_over_tls_it_has_a_certificate(services: Any) -> None:
    """The certificate to trust is a file, for as long as the server runs."""
    pytest.importorskip("trustme", reason="trustme makes the certificates")
    with FaultProcess(partial(FaultServer, services.pid, tls=True)) as server:
        assert f"https://localhost:{server.port}" == server.url
        assert b"BEGIN CERTIFICATE" in Path(str(server.ca_file)).read_bytes()
    assert not Path(str(server.ca_file)).exists()


def _ended(pid: int) -> bool:
    ends_at = time.monotonic() + 10
    while time.monotonic() < ends_at:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("end", [FaultProcess.stop, lambda server: server.__exit__(None, None, None)])
def test_stopping_ends_the_process(server: FaultProcess, end: Callable[[FaultProcess], None]) -> None:
    """The process ends with the server, and stopping twice is harmless."""
    pid = int(_posted(server))
    end(server)
    server.stop()

    assert _ended(pid)


def test_a_process_that_was_killed_is_told(server: FaultProcess) -> None:
    """Whoever asks a server whose process was killed is told so, and can still stop it."""
    pid = int(_posted(server))
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(RuntimeError, match="has ended"):
        server.heal()
    server.stop()

    assert _ended(pid)
