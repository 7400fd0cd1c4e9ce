"""Drivers: they do what a flow asks for, on threads or on asyncio. Nothing else here sleeps, awaits or uses threads."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fcall._naps import LONGEST_NAP
from fcall._steps import END, Advance, Emit, Enter, Open, Pause, Send, Step
from fcall.errors import Executed, InvocationTimeoutError
from fcall.provider import Deadline, StreamingProvider

if TYPE_CHECKING:
    from concurrent.futures import Future
    from contextvars import Context

__all__ = ["Pool", "run_asyncio", "run_sync", "stream_asyncio", "stream_sync"]

T = TypeVar("T")
S = TypeVar("S", bound=Step)


class Pool(Protocol):
    """Threads for what blocks: an executor, or fcall's own."""

    def submit(self, function: Callable[..., T], /, *arguments: Any) -> Future[T]: ...


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
    """Drive a streaming flow on the thread that takes the pieces.

    It runs in a copy of the caller's context: between two pieces the caller goes on with its own work, and must not
    find the variables there that a hook or the provider has set for this call.
    """
    from contextvars import copy_context

    run = copy_context().run
    pieces: Iterator[bytes] | None = None
    try:
        step = run(next, flow)
        while True:
            try:
                if type(step) is Emit:
                    answer = yield step.piece
                else:
                    answer = run(_done, step, sleep)
                    if type(step) is Open:
                        pieces = answer[0]
            except BaseException as error:  # noqa: BLE001 - the flow decides on every outcome
                step = run(flow.throw, error)
            else:
                step = run(flow.send, answer)
    except StopIteration:
        return
    finally:
        run(_close, pieces)


async def run_asyncio(
    flow: Generator[Step, Any, T],
    pool: Pool | None = None,
    sleep: Callable[[float], Awaitable[object]] | None = None,
) -> T:
    """Drive a flow to its end on the running event loop.

    A provider with an asyncio path is awaited; another one runs on a thread of `pool`, with this task's context
    variables. A cancelled call ends at once; a thread that is under way is not stopped by it, and may still run the
    function.
    """
    try:
        step = next(flow)
        while True:
            try:
                answer = None
                if type(step) is Send and (attempt := _attempt(step)) is not None:
                    answer = await attempt
                if answer is None:
                    answer = await _awaited(step, pool, sleep)
            except BaseException as error:  # noqa: BLE001 - the flow decides on every outcome
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


def _attempt(step: Send) -> Awaitable[Any] | None:
    """What to await, where the provider can be awaited."""
    invoke = getattr(step.provider, "invoke_asyncio", None)
    return None if invoke is None else invoke(step.invocation, step.deadline)


async def stream_asyncio(
    flow: Generator[Step, Any, object],
    pool: Pool | None = None,
    sleep: Callable[[float], Awaitable[object]] | None = None,
) -> AsyncGenerator[bytes, None]:
    """Drive a streaming flow on the running event loop, each piece taken on a thread of `pool`.

    The flow runs in a copy of the caller's context, as in `stream_sync`. Where it is left while a piece is awaited, the
    stream is closed when that piece is there.
    """
    from contextvars import copy_context

    here, context, opened, deadline = copy_context(), None, _Opened(), Deadline.after(0)
    try:
        step = here.run(next, flow)
        while True:
            try:
                if type(step) is Emit:
                    answer: Any = yield step.piece
                elif isinstance(step, (Open, Advance)):
                    context = context or here.copy()  # for the threads, with what the hooks have set
                    deadline = step.deadline if isinstance(step, Open) else deadline
                    answer = await _on_thread(pool, deadline, step, partial(_within, context, opened.done))
                else:
                    answer = await _awaited(step, pool, sleep)
            except BaseException as error:  # noqa: BLE001 - the flow decides on every outcome
                step = here.run(flow.throw, error)
            else:
                step = here.run(flow.send, answer)
    except StopIteration:
        return
    finally:
        opened.leave()


class _Opened:
    """The pieces of a stream that one thread takes and another lets go of: it is closed by whoever is last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pieces: Iterator[bytes] | None = None
        self._busy = self._left = False

    def done(self, step: Step) -> Any:
        """What comes of a step on this thread; a future cannot carry StopIteration."""
        with self._lock:
            self._busy = True
        try:
            answer = _done(step, time.sleep)
            if type(step) is Open:
                self._pieces = answer[0]
            return answer
        except StopIteration as error:
            raise RuntimeError("the provider raised StopIteration") from error
        finally:
            with self._lock:
                self._busy = False
                last = self._left
            if last:
                _close(self._pieces)

    def leave(self) -> None:
        """Nobody takes another piece."""
        with self._lock:
            self._left = True
            last = not self._busy
        if last:
            _close(self._pieces)


def _done(step: Step, sleep: Callable[[float], object]) -> Any:
    """What comes of a step on this thread."""
    if isinstance(step, Pause):
        return sleep(step.seconds)
    if isinstance(step, Advance):
        return next(step.pieces, END)
    if isinstance(step, Enter):
        return _entered(step)
    assert isinstance(step, Open)
    return _opened(step)


def _entered(step: Enter) -> bool:
    """Wait on this thread until the place is taken or the deadline passes."""
    gate = threading.Lock()
    gate.acquire()
    step.place.wake = gate.release
    step.limit.queue(step.place)
    while not step.place.taken and (left := step.deadline.remaining()):
        gate.acquire(timeout=min(left, LONGEST_NAP))
    return step.place.taken


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


async def _awaited(step: Step, pool: Pool | None, sleep: Callable[[float], Awaitable[object]] | None) -> Any:
    """What comes of a step on the event loop."""
    import asyncio

    if isinstance(step, Pause):
        return await (sleep or asyncio.sleep)(step.seconds)
    if isinstance(step, Enter):
        return await _entered_asyncio(step)
    assert isinstance(step, Send)
    from contextvars import copy_context

    return await _on_thread(pool, step.deadline, step, partial(_within, copy_context(), _invoked))


def _within(context: Context, function: Callable[[S], T], step: S) -> T:
    return context.run(function, step)


async def _on_thread(pool: Pool | None, deadline: Deadline, step: S, function: Callable[[S], T]) -> T:
    """What the function makes of the step on a thread of the pool.

    Raises:
        InvocationTimeoutError: there was no thread for it before the deadline; NO.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    if pool is None:
        return await loop.run_in_executor(None, function, step)
    future = pool.submit(function, step)
    too_late: list[bool] = []
    timer = loop.call_later(deadline.remaining(), lambda: too_late.append(future.cancel()))
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        if isinstance(step, Send):
            step.begun = not future.cancel()
        task = asyncio.current_task()
        if not any(too_late) or task is None or task.cancelling():
            raise
    finally:
        timer.cancel()
    raise InvocationTimeoutError(
        "no thread was free for the call until its time-out; raise threads or timeout, or call fewer at once",
        executed=Executed.NO,
    )


async def _entered_asyncio(step: Enter) -> bool:
    """Wait on the event loop until the place is taken or the deadline passes."""
    import asyncio

    loop = asyncio.get_running_loop()
    gate = loop.create_future()
    step.place.wake = partial(loop.call_soon_threadsafe, gate.set_result, None)
    if not step.limit.queue(step.place):
        await asyncio.wait({gate}, timeout=step.deadline.remaining())
    return step.place.taken


def _invoked(step: Send) -> Any:
    """What the provider answers, on another thread; a future cannot carry StopIteration, and its task would hang."""
    try:
        return step.provider.invoke(step.invocation, step.deadline)
    except StopIteration as error:
        raise RuntimeError("the provider raised StopIteration") from error
