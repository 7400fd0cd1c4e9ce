"""Calls that are awaited: the same signed requests, on connections of the running event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from fcall.errors import Executed, FcallError, InvalidParamsError, InvocationTimeoutError
from fcall.http import BrokenAnswerError, HttpError, MalformedAnswerError, Pool
from fcall.provider import Deadline
from fcall_aliyun._errors import WHEN_SENT, WHILE_CONNECTING
from fcall_aliyun._exchange import Answer, Request
from fcall_aliyun._options import AliyunOptions
from fcall_aliyun._transport import busy, host_and_port, kind, ssl_context, too_late_to_connect

__all__ = ["AsyncioTransport", "waited"]

T = TypeVar("T")


class AsyncioTransport:
    """Sends requests to one endpoint, from asyncio. No proxy is configured for it.

    Args:
        options: where it is, and how many connections each event loop has at most.

    Raises:
        ConfigurationError: the authorities to trust cannot be read.
    """

    def __init__(self, options: AliyunOptions) -> None:
        self._options = options
        scheme, _, self._host = options.url.partition("://")
        context = ssl_context(options.ca_file) if scheme == "https" else None
        host, port = host_and_port(options.url)
        port = port or (80 if context is None else 443)
        self._pool = Pool(host.strip("[]"), port, options.max_concurrency, context, options.response_limit)

    async def send(self, request: Request, deadline: Deadline) -> Answer:
        """`Transport.send`, awaited."""
        lines = [f"{request.method} {request.target} HTTP/1.1", "Accept-Encoding: identity"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        try:
            answer = await self._pool.exchange(_encoded(lines), request.body, deadline)
        except HttpError as error:
            raise self._failure(error, deadline) from error.cause
        return Answer(answer.status, answer.headers, answer.body, answer.framed, answer.cut)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def _failure(self, error: HttpError, deadline: Deadline) -> FcallError:
        cause = error.cause
        what = str(cause) if isinstance(cause, BrokenAnswerError | MalformedAnswerError) else kind(cause)
        if error.stage == "waiting":
            return busy(self._options.max_concurrency)
        if error.stage == "answering":
            return WHEN_SENT.error_of(cause, f"{self._host} did not answer: {what}")
        if isinstance(cause, TimeoutError) and deadline.remaining() < 0.002:
            return too_late_to_connect(self._host)
        return WHILE_CONNECTING.error_of(cause, f"{self._host} could not be reached: {what}")


def _encoded(lines: list[str]) -> bytes:
    """The head of a request.

    Raises:
        InvalidParamsError: something of it is not fit for a header.
    """
    head = "\r\n".join([*lines, "", ""])
    if head.count("\n") != len(lines) + 1:
        raise InvalidParamsError("a header of the request has a line break in it")
    return head.encode("latin-1")


async def waited(function: Callable[..., T], *arguments: object, deadline: Deadline) -> T:
    """What a function that may take its time gives, on a thread.

    Raises:
        InvocationTimeoutError: it took longer than the call may.
    """
    try:
        async with asyncio.timeout(deadline.remaining()):
            return await asyncio.to_thread(function, *arguments)
    except TimeoutError as error:
        if isinstance(error, FcallError):
            raise
        raise InvocationTimeoutError(
            "the time-out passed before the request was signed; raise timeout", executed=Executed.NO
        ) from error
