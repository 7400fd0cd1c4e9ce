"""A provider under another name than its entry point."""

from __future__ import annotations

import fcall
from fcall.provider import Provider, ProviderSpec


def _never_made(options: object) -> Provider:
    raise AssertionError("a refused provider is not made")


@fcall.hookimpl
def fcall_register_providers() -> ProviderSpec:
    return ProviderSpec("another", _never_made)
