"""The lane of asyncio: calls that are awaited, on connections of the running event loop.

It is open where the lane of threads is, and nobody listens to any of the client's events, since it tells of none. Where
it is closed the call is made on a thread, by the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, TypeVar

from fcall.errors import Executed, FcallError, InvocationTimeoutError
from fcall.http import Answer, HttpError, MalformedAnswerError, Pool
from fcall.provider import Deadline, InvocationResult, InvocationType, forget_in_child
from fcall_aws._answers import Head
from fcall_aws._clients import Clients
from fcall_aws._connections import Connections, unreachable
from fcall_aws._errors import check_time
from fcall_aws._lane import broken
from fcall_aws._way import Way, kind_of, way_of

__all__ = ["AsyncioLane"]

T = TypeVar("T")


class AsyncioLane:
    """Sends the calls of one provider that are awaited.

    Args:
        clients: the provider's clients.
        size: how many connections each event loop has at most.
        on_refusal: hears of each error that Lambda answers with, and the call's deadline.
    """

    def __init__(self, clients: Clients, size: int, on_refusal: Callable[[FcallError, Deadline], None]) -> None:
        self._clients = clients
        self._size = size
        self._on_refusal = on_refusal
        self._pools: dict[str, Pool] = {}
        self.after_fork_in_child()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """Begin anew; the pools do so by themselves."""
        self._ways: dict[str | None, Way] = {}
        self._learning: dict[Hashable, asyncio.Future[Any]] = {}

    async def send(
        self, region: str | None, given: dict[str, Any], kind: InvocationType, deadline: Deadline
    ) -> InvocationResult | None:
        """Make one attempt, or answer None where it is to be made on a thread: nothing was sent then.

        Raises:
            FcallError: the call failed.
        """
        way = self._ways.get(region)
        if way is None or self._clients.lane(way.client) is not way.lane:
            way = await self._once(region, partial(self._way, region, deadline), deadline)
        if way is None or not way.is_open():
            return None
        keys = way.keys() or await self._once((way, None), way.credentials.get_frozen_credentials, deadline)
        head = None if keys is None else way.head(given, keys) or await self._learned(way, given, keys, deadline)
        if head is None:
            return None
        check_time(deadline)
        try:
            exchange = await self._pools[way.lane.origin].begin(head, given.get("Payload", b""), deadline)
            del head, given, keys  # of a thousand calls that wait, each would keep them
            answer = await exchange
        except HttpError as error:
            answer = self._refused(error, way.lane.connections, deadline)
        return self._read(answer, way, kind, deadline)

    def close(self) -> None:
        """Close the connections."""
        self._ways = {}
        for pool in self._pools.values():
            pool.close()

    async def _learned(self, way: Way, given: dict[str, Any], keys: Any, deadline: Deadline) -> bytes | None:
        """The head of a call's request, once botocore has said how such a one looks; None where it has to send it."""
        kind = kind_of(given, keys)
        if kind not in way.patterns:
            await self._once((way, kind), partial(way.learn, given, keys, deadline), deadline)
        return way.head(given, keys)

    def _read(self, answer: Answer, way: Way, kind: InvocationType, deadline: Deadline) -> InvocationResult:
        head = Head(answer.status, answer.headers)
        if answer.cut or answer.followed:
            odd = MalformedAnswerError("the answer is longer than " + ("any of Lambda's" if answer.cut else "it says"))
            raise broken(odd, head, deadline, whole=True) from odd
        return way.result(head, answer.body, kind, deadline)

    def _refused(self, error: HttpError, connections: Connections, deadline: Deadline) -> Answer:
        """The refusal that was cut short, whose head says what it is."""
        if error.status >= 300:
            return Answer(error.status, error.headers)
        raise self._failure(error, connections, deadline) from error.cause

    def _failure(self, error: HttpError, connections: Connections, deadline: Deadline) -> FcallError:
        if error.stage == "waiting":
            return InvocationTimeoutError(
                f"{self._size} calls were under way until the time-out passed; raise max_concurrency or timeout",
                executed=Executed.NO,
            )
        if error.stage == "connecting":
            return unreachable(error.cause, f"{connections.host}:{connections.port}", deadline)
        return broken(error.cause, Head(error.status, error.headers), deadline, whole=error.stage == "answering")

    def _way(self, region: str | None, deadline: Deadline) -> Way | None:
        """The way to a region, where there is one."""
        way = way_of(self._clients, self._clients.get(region, deadline), self._on_refusal)
        if way is not None:
            to = way.lane.connections
            self._pools.setdefault(way.lane.origin, Pool(to.host, to.port, self._size, to.context))
            self._ways[region] = way
        return way

    async def _once(self, what: Hashable, function: Callable[[], T], deadline: Deadline) -> T | None:
        """What a function that may take its time gives, on a thread, once for all who ask for it meanwhile.

        It is None where the function raises: on a thread of the call's own it will do so again.
        """
        key = (asyncio.get_running_loop(), what)
        learning = self._learning.get(key)
        if learning is None:
            learning = self._learning[key] = asyncio.ensure_future(asyncio.to_thread(_or_none, function))
            learning.add_done_callback(lambda _: self._learning.pop(key, None))
        await asyncio.wait({learning}, timeout=deadline.remaining())
        return learning.result() if learning.done() and not learning.cancelled() else None


def _or_none(function: Callable[[], T]) -> T | None:
    try:
        return function()
    except Exception:  # noqa: BLE001 - see above
        return None
