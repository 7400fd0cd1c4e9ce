"""The exam that every provider takes, ours and others'.

A provider's author writes a rig, which knows how to make the platform behave, and one class::

    class TestMyProvider(ProviderContract):
        def rig(self):
            return MyRig()
"""

from __future__ import annotations

import asyncio
import enum
import inspect
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, ClassVar, Self

from fcall._client import Client
from fcall._deadline import Deadline
from fcall._invocation import Invocation, InvocationType, parse_params
from fcall._result import InvocationResult
from fcall.errors import (
    AccessDeniedError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionError,
    FunctionNotFoundError,
    InvocationTimeoutError,
    PayloadTooLargeError,
    ThrottledError,
    UnsupportedFeatureError,
)
from fcall.provider import AsyncioProvider, Capabilities, ListingProvider, Provider, ProviderSpec, StreamingProvider

__all__ = ["Behaviour", "ProviderContract", "Rig"]

_PAYLOADS = (b"", b"null", b'{"name": "Ada"}', '"Grüße, 世界 🌍"'.encode(), b'"' + b"x" * 100_000 + b'"')
_THREADS, _CALLS_PER_THREAD = 8, 20


class Behaviour(enum.Enum):
    """What a function, or the platform before it, is to do."""

    ECHO = "answer with the event"
    FAIL = 'raise ValueError("the exam fails it")'
    MISSING = "not exist"
    THROTTLED = "be refused for too many calls"
    DENIED = "be refused for want of permission"
    STALL = "not answer within half a second"
    REFUSED = "not be reached, since no connection can be made"


class Rig(ABC):
    """Makes a platform behave for the exam. It is a context manager: what it starts, it stops.

    Attributes:
        spec: what the provider's plugin registers.
        plugin: the module of the plugin, importable in a fresh process.
        sdk_modules: modules of the SDK, which importing the plugin must not import.
    """

    spec: ClassVar[ProviderSpec]
    plugin: ClassVar[str]
    sdk_modules: ClassVar[tuple[str, ...]] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @abstractmethod
    def provider(self) -> Provider:
        """A new provider that reaches this rig's platform."""

    @abstractmethod
    def params(self, behaviour: Behaviour) -> Mapping[str, Any] | None:
        """The names (``serviceName``, ``functionName`` or ``functionId``) of a function that behaves so.

        None where this platform cannot be made to.
        """

    @abstractmethod
    def runs(self) -> int:
        """How often any function's code was started up to now."""

    def settle(self) -> None:  # noqa: B027 - a platform without Async has nothing to wait for
        """Wait until every accepted Async event has run."""

    def answer(self, payload: bytes) -> bytes:
        """What `Behaviour.ECHO` answers to a payload; where the platform re-encodes, not the payload itself."""
        return payload


