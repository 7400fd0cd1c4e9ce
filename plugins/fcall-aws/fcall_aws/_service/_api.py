"""Lambda's API for ``fcall serve``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Any, Literal

from fcall.serve import Answer, Call, Catalogue, Function, Keys, Outcome, Request
from fcall_aws._service import _signature as signature
from fcall_aws._service import _wire as wire
from fcall_aws._service._account import Account, Facts
from fcall_aws._service._usage import usage

__all__ = ["LambdaApi"]

_PATH = re.compile(r"/(2015-03-31|2021-11-15|2014-11-13)/functions(/.*)?")
_TYPES: Mapping[str, Any] = {"RequestResponse": "Sync", "Event": "Async", "DryRun": "DryRun"}
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_PROBLEMS = {
    408: "RequestTimeoutException",
    413: "RequestEntityTooLargeException",
    429: "TooManyRequestsException",
    503: "ServiceUnavailableException",
}


class LambdaApi:
    """AWS Lambda: Invoke, InvokeWithResponseStream, InvokeAsync, ListFunctions and GetFunction."""

    name = "lambda"
    title = "AWS Lambda"
    runtime: Literal["lambda"] = "lambda"

    def owns(self, path: str) -> bool:
        """Whether a path is one of Lambda's functions."""
        return _PATH.fullmatch(path) is not None

    def verify(self, request: Request, keys: Keys) -> Answer | None:
        """The refusal of a request that is not signed by one of the keys (SigV4)."""
        refused = signature.check(request.method, request.target, request.headers, request.body, keys)
        return None if refused is None else _plain(wire.error_answer(*refused))

    def read(self, request: Request, catalogue: Catalogue) -> Call | Answer:
        """The call that a request asks for, or the answer where nothing has to run."""
        try:
            call = wire.read(request.method, request.target, request.headers, request.body)
            account = _account(request, catalogue)
            if call.operation == "ListFunctions":
                return _plain(account.listed(call, [*map(_facts, catalogue.functions())]))
            function = catalogue.find(call.function)
            account.check(call, known=function is not None)
            assert function is not None  # else it was refused
            if call.operation == "GetFunction":
                return _plain(account.described(call, _facts(function)))
            if call.durable_name is not None:
                wire.refuse("InvalidParameterValueException", "The function is not configured for durable execution.")
        except wire.Refused as refused:
            return _plain(refused.answer)
        return Call(
            function,
            type=_TYPES[call.type],
            payload=call.payload,
            context=call.client_context if call.type == "RequestResponse" else None,
            qualifier=call.qualifier,
            log_tail=call.log_tail,
            detail=(call, account),
        )

    def answer(self, call: Call, outcome: Outcome) -> Answer:
        """The answer to a call."""
        asked, account = call.detail
        return _plain(account.answered(asked, outcome))

    def problem(self, request: Request, status: int, message: str) -> Answer:
        """The server's own refusal, as the service would word it."""
        return _plain(wire.error_answer(_PROBLEMS.get(status, "ServiceException"), message))

    def usage(self, url: str, function: Function) -> Mapping[str, Sequence[str]]:
        """Lines to paste, by client."""
        return usage(url, function.name)


def _account(request: Request, catalogue: Catalogue) -> Account:
    """The account, in the region that the request was signed for: here every region is this one."""
    scope = request.headers.get("authorization", "").partition("Credential=")[2].split("/")
    region = scope[2] if len(scope) > 3 and _REGION.fullmatch(scope[2]) else "us-east-1"
    return Account(region, "000000000000", catalogue.version)


def _facts(function: Function) -> Facts:
    module, _, name = function.handler.rpartition(":")
    handler = f"{module.removesuffix('.py')}.{name}" if module else function.handler
    return Facts(function.name, handler, ceil(function.timeout or 3), function.memory, function.modified)


def _plain(answer: wire.Answer) -> Answer:
    """The answer as a server sends it, with an id for the request where it has none."""
    if all(name.lower() != "x-amzn-requestid" for name, _ in answer.headers):
        answer = wire.with_request_id(answer)
    return Answer(answer.status, answer.headers, _whole(answer.body))


def _whole(body: bytes | Iterable[bytes]) -> bytes:
    return body if isinstance(body, bytes) else b"".join(body)
