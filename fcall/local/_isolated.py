"""Process isolation: the handler runs in a worker process of its own, which is killed at the function's limit."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from fcall._fork import forget_in_child
from fcall.errors import Executed, InvocationTimeoutError, UnsupportedFeatureError
from fcall.local._code import Code
from fcall.local._runtimes import Failure, InvocationFacts, Runtime, Timing
from fcall.local._slots import Reply, Slot, SlotDied, SlotSpec, TimedOut
from fcall.provider import Deadline

__all__ = ["Isolated"]

# What a process needs to find its interpreter, its temporary folder and its language. Credentials are not among it.
_SYSTEM = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")
# What it needs to find the same configuration, for the calls that a function makes itself.
_OURS = ("FCALL_CONFIG", "FCALL_DISABLE_PLUGINS", "FCALL_ENV", "FCALL_PROVIDER", "XDG_CONFIG_HOME")


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
        self._concurrency = concurrency
        self._reuse = reuse
        self._idle: dict[SlotSpec, list[Slot]] = {}
        self.after_fork_in_child()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """The slots are the parent's: let go of our ends, and start anew."""
        for slots in self._idle.values():
            for slot in slots:
                slot.abandon()
        self._idle = {}
        self._specs: dict[str, SlotSpec] = {}
        self._room = threading.Condition()
        self._busy = 0

    def run(self, code: Code, payload: bytes, facts: InvocationFacts, deadline: Deadline) -> tuple[bytes, str | None]:
        """The handler's answer, and the end of its log where it is wanted.

        Raises:
            Failure: the function failed.
            InvocationTimeoutError: the caller's time-out passed, while waiting for a slot or for the answer.
        """
        spec = self._specs.get(code.name) or self._spec(code, facts)
        self._enter(deadline)
        try:
            return self._run_in_slot(spec, payload, facts, deadline)
        finally:
            with self._room:
                self._busy -= 1
                self._room.notify()

    def close(self) -> None:
        """End the slots that wait."""
        with self._room:
            idle, self._idle = self._idle, {}
        for slots in idle.values():
            for slot in slots:
                slot.kill()

    def _enter(self, deadline: Deadline) -> None:
        with self._room:
            if self._busy >= self._concurrency and not self._room.wait_for(
                lambda: self._busy < self._concurrency, deadline.remaining()
            ):
                raise InvocationTimeoutError(
                    f"{self._concurrency} events ran at once until the caller's time-out; raise concurrency or timeout",
                    executed=Executed.NO,
                )
            self._busy += 1

    def _run_in_slot(
        self, spec: SlotSpec, payload: bytes, facts: InvocationFacts, deadline: Deadline
    ) -> tuple[bytes, str | None]:
        slot, init = self._taken(spec, facts)
        try:
            reply, seconds = self._called(slot, payload, facts, deadline)
        except (BrokenPipeError, ConnectionResetError):  # dead before the event was whole on its way
            slot.kill()
            return self._run_in_slot(spec, payload, facts, deadline)
        except BaseException:
            slot.kill()
            raise
        self._put_back(slot)
        failed = "phase" in reply.header
        if not failed and not facts.wants_log:
            return reply.payload, None
        timing = Timing(facts.request_id, seconds * 1000, init, facts.memory_mb, reply.header.get("used_mb", 0), failed)
        tail = self._runtime.log_tail(reply.log, timing)
        if failed:
            raise _failure(reply, tail)
        return reply.payload, tail

    def _called(self, slot: Slot, payload: bytes, facts: InvocationFacts, deadline: Deadline) -> tuple[Reply, float]:
        """One event in a slot, and how long it took."""
        header: dict[str, Any] = {"id": facts.request_id}
        if facts.nesting.depth > 1:
            header.update(depth=facts.nesting.depth, root=facts.nesting.root)
        if facts.qualifier is not None:
            header["qualifier"] = facts.qualifier
        if facts.invoker_context is not None:
            header["invoker_context"] = facts.invoker_context
        started, patience = time.monotonic(), deadline.remaining()
        try:
            reply = slot.call(header, payload, started + min(facts.function_timeout, patience))
        except SlotDied as died:
            raise self._with_log(
                self._runtime.exited(facts.request_id, died.status), died.log, facts, started
            ) from died
        except TimedOut as late:
            if facts.function_timeout <= patience:
                failure = self._runtime.timed_out(facts.request_id, facts.function_timeout)
                raise self._with_log(failure, late.log, facts, started) from late
            raise InvocationTimeoutError(
                "the function did not answer within the caller's time-out and was stopped; raise timeout, or enqueue it",
                executed=Executed.YES,
                request_id=facts.request_id,
            ) from late
        return reply, time.monotonic() - started

    def _with_log(self, failure: Failure, log: bytes, facts: InvocationFacts, started: float) -> Failure:
        milliseconds = (time.monotonic() - started) * 1000
        failure.log_tail = self._runtime.log_tail(
            log, Timing(facts.request_id, milliseconds, None, facts.memory_mb, 0, failed=True)
        )
        return failure

    def _taken(self, spec: SlotSpec, facts: InvocationFacts) -> tuple[Slot, float | None]:
        """A slot that waits, or a new one and the milliseconds that its loading took."""
        with self._room:
            idle = self._idle.get(spec)
            slot = idle.pop() if idle else None
        if slot is not None:
            return slot, None
        started = time.monotonic()
        slot = Slot(spec)
        try:
            reply = slot.ready()
        except SlotDied as died:
            failure = self._runtime.exited(facts.request_id, died.status)
            failure.phase = "load"
            raise self._with_log(failure, died.log, facts, started) from died
        except TimedOut as late:
            failure = self._runtime.timed_out(facts.request_id, time.monotonic() - started)
            failure.phase = "load"
            raise self._with_log(failure, late.log, facts, started) from late
        except BaseException:
            slot.kill()
            raise
        if reply.header:
            slot.kill()
            timing = Timing(
                facts.request_id, (time.monotonic() - started) * 1000, None, facts.memory_mb, 0, failed=True
            )
            raise _failure(reply, self._runtime.log_tail(reply.log, timing))
        return slot, (time.monotonic() - started) * 1000

    def _put_back(self, slot: Slot) -> None:
        if not self._reuse:
            slot.kill()
            return
        with self._room:
            self._idle.setdefault(slot.spec, []).append(slot)

    def _spec(self, code: Code, facts: InvocationFacts) -> SlotSpec:
        """What a slot for this code has to be."""
        root, module = self._place(code)
        start = {
            **self._start,
            "root": root,
            "module": module,
            "function": code.function,
            "file": code.path is not None,
            "function_name": facts.function_name,
            "service_name": facts.service_name,
            "function_timeout": facts.function_timeout,
            "memory_mb": facts.memory_mb,
        }
        environment = {name: os.environ[name] for name in self._passed_on if name in os.environ}
        environment |= self._runtime.environment(facts.function_name, facts.memory_mb, facts.function_timeout)
        environment |= self._variables
        spec = SlotSpec(tuple(start.items()), tuple(sorted(environment.items())))
        self._specs[code.name] = spec
        return spec

    def _place(self, code: Code) -> tuple[str, str]:
        """The folder to import from, and the module's name there."""
        if code.handler is not None and (code.module in ("", "__main__") or not code.function.isidentifier()):
            raise UnsupportedFeatureError(
                f"the function {code.name!r} is defined in {code.module or 'no module'!r} as {code.function!r}, and a process "
                'of its own cannot import that; define it at the top of a module, or use isolation = "inline"'
            )
        if code.path is None:
            return self._root, code.module
        path, root = code.path.resolve(), Path(self._root).resolve()
        if path.is_relative_to(root):
            return str(root), str(path.relative_to(root).with_suffix(""))
        return str(path.parent), path.stem


def _failure(reply: Reply, tail: str) -> Failure:
    header: dict[str, Any] = reply.header
    failure = Failure(
        header["phase"], header["error_type"], header["error_message"], header["stack_trace"], reply.payload
    )
    failure.log_tail = tail
    return failure
