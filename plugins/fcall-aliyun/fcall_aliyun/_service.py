"""Function Compute from the service's side: its two APIs for ``fcall serve``, and what the test endpoint shares."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Any, Literal

from fcall.errors import (
    FcallError,
    FunctionError,
    FunctionNotFoundError,
    InvocationError,
    PayloadTooLargeError,
    RejectedError,
    ThrottledError,
)
from fcall.serve import Answer, Call, Catalogue, Function, Keys, Outcome, Request
from fcall_aliyun import signatures, wire
from fcall_aliyun._options import Api
from fcall_aliyun._usage import usage_2, usage_3

__all__ = ["Fc2Api", "Fc3Api", "failure", "log_of"]

_MOST_TASKS = 10_000
_CODES = {413: "EntityTooLarge", 429: "ResourceExhausted", 500: "InternalServerError", 503: "ResourceThrottled"}
_STATUS = {413: 400}  # which is what Function Compute says to a payload that is too large


class _FcApi:
    """What both APIs have in common; they differ in paths, in spelling, and in that the older one has services."""

    runtime: Literal["fc"] = "fc"
    _api: Api
    _path: re.Pattern[str]

    def __init__(self) -> None:
        self._tasks: dict[str, None] = {}
        self._lock = threading.Lock()

    def owns(self, path: str) -> bool:
        """Whether a path is this API's."""
        return self._path.match(path) is not None

    def verify(self, request: Request, keys: Keys) -> Answer | None:
        """The refusal of a request that is not signed by one of the keys."""
        try:
            signatures.check(request.method, request.target, request.headers, request.body, keys)
        except signatures.SignatureError as error:
            return self._refused(error.status, error.code, error.message)
        return None

    def read(self, request: Request, catalogue: Catalogue) -> Call | Answer:
        """The call that a request asks for, or the answer where nothing has to run."""
        try:
            call = wire.read(request.method, request.target, request.headers, request.body)
            if call.operation == "list":
                return _plain(_listed(call, catalogue))
            function = self._found(call, catalogue)
            self._check_task(call)
        except wire.WireError as error:
            return self._refused(error.status, error.code, error.message)
        return Call(function, call.service, call.type, call.payload, None, call.qualifier, call.log_tail, call)

    def answer(self, call: Call, outcome: Outcome) -> Answer:
        """The answer to a call."""
        asked: wire.Call = call.detail
        request_id = outcome.request_id or str(uuid.uuid4())
        if isinstance(outcome, FcallError):
            return _plain(failure(asked, request_id, outcome))
        if asked.type == "Async":
            return _plain(wire.accepted(request_id, asked.task_id))
        return _plain(wire.answered(request_id, outcome.payload, log_of(asked, request_id, outcome.log_tail)))

    def problem(self, request: Request, status: int, message: str) -> Answer:
        """The server's own refusal, as the service would word it."""
        return self._refused(_STATUS.get(status, status), _CODES.get(status, "InvalidArgument"), message)

    def _found(self, call: wire.Call, catalogue: Catalogue) -> Function:
        """The function.

        Raises:
            WireError: it, its service, its version or its alias does not exist.
        """
        if call.service is not None and not catalogue.functions(call.service):
            raise wire.WireError(call.api, 404, "ServiceNotFound", f"service '{call.service}' does not exist")
        function = catalogue.find(call.function, call.service)
        if function is None:
            raise wire.WireError(call.api, 404, "FunctionNotFound", f"function '{call.function}' does not exist")
        if catalogue.version(call.qualifier) is None:
            code = "VersionNotFound" if (call.qualifier or "").isdecimal() else "AliasNotFound"
            raise wire.WireError(call.api, 404, code, f"qualifier '{call.qualifier}' does not exist")
        return function

    def _check_task(self, call: wire.Call) -> None:
        """Refuse the id of a task that was used before; the code is known from public user code, its status is not."""
        if call.task_id is None:
            return
        with self._lock:
            if call.task_id in self._tasks:
                code = "StatefulAsyncInvocationAlreadyExists"
                raise wire.WireError(call.api, 409, code, "the id was used before")
            self._tasks[call.task_id] = None
            if len(self._tasks) > _MOST_TASKS:
                del self._tasks[next(iter(self._tasks))]

    def _refused(self, status: int, code: str, message: str) -> Answer:
        return _plain(wire.refused(str(uuid.uuid4()), self._api, status, code, message))


