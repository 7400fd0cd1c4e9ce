"""The API that the page's form speaks: a function is called with the text that somebody typed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args
from urllib.parse import parse_qs

from fcall._invocation import InvocationType
from fcall.errors import FcallError, FunctionError
from fcall.serve._api import Answer, Call, Catalogue, Function, Keys, Outcome, Request, Rules
from fcall.serve._gate import Gate

__all__ = ["CALL", "Form"]

CALL = "/_fcall/call/"
"""Where the form is sent, followed by the runtime. Function and type stand in the query; the body is the event."""


class Form:
    """One runtime's part of the form; it keeps to `Api`. Who may see the page may call by it, without a signature.

    Args:
        gate: knows who may see the page.
        runtime: by whose rules functions run.
    """

    name = "page"
    title = "the page"

    def __init__(self, gate: Gate, runtime: Rules) -> None:
        self.runtime: Rules = runtime
        self._gate = gate

    def owns(self, path: str) -> bool:
        """Whether it is this runtime's path."""
        return path == CALL + self.runtime

    def verify(self, request: Request, keys: Keys) -> Answer | None:
        """The refusal of somebody who may not see the page."""
        return self._gate.person_refusal(request.headers)

    def read(self, request: Request, catalogue: Catalogue) -> Call | Answer:
        """The call that was asked for."""
        if request.method != "POST":
            return self.problem(request, 405, "a function is called with POST")
        said = parse_qs(request.target.partition("?")[2])
        kind = said.get("type", ["Sync"])[0]
        function = catalogue.find(said.get("function", [""])[0])
        if function is None:
            return self.problem(request, 404, "this function is not served any more")
        if kind not in get_args(InvocationType):
            return self.problem(request, 400, "the type is Sync, Async or DryRun")
        return Call(function, type=cast(InvocationType, kind), payload=request.body, log_tail=True)

    def answer(self, call: Call, outcome: Outcome) -> Answer:
        """What the page shows."""
        return _json(200, _failure(outcome) if isinstance(outcome, FcallError) else _success(outcome))

    def problem(self, request: Request, status: int, message: str) -> Answer:
        """The server's own refusal."""
        return _json(status, {"outcome": "refused", "message": message})

    def usage(self, url: str, function: Function) -> Mapping[str, Sequence[str]]:
        """None: it is for the page."""
        return {}


def _success(result: Any) -> dict[str, Any]:
    return {"outcome": "ok", "requestId": result.request_id, "logTail": result.log_tail, **_shown(result.payload)}


def _failure(error: FcallError) -> dict[str, Any]:
    said: dict[str, Any] = {
        "outcome": type(error).__name__,
        "executed": error.executed.name,
        "message": str(error),
        "requestId": error.request_id,
    }
    if isinstance(error, FunctionError):
        said |= {
            "errorType": error.error_type,
            "errorMessage": error.error_message,
            "stackTrace": list(error.stack_trace),
            "logTail": error.log_tail,
        }
    return said


def _shown(payload: bytes) -> dict[str, str]:
    """The payload as text, or in base64 where it is none."""
    try:
        return {"payload": payload.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(payload).decode()}


def _json(status: int, value: Mapping[str, Any]) -> Answer:
    headers = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
    return Answer(status, headers, json.dumps(value).encode())
