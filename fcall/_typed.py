"""Typed functions: a target that takes and answers values of one type each, for both clients."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack

from fcall._definition import Definition, TypedOutcome
from fcall._invocation import InvocationType
from fcall._map._many import Batch, MapParameters
from fcall._map._progress import ProgressOption
from fcall._map._results import acceptance_of
from fcall._map._work import Settled
from fcall._result import Acceptance, InvocationResult

if TYPE_CHECKING:
    from fcall._async_client import AsyncClient
    from fcall._client import Client
    from fcall._map._async_results import AsyncResults
    from fcall._map._results import Results

__all__ = ["AsyncTypedFunction", "FunctionParameters", "TypedFunction"]

Request = TypeVar("Request")
Response = TypeVar("Response")


class FunctionParameters(MapParameters, total=False):
    """What a call of a typed function takes beside the request."""

    idempotency_key: str | None


class _Typed(Generic[Response]):
    """What the two kinds of typed functions have in common.

    Args:
        many: makes the maps of a client.
        definition: what is said of the function.
    """

    def __init__(self, many: Callable[..., Any], definition: Definition) -> None:
        self.target: str = definition.target
        self._many = many
        self._definition = definition

    def read(self, result: InvocationResult, /) -> Response:
        """The response in a result.

        Raises:
            FunctionResponseError: it is not of the type that the function is to answer.
        """
        response: Response = self._definition.read(result)
        return response

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.target}>"

    def _begin(
        self,
        type: InvocationType,
        requests: Any,
        shape: Callable[[Settled], Any],
        concurrency: int,
        progress: ProgressOption,
        parameters: Mapping[str, Any],
        *,
        in_order: bool = True,
    ) -> Any:
        batch = Batch(requests, encode=self._definition.encoded)
        merged = self._definition.merged(parameters)
        return self._many(self.target, type, batch, shape, concurrency, progress, merged, in_order=in_order)


class TypedFunction(_Typed[Response], Generic[Request, Response]):
    """A function as `Client.function` defines it. It may be used from many threads, for as long as its client is open.

    Every method takes the parameters of `Client.invoke` but for `event` and `payload`, whose place the request takes,
    and raises what the method of that name of `Client` raises.

    Attributes:
        target: the function, as the application names it.
    """

    def __init__(self, client: Client, many: Callable[..., Any], definition: Definition) -> None:
        super().__init__(many, definition)
        self._client = client

    def __call__(self, request: Request, /, **parameters: Unpack[FunctionParameters]) -> Response:
        """Call the function, wait, and return its response.

        Raises:
            InvalidParamsError: the request is not what the function takes; nothing was sent.
            FunctionResponseError: the function ran, and its answer is not what it is to be.
            FcallError: any other failure, as of `Client.invoke`.
        """
        return self.read(self.invoke(request, **parameters))

    def invoke(self, request: Request, /, **parameters: Unpack[FunctionParameters]) -> InvocationResult:
        """Call the function, wait, and return the whole result, in which `read` finds the response."""
        return self._client.invoke(self.target, **self._definition.call(request, parameters))

    def enqueue(self, request: Request, /, **parameters: Unpack[FunctionParameters]) -> Acceptance:
        """Have the function run later (Async)."""
        return self._client.enqueue(self.target, **self._definition.call(request, parameters))

    def check(self, request: Request, /, **parameters: Unpack[FunctionParameters]) -> None:
        """Ask whether the call would be allowed (DryRun)."""
        self._client.check(self.target, **self._definition.call(request, parameters))

    def stream(self, request: Request, /, **parameters: Unpack[FunctionParameters]) -> Iterator[bytes]:
        """Call the function and take its answer in pieces, which have no type."""
        return self._client.stream(self.target, **self._definition.call(request, parameters))

    def map(
        self,
        requests: Iterable[Request],
        *,
        concurrency: int = 16,
        progress: ProgressOption = False,
        **parameters: Unpack[MapParameters],
    ) -> Results[Response]:
        """`Client.map`: the responses, in the order of the requests."""
        results: Results[Response] = self._begin(
            "Sync", requests, self._definition.answer, concurrency, progress, parameters
        )
        return results

    def as_completed(
        self,
        requests: Iterable[Request],
        *,
        concurrency: int = 16,
        progress: ProgressOption = False,
        **parameters: Unpack[MapParameters],
    ) -> Results[TypedOutcome[Response]]:
        """`Client.as_completed`: a `TypedOutcome` for each request as soon as it is there."""
        results: Results[TypedOutcome[Response]] = self._begin(
            "Sync", requests, self._definition.outcome, concurrency, progress, parameters, in_order=False
        )
        return results

    def enqueue_many(
        self,
        requests: Iterable[Request],
        *,
        concurrency: int = 16,
        progress: ProgressOption = False,
        **parameters: Unpack[MapParameters],
    ) -> Results[Acceptance]:
        """`Client.enqueue_many`: have the function run later, once for each request."""
        results: Results[Acceptance] = self._begin("Async", requests, acceptance_of, concurrency, progress, parameters)
        return results


class AsyncTypedFunction(_Typed[Response], Generic[Request, Response]):
    """`TypedFunction` for asyncio, as `AsyncClient.function` defines it.

    Attributes:
        target: the function, as the application names it.
    """

    def __init__(self, client: AsyncClient, many: Callable[..., Any], definition: Definition) -> None:
        super().__init__(many, definition)
        self._client = client

    async def __call__(self, request: Request, /, **parameters: Unpack[FunctionParameters]) -> Response:
        """Calling a `TypedFunction`, awaited."""
        return self.read(await self.invoke(request, **parameters))

    async def invoke(self, request: Request, /, **parameters: Unpack[FunctionParameters]) -> InvocationResult:
        """`TypedFunction.invoke`, awaited."""
        return await self._client.invoke(self.target, **self._definition.call(request, parameters))

    async def enqueue(self, request: Request, /, **parameters: Unpack[FunctionParameters]) -> Acceptance:
        """`TypedFunction.enqueue`, awaited."""
        return await self._client.enqueue(self.target, **self._definition.call(request, parameters))

    async def check(self, request: Request, /, **parameters: Unpack[FunctionParameters]) -> None:
        """`TypedFunction.check`, awaited."""
        await self._client.check(self.target, **self._definition.call(request, parameters))

    def stream(self, request: Request, /, **parameters: Unpack[FunctionParameters]) -> AsyncIterator[bytes]:
        """`TypedFunction.stream`, for ``async for``."""
        return self._client.stream(self.target, **self._definition.call(request, parameters))

    def map(
        self,
        requests: Iterable[Request] | AsyncIterable[Request],
        *,
        concurrency: int = 16,
        progress: ProgressOption = False,
        **parameters: Unpack[MapParameters],
    ) -> AsyncResults[Response]:
        """`TypedFunction.map`, for ``async for``; it takes asynchronous iterables too."""
        results: AsyncResults[Response] = self._begin(
            "Sync", requests, self._definition.answer, concurrency, progress, parameters
        )
        return results

    def as_completed(
        self,
        requests: Iterable[Request] | AsyncIterable[Request],
        *,
        concurrency: int = 16,
        progress: ProgressOption = False,
        **parameters: Unpack[MapParameters],
    ) -> AsyncResults[TypedOutcome[Response]]:
        """`TypedFunction.as_completed`, for ``async for``."""
        results: AsyncResults[TypedOutcome[Response]] = self._begin(
            "Sync", requests, self._definition.outcome, concurrency, progress, parameters, in_order=False
        )
        return results

    def enqueue_many(
        self,
        requests: Iterable[Request] | AsyncIterable[Request],
        *,
        concurrency: int = 16,
        progress: ProgressOption = False,
        **parameters: Unpack[MapParameters],
    ) -> AsyncResults[Acceptance]:
        """`TypedFunction.enqueue_many`, for ``async for``."""
        results: AsyncResults[Acceptance] = self._begin(
            "Async", requests, acceptance_of, concurrency, progress, parameters
        )
        return results
