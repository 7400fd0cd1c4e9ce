"""What the service knows of the functions of one account in one region, and how it speaks of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from fcall.errors import (
    FcallError,
    FunctionError,
    FunctionNotFoundError,
    InvalidPayloadError,
    PayloadTooLargeError,
    ThrottledError,
)
from fcall.provider import InvocationResult
from fcall_aws._service import _wire as wire
from fcall_aws._service._wire import Answer, Call

__all__ = ["LATEST", "Account", "Facts", "check_json"]

LATEST = "$LATEST"
_PAGE = 50
_PIECE = 16_384
_CODES: dict[type[FcallError], str] = {
    FunctionNotFoundError: "ResourceNotFoundException",
    InvalidPayloadError: "InvalidRequestContentException",
    PayloadTooLargeError: "RequestEntityTooLargeException",
    ThrottledError: "TooManyRequestsException",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is said of one function.

    Attributes:
        name: its name.
        handler: its handler, as Lambda writes it: ``app/handlers.resize``.
        timeout: seconds.
        memory: megabytes.
        modified: when it was changed, in seconds since 1970.
    """

    name: str
    handler: str = "handler.handler"
    timeout: int = 3
    memory: int = 128
    modified: float = 1_767_225_600.0


class Account:
    """The functions of one account in one region.

    Args:
        region: the region.
        account: the account's number.
        version: the version that a qualifier means, or None where there is none.
    """

    def __init__(self, region: str, account: str, version: Callable[[str | None], str | None]) -> None:
        self.region = region
        self._account = account
        self._version = version

    def version(self, call: Call) -> str:
        """The version that a call means, or an empty text where there is none."""
        return self._version(call.qualifier) or ""

    def check(self, call: Call, *, known: bool) -> None:
        """Refuse a call of what is not there, and a payload that is not JSON.

        Args:
            call: the call.
            known: whether there is a function of its name.

        Raises:
            Refused: with the service's answer.
        """
        if call.region not in (None, self.region):
            wire.refuse(
                "ResourceNotFoundException",
                f"Functions from '{call.region}' are not reachable in this region ('{self.region}')",
            )
        if not (known and self.version(call)):
            arn = self.arn(call.function, call.qualifier or LATEST)
            wire.refuse("ResourceNotFoundException", f"Function not found: {arn}")
        if call.operation != "GetFunction":
            check_json(call.payload)

    def arn(self, function: str, qualifier: str = "") -> str:
        """The name of a function in the whole world."""
        arn = f"arn:aws:lambda:{self.region}:{self._account}:function:{function}"
        return f"{arn}:{qualifier}" if qualifier else arn

    def listed(self, call: Call, functions: Sequence[Facts]) -> Answer:
        """The answer to ListFunctions: one page of functions, which are sorted by name."""
        names = [each.name for each in functions]
        start = 0
        if call.marker:
            start = names.index(call.marker) + 1 if call.marker in names else len(names)
        shown = functions[start : start + min(call.max_items or _PAGE, _PAGE)]
        more = start + len(shown) < len(functions)
        return wire.document(
            {"NextMarker": shown[-1].name if more else None, "Functions": [self._record(each) for each in shown]}
        )

    def described(self, call: Call, function: Facts) -> Answer:
        """The answer to GetFunction."""
        arn = self.arn(function.name, call.qualifier or "")
        state = {"FunctionArn": arn, "Version": self.version(call), "State": "Active", "LastUpdateStatus": "Successful"}
        return wire.document(
            {"Configuration": {**self._record(function), **state}, "Code": {"RepositoryType": "S3"}, "Tags": {}}
        )

    def answered(self, call: Call, outcome: InvocationResult | FcallError, durable_arn: str | None = None) -> Answer:
        """The answer to a call that was made.

        Args:
            call: the call.
            outcome: what came of it.
            durable_arn: the durable execution's ARN, where it is one.
        """
        if isinstance(outcome, FunctionError) and outcome.result is not None:
            answer = self._failed(call, outcome, outcome.result.payload)
        elif isinstance(outcome, FcallError):
            return wire.error_answer(_CODES.get(type(outcome), "ServiceException"), outcome.message)
        elif call.operation == "InvokeAsync":
            answer = wire.accepted_of_old()
        elif call.type == "Event":
            answer = wire.accepted()
        elif call.type == "DryRun":
            answer = wire.allowed()
        else:
            answer = self._succeeded(call, outcome, durable_arn)
        return answer if outcome.request_id is None else wire.with_request_id(answer, outcome.request_id)

    def _succeeded(self, call: Call, result: InvocationResult, durable_arn: str | None) -> Answer:
        version, log = self.version(call), self._log(call, result.request_id, result.log_tail)
        if call.operation == "InvokeWithResponseStream":
            return wire.streamed(_pieces(result.payload), version=version, log=log)
        return wire.result(result.payload, version=version, log=log, durable_arn=durable_arn)

    def _failed(self, call: Call, error: FunctionError, document: bytes) -> Answer:
        version, log = self.version(call), self._log(call, error.request_id, error.log_tail)
        if call.operation == "InvokeWithResponseStream":
            details = document.decode(errors="replace")
            return wire.streamed((), version=version, log=log, error_code="Unhandled", error_details=details)
        return wire.function_error(document, version=version, log=log)

    def _log(self, call: Call, request_id: str | None, log_tail: str | None) -> str | None:
        """The log where it is asked for. Of a handler in this process there are only the lines of the platform."""
        if not call.log_tail:
            return None
        return log_tail or (
            f"START RequestId: {request_id} Version: {self.version(call)}\nEND RequestId: {request_id}\n"
            f"REPORT RequestId: {request_id}\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\t"
            "Max Memory Used: 36 MB\t\n"
        )

    def _record(self, function: Facts) -> dict[str, Any]:
        modified = datetime.fromtimestamp(function.modified, UTC)
        return {
            "FunctionName": function.name,
            "FunctionArn": self.arn(function.name),
            "Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}",
            "Role": f"arn:aws:iam::{self._account}:role/local",
            "Handler": function.handler,
            "CodeSize": 0,
            "Description": "",
            "Timeout": function.timeout,
            "MemorySize": function.memory,
            "LastModified": f"{modified:%Y-%m-%dT%H:%M:%S}.{modified.microsecond // 1000:03d}+0000",
            "Version": LATEST,
            "PackageType": "Zip",
            "Architectures": ["x86_64"],
        }


def check_json(payload: bytes) -> None:
    """The front end reads the event before any function sees it, and takes no NaN.

    Raises:
        Refused: it is not JSON.
    """
    try:
        json.loads(payload.decode() or "{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        wire.refuse(
            "InvalidRequestContentException",
            "Could not parse request body into json: Could not parse payload into json: Unexpected character",
        )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _pieces(payload: bytes) -> Iterator[bytes]:
    for start in range(0, len(payload), _PIECE):
        yield payload[start : start + _PIECE]
