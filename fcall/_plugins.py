"""Plugins: found by entry point or handed over in code, loaded when needed, and kept apart where they are broken."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import pluggy

from fcall import _hookspecs
from fcall._fork import forget_in_child
from fcall._log import logger
from fcall._observers import HOOKS, Observers
from fcall._target import WELL_KNOWN
from fcall._wording import listed, nearest, quoted
from fcall.errors import ConfigurationError, PluginError, ProviderNotFoundError, ProviderNotInstalledError
from fcall.provider import ProviderSpec

__all__ = ["FoundPlugin", "Plugins"]

BUILT_IN = "local"
PROVIDERS = "fcall"
OBSERVERS = "fcall.observers"
APIS = "fcall.apis"

_PARTS_OF_AN_API = ("name", "title", "runtime", "owns", "verify", "read", "answer", "problem", "usage")


@dataclass(frozen=True, slots=True)
class FoundPlugin:
    """An entry point of ours that is installed on this machine."""

    group: str
    name: str
    distribution: str
    version: str
    entry_point: metadata.EntryPoint

    def __str__(self) -> str:
        return f"{self.name} of {self.distribution} {self.version}"


class Plugins:
    """The providers and observers that a client knows.

    Args:
        given: plugins handed over in code, modules or objects with hook implementations.
        environ: where ``FCALL_DISABLE_PLUGINS`` is read: names of installed plugins or of their distributions,
            separated by commas, or ``*``.
        find: lists what is installed; another one makes it testable.

    Raises:
        PluginError: one of `given` does not keep to the interface.
    """

    def __init__(
        self,
        given: Iterable[object] = (),
        *,
        environ: Mapping[str, str] = os.environ,
        find: Callable[[], list[FoundPlugin]] | None = None,
    ) -> None:
        self._disabled = {name.strip() for name in environ.get("FCALL_DISABLE_PLUGINS", "").split(",")}
        self._find = find or _installed
        self._found: list[FoundPlugin] | None = None
        self.after_fork_in_child()
        forget_in_child(self)
        self._manager = pluggy.PluginManager("fcall")
        self._manager.add_hookspecs(_hookspecs)
        self._specs: dict[str, ProviderSpec] = {}
        self._bringers: dict[str, str] = {}
        self._handed_over: dict[str, list[ProviderSpec]] = {}
        self._watching = [*given]
        self._observers: Observers | None = None
        self.failures: dict[str, ConfigurationError] = {}
        for plugin in (_builtin(), *self._watching):
            name = self._registered(plugin, _named(plugin))
            for spec in self._specs_of(plugin, name):
                self._add(spec, name)

    def after_fork_in_child(self) -> None:
        """Take a fresh lock; another thread may have held the parent's."""
        self._lock = threading.RLock()

    def names(self) -> Collection[str]:
        """Every name that means a provider: registered, installed, switched off, or well known."""
        return {*WELL_KNOWN, *self._specs, *(found.name for found in self._all() if found.group == PROVIDERS)}

    def installed(self) -> list[FoundPlugin]:
        """What is installed and not disabled."""
        return [] if "*" in self._disabled else [*filter(self._enabled, self._all())]

    def disabled(self) -> list[FoundPlugin]:
        """What is installed and switched off."""
        return [found for found in self._all() if "*" in self._disabled or not self._enabled(found)]

    def spec(self, name: str) -> ProviderSpec:
        """The provider of that name, its plugin loaded now if it was not yet.

        Raises:
            ProviderNotInstalledError: the name is well known and nothing installed brings it.
            ProviderNotFoundError: the name is unknown.
            PluginError: the plugin that brings it is broken, or several bring it.
        """
        spec = self._specs.get(name)
        if spec is None:
            with self._lock:
                spec = self._specs.get(name) or self._loaded(name)
        return spec

    def observers(self) -> Observers:
        """Everyone who watches calls; at the first call the installed observers are loaded."""
        if self._observers is None:
            with self._lock:
                if self._observers is None:
                    self._load_observers()
                    self._observers = Observers({hook: self._implementations(hook) for hook in HOOKS})
        return self._observers

    def apis(self) -> list[Any]:
        """The wire APIs that installed plugins contribute to ``fcall serve``, by name; a broken one is left out.

        An entry point is an object that keeps to `fcall.serve.Api`, or makes one when it is called.
        """
        found: dict[str, Any] = {}
        for each in sorted(self._of(APIS), key=lambda each: each.name):
            try:
                if each.name in found:
                    raise PluginError(f"the plugin {each} brings an API that another one brings; uninstall one")
                found[each.name] = _api(each)
            except PluginError as error:
                self.failures[each.name] = error
                logger.warning("%s", error)
        return [*found.values()]

    def load_all(self) -> None:
        """Load everything that is installed, so that `failures` is complete."""
        for found in self._of(PROVIDERS):
            try:
                self.spec(found.name)
            except ConfigurationError as error:
                self.failures[found.name] = error
            if found.name == BUILT_IN:
                self.failures[BUILT_IN] = PluginError(
                    f"the plugin {found} is never loaded, since {BUILT_IN!r} is built in; it needs another name"
                )
        self.observers()
        self.apis()

    def _all(self) -> list[FoundPlugin]:
        """What is installed, looked up once."""
        with self._lock:
            if self._found is None:
                self._found = self._find()
            return self._found

    def _enabled(self, found: FoundPlugin) -> bool:
        return self._disabled.isdisjoint((found.name, found.distribution))

    def _of(self, group: str) -> list[FoundPlugin]:
        return [found for found in self.installed() if found.group == group]

    def _loaded(self, name: str) -> ProviderSpec:
        bringing = [found for found in self._of(PROVIDERS) if found.name == name]
        if not bringing:
            raise self._unknown(name)
        try:
            if len(bringing) > 1:
                raise PluginError(
                    f"the provider {name!r} is brought by {' and by '.join(map(str, bringing))}; uninstall one, or "
                    "put its distribution's name into FCALL_DISABLE_PLUGINS"
                )
            self._load(bringing[0])
        except PluginError as error:
            self.failures[name] = error
            raise
        return self._specs[name]

    def _load(self, found: FoundPlugin) -> None:
        """Load one installed provider plugin; its other providers wait until their own entry points are needed."""
        plugin = _imported(found)
        specs = {spec.name: spec for spec in self._specs_of(plugin, self._registered(plugin, str(found)))}
        if found.name not in specs:
            raise PluginError(
                f"the plugin {found} registers {listed(specs)} and not {found.name!r}; its entry point has to have the "
                "provider's name"
            )
        self._add(specs[found.name], str(found))

    def _add(self, spec: ProviderSpec, bringer: str) -> None:
        if spec.name in self._specs:
            raise PluginError(
                f"the plugin {bringer} registers the provider {spec.name!r}, which {self._bringers[spec.name]} brought "
                "before; give it another name"
            )
        self._specs[spec.name], self._bringers[spec.name] = spec, bringer

    def _registered(self, plugin: object, name: str) -> str:
        """Make pluggy know a plugin, once; the name that it has there.

        Raises:
            PluginError: it has a hook that is none of ours, or no hook at all.
        """
        if known := self._manager.get_name(plugin):
            return known
        if self._manager.has_plugin(name):  # another object of the same class
            name = f"{name} {id(plugin):#x}"
        try:
            self._manager.register(plugin, name)
            self._manager.check_pending()
        except Exception as error:
            self._drop(plugin)
            raise _refused(name, error) from error
        if not self._manager.get_hookcallers(plugin):
            self._drop(plugin)
            raise PluginError(f"the plugin {name} implements no hook; mark each one with @fcall.hookimpl")
        return name

    def _specs_of(self, plugin: object, name: str) -> list[ProviderSpec]:
        """The providers that a registered plugin hands over; it is asked once."""
        if name in self._handed_over:
            return self._handed_over[name]
        specs: list[Any] = []
        try:
            for implementation in self._manager.hook.fcall_register_providers.get_hookimpls():
                if implementation.plugin is plugin:
                    handed_over = implementation.function()
                    specs.extend(handed_over if isinstance(handed_over, (list, tuple)) else (handed_over,))
        except Exception as error:
            raise _refused(name, error) from error
        if not all(isinstance(spec, ProviderSpec) for spec in specs):
            raise PluginError(f"the plugin {name} registers something that is no ProviderSpec")
        self._handed_over[name] = specs
        return specs

    def _drop(self, plugin: object) -> None:
        if self._manager.is_registered(plugin):
            self._manager.unregister(plugin)

    def _load_observers(self) -> None:
        for found in self._of(OBSERVERS):
            try:
                plugin = _imported(found)
                self._registered(plugin, str(found))
                self._watching.append(plugin)
            except PluginError as error:
                self.failures[found.name] = error
                logger.warning("%s", error)

    def _implementations(self, hook: str) -> list[tuple[str, Callable[..., Any]]]:
        """What observers have for a hook, first told first, each taking the hook's arguments by position.

        A provider's plugin is no observer unless it is registered as one: whether it is told would depend on when its
        provider is first needed.
        """
        caller = getattr(self._manager.hook, hook)
        told = []
        for implementation in reversed(caller.get_hookimpls()):
            if not any(implementation.plugin is plugin for plugin in self._watching):
                continue
            if implementation.hookwrapper or implementation.wrapper:
                logger.warning(
                    "the plugin %s wraps %s; observers cannot, so it is not told", implementation.plugin_name, hook
                )
                continue
            told.append((implementation.plugin_name, _positional(implementation, caller.spec.argnames)))
        return told

    def _unknown(self, name: str) -> ConfigurationError:
        if any(found.name == name and found.group == PROVIDERS for found in self._all()):
            return ProviderNotFoundError(
                f"the provider {name!r} is switched off by FCALL_DISABLE_PLUGINS; take it out of there"
            )
        if name in WELL_KNOWN:
            return ProviderNotInstalledError(
                f"the provider {name!r} is not installed; install it with: pip install {WELL_KNOWN[name]}"
            )
        known = self.names()
        return ProviderNotFoundError(
            f"no provider is named {quoted(name, 60)!r}{nearest(name, known)}; known are {listed(known)}"
        )


