"""Accepted events, and the rules by which one is run again or given up: data and decisions, with no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from fcall._invocation import Invocation
from fcall.errors import FcallError, FunctionError, InvocationError
from fcall.local._nesting import Nesting

__all__ = ["Condition", "Event", "Rules", "is_worth_another_attempt"]

Condition: TypeAlias = Literal["RetriesExhausted", "EventAgeExceeded"]
"""Why an event is given up, in AWS Lambda's words."""


@dataclass(slots=True, eq=False)
class Event:
    """One accepted Async call.

    Attributes:
        invocation: the call.
        request_id: the same over all attempts.
        nesting: where it runs in a tree of calls.
        accepted_at: seconds since 1970.
        attempts: how many have failed.
        failure: the error document of the last one, or None.
        is_record: it is no call of the application's, but tells `on_failure` of one that was given up.
    """

    invocation: Invocation
    request_id: str
    nesting: Nesting
    accepted_at: float = 0.0
    attempts: int = 0
    failure: bytes | None = field(default=None, repr=False)
    is_record: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """When an event is run again.

    Attributes:
        retries: how many attempts may follow the first one.
        pause: seconds before the second attempt; the pause doubles with every further one.
        longest_age: seconds; an event that is older is not run.
    """

    retries: int
    pause: float
    longest_age: float

    def pause_after(self, attempts: int) -> float:
        """Seconds to wait after that many failed attempts, 1 or more."""
        return float(self.pause * 2 ** (attempts - 1))

    def gives_up(self, attempts: int, age: float) -> Condition | None:
        """Why an event is not to be run, or None where it is to be.

        Args:
            attempts: how many have failed.
            age: seconds since it was accepted, at the moment at which it would run.
        """
        if attempts > self.retries:
            return "RetriesExhausted"
        return "EventAgeExceeded" if age > self.longest_age else None


def is_worth_another_attempt(error: FcallError) -> bool:
    """Whether the same event may succeed another time: the function failed, or what stood in its way may pass."""
    return isinstance(error, FunctionError) or (isinstance(error, InvocationError) and error.retryable)
