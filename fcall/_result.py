"""What a call gives back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from fcall import _json
from fcall.errors import Attempt, FunctionResponseError

__all__ = ["Acceptance", "FunctionInfo", "InvocationResult", "masked", "unreadable"]

_read = _json.reader(json.JSONDecoder())
_SECRET_WORDS = ("auth", "cookie", "credential", "key", "password", "secret", "signature", "token")


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """The answer to one call.

    Attributes:
        payload: the function's answer as it came, in bytes.
        status_code: 200 for Sync, 202 for Async, 204 for DryRun.
        request_id: the provider's id of the request, or None where it gave none.
        executed_version: the version of the function that ran, where the provider says so.
        log_tail: the end of the function's log, where it was asked for.
        headers: the answer's headers, with secrets masked.
        provider: the name of the provider that answered.
        attempts: every try that was made; the last one went well.
    """

    payload: bytes = field(default=b"", repr=False)
    status_code: int = 200
    request_id: str | None = None
    executed_version: str | None = None
    log_tail: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    provider: str = ""
    attempts: tuple[Attempt, ...] = ()

    @property
    def text(self) -> str:
        """The payload as UTF-8 text.

        Raises:
            FunctionResponseError: the payload is not UTF-8.
        """
        try:
            return self.payload.decode()
        except UnicodeDecodeError as error:
            raise unreadable(self, "the answer is not UTF-8 text; use result.payload for the bytes") from error

    def json(self) -> Any:
        """The payload decoded from JSON.

        Raises:
            FunctionResponseError: the payload is not JSON.
        """
        try:
            return _read(_json.text(self.payload))
        except (ValueError, RecursionError) as error:
            what = "is not JSON" if self.payload else "is empty, so there is no JSON in it"
            raise unreadable(self, f"the answer {what}; use result.payload for the bytes") from error

    def told_by(self, provider: str, attempts: tuple[Attempt, ...]) -> InvocationResult:
        """This answer with what only the flow knows: who gave it, after which tries.

        One that the provider has just made is completed where it is, since a copy of it costs more than the whole flow
        around it; one that was told of before, or has headers to mask, is copied.
        """
        if type(self.headers) is dict and not (self.headers or self.provider or self.attempts):
            object.__setattr__(self, "provider", provider)
            object.__setattr__(self, "attempts", attempts)
            return self
        return InvocationResult(
            self.payload,
            self.status_code,
            self.request_id,
            self.executed_version,
            self.log_tail,
            masked(self.headers) if self.headers else {},
            provider,
            attempts,
        )


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The answer to an Async call: the event is queued and runs later."""

    request_id: str | None
    status_code: int
    provider: str


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """One function of a listing.

    Attributes:
        name: what the application calls it.
        provider_name: what the provider calls it.
        runtime: such as ``"python3.13"``, where the provider says so.
        last_modified: when the function was last changed, where the provider says so.
        raw: the provider's own record.
    """

    name: str
    provider_name: str
    runtime: str | None = None
    last_modified: datetime | str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


def unreadable(result: InvocationResult, message: str) -> FunctionResponseError:
    """The error for an answer that cannot be used."""
    return FunctionResponseError(
        message,
        result=result,
        provider=result.provider,
        request_id=result.request_id,
        status_code=result.status_code,
        attempts=result.attempts,
    )


def masked(headers: Mapping[str, str]) -> dict[str, str]:
    """A copy of the headers in which every value that may be a secret reads ``***``."""
    return {name: "***" if _is_secret(name) else value for name, value in headers.items()}


@lru_cache(maxsize=256)  # a service's answers have the same few headers, call after call
def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)
