"""Stands for a vendor's SDK: slow to import, with errors of its own."""

from __future__ import annotations

import json


class ServiceError(Exception):
    """The service answered, and not with a result."""

    def __init__(self, message: str, code: str, status: int) -> None:
        super().__init__(message)
        self.message, self.code, self.status = message, code, status


class UnreachableError(Exception):
    """The service did not answer."""


class Connection:
    """A connection to one region."""

    def __init__(self, region: str, api_key: str) -> None:
        self._region = region

    def call(self, function: str, payload: bytes, priority: int, timeout: float) -> bytes:
        if function == "unreachable":
            raise UnreachableError(payload)
        if function == "crowded":
            raise ServiceError("too many calls", "SlowDown", 429)
        if function == "down":
            raise ServiceError("out of order", "Internal", 502)
        if function != "echo":
            raise ServiceError("there is no such function", "NoSuchFunction", 404)
        return json.dumps({"region": self._region, "priority": priority, "event": json.loads(payload)}).encode()
