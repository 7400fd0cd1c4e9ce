"""The provider: one call of the SDK for each attempt, on a thread that can be left behind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from fcall.errors import InvalidParamsError
from fcall.provider import ALL_KEYS, Capabilities, Deadline, Invocation, InvocationResult, forget_in_child, option
from fcall_linkedge._answers import result_of
from fcall_linkedge._errors import error_raised, errors_of
from fcall_linkedge._sdk import Sdk, imported
from fcall_linkedge._threads import CallThreads

__all__ = ["LinkEdgeOptions", "LinkEdgeProvider"]

# Names become parts of an ARN. The vendor documents [a-zA-Z][\w-]{0,127}; Function Compute takes a leading "_" as well.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")


@dataclass(frozen=True, slots=True)
class LinkEdgeOptions:
    """The options of the provider `linkedge`.

    Attributes:
        max_concurrency: how many calls the gateway has at once at most, those included that nobody waits for any more.
            Whether the gateway's modules may be used from several threads is not documented; 1 is safe either way.
    """

    max_concurrency: int = option(16)

    def __post_init__(self) -> None:
        if self.max_concurrency < 1:
            raise ValueError("max_concurrency is 1 or more")


class LinkEdgeProvider:
    """Calls functions of the gateway by way of `lecoresdk`, of either generation.

    Args:
        options: how.
    """

    capabilities: Capabilities = Capabilities(
        types=frozenset({"Sync", "Async"}),
        invoker_context={"Sync": ALL_KEYS, "Async": ALL_KEYS},
        sync_timeout=65.0,
        other_timeout=30.0,
    )

    def __init__(self, options: LinkEdgeOptions) -> None:
        self._options = options
        self.after_fork_in_child()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """Begin anew: the threads, and what they hold, are the parent's."""
        self._threads = CallThreads(self._options.max_concurrency)
        self._sdk: Sdk | None = None

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        """Make one attempt. The first one imports the SDK, on this thread.

        Raises:
            ProviderNotInstalledError: this is no gateway, or the SDK found other modules than the gateway's.
            FcallError: any other failure, with the right `executed`.
        """
        _check_names(invocation)
        sdk = self._current_sdk()
        outcome = self._threads.run(partial(sdk.client.invoke_function, sdk.params(invocation)), deadline)
        if outcome.error is not None:
            raise error_raised(outcome.error) from outcome.error
        return result_of(outcome.value, invocation.type, errors_of(sdk.generation))

    def close(self) -> None:
        """There is nothing to let go of; a call that is under way ends by itself."""

    def _current_sdk(self) -> Sdk:
        """The SDK as it is now: an emulator may have put another one in its place."""
        module = imported()
        if self._sdk is None or self._sdk.module is not module:
            self._sdk = Sdk(module)
        return self._sdk


def _check_names(invocation: Invocation) -> None:
    """See that the names mean nothing else within an ARN; an id is taken as it is.

    Raises:
        InvalidParamsError: they do.
    """
    if invocation.function_id is not None:
        return
    if invocation.service is None:
        raise InvalidParamsError("a function on a gateway belongs to a service; call it as 'service/function'")
    if not (_NAME.fullmatch(invocation.service) and _NAME.fullmatch(invocation.function)):
        raise InvalidParamsError(
            "on a gateway the name of a service or of a function has 1 to 128 of the characters A-Z a-z 0-9 _ -, and "
            "begins with a letter or '_'"
        )
