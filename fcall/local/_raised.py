"""What the code of a handler raised, which may be anything."""

from __future__ import annotations

import threading

__all__ = ["is_interrupt", "words_of"]


def is_interrupt(error: BaseException) -> bool:
    """Whether somebody pressed Ctrl-C: only the main thread is told; on another one the handler's code raised it."""
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


def words_of(error: BaseException) -> str | None:
    """What the error says, or None where it cannot even be asked."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - it is not our code that raises
        return None
