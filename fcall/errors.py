"""Every failure of a call, as one set that all providers share.

The question each error answers first is whether the function ran::

    FcallError                          executed: NO
    ├─ ConfigurationError               nothing was sent
    │  ├─ InvalidParamsError            also a ValueError
    │  ├─ UnsupportedFeatureError
    │  ├─ ProviderNotFoundError         also a LookupError
    │  ├─ ProviderNotInstalledError     also an ImportError
    │  ├─ PluginError
    │  └─ ClientClosedError             also a RuntimeError
    └─ InvocationError                  executed: MAYBE
       ├─ RejectedError                 executed: NO
       │  ├─ InvalidRequestError
       │  ├─ AuthenticationError
       │  ├─ InvalidPayloadError
       │  ├─ FunctionNotFoundError
       │  ├─ AccessDeniedError
       │  ├─ PayloadTooLargeError
       │  ├─ FunctionNotReadyError      may pass
       │  ├─ ThrottledError             may pass
       │  ├─ ConflictError
       │  └─ RecursiveInvocationError
       ├─ ConnectionFailedError         executed: MAYBE, may pass, also a ConnectionError
       ├─ InvocationTimeoutError        executed: MAYBE, may pass, also a TimeoutError
       ├─ ProviderUnavailableError      executed: MAYBE, may pass
       │  └─ CircuitOpenError           executed: NO
       ├─ FunctionError                 executed: YES
       │  ├─ FunctionLoadError          executed: NO
       │  ├─ FunctionTimeoutError
       │  ├─ FunctionCrashedError
       │  │  └─ FunctionOutOfMemoryError
       │  └─ FunctionResponseError
       └─ UnmappedProviderError         executed: MAYBE, may pass

What stands beside a class is its default, and its subclasses inherit it; a provider that knows better says so on the
instance. "May pass" is the default of `retryable`.

Errors survive pickle and copy. No message, repr or log line holds a payload or a secret.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from fcall._wording import quoted

if TYPE_CHECKING:
    from fcall._result import InvocationResult

__all__ = [
    "AccessDeniedError",
    "Attempt",
    "AuthenticationError",
    "CircuitOpenError",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "Executed",
    "FcallError",
    "FunctionCrashedError",
    "FunctionError",
    "FunctionLoadError",
    "FunctionNotFoundError",
    "FunctionNotReadyError",
    "FunctionOutOfMemoryError",
    "FunctionResponseError",
    "FunctionTimeoutError",
    "InvalidParamsError",
    "InvalidPayloadError",
    "InvalidRequestError",
    "InvocationError",
    "InvocationTimeoutError",
    "PayloadTooLargeError",
    "PluginError",
    "ProviderNotFoundError",
    "ProviderNotInstalledError",
    "ProviderUnavailableError",
    "RecursiveInvocationError",
    "RejectedError",
    "ThrottledError",
    "UnmappedProviderError",
    "UnsupportedFeatureError",
]


class Executed(enum.Enum):
    """Whether the function's handler ran because of a call.

    `NO` is falsy, so ``if error.executed:`` reads "it may have run".
    """

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"

    def __bool__(self) -> bool:
        return self is not Executed.NO


class Attempt(NamedTuple):
    """One try of a call at one provider.

    Attributes:
        number: 1 for the first try; counts on across a failover list.
        target: where it went, written ``provider:service/function``.
        outcome: ``"ok"``, ``"not sent"``, ``"rejected"``, ``"maybe"`` or ``"executed"``.
        executed: whether the function ran in this try.
        error: the name of the error's class, or None where it went well.
        code: the provider's machine code for the failure, if it gave one.
        elapsed: seconds from its beginning to the outcome, the wait for a place under a limit included; of a stream,
            to its first piece.
        retry_in: seconds of pause before the next try at the same place, or None where there was none.
    """

    number: int
    target: str
    outcome: str
    executed: Executed
    error: str | None = None
    code: str | None = None
    elapsed: float = 0.0
    retry_in: float | None = None

    def __str__(self) -> str:
        failure = " ".join(filter(None, (self.error, quoted(str(self.code or ""), 200))))
        outcome = f"{self.outcome} ({failure})" if failure else self.outcome
        return f"{self.number}. {self.target} {outcome} after {self.elapsed:.3f} s"


class FcallError(Exception):
    """The root of every error that fcall raises.

    Args:
        message: what happened and what to do next, in words.
        executed: whether the function ran; the class's default where not given.
        attempts: every try of the call, in order.
        provider: the provider's name, such as ``"aws"``.
        service: the service as the application named it.
        function: the function as the application named it.
        code: the provider's own machine code.
        status_code: the HTTP status, where there was one.
        request_id: the provider's id of the request, for its logs and its support.

    Attributes:
        retryable: whether the same call may succeed if it is made again. Whether making it again is *safe* is the
            other question, and `executed` answers that one.
        index: the item's place among those of a map, from 0; None where the call was no item of one.
    """

    default_executed: ClassVar[Executed] = Executed.NO
    retryable: bool = False
    index: int | None = None

    def __init__(
        self,
        message: str = "",
        *,
        executed: Executed | None = None,
        attempts: tuple[Attempt, ...] = (),
        provider: str | None = None,
        service: str | None = None,
        function: str | None = None,
        code: str | None = None,
        status_code: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if executed is None:
            executed = self.default_executed
        # What is no Executed says nothing that can be relied on.
        self.executed: Executed = executed if isinstance(executed, Executed) else Executed.MAYBE
        self.attempts = attempts
        self.provider = provider
        self.service = service
        self.function = function
        self.code = code
        self.status_code = status_code
        self.request_id = request_id

    def __str__(self) -> str:
        facts = self._facts()
        return f"{self.message} [{'; '.join(facts)}]" if facts else self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def _facts(self) -> list[str]:
        name = f"{self.service}/{self.function}" if self.service and self.function else self.function
        facts = [f"item {self.index}" if self.index is not None else ""]
        facts.append(" on ".join(filter(None, (name and f"function {name}", self.provider))))
        for label, value in (("code", self.code), ("status", self.status_code), ("request id", self.request_id)):
            facts.append(f"{label} {quoted(str(value), 200)}" if value else "")
        if len(self.attempts) > 1:
            facts.append("attempts: " + ", ".join(map(str, self.attempts)))
        return [fact for fact in facts if fact]


class ConfigurationError(FcallError):
    """The call could not be made as it was asked for; nothing was sent."""


class InvalidParamsError(ConfigurationError, ValueError):
    """A parameter is unknown, of the wrong type, or out of its bounds."""


class UnsupportedFeatureError(ConfigurationError):
    """The provider does not have what the call asks for."""


class ProviderNotFoundError(ConfigurationError, LookupError):
    """No provider of that name is known."""


class ProviderNotInstalledError(ConfigurationError, ImportError):
    """The provider is known, but its distribution or its SDK is not installed."""


class PluginError(ConfigurationError):
    """A plugin could not be loaded, or does not keep to the interface."""


class ClientClosedError(ConfigurationError, RuntimeError):
    """The client was closed before this call."""


class InvocationError(FcallError):
    """The call was tried and did not succeed.

    Args:
        retryable: overrides the class's default, where the provider knows better.
    """

    default_executed = Executed.MAYBE

    def __init__(self, message: str = "", *, retryable: bool | None = None, **fields: Any) -> None:
        super().__init__(message, **fields)
        if retryable is not None:
            self.retryable = retryable

    def _facts(self) -> list[str]:
        return [*super()._facts(), f"executed: {self.executed.name}"]


class RejectedError(InvocationError):
    """The service, or a local limit before it, says that it did not run the function."""

    default_executed = Executed.NO


class InvalidRequestError(RejectedError):
    """The service found the request malformed."""


class FunctionNotFoundError(RejectedError):
    """The service does not know the function, its version or its alias."""


class FunctionNotReadyError(RejectedError):
    """The function exists but cannot run now: it is being created, changed or started, or is misconfigured."""

    retryable = True


class ConflictError(RejectedError):
    """The request contradicts an earlier one, such as a key used before with another payload."""


class AuthenticationError(RejectedError):
    """The credentials are missing, wrong or expired."""


class AccessDeniedError(RejectedError):
    """The credentials are valid but may not call this function."""


class ThrottledError(RejectedError):
    """Too many calls at once, or a quota is used up.

    Args:
        retry_after: seconds that the service asks callers to wait, or None.
    """

    retryable = True

    def __init__(self, message: str = "", *, retry_after: float | None = None, **fields: Any) -> None:
        super().__init__(message, **fields)
        is_number = isinstance(retry_after, (int, float)) and not isinstance(retry_after, bool)
        self.retry_after: float | None = retry_after if is_number else None


class InvalidPayloadError(RejectedError):
    """The payload is not what the function's runtime accepts, or cannot be encoded."""


