"""The client: every verb, each one a few hops to a provider and back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from fcall._caller import Caller, accepted, portable
from fcall._drivers import run_sync, stream_sync
from fcall._flow import Flow
from fcall._fork import forget_in_child
from fcall._invocation import ABSENT, CallParameters, InvocationType
from fcall._map._bell import ThreadBell
from fcall._map._crew import Consumer, Crew, ThreadCrew
from fcall._map._many import Batch, Many, MapParameters
from fcall._map._progress import ProgressOption
from fcall._map._results import Outcome, OwnResults, Results, acceptance_of, outcome_of, result_of
from fcall._map._work import Settled
from fcall._result import Acceptance, FunctionInfo, InvocationResult
from fcall._threads import UNBOUNDED
from fcall.errors import ConfigurationError
from fcall.provider import AsyncioProvider

if TYPE_CHECKING:
    from fcall._typed import TypedFunction

__all__ = ["Client", "default_client", "set_default_client"]

T = TypeVar("T")
Request = TypeVar("Request")
Response = TypeVar("Response")


class Client(Caller):
    """Calls functions wherever they run. It may be used from many threads, and after a fork.

    Args:
        config: a configuration file, or a mapping of the same shape. None looks for ``fcall.toml`` or ``[tool.fcall]``
            from the working directory upwards, unless `provider` or `providers` say without a file where to call.
        env: the environment of the configuration, such as ``"dev"``; None takes ``FCALL_ENV``.
        provider: the name of the provider for everything that the configuration does not bind.
        providers: provider instances by name, for code that makes its own. They stay yours to close.
        plugins: plugins that are not installed: modules or objects with hook implementations.
        direct_targets: whether a target may speak to a provider past the configuration (``aws:name``). Switch it off
            where targets come from data.
        **provider_options: options of `provider`, such as ``region="eu-west-1"``.

    Raises:
        ConfigurationError: the configuration cannot be read, or something in it or in these arguments is wrong.

    Example:
        >>> with Client(provider="local") as client:
        ...     client.invoke("local:examples/hello.py:handler", {"name": "Ada"}).json()
        {'greeting': 'Hello Ada'}
    """

    def invoke(self, target: str, event: Any = ABSENT, **parameters: Unpack[CallParameters]) -> InvocationResult:
        """Call a function and wait for its answer.

        Args:
            target: ``service/function[:qualifier]``, ``function``, ``provider:rest`` or an ARN.
            event: any JSON value; it is encoded once. Leave it out for an empty payload; None is ``null``.
            payload: bytes, or text to be sent as UTF-8, as they are; instead of `event`.
            context: the invoker context, ``{"custom": {…}}``.
            qualifier: a version or an alias.
            timeout: seconds for the whole call, all attempts included; None for the default.
            idempotent: running the function twice is harmless, so it may be tried again where it may have run.
            idempotency_key: a key by which the provider recognises a repetition, where it can.
            log_tail: bring the end of the function's log.
            options: the provider's own call options.

        Raises:
            ConfigurationError: nothing was sent.
            InvocationError: the call failed; its `executed` says whether the function ran.
        """
        return run_sync(self._call(target, "Sync", event, parameters).invoke(), self._sleep)

    def enqueue(self, target: str, event: Any = ABSENT, **parameters: Unpack[CallParameters]) -> Acceptance:
        """Have a function run later (Async): the provider queues the event.

        It takes the parameters of `invoke`, and raises what `invoke` raises, less the function's own failure, which
        nobody is there to see.
        """
        return accepted(run_sync(self._call(target, "Async", event, parameters).invoke(), self._sleep))

    def check(self, target: str, event: Any = ABSENT, **parameters: Unpack[CallParameters]) -> None:
        """Ask whether a call would be allowed (DryRun), without running the function.

        It takes the parameters of `invoke`.

        Raises:
            RejectedError: it would not be.
            UnsupportedFeatureError: the provider cannot tell.
        """
        run_sync(self._call(target, "DryRun", event, parameters).invoke(), self._sleep)

    def stream(self, target: str, event: Any = ABSENT, **parameters: Unpack[CallParameters]) -> Iterator[bytes]:
        """Call a function and take its answer in pieces, as they are made.

        It takes the parameters of `invoke`. The call is made when the first piece is asked for, tried again only before
        that piece is there, and has to be over by its deadline with the last one.

        Raises:
            UnsupportedFeatureError: the provider cannot stream; at once.
            InvocationError: the call failed, maybe after some pieces.
        """
        return self._pieces(self._stream(target, event, parameters))

    def list_functions(self, service: str | None = None) -> Iterator[FunctionInfo]:
        """The functions of a service, lazily, by the names that the application has for them.

        Args:
            service: a configured service, or None for the default provider.

        Raises:
            UnsupportedFeatureError: the provider cannot list; at once.
            InvocationError: listing failed, maybe after some functions.
        """
        return self._listing(service)

    def map(
        self,
        target: str,
        events: Iterable[Any] = ABSENT,
        *,
        payloads: Iterable[bytes | str] = ABSENT,
        concurrency: int = 16,
        progress: ProgressOption = False,
        **parameters: Unpack[MapParameters],
    ) -> Results[InvocationResult]:
        """Call a function once for each item, many at a time, and give the results in the order of the items.

        It is lazy: the iterable is read on the thread that takes the results, a bounded number of items ahead. Where
        the service throttles calls, fewer are made at once, and each again until its own time-out.

        Args:
            target: as for `invoke`.
            events: any JSON values.
            payloads: bytes or texts that are sent as they are; instead of `events`.
            concurrency: how many calls are under way at most; one at a time is made on the thread that iterates.
            progress: True draws a line on standard error where that is a terminal; a function is shown a `Progress`.
            context, qualifier, timeout, idempotent, log_tail, options: of every call, as for `invoke`.

        Raises:
            ConfigurationError: at once; no call can be made like this.
            FcallError: from the iteration, the error of the first item that failed; its `index` says which. Then
                nothing more is sent.
        """
        return self._many(target, "Sync", Batch(events, payloads), result_of, concurrency, progress, parameters)

    def as_completed(
        self,
        target: str,
        events: Iterable[Any] = ABSENT,
        *,
        payloads: Iterable[bytes | str] = ABSENT,
        concurrency: int = 16,
        progress: ProgressOption = False,
        **parameters: Unpack[MapParameters],
    ) -> Results[Outcome]:
        """`map`, but give an `Outcome` for each item as soon as it is there, and raise no item's error."""
        return self._many(
            target, "Sync", Batch(events, payloads), outcome_of, concurrency, progress, parameters, in_order=False
        )

    def enqueue_many(
        self,
        target: str,
        events: Iterable[Any] = ABSENT,
        *,
        payloads: Iterable[bytes | str] = ABSENT,
        concurrency: int = 16,
        progress: ProgressOption = False,
        **parameters: Unpack[MapParameters],
    ) -> Results[Acceptance]:
        """Have a function run later (Async) once for each item: `map`, with what `enqueue` gives for each."""
        return self._many(target, "Async", Batch(events, payloads), acceptance_of, concurrency, progress, parameters)

    @overload
    def function(
        self, target: str, *, request: type[Request], response: type[Response], **parameters: Unpack[MapParameters]
    ) -> TypedFunction[Request, Response]: ...

    @overload
    def function(
        self, target: str, *, request: type[Request], **parameters: Unpack[MapParameters]
    ) -> TypedFunction[Request, Any]: ...

    @overload
    def function(
        self, target: str, *, response: type[Response], **parameters: Unpack[MapParameters]
    ) -> TypedFunction[Any, Response]: ...

    @overload
    def function(self, target: str, **parameters: Unpack[MapParameters]) -> TypedFunction[Any, Any]: ...

    def function(
        self, target: str, *, request: Any = None, response: Any = None, **parameters: Unpack[MapParameters]
    ) -> TypedFunction[Any, Any]:
        """A function with the types of what it takes and of what it answers, to be called like one of Python's.

        Args:
            target: as for `invoke`.
            request: a dataclass, a TypedDict, a model of pydantic or a struct of msgspec, a type of JSON, or a list,
                dict, tuple or union of these; ``bytes`` is sent as it is. Left out, it is any JSON value.
            response: likewise.
            context, qualifier, timeout, idempotent, log_tail, options: of every call that does not say otherwise.

        Raises:
            InvalidParamsError: the target is malformed, a parameter is wrong, or JSON cannot be converted to a type.

        Example:
            >>> from typing import TypedDict
            >>> class Person(TypedDict):
            ...     name: str
            >>> with Client(provider="local") as client:
            ...     hello = client.function("local:examples/hello.py:handler", request=Person, response=dict)
            ...     hello({"name": "Ada"})
            {'greeting': 'Hello Ada'}
        """
        from fcall._typed import TypedFunction

        return TypedFunction(self, self._many, self._definition(target, request, response, parameters))

    def invoke_function(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The portable contract: one mapping in, one dict out.

        Args:
            params: ``serviceName``, ``functionName``, ``invocationType``, ``invokerContext``, ``payload``, and
                optionally ``functionId``, ``qualifier``, ``provider``, ``timeout``, ``idempotent``, ``idempotencyKey``,
                ``logTail``, ``options``.

        Returns:
            ``statusCode``, ``functionError`` (always ``""``), ``payload`` (bytes), ``requestId``, ``executedVersion``,
            ``logTail``, ``provider``.

        Raises:
            FcallError: every failure; never an answer that has to be looked at to see that it is one.
        """
        return portable(run_sync(self._call_by_params(params).invoke(), self._sleep))

    def close(self) -> None:
        """Let go of connections and threads. What was accepted is finished first. Closing twice is harmless.

        A map that is under way sends nothing more; what it sent is waited for.
        """
        self._finish()

    def __enter__(self) -> Client:
        self._refuse_closed()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Exception):
            self._abandon()
        self.close()

    def _pieces(self, begin: Callable[[], Flow]) -> Iterator[bytes]:
        """The pieces of a stream; the call begins when the first one is asked for."""
        yield from stream_sync(begin().stream(), self._sleep)

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
    ) -> Results[T]:
        bell = ThreadBell()
        many = self._begin(target, type, batch, concurrency, progress, parameters, in_order=in_order, ring=bell.ring)
        source = iter(many.source)
        if concurrency == 1:
            return OwnResults(Consumer(many.work, many.plan), source, shape, many.meter)
        return Results(_crew(many), bell, source, shape, many.meter)


def _crew(many: Many) -> Crew:
    """Tasks of a loop where the provider can be awaited; a thread that they need must not wait for them."""
    if isinstance(many.plan.routes[0].provider, AsyncioProvider):
        from fcall._map._loop import LOOP, LoopCrew  # those who call on threads load no event loop

        if not LOOP.is_here():
            return LoopCrew(many.work, many.plan, UNBOUNDED, LOOP)
    return ThreadCrew(many.work, many.plan, UNBOUNDED)


_default: Client | None = None
_default_lock = threading.Lock()


def default_client() -> Client:
    """The client behind `fcall.invoke_function`, made at its first use from the configuration that is found then."""
    global _default
    client = _default
    if client is None:
        with _default_lock:
            client = _default = _default or Client()
    return client


def set_default_client(client: Client | None) -> None:
    """Put another client behind `fcall.invoke_function`; None has a new one made at the next use."""
    global _default
    if client is not None and not isinstance(client, Client):
        raise ConfigurationError(f"the default client is a Client or None, not a {type(client).__name__}")
    with _default_lock:
        _default = client


class _DefaultAfterFork:
    def after_fork_in_child(self) -> None:
        global _default_lock
        _default_lock = threading.Lock()


_default_after_fork = _DefaultAfterFork()
forget_in_child(_default_after_fork)
