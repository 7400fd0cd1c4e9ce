"""Threads for calls that cannot be stopped: at the deadline a call is left behind on its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Protocol

from fcall.errors import Executed, InvocationTimeoutError, ProviderUnavailableError
from fcall.provider import Deadline

__all__ = ["CallThreads", "Outcome"]

# A Ctrl-C that comes just before a thread goes to sleep on a lock is not seen until it wakes up.
_LONGEST_NAP = 0.5


class Outcome:
    """What came of a function on its thread.

    Attributes:
        value: what it returned.
        error: what it raised, or None.
    """

    __slots__ = ("ended", "error", "value")

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.value: Any = None
        self.error: BaseException | None = None


class CallThreads:
    """Runs each call on a thread of its own, at most `limit` at once.

    The threads are daemons: one that never comes back does not keep the process from ending.

    Args:
        limit: how many calls are under way at most, those included that were left behind.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free = threading.Semaphore(limit)

    def run(self, function: Callable[[], Any], deadline: Deadline) -> Outcome:
        """What the function returned or raised, on another thread and with this one's context variables.

        Raises:
            InvocationTimeoutError: the time was over before (NO), no thread became free (NO), or the function did not
                come back (MAYBE).
            ProviderUnavailableError: no thread can be started (NO).
        """
        if deadline.expired:
            raise InvocationTimeoutError(
                "the time-out passed before anything was sent; raise timeout", executed=Executed.NO
            )
        if not _waited(self._free.acquire, deadline):
            raise InvocationTimeoutError(
                f"the time-out passed while the gateway had {self._limit} calls, which is all that it may have at "
                "once; raise timeout or max_concurrency",
                executed=Executed.NO,
            )
        outcome = self._started(function)
        if not _waited(outcome.ended.wait, deadline):
            raise InvocationTimeoutError(
                "the gateway did not answer in time, and nothing can stop the call: the function may still be running; "
                "raise timeout, or enqueue it"
            )
        return outcome

    def _started(self, function: Callable[[], Any]) -> Outcome:
        outcome = Outcome()
        work = (copy_context().run, function, outcome, self._free)
        try:
            threading.Thread(target=_work, args=work, name="fcall-linkedge", daemon=True).start()
        except RuntimeError as error:
            self._free.release()
            raise ProviderUnavailableError(
                "no thread can be started for the call: the interpreter is ending, or the system has no more; call "
                "earlier",
                executed=Executed.NO,
                retryable=False,
            ) from error
        return outcome


def _work(run: Callable[[Any], Any], function: Callable[[], Any], outcome: Outcome, free: threading.Semaphore) -> None:
    try:
        outcome.value = run(function)
    except BaseException as error:  # noqa: BLE001 - it is the caller's to raise
        # Without this frame, which would lead from the error to the outcome and from there to the error.
        outcome.error = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
    finally:
        free.release()
        outcome.ended.set()


class _Wait(Protocol):
    def __call__(self, *, timeout: float) -> bool: ...


def _waited(wait: _Wait, deadline: Deadline) -> bool:
    """Whether what is waited for came before the deadline."""
    while not wait(timeout=min(deadline.remaining(), _LONGEST_NAP)):
        if deadline.expired:
            return False
    return True
