"""The local provider's plugin: it is built in, and registers through the same hook as every other."""

from __future__ import annotations

from fcall._hookspecs import hookimpl
from fcall.local._code import target_of
from fcall.local._provider import LocalOptions, LocalProvider
from fcall.provider import ProviderSpec

__all__ = ["fcall_register_providers"]


@hookimpl
def fcall_register_providers() -> ProviderSpec:
    return ProviderSpec(
        "local",
        LocalProvider,
        LocalOptions,
        parse_target=target_of,
        install_hint="pip install fcall-core",
        summary="functions of this machine",
    )
