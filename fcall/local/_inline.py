"""Inline isolation: the handler runs in this process, on the caller's thread."""

from __future__ import annotations

from fcall import _json
from fcall.errors import Executed, InvocationTimeoutError
from fcall.local._code import Code
from fcall.local._importing import imported, on_import_path
from fcall.local._nesting import enter, leave
from fcall.local._raised import is_interrupt
from fcall.local._runtimes import Failure, Handler, InvocationFacts, Runtime
from fcall.provider import Deadline

__all__ = ["Inline"]


class Inline:
    """Runs handlers here. What takes too long is noticed when it returns: a thread cannot be stopped.

    Args:
        runtime: the rules.
        root: the folder that is on the import path while a handler loads.
    """

    def __init__(self, runtime: Runtime, root: str) -> None:
        self._runtime = runtime
        self._root = root
        self._loaded: dict[Code, Handler] = {}

    def run(self, code: Code, payload: bytes, facts: InvocationFacts, deadline: Deadline) -> tuple[bytes, None]:
        """The handler's answer; there is no log to go with it.

        Raises:
            Failure: the function failed.
            InvocationTimeoutError: it answered after the caller's time-out.
        """
        handler = code.handler or self._loaded.get(code) or self._load(code, facts.request_id)
        patience = deadline.remaining()
        if not patience:
            raise _too_late("the function was loaded", Executed.NO, facts.request_id)
        if facts.invoker_context is not None:  # the handler's own copy, as with the event
            facts.invoker_context = _json.decode(_json.encode(facts.invoker_context))
        ends_at = facts.ends_at if patience >= facts.function_timeout else facts.clock() + patience
        token = enter(facts.nesting, ends_at, facts.clock)
        try:
            answer = self._runtime.run(handler, payload, facts)
            failure = self._refused(answer, facts)
        except Failure as raised:
            failure = raised
        except BaseException as error:
            if is_interrupt(error):
                raise
            failure = self._runtime.exited(facts.request_id, _status(error))
            failure.__cause__ = error
        finally:
            leave(token)
        if not deadline.remaining() and (failure is None or patience < facts.function_timeout):
            # A caller of a cloud would not have seen how it ended.
            raise _too_late("the function ended", Executed.YES, facts.request_id) from failure
        if failure is not None:
            raise failure
        return answer, None

    def _refused(self, answer: bytes, facts: InvocationFacts) -> Failure | None:
        """What the platform has against an answer, if anything."""
        if facts.clock() > facts.ends_at:
            return self._runtime.timed_out(facts.request_id, facts.function_timeout)
        if len(answer) > self._runtime.response_limit:
            return self._runtime.too_large(len(answer))
        return None

    def close(self) -> None:
        """There is nothing to let go of."""

    def _load(self, code: Code, request_id: str) -> Handler:
        """The handler, its module imported now; a load that fails is tried again by the next call."""
        try:
            with on_import_path(self._root):
                handler = self._runtime.load(code.module, code.function, lambda name: imported(name, code.path))
        except Failure:
            raise
        except BaseException as error:  # a module may even try to end the process
            if is_interrupt(error):
                raise
            failure = self._runtime.exited(request_id, _status(error))
            failure.phase = "load"
            raise failure from error
        self._loaded[code] = handler
        return handler


def _too_late(what: str, executed: Executed, request_id: str) -> InvocationTimeoutError:
    return InvocationTimeoutError(
        f"{what} after the caller's time-out; raise timeout, or enqueue it", executed=executed, request_id=request_id
    )


def _status(error: BaseException) -> int:
    """The exit status that a process would end with."""
    if not isinstance(error, SystemExit):
        return 1
    if error.code is None:
        return 0
    return error.code & 0xFF if isinstance(error.code, int) else 1
