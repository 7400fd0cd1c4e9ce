"""A loopback endpoint that speaks FC 2.0 and FC 3.0."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Literal

import fcall
from fcall.errors import FcallError
from fcall.testing.faults import FaultServer, Request, Response
from fcall_aliyun import signatures, wire
from fcall_aliyun._service import failure, log_of

__all__ = ["FcEndpoint"]

KEY_ID, KEY_SECRET = "test-key-id", "test-key-secret"


class FcEndpoint(FaultServer):
    """Function Compute on loopback. It runs from ``with`` to the end of the block.

    It is a `fcall.testing.faults.FaultServer`, so it counts what it receives whole, and fails as told. Its functions
    are handlers of this process, run by the rules of Function Compute's Python runtime.

    Args:
        functions: handlers, by ``service/function`` for FC 2.0 and ``function`` for FC 3.0.
        tls: speak TLS; `ca_file` has the certificate to trust.
        keys: secrets by access key id; None checks no signature.
        page: how many functions a page of a listing has at most.
        delay: seconds before every answer.
        **local: options of the local provider that runs the handlers, such as ``function_timeout=1``.

    Example:
        >>> with FcEndpoint({"hello": lambda event, context: b"hello " + event}) as endpoint:
        ...     with fcall.Client(provider="aliyun", **endpoint.options) as client:
        ...         client.invoke("hello", payload="Ada").text
        'hello Ada'
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[[Any, Any], Any]],
        *,
        tls: bool = False,
        keys: Mapping[str, str] | None = {KEY_ID: KEY_SECRET},
        page: int = 100,
        delay: float = 0.0,
        **local: Any,
    ) -> None:
        super().__init__(self._answer, tls=tls)
        self._registry = fcall.local.Registry()
        for name, handler in functions.items():
            self._registry.function(name)(handler)
        local = {"async_retries": 0, **local}
        self._logs = local.get("isolation") == "process"
        self._local = fcall.Client(provider="local", runtime="fc", registry=self._registry, **local)
        self._keys = keys
        self._page = page
        self._delay = delay
        self._tasks: set[str] = set()
        self._lock = threading.Lock()

    @property
    def options(self) -> dict[str, Any]:
        """What `fcall.Client` or `AliyunOptions` need to call here."""
        key_id, secret = next(iter((self._keys or {KEY_ID: KEY_SECRET}).items()))
        return {
            "endpoint": self.url,
            "access_key_id": key_id,
            "access_key_secret": secret,
            **({} if self.ca_file is None else {"ca_file": self.ca_file}),
        }

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, traceback)
        self._local.close()

    def settle(self, seconds: float = 5.0) -> bool:
        """Wait until everything is answered and every accepted Async event has run; whether it came to that in time."""
        return super().settle(seconds) and fcall.local.drain(seconds)

    def _answer(self, request: Request) -> Response:
        reply = self.reply(request)
        return Response(reply.status, reply.headers, reply.body, delay=self._delay)

    def reply(self, request: Request) -> wire.Reply:
        """The healthy answer to a request."""
        request_id = str(uuid.uuid4())
        api: Literal["2.0", "3.0"] = "2.0" if request.target.startswith("/2016-08-15/") else "3.0"
        try:
            if self._keys is not None:
                signatures.check(request.method, request.target, request.headers, request.body, self._keys)
            call = wire.read(request.method, request.target, request.headers, request.body)
        except (signatures.SignatureError, wire.WireError) as error:
            return wire.refused(request_id, api, error.status, error.code, error.message)
        return self._listed(call, request_id) if call.operation == "list" else self._invoked(call, request_id)

    def _invoked(self, call: wire.Call, request_id: str) -> wire.Reply:
        if call.task_id is not None:
            with self._lock:
                if call.task_id in self._tasks:
                    # The code is known from public user code, its status is not.
                    code = "StatefulAsyncInvocationAlreadyExists"
                    return wire.refused(request_id, call.api, 409, code, "the id was used before")
                self._tasks.add(call.task_id)
        params: dict[str, Any] = {"functionName": call.function, "invocationType": call.type, "payload": call.payload}
        if call.service is not None:
            params["serviceName"] = call.service
        if call.qualifier is not None:
            params["qualifier"] = call.qualifier
        if call.log_tail and self._logs:
            params["logTail"] = True
        try:
            result = self._local.invoke_function(params)
        except FcallError as error:
            return failure(call, request_id, error)
        if call.type == "Async":
            return wire.accepted(request_id, call.task_id)
        return wire.answered(request_id, result["payload"], log_of(call, request_id, result["logTail"]))

    def _listed(self, call: wire.Call, request_id: str) -> wire.Reply:
        names = [name for name in self._registry.names(call.service) if name.startswith(call.prefix)]
        start = next((at for at, name in enumerate(names) if name == call.token), 0)
        size = min(call.limit, self._page)
        rest = names[start + size :]
        page = [
            {"functionName": name, "runtime": "python3.10", "lastModifiedTime": "2024-01-01T00:00:00Z"}
            for name in names[start : start + size]
        ]
        return wire.listed(request_id, page, rest[0] if rest else None)
