"""Routes: which provider a target leads to, and what the function is called there."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Any

from fcall._config import Binding, Configuration
from fcall._fork import forget_in_child
from fcall._guard import Guards
from fcall._invocation import checked_names
from fcall._names import FunctionNames, Options
from fcall._options import provider_options
from fcall._plugins import Plugins
from fcall._policy import Policy
from fcall._route import Route
from fcall._target import Target, parse_target
from fcall._wording import listed, quoted
from fcall.errors import ConfigurationError, InvalidParamsError, PluginError
from fcall.provider import Capabilities, Provider, ProviderSpec

__all__ = ["Route", "Router", "checked_name", "override", "wrapping"]

_MOST_TARGETS = 1024


override: ContextVar[Callable[[Target], Sequence[Route] | None] | None] = ContextVar("fcall_override", default=None)
"""Answers for the router in this context, for tests; None lets it decide by itself."""

wrapping: ContextVar[Callable[[Target, Sequence[Route]], Sequence[Route]] | None] = ContextVar(
    "fcall_wrapping", default=None
)
"""What stands in this context around the routes that the router decides on, for tests that record."""


class _Failover(Sequence[Route]):
    """The routes of a failover list. The first one is there; each other one is made when it is asked for.

    Where a call never fails over, a provider that only a later route needs may well be missing.
    """

    def __init__(self, first: Route, others: Sequence[str], make: Callable[[str], Route]) -> None:
        self._routes = {0: first}
        self._others = others
        self._make = make

    def __len__(self) -> int:
        return 1 + len(self._others)

    def __getitem__(self, index: Any) -> Any:
        if index >= len(self):
            raise IndexError(index)
        if index not in self._routes:
            self._routes[index] = self._make(self._others[index - 1])
        return self._routes[index]


class Router:
    """Targets to routes. Providers are made when they are first needed, once for the same options.

    Args:
        configuration: what is configured.
        plugins: the providers that are known.
        instances: providers that are there already, by name; whoever made them closes them.
        direct_targets: whether a target may speak to a provider past the configuration.
    """

    def __init__(
        self,
        configuration: Configuration,
        plugins: Plugins,
        *,
        instances: Mapping[str, Provider] | None = None,
        direct_targets: bool = True,
    ) -> None:
        self._configuration = configuration
        self._plugins = plugins
        self._instances = _checked_instances(instances or {})
        self._direct_targets = direct_targets
        self._start()
        forget_in_child(self)

    def _start(self) -> None:
        self._lock = threading.RLock()
        self._targets: dict[str, Target] = {}
        self._routes: dict[object, Sequence[Route]] = {}
        self._particular: dict[str, Mapping[str, Options]] = {}
        self._made: dict[object, Provider] = {}
        self._guards: dict[int, Guards] = {}

    after_fork_in_child = _start

    def target(self, text: str) -> Target:
        """Read a target; what follows ``provider:`` is read by that provider.

        Raises:
            ConfigurationError: it is malformed, or goes past the configuration where that is not allowed.
        """
        text = str.__str__(text) if issubclass(type(text), str) else text  # a subclass may lie about itself
        target = self._targets.get(text) if type(text) is str else None
        if target is None:
            target = checked_names(self._read(text))
            if len(self._targets) < _MOST_TARGETS:
                self._targets[text] = target
        return target

    def routes(self, target: Target) -> Sequence[Route]:
        """The routes for a target, the first choice first.

        Raises:
            ConfigurationError: nothing is configured for it, or its provider cannot be made.
        """
        overriding = override.get()
        if overriding is not None and (routes := overriding(target)) is not None:
            return routes
        past_configuration = target.direct or target.function_id is not None
        service = target.service if self._configuration.complete and not past_configuration else None
        options = target.options if service is None else self._options_of(service, target.function)
        key = (service, target.provider, options, past_configuration)
        routes = self._routes.get(key)
        if routes is None:
            with self._lock:
                routes = self._routes.get(key) or self._decided(target, service, past_configuration)
                self._routes[key] = routes
        wrap = wrapping.get()
        return routes if wrap is None else wrap(target, routes)

    def close(self) -> None:
        """Close the providers that were made here, all of them even where one raises.

        What they accepted is finished first. They are not forgotten: whoever closes meanwhile, or again, waits as well.
        """
        with ExitStack() as closing, self._lock:
            for provider in self._made.values():
                closing.callback(provider.close)

    def _read(self, text: str) -> Target:
        names = {*self._plugins.names(), *self._instances} if isinstance(text, str) and ":" in text else ()
        target = parse_target(text, names)
        if not target.direct:
            return target
        if not self._direct_targets:
            raise ConfigurationError(
                f"the target {quoted(text.partition('?')[0], 100)!r} goes past the configuration, which this client "
                "does not allow; name a configured service"
            )
        if target.function_id:
            return target
        read = self._spec(target.provider or "").parse_target(target.function)
        return replace(read, provider=target.provider, options=target.options, direct=True)

    def _spec(self, name: str) -> ProviderSpec:
        if name in self._instances:
            instance = self._instances[name]
            return ProviderSpec(name, create=lambda _: instance)
        return self._plugins.spec(name)

    def _decided(self, target: Target, service: str | None, past_configuration: bool) -> Sequence[Route]:
        if past_configuration:
            return (self._unbound(target.provider or self._default_provider(), target.options),)
        binding = self._configuration.binding(service) if service or not target.service else None
        if target.provider is not None and (binding is None or binding.provider != target.provider):
            return (self._unbound(target.provider),)
        if service is None or binding is None:
            return (self._unbound(self._default_provider()),)
        others = binding.get("failover", ())
        first = self._bound(binding, target.function, in_a_list=bool(others))
        return _Failover(first, others, partial(self._failed_over, target.function)) if others else (first,)

    def _failed_over(self, function: str, service: str) -> Route:
        binding = self._configuration.binding(service)
        assert binding is not None  # a failover list names configured services only
        with self._lock:
            return self._bound(binding, function, in_a_list=True)

    def _options_of(self, service: str, function: str) -> Options:
        """Provider options that the service's table of functions sets for one of them."""
        particular = self._particular.get(service)
        if particular is None:
            binding = self._configuration.binding(service)
            particular = dict(FunctionNames.of(binding).options) if binding is not None else {}
            self._particular[service] = particular
        return particular.get(function, ())

    def _default_provider(self) -> str:
        binding = self._configuration.binding(None)
        if binding is not None:
            return binding.provider
        if self._instances:
            raise ConfigurationError(
                f"several providers are given ({listed(self._instances)}) and none is the default; name one with "
                "provider=, or in the target"
            )
        return "local"

    def _unbound(self, name: str, in_target: tuple[tuple[str, str], ...] = ()) -> Route:
        """A route that no service of the configuration describes, with the client's options or the default ones."""
        defaults = Binding(None, name, self._configuration.defaults)
        described = defaults.get("provider") == name
        provider, spec = self._provider_of(defaults if described else Binding(None, name, {}), in_target)
        return Route(
            name,
            provider,
            spec.call_options,
            policy=_policy(defaults),
            default_timeout=defaults.get("timeout"),
            guards=self._guards_of(provider),
        )

    def _bound(self, binding: Binding, function: str, *, in_a_list: bool) -> Route:
        names = FunctionNames.of(binding)
        provider, spec = self._provider_of(binding, dict(names.options).get(function, ()))
        return Route(
            binding.provider,
            provider,
            spec.call_options,
            bound=True,
            service=binding.get("service") or (binding.service if spec.inherits_service else None),
            names=names,
            policy=_policy(binding, in_a_list=in_a_list),
            default_timeout=binding.get("timeout"),
            guards=self._guards_of(provider),
        )

    def _guards_of(self, provider: Provider) -> Guards:
        return self._guards.setdefault(id(provider), Guards())  # the router keeps the provider, so its id stays its own

    def _provider_of(
        self, binding: Binding, in_target: tuple[tuple[str, str], ...] = ()
    ) -> tuple[Provider, ProviderSpec]:
        """The provider for these options, made now if it was not yet."""
        spec = self._spec(binding.provider)
        options = provider_options(spec, binding, in_target, os.environ)
        try:
            key: object = (spec.name, options)
            hash(key)
        except TypeError:  # an option that cannot be hashed, such as a mapping, is not shared
            key = object()
        if spec.name in self._instances:
            return self._instances[spec.name], spec
        if key not in self._made:
            self._made[key] = _created(spec, options)
        return self._made[key], spec


