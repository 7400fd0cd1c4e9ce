"""One plugin with two providers, each under an entry point of its own."""

from __future__ import annotations

import fcall
from fcall.provider import Capabilities, Deadline, Invocation, InvocationResult, NoOptions, ProviderSpec


class RegionProvider:
    """Answers with the name of its region."""

    capabilities = Capabilities()

    def __init__(self, region: str) -> None:
        self._region = region

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        """Make one attempt."""
        return InvocationResult(self._region.encode())

    def close(self) -> None:
        """There is nothing to let go of."""


def _east(options: NoOptions) -> RegionProvider:
    return RegionProvider("east")


def _west(options: NoOptions) -> RegionProvider:
    return RegionProvider("west")


@fcall.hookimpl
def fcall_register_providers() -> list[ProviderSpec]:
    return [ProviderSpec("sample-east", _east), ProviderSpec("sample-west", _west)]
