"""`fcall serve` over Lambda's API, against a direct call, and against serverless-offline where that is installed.

What counts for requests is the processor's time of the server, threads and the system's share included: what one core
could answer that does nothing else.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from measure import Effort, Row, limit, micro

import fcall

__all__ = ["rows"]

_SERVER = Path(__file__).with_name("serve_server.py")
_CONNECTIONS = 8
_CONFIGURATION = """
service: figures
frameworkVersion: "*"
provider: {name: aws, runtime: nodejs20.x, region: us-east-1, stage: dev}
plugins: [serverless-offline]
functions: {noop: {handler: handler.noop}}
"""


def rows(effort: Effort) -> list[Row]:
    """Requests over kept-alive connections, and what a request takes longer than a call."""
    if not (find_spec("fcall_aws") and find_spec("uvicorn")):
        names = ("requests for a second of one core", "a request, kept-alive")
        return [Row(f"`fcall serve`, {name}", "fcall-aws or uvicorn is not installed") for name in names]
    with _served() as (url, process):
        rate = _Client(url, "noop", _CONNECTIONS).rate(effort, process)
        alone = median(_Client(url, "noop", 1).times(effort))
    with _serverless_offline() as (peer, process):
        other = None if peer is None else _Client(peer, "figures-dev-noop", _CONNECTIONS).rate(effort, process)
    against = "serverless-offline is not installed" if other is None else f"serverless-offline {other:,.0f}"
    ratio = "" if other is None else f"{rate / other:.1f}"
    reached = rate >= 1_500 and (other is None or rate >= 3 * other)
    direct = _direct(effort)
    return [
        Row(
            f"`fcall serve`, requests for a second of one core, {_CONNECTIONS} connections",
            f"{rate:,.0f}",
            against,
            ratio,
            limit("at least 1,500, and 3 times as many", reached),
        ),
        Row(
            "`fcall serve`, a request, kept-alive, median",
            f"{micro(alone)}, {micro(alone - direct)} above",
            f"`Client.invoke` {micro(direct)}",
            "",
            limit("at most 1 ms above", alone - direct <= 1e-3),
        ),
    ]


class _Client:
    """As little of HTTP as will do: the same request on some connections, answers of a known length."""

    def __init__(self, url: str, function: str, connections: int) -> None:
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or 0)
        self._connections = [socket.create_connection(address) for _ in range(connections)]
        path = f"/2015-03-31/functions/{function}/invocations"
        self._request = f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 2\r\n\r\n{{}}".encode()

    def rate(self, effort: Effort, process: int) -> float:
        """Requests for a second of the processor that the server's process uses; the first calls warm it up."""
        self._round(effort.calls)
        before, calls = _processor_time(process), effort.calls * effort.rounds
        self._round(calls)
        return calls * len(self._connections) / max(_processor_time(process) - before, 1e-9)

    def times(self, effort: Effort) -> list[float]:
        """Seconds for each request, one after the other."""
        return [self._round(1) for _ in range(effort.calls)]

    def _round(self, calls: int) -> float:
        started = time.perf_counter()
        for _ in range(calls):
            for connection in self._connections:
                connection.sendall(self._request)
            for connection in self._connections:
                _read(connection)
        return (time.perf_counter() - started) / calls / len(self._connections)


def _read(connection: socket.socket) -> None:
    answer = b""
    while not answer.endswith(b"\r\n\r\n{}"):
        piece = connection.recv(65_536)
        assert piece, answer
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200 "), answer


def _processor_time(process: int) -> float:
    """Seconds of the processor that a process has used, in all of its threads."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _direct(effort: Effort) -> float:
    """The median of a call without HTTP."""
    registry = fcall.local.Registry()
    registry.function("noop")(lambda event, context: event)
    times = []
    with fcall.Client(provider="local", registry=registry) as client:
        for _ in range(effort.calls):
            started = time.perf_counter()
            client.invoke("noop", {})
            times.append(time.perf_counter() - started)
    return median(times)


@contextlib.contextmanager
def _served() -> Iterator[tuple[str, int]]:
    """The URL of our server, and its process."""
    command = [sys.executable, str(_SERVER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process.pid


@contextlib.contextmanager
def _serverless_offline() -> Iterator[tuple[str | None, int]]:
    """Its URL and its process, on the core that our server had; None where ``FCALL_NODE_MODULES`` has it not."""
    modules = Path(os.environ.get("FCALL_NODE_MODULES", ""))
    program, node = modules / "serverless" / "bin" / "serverless.js", shutil.which("node")
    if node is None or not program.is_file() or not (modules / "serverless-offline").is_dir():
        yield None, 0
        return
    with TemporaryDirectory() as folder:
        Path(folder, "serverless.yml").write_text(_CONFIGURATION)
        Path(folder, "handler.js").write_text("module.exports.noop = async (event) => event;\n")
        Path(folder, "node_modules").symlink_to(modules, target_is_directory=True)
        command = [node, str(program), "offline", "--lambdaPort", "3902", "--httpPort", "3900"]
        pinned = ["taskset", "-c", str(min(os.sched_getaffinity(0))), *command] if shutil.which("taskset") else command
        environ = {**os.environ, "SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off"}
        log = Path(folder, "log")
        with log.open("w") as output:
            process = subprocess.Popen(pinned, cwd=folder, env=environ, stdout=output, stderr=output)
        try:
            while "listening on" not in log.read_text() and process.poll() is None:
                time.sleep(0.1)
            yield "http://localhost:3902", process.pid
        finally:
            process.terminate()
            process.wait()
