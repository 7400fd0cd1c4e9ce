"""The gate on loopback, as its documentation describes it: for the tests of the provider, and of those who use it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any
from urllib.parse import unquote

from fcall.testing.faults import FaultServer, Request, Response

__all__ = ["GateEndpoint"]

_LARGEST = 1_000_000  # bytes


class GateEndpoint(FaultServer):
    """The gate on loopback, until the end of its ``with`` block, or until `stop`.

    It is a `fcall.testing.faults.FaultServer`: it counts what it receives, and fails as told.

    Args:
        functions: handlers ``(event, context)`` by name. The event is bytes, and so is the answer; there is no context.
    """

    def __init__(self, functions: Mapping[str, Callable[[Any, Any], Any]]) -> None:
        super().__init__(self._answer)
        self._functions = functions
        self._pool = ThreadPoolExecutor()
        self._events: list[Future[Any]] = []

    @property
    def address(self) -> str:
        """What the option `address` takes."""
        return f"127.0.0.1:{self.port}"

    def settle(self, seconds: float = 5.0) -> bool:
        """Wait until everything is answered and every Async event has run; whether it came to that in time."""
        return super().settle(seconds) and not wait(self._events, seconds).not_done

    def stop(self) -> None:
        """End it, once the Async events have run."""
        super().stop()
        self._pool.shutdown()

    def _answer(self, request: Request) -> Response:
        function = self._functions.get(unquote(request.path.removeprefix("/functions/")))
        if function is None:
            return _said(404, {"code": "NoSuchFunction"})
        if len(request.body) > _LARGEST:
            return _said(413, {"code": "TooLarge"})
        if request.headers.get("Invocation-Type") == "Async":
            self._events.append(self._pool.submit(function, request.body, None))  # which keeps what it raises
            return Response(202, _headers())
        try:
            return Response(200, _headers(), function(request.body, None))
        except Exception as error:  # noqa: BLE001 - whatever a function raises is its answer
            said = {"type": type(error).__name__, "message": str(error)}
            return _said(200, said, {"Function-Error": "Unhandled"})


def _said(status: int, document: Mapping[str, str], more: Mapping[str, str] | None = None) -> Response:
    return Response(status, {**_headers(), **(more or {})}, json.dumps(document).encode())


def _headers() -> dict[str, str]:
    return {"Request-Id": str(uuid.uuid4())}
