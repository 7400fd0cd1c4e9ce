"""The provider `linkedge`: functions on the Alibaba Link IoT Edge gateway that this code runs in.

Importing this package imports no SDK; the first call does.
"""

from __future__ import annotations

import fcall
from fcall.provider import ProviderSpec
from fcall_linkedge._provider import LinkEdgeOptions, LinkEdgeProvider

__all__ = ["LinkEdgeOptions", "LinkEdgeProvider", "fcall_register_providers"]

__version__ = "0.1.0"


@fcall.hookimpl
def fcall_register_providers() -> ProviderSpec:
    """The provider, for fcall."""
    return ProviderSpec(
        "linkedge",
        LinkEdgeProvider,
        LinkEdgeOptions,
        install_hint="run inside a Link IoT Edge gateway; elsewhere: pip install fcall-linkedge[emulator]",
        summary="a Link IoT Edge gateway",
    )
