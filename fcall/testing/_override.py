"""Putting a provider in the path of every call, for one test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fcall._router import Route, override
from fcall.provider import Provider

__all__ = ["routed_to"]


@contextmanager
def routed_to(provider: Provider, name: str = "test") -> Iterator[None]:
    """Send every call of this thread, or of this asyncio task, to `provider`, whatever is configured.

    The provider gets the names as the application says them.

    Args:
        provider: takes the calls; it stays yours to close.
        name: what the provider is called in results and errors.
    """
    route = (Route(name, provider),)
    token = override.set(lambda target: route)
    try:
        yield
    finally:
        override.reset(token)
