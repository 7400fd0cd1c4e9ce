"""``fcall providers``: what can be called, and what is missing for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import fcall

if TYPE_CHECKING:
    from fcall._plugins import Plugins

__all__ = ["command"]


@click.command("providers")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(debug: bool) -> None:
    """List the providers: those installed, those that are broken, and those that could be installed.

    A line each: the name, where it comes from, what it is for.
    """
    from fcall._plugins import Plugins

    plugins = Plugins()
    plugins.load_all()
    for name in sorted(plugins.names()):
        source, words = _described(plugins, name)
        click.echo("\t".join((name, source, words)))


def _described(plugins: Plugins, name: str) -> tuple[str, str]:
    bringers = [f"{found.distribution} {found.version}" for found in plugins.installed() if found.name == name]
    source = ", ".join(bringers) or (f"fcall-core {fcall.__version__}" if name == "local" else "-")
    try:
        return source, plugins.spec(name).summary or "-"
    except fcall.errors.ProviderNotInstalledError as error:
        return "not installed", error.message
    except fcall.errors.ConfigurationError as error:
        return source, f"broken: {error.message}"
