"""The functions behind the endpoint: a `Call` goes in, the service's `Answer` comes out, handlers run in between."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import fcall
from fcall.errors import FcallError
from fcall.provider import InvocationResult
from fcall_aws._service import _wire as wire
from fcall_aws._service._account import LATEST, Account, Facts
from fcall_aws._service._wire import Answer, Call, Refused

__all__ = ["Functions", "Handler"]

Handler: TypeAlias = "Callable[[Any, Any], Any] | str"
"""What takes ``(event, context)``, or its code as the local provider names it: ``app/handlers.py:resize``."""

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
        self._account = Account(region, account, self._version)
        self._aliases = dict(aliases)
        self._executions: dict[str, _Execution] = {}

    def answer(self, call: Call) -> Answer:
        """What the service answers."""
        if call.operation == "ListFunctions":
            return self._account.listed(call, [Facts(name) for name in self._targets])
        try:
            self._account.check(call, known=call.function in self._targets)
            if call.operation == "GetFunction":
                return self._account.described(call, Facts(call.function))
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
            return self._account.answered(call, error)
        return self._account.answered(call, InvocationResult(status_code=202, request_id=accepted.request_id))

    def _once(self, call: Call, name: str) -> Answer:
        """A durable execution: the same name with the same payload is the existing one."""
        execution = self._executions.setdefault(name, _Execution(call.payload))
        if execution.payload != call.payload:
            return wire.error_answer(
                "DurableExecutionAlreadyStartedException", f"Durable execution {name} was started with another payload."
            )
        with execution.lock:
            if execution.answer is None:
                whole = self._account.arn(call.function, self._account.version(call))
                arn = f"{whole}/durable-execution/{name}/{uuid.uuid4()}"
                execution.answer = self._run(call, arn)
        return execution.answer

    def _run(self, call: Call, durable_arn: str | None = None) -> Answer:
        outcome: InvocationResult | FcallError
        try:
            outcome = self._local.invoke(
                self._targets[call.function],
                payload=call.payload,
                context=call.client_context,
                qualifier=call.qualifier,
                timeout=_LONGEST,
                log_tail=call.log_tail and self._has_log,
            )
        except FcallError as error:
            outcome = error
        return self._account.answered(call, outcome, durable_arn)

    def _version(self, qualifier: str | None) -> str | None:
        """The version that a qualifier means, or None where there is none."""
        is_version = qualifier is None or qualifier == LATEST or qualifier.isdecimal()
        return qualifier or LATEST if is_version else self._aliases.get(qualifier or "")


def _target(registry: fcall.local.Registry, name: str, handler: Handler) -> str:
    if isinstance(handler, str):
        return f"local:{handler}"
    registry.function(name)(handler)
    return name
