"""What stands in for a provider in a test: it takes every call, in the words of the application."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fcall._invocation import Invocation, InvocationType
from fcall._result import InvocationResult
from fcall._router import Route
from fcall._target import Target
from fcall.provider import ALL_KEYS, Capabilities, Deadline

__all__ = ["Double", "DoubleRoute", "accepted", "named"]

_TYPES: tuple[InvocationType, ...] = ("Sync", "Async", "DryRun")


class DoubleRoute(Route):
    """A route on which nothing is refused or renamed: what the real provider can do is not known here."""

    def address(self, invocation: Invocation) -> Invocation:
        """The call as it is."""
        return invocation


class Double:
    """A provider that answers by a function.

    Args:
        answer: takes the call, and returns the answer or raises.
    """

    capabilities = Capabilities(
        types=frozenset(_TYPES),
        qualifier=True,
        log_tail=True,
        invoker_context=dict.fromkeys(_TYPES, ALL_KEYS),
        streaming=True,
        idempotency=frozenset(_TYPES),
    )

    def __init__(self, answer: Callable[[Invocation], InvocationResult]) -> None:
        self._answer = answer

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        """The answer."""
        return self._answer(invocation)

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        """The answer, in one piece."""
        yield self._answer(invocation).payload

    def close(self) -> None:
        """There is nothing to close."""


def named(target: Target, qualifier: str | None) -> str:
    """A function as the application writes it: ``[provider:][service/]function[:qualifier]``, or its id."""
    name = f"{target.provider}:{target.name}" if target.direct and not target.function_id else target.name
    return f"{name}:{qualifier}" if qualifier else name


def accepted(type: InvocationType) -> InvocationResult:
    """The answer to a call that runs later, or does not run."""
    return InvocationResult(status_code=202 if type == "Async" else 204, request_id="mock")
