"""The local provider: functions of this machine, run by the rules of the cloud that they are meant for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any

from fcall._frozen import maker
from fcall._wording import listed, nearest, quoted
from fcall.errors import FcallError, FunctionNotFoundError
from fcall.local._async_calls import AsyncCalls, Nowhere
from fcall.local._code import Code, is_code
from fcall.local._events import Event, Rules
from fcall.local._failures import error_for
from fcall.local._inline import Inline
from fcall.local._isolated import Isolated
from fcall.local._nesting import Nesting, apart, nested
from fcall.local._options import LocalOptions
from fcall.local._queue import EventQueue
from fcall.local._records import note
from fcall.local._request_id import new_request_id
from fcall.local._runtimes import Failure, InvocationFacts, Runtime
from fcall.local._runtimes import awslambda as awslambda  # the default: a fork amid its import would hang the child
from fcall.local._runtimes.names import runtime_named
from fcall.provider import (
    ALL_KEYS,
    Capabilities,
    Deadline,
    FunctionInfo,
    Invocation,
    InvocationResult,
)

if TYPE_CHECKING:
    from fcall.local._store import Store

__all__ = ["LocalProvider"]

_result = maker(InvocationResult)

_VERSION = "$LATEST"
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


class LocalProvider:
    """Runs functions on this machine.

    Args:
        options: how.
        clock: a monotonic clock in seconds.
    """

    def __init__(self, options: LocalOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._clock = clock
        self._codes: dict[object, Code] = {}
        self._runtime = runtime_named(options.runtime)
        self._timeout = options.function_timeout or self._runtime.default_timeout
        self._execution = _execution(options, self._runtime)
        self.capabilities = _capabilities(options, self._runtime)
        self._queue = EventQueue(options.workers, options.queue_size, options.clock)
        rules, store = _rules(options, self._runtime), _store(options)
        self._async_calls = AsyncCalls(self, self._queue, rules, options.on_failure, store, options.clock)
        self._async_calls.resume()
        if options.durable is not None:
            options.registry.tell(self._async_calls.resume_left_over)

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        """Run the function, or queue its event, or say whether there is one."""
        request_id = new_request_id()
        code = self._code(invocation)
        if invocation.type == "DryRun":
            return InvocationResult(status_code=204, request_id=request_id)
        if invocation.type == "Async":
            self._async_calls.accept(Event(invocation, request_id, apart(request_id)))
            return InvocationResult(status_code=202, request_id=request_id)
        nesting = nested(request_id, self._options.recursion_depth)
        try:
            result = self._run(code, invocation, deadline, request_id, nesting)
        except FcallError as error:
            note(invocation, request_id, 1, "failed", error)
            raise
        note(invocation, request_id, 1, "ok")
        return result

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        """The whole answer in one piece, as Lambda's managed Python runtimes give it."""
        yield self.invoke(invocation, deadline).payload

    def list_functions(
        self, service: str | None, deadline: Deadline, configured: Collection[str] = ()
    ) -> Iterator[FunctionInfo]:
        """The service's registered functions, and those that the configuration names and that are there."""
        registered = list(self._options.registry.names(service))
        written = [name for name in configured if is_code(name) and Code.named(name, self._options.root).is_there]
        for name in [*registered, *written]:
            yield FunctionInfo(name, name, runtime=_PYTHON)

    def close(self) -> None:
        """Wait for what was accepted, then end the functions' processes."""
        self._async_calls.close()
        self._execution.close()

    def run_event(self, event: Event) -> None:
        """Make one attempt at an accepted event.

        Raises:
            FcallError: it failed.
        """
        patience = Deadline.after(2 * self._timeout + 60)
        self._run(self._code(event.invocation), event.invocation, patience, event.request_id, event.nesting)

    def has(self, invocation: Invocation) -> bool:
        """Whether there is a function to run."""
        try:
            self._code(invocation)
        except FcallError:
            return False
        return True

    def _run(
        self, code: Code, invocation: Invocation, deadline: Deadline, request_id: str, nesting: Nesting
    ) -> InvocationResult:
        clock = self._clock
        facts = InvocationFacts(
            request_id,
            code.function_name,
            invocation.service or "",
            invocation.qualifier,
            invocation.invoker_context,
            clock() + self._timeout,
            clock,
            self._timeout,
            self._options.memory_limit or 128,
            nesting,
            invocation.log_tail,
            code.handler_name,
        )
        try:
            payload, log_tail = self._execution.run(code, invocation.payload, facts, deadline)
        except Failure as failure:
            error, cause = error_for(failure, request_id, invocation.log_tail), failure.__cause__
        else:
            return _result(payload, 200, request_id, _VERSION, log_tail, {}, "", ())
        raise error from cause

    def _code(self, invocation: Invocation) -> Code:
        """Which handler is meant; nothing is imported to say so.

        Code is named by developers only: a name that came with the call is looked up among the registrations.
        """
        name = invocation.function_id or invocation.function
        if invocation.configured and is_code(name):
            return self._codes.get(name) or self._written(name)
        handler = self._options.registry.find(invocation.service, name)
        if handler is None:
            raise self._not_found(invocation.service, name)
        code = self._codes.get((invocation.service, name))
        if code is None or code.handler is not handler:
            code = self._codes[invocation.service, name] = Code.registered(name, handler)
        return code

    def _written(self, name: str) -> Code:
        code = Code.named(name, self._options.root)
        if not code.is_there:
            raise FunctionNotFoundError(f"there is no file {code.path} to take a handler from; correct the path")
        self._codes[name] = code
        return code

    def _not_found(self, service: str | None, name: str) -> FunctionNotFoundError:
        known = list(self._options.registry.names(service))
        where = f"for the service {quoted(service, 60)!r}" if service else "without a service"
        return FunctionNotFoundError(
            f"no local function {quoted(name, 60)!r} is registered {where}"
            f"{nearest(name, known)}; there is {listed(known)}. Register it with "
            "@fcall.local.function, or name its code under `functions` in the configuration"
        )


def _capabilities(options: LocalOptions, runtime: Runtime) -> Capabilities:
    everything: dict[Any, frozenset[str]] = {"Sync": ALL_KEYS, "Async": ALL_KEYS, "DryRun": ALL_KEYS}
    return Capabilities(
        types=frozenset({"Sync", "Async", "DryRun"}),
        qualifier=True,
        log_tail=options.isolation == "process",
        invoker_context=everything if options.runtime != "fc" else {},
        streaming=True,
        listing=True,
        payload_limits=runtime.request_limits,
        sync_timeout=60.0,
    )


def _execution(options: LocalOptions, runtime: Runtime) -> Inline | Isolated:
    if options.isolation == "inline":
        return Inline(runtime, options.root)
    return Isolated(
        runtime,
        options.runtime,
        options.root,
        variables=options.environment,
        passed_on=options.pass_environment,
        memory_limit=options.memory_limit,
        log_format=options.log_format,
        log_level=options.log_level,
        concurrency=options.concurrency,
        reuse=options.reuse,
    )


def _rules(options: LocalOptions, runtime: Runtime) -> Rules:
    return Rules(
        runtime.async_retries if options.async_retries is None else options.async_retries,
        options.async_pause,
        options.max_event_age or runtime.max_event_age,
    )


def _store(options: LocalOptions) -> Store | Nowhere:
    if options.durable is None:
        return Nowhere()
    from fcall.local._store import Store  # SQLite is for those who need it

    return Store(options.durable, options.runtime, options.root)
