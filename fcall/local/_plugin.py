"""The local provider's plugin: it is built in, and registers through the same hook as every other."""

from __future__ import annotations

from fcall._hookspecs import hookimpl
from fcall._target import Target, parse_named
from fcall.local._provider import LocalOptions, LocalProvider
from fcall.provider import ProviderSpec

__all__ = ["fcall_register_providers"]


@hookimpl
def fcall_register_providers() -> ProviderSpec:
    return ProviderSpec(
        "local",
        LocalProvider,
        LocalOptions,
        parse_target=_parsed,
        install_hint="pip install fcall-core",
        summary="functions of this process",
    )


def _parsed(rest: str) -> Target:
    """``path/to.py:function`` and ``package.module:function`` are code; else it is the name of a registration."""
    return Target(function=rest) if ":" in rest or rest.endswith(".py") else parse_named(rest)
