"""Runtimes: what stands between a payload and a handler, and between its return value and the answer.

Each runtime is a module of its own and knows one vendor's rules. A runtime is used in this process and in a worker's
alike, so nothing here knows how a call came in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, Protocol, TypeAlias

from fcall.local._nesting import OUTERMOST, Nesting

__all__ = ["TAIL", "Failure", "Handler", "Importer", "InvocationFacts", "Phase", "Runtime", "Timing"]

TAIL = 4096
"""Bytes of a function's log that a caller can have."""

Handler: TypeAlias = Callable[..., Any]
Importer: TypeAlias = Callable[[str], ModuleType]

Phase: TypeAlias = Literal["load", "event", "handler", "timeout", "exit", "memory", "response"]


class Failure(Exception):  # noqa: N818 - it is what a runtime reports, and not yet an error of ours
    """A function that failed, in the words of its runtime.

    Attributes:
        phase: how far it came: loading its code, reading the event, running, running out of time, ending its process,
            running out of memory, sending its answer.
        error_type: the runtime's name for the failure.
        error_message: its words.
        stack_trace: one text per frame, the handler's first; None where the platform reports the failure and the
            runtime could not.
        document: the error document as the caller of the function gets it.
        log_tail: the end of the function's log, where there is one.
    """

    def __init__(
        self, phase: Phase, error_type: str, error_message: str, stack_trace: list[str] | None, document: bytes
    ) -> None:
        super().__init__(f"{error_type} in phase {phase}")
        self.phase: Phase = phase
        self.error_type = error_type
        self.error_message = error_message
        self.stack_trace = stack_trace
        self.document = document
        self.log_tail: str | None = None


@dataclass(slots=True)
class InvocationFacts:
    """What a function may know of one invocation. It is made for each, and not frozen, since that takes twice as long.

    Attributes:
        request_id: a UUID as text.
        function_name: the function as the provider knows it.
        service_name: the service, or an empty text.
        qualifier: the version or alias that was asked for, or None.
        invoker_context: the object beside the payload, or None.
        ends_at: the moment at which the function's own limit is reached, in seconds of `clock`.
        clock: the clock of `ends_at`.
        function_timeout: seconds that the function may take.
        memory_mb: what the function's memory is said to be.
        nesting: where the function runs in a tree of calls.
        wants_log: the caller asked for the end of the log.
        handler: the handler as the vendors write it, ``module.function``.
        on_begin: what the runtime calls last before the handler, where somebody has to know that it is called.
    """

    request_id: str
    function_name: str
    service_name: str
    qualifier: str | None
    invoker_context: Mapping[str, Any] | None
    ends_at: float
    clock: Callable[[], float]
    function_timeout: float
    memory_mb: int = 128
    nesting: Nesting = OUTERMOST
    wants_log: bool = False
    handler: str = ""
    on_begin: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """What the platform reports of one invocation.

    Attributes:
        request_id: the invocation's.
        milliseconds: how long the handler took.
        init_milliseconds: how long its loading took, or None where it was loaded before.
        memory_mb: what the function's memory is said to be.
        used_mb: what it used at most.
        failed: whether it failed.
    """

    request_id: str
    milliseconds: float
    init_milliseconds: float | None
    memory_mb: int
    used_mb: int
    failed: bool


class Runtime(Protocol):
    """One vendor's way to run a handler.

    Attributes:
        default_timeout: seconds that a function may take where nothing says otherwise.
        async_retries: how often an Async event is tried again where nothing says otherwise.
        max_event_age: seconds after which an Async event is not run where nothing says otherwise.
        request_limits: by invocation type, the largest payload in bytes.
        response_limit: the largest answer in bytes.
        trace_variable: the environment variable that holds an invocation's trace, or nothing.
    """

    default_timeout: float
    async_retries: int
    max_event_age: float
    request_limits: Mapping[Any, int]
    response_limit: int
    trace_variable: bytes

    def environment(self, function_name: str, memory_mb: int, handler: str, root: str) -> dict[str, str]:
        """The environment variables that the platform sets for a function's process."""

    def start_log(self, log_format: str, level: str) -> None:
        """Set up logging in a process of the function's own, before it is loaded."""

    def log_failure(self, failure: Failure) -> None:
        """Write a failure into the function's log, where the runtime does so."""

    def log_tail(self, output: bytes, timing: Timing) -> str:
        """The end of one invocation's log, as the platform frames it."""

    def load(self, module: str, function: str, importer: Importer) -> Handler:
        """The handler. `importer` takes the module's name as it was written, without the ending of a file.

        Raises:
            Failure: in phase ``load``.
        """

    def run(self, handler: Handler, payload: bytes, facts: InvocationFacts) -> bytes:
        """The handler's answer to one event.

        Raises:
            Failure: what the runtime survives.
            SystemExit, KeyboardInterrupt, …: what would end the runtime's process.
        """

    def exited(self, request_id: str, status: int) -> Failure:
        """The failure of a process that ended: its exit status, or less than 0 for the signal that killed it."""

    def timed_out(self, request_id: str, seconds: float) -> Failure:
        """The failure of a function that reached its own limit."""

    def too_large(self, size: int) -> Failure:
        """The failure of an answer that is over the limit."""
