"""The service on loopback, in a process of its own: it answers calls of Lambda or Function Compute with their payloads.

It is run as ``service.py SECONDS``: how long each call takes. It prints its address; for each line of its input it
prints how many calls came since the line before, and by how many connections; it ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from functools import partial
from typing import Any

import httptools
import uvloop

_HEAD = (
    b"HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 09:18:40 GMT\r\nConnection: keep-alive\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\nX-Amz-Executed-Version: $LATEST\r\n"
    b"x-amzn-RequestId: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
    b"X-Fc-Request-Id: 5f0c8a52-3a0e-4a53-9c0c-0d1d3c1f9b0e\r\n\r\n"
)


class _Counts:
    """What happened since the last line of the input.

    Attributes:
        turn: stands for the time since then.
        used: connections that brought a call.
        answered: calls.
    """

    turn = object()
    used = answered = 0


class _Answering(asyncio.Protocol):
    """One connection."""

    def __init__(self, seconds: float, counts: _Counts) -> None:
        self._seconds = seconds
        self._counts = counts
        self._later = asyncio.get_running_loop().call_later
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._turn: object = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, piece: bytes) -> None:
        self._body.append(piece)

    def on_message_complete(self) -> None:
        body = b"".join(self._body)
        self._body.clear()
        self._counts.answered += 1
        if self._turn is not self._counts.turn:
            self._turn = self._counts.turn
            self._counts.used += 1
        answer = _HEAD % len(body) + body
        if self._seconds:
            self._later(self._seconds, self._transport.write, answer)
        else:
            self._transport.write(answer)


async def _serve(seconds: float) -> None:
    loop, counts, ended = asyncio.get_running_loop(), _Counts(), asyncio.Event()
    server = await loop.create_server(partial(_Answering, seconds, counts), "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    loop.add_reader(sys.stdin.fileno(), _tell, counts, ended)
    await ended.wait()


def _tell(counts: _Counts, ended: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        ended.set()
        return
    print(json.dumps({"connections": counts.used, "calls": counts.answered}), flush=True)
    counts.turn, counts.used, counts.answered = object(), 0, 0


if __name__ == "__main__":
    uvloop.run(_serve(float(sys.argv[1])))