class PayloadTooLargeError(RejectedError):
    """The request's payload is over the limit."""


class RecursiveInvocationError(RejectedError):
    """The function calls itself, directly or by way of others, too deeply."""


class ConnectionFailedError(InvocationError, ConnectionError):
    """The connection could not be made (NO), or broke after the request was on its way (MAYBE)."""

    retryable = True


class InvocationTimeoutError(InvocationError, TimeoutError):
    """The caller's time-out passed: while connecting or queueing (NO), or while waiting for the answer (MAYBE)."""

    retryable = True


class ProviderUnavailableError(InvocationError):
    """The service failed, or gave an answer that makes no sense."""

    retryable = True


class CircuitOpenError(ProviderUnavailableError):
    """The target could not be reached so often just now that it is left alone for some seconds; nothing was sent."""

    default_executed = Executed.NO


class FunctionError(InvocationError):
    """The function ran and failed.

    Args:
        error_type: the function's own name for it, such as ``"ValueError"``.
        error_message: the function's own words.
        stack_trace: one text per frame, the handler's first, as the runtime gave it.
        log_tail: the end of the function's log, where it was asked for.
        result: the whole answer; the raw error document is in ``result.payload``.
    """

    default_executed = Executed.YES

    def __init__(
        self,
        message: str = "",
        *,
        error_type: str = "",
        error_message: str = "",
        stack_trace: tuple[str, ...] = (),
        log_tail: str | None = None,
        result: InvocationResult | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(message or _describe(error_type, error_message), **fields)
        self.error_type = error_type
        self.error_message = error_message
        self.stack_trace = stack_trace
        self.log_tail = log_tail
        self.result = result


class FunctionLoadError(FunctionError):
    """The function's code could not be loaded, so its handler did not run."""

    default_executed = Executed.NO


class FunctionTimeoutError(FunctionError):
    """The function ran into its own time limit."""


class FunctionCrashedError(FunctionError):
    """The function's process ended before it answered."""


class FunctionOutOfMemoryError(FunctionCrashedError):
    """The function's process was killed for the memory it used."""


class FunctionResponseError(FunctionError):
    """The function ran, but its answer cannot be used: not serialisable, too large, or unreadable."""


class UnmappedProviderError(InvocationError):
    """A provider let something through that its error table does not know; the original is `__cause__`."""

    retryable = True


def _describe(error_type: str, error_message: str) -> str:
    words = ": ".join(filter(None, (error_type, error_message)))
    return f"the function failed: {quoted(words)}" if words else "the function failed and gave no reason"
