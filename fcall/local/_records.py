"""Records of what ran: for tests that want to know which functions an application called, and with what."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from fcall._fork import forget_in_child
from fcall._invocation import Invocation, InvocationType
from fcall.errors import FcallError

__all__ = ["CallRecord", "Outcome", "calls", "forget_calls", "note"]

Outcome: TypeAlias = Literal["ok", "failed", "expired", "undeliverable"]

_Fields: TypeAlias = "tuple[str | None, str, InvocationType, bytes | None, str, int, Outcome, FcallError | None, bool]"
"""The values of a `CallRecord`."""

_MOST = 1_000
_LARGEST_PAYLOAD = 16_384


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One attempt to run a local function, or the end of an event that was given up.

    Attributes:
        service: the service, or None.
        function: the function, by the name that the local provider has for it.
        type: ``"Sync"`` or ``"Async"``.
        payload: the event in bytes; None where it had more than 16,384 of them.
        request_id: the same over all attempts of an Async event.
        attempt: 1 for the first.
        outcome: ``"ok"``: it ran and answered. ``"failed"``: it did not. ``"expired"``: an event was too old to be run
            (again), after `attempt` attempts. ``"undeliverable"``: `on_failure` could not be told of an event.
        error: what the attempt failed with, or None.
        given_up: nothing more is tried for this Async event.
    """

    service: str | None
    function: str
    type: InvocationType
    payload: bytes | None = field(repr=False)
    request_id: str
    attempt: int
    outcome: Outcome
    error: FcallError | None = None
    given_up: bool = False


class _Seen:
    """The last records, as plain tuples: making a `CallRecord` takes longer than most calls should wait for it."""

    def __init__(self) -> None:
        self.after_fork_in_child()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        self.records: deque[_Fields] = deque(maxlen=_MOST)


_seen = _Seen()


def note(
    invocation: Invocation,
    request_id: str,
    attempt: int,
    outcome: Outcome,
    error: FcallError | None = None,
    *,
    given_up: bool = False,
) -> None:
    """Keep a record."""
    payload = invocation.payload
    if error is not None:
        error = copy.copy(error)  # the one that is raised holds frames, and these hold what the caller holds
    _seen.records.append(
        (
            invocation.service,
            invocation.function_id or invocation.function,
            invocation.type,
            payload if len(payload) <= _LARGEST_PAYLOAD else None,
            request_id,
            attempt,
            outcome,
            error,
            given_up,
        )
    )


def calls() -> tuple[CallRecord, ...]:
    """What local functions ran in this process, Sync and Async, by whichever client: the last 1,000 records.

    A call that was refused before its function was looked for, and a DryRun, leave no record.
    """
    return tuple(CallRecord(*record) for record in _seen.records.copy())


def forget_calls() -> None:
    """Forget all records, as before a test."""
    _seen.records.clear()
