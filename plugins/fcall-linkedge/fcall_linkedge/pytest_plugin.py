"""Fixtures for pytest, which finds them by itself where this distribution is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import fcall

__all__ = ["linkedge_gateway", "linkedge_registry"]


@pytest.fixture
def linkedge_registry() -> fcall.local.Registry:
    """The functions on this test's gateway, none at first: ``linkedge_registry.function("service/name")(handler)``."""
    return fcall.local.Registry()


@pytest.fixture
def linkedge_gateway(linkedge_registry: fcall.local.Registry) -> Iterator[fcall.Client]:
    """An emulated gateway for this test: `lecoresdk` works. It is the client that calls the functions as a gateway."""
    from fcall_linkedge import emulator  # only for a test that asks

    with emulator.gateway(registry=linkedge_registry) as functions:
        yield functions
