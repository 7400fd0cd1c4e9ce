"""Drivers: they do what a flow asks for, on threads or on asyncio. Nothing else here sleeps, awaits or uses threads."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from fcall._flow import Advance, Emit, Open, Pause, Send, Step
from fcall.provider import AsyncioProvider, StreamingProvider

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["run_asyncio", "run_sync", "stream_sync"]

T = TypeVar("T")


def run_sync(flow: Generator[Step, Any, T], sleep: Callable[[float], object] = time.sleep) -> T:
    """Drive a flow to its end on this thread."""
    try:
        step = next(flow)
        while True:
            try:
                answer = (
                    step.provider.invoke(step.invocation, step.deadline) if type(step) is Send else _done(step, sleep)
                )
            except BaseException as error:  # noqa: BLE001 - the flow decides on every outcome
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


def stream_sync(flow: Generator[Step, Any, object], sleep: Callable[[float], object] = time.sleep) -> Iterator[bytes]:
    """Drive a streaming flow on the thread that takes the pieces."""
    pieces: Iterator[bytes] | None = None
    try:
        step = next(flow)
        while True:
            try:
                if type(step) is Emit:
                    answer = yield step.piece
                else:
                    answer = _done(step, sleep)
                    pieces = answer[0] if type(step) is Open else pieces
            except BaseException as error:  # noqa: BLE001 - the flow decides on every outcome
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration:
        return
    finally:
        if pieces is not None and hasattr(pieces, "close"):
            pieces.close()


async def run_asyncio(flow: Generator[Step, Any, T], executor: Executor | None = None) -> T:
    """Drive a flow to its end on the running event loop.

    A provider with an asyncio path is awaited; another one runs on `executor`, with this task's context variables. A
    cancelled call ends at once; a thread that is under way is not stopped by it, and may still run the function.
    """
    try:
        step = next(flow)
        while True:
            try:
                answer = await _awaited(step, executor)
            except BaseException as error:  # noqa: BLE001 - the flow decides on every outcome
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


def _done(step: Step, sleep: Callable[[float], object]) -> Any:
    """What comes of a step on this thread."""
    if isinstance(step, Pause):
        return sleep(step.seconds)
    if isinstance(step, Advance):
        return next(step.pieces, None)
    if isinstance(step, Open):
        assert isinstance(step.provider, StreamingProvider)
        pieces = iter(step.provider.stream(step.invocation, step.deadline))
        return pieces, next(pieces, None)
    assert isinstance(step, Send)
    return step.provider.invoke(step.invocation, step.deadline)


async def _awaited(step: Step, executor: Executor | None) -> Any:
    """What comes of a step on the event loop."""
    import asyncio

    if isinstance(step, Pause):
        return await asyncio.sleep(step.seconds)
    assert isinstance(step, Send)
    if isinstance(step.provider, AsyncioProvider):
        answer: Awaitable[Any] = step.provider.invoke_asyncio(step.invocation, step.deadline)
        return await answer
    from contextvars import copy_context

    context = copy_context()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(executor, context.run, step.provider.invoke, step.invocation, step.deadline)
