"""What the code of a handler raised, which may be anything."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterable

__all__ = ["formatted", "is_interrupt", "words_of"]


def is_interrupt(error: BaseException) -> bool:
    """Whether somebody pressed Ctrl-C: only the main thread is told; on another one the handler's code raised it."""
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


def words_of(error: BaseException) -> str | None:
    """What the error says, or None where it cannot even be asked."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - it is not our code that raises
        return None


def formatted(frames: Iterable[traceback.FrameSummary]) -> tuple[str, ...]:
    """One text per frame, as Lambda's runtime writes it: without the marks that Python puts under the code."""
    return tuple(
        traceback.format_list([(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames])
    )
