"""``fcall config``: what is configured, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fcall.cli._command import Command, Group, configuration_options
from fcall.cli._output import Output, tell

if TYPE_CHECKING:
    from fcall._config import Configuration

__all__ = ["config"]


@click.group(cls=Group)
def config() -> None:
    """Show what is configured, and where."""


@config.command(cls=Command)
@click.option("--origin", is_flag=True, help="Say where each value was written.")
@configuration_options
@click.pass_obj
def show(output: Output, origin: bool, config: str | None, env: str | None) -> None:
    """Print the configuration as it holds: every file, the environment and the defaults merged.

    A value that may be a secret is shown as ***.
    """
    from fcall.cli._toml import lines

    configuration = _loaded(config, env)
    for line in lines(configuration, origin):
        output.line(line)
    if not configuration.complete:
        tell("no configuration file is found, and none is needed to call local functions.")


@config.command(cls=Command)
@configuration_options
@click.pass_obj
def path(output: Output, config: str | None, env: str | None) -> None:
    """Print the files that are read, the strongest first."""
    files = _loaded(config, env).files
    for file in files:
        output.line(str(file))
    if not files:
        tell("no configuration file is found; fcall looks for fcall.toml, or pyproject.toml with [tool.fcall].")


def _loaded(config: str | None, env: str | None) -> Configuration:
    from fcall._config import Configuration

    return Configuration.load(config, env=env)
