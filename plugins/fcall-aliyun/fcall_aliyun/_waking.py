"""Closing a pool while calls wait for one of its connections."""

from __future__ import annotations

import contextlib
import queue
from typing import Any

from urllib3.exceptions import ClosedPoolError

__all__ = ["Waking"]


class Waking:
    """Mixed into a pool: closing it wakes up who waits for a connection. urllib3 leaves them to their time-out."""

    pool: Any

    def close(self) -> None:
        waited_for = self.pool
        super().close()  # type: ignore[misc]
        _wake_one(waited_for)

    def _get_conn(self, timeout: float | None = None) -> Any:
        waited_for = self.pool
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        if self.pool is not None:
            return connection
        connection.close()
        _wake_one(waited_for)
        raise ClosedPoolError(self, "the pool was closed meanwhile")  # type: ignore[arg-type]


def _wake_one(waited_for: queue.Queue[Any] | None) -> None:
    """Let the next one go on, who does the same."""
    if waited_for is not None:
        with contextlib.suppress(queue.Full):  # then nobody waits
            waited_for.put_nowait(None)
