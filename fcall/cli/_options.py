"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["configured"]

F = TypeVar("F", bound=Callable[..., Any])


def configured(command: F) -> F:
    """``--config``, ``--env`` and ``--debug``."""
    for decorator in (
        click.option("--debug", is_flag=True, help="Show the traceback of an error."),
        click.option("--env", metavar="NAME", help="The environment of the configuration (FCALL_ENV)."),
        click.option(
            "--config",
            metavar="PATH",
            type=click.Path(dir_okay=False),
            help="The configuration file (FCALL_CONFIG); else fcall.toml or pyproject.toml from here upwards.",
        ),
    ):
        command = decorator(command)
    return command
