"""What the two clients have in common: the configuration, the way from a target to a flow, and the end."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from fcall._config import Configuration
from fcall._deadline import Deadline
from fcall._flow import Flow
from fcall._fork import forget_in_child
from fcall._invocation import Invocation, InvocationType, checked, checked_names, parse_params
from fcall._map._many import Batch, Many, check, maker, source_of
from fcall._map._plan import Plan
from fcall._map._progress import ProgressOption
from fcall._map._work import Work
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

if TYPE_CHECKING:
    from fcall._definition import Definition

__all__ = ["Caller", "accepted", "portable"]

_CLOSED = "the client is closed; make a new one, or keep this one open for as long as it is used"


class Caller:
    """The part of a client that neither waits nor awaits. `Client` says what the arguments mean."""

    _iterables: tuple[type, ...] = (Iterable,)
    """What a map can read its items from."""

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
        self._works: weakref.WeakSet[Work] = weakref.WeakSet()
        self._seed()
        forget_in_child(self)

    def _seed(self) -> None:
        """Take random numbers of this process's own: a forked child would repeat its parent's."""
        self._random = Random().random  # noqa: S311 - it spreads retries, and keeps no secret

    after_fork_in_child = _seed

    def _call(self, target: str, type: InvocationType, event: Any, parameters: Mapping[str, Any]) -> Flow:
        """The flow of one call."""
        parsed = self._router.target(target)
        invocation = checked(parsed, type, event=event, **parameters)
        return self._flow(parsed, invocation, self._routes(parsed))

    def _call_by_params(self, params: Mapping[str, Any]) -> Flow:
        """The flow of one call of the portable contract."""
        target, invocation = parse_params(params)
        return self._flow(target, invocation, self._routes(target))

    def _stream(self, target: str, event: Any, parameters: Mapping[str, Any]) -> Callable[[], Flow]:
        """What begins a streaming call, whose clock runs from then on; everything is checked now."""
        parsed = self._router.target(target)
        invocation = checked(parsed, "Sync", event=event, **parameters)
        routes = self._routes(parsed)
        routes[0].check_streaming()

        def begin() -> Flow:
            self._refuse_closed()
            return self._flow(parsed, invocation, routes)

        return begin

    def _listing(self, service: str | None) -> Iterator[FunctionInfo]:
        """The functions of a service, lazily; whether they can be listed is checked now."""
        target = checked_names(Target(service=service, function="*"))
        route = self._routes(target)[0]
        if not (route.capabilities.listing and isinstance(route.provider, ListingProvider)):
            raise UnsupportedFeatureError(
                f"provider {route.provider_name!r} cannot list functions", provider=route.provider_name
            )
        return self._listed(route, service)

    def _begin(
        self,
        target: str,
        type: InvocationType,
        batch: Batch,
        concurrency: int,
        progress: ProgressOption,
        parameters: Mapping[str, Any],
        *,
        in_order: bool,
        ring: Callable[[], None],
    ) -> Many:
        """What a map is made of; everything but the items is checked now."""
        source = source_of(batch, self._iterables)
        check(concurrency, parameters)
        parsed = self._router.target(target)
        routes = self._routes(parsed)
        routes[0].address(checked(parsed, type, **parameters))
        plan = Plan(
            name=parsed.name,
            invocation=maker(batch, parsed, type, parameters),
            flow=lambda invocation: self._flow(parsed, invocation, routes),
            routes=routes,
            clock=self._clock,
            random=self._random,
        )
        many = Many.of(plan, source, concurrency, progress, in_order=in_order, ring=ring)
        self._works.add(many.work)
        return many

    def _finish(self) -> None:
        """Stop the maps, wait for what they sent, and close the providers."""
        works = list(self._works)
        try:
            for work in works:
                work.refuse_own_call()
            self._closed = True
            for work in works:
                work.stop(ClientClosedError(_CLOSED))
            for work in works:
                work.join()
            self._router.close()
        except ConfigurationError:  # it was refused, so it is open still
            self._closed = False
            raise

    def _abandon(self) -> None:
        """Wait for no map: there was an interrupt."""
        for work in list(self._works):
            work.abandon()

    def _routes(self, target: Target) -> Sequence[Route]:
        self._refuse_closed()
        return self._router.routes(target)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ClientClosedError(_CLOSED)

    def _definition(self, target: str, request: Any, response: Any, parameters: Mapping[str, Any]) -> Definition:
        """What is said of a typed function."""
        from fcall._definition import Definition  # whoever has no types does not pay for them

        return Definition(target, self._router.target(target), request, response, parameters)

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


def accepted(result: InvocationResult) -> Acceptance:
    """What is known of a call that runs later."""
    return Acceptance(result.request_id, result.status_code, result.provider)


def portable(result: InvocationResult) -> dict[str, Any]:
    """A result in the words of the portable contract."""
    return {
        "statusCode": result.status_code,
        "functionError": "",
        "payload": result.payload,
        "requestId": result.request_id,
        "executedVersion": result.executed_version,
        "logTail": result.log_tail,
        "provider": result.provider,
    }