def _builtin() -> object:
    from fcall.local import _plugin

    return _plugin


def _installed() -> list[FoundPlugin]:
    return [
        FoundPlugin(
            group, point.name, point.dist.name if point.dist else "?", point.dist.version if point.dist else "", point
        )
        for group in (PROVIDERS, OBSERVERS, APIS)
        for point in metadata.entry_points(group=group)
    ]


def _imported(found: FoundPlugin) -> object:
    try:
        return found.entry_point.load()
    except (Exception, SystemExit) as error:  # a plugin may even try to end the process
        raise PluginError(
            f"the plugin {found} could not be loaded: {type(error).__name__}: {quoted(str(error))}; reinstall it, or "
            "name it in FCALL_DISABLE_PLUGINS"
        ) from error


def _api(found: FoundPlugin) -> Any:
    thing: Any = _imported(found)
    try:
        api = thing() if isinstance(thing, type) else thing
    except Exception as error:
        raise _refused(str(found), error) from error
    missing = [part for part in _PARTS_OF_AN_API if not hasattr(api, part)]
    if missing or api.name != found.name:
        wrong = f"lacks {listed(missing)}" if missing else f"is named {quoted(str(api.name), 60)!r}"
        raise PluginError(f"the API of the plugin {found} {wrong}; see fcall.serve.Api")
    return api


def _refused(name: str, error: Exception) -> PluginError:
    return PluginError(f"the plugin {name} could not be registered: {quoted(str(error))}")


def _named(plugin: object) -> str:
    return getattr(plugin, "__name__", None) or type(plugin).__name__


def _positional(implementation: pluggy.HookImpl, argnames: tuple[str, ...]) -> Callable[..., Any]:
    """The implementation as a function of all the hook's arguments; it may itself take fewer."""
    wanted = [argnames.index(name) for name in implementation.argnames]
    function = implementation.function
    return lambda *arguments: function(*[arguments[index] for index in wanted])
