"""When to try again, and where: pure decisions, with no clock, no sleep and no state of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fcall._invocation import Invocation
from fcall.errors import CircuitOpenError, Executed, FcallError, FunctionError, InvocationError, ThrottledError

__all__ = ["Policy"]

_LONGEST_PAUSE = 20.0
_BASE_PAUSE = 0.05
_THROTTLED_BASE_PAUSE = 1.0
_LONGEST_RETRY_AFTER = 5.0


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be done about a failed attempt.

    Attributes:
        attempts: how often a call is tried at most, the first try included.
        retry_error_types: error types of functions that may be run again where the call is idempotent.
        failover_maybe: an idempotent call may go on to the next service although it may have run at this one.
        max_in_flight: how many calls of one function may be under way at once; None for as many as there are.
        circuit_breaker: what cannot be reached is left alone for a while.
    """

    attempts: int = 3
    retry_error_types: frozenset[str] = frozenset()
    failover_maybe: bool = False
    max_in_flight: int | None = None
    circuit_breaker: bool = False

    def pause(
        self, number: int, error: FcallError, invocation: Invocation, remaining: float, random: Callable[[], float]
    ) -> float | None:
        """Seconds to wait before the next attempt at the same place, or None where there must be none.

        Args:
            number: how many attempts the call has made, 1 or more, wherever it made them.
            error: how the last one failed.
            invocation: the call.
            remaining: seconds until the deadline.
            random: gives a number from 0 up to 1.
        """
        if number >= self.attempts or not self._may_repeat(error, invocation):
            return None
        base = _THROTTLED_BASE_PAUSE if isinstance(error, ThrottledError) else _BASE_PAUSE
        pause = random() * min(_LONGEST_PAUSE, base * 2 ** (number - 1))
        if isinstance(error, ThrottledError) and error.retry_after:
            pause = max(pause, min(error.retry_after, pause + _LONGEST_RETRY_AFTER))
        return pause if pause < remaining else None

    def may_fail_over(self, error: FcallError, earlier: Executed, invocation: Invocation) -> bool:
        """Whether the call may go on to the next service of a failover list.

        Args:
            error: how the last attempt failed.
            earlier: whether an attempt before it ran the function.
            invocation: the call.
        """
        if not isinstance(error, InvocationError) or (error.executed is Executed.NO and not error.retryable):
            return False
        ran = (error.executed, earlier)
        if Executed.YES in ran:
            return False
        return Executed.MAYBE not in ran or (self.failover_maybe and invocation.idempotent)

    def _may_repeat(self, error: FcallError, invocation: Invocation) -> bool:
        if not isinstance(error, InvocationError) or isinstance(error, CircuitOpenError):
            return False
        if error.executed is Executed.NO:
            return error.retryable
        if error.executed is Executed.MAYBE:
            return error.retryable and (invocation.idempotent or invocation.idempotency_key is not None)
        listed = isinstance(error, FunctionError) and error.error_type in self.retry_error_types
        return invocation.idempotent and listed
