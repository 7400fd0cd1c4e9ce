"""A line is what a call goes through: a client, the faults in the way, and the function at its end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from outcome import Outcome, Tally, observed

__all__ = ["Line", "measured"]


class Line(AbstractContextManager["Line"], Protocol):
    """What can be called under faults.

    Attributes:
        own: the exceptions that its client documents.
        timeout: seconds that its callers wait.
        faults: the names of what can go wrong.
        strikes_once: a fault can also be there for one request of a call, and not for its next.
    """

    own: Any
    timeout: float
    strikes_once: bool

    @property
    def faults(self) -> Sequence[str]: ...

    def strike(self, fault: str, always: bool = True) -> None:
        """Make a healthy call, so that there is something to break, and then let the fault in, for good or once."""

    def call(self) -> object:
        """Make a call."""

    def runs(self) -> int:
        """How often the function ran since the fault was let in, which ends here."""


def measured(line: Line, fault: str, calls: int) -> Tally:
    """So many calls under a fault that is there for good, and as many more under one that strikes once."""
    tally = Tally()
    for always in (True, False) if line.strikes_once else (True,):
        for _ in range(calls):
            line.strike(fault, always)
            outcome: Outcome = observed(line.call, line.own)
            tally.add(outcome, line.runs(), line.timeout, always=always)
    return tally
