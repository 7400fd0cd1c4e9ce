"""The ASGI application: requests are received whole, answered on threads, and sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fcall.serve._api import Answer, Api, Call, Keys, Request, Rules
from fcall.serve._exchange import Exchange
from fcall.serve._form import Form
from fcall.serve._gate import Gate
from fcall.serve._hands import Hands
from fcall.serve._journal import Journal
from fcall.serve._overdue import Overdue
from fcall.serve._people import People
from fcall.serve._stage import Stage

__all__ = ["App", "Limits"]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server takes.

    Attributes:
        body: bytes of a request's body; what an API allows is less.
        body_timeout: seconds until the whole body has to be there.
        concurrency: how many requests are answered at once.
    """

    body: int = 64 * 1_048_576
    body_timeout: float = 60.0
    concurrency: int = 1_000


class App:
    """Serves APIs, and a page for people.

    Args:
        apis: the APIs.
        stage: what runs functions; a reload puts another one here.
        gate: who is let in.
        keys: what API requests have to be signed by, or None.
        journal: what was called.
        limits: what is taken.
        wants_log: bring the end of every log, for the journal.
    """

    def __init__(
        self,
        apis: Sequence[Api],
        stage: Stage,
        gate: Gate,
        keys: Keys | None,
        journal: Journal,
        limits: Limits,
        *,
        wants_log: bool = False,
    ) -> None:
        self.stage = stage
        self._apis = [*apis, *(Form(gate, runtime) for runtime in sorted({api.runtime for api in apis}))]
        self._gate = gate
        self._keys = keys
        self._journal = journal
        self._limits = limits
        self._wants_log = wants_log
        self._hands = Hands(self._finish)
        self._people = People(apis, lambda: self.stage, journal)
        self._overdue = Overdue(lambda: self._under_way)
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = _headers(scope["headers"])
        answer = self._gate.refusal(headers)
        if answer is None:
            target = scope["raw_path"].decode("latin-1")
            api = next((api for api in self._apis if api.owns(target)), None)
            if scope["query_string"]:
                target = f"{target}?{scope['query_string'].decode('latin-1')}"
            request = Request(scope["method"], target, headers)
            answer = await (self._for_people(request) if api is None else self._for_api(api, request, receive))
        await _sent(answer, send)

    async def _for_people(self, request: Request) -> Answer:
        return self._gate.person_refusal(request.headers) or self._people.answer(request)

    async def _for_api(self, api: Api, request: Request, receive: Receive) -> Answer:
        try:
            async with asyncio.timeout(self._limits.body_timeout):
                body = await _body(receive, self._limits.body)
        except TimeoutError:
            return _last(api.problem(request, 408, "the request did not come whole in time"))
        if body is None:
            return _last(api.problem(request, 413, f"the request is larger than {self._limits.body} bytes"))
        if self._under_way >= self._limits.concurrency:
            return api.problem(request, 429, f"{self._limits.concurrency} requests are being answered already")
        request = Request(request.method, request.target, request.headers, body)
        exchange = Exchange(api, request, self.stage, self._keys, self._journal, wants_log=self._wants_log)
        return await self._on_a_thread(exchange, self.stage, api.runtime)

    async def _on_a_thread(self, exchange: Exchange, stage: Stage, runtime: Rules) -> Answer:
        """The answer, from a thread that is not waited for beyond the limit of a function in this process."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Answer] = loop.create_future()

        def has_begun(call: Call) -> None:
            grace = stage.grace(call, runtime)
            if grace is not None:
                self._overdue.watch(answered, grace, lambda: _settle(answered, exchange.overdue(call)))

        self._under_way += 1
        self._overdue.start(loop)
        stage.enter()
        self._hands.give(lambda: (answered, _left(stage, exchange.answer(has_begun))), loop)
        return await answered

    def _finish(self, outcome: tuple[asyncio.Future[Answer], Answer]) -> None:
        answered, answer = outcome
        self._under_way -= 1
        self._overdue.forget(answered)
        _settle(answered, answer)


def _left(stage: Stage, answer: Answer) -> Answer:
    """The answer, for which the stage is not needed any more."""
    stage.leave()
    return answer


def _settle(answered: asyncio.Future[Answer], answer: Answer) -> None:
    """The answer, unless there is one already, or nobody waits any more."""
    if not answered.done():
        answered.set_result(answer)


def _headers(pairs: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _body(receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None where it is over the limit."""
    message = await receive()
    if not message.get("more_body"):
        body: bytes = message.get("body", b"")
        return body if len(body) <= limit else None
    pieces, size = [message.get("body", b"")], len(message.get("body", b""))
    while message.get("more_body"):
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            return None
    return b"".join(pieces)


def _last(answer: Answer) -> Answer:
    """The answer to a request that was not read to its end: nothing can follow it on its connection."""
    return Answer(answer.status, (*answer.headers, ("Connection", "close")), answer.body)


async def _sent(answer: Answer, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
