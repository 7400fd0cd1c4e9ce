"""What an emulated gateway does with a task: it has fcall's local provider run the function."""

from __future__ import annotations

import base64
import json
import re
import threading
import uuid
from collections.abc import Mapping
from typing import Any, TypeAlias

import fcall
from fcall.errors import (
    FunctionError,
    FunctionNotFoundError,
    InvocationError,
    InvocationTimeoutError,
    PayloadTooLargeError,
    ThrottledError,
)
from fcall_linkedge._sdk import Generation

__all__ = ["HEADER_FUNCTION_ERROR", "HEADER_INVOCATION_ID", "Gateway", "Reply", "current"]

HEADER_INVOCATION_ID = "X-Fc-Invocation-Id"
HEADER_FUNCTION_ERROR = "X-Fc-Error-Type"

Reply: TypeAlias = "dict[str, Any] | None"

_ARN = re.compile(r"(?:acs:fc:[^:]*:[^:]*:)?services?[:/]([^:/]+)[:/]functions?[:/]([^:/]+)")
_REFUSALS: dict[type[InvocationError], int] = {
    FunctionNotFoundError: 404,
    PayloadTooLargeError: 413,
    ThrottledError: 429,
}


class Gateway:
    """Answers the SDK as a gateway does.

    Args:
        functions: the client that runs the functions.
        generation: which SDK asks. 1.0 fetches a result in a second step; 1.1 is given it at once, and takes another
            status for an accepted event.
    """

    def __init__(self, functions: fcall.Client, generation: Generation) -> None:
        self._functions = functions
        self._two_steps = generation == "1.0"
        self._accepted = 202 if self._two_steps else 200
        self._last = threading.local()  # 1.0 fetches a result on the thread that asked for it

    def invoke_task(self, function_id: str, context: str, kind: str, payload: str | bytes) -> Reply:
        """Run or enqueue a function. A refusal is a reply without an invocation id; None is no reply."""
        params: dict[str, Any] = {"provider": "local", "invocationType": kind, "payload": payload}
        params.update(_names(function_id))
        if context:
            params["invokerContext"] = _decoded(context)
        try:
            result = self._functions.invoke_function(params)
        except FunctionError as error:
            document = error.result.payload if error.result else b""
            return self._answered(error.request_id, 200, document, {HEADER_FUNCTION_ERROR: "Unhandled"})
        except InvocationTimeoutError as error:
            return self._unanswered(error.request_id)
        except InvocationError as error:
            return _reply(_REFUSALS.get(type(error), 500), {})
        return self._answered(result["requestId"], 200 if kind == "Sync" else self._accepted, result["payload"], {})

    def task_result(self, invocation_id: str) -> Reply:
        """The result of the task that this thread asked for."""
        known, reply = getattr(self._last, "task", ("", None))
        return reply if known == invocation_id else None

    def _unanswered(self, request_id: str | None) -> Reply:
        """What comes of a function that takes too long: 1.0 is told that it runs, and then never its result."""
        if not self._two_steps:
            return None
        taken = self._answered(request_id, 202, b"", {})
        del self._last.task
        return taken

    def _answered(self, request_id: str | None, status: int, body: bytes, headers: dict[str, str]) -> Reply:
        invocation_id = request_id or str(uuid.uuid4())
        reply = _reply(status, {HEADER_INVOCATION_ID: invocation_id, **headers}, body)
        self._last.task = invocation_id, reply
        return reply


current: list[Gateway] = []
"""The gateways of this process, the innermost one last."""


def _names(function_id: str) -> dict[str, str]:
    """The function by its names, or by its id where that is no ARN."""
    arn = _ARN.fullmatch(function_id)
    return {"functionId": function_id} if arn is None else {"serviceName": arn[1], "functionName": arn[2]}


def _decoded(context: str) -> Mapping[str, Any]:
    """The invoker context, which has to be there in base64, once.

    Raises:
        ValueError: it is not.
    """
    try:
        value = json.loads(base64.b64decode(context, validate=True))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueError(
            "the invoker context does not reach the function as an object: with lecoresdk 1.0 pass base64 of its JSON "
            "text, with 1.1 the object itself"
        )
    return value


def _reply(status: int, headers: dict[str, str], body: bytes = b"") -> Reply:
    message = {"statusCode": status, "headers": headers, "body": base64.standard_b64encode(body).decode()}
    return {"state": True, "msg": message}
