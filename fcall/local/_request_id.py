"""Request ids."""

from __future__ import annotations

import itertools
import os

from fcall._fork import forget_in_child

__all__ = ["new_request_id"]


class _RequestIds:
    """UUIDs that are random from process to process and counted within one: `uuid.uuid4` takes ten times as long."""

    def __init__(self) -> None:
        self.after_fork_in_child()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        digits = os.urandom(9).hex()
        self._prefix = f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-a{digits[15:]}-"
        self._number = itertools.count(int.from_bytes(os.urandom(5)))

    def new(self) -> str:
        return f"{self._prefix}{next(self._number):012x}"


new_request_id = _RequestIds().new
"""A UUID as text, which no other process and no other call has."""
