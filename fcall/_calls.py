"""What observers are told: records of one call that can be read and not changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from fcall._invocation import InvocationType
from fcall._result import InvocationResult
from fcall.errors import Attempt, Executed

__all__ = ["Call", "CallOutcome", "Callee"]


@dataclass(frozen=True, slots=True)
class Call:
    """One logical call, from its first attempt to its outcome.

    Attributes:
        id: the same in every hook of this call, and different for every other call.
        name: the target as the application said it.
        type: ``"Sync"``, ``"Async"`` or ``"DryRun"``.
        provider: the name of the provider that is asked first.
        service: the service as the application named it, or None.
        function: the function as the application named it.
        qualifier: the version or alias, or None.
        payload_size: bytes.
        timeout: seconds that the caller will wait.
    """

    id: str
    name: str
    type: InvocationType
    provider: str
    service: str | None
    function: str
    qualifier: str | None
    payload_size: int
    timeout: float


@dataclass(frozen=True, slots=True)
class Callee:
    """A function as its provider knows it.

    Attributes:
        provider: the provider's name.
        service: the provider's own name of the service, or None where it has none.
        function: the provider's own name of the function; without its ARN where the provider can read one.
        region: where it runs, or None where there are no regions or the provider does not know.
    """

    provider: str
    service: str | None
    function: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """How one logical call ended.

    Attributes:
        executed: whether the function ran.
        elapsed: seconds, from the first attempt to the end.
        attempts: every try.
        result: the answer, or None where there was none.
        error: the error that the caller gets, or None. For a call that was interrupted or cancelled it is that
            exception.
        callee: the function of the last attempt, or None where there was no attempt.
    """

    executed: Executed
    elapsed: float
    attempts: tuple[Attempt, ...]
    result: InvocationResult | None = None
    error: BaseException | None = field(default=None, repr=False)
    callee: Callee | None = None
