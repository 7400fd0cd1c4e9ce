"""Process isolation: the handler runs in a worker process of its own, which is killed at the function's limit."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from fcall.errors import Executed, InvocationTimeoutError, ProviderUnavailableError, UnsupportedFeatureError
from fcall.local._code import Code
from fcall.local._pools import Pool, Pools
from fcall.local._runtimes import Failure, InvocationFacts, Runtime, Timing
from fcall.local._slots import Slot, SlotDied, SlotSpec, TimedOut
from fcall.provider import Deadline

__all__ = ["Isolated"]

# What a process needs to find its interpreter, its temporary folder and its language. Credentials are not among it.
_SYSTEM = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")
# What it needs to find the same configuration, for the calls that a function makes itself.
_OURS = ("FCALL_CONFIG", "FCALL_DISABLE_PLUGINS", "FCALL_ENV", "FCALL_PROVIDER", "XDG_CONFIG_HOME")

_START_LIMIT = 10.0


class Isolated:
    """Runs handlers in slots. A slot is kept for the next call of its function, unless `reuse` is False.

    Args:
        runtime: the rules.
        runtime_name: their name, for the worker.
        root: the folder of the functions.
        variables: environment variables that the functions have.
        passed_on: names of environment variables that they inherit.
        memory_limit: megabytes, or None.
        log_format: ``"Text"`` or ``"JSON"``.
        log_level: the root logger's level, or an empty text.
        concurrency: how many events run at once at most.
        reuse: whether a slot serves more than one event.
    """

    def __init__(
        self,
        runtime: Runtime,
        runtime_name: str,
        root: str,
        *,
        variables: Mapping[str, str],
        passed_on: Collection[str],
        memory_limit: int | None,
        log_format: str,
        log_level: str,
        concurrency: int,
        reuse: bool,
    ) -> None:
        self._runtime = runtime
        self._start = {
            "runtime": runtime_name,
            "memory_limit": memory_limit,
            "log_format": log_format,
            "log_level": log_level,
        }
        self._root = root
        self._variables = dict(variables)
        self._passed_on = (*_SYSTEM, *_OURS, *passed_on)
        self._reuse = reuse
        self._pools = Pools(concurrency)

    def run(self, code: Code, payload: bytes, facts: InvocationFacts, deadline: Deadline) -> tuple[bytes, str | None]:
        """The handler's answer, and the end of its log where it is wanted.

        Raises:
            Failure: the function failed.
            InvocationTimeoutError: the caller's time-out passed, while waiting for a slot or for the answer.
            ProviderUnavailableError: no process can be started.
        """
        pool = self._pools.get((code, facts.service_name)) or self._pool(code, facts)
        while True:
            slot = self._pools.enter(pool, deadline)
            init, warm = None, False
            try:
                if slot is None:
                    slot, init = self._started(pool.spec, facts, deadline)
                header, answer = self._called(slot, payload, facts, deadline)
                # What has no stack trace is the platform's to report; the real runtime's process does not survive it.
                warm = self._reuse and header.get("stack_trace", ()) is not None
                return (answer, self._reported(slot, header, answer, facts, init)) if header else (answer, None)
            except SlotDied as died:  # before it called the handler
                if init is not None:  # a new one too: it is the function's doing
                    failure = self._runtime.exited(facts.request_id, died.status)
                    failure.phase = "load"  # its handler did not run
                    raise failure from None
            finally:
                self._pools.leave(pool, slot, warm=warm)

    def close(self) -> None:
        """End the slots that wait."""
        self._pools.close()

    def _started(self, spec: SlotSpec, facts: InvocationFacts, deadline: Deadline) -> tuple[Slot, float]:
        """A new slot, and the milliseconds that its loading took."""
        try:
            slot = Slot(spec)
        except OSError as error:
            raise _unavailable(error, facts) from error
        try:
            self._load(slot, facts, deadline)
        except BaseException:
            slot.kill()
            raise
        return slot, (time.monotonic() - slot.used_at) * 1000

    def _load(self, slot: Slot, facts: InvocationFacts, deadline: Deadline) -> None:
        """Wait until the function is loaded."""
        patience = deadline.remaining()
        try:
            header, document = slot.ready(min(_START_LIMIT, patience))
            if not header:
                return
            failure = _failure(header, document)
        except SlotDied as died:
            failure = self._runtime.exited(facts.request_id, died.status)
        except TimedOut as late:
            if patience < _START_LIMIT:
                raise _too_late("the function was not loaded by the caller's time-out", Executed.NO, facts) from late
            failure = self._runtime.timed_out(facts.request_id, _START_LIMIT)
        failure.phase = "load"
        raise self._with_log(failure, slot, facts)

    def _called(
        self, slot: Slot, payload: bytes, facts: InvocationFacts, deadline: Deadline
    ) -> tuple[dict[str, Any], bytes]:
        """What came of one event in a slot.

        Raises:
            Failure, InvocationTimeoutError: see `run`.
            SlotDied: the process ended before it called the handler, which did not run.
        """
        patience = deadline.remaining()
        if not patience:
            raise _too_late("the function was loaded after the caller's time-out", Executed.NO, facts)
        try:
            return slot.call(facts.request_id, _order(facts, patience), payload, min(facts.function_timeout, patience))
        except SlotDied as died:
            if not died.begun:
                raise
            failure = self._runtime.exited(facts.request_id, died.status)
        except TimedOut as late:
            if not late.begun:
                raise _too_late("the function's process did not take the event in time", Executed.NO, facts) from late
            if patience < facts.function_timeout:
                raise _too_late("the function was stopped at the caller's time-out", Executed.YES, facts) from late
            failure = self._runtime.timed_out(facts.request_id, facts.function_timeout)
        raise self._with_log(failure, slot, facts)

    def _reported(
        self, slot: Slot, header: dict[str, Any], answer: bytes, facts: InvocationFacts, init: float | None
    ) -> str:
        """The end of the log of an event that went well.

        Raises:
            Failure: it did not.
        """
        if "phase" in header:
            raise self._with_log(_failure(header, answer), slot, facts, init, header["used_mb"])
        return self._log_tail(slot, facts, init, header["used_mb"], failed=False)

    def _with_log(
        self, failure: Failure, slot: Slot, facts: InvocationFacts, init: float | None = None, used_mb: int = 0
    ) -> Failure:
        failure.log_tail = self._log_tail(slot, facts, init, used_mb, failed=True)
        return failure

    def _log_tail(self, slot: Slot, facts: InvocationFacts, init: float | None, used_mb: int, *, failed: bool) -> str:
        milliseconds = (time.monotonic() - slot.used_at) * 1000
        timing = Timing(facts.request_id, milliseconds, init, facts.memory_mb, used_mb, failed)
        return self._runtime.log_tail(slot.log.tail(), timing)

    def _pool(self, code: Code, facts: InvocationFacts) -> Pool:
        """The slots for this code, of which there is none yet."""
        root, module = self._place(code)
        start = {
            **self._start,
            "root": root,
            "module": module,
            "function": code.function,
            "file": code.path is not None,
            "handler": code.handler_name,
            "function_name": facts.function_name,
            "service_name": facts.service_name,
            "function_timeout": facts.function_timeout,
            "memory_mb": facts.memory_mb,
        }
        environment = {name: os.environ[name] for name in self._passed_on if name in os.environ}
        if config := environment.get("FCALL_CONFIG"):  # the worker has another working directory
            environment["FCALL_CONFIG"] = os.path.abspath(os.path.expanduser(config))
        environment |= self._runtime.environment(
            facts.function_name, facts.memory_mb, f"{module}.{code.function}", root
        )
        environment |= self._variables
        return self._pools.add((code, facts.service_name), SlotSpec(start, environment))

    def _place(self, code: Code) -> tuple[str, str]:
        """The folder to import from, and the module's name there."""
        if code.handler is not None and (code.module in ("", "__main__") or not code.function.isidentifier()):
            raise UnsupportedFeatureError(
                f"the function {code.name!r} is defined in {code.module or 'no module'!r} as {code.function!r}, and a "
                'process of its own cannot import that; define it at the top of a module, or use isolation = "inline"'
            )
        if code.path is None:
            return self._root, code.module
        path, root = code.path.resolve(), Path(self._root).resolve()
        if path.is_relative_to(root):
            return str(root), str(path.relative_to(root).with_suffix(""))
        return str(path.parent), path.stem


