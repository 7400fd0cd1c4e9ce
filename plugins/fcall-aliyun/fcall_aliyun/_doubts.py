"""Doubts: keyed calls of which an attempt may have been accepted, until the call is over."""

from __future__ import annotations

from collections.abc import Hashable

from fcall.provider import Deadline

__all__ = ["Doubts"]


class Doubts:
    """Remembers which attempts of calls that are still under way ended in doubt.

    All attempts of one call have the same deadline, and no two calls with one key do: that tells a second attempt from
    a second call, to which a conflict has to be reported.
    """

    def __init__(self) -> None:
        self._ends: dict[tuple[Hashable, float], Deadline] = {}

    def add(self, call: Hashable, deadline: Deadline) -> None:
        """An attempt of the call may have been accepted."""
        for known, ends in list(self._ends.items()):
            if ends.expired:
                self._ends.pop(known, None)
        self._ends[call, deadline.expires_at] = deadline

    def had(self, call: Hashable, deadline: Deadline) -> bool:
        """Whether an earlier attempt of this very call may have been accepted."""
        return (call, deadline.expires_at) in self._ends
