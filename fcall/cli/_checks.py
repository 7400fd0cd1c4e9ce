"""What ``fcall doctor`` looks at. Nothing here calls a function."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal, TypeAlias

import fcall
from fcall._config import SERVICE_KEYS, Configuration, Table
from fcall._plugins import Plugins
from fcall._router import Router
from fcall._target import Target
from fcall.errors import ConfigurationError, FcallError

__all__ = ["Finding", "findings"]

Finding: TypeAlias = tuple[Literal["ok", "warning", "problem"], str]

_DISTRIBUTION = "fcall-core"
_PACKAGE = Path(fcall.__file__).parent


def findings(config: str | None, env: str | None) -> Iterator[Finding]:
    """Everything that was looked at, one after the other.

    Args:
        config: the configuration file, or None for those that are found.
        env: the environment, or None for ``FCALL_ENV``.
    """
    yield "ok", f"Python {platform.python_version()} at {sys.executable}"
    yield from _installation()
    plugins = Plugins()
    yield from _plugins(plugins)
    yield from _configuration(config, env, plugins)


def _installation() -> Iterator[Finding]:
    """Whether this is the installed fcall, and nobody else's files are in it."""
    yield "ok", f"fcall {fcall.__version__} at {_PACKAGE}"
    found = [each for each in metadata.distributions() if "Name" in each.metadata]  # else it is half removed
    installed = {_normalized(each.name): each for each in reversed(found)}  # of one name, Python sees the first
    ours = installed.pop(_DISTRIBUTION, None)
    if ours is None:
        yield "warning", f"the distribution {_DISTRIBUTION} is not installed; this fcall is imported from its folder"
    elif ours.version != fcall.__version__:
        yield (
            "warning",
            f"{_DISTRIBUTION} {ours.version} is installed, and this is another fcall; reinstall one of them",
        )
    for other in installed.values():
        if _owns_files_of_ours(other):
            yield (
                "problem",
                f"the distribution {other.name} {other.version} has files in the import package fcall; uninstall it, "
                f"then reinstall {_DISTRIBUTION}",
            )


def _owns_files_of_ours(distribution: metadata.Distribution) -> bool:
    files = distribution.files
    if files is None:
        return "fcall" in (distribution.read_text("top_level.txt") or "").split()
    return any(file.parts[0] in ("fcall", "fcall.py") for file in files)


def _normalized(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _plugins(plugins: Plugins) -> Iterator[Finding]:
    """Whether every installed plugin can be loaded."""
    plugins.load_all()
    broken: dict[str, None] = {}
    for found in plugins.installed():
        failure = plugins.failures.get(found.name)
        if failure is None:
            yield "ok", f"the plugin {found}"
        else:
            broken[failure.message] = None  # once for all who bring the same name
    for message in broken:
        yield "problem", message
    for found in plugins.disabled():
        yield "warning", f"the plugin {found} is switched off by FCALL_DISABLE_PLUGINS"


def _configuration(config: str | None, env: str | None, plugins: Plugins) -> Iterator[Finding]:
    """Whether the configuration can be read, and every service in it leads to a provider."""
    try:
        configuration = Configuration.load(config, env=env)
    except ConfigurationError as error:
        yield "problem", error.message
        return
    for file in configuration.files:
        yield "ok", f"the configuration {file}"
    if not configuration.complete:
        yield "ok", "there is no configuration file, and none is needed to call local functions"
    yield "ok", f"the environment {configuration.env}" if configuration.env else "no environment is chosen"
    router = Router(configuration, plugins)
    for service in configuration.services:
        yield from _service(service, configuration.services[service], router)
    if "provider" in configuration.defaults:
        yield from _service(None, configuration.defaults, router)
    router.close()


def _service(service: str | None, table: Table, router: Router) -> Iterator[Finding]:
    """Whether a service leads to its providers, with options that they take."""
    name = f"the service {service}" if service else "functions without a service"
    unset = _unset(table)
    for key, variable in unset.items():
        yield "problem", f"{name}: {key!r} takes the variable {variable}, which is not set; set it"
    if unset:
        return
    try:  # a failover route is made when it is come to
        providers = [route.provider_name for route in router.routes(Target(service=service, function="*"))]
    except FcallError as error:
        yield "problem", f"{name}: {error.message}"
    else:
        yield "ok", f"{name}, on {', then '.join(providers)}"


def _unset(table: Table) -> dict[str, str]:
    """The options that take a variable which is not set, with its name."""
    named = {
        key: setting.value.removeprefix("env:")
        for key, setting in table.items()
        if key not in SERVICE_KEYS and isinstance(setting.value, str) and setting.value.startswith("env:")
    }
    return {key: variable for key, variable in named.items() if variable not in os.environ}
