"""The hooks that a plugin can implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pluggy

from fcall._calls import Call, CallOutcome
from fcall.errors import Attempt
from fcall.provider import ProviderSpec

__all__ = ["hookimpl", "hookspec"]

hookspec: pluggy.HookspecMarker = pluggy.HookspecMarker("fcall")
hookimpl: pluggy.HookimplMarker = pluggy.HookimplMarker("fcall")


@hookspec
def fcall_register_providers() -> ProviderSpec | list[ProviderSpec]:
    """Hand over the plugin's providers.

    Called once when the plugin is loaded, on the thread that needs the provider. Raising makes the plugin a failed one:
    its error is kept, shown by ``fcall doctor``, and raised when its provider is asked for.
    """
    raise NotImplementedError


@hookspec
def fcall_invoker_context(call: Call) -> Mapping[str, Any] | None:
    """Add keys to ``custom`` in the invoker context, such as a trace context.

    Called before the first attempt, on the caller's thread, where the provider can carry the context on this call. It
    never overwrites a key that the caller set. Raising is logged and adds nothing.
    """


@hookspec
def fcall_before_invoke(call: Call) -> None:
    """See a call before its first attempt.

    Called on the caller's thread and in its context: the provider sees the context variables that are set here. Raising
    is logged and changes nothing.
    """


@hookspec
def fcall_on_retry(call: Call, attempt: Attempt) -> None:
    """See a failed attempt that will be made again after ``attempt.retry_in`` seconds.

    Called on the caller's thread, before the pause. Raising is logged and changes nothing.
    """


@hookspec
def fcall_after_invoke(call: Call, outcome: CallOutcome) -> None:
    """See how a call ended; for a stream, after its last piece.

    Called exactly once for every call that `fcall_before_invoke` saw, on the caller's thread, also where the call was
    interrupted. Raising is logged and changes nothing.
    """