def _policy(binding: Binding, *, in_a_list: bool = False) -> Policy:
    return Policy(
        attempts=binding.get("attempts", 3),
        retry_error_types=frozenset(binding.get("retry_error_types", ())),
        failover_maybe=binding.get("failover_maybe", False),
        max_in_flight=binding.get("max_in_flight"),
        circuit_breaker=binding.get("circuit_breaker", in_a_list),
    )


def checked_name(name: object) -> str:
    """The name of a provider.

    Raises:
        InvalidParamsError: it is not a text, or empty.
    """
    if not isinstance(name, str) or not name:
        raise InvalidParamsError(f"a provider is named by a text such as 'aws', not by {type(name).__name__}")
    return name


def _checked_instances(instances: Mapping[str, Provider]) -> dict[str, Provider]:
    if not isinstance(instances, Mapping):
        raise InvalidParamsError(f"providers is a mapping from names to providers, not {type(instances).__name__}")
    for name, instance in instances.items():
        _check_interface(checked_name(name), instance)
    return dict(instances)


def _created(spec: ProviderSpec, options: object) -> Provider:
    try:
        provider = spec.create(options)
    except ConfigurationError:
        raise
    except Exception as error:
        raise PluginError(
            f"the provider {spec.name!r} could not be made: its plugin raised {type(error).__name__}; see the cause"
        ) from error
    _check_interface(spec.name, provider)
    return provider


def _check_interface(name: str, provider: object) -> None:
    missing = [part for part in ("capabilities", "invoke", "close") if not hasattr(provider, part)]
    if missing or not isinstance(getattr(provider, "capabilities", None), Capabilities):
        raise PluginError(
            f"the provider {name!r} is a {type(provider).__name__} without "
            f"{listed(missing or ['valid capabilities'])}; see fcall.provider.Provider"
        )
