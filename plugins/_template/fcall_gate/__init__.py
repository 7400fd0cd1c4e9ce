"""The provider `gate`: functions behind the gate. Importing this package imports no SDK; the first call does."""

from __future__ import annotations

import fcall
from fcall.provider import Provider, ProviderSpec
from fcall_gate._options import GateOptions

__all__ = ["GateOptions", "fcall_register_providers"]

__version__ = "0.1.0"


def _create(options: GateOptions) -> Provider:
    from fcall_gate._provider import Gate  # and with it the SDK, which is not needed before

    return Gate(options)


@fcall.hookimpl
def fcall_register_providers() -> ProviderSpec:
    """The provider, for fcall."""
    return ProviderSpec(
        "gate",
        _create,
        GateOptions,
        inherits_service=False,  # the gate has no services
        install_hint="pip install fcall-gate",
        summary="functions behind the gate",
    )
