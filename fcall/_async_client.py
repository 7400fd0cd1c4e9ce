"""The client for asyncio: the verbs of `Client`, awaited."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextvars import copy_context
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from fcall._caller import Caller, accepted, portable
from fcall._drivers import run_asyncio, stream_asyncio
from fcall._flow import Flow
from fcall._invocation import ABSENT, CallParameters, InvocationType
from fcall._map._async_results import AsyncResults, LoopBell
from fcall._map._crew import Crew, ThreadCrew
from fcall._map._many import Batch, MapParameters
from fcall._map._progress import ProgressOption
from fcall._map._results import Outcome, acceptance_of, outcome_of, result_of
from fcall._map._tasks import Tasks
from fcall._map._work import Settled
from fcall._result import Acceptance, FunctionInfo, InvocationResult
from fcall._steps import END
from fcall._threads import UNBOUNDED, Threads
from fcall.errors import InvalidParamsError
from fcall.provider import AsyncioProvider, Provider

if TYPE_CHECKING:
    from fcall._typed import AsyncTypedFunction

__all__ = ["AsyncClient"]

T = TypeVar("T")
Request = TypeVar("Request")
Response = TypeVar("Response")
Items = Iterable[T] | AsyncIterable[T]


class AsyncClient(Caller):
    """`Client` for asyncio. It may be used from many tasks and event loops, and after a fork.

    A provider that has an asyncio path is awaited; another one runs on a thread, with the task's context variables.
    A cancelled call ends at once with `CancelledError`, and a note on it says whether the function may have run.

    Args:
        config: as for `Client`, like everything that is not named here.
        env: the environment of the configuration.
        provider: the default provider.
        providers: provider instances by name.
        plugins: plugins that are not installed.
        direct_targets: whether a target may speak to a provider past the configuration.
        threads: how many calls that block may be under way at once at most; more of them wait, and their time-outs run
            meanwhile. A map has threads of its own, as many as its `concurrency`. They end when they are idle, and the
            interpreter never waits for them.
        **provider_options: options of `provider`.

    Raises:
        ConfigurationError: as for `Client`.
    """

    _iterables = (Iterable, AsyncIterable)

    def __init__(
        self,
        config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        *,
        env: str | None = None,
        provider: str | None = None,
        providers: Mapping[str, Provider] | None = None,
        plugins: Iterable[object] = (),
        direct_targets: bool = True,
        threads: int = 100,
        **provider_options: Any,
    ) -> None:
        if type(threads) is not int or threads < 1:
            raise InvalidParamsError("threads is a whole number from 1")
        super().__init__(
            config,
            env=env,
            provider=provider,
            providers=providers,
            plugins=plugins,
            direct_targets=direct_targets,
            **provider_options,
        )
        self._threads = Threads(threads)

    async def invoke(self, target: str, event: Any = ABSENT, **parameters: Unpack[CallParameters]) -> InvocationResult:
        """`Client.invoke`, awaited."""
        return await self._run(self._call(target, "Sync", event, parameters))

    async def enqueue(self, target: str, event: Any = ABSENT, **parameters: Unpack[CallParameters]) -> Acceptance:
        """`Client.enqueue`, awaited."""
        return accepted(await self._run(self._call(target, "Async", event, parameters)))

    async def check(self, target: str, event: Any = ABSENT, **parameters: Unpack[CallParameters]) -> None:
        """`Client.check`, awaited."""
        await self._run(self._call(target, "DryRun", event, parameters))

    def stream(self, target: str, event: Any = ABSENT, **parameters: Unpack[CallParameters]) -> AsyncIterator[bytes]:
        """`Client.stream`, for ``async for``. A stream that is left early is let go of."""
        return self._pieces(self._stream(target, event, parameters))

    def list_functions(self, service: str | None = None) -> AsyncIterator[FunctionInfo]:
        """`Client.list_functions`, for ``async for``."""
        return self._iterated(self._listing(service))

    async def invoke_function(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """`Client.invoke_function`, awaited."""
        return portable(await self._run(self._call_by_params(params)))

    def map(
        self,
        target: str,
        events: Items[Any] = ABSENT,
        *,
        payloads: Items[bytes | str] = ABSENT,
        concurrency: int = 16,
        progress: ProgressOption = False,
        **parameters: Unpack[MapParameters],
    ) -> AsyncResults[InvocationResult]:
        """`Client.map`, for ``async for``.

        It takes asynchronous iterables too. One that is not is read on the event loop.
        """
        return self._many(target, "Sync", Batch(events, payloads), result_of, concurrency, progress, parameters)

    def as_completed(
        self,
        target: str,
        events: Items[Any] = ABSENT,
        *,
        payloads: Items[bytes | str] = ABSENT,
        concurrency: int = 16,
        progress: ProgressOption = False,
        **parameters: Unpack[MapParameters],
    ) -> AsyncResults[Outcome]:
        """`Client.as_completed`, for ``async for``."""
        return self._many(
            target, "Sync", Batch(events, payloads), outcome_of, concurrency, progress, parameters, in_order=False
        )

    def enqueue_many(
        self,
        target: str,
        events: Items[Any] = ABSENT,
        *,
        payloads: Items[bytes | str] = ABSENT,
        concurrency: int = 16,
        progress: ProgressOption = False,
        **parameters: Unpack[MapParameters],
    ) -> AsyncResults[Acceptance]:
        """`Client.enqueue_many`, for ``async for``."""
        return self._many(target, "Async", Batch(events, payloads), acceptance_of, concurrency, progress, parameters)

    @overload
    def function(
        self, target: str, *, request: type[Request], response: type[Response], **parameters: Unpack[MapParameters]
    ) -> AsyncTypedFunction[Request, Response]: ...

    @overload
    def function(
        self, target: str, *, request: type[Request], **parameters: Unpack[MapParameters]
    ) -> AsyncTypedFunction[Request, Any]: ...

    @overload
    def function(
        self, target: str, *, response: type[Response], **parameters: Unpack[MapParameters]
    ) -> AsyncTypedFunction[Any, Response]: ...

    @overload
    def function(self, target: str, **parameters: Unpack[MapParameters]) -> AsyncTypedFunction[Any, Any]: ...

    def function(
        self, target: str, *, request: Any = None, response: Any = None, **parameters: Unpack[MapParameters]
    ) -> AsyncTypedFunction[Any, Any]:
        """`Client.function`: what it makes is awaited."""
        from fcall._typed import AsyncTypedFunction

        return AsyncTypedFunction(self, self._many, self._definition(target, request, response, parameters))

    async def close(self) -> None:
        """`Client.close`, awaited."""
        await self._elsewhere(self._finish, UNBOUNDED)

    async def __aenter__(self) -> AsyncClient:
        self._refuse_closed()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Exception):
            self._abandon()
        await self.close()

    async def _run(self, flow: Flow) -> InvocationResult:
        return await run_asyncio(flow.invoke(), self._threads)

    async def _pieces(self, begin: Callable[[], Flow]) -> AsyncIterator[bytes]:
        """The pieces of a stream; the call begins when the first one is asked for."""
        pieces = stream_asyncio(begin().stream(), self._threads)
        try:
            async for piece in pieces:
                yield piece
        finally:
            await pieces.aclose()

    async def _iterated(self, iterator: Iterator[T]) -> AsyncIterator[T]:
        """What a blocking iterator gives, read on a thread."""
        while (item := await self._elsewhere(lambda: next(iterator, END), self._threads)) is not END:
            yield item

    async def _elsewhere(self, function: Callable[[], T], threads: Threads) -> T:
        return await asyncio.wrap_future(threads.submit(copy_context().run, function))

    def _many(
        self,
        target: str,
        type: InvocationType,
        batch: Batch,
        shape: Callable[[Settled], T],
        concurrency: int,
        progress: ProgressOption,
        parameters: Mapping[str, Any],
        *,
        in_order: bool = True,
    ) -> AsyncResults[T]:
        bell = LoopBell()
        many = self._begin(target, type, batch, concurrency, progress, parameters, in_order=in_order, ring=bell.ring)
        awaited = isinstance(many.plan.routes[0].provider, AsyncioProvider)
        crew: Crew = Tasks(many.work, many.plan, UNBOUNDED) if awaited else ThreadCrew(many.work, many.plan, UNBOUNDED)
        source = aiter(many.source) if isinstance(many.source, AsyncIterable) else iter(many.source)
        return AsyncResults(crew, bell, source, shape, many.meter)
