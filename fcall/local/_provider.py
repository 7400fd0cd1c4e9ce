"""The local provider: functions of this process, called inline on the caller's thread."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from fcall._log import logger
from fcall._wording import listed, nearest, quoted
from fcall.errors import Executed, FcallError, FunctionError, FunctionNotFoundError, InvocationTimeoutError
from fcall.local._loader import Loader
from fcall.local._queue import EventQueue
from fcall.local._registry import DEFAULT, Handler, Registry
from fcall.local._runtimes import Environment
from fcall.local._runtimes.awslambda import LambdaRuntime
from fcall.provider import (
    ALL_KEYS,
    Capabilities,
    Deadline,
    FunctionInfo,
    Invocation,
    InvocationResult,
    option,
)

__all__ = ["LocalOptions", "LocalProvider"]

_VERSION = "$LATEST"
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
_CAPABILITIES = Capabilities(
    types=frozenset({"Sync", "Async", "DryRun"}),
    qualifier=True,
    invoker_context={"Sync": ALL_KEYS, "Async": ALL_KEYS, "DryRun": ALL_KEYS},
    streaming=True,
    listing=True,
    sync_timeout=60.0,
)


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """The options of the local provider.

    Attributes:
        root: the folder that handlers' paths are relative to; it is on the import path while they load.
        function_timeout: seconds that a function may take, as AWS Lambda's own setting (its default is 3).
        workers: how many Async events run at once at most.
        queue_size: how many Async events wait at most.
        registry: where decorated functions are looked up.
    """

    root: str = option(".", path=True)
    function_timeout: float = option(3.0, in_target=True)
    workers: int = option(4)
    queue_size: int = option(10_000)
    registry: Registry = option(DEFAULT)

    def __post_init__(self) -> None:
        if not 0 < self.function_timeout <= 86_400:
            raise ValueError("function_timeout is over 0 and at most 86400 seconds")
        if self.workers < 1 or self.queue_size < 1:
            raise ValueError("workers and queue_size are 1 or more")


class LocalProvider:
    """Runs functions inline. A function that takes too long is noticed when it returns: a thread cannot be stopped."""

    capabilities = _CAPABILITIES

    def __init__(self, options: LocalOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = options.registry
        self._loader = Loader(options.root)
        self._environment = Environment(options.function_timeout)
        self._runtime = LambdaRuntime(clock)
        self._queue = EventQueue(options.workers, options.queue_size)

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        """Run the function, or queue its event, or say whether there is one."""
        request_id = _new_request_id()
        if invocation.type == "Sync":
            return self._run(invocation, deadline, request_id)
        self._check(invocation)
        if invocation.type == "DryRun":
            return InvocationResult(status_code=204, request_id=request_id)
        self._queue.put(lambda: self._run_later(invocation, request_id))
        return InvocationResult(status_code=202, request_id=request_id)

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        """The whole answer in one piece, as Lambda's managed Python runtimes give it."""
        yield self.invoke(invocation, deadline).payload

    def list_functions(
        self, service: str | None, deadline: Deadline, configured: Collection[str] = ()
    ) -> Iterator[FunctionInfo]:
        """The service's registered functions, and those that the configuration names and that are there."""
        registered = list(self._registry.names(service))
        code = [name for name in configured if ":" in name and self._loader.exists(name)]
        for name in [*registered, *code]:
            yield FunctionInfo(name, name, runtime=_PYTHON)

    def close(self) -> None:
        """Wait for what was accepted."""
        self._queue.wait()

    def _run(self, invocation: Invocation, deadline: Deadline, request_id: str) -> InvocationResult:
        handler = self._handler(invocation)
        patience = deadline.remaining()
        if not patience:
            raise _too_late("the function was loaded", Executed.NO, request_id)
        try:
            payload = self._runtime.run(handler, invocation, request_id, self._environment)
        except FunctionError as error:
            if (
                patience < self._environment.function_timeout and deadline.expired
            ):  # a caller of a cloud would not have seen this any more
                raise _too_late("the function failed", Executed.YES, request_id) from error
            raise
        if deadline.expired:
            raise _too_late("the function answered", Executed.YES, request_id)
        return InvocationResult(payload, 200, request_id, _VERSION)

    def _run_later(self, invocation: Invocation, request_id: str) -> None:
        try:
            self._runtime.run(self._handler(invocation), invocation, request_id, self._environment)
        except FcallError as error:
            logger.error("the Async call %s of %s failed: %s", request_id, invocation.function, error)

    def _handler(self, invocation: Invocation) -> Handler:
        """The handler; code is imported now if it was not yet."""
        code = _code(invocation)
        return self._registered(invocation) if code is None else self._loader.load(code)

    def _check(self, invocation: Invocation) -> None:
        """Raise where there is no such function, without importing any."""
        code = _code(invocation)
        if code is None:
            self._registered(invocation)
        elif not self._loader.exists(code):
            self._loader.load(code)  # says what is missing

    def _registered(self, invocation: Invocation) -> Handler:
        name = invocation.function_id or invocation.function
        handler = self._registry.find(invocation.service, name)
        if handler is None:
            raise self._not_found(invocation.service, name)
        return handler

    def _not_found(self, service: str | None, name: str) -> FunctionNotFoundError:
        known = list(self._registry.names(service))
        where = f"for the service {quoted(service, 60)!r}" if service else "without a service"
        return FunctionNotFoundError(
            f"no local function {quoted(name, 60)!r} is registered {where}"
            f"{nearest(name, known)}; there is {listed(known)}. Register it with "
            "@fcall.local.function, or name its code under `functions` in the configuration"
        )


def _code(invocation: Invocation) -> str | None:
    """The code that the call means, or None where it means a registered function.

    Code is named by developers only: a name that came with the call is looked up among the registrations.
    """
    name = invocation.function_id or invocation.function
    return name if invocation.configured and (":" in name or name.endswith(".py")) else None


def _too_late(what: str, executed: Executed, request_id: str) -> InvocationTimeoutError:
    return InvocationTimeoutError(
        f"{what} after the caller's time-out; raise timeout, or enqueue it", executed=executed, request_id=request_id
    )


def _new_request_id() -> str:
    """A random UUID as text; `uuid.uuid4` takes several times as long."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