class ProviderContract:
    """What callers may rely on from every provider, as tests. Derive from it and give it a rig.

    What a provider cannot do, by its own capabilities, is not asked of it; what its rig cannot bring about is skipped.
    """

    def rig(self) -> Rig:
        """The rig to take the exam with."""
        raise NotImplementedError("derive a class from ProviderContract and return a rig")

    def test_the_answer_is_the_functions_own(self) -> None:
        """The payload reaches the function, and its answer the caller, byte for byte."""
        with self._examined(Behaviour.ECHO) as (rig, provider, params):
            for payload in _PAYLOADS:
                result = _invoked(provider, params, payload=payload)

                assert rig.answer(payload) == result.payload
                assert result.status_code == 200

    def test_one_attempt_is_one_run(self) -> None:
        """A provider makes one attempt, whatever comes of it."""
        for behaviour in (Behaviour.ECHO, Behaviour.FAIL):
            with self._examined(behaviour) as (rig, provider, params):
                before = rig.runs()
                _outcome(provider, params)

                assert before + 1 == rig.runs(), "one attempt has to run the function once"

    def test_an_event_is_accepted_and_runs_once(self) -> None:
        """An Async call is answered with 202, and its event runs once."""
        with self._examined(Behaviour.ECHO, kind="Async") as (rig, provider, params):
            before = rig.runs()
            result = _invoked(provider, params, invocationType="Async", payload=b"{}")
            rig.settle()

            assert result.status_code == 202
            assert result.payload == b""
            assert before + 1 == rig.runs()

    def test_a_failing_event_does_not_fail_the_call(self) -> None:
        """The function's failure is not the failure of the Async call that queued its event."""
        with self._examined(Behaviour.FAIL, kind="Async") as (rig, provider, params):
            result = _invoked(provider, params, invocationType="Async", payload=b"{}")
            rig.settle()

            assert result.status_code == 202

    def test_a_dry_run_runs_nothing(self) -> None:
        """A DryRun is answered with 204, and the function does not run."""
        with self._examined(Behaviour.ECHO, kind="DryRun") as (rig, provider, params):
            before = rig.runs()
            result = _invoked(provider, params, invocationType="DryRun")

            assert result.status_code == 204
            assert before == rig.runs()

    def test_a_function_that_fails_ran(self) -> None:
        """The function's failure is a FunctionError with its type and message, and says YES."""
        error = self._failure(Behaviour.FAIL, FunctionError, Executed.YES)
        assert isinstance(error, FunctionError)
        assert error.error_type == "ValueError"
        assert error.error_message == "the exam fails it"
        assert error.result is not None, "the raw error document is in error.result.payload"

    def test_a_missing_function_did_not_run(self) -> None:
        """A function that does not exist is a FunctionNotFoundError and says NO."""
        self._failure(Behaviour.MISSING, FunctionNotFoundError, Executed.NO)

    def test_a_throttled_call_did_not_run(self) -> None:
        """A throttled call is a ThrottledError, says NO and may be tried again."""
        error = self._failure(Behaviour.THROTTLED, ThrottledError, Executed.NO)
        assert error.retryable

    def test_a_denied_call_did_not_run(self) -> None:
        """A call without permission is an AccessDeniedError and says NO."""
        self._failure(Behaviour.DENIED, AccessDeniedError, Executed.NO)

    def test_a_refused_connection_did_not_run(self) -> None:
        """A connection that cannot be made is a ConnectionFailedError, says NO and may be tried again."""
        error = self._failure(Behaviour.REFUSED, ConnectionFailedError, Executed.NO)
        assert error.retryable

    def test_the_deadline_is_honoured(self) -> None:
        """A call that is not answered in time is an InvocationTimeoutError that never says NO."""
        with self._examined(Behaviour.STALL) as (_, provider, params):
            error = _outcome(provider, params, seconds=0.1)

            assert isinstance(error, InvocationTimeoutError), f"a stalled call has to time out, not {error!r}"
            assert error.executed

    def test_a_stream_honours_the_deadline(self) -> None:
        """A stream that is not there in time is an InvocationTimeoutError that never says NO."""
        with self._examined(Behaviour.STALL) as (_, provider, params):
            if not provider.capabilities.streaming:
                return
            assert isinstance(provider, StreamingProvider)
            error: FcallError | None = None
            try:
                list(provider.stream(_invocation(params, payload=b"{}"), Deadline.after(0.1)))
            except FcallError as raised:
                error = raised

            assert isinstance(error, InvocationTimeoutError), f"a stalled stream has to time out, not {error!r}"
            assert error.executed

    def test_threads_do_not_mix_up_answers(self) -> None:
        """A provider is called from many threads at once, and each gets its own answer."""
        with self._examined(Behaviour.ECHO) as (rig, provider, params):

            def calls(thread: int) -> bool:
                events = [b"[%d, %d]" % (thread, call) for call in range(_CALLS_PER_THREAD)]
                return all(_invoked(provider, params, payload=event).payload == rig.answer(event) for event in events)

            with ThreadPoolExecutor(_THREADS) as pool:
                assert all(pool.map(calls, range(_THREADS)))

    def test_sync_and_asyncio_agree(self) -> None:
        """What is awaited comes to the same end as what blocks: the same answer or error, and as many runs."""
        with self._examined(Behaviour.ECHO) as (_, provider, _params):
            if not isinstance(provider, AsyncioProvider):
                return
        for behaviour in set(Behaviour) - {Behaviour.STALL}:  # how far a call gets in a short time is no promise
            awaited = self._end(behaviour, "invoke_asyncio")
            if awaited is not None:
                assert self._end(behaviour, "invoke") == awaited, (
                    f"sync and asyncio disagree when told to {behaviour.value}"
                )

    def test_what_is_not_declared_is_refused(self) -> None:
        """Asking for what the capabilities lack is an UnsupportedFeatureError, and nothing runs."""
        with self._examined(Behaviour.ECHO) as (rig, provider, params):
            before = rig.runs()
            client = Client(providers={rig.spec.name: provider})
            for asked in _undeclared(provider.capabilities):
                error = _raised(client, {**params, "provider": rig.spec.name, **asked})

                assert isinstance(error, UnsupportedFeatureError), f"{asked} has to be refused, not {error!r}"
            rig.settle()

            assert before == rig.runs()

    def test_a_payload_over_the_limit_is_refused(self) -> None:
        """A payload that is larger than the declared limit is refused before it is sent."""
        with self._examined(Behaviour.ECHO) as (rig, provider, params):
            before = rig.runs()
            client = Client(providers={rig.spec.name: provider})
            for kind, limit in provider.capabilities.payload_limits.items():
                too_much = {"invocationType": kind, "payload": b"1" * (limit + 1), "provider": rig.spec.name}

                assert isinstance(_raised(client, {**params, **too_much}), PayloadTooLargeError)
            rig.settle()

            assert before == rig.runs()

    def test_capabilities_are_kept(self) -> None:
        """What is declared is there: the methods for streaming and listing."""
        with self._examined(Behaviour.ECHO) as (_, provider, _params):
            can = provider.capabilities

            assert can.streaming <= isinstance(provider, StreamingProvider)
            assert can.listing <= isinstance(provider, ListingProvider)

    def test_a_stream_is_the_answer_in_pieces(self) -> None:
        """The pieces of a stream, put together, are the answer."""
        with self._examined(Behaviour.ECHO) as (rig, provider, params):
            if not provider.capabilities.streaming:
                return
            assert isinstance(provider, StreamingProvider)
            pieces = provider.stream(_invocation(params, payload=b"[1]"), Deadline.after(10))

            assert rig.answer(b"[1]") == b"".join(pieces)

    def test_closing_twice_is_harmless(self) -> None:
        """A provider can be closed, and closed again."""
        with self._examined(Behaviour.ECHO) as (_, provider, params):
            _invoked(provider, params, payload=b"{}")

            provider.close()
            provider.close()

    def test_importing_the_plugin_imports_no_sdk(self) -> None:
        """The SDK is imported by the first call, not by the plugin."""
        rig = self.rig()
        check = (
            "import importlib, sys; importlib.import_module(sys.argv[1]); "
            "sys.exit(', '.join(name for name in sys.argv[2:] if name in sys.modules) or None)"
        )
        command = [sys.executable, "-c", check, rig.plugin, *rig.sdk_modules]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603

        assert finished.returncode == 0, f"importing {rig.plugin} imported {finished.stderr.strip()}"

    @contextmanager
    def _examined(
        self, behaviour: Behaviour, kind: InvocationType = "Sync"
    ) -> Iterator[tuple[Rig, Provider, Mapping[str, Any]]]:
        """A rig, a provider of it, and the names of a function that behaves as asked; skips where there is none."""
        import pytest

        with self.rig() as rig:
            provider = rig.provider()
            try:
                params = rig.params(behaviour)
                if params is None:
                    pytest.skip(f"this rig cannot make a function {behaviour.value}")
                if kind not in provider.capabilities.types:
                    pytest.skip(f"the provider does not take {kind} calls")
                yield rig, provider, params
            finally:
                provider.close()

    def _end(self, behaviour: Behaviour, way: str) -> tuple[Any, ...] | None:
        """What one attempt comes to, without what is new in each; None where there is no such thing."""
        with self.rig() as rig:
            provider = rig.provider()
            try:
                params, attempt = rig.params(behaviour), getattr(provider, way)
                if params is None:
                    return None
                before = rig.runs()
                ended = _ended(attempt, _invocation(params, payload=b"[1]"), Deadline.after(10.0))
                return None if ended is None else (*ended, rig.runs() - before)
            finally:
                provider.close()

    def _failure(self, behaviour: Behaviour, expected: type[FcallError], executed: Executed) -> FcallError:
        with self._examined(behaviour) as (rig, provider, params):
            before = rig.runs()
            error = _outcome(provider, params)

            assert type(error) is expected, f"a function that is to {behaviour.value} has to raise {expected.__name__}"
            assert error.executed is executed
            assert rig.runs() - before == (1 if executed else 0)
            return error


