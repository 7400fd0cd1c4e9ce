"""What a server has seen."""

from __future__ import annotations

import threading
from collections import deque

from fcall.testing.faults._request import Request

__all__ = ["Tally"]


class Tally:
    """Counts, exact under any number of threads."""

    def __init__(self, keep: int | None) -> None:
        self._lock = threading.Lock()
        self._requests: deque[Request] = deque(maxlen=keep)
        self.received = 0
        self.executions = 0
        self.connections = 0

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests that were received whole, or as many of the latest as are kept."""
        with self._lock:
            return tuple(self._requests)

    def request(self, request: Request) -> None:
        """Count a request that was received whole."""
        with self._lock:
            self._requests.append(request)
            self.received += 1

    def execution(self) -> None:
        """Count a run of the function."""
        with self._lock:
            self.executions += 1

    def connection(self) -> None:
        """Count a connection."""
        with self._lock:
            self.connections += 1

    def reset(self) -> None:
        """Start again from nothing."""
        with self._lock:
            self._requests.clear()
            self.received = self.executions = self.connections = 0
