"""The peers that are awaited: many at once they call from one event loop."""

from __future__ import annotations

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

__all__ = ["PEERS", "SMALL"]

SMALL = b'"' + b"x" * 98 + b'"'


class Awaited(ABC):
    """Calls from the tasks of an event loop, as many tasks as calls are to be under way."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._runner = asyncio.Runner()
        self._runner.run(self.open())

    @abstractmethod
    async def open(self) -> None: ...

    @abstractmethod
    async def call(self, payload: bytes) -> bytes: ...

    def one_by_one(self, filler: bytes, times: int) -> None:
        self._runner.run(self._one_by_one(b'"%b"' % filler, times))

    def many(self, count: int, in_flight: int) -> None:
        self._runner.run(self.fan_out(count, in_flight))

    async def fan_out(self, count: int, in_flight: int) -> None:
        left = iter(range(count))

        async def work() -> None:
            for _ in left:
                assert await self.call(SMALL) == SMALL

        await asyncio.gather(*(work() for _ in range(in_flight)))

    async def _one_by_one(self, payload: bytes, times: int) -> None:
        for _ in range(times):
            assert await self.call(payload) == payload


class Fcall(Awaited):
    """`AsyncClient`, and its `map`."""

    async def open(self) -> None:
        import fcall_aws

        import fcall

        self._client = fcall.AsyncClient(
            provider="aws", region="us-east-1", endpoint_url=self.url, max_concurrency=1000, plugins=[fcall_aws]
        )

    async def call(self, payload: bytes) -> bytes:
        return (await self._client.invoke("echo", payload=payload)).payload

    async def fan_out(self, count: int, in_flight: int) -> None:
        payloads = itertools.repeat(SMALL, count)
        async for result in self._client.map("echo", payloads=payloads, concurrency=in_flight):
            assert result.payload == SMALL


class Aiobotocore(Awaited):
    """aiobotocore, with as many connections as it is to have calls under way."""

    async def open(self) -> None:
        from aiobotocore.config import AioConfig
        from aiobotocore.session import get_session

        config = AioConfig(max_pool_connections=1000)
        made = get_session().create_client("lambda", region_name="us-east-1", endpoint_url=self.url, config=config)
        self._client = await made.__aenter__()

    async def call(self, payload: bytes) -> bytes:
        response = await self._client.invoke(FunctionName="echo", Payload=payload)
        async with response["Payload"] as stream:
            data: bytes = await stream.read()
            return data


class Aiohttp(Awaited):
    """A request signed by hand, by way of aiohttp."""

    async def open(self) -> None:
        import aiohttp

        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1000))
        self._host = self.url.partition("://")[2]

    async def call(self, payload: bytes) -> bytes:
        from signing import PATH, signed

        headers = signed(self._host, payload)
        async with self._session.post(self.url + PATH, data=payload, headers=headers) as answer:
            if answer.status != 200 or "x-amz-function-error" in answer.headers:
                raise RuntimeError("the call failed")
            return await answer.read()


class _Same(asyncio.Protocol):
    """Sends the same bytes again as soon as so many bytes came back."""

    def __init__(self, request: bytes, size: int, left: list[int], done: asyncio.Future[None]) -> None:
        self._request, self._size, self._left, self._done = request, size, left, done
        self._came = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._came += len(data)
        if self._came == self._size:
            self._came = 0
            self._left[1] -= 1
            self._send()

    def _send(self) -> None:
        if self._left[0]:
            self._left[0] -= 1
            self._transport.write(self._request)
        else:
            self._transport.close()
        if not self._left[1] and not self._done.done():
            self._done.set_result(None)


class SameBytes:
    """No client at all, on uvloop: one request made beforehand. What it reaches is the service's own limit."""

    def __init__(self, url: str) -> None:
        import uvloop

        self._host, _, port = url.partition("://")[2].partition(":")
        self._port = int(port)
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._request = (
            b"POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n\r\n%b"
            % (self._host.encode(), len(SMALL), SMALL)
        )

    def many(self, count: int, in_flight: int) -> None:
        self._runner.run(self._fan_out(count, in_flight))

    async def _fan_out(self, count: int, in_flight: int) -> None:
        loop = asyncio.get_running_loop()
        size, left, done = await self._size(), [count, count], loop.create_future()
        for _ in range(min(in_flight, count)):
            await loop.create_connection(lambda: _Same(self._request, size, left, done), self._host, self._port)
        await done

    async def _size(self) -> int:
        """How many bytes an answer has."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        writer.write(self._request)
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return len(head) + len(SMALL)


PEERS: dict[str, Callable[[str], Any]] = {
    "fcall, asyncio": Fcall,
    "aiobotocore": Aiobotocore,
    "signed by hand, aiohttp": Aiohttp,
    "the same bytes": SameBytes,
}
