"""``fcall providers``: where functions can be called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from fcall import __version__
from fcall.cli._command import Command
from fcall.cli._output import Output

if TYPE_CHECKING:
    from fcall._plugins import Plugins

__all__ = ["providers"]

Row = tuple[str, str, str, str]


@click.command(cls=Command, short_help="Show where functions can be called.")
@click.pass_obj
def providers(output: Output) -> None:
    """Show every provider: its distribution, whether it is installed, and what it is, or what to do about it."""
    from fcall._plugins import Plugins

    output.rows(sorted(_rows(Plugins())))


def _rows(plugins: Plugins) -> Iterator[Row]:
    from fcall._plugins import BUILT_IN, PROVIDERS

    found = [plugin for plugin in plugins.installed() if plugin.group == PROVIDERS]
    disabled = [plugin for plugin in plugins.disabled() if plugin.group == PROVIDERS]
    switched_off = {plugin.name for plugin in disabled} - {plugin.name for plugin in found}
    for name in ({*plugins.names()} - switched_off) | {BUILT_IN}:
        bringers = ", ".join(f"{plugin.distribution} {plugin.version}" for plugin in found if plugin.name == name)
        if name != BUILT_IN:
            yield name, bringers or "-", *_state(plugins, name)
            continue
        yield name, f"fcall-core {__version__}", *_state(plugins, name)
        if bringers:
            yield name, bringers, "broken", f"never loaded, since {BUILT_IN} is built in; it needs another name"
    for plugin in disabled:
        yield plugin.name, f"{plugin.distribution} {plugin.version}", "disabled", "named in FCALL_DISABLE_PLUGINS"


def _state(plugins: Plugins, name: str) -> tuple[str, str]:
    """Whether a provider can be used, and what more there is to say of it."""
    from fcall._target import WELL_KNOWN
    from fcall._wording import quoted
    from fcall.errors import PluginError, ProviderNotInstalledError

    try:
        return "installed", quoted(str(plugins.spec(name).summary))
    except ProviderNotInstalledError:
        return "not installed", f"pip install {WELL_KNOWN[name]}"
    except PluginError as error:
        return "broken", error.message
