"""An observer with a misspelt hook: without a check it would never be told, and nobody would notice."""

from __future__ import annotations

import fcall
from fcall.provider import Call


@fcall.hookimpl
def fcall_befor_invoke(call: Call) -> None:
    raise AssertionError("nobody calls this")
