"""How local functions are run, as a configuration says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fcall._wording import listed
from fcall.local._clock import SYSTEM_CLOCK, Clock
from fcall.local._code import Code, is_code, target_of
from fcall.local._registry import DEFAULT, Registry
from fcall.provider import option

__all__ = ["LocalOptions"]

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
