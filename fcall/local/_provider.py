"""The local provider: functions of this machine, run by the rules of the cloud that they are meant for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from fcall._frozen import maker
from fcall._wording import listed, nearest, quoted
from fcall.errors import FcallError, FunctionNotFoundError
from fcall.local._async_calls import AsyncCalls, Nowhere
from fcall.local._clock import SYSTEM_CLOCK, Clock
from fcall.local._code import Code, is_code, target_of
from fcall.local._events import Event, Rules
from fcall.local._failures import error_for
from fcall.local._inline import Inline
from fcall.local._isolated import Isolated
from fcall.local._nesting import Nesting, apart, nested
from fcall.local._queue import EventQueue
from fcall.local._records import note
from fcall.local._registry import DEFAULT, Registry
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
    option,
)

if TYPE_CHECKING:
    from fcall.local._store import Store

__all__ = ["LocalOptions", "LocalProvider"]

_result = maker(InvocationResult)

_VERSION = "$LATEST"
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"

_OF_PROCESSES = {
    "concurrency": 100,
    "reuse": True,
    "environment": {},
    "pass_environment": [],
    "memory_limit": None,
    "log_format": "Text",
    "log_level": "",
}
"""What belongs to process isolation, and what it is where nothing is said."""


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """The options of the local provider.

    Attributes:
        root: the folder that handlers' paths are relative to; it is on the import path while they load.
        runtime: whose rules a handler runs by: ``"lambda"``, ``"fc"`` or ``"linkedge"``.
        isolation: ``"inline"`` in this process and on the caller's thread, or ``"process"`` in one of its own.
        function_timeout: seconds that a function may take; None for the runtime's own default (lambda 3, fc 60).
        workers: how many Async events run at once at most.
        queue_size: how many Async events wait at most.
        async_retries: how often an Async event is tried again; None for the runtime's own default (2 for lambda, 3 for
            fc).
        async_pause: seconds before it is tried again; the pause doubles with every further attempt.
        max_event_age: seconds; an older Async event is not run; None for the runtime's own default (21,600 for lambda,
            86,400 for fc).
        on_failure: what is told of an Async event that is given up: a function of this provider, or something to call.
        durable: a file that keeps accepted Async events until they are done, or None.
        concurrency: with process isolation, how many events run at once at most.
        reuse: with process isolation, whether a process serves one event after the other, as an environment does.
        environment: with process isolation, environment variables for the functions.
        pass_environment: with process isolation, names of variables that the functions inherit.
        memory_limit: with process isolation, megabytes of address space, or None.
        recursion_depth: how many local calls may be within each other.
        log_format: with process isolation, ``"Text"`` or ``"JSON"``.
        log_level: with process isolation, the root logger's level; empty for the runtime's own.
        registry: where decorated functions are looked up.
        clock: what pauses and ages of Async events are measured by.
    """

    root: str = option(".", path=True)
    runtime: Literal["lambda", "fc", "linkedge"] = option("lambda", in_target=True)
    isolation: Literal["inline", "process"] = option("inline", in_target=True)
    function_timeout: float | None = option(None, in_target=True)
    workers: int = option(4)
    queue_size: int = option(10_000)
    async_retries: int | None = option(None)
    async_pause: float = option(0.0)
    max_event_age: float | None = option(None)
    on_failure: str | Callable[[dict[str, Any]], object] | None = option(None)
    durable: str | None = option(None, path=True)
    concurrency: int = option(100)
    reuse: bool = option(True)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    pass_environment: list[str] | tuple[str, ...] = option(())
    memory_limit: int | None = option(None)
    recursion_depth: int = option(16)
    log_format: Literal["Text", "JSON"] = option("Text")
    log_level: str = option("")
    registry: Registry = option(DEFAULT)
    clock: Clock = option(SYSTEM_CLOCK)

    def __post_init__(self) -> None:
        if self.function_timeout is not None and not 0 < self.function_timeout <= 86_400:
            raise ValueError("function_timeout is over 0 and at most 86400 seconds")
        memory_limit = 1 if self.memory_limit is None else self.memory_limit
        if min(self.workers, self.queue_size, self.concurrency, memory_limit) < 1:
            raise ValueError("workers, queue_size, concurrency and memory_limit are 1 or more")
        if self.recursion_depth < 1:
            raise ValueError("recursion_depth is 1 or more")
        self._check_async()
        self._check_environment()
        asked = [name for name, default in _OF_PROCESSES.items() if getattr(self, name) not in (default, ())]
        if self.isolation == "inline" and asked:
            raise ValueError(f'{listed(asked)} belongs to a process of its own; add isolation = "process"')
        if self.runtime != "lambda" and self.log_format != "Text":
            raise ValueError(f"log_format is for the runtime lambda; {self.runtime} writes text")

    def _check_async(self) -> None:
        if self.async_retries is not None and not 0 <= self.async_retries <= 8:
            raise ValueError("async_retries is 0 to 8")
        if not 0 <= self.async_pause <= 86_400:
            raise ValueError("async_pause is 0 to 86400 seconds")
        if self.max_event_age is not None and not 0 < self.max_event_age <= 604_800:
            raise ValueError("max_event_age is over 0 and at most 604800 seconds")
        if isinstance(self.on_failure, str):
            target_of(self.on_failure)
            if is_code(self.on_failure):
                Code.named(self.on_failure, self.root)

    def _check_environment(self) -> None:
        for name, value in self.environment.items():
            if not isinstance(name, str) or not isinstance(value, str):
                raise ValueError(f"{name!r} in environment is a {type(value).__name__}; write its value as a text")
            if not name or "=" in name or "\0" in name + value:
                raise ValueError(f"{name!r} in environment is no variable that a process can have")
        if not all(isinstance(name, str) for name in self.pass_environment):
            raise ValueError("pass_environment is a list of names")


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
