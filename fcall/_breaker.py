"""The circuit breaker of one target: what cannot be reached is left alone for a while."""

from __future__ import annotations

import threading

from fcall.errors import (
    ConnectionFailedError,
    FunctionError,
    InvocationTimeoutError,
    ProviderUnavailableError,
    RejectedError,
)

__all__ = ["Breaker"]

_FAILURES = 10
_OPEN_SECONDS = 5.0

_ANSWERED = (RejectedError, FunctionError)  # whatever it says, somebody was there to say it
_UNREACHED = (ConnectionFailedError, InvocationTimeoutError, ProviderUnavailableError)


class Breaker:
    """A state machine that is told the time.

    Closed, it lets every call through, until 10 in a row could not reach the target. Open, it lets one call through
    after 5 seconds, the probe, and one more for each 5 seconds that the probes stay without an answer. A probe that
    gets one closes it; one that fails leaves it open for 5 seconds more.

    Every call that is let through gets a ticket. What a ticket of an earlier state brings home is not heard: a call
    that was sent before the breaker opened is no probe.
    """

    __slots__ = ("_lock", "_misses", "_next_probe", "_since", "_ticket")

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer that the collector runs may come back to it on the same thread
        self._misses = 0
        self._next_probe: float | None = None  # None: closed
        self._ticket = 1
        self._since = 1  # the first ticket of the present state

    @property
    def misses(self) -> int:
        """How many calls in a row could not reach the target."""
        return self._misses

    @property
    def at_rest(self) -> bool:
        """Whether there is nothing to remember."""
        return not self._misses

    def wait(self, now: float) -> float:
        """Seconds for which the target is still left alone; 0 where a call may go."""
        next_probe = self._next_probe
        return 0.0 if next_probe is None else max(0.0, next_probe - now)

    def admit(self, now: float) -> int:
        """A ticket for one call, or 0 where it has to stay."""
        if self._next_probe is None:
            return self._ticket
        with self._lock:
            if self.wait(now):
                return 0
            if self._next_probe is not None:
                self._ticket += 1
                self._next_probe = now + _OPEN_SECONDS
            return self._ticket

    def hear(self, ticket: int, error: BaseException | None, now: float) -> None:
        """Take in how the call with this ticket ended.

        An interruption, and an error that says nothing of the target, count neither way.
        """
        if error is None or isinstance(error, _ANSWERED):
            if self._misses:
                self._reached(ticket)
        elif isinstance(error, _UNREACHED):
            self._missed(ticket, now)
        elif self._next_probe is not None:
            self._learnt_nothing(ticket, now)

    def _reached(self, ticket: int) -> None:
        with self._lock:
            if ticket < self._since:
                return
            self._misses = 0
            if self._next_probe is not None:
                self._next_probe = None
                self._ticket += 1
                self._since = self._ticket

    def _missed(self, ticket: int, now: float) -> None:
        with self._lock:
            if ticket < self._since:
                return
            self._misses += 1
            if self._next_probe is not None:
                self._next_probe = max(self._next_probe, now + _OPEN_SECONDS)
            elif self._misses >= _FAILURES:
                self._next_probe = now + _OPEN_SECONDS
                self._since = self._ticket + 1

    def _learnt_nothing(self, ticket: int, now: float) -> None:
        with self._lock:
            if self._next_probe is not None and self._since <= ticket == self._ticket:
                self._next_probe = now
