"""The wire format of Function Compute, from the service's side: requests read, answers built. Pure functions.

FC 2.0 is API 2016-08-15, FC 3.0 is API 2023-03-30, both as documented; what no document says is told by a comment.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

from fcall_aliyun._options import Api

__all__ = ["Call", "Reply", "WireError", "accepted", "answered", "failed", "listed", "read", "refused"]

_INVOKE_2 = re.compile(r"/2016-08-15/services/([^/]+)/functions/([^/]+)/invocations")
_INVOKE_3 = re.compile(r"/2023-03-30/functions/([^/]+)/invocations")
_LIST_2 = re.compile(r"/2016-08-15/services/([^/]+)/functions")
_LIST_3 = re.compile(r"/2023-03-30/functions")
_TASK_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")
_PAGE = 100


class WireError(Exception):
    """A request that the service refuses.

    Args:
        api: the API that it was meant for.
        status: the HTTP status to answer with.
        code: the machine code.
        message: why.
    """

    def __init__(self, api: Api, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.api: Api = api
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for.

    Attributes:
        api: the API it speaks.
        operation: ``"invoke"`` or ``"list"``.
        service: the service of FC 2.0, or None.
        function: the function; empty where functions are listed.
        qualifier: the version or alias, or None.
        type: ``"Sync"`` or ``"Async"``.
        log_tail: the end of the log is wanted.
        task_id: the id of an asynchronous task, or None.
        trace_id: the caller's trace id, or None.
        payload: the event.
        limit: how many functions a page has at most.
        token: which page is wanted, or None for the first.
        prefix: what the listed names begin with.
    """

    api: Api
    operation: Literal["invoke", "list"]
    service: str | None = None
    function: str = ""
    qualifier: str | None = None
    type: Literal["Sync", "Async"] = "Sync"
    log_tail: bool = False
    task_id: str | None = None
    trace_id: str | None = None
    payload: bytes = field(default=b"", repr=False)
    limit: int = _PAGE
    token: str | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to send.

    Attributes:
        status: the HTTP status.
        headers: the headers, less those that frame the body.
        body: the body.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(default=b"", repr=False)


def read(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Call:
    """What a request asks for.

    Args:
        method: the HTTP method.
        target: path and query as they were sent.
        headers: the headers; their names in any case.
        body: the body.

    Raises:
        WireError: nothing that the service offers.
    """
    path, _, query = target.partition("?")
    lower = {name.lower(): value for name, value in headers.items()}
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    api: Api = "2.0" if path.startswith("/2016-08-15/") else "3.0"
    invoke, listing = (_INVOKE_2, _LIST_2) if api == "2.0" else (_INVOKE_3, _LIST_3)
    if found := invoke.fullmatch(path):
        if method != "POST":
            raise WireError(api, 405, "MethodNotAllowed", "a function is invoked with POST")
        return _invocation(api, [unquote(part) for part in found.groups()], lower, parameters, body)
    if found := listing.fullmatch(path):
        if method != "GET":
            raise WireError(api, 405, "MethodNotAllowed", "functions are listed with GET")
        return _listing(api, [unquote(part) for part in found.groups()], parameters)
    raise WireError(api, 400, "PathNotSupported", "the path is none of Function Compute")


def answered(request_id: str, payload: bytes, log: str | None = None, headers: Iterable[tuple[str, str]] = ()) -> Reply:
    """The function's answer to a Sync call."""
    return Reply(200, (*_common(request_id, log), ("Content-Type", "application/octet-stream"), *headers), payload)


def failed(
    request_id: str, document: bytes, log: str | None = None, error_type: str = "UnhandledInvocationError"
) -> Reply:
    """The function's failure: HTTP 200 all the same, told by its header.

    Args:
        request_id: the request's id.
        document: the error document, ``{"errorMessage", "errorType", "stackTrace"}``.
        log: the end of the log where it was asked for.
        error_type: the service's word for the kind; any Python exception is ``UnhandledInvocationError``.
    """
    headers = (*_common(request_id, log), ("X-Fc-Error-Type", error_type), ("Content-Type", "application/json"))
    return Reply(200, headers, document)


def accepted(request_id: str, task_id: str | None = None) -> Reply:
    """An Async call was stored."""
    own = () if task_id is None else (("X-Fc-Stateful-Async-Invocation-Id", task_id),)
    return Reply(202, (*_common(request_id), *own))


def listed(request_id: str, functions: Iterable[Mapping[str, Any]], token: str | None = None) -> Reply:
    """One page of functions."""
    document = {"functions": [*map(dict, functions)], "nextToken": token or ""}
    return Reply(200, (*_common(request_id), ("Content-Type", "application/json")), json.dumps(document).encode())


def refused(
    request_id: str, api: Api, status: int, code: str, message: str, headers: Iterable[tuple[str, str]] = ()
) -> Reply:
    """An error answer, in the spelling of the API: FC 2.0 ``ErrorCode``, FC 3.0 ``Code``."""
    document = (
        {"ErrorCode": code, "ErrorMessage": message}
        if api == "2.0"
        else {"Code": code, "Message": message, "RequestId": request_id}
    )
    own = (*_common(request_id), ("Content-Type", "application/json"), *headers)
    return Reply(status, own, json.dumps(document).encode())


def _invocation(
    api: Api, names: list[str], headers: Mapping[str, str], parameters: Mapping[str, str], body: bytes
) -> Call:
    if api == "2.0":
        service, _, qualifier = names[0].partition(".")
        task_header = "x-fc-stateful-async-invocation-id"
    else:
        service, qualifier, task_header = "", parameters.get("qualifier", ""), "x-fc-async-task-id"
    kind, task_id = headers.get("x-fc-invocation-type", "Sync"), headers.get(task_header)
    if kind not in ("Sync", "Async"):
        raise WireError(api, 400, "InvalidArgument", "the invocation type is Sync or Async")
    if task_id is not None and not _TASK_ID.fullmatch(task_id):
        raise WireError(api, 400, "InvalidArgument", "the task's id is none")
    return Call(
        api,
        "invoke",
        service or None,
        names[-1],
        qualifier or None,
        "Sync" if kind == "Sync" else "Async",
        headers.get("x-fc-log-type") == "Tail",
        task_id,
        headers.get("x-fc-trace-id"),
        body,
    )


def _listing(api: Api, names: list[str], parameters: Mapping[str, str]) -> Call:
    try:
        limit = min(_PAGE, int(parameters.get("limit", _PAGE)))
    except ValueError:
        limit = 0
    if limit < 1:
        raise WireError(api, 400, "InvalidArgument", "the limit is a number from 1 to 100")
    service = names[0].partition(".")[0] if names else None
    token, prefix = parameters.get("nextToken"), parameters.get("prefix", "")
    return Call(api, "list", service, limit=limit, token=token or None, prefix=prefix)


def _common(request_id: str, log: str | None = None) -> tuple[tuple[str, str], ...]:
    own = (("X-Fc-Request-Id", request_id),)
    if log is None:
        return own
    return (*own, ("X-Fc-Log-Result", base64.b64encode(log.encode()[-4096:]).decode()))
