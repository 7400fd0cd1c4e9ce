"""The door for those who write a provider.

A provider is a plain object with `capabilities`, `invoke` and `close`. A plugin hands over a `ProviderSpec` from its
``fcall_register_providers`` hook, and fcall makes the provider when a call needs it. A provider

- is called from many threads at once,
- makes one attempt and never retries: whether to try again is decided in one place, the flow,
- honours the deadline it is given,
- raises only errors of `fcall.errors`, each with the right `executed`,
- imports its SDK at the first call, not when the plugin is imported.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from fcall._calls import Call, CallOutcome
from fcall._deadline import Deadline
from fcall._error_table import ErrorRow, ErrorTable
from fcall._fork import forget_in_child
from fcall._invocation import Invocation, InvocationType
from fcall._result import FunctionInfo, InvocationResult
from fcall._target import Target, parse_named

__all__ = [
    "ALL_KEYS",
    "AsyncioProvider",
    "Call",
    "CallOutcome",
    "Capabilities",
    "Deadline",
    "ErrorRow",
    "ErrorTable",
    "FunctionInfo",
    "Invocation",
    "InvocationResult",
    "InvocationType",
    "ListingProvider",
    "NoOptions",
    "Provider",
    "ProviderSpec",
    "StreamingProvider",
    "Target",
    "forget_in_child",
    "option",
]

ALL_KEYS: frozenset[str] = frozenset({"*"})
"""In `Capabilities.invoker_context`: the whole object travels, whatever its keys."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one provider instance can do. Asking for more is `UnsupportedFeatureError`, before anything is sent.

    Attributes:
        types: the invocation types it takes.
        qualifier: versions and aliases can be named.
        log_tail: the end of the function's log can be had on Sync calls.
        invoker_context: by invocation type, the top-level keys of the invoker context that reach the function;
            `ALL_KEYS` where the whole object travels.
        streaming: it has `stream`.
        listing: it has `list_functions`.
        idempotency: the invocation types for which it can enforce an idempotency key. A provider that can do so for
            some calls only refuses the others itself.
        payload_limits: by invocation type, the largest request payload in bytes.
        sync_timeout: seconds that a Sync call waits where neither the call nor the configuration says.
        other_timeout: the same for Async, DryRun and listing.
    """

    types: frozenset[InvocationType] = frozenset({"Sync", "Async"})
    qualifier: bool = False
    log_tail: bool = False
    invoker_context: Mapping[InvocationType, frozenset[str]] = field(default_factory=dict)
    streaming: bool = False
    listing: bool = False
    idempotency: frozenset[InvocationType] = frozenset()
    payload_limits: Mapping[InvocationType, int] = field(default_factory=dict)
    sync_timeout: float = 60.0
    other_timeout: float = 30.0


class Provider(Protocol):
    """One way to reach functions. It is made once for its options and called from many threads."""

    @property
    def capabilities(self) -> Capabilities:
        """What this instance can do."""

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        """Make one attempt.

        Args:
            invocation: the call, with the names this provider knows; `options` is an instance of the spec's
                `call_options`.
            deadline: when the attempt has to be over.

        Raises:
            FcallError: any failure, with the right `executed`.
        """

    def close(self) -> None:
        """Let go of connections and threads. What was accepted is finished first. It may be called twice."""


@runtime_checkable
class AsyncioProvider(Protocol):
    """A provider that can also be awaited."""

    def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> Awaitable[InvocationResult | None]:
        """`Provider.invoke`, without blocking the event loop.

        None says that this call cannot be awaited after all and that nothing of it was sent: fcall then calls `invoke`
        on a thread.
        """


@runtime_checkable
class StreamingProvider(Protocol):
    """A provider that can hand over an answer while it is made."""

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        """The answer in pieces. It raises unless the answer came to its end; the deadline covers the last piece."""


@runtime_checkable
class ListingProvider(Protocol):
    """A provider that can list its functions."""

    def list_functions(
        self, service: str | None, deadline: Deadline, configured: Collection[str] = ()
    ) -> Iterator[FunctionInfo]:
        """All functions of the service, lazily, with `name` and `provider_name` both the provider's own name.

        Args:
            service: the provider's own name of the service, or None where it has none.
            deadline: when the whole listing has to be over.
            configured: names of functions that the configuration writes down for this service; a provider that cannot
                look its functions up may describe these.
        """


@dataclass(frozen=True, slots=True)
class NoOptions:
    """The options of a provider that has none."""


def option(
    default: Any = dataclasses.MISSING, *, in_target: bool = False, secret: bool = False, path: bool = False
) -> Any:
    """A field of an options class, with what the configuration has to know of it.

    Args:
        default: its value where nothing sets it; without a default the option is required.
        in_target: it may stand in a target (``aws:name?region=…``). Never for a credential or an endpoint.
        secret: it is never taken from a file as it stands, only as ``env:NAME``, and is never shown.
        path: it is a path; in a file it is relative to that file's folder, elsewhere to the working directory.
    """
    metadata = {"in_target": in_target, "secret": secret, "path": path}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """What a plugin says of a provider.

    Attributes:
        name: the provider's name, the same as its entry point's.
        create: makes the provider from an instance of `options`. It raises `ConfigurationError` where the options do
            not fit together, and imports no SDK.
        options: a frozen dataclass: what the configuration may say. Its field types are checked.
        call_options: a frozen dataclass: what one call may say in `options`.
        parse_target: reads what follows ``name:`` in a target. The default reads ``[service/]function[:qualifier]``.
        inherits_service: a configured service that does not set `service` hands its own name on to the provider. False
            where the provider has no services, or means something else by their absence.
        install_hint: what to run where the SDK is missing, such as ``pip install fcall-aws``.
        summary: one line for ``fcall providers``.
    """

    name: str
    create: Callable[[Any], Provider]
    options: type = NoOptions
    call_options: type = NoOptions
    parse_target: Callable[[str], Target] = parse_named
    inherits_service: bool = True
    install_hint: str = ""
    summary: str = ""
