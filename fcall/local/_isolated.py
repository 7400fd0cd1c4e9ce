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


class _Pool:
    """The slots of one function that wait for an event, the one that was used last at the end."""

    def __init__(self, spec: SlotSpec) -> None:
        self.spec = spec
        self.idle: list[Slot] = []


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
        self._pools: dict[Code, _Pool] = {}
        self.after_fork_in_child()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """The slots are the parent's: let go of our ends, and start anew."""
        for pool in self._pools.values():
            for slot in pool.idle:
                slot.abandon()
        self._pools = {}
        self._room = threading.Condition(threading.Lock())
        self._busy = 0

    def run(self, code: Code, payload: bytes, facts: InvocationFacts, deadline: Deadline) -> tuple[bytes, str | None]:
        """The handler's answer, and the end of its log where it is wanted.

        Raises:
            Failure: the function failed.
            InvocationTimeoutError: the caller's time-out passed, while waiting for a slot or for the answer.
        """
        pool = self._pools.get(code) or self._pool(code, facts)
        slot = self._entered(pool, deadline)
        init = None
        try:
            if slot is None:
                slot, init = self._started(pool.spec, facts)
            reply, seconds = self._called(slot, payload, facts, deadline)
        except (BrokenPipeError, ConnectionResetError):  # dead before the event was whole on its way
            self._left(pool, slot, warm=False)
            return self.run(code, payload, facts, deadline)
        except BaseException:
            self._left(pool, slot, warm=False)
            raise
        # A failure without a stack trace is the platform's to report; the real runtime's process does not survive it.
        survived = reply.header.get("stack_trace", ()) is not None
        self._left(pool, slot, warm=self._reuse and survived)
        return self._answer(reply, facts, seconds, init)

    def close(self) -> None:
        """End the slots that wait."""
        with self._room:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            for slot in pool.idle:
                slot.kill()

    def _entered(self, pool: _Pool, deadline: Deadline) -> Slot | None:
        """Wait until there is room for one more event, and take a slot that waits where there is one."""
        with self._room:
            if self._busy >= self._concurrency and not self._room.wait_for(
                lambda: self._busy < self._concurrency, deadline.remaining()
            ):
                raise InvocationTimeoutError(
                    f"{self._concurrency} events ran at once until the caller's time-out; raise concurrency or timeout",
                    executed=Executed.NO,
                )
            self._busy += 1
            return pool.idle.pop() if pool.idle else None

    def _left(self, pool: _Pool, slot: Slot | None, *, warm: bool) -> None:
        if slot is not None and not warm:
            slot.kill()
        with self._room:
            self._busy -= 1
            self._room.notify()
            if slot is not None and warm:
                pool.idle.append(slot)

    def _answer(
        self, reply: Reply, facts: InvocationFacts, seconds: float, init: float | None
    ) -> tuple[bytes, str | None]:
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
        if facts.wants_log:
            header["wants_log"] = True
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
                "the function did not answer within the caller's time-out and was stopped; raise timeout, or "
                "enqueue it",
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

    def _started(self, spec: SlotSpec, facts: InvocationFacts) -> tuple[Slot, float]:
        """A new slot, and the milliseconds that its loading took."""
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

    def _pool(self, code: Code, facts: InvocationFacts) -> _Pool:
        """The slots for this code, of which there is none yet."""
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
        environment |= self._runtime.environment(
            facts.function_name, facts.memory_mb, f"{module}.{code.function}", root
        )
        environment |= self._variables
        return self._pools.setdefault(code, _Pool(SlotSpec(start, environment)))

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


def _failure(reply: Reply, tail: str) -> Failure:
    header: dict[str, Any] = reply.header
    failure = Failure(
        header["phase"], header["error_type"], header["error_message"], header["stack_trace"], reply.payload
    )
    failure.log_tail = tail
    return failure
