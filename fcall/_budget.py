"""The retry budget of one target: retries that do not help come to an end, before they are most of the load."""

from __future__ import annotations

import threading

from fcall.errors import FcallError, ThrottledError

__all__ = ["Budget"]

_CAPACITY = 500
_COST = 14
_THROTTLED_COST = 5


class Budget:
    """Tokens, of which a retry costs some and a success brings back a few.

    The costs are those of the AWS SDKs' standard mode (botocore's `RetryQuotaChecker`, its second version). A success
    brings back 1 token there, or all that its last retry cost; here, 1 token or half of that cost.
    """

    __slots__ = ("_lock", "_tokens")

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer that the collector runs may come back to it on the same thread
        self._tokens = _CAPACITY

    @property
    def full(self) -> bool:
        """Whether nothing is missing."""
        return self._tokens >= _CAPACITY

    def charge(self, error: FcallError) -> int:
        """Pay for one more attempt after `error`: what it cost, or 0 where there is not enough left."""
        cost = _THROTTLED_COST if isinstance(error, ThrottledError) else _COST
        with self._lock:
            if self._tokens < cost:
                return 0
            self._tokens -= cost
            return cost

    def refund(self, charged: int) -> None:
        """Take in a success, whose last attempt cost `charged`; 0 where it was the first."""
        if self._tokens >= _CAPACITY:
            return
        with self._lock:
            self._tokens = min(_CAPACITY, self._tokens + max(1, charged // 2))
