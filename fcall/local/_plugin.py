"""The local provider's plugin: it is built in, and registers through the same hook as every other."""

from __future__ import annotations

from fcall._hookspecs import hookimpl
from fcall._no_fork import no_fork
from fcall.local._code import target_of
from fcall.local._options import LocalOptions
from fcall.provider import Provider, ProviderSpec

__all__ = ["fcall_register_providers"]


@hookimpl
def fcall_register_providers() -> ProviderSpec:
    return ProviderSpec(
        "local",
        _provider,
        LocalOptions,
        parse_target=target_of,
        install_hint="pip install fcall-core",
        summary="functions of this machine",
    )


def _provider(options: LocalOptions) -> Provider:
    """The provider. Who calls no function of this machine does not load what runs one."""
    with no_fork():
        from fcall.local._provider import LocalProvider

    return LocalProvider(options)
