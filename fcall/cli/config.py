"""``fcall config``: what is configured, and where it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from fcall.cli._options import configured

if TYPE_CHECKING:
    from fcall._config import Table

__all__ = ["command"]

# Words in the name of a setting that may be a secret, whatever its provider says of it.
_SECRET_WORDS = ("credential", "key", "password", "secret", "token")


@click.group("config")
def command() -> None:
    """Show the configuration."""


@command.command("show")
@click.option("--origin", is_flag=True, help="Say for each setting where it is written.")
@configured
def show(origin: bool, config: str | None, env: str | None, debug: bool) -> None:
    """Print what holds: all files merged, for the chosen environment."""
    from fcall._config import Configuration

    configuration = Configuration.load(config, env=env)
    _print_table("defaults", configuration.defaults, origin)
    for name, table in sorted(configuration.services.items()):
        _print_table(f"services.{_key(name)}", table, origin)


@command.command("path")
@configured
def path(config: str | None, env: str | None, debug: bool) -> None:
    """Print the files that are read, the strongest first."""
    from fcall._config import Configuration

    files = Configuration.load(config, env=env).files
    for file in files:
        click.echo(str(file))
    if not files:
        click.echo("fcall: no configuration is found from here upwards; calls go to the local provider", err=True)


def _print_table(name: str, table: Table, origin: bool) -> None:
    if not table:
        return
    click.echo(f"[{name}]")
    for key, setting in sorted(table.items()):
        where = f"  # {setting.origin}" if origin else ""
        click.echo(f"{_key(key)} = {_shown(key, setting.value)}{where}")
    click.echo()


def _shown(key: str, value: Any) -> str:
    """The value as TOML writes it; what may be a secret only where it is a variable's name."""
    is_name = isinstance(value, str) and value.startswith("env:")
    if not is_name and any(word in key.lower() for word in _SECRET_WORDS):
        return '"***"'
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_shown(name, inner)}" for name, inner in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False, default=str)


def _key(name: str) -> str:
    is_bare = name.replace("_", "").replace("-", "").isalnum() and name.isascii()
    return name if is_bare else json.dumps(name, ensure_ascii=False)
