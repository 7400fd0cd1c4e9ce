"""The functions behind the endpoint: a `Call` goes in, the service's `Answer` comes out, handlers run in between."""

from __future__ import annotations

import json
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import fcall
from fcall.errors import (
    FcallError,
    FunctionError,
    FunctionNotFoundError,
    InvalidPayloadError,
    PayloadTooLargeError,
    ThrottledError,
)
from fcall_aws.testing import _wire as wire
from fcall_aws.testing._wire import Answer, Call, Refused

__all__ = ["Functions", "Handler"]

Handler: TypeAlias = "Callable[[Any, Any], Any] | str"
"""What takes ``(event, context)``, or its code as the local provider names it: ``app/handlers.py:resize``."""

_LATEST = "$LATEST"
_PAGE = 50
_PIECE = 16_384
_LONGEST = 900.0


@dataclass(slots=True)
class _Execution:
    """A durable execution, by the name that its first caller gave it."""

    payload: bytes
    answer: Answer | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Functions:
    """Lambda's functions of one account in one region, run by fcall's local provider.

    Args:
        handlers: the functions by name.
        region: the region that they are in.
        account: the account that they belong to.
        aliases: versions by alias, for every function. Beside these there are ``$LATEST`` and every number.
        options: options of the local provider.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        *,
        region: str,
        account: str,
        aliases: Mapping[str, str],
        options: Mapping[str, Any],
    ) -> None:
        registry = fcall.local.Registry()
        self._targets = {name: _target(registry, name, handler) for name, handler in sorted(handlers.items())}
        self._local = fcall.Client(provider="local", registry=registry, **{"runtime": "lambda", **options})
        self._has_log = options.get("isolation") == "process"
        self._region, self._account = region, account
        self._aliases = dict(aliases)
        self._executions: dict[str, _Execution] = {}

    def answer(self, call: Call) -> Answer:
        """What the service answers."""
        if call.operation == "ListFunctions":
            return wire.document(self._page(call.marker, call.max_items or _PAGE))
        try:
            self._find(call)
            if call.operation == "GetFunction":
                return wire.document(self._described(call))
            _check_json(call.payload)
            return self._invoked(call)
        except Refused as refused:
            return refused.answer

    def close(self) -> None:
        """Let what was accepted run, then end."""
        self._local.close()

    def _invoked(self, call: Call) -> Answer:
        if call.type == "DryRun":
            return wire.allowed()
        if call.type == "Event":
            return self._queued(call)
        if call.durable_name is not None:
            return self._once(call, call.durable_name)
        return self._run(call)

    def _queued(self, call: Call) -> Answer:
        try:
            accepted = self._local.enqueue(self._targets[call.function], payload=call.payload)
        except FcallError as error:
            return _service_error(error)
        return wire.with_request_id(wire.accepted(), accepted.request_id)

    def _once(self, call: Call, name: str) -> Answer:
        """A durable execution: the same name with the same payload is the existing one."""
        execution = self._executions.setdefault(name, _Execution(call.payload))
        if execution.payload != call.payload:
            return wire.error_answer(
                "DurableExecutionAlreadyStartedException", f"Durable execution {name} was started with another payload."
            )
        with execution.lock:
            if execution.answer is None:
                arn = f"{self._arn(call.function, self._version(call))}/durable-execution/{name}/{uuid.uuid4()}"
                execution.answer = self._run(call, arn)
        return execution.answer

    def _run(self, call: Call, durable_arn: str | None = None) -> Answer:
        version = self._version(call)
        try:
            done = self._local.invoke(
                self._targets[call.function],
                payload=call.payload,
                context=call.client_context,
                qualifier=call.qualifier,
                timeout=_LONGEST,
                log_tail=call.log_tail and self._has_log,
            )
        except FunctionError as error:
            return self._failed(call, version, error)
        except FcallError as error:
            return _service_error(error)
        log = self._log(call, done.request_id, done.log_tail)
        if call.operation == "InvokeWithResponseStream":
            answer = wire.streamed(_pieces(done.payload), version=version, log=log)
        else:
            answer = wire.result(done.payload, version=version, log=log, durable_arn=durable_arn)
        return wire.with_request_id(answer, done.request_id)

    def _failed(self, call: Call, version: str, error: FunctionError) -> Answer:
        assert error.result is not None
        payload, log = error.result.payload, self._log(call, error.request_id, error.log_tail)
        if call.operation == "InvokeWithResponseStream":
            details = payload.decode(errors="replace")
            answer = wire.streamed((), version=version, log=log, error_code="Unhandled", error_details=details)
        else:
            answer = wire.function_error(payload, version=version, log=log)
        return wire.with_request_id(answer, error.request_id)

    def _log(self, call: Call, request_id: str | None, log_tail: str | None) -> str | None:
        """The log where it is asked for. Of a handler in this process there are only the lines of the platform."""
        if not call.log_tail:
            return None
        return log_tail or (
            f"START RequestId: {request_id} Version: {self._version(call)}\nEND RequestId: {request_id}\n"
            f"REPORT RequestId: {request_id}\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\t"
            "Max Memory Used: 36 MB\t\n"
        )

    def _find(self, call: Call) -> None:
        """Refuse a call of what is not there."""
        if call.region not in (None, self._region):
            wire.refuse(
                "ResourceNotFoundException",
                f"Functions from '{call.region}' are not reachable in this region ('{self._region}')",
            )
        if call.function not in self._targets or not self._version(call):
            arn = self._arn(call.function, call.qualifier or _LATEST)
            wire.refuse("ResourceNotFoundException", f"Function not found: {arn}")

    def _version(self, call: Call) -> str:
        """The version that a call means, or an empty text where there is none."""
        qualifier = call.qualifier or _LATEST
        is_version = qualifier == _LATEST or qualifier.isdecimal()
        return qualifier if is_version else self._aliases.get(qualifier, "")

    def _arn(self, function: str, qualifier: str = "") -> str:
        arn = f"arn:aws:lambda:{self._region}:{self._account}:function:{function}"
        return f"{arn}:{qualifier}" if qualifier else arn

    def _page(self, marker: str | None, size: int) -> dict[str, Any]:
        names = list(self._targets)
        start = 0
        if marker:
            with suppress(ValueError):
                start = names.index(marker) + 1
            if not start:
                return {"NextMarker": None, "Functions": []}
        shown = names[start : start + min(size, _PAGE)]
        more = start + len(shown) < len(names)
        return {"NextMarker": shown[-1] if more else None, "Functions": [self._record(name) for name in shown]}

    def _described(self, call: Call) -> dict[str, Any]:
        state = {"State": "Active", "LastUpdateStatus": "Successful", "Version": self._version(call)}
        return {"Configuration": {**self._record(call.function), **state}, "Code": {"RepositoryType": "S3"}}

    def _record(self, name: str) -> dict[str, Any]:
        return {
            "FunctionName": name,
            "FunctionArn": self._arn(name),
            "Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}",
            "Role": f"arn:aws:iam::{self._account}:role/local",
            "Handler": "handler.handler",
            "CodeSize": 0,
            "Description": "",
            "Timeout": 3,
            "MemorySize": 128,
            "LastModified": "2026-01-01T00:00:00.000+0000",
            "Version": _LATEST,
            "PackageType": "Zip",
            "Architectures": ["x86_64"],
        }


def _target(registry: fcall.local.Registry, name: str, handler: Handler) -> str:
    if isinstance(handler, str):
        return f"local:{handler}"
    registry.function(name)(handler)
    return name


def _check_json(payload: bytes) -> None:
    """The front end reads the event before any function sees it, and takes no NaN."""
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


def _service_error(error: FcallError) -> Answer:
    """The service's answer where the local provider refuses a call or fails otherwise."""
    codes: dict[type[FcallError], str] = {
        FunctionNotFoundError: "ResourceNotFoundException",
        InvalidPayloadError: "InvalidRequestContentException",
        PayloadTooLargeError: "RequestEntityTooLargeException",
        ThrottledError: "TooManyRequestsException",
    }
    return wire.error_answer(codes.get(type(error), "ServiceException"), error.message)
