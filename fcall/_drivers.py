"""Drivers: they do what a flow asks for, on threads or on asyncio. Nothing else here sleeps, awaits or uses threads."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from fcall._flow import END, Advance, Emit, Open, Pause, Send, Step
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
                    if type(step) is Open:
                        pieces = answer[0]
            except BaseException as error:  # noqa: BLE001 - the flow decides on every outcome
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration:
        return
    finally:
        _close(pieces)


async def run_asyncio(
    flow: Generator[Step, Any, T],
    executor: Executor | None = None,
    sleep: Callable[[float], Awaitable[object]] | None = None,
) -> T:
    """Drive a flow to its end on the running event loop.

    A provider with an asyncio path is awaited; another one runs on `executor`, with this task's context variables. A
    cancelled call ends at once; a thread that is under way is not stopped by it, and may still run the function.
    """
    try:
        step = next(flow)
        while True:
            try:
                answer = await _awaited(step, executor, sleep)
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
        return next(step.pieces, END)
    assert isinstance(step, Open)
    return _opened(step)


def _opened(step: Open) -> tuple[Iterator[bytes], Any]:
    """The pieces and the first of them; a stream that fails before it is closed."""
    assert isinstance(step.provider, StreamingProvider)
    pieces = iter(step.provider.stream(step.invocation, step.deadline))
    try:
        return pieces, next(pieces, END)
    except BaseException:
        _close(pieces)
        raise


def _close(pieces: Iterator[bytes] | None) -> None:
    """Let go of what the iterator holds, where it is one that can."""
    close = getattr(pieces, "close", None)
    if close is not None:
        close()


async def _awaited(step: Step, executor: Executor | None, sleep: Callable[[float], Awaitable[object]] | None) -> Any:
    """What comes of a step on the event loop."""
    import asyncio

    if isinstance(step, Pause):
        return await (sleep or asyncio.sleep)(step.seconds)
    assert isinstance(step, Send)
    if isinstance(step.provider, AsyncioProvider):
        answer: Awaitable[Any] = step.provider.invoke_asyncio(step.invocation, step.deadline)
        return await answer
    from contextvars import copy_context

    context = copy_context()
    return await asyncio.get_running_loop().run_in_executor(executor, context.run, _invoked, step)


def _invoked(step: Send) -> Any:
    """What the provider answers, on another thread; a future cannot carry StopIteration, and its task would hang."""
    try:
        return step.provider.invoke(step.invocation, step.deadline)
    except StopIteration as error:
        raise RuntimeError("the provider raised StopIteration") from error
