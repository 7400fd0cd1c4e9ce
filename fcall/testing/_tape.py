"""What a cassette holds: the outcomes of attempts as JSON, and back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from fcall import errors
from fcall._invocation import Invocation
from fcall._policy import Policy
from fcall._result import InvocationResult, masked
from fcall._router import Route
from fcall.errors import Executed, FcallError
from fcall.testing._redaction import Redaction

__all__ = ["HurriedPolicy", "failure", "question", "read_failure", "read_result", "result", "route"]

_TEXTS = ("message", "error_type", "error_message", "log_tail")
_FACTS = ("code", "status_code", "request_id", "retryable", "retry_after")


class HurriedPolicy(Policy):
    """Tries again where the recorded call did, without its pauses."""

    def pause(self, *args: Any, **kwargs: Any) -> float | None:
        """0.0, or None where there must be no further attempt."""
        return None if Policy.pause(self, *args, **kwargs) is None else 0.0


def route(recorded: Route, index: int) -> dict[str, Any]:
    """What decides, of a route at this place in a failover list, how its answers are dealt with."""
    policy = recorded.policy
    return {
        "route": index,
        "provider": recorded.provider_name,
        "attempts": policy.attempts,
        "retry_error_types": sorted(policy.retry_error_types),
        "failover_maybe": policy.failover_maybe,
    }


def question(target: str, index: int, invocation: Invocation, redaction: Redaction) -> dict[str, Any]:
    """What an attempt is known by: the function, the place in its failover list, how it is called and with what."""
    body = _body(redaction.payload(invocation.payload))
    return {
        "target": target,
        "route": index,
        "type": invocation.type,
        "qualifier": invocation.qualifier,
        "payload": body,
    }


def result(answer: InvocationResult, redaction: Redaction) -> dict[str, Any]:
    """An answer, to be written."""
    return {
        "payload": _body(redaction.payload(answer.payload)),
        "status_code": answer.status_code,
        "request_id": answer.request_id,
        "executed_version": answer.executed_version,
        "log_tail": None if answer.log_tail is None else redaction.text(answer.log_tail),
        "headers": {name: redaction.text(value) for name, value in masked(answer.headers).items()},
    }


def read_result(written: Mapping[str, Any]) -> InvocationResult:
    """The answer that was written."""
    return InvocationResult(**{**written, "payload": _bytes(written["payload"])})


def failure(error: FcallError, redaction: Redaction) -> dict[str, Any]:
    """A failure, to be written."""
    written: dict[str, Any] = {"class": _public_class(error).__name__, "executed": error.executed.name}
    for name in _TEXTS:
        text = getattr(error, name, None)
        written[name] = None if text is None else redaction.text(text)
    written |= {name: vars(error).get(name) for name in _FACTS}
    written["stack_trace"] = [redaction.text(frame) for frame in getattr(error, "stack_trace", ())]
    document = getattr(error, "result", None)
    written["result"] = None if document is None else result(document, redaction)
    return {name: value for name, value in written.items() if value not in (None, [])}


def read_failure(written: Mapping[str, Any]) -> FcallError:
    """The failure that was written."""
    fields = dict(written)
    cls: type[FcallError] = getattr(errors, fields.pop("class"))
    fields["executed"] = Executed[fields["executed"]]
    if "stack_trace" in fields:
        fields["stack_trace"] = tuple(fields["stack_trace"])
    if "result" in fields:
        fields["result"] = read_result(fields["result"])
    return cls(fields.pop("message", ""), **fields)


def _public_class(error: FcallError) -> type[FcallError]:
    """The error's class, or for one that a plugin made its nearest base that everybody has."""
    public: type[FcallError] = next(cls for cls in type(error).__mro__ if getattr(errors, cls.__name__, None) is cls)
    return public


def _body(payload: bytes) -> dict[str, str]:
    try:
        return {"text": payload.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(payload).decode()}


def _bytes(written: Mapping[str, str]) -> bytes:
    return written["text"].encode() if "text" in written else base64.b64decode(written["base64"])
