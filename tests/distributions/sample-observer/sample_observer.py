"""An observer with all four hooks: it keeps what it is told, in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import fcall
from fcall.errors import Attempt
from fcall.provider import Call, CallOutcome

TOLD: list[tuple[str, str]] = []
"""The hook and the call's id, for everything that was told."""


@fcall.hookimpl
def fcall_invoker_context(call: Call) -> Mapping[str, Any]:
    TOLD.append(("fcall_invoker_context", call.id))
    return {"trace": call.id}


@fcall.hookimpl
def fcall_before_invoke(call: Call) -> None:
    TOLD.append(("fcall_before_invoke", call.id))


@fcall.hookimpl
def fcall_on_retry(call: Call, attempt: Attempt) -> None:
    TOLD.append(("fcall_on_retry", call.id))


@fcall.hookimpl
def fcall_after_invoke(call: Call, outcome: CallOutcome) -> None:
    TOLD.append(("fcall_after_invoke", call.id))