def _undeclared(can: Capabilities) -> Iterator[dict[str, Any]]:
    """Parameters that ask for what the capabilities do not have, one feature each."""
    for kind in ("Sync", "Async", "DryRun"):
        if kind not in can.types:
            yield {"invocationType": kind}
            continue
        if kind not in can.idempotency:
            yield {"invocationType": kind, "idempotencyKey": "exam-1"}
        if not can.invoker_context.get(kind):
            yield {"invocationType": kind, "invokerContext": {"custom": {"exam": "1"}}}
    if not can.qualifier:
        yield {"qualifier": "exam"}
    if not can.log_tail:
        yield {"logTail": True}


def _invocation(params: Mapping[str, Any], **more: Any) -> Invocation:
    return parse_params({**params, **more})[1]


def _invoked(provider: Provider, params: Mapping[str, Any], seconds: float = 10.0, **more: Any) -> InvocationResult:
    return provider.invoke(_invocation(params, **more), Deadline.after(seconds))


def _outcome(provider: Provider, params: Mapping[str, Any], seconds: float = 10.0) -> FcallError | None:
    """What one attempt raises; an exception that is not ours passes, and fails the test."""
    try:
        _invoked(provider, params, seconds, payload=b"{}")
    except FcallError as error:
        return error
    return None


def _ended(
    attempt: Callable[[Invocation, Deadline], Any], invocation: Invocation, deadline: Deadline
) -> tuple[Any, ...] | None:
    async def awaited(answer: Any) -> Any:
        return await answer

    try:
        answer = attempt(invocation, deadline)
        result = asyncio.run(awaited(answer)) if inspect.isawaitable(answer) else answer
    except FcallError as error:
        return type(error), error.executed, getattr(error, "retryable", None), error.code, error.status_code
    return None if result is None else (result.payload, result.status_code, result.executed_version)


def _raised(client: Client, params: Mapping[str, Any]) -> FcallError | None:
    try:
        client.invoke_function(params)
    except FcallError as error:
        return error
    return None
