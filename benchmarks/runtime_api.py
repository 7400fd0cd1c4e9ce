"""A Runtime API on loopback, as small as can be, and its clients: awslambdaric, and one that does nothing."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["RuntimeApi", "serving"]

_NEXT = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: application/json\r\n"
    b"Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
    b"Lambda-Runtime-Deadline-Ms: 32503680000000\r\n"
    b"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:000000000000:function:echo\r\n"
    b"Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n"
    b"Content-Length: %d\r\n\r\n%s"
)
_ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)

AWSLAMBDARIC = ("-m", "awslambdaric", "handlers.echo")
BARE_CLIENT = ("bare_client.py",)


class RuntimeApi:
    """The server's side of one kept connection, on raw sockets: its answers are made beforehand and it reads no header
    but the length, so that what is measured is the client.

    Args:
        connection: the client's.
        client: the client's process id.
        event: the payload of every invocation.
    """

    def __init__(self, connection: socket.socket, client: int, event: bytes) -> None:
        self._connection = connection
        self._client = client
        self._next = _NEXT % (len(event), event)
        self.last_answer = b""

    def serve(self, times: int) -> float:
        """Hand out so many invocations and take their answers; seconds for one."""
        started = time.perf_counter()
        for _ in range(times):
            self._request()
            self._connection.sendall(self._next)
            self.last_answer = self._request()
            self._connection.sendall(_ACCEPTED)
        return (time.perf_counter() - started) / times

    def serve_on_one_core(self, times: int) -> float:
        """`serve` with both processes on the same core: they wake each other sooner than across cores."""
        cores = os.sched_getaffinity(0)
        for process in (0, self._client):
            os.sched_setaffinity(process, {min(cores)})
        try:
            return self.serve(times)
        finally:
            for process in (0, self._client):
                os.sched_setaffinity(process, cores)

    def _request(self) -> bytes:
        """One whole request; its body."""
        received = self._received(b"")
        while b"\r\n\r\n" not in received:
            received = self._received(received)
        head, _, body = received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        while length is not None and len(body) < int(length[1]):
            body = self._received(body)
        return body

    def _received(self, so_far: bytes) -> bytes:
        more = self._connection.recv(65536)
        if not more:
            raise RuntimeError("the client of the Runtime API is gone")
        return so_far + more


@contextlib.contextmanager
def serving(client: tuple[str, ...], event: bytes) -> Iterator[RuntimeApi]:
    """A server whose client, a Python process of its own, asks it for invocations until the end of the context."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)
        address = "{}:{}".format(*listening.getsockname())
        environment = {**os.environ, "AWS_LAMBDA_RUNTIME_API": address}
        process = subprocess.Popen(
            [sys.executable, *client], cwd=Path(__file__).parent, env=environment, stderr=subprocess.DEVNULL
        )
        try:
            connection, _ = listening.accept()
            connection.settimeout(30)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                yield RuntimeApi(connection, process.pid, event)
        finally:
            process.kill()
            process.wait()
