"""What a function can know of its invocation, whatever runs it.

The shapes of the contexts: awslambdaric 4.2.2, observed; Function Compute's Python 3.9 runtime, observed, and its 3.12
runtime, from the vendor's documentation; Link IoT Edge, from the vendor's documentation for Node.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Literal

    Platform = Literal["lambda", "fc", "linkedge", "local"]

__all__ = ["Context", "context_of"]

_W3C_FIELDS = ("traceparent", "tracestate", "baggage")
_CLIENT_FIELDS = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class Context:
    """One invocation, as the function sees it. A test makes one of its own: ``Context(request_id="1")``.

    Attributes:
        request_id: the platform's id of the request, or None.
        function_name: the function as the platform knows it, or None where it does not say.
        version: the version that runs, or the alias where the platform says only that, or None.
        invoker_context: the object beside the event; empty where none came or the platform carries none.
        platform: ``"lambda"``, ``"fc"`` (Function Compute), ``"linkedge"``, or ``"local"`` for a plain call. A function
            that runs by the rules of a cloud on this machine finds the name of that cloud.
        raw: the platform's own context object, or None.
    """

    __slots__ = (
        "_remaining",
        "function_name",
        "invoker_context",
        "platform",
        "raw",
        "request_id",
        "version",
    )

    def __init__(
        self,
        *,
        request_id: str | None = None,
        function_name: str | None = None,
        version: str | None = None,
        invoker_context: Mapping[str, Any] | None = None,
        platform: Platform = "local",
        raw: Any = None,
        remaining: Callable[[], float] | None = None,
    ) -> None:
        self.request_id: str | None = request_id
        self.function_name: str | None = function_name
        self.version: str | None = version
        self.invoker_context: Mapping[str, Any] = {} if invoker_context is None else invoker_context
        self.platform: Platform = platform
        self.raw: Any = raw
        self._remaining = remaining

    def remaining_seconds(self) -> float | None:
        """Seconds until the function's own limit, never less than 0; None where the platform does not say.

        Lambda tells it. Function Compute tells the limit, which counts from the moment at which the event came here.
        """
        return None if self._remaining is None else max(0.0, self._remaining())

    @property
    def trace_context(self) -> dict[str, str]:
        """What came with the call for a tracing library to extract, such as ``traceparent``; empty where nothing did.

        It has the texts among `invoker_context`'s ``custom``, where fcall's observers put a trace, so that whatever
        propagator the caller uses finds its own fields. What the caller itself said in ``w3c`` goes first.
        """
        carrier = _texts(self.invoker_context.get("custom"))
        said = _texts(self.invoker_context.get("w3c"))
        if said:  # not mixed: the fields of two traces make no third one
            carrier = {name: value for name, value in carrier.items() if name not in _W3C_FIELDS}
        return {**carrier, **said}

    def __repr__(self) -> str:
        shown = ("platform", "function_name", "version", "request_id")
        return f"Context({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def context_of(raw: Any) -> Context:
    """The context that a runtime handed over; what is of no known shape is a plain call's."""
    if isinstance(raw, Context):
        return raw
    if _member(raw, "aws_request_id") is not None:
        return _of_lambda(raw)
    if _member(raw, "function") is not None:
        return _of_function_compute(raw)
    if _member(raw, "requestId") is not None or _member(raw, "invokerContext") is not None:
        return _of_link_iot_edge(raw)
    return Context(raw=raw)


def _of_lambda(raw: Any) -> Context:
    return Context(
        request_id=raw.aws_request_id,
        function_name=raw.function_name,
        version=raw.function_version,
        invoker_context=_client_context(raw),
        platform="lambda",
        raw=raw,
        remaining=lambda: raw.get_remaining_time_in_millis() / 1000,
    )


def _client_context(raw: Any) -> dict[str, Any]:
    """The parts of the client context that Lambda carries, as the object that the caller gave."""
    given = _member(raw, "client_context")
    parts = {name: _member(given, name) for name in ("custom", "env")}
    client = _member(given, "client")
    if client is not None:
        fields = {name: _member(client, name) for name in _CLIENT_FIELDS}
        parts["client"] = {name: value for name, value in fields.items() if value is not None}
    w3c = _member(raw, "w3c")  # newer runtimes take the trace out of the client context
    parts["w3c"] = (w3c() or None) if callable(w3c) else None
    return {name: value for name, value in parts.items() if value is not None}


def _of_function_compute(raw: Any) -> Context:
    function, service = raw.function, _member(raw, "service")
    told = (_member(place, name) for name in ("version_id", "qualifier") for place in (function, service))
    return Context(
        request_id=_member(raw, "request_id"),
        function_name=_member(function, "name"),
        version=next(filter(None, told), None),
        platform="fc",
        raw=raw,
        remaining=_countdown(_member(function, "timeout")),
    )


def _of_link_iot_edge(raw: Any) -> Context:
    return Context(
        request_id=_member(raw, "requestId"),
        function_name=_member(raw, "functionName"),
        invoker_context=_decoded(_member(raw, "invokerContext")),
        platform="linkedge",
        raw=raw,
    )


def _texts(given: Any) -> dict[str, str]:
    """The members of an object that are texts."""
    if not isinstance(given, dict):
        return {}
    return {name: value for name, value in given.items() if isinstance(value, str)}


def _member(thing: Any, name: str) -> Any:
    """A member of an object, or of a dict, that a runtime may have or not."""
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)


def _countdown(limit: Any) -> Callable[[], float] | None:
    """What is left of a limit, in seconds, which Function Compute writes as a text or as a number."""
    try:
        ends_at = time.monotonic() + float(limit)
    except (TypeError, ValueError):
        return None
    return lambda: ends_at - time.monotonic()


def _decoded(given: Any) -> Mapping[str, Any]:
    """The invoker context as an object. A gateway is documented to decode it; otherwise it is base64 of JSON."""
    if isinstance(given, str):
        import base64
        import json

        try:
            given = json.loads(given if given.lstrip()[:1] == "{" else base64.b64decode(given, validate=True))
        except ValueError:
            return {}
    return given if isinstance(given, dict) else {}
