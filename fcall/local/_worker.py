"""The worker: a process that runs one function's handler, one event after the other, as a runtime's process does.

It talks to its parent over one socket; its standard output and error are the function's log. Where the parent is gone,
or the handler ends the process, it ends.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import socket
import sys
import time
from types import ModuleType
from typing import Any, NoReturn

from fcall.local import _queue
from fcall.local._flag import Flag
from fcall.local._frames import Frame, FrameReader, packed
from fcall.local._glance import Glance
from fcall.local._nesting import Nesting, enter_everywhere
from fcall.local._runtimes import Failure, Handler, InvocationFacts, Runtime
from fcall.local._runtimes.names import runtime_named

__all__ = ["main"]


class _Channel:
    """The worker's end of the socket."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.set_inheritable(False)  # what the handler starts must not hold it open
        self._glance = Glance(self._socket)
        self._reader = FrameReader()
        os.register_at_fork(after_in_child=self._socket.close)  # only one may answer, and hold it open

    def check(self) -> None:
        """End this process where it is a copy that the handler forked."""
        if self._socket.fileno() < 0:
            os._exit(0)

    def receive(self) -> Frame:
        """The next frame; where there is no parent any more, the process ends."""
        while True:
            piece = self._glance.receive()
            if not piece:
                _finish()
            frame = self._reader.feed(piece)
            if frame is not None:
                return frame

    def send(self, request_id: str, header: dict[str, Any], payload: bytes = b"") -> None:
        self._socket.sendall(packed(request_id, header, payload))


def main(descriptor: int, flag_descriptor: int) -> None:
    """Run one function until the parent is gone.

    Args:
        descriptor: the socket, inherited from the parent.
        flag_descriptor: the file of the flag that says that the handler is called, inherited too.
    """
    channel, begun = _Channel(descriptor), Flag(flag_descriptor)
    os.close(flag_descriptor)
    _, start, _ = channel.receive()
    runtime = runtime_named(start["runtime"])
    _limit_memory(start["memory_limit"])
    runtime.start_log(start["log_format"], start["log_level"])
    try:
        handler = runtime.load(start["module"], start["function"], _importer(start["root"], start["file"]))
    except Failure as failure:
        runtime.log_failure(failure)
        channel.send("", _told(failure, "load"), failure.document)
        sys.exit(1)
    channel.send("", {})
    while True:
        _serve(channel, begun, runtime, handler, start, channel.receive())


def _serve(
    channel: _Channel, begun: Flag, runtime: Runtime, handler: Handler, start: dict[str, Any], frame: Frame
) -> None:
    """Run one event and answer. What the runtime does not survive passes through, and ends the process."""
    request_id, order, payload = frame
    facts = _facts(request_id, order, start)
    facts.on_begin = begun.set
    ends_at = facts.clock() + order["patience"] if "patience" in order else facts.ends_at
    enter_everywhere(facts.nesting, ends_at, facts.clock)
    if runtime.trace_variable:
        _set(runtime.trace_variable, facts.nesting.trace)
    try:
        answer = runtime.run(handler, payload, facts)
        if len(answer) > runtime.response_limit:
            raise runtime.too_large(len(answer))
        channel.check()
    except Failure as failure:
        channel.check()
        runtime.log_failure(failure)
        out_of_memory = start["memory_limit"] and failure.error_type == "MemoryError" and failure.phase != "load"
        channel.send(request_id, _told(failure, "memory" if out_of_memory else failure.phase), failure.document)
    else:
        header: dict[str, Any] = {"used_mb": _used_mb()} if facts.wants_log else {}
        if _owes():
            header["owes"] = True
        channel.send(request_id, header, answer)


def _facts(request_id: str, order: dict[str, Any], start: dict[str, Any]) -> InvocationFacts:
    return InvocationFacts(
        request_id,
        start["function_name"],
        start["service_name"],
        order.get("qualifier"),
        order.get("invoker_context"),
        time.monotonic() + start["function_timeout"],
        time.monotonic,
        start["function_timeout"],
        start["memory_mb"],
        Nesting(*order.get("nesting", (1, request_id))),
        "wants_log" in order,
        start["handler"],
    )


def _set(variable: bytes, value: str) -> None:
    """Set a variable for this process alone: what is put into the environment that it hands on is kept for ever by
    the C library, one value for each event, and takes longer and longer.
    """
    os.environ._data[variable] = value.encode()  # type: ignore[attr-defined]


def _told(failure: Failure, phase: str) -> dict[str, Any]:
    return {
        "owes": _owes(),
        "used_mb": _used_mb(),
        "phase": phase,
        "error_type": failure.error_type,
        "error_message": failure.error_message,
        "stack_trace": failure.stack_trace,
    }


def _owes() -> bool:
    """Whether something that the function enqueued in this process, or in one of its own, may not have run yet."""
    return _queue.unfinished() or ("fcall.local._pools" in sys.modules and _pools().unfinished())


def _finish() -> NoReturn:
    """End the process; nobody but it knows of what was enqueued here, so that is done before."""
    with contextlib.suppress(Exception):
        if _owes():
            _queue.drain()
            if "fcall.local._pools" in sys.modules:
                _pools().close_all()
    os._exit(0)


def _pools() -> Any:
    """The processes that the function's own calls have started; most functions start none."""
    from fcall.local import _pools

    return _pools


def _importer(root: str, is_file: bool) -> Any:
    """Imports the handler's module by name, from the function's folder, as the vendors' runtimes do."""
    os.chdir(root)
    sys.path.insert(0, root)

    def imported(module: str) -> ModuleType:
        return importlib.import_module(module.replace("/", ".") if is_file else module)

    return imported


def _limit_memory(megabytes: int | None) -> None:
    if megabytes is not None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 1_048_576,) * 2)


def _used_mb() -> int:
    """The most memory that this process has used; the system counts it in KB, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1_048_576 if sys.platform == "darwin" else 1_024)