def _order(facts: InvocationFacts, patience: float) -> dict[str, Any]:
    """What a worker has to know of an invocation, beside its id; mostly nothing."""
    order: dict[str, Any] = {}
    if facts.nesting.depth > 1 or facts.nesting.root != facts.request_id:
        order["nesting"] = facts.nesting
    if facts.qualifier is not None:
        order["qualifier"] = facts.qualifier
    if facts.invoker_context is not None:
        order["invoker_context"] = facts.invoker_context
    if facts.wants_log:
        order["wants_log"] = True
    if patience < facts.function_timeout:  # the calls that the function makes have no more time than that
        order["patience"] = patience
    return order


def _failure(header: dict[str, Any], document: bytes) -> Failure:
    return Failure(header["phase"], header["error_type"], header["error_message"], header["stack_trace"], document)


def _too_late(what: str, executed: Executed, facts: InvocationFacts) -> InvocationTimeoutError:
    return InvocationTimeoutError(
        f"{what}; raise timeout, or enqueue it", executed=executed, request_id=facts.request_id
    )


def _unavailable(error: OSError, facts: InvocationFacts) -> ProviderUnavailableError:
    return ProviderUnavailableError(
        f"no process can be started for the function: {error.strerror}; call fewer at once, or raise the limit",
        executed=Executed.NO,
        request_id=facts.request_id,
    )
