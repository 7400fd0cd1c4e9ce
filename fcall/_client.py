"""The client: every verb, each one a few hops to a provider and back."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from types import TracebackType
from typing import Any, Unpack

from fcall._config import Configuration
from fcall._deadline import Deadline
from fcall._drivers import run_sync, stream_sync
from fcall._flow import Flow
from fcall._fork import forget_in_child
from fcall._invocation import ABSENT, CallParameters, Invocation, checked, parse_params
from fcall._plugins import Plugins
from fcall._result import Acceptance, FunctionInfo, InvocationResult
from fcall._router import Route, Router, checked_name
from fcall._target import Target
from fcall.errors import (
    ClientClosedError,
    ConfigurationError,
    Executed,
    FcallError,
    InvalidParamsError,
    UnmappedProviderError,
    UnsupportedFeatureError,
)
from fcall.provider import ListingProvider, Provider

__all__ = ["Client", "default_client", "set_default_client"]


class Client:
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

    def __init__(
        self,
        config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        *,
        env: str | None = None,
        provider: str | None = None,
        providers: Mapping[str, Provider] | None = None,
        plugins: Iterable[object] = (),
        direct_targets: bool = True,
        **provider_options: Any,
    ) -> None:
        if provider_options and provider is None:
            raise InvalidParamsError(
                f"{next(iter(provider_options))!r} is an option of a provider; say which one with provider="
            )
        without_file = config is None and (provider is not None or providers is not None)
        if without_file and env is not None:
            raise InvalidParamsError(
                "env chooses an environment of a configuration, and with provider= or providers= none is read; "
                "pass config= too, or leave env out"
            )
        if provider is None and without_file and isinstance(providers, Mapping) and len(providers) == 1:
            provider = next(iter(providers))
        said = {} if provider is None else {"provider": checked_name(provider), **provider_options}
        configuration = (
            Configuration.without_file(said) if without_file else Configuration.load(config, env=env, said=said)
        )
        self._plugins = Plugins(plugins)
        self._router = Router(configuration, self._plugins, instances=providers, direct_targets=direct_targets)
        self._clock, self._sleep = time.monotonic, time.sleep
        self._closed = False
        self._seed()
        forget_in_child(self)

    def _seed(self) -> None:
        """Take random numbers of this process's own: a forked child would repeat its parent's."""
        self._random = Random().random  # noqa: S311 - it spreads retries, and keeps no secret

    after_fork_in_child = _seed

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
        parsed = self._router.target(target)
        return self._invoked(parsed, checked(parsed, "Sync", event=event, **parameters))

    def enqueue(self, target: str, event: Any = ABSENT, **parameters: Unpack[CallParameters]) -> Acceptance:
        """Have a function run later (Async): the provider queues the event.

        It takes the parameters of `invoke`, and raises what `invoke` raises, less the function's own failure, which
        nobody is there to see.
        """
        parsed = self._router.target(target)
        result = self._invoked(parsed, checked(parsed, "Async", event=event, **parameters))
        return Acceptance(result.request_id, result.status_code, result.provider)

    def check(self, target: str, event: Any = ABSENT, **parameters: Unpack[CallParameters]) -> None:
        """Ask whether a call would be allowed (DryRun), without running the function.

        It takes the parameters of `invoke`.

        Raises:
            RejectedError: it would not be.
            UnsupportedFeatureError: the provider cannot tell.
        """
        parsed = self._router.target(target)
        self._invoked(parsed, checked(parsed, "DryRun", event=event, **parameters))

    def stream(self, target: str, event: Any = ABSENT, **parameters: Unpack[CallParameters]) -> Iterator[bytes]:
        """Call a function and take its answer in pieces, as they are made.

        It takes the parameters of `invoke`. The call is made when the first piece is asked for, tried again only before
        that piece is there, and has to be over by its deadline with the last one.

        Raises:
            UnsupportedFeatureError: the provider cannot stream; at once.
            InvocationError: the call failed, maybe after some pieces.
        """
        parsed = self._router.target(target)
        invocation = checked(parsed, "Sync", event=event, **parameters)
        routes = self._routes(parsed)
        routes[0].check_streaming()
        return self._streamed(parsed, invocation, routes)

    def list_functions(self, service: str | None = None) -> Iterator[FunctionInfo]:
        """The functions of a service, lazily, by the names that the application has for them.

        Args:
            service: a configured service, or None for the default provider.

        Raises:
            UnsupportedFeatureError: the provider cannot list; at once.
            InvocationError: listing failed, maybe after some functions.
        """
        target = Target(service=service, function="*")
        checked(target)
        route = self._routes(target)[0]
        if not (route.capabilities.listing and isinstance(route.provider, ListingProvider)):
            raise UnsupportedFeatureError(
                f"provider {route.provider_name!r} cannot list functions", provider=route.provider_name
            )
        return self._listed(route, service)

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
        target, invocation = parse_params(params)
        result = self._invoked(target, invocation)
        return {
            "statusCode": result.status_code,
            "functionError": "",
            "payload": result.payload,
            "requestId": result.request_id,
            "executedVersion": result.executed_version,
            "logTail": result.log_tail,
            "provider": result.provider,
        }

    def close(self) -> None:
        """Let go of connections and threads. What was accepted is finished first. Closing twice is harmless."""
        self._closed = True
        try:
            self._router.close()
        except ConfigurationError:  # it was refused, so it is open still
            self._closed = False
            raise

    def __enter__(self) -> Client:
        self._refuse_closed()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _invoked(self, target: Target, invocation: Invocation) -> InvocationResult:
        return run_sync(self._flow(target, invocation, self._routes(target)).invoke(), self._sleep)

    def _streamed(self, target: Target, invocation: Invocation, routes: Sequence[Route]) -> Iterator[bytes]:
        """The pieces; the call begins, and its clock with it, when the first one is asked for."""
        self._refuse_closed()
        yield from stream_sync(self._flow(target, invocation, routes).stream(), self._sleep)

    def _routes(self, target: Target) -> Sequence[Route]:
        self._refuse_closed()
        return self._router.routes(target)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ClientClosedError(
                "the client is closed; make a new one, or keep this one open for as long as it is used"
            )

    def _flow(self, target: Target, invocation: Invocation, routes: Sequence[Route]) -> Flow:
        return Flow(target, invocation, routes, self._plugins.observers(), self._clock, self._random)

    def _listed(self, route: Route, service: str | None) -> Iterator[FunctionInfo]:
        assert isinstance(route.provider, ListingProvider)
        self._refuse_closed()
        deadline = Deadline.after(route.default_timeout or route.capabilities.other_timeout, self._clock)
        try:
            there = route.service if route.bound else service
            for info in route.provider.list_functions(there, deadline, route.names.configured()):
                name = route.names.application_name(info.name)
                if name is not None:
                    yield FunctionInfo(name, info.provider_name, info.runtime, info.last_modified, info.raw)
        except FcallError as error:
            error.provider = error.provider or route.provider_name
            error.service = error.service or service
            error.executed = Executed.NO  # listing runs nothing, however it failed
            raise
        except Exception as error:
            raise UnmappedProviderError(
                f"the provider raised {type(error).__name__} while it listed functions; see the cause, and report it "
                "to the provider's author",
                executed=Executed.NO,
                provider=route.provider_name,
                service=service,
            ) from error


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
