"""The exam for what a provider does on asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fcall._deadline import Deadline
from fcall._invocation import Invocation, InvocationType
from fcall._result import FunctionInfo, InvocationResult
from fcall.provider import AsyncioProvider, Capabilities, ListingProvider, Provider, StreamingProvider
from fcall.testing._contract import Behaviour, ProviderContract, Rig

__all__ = ["AsyncioProviderContract"]


class AsyncioProviderContract(ProviderContract):
    """The whole exam once more for an `AsyncioProvider`, each attempt awaited on one event loop."""

    def test_no_attempt_is_made_on_a_thread(self) -> None:
        """The exam is about what is awaited: the provider has to answer with a result, or raise, and not with None."""
        with self._examined(Behaviour.ECHO) as (rig, provider, params):
            assert isinstance(provider, _Awaited)
            result = provider.invoke(_invocation_of(params), Deadline.after(10))

            assert rig.answer(b"{}") == result.payload

    @contextmanager
    def _examined(
        self, behaviour: Behaviour, kind: InvocationType = "Sync"
    ) -> Iterator[tuple[Rig, Provider, Mapping[str, Any]]]:
        with super()._examined(behaviour, kind) as (rig, provider, params), _Awaited(provider) as awaited:
            yield rig, awaited, params


def _invocation_of(params: Mapping[str, Any]) -> Invocation:
    from fcall._invocation import parse_params

    return parse_params({**params, "payload": b"{}"})[1]


class _Awaited:
    """A provider whose attempts are awaited, on an event loop in a thread."""

    def __init__(self, provider: Provider) -> None:
        assert isinstance(provider, AsyncioProvider), "the provider has no invoke_asyncio"
        self._provider: Any = provider
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> _Awaited:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._provider.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    @property
    def capabilities(self) -> Capabilities:
        capabilities: Capabilities = self._provider.capabilities
        return capabilities

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        result = asyncio.run_coroutine_threadsafe(self._attempt(invocation, deadline), self._loop).result()
        assert result is not None, "the attempt was to be awaited, and the provider left it to a thread"
        return result

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        assert isinstance(self._provider, StreamingProvider)
        return self._provider.stream(invocation, deadline)

    def list_functions(
        self, service: str | None, deadline: Deadline, configured: Collection[str] = ()
    ) -> Iterator[FunctionInfo]:
        assert isinstance(self._provider, ListingProvider)
        return self._provider.list_functions(service, deadline, configured)

    def close(self) -> None:
        self._provider.close()

    async def _attempt(self, invocation: Invocation, deadline: Deadline) -> InvocationResult | None:
        result: InvocationResult | None = await self._provider.invoke_asyncio(invocation, deadline)
        return result
