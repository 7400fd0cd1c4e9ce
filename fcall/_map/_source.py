"""Sources: the iterables that items come from, read no further than there is room for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from fcall._map._crew import Crew

__all__ = ["fill"]

_LONGEST_READ = 0.001
"""Seconds; an iterable that takes longer is not read ahead of while outcomes wait to be handed over."""


def fill(crew: Crew, source: Iterator[Any], *, patient: bool = True) -> bool:
    """Read as many items as there is room for, on the consumer's thread, and have workers for them.

    What the iterable raises comes to the consumer after everything that was read before.

    Args:
        crew: who works on the items.
        source: where they come from.
        patient: an iterable that takes long is interrupted only for outcomes to be handed over.

    Returns:
        False where it stopped because the iterable takes long, and nothing is to be handed over yet.
    """
    work = crew.work
    ends_at = time.monotonic() + _LONGEST_READ
    for _ in range(work.room):
        try:
            event = next(source)
        except StopIteration:
            work.end()
            break
        except Exception as error:  # noqa: BLE001 - see above
            work.end(error)
            break
        work.put(event)
        if not work.workers:
            crew.engage()
        if (work.arrived or not patient) and time.monotonic() > ends_at:
            crew.engage()
            return work.arrived > 0
    crew.engage()
    return True
