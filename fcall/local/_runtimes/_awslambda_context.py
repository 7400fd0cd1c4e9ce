"""The context object that AWS Lambda's Python runtime hands to a handler.

Observed: awslambdaric 4.2.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fcall.local._runtimes import InvocationFacts

__all__ = ["ClientContext", "LambdaContext"]

_W3C_FIELDS = ("traceparent", "tracestate", "baggage")
_CLIENT_FIELDS = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class Client:
    """The mobile client in a client context."""

    __slots__ = _CLIENT_FIELDS

    def __init__(self, fields: Mapping[str, Any]) -> None:
        for name in _CLIENT_FIELDS:
            setattr(self, name, fields.get(name))

    def __repr__(self) -> str:
        return _shown(self, _CLIENT_FIELDS)


class CognitoIdentity:
    """Who called, where Cognito says so; here nobody does."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(self) -> None:
        self.cognito_identity_id: str | None = None
        self.cognito_identity_pool_id: str | None = None

    def __repr__(self) -> str:
        return _shown(self, self.__slots__)


class ClientContext:
    """The invoker context as a handler sees it.

    Attributes:
        custom: the application's own object, or None.
        env: the environment's object, or None.
        client: the mobile client, or None.

    Any other top-level key is an attribute too. On AWS Lambda there is none: it drops them, and so its provider refuses
    them.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.__dict__.update(fields)
        self.custom: dict[str, Any] | None = fields.get("custom")
        self.env: dict[str, Any] | None = fields.get("env")
        client = fields.get("client")
        self.client: Client | None = None if client is None else Client(client)

    def __repr__(self) -> str:
        return _shown(self, ("custom", "env", "client"))


class LambdaContext:
    """What a handler can learn of its invocation.

    Attributes:
        aws_request_id: the request id, a UUID as text.
        function_name: the function's name.
        function_version: ``"$LATEST"``.
        invoked_function_arn: an ARN of the right form, with the qualifier that was asked for.
        memory_limit_in_mb: a text, as on Lambda.
        log_group_name: a text.
        log_stream_name: a text.
        client_context: the invoker context, or None.
        identity: an object whose ids are None.
        tenant_id: None.
    """

    def __init__(self, facts: InvocationFacts) -> None:
        name = facts.function_name
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        self.aws_request_id: str = facts.request_id
        self.log_group_name: str = f"/aws/lambda/{name}"
        self.log_stream_name: str = "local"
        self.function_name = name
        self.memory_limit_in_mb: str = str(facts.memory_mb)
        self.function_version: str = "$LATEST"
        self.invoked_function_arn: str = f"{arn}:{facts.qualifier}" if facts.qualifier else arn
        self.tenant_id: str | None = None
        self._facts = facts
        self.client_context: ClientContext | None = (
            None if facts.invoker_context is None else ClientContext(_without_w3c(facts.invoker_context))
        )
        self.identity: CognitoIdentity = CognitoIdentity()

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's own limit, never less than 0."""
        return max(0, int((self._facts.ends_at - self._facts.clock()) * 1000))

    def w3c(self) -> dict[str, str]:
        """The trace context that came with the invocation, as ``traceparent``, ``tracestate`` and ``baggage``."""
        given = (self._facts.invoker_context or {}).get("w3c")
        fields = given if isinstance(given, dict) else {}
        return {name: fields[name] for name in _W3C_FIELDS if isinstance(fields.get(name), str)}

    def log(self, message: object) -> None:
        """Write to the function's log, as it is."""
        print(message, end="")  # noqa: T201 - which takes it that there may be no standard output

    def __repr__(self) -> str:
        return _shown(
            self,
            (
                "aws_request_id",
                "log_group_name",
                "log_stream_name",
                "function_name",
                "memory_limit_in_mb",
                "function_version",
                "invoked_function_arn",
                "client_context",
                "identity",
                "tenant_id",
            ),
        )


def _without_w3c(context: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in context.items() if key != "w3c"}


def _shown(value: object, names: tuple[str, ...]) -> str:
    return f"{type(value).__name__}([{','.join(f'{name}={getattr(value, name)}' for name in names)}])"
