"""The context that a handler is given, as AWS Lambda's Python runtime gives it (observed: awslambdaric 4.2.2)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["ClientContext", "LambdaContext"]


class ClientContext:
    """The invoker context as a handler sees it: each top-level key is an attribute, `custom` and `env` always."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.custom: dict[str, Any] | None = None
        self.env: dict[str, Any] | None = None
        self.client: Any = None
        self.__dict__.update(json.loads(json.dumps(fields)))  # the handler's own copy, as with the event

    def __repr__(self) -> str:
        return f"<ClientContext with {', '.join(sorted(self.__dict__))}>"


class _Identity:
    """Who called, which nobody knows here: both ids are None, as on Lambda without Cognito."""

    cognito_identity_id: str | None = None
    cognito_identity_pool_id: str | None = None


class LambdaContext:
    """What the handler can learn of its invocation.

    Attributes:
        aws_request_id: the request id, a UUID as text.
        function_name: the function as the provider knows it.
        function_version: always ``"$LATEST"``.
        invoked_function_arn: an ARN of the right form, in an account of zeros.
        memory_limit_in_mb: a text, as on Lambda.
        client_context: the invoker context, or None.
        identity: an object whose ids are None.
    """

    def __init__(
        self,
        aws_request_id: str,
        function_name: str,
        qualifier: str | None,
        invoker_context: Mapping[str, Any] | None,
        ends_at: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.aws_request_id = aws_request_id
        self.function_name = function_name
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = "128"
        self.client_context = None if invoker_context is None else ClientContext(invoker_context)
        self.identity = _Identity
        self._qualifier = qualifier
        self._ends_at = ends_at
        self._clock = clock

    @property
    def invoked_function_arn(self) -> str:
        """An ARN of the right form, in an account of zeros."""
        arn = f"arn:aws:lambda:local:000000000000:function:{self.function_name}"
        return f"{arn}:{self._qualifier}" if self._qualifier else arn

    @property
    def log_group_name(self) -> str:
        """What Lambda would name the function's log group."""
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        """Always ``"local"``: nothing is written there."""
        return "local"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's own limit, never negative."""
        return max(0, int((self._ends_at - self._clock()) * 1000))

    def log(self, message: str) -> None:
        """Write to standard output, as it is."""
        print(message, end="", flush=True)

    def __repr__(self) -> str:
        return f"<LambdaContext of {self.function_name}, request {self.aws_request_id}>"
