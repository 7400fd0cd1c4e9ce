"""Runtimes: what stands between a payload and a handler, and between its return value and the answer.

Each runtime is a module of its own and knows one vendor's rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fcall._invocation import Invocation
from fcall.local._registry import Handler

__all__ = ["Environment", "Runtime"]


@dataclass(frozen=True, slots=True)
class Environment:
    """What a function runs in.

    Attributes:
        function_timeout: seconds that the function may take.
    """

    function_timeout: float


class Runtime(Protocol):
    """One vendor's way to run a handler."""

    def run(self, handler: Handler, invocation: Invocation, request_id: str, environment: Environment) -> bytes:
        """The handler's answer to one event.

        Raises:
            InvalidPayloadError: the payload is no event for this runtime; the handler did not run.
            FunctionError: the handler ran and failed, or its answer cannot be sent.
        """
