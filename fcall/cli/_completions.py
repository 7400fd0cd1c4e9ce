"""What a shell can complete: the services and functions that the configuration names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fcall._config import Configuration

__all__ = ["complete_service", "complete_target"]


def complete_service(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The services that begin with what is typed."""
    return [name for name in sorted(_configured(ctx).services) if name.startswith(incomplete)]


def complete_target(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The targets that begin with what is typed."""
    return [target for target in _targets(_configured(ctx)) if target.startswith(incomplete)]


def _targets(configuration: Configuration) -> Iterator[str]:
    for service, table in sorted(configuration.services.items()):
        functions = table["functions"].value if "functions" in table else None
        named = sorted(functions) if isinstance(functions, Mapping) else ["*"]
        yield from (f"{service}/" if function == "*" else f"{service}/{function}" for function in named)


def _configured(ctx: click.Context) -> Configuration:
    """The configuration, empty where it is wrong: a completion is no place for an error."""
    from fcall._config import Configuration
    from fcall.errors import ConfigurationError

    try:
        return Configuration.load(ctx.params.get("config"), env=ctx.params.get("env"))
    except ConfigurationError:
        return Configuration()