class Fc2Api(_FcApi):
    """Function Compute 2.0, API 2016-08-15: invoke and list, with service and qualifier."""

    name = "fc2"
    title = "Function Compute 2.0"
    _api = "2.0"
    _path = re.compile(r"/2016-08-15(/|$)")

    def usage(self, url: str, function: Function) -> Mapping[str, Sequence[str]]:
        """Lines to paste, by client."""
        return usage_2(url, function.service or "any", function.function)


class Fc3Api(_FcApi):
    """Function Compute 3.0, API 2023-03-30: invoke and list."""

    name = "fc3"
    title = "Function Compute 3.0"
    _api = "3.0"
    _path = re.compile(r"/2023-03-30(/|$)")

    def usage(self, url: str, function: Function) -> Mapping[str, Sequence[str]]:
        """Lines to paste, by client."""
        return usage_3(url, function.name)


def log_of(call: wire.Call, request_id: str, tail: str | None) -> str | None:
    """The log's end; a handler of this very process has none of its own, so there is the platform's frame alone."""
    if not call.log_tail:
        return None
    return tail or f"FC Invoke Start RequestId: {request_id}\nFC Invoke End RequestId: {request_id}\n"


def failure(call: wire.Call, request_id: str, error: FcallError) -> wire.Reply:
    """The answer to a call that failed."""
    if isinstance(error, FunctionError) and error.result is not None:
        return wire.failed(request_id, error.result.payload, log_of(call, request_id, error.log_tail))
    if isinstance(error, FunctionNotFoundError):
        return wire.refused(request_id, call.api, 404, "FunctionNotFound", "the function does not exist")
    if isinstance(error, PayloadTooLargeError):
        return wire.refused(request_id, call.api, 400, "EntityTooLarge", "the payload is too large")
    if isinstance(error, ThrottledError):
        return wire.refused(request_id, call.api, 429, "ResourceExhausted", "too many calls at once")
    if isinstance(error, InvocationError) and not isinstance(error, RejectedError):
        return wire.refused(request_id, call.api, 500, "InternalServerError", "the function could not be run")
    return wire.refused(request_id, call.api, 400, "InvalidArgument", "the request cannot be served")


def _listed(call: wire.Call, catalogue: Catalogue) -> wire.Reply:
    """One page of functions; the token is the name that the next page begins with."""
    functions = {
        name: each
        for each in catalogue.functions(call.service)
        if (name := each.function if call.service else each.name).startswith(call.prefix)
    }
    if call.service is not None and not functions and not catalogue.functions(call.service):
        raise wire.WireError(call.api, 404, "ServiceNotFound", f"service '{call.service}' does not exist")
    names = list(functions)
    start = names.index(call.token) if call.token in names else 0
    page, rest = names[start : start + call.limit], names[start + call.limit :]
    records = [_record(name, functions[name]) for name in page]
    return wire.listed(str(uuid.uuid4()), records, rest[0] if rest else None)


def _record(name: str, function: Function) -> dict[str, Any]:
    module, _, handler = function.handler.rpartition(":")
    return {
        "functionName": name,
        "runtime": "python3.10",  # the newest that the service names so for both APIs
        "handler": f"{module.removesuffix('.py')}.{handler}" if module else handler,
        "timeout": ceil(function.timeout or 60),
        "memorySize": function.memory,
        "lastModifiedTime": f"{datetime.fromtimestamp(function.modified, UTC):%Y-%m-%dT%H:%M:%SZ}",
    }


def _plain(reply: wire.Reply) -> Answer:
    return Answer(reply.status, reply.headers, reply.body)
