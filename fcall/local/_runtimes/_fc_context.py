"""The context objects of Function Compute's Python runtime and of a Link IoT Edge gateway.

Observed: the vendor's Python 3.9 bootstrap. The gateway's context is documented for Node only.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from fcall.local._runtimes import InvocationFacts

__all__ = ["EdgeContext", "FCContext"]


class _Record:
    """An object that is nothing but its attributes."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class Credentials:
    """The credentials of the function's role; there is no role here, so they are empty texts."""

    access_key_id = accessKeyId = ""  # noqa: N815 - the runtime has both spellings
    access_key_secret = accessKeySecret = ""  # noqa: N815
    security_token = securityToken = ""  # noqa: N815


class FCContext:
    """What a handler on Function Compute can learn of its invocation.

    Attributes:
        request_id: the request id; `requestId` is the same.
        credentials: empty texts.
        function: ``name``, ``handler``, ``memory`` (an int, MB), ``timeout`` (a text, seconds).
        service: ``name``, ``log_project``, ``log_store``, ``qualifier``, ``version_id``.
        region: a text.
        account_id: a text.
        retry_count: 0.
        tracing: ``span_context``, ``jaeger_endpoint``, ``span_baggages``.
        logger: None, as in the runtime's one-request mode; `getLogger` gives one.
    """

    def __init__(self, facts: InvocationFacts) -> None:
        self.request_id = self.requestId = facts.request_id
        self.credentials = Credentials()
        self.function = _Record(
            name=facts.function_name,
            handler=facts.handler,
            memory=facts.memory_mb,
            timeout=f"{facts.function_timeout:g}",
        )
        self.service = _Record(
            name=facts.service_name, log_project="", log_store="", qualifier=facts.qualifier or "LATEST", version_id=""
        )
        self.region = "local"
        self.account_id = "0"
        self.retry_count = 0
        self.tracing = _Record(span_context=None, jaeger_endpoint=None, span_baggages={})
        self.logger = None

    def getLogger(self) -> logging.Logger:  # noqa: N802 - the runtime's name
        """The function's logger."""
        return logging.getLogger()

    def to_json(self) -> str:
        """The context as JSON text, without the credentials."""
        return json.dumps(
            {
                "requestId": self.request_id,
                "function": self.function.__dict__,
                "service": self.service.__dict__,
                "region": self.region,
                "accountId": self.account_id,
                "retryCount": self.retry_count,
            }
        )


class EdgeContext(dict[str, Any]):
    """What a handler on a gateway can learn: ``requestId`` and ``invokerContext``, as keys and as attributes."""

    def __init__(self, facts: InvocationFacts) -> None:
        super().__init__(requestId=facts.request_id, invokerContext=dict(facts.invoker_context or {}))

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the context has no {name!r}") from None
