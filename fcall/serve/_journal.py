"""The journal: what was called lately, for the terminal and for the page."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from fcall._log import logger
from fcall._wording import quoted
from fcall.errors import FcallError, FunctionError
from fcall.serve._api import Call, Outcome

__all__ = ["Entry", "Journal"]

_MOST = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One call that was answered. It holds no payload.

    Attributes:
        at: when it was answered, in seconds since 1970.
        api: the name of the API.
        function: the function, with its service where it was called by one.
        type: ``"Sync"``, ``"Async"`` or ``"DryRun"``.
        outcome: ``"ok"``, or the name of the error's class.
        detail: the function's own name for its error, or an empty text.
        status: the HTTP status of the answer.
        seconds: from the whole request to the answer.
        request_id: the invocation's, or None where it came to none.
        log_tail: the end of the function's log, where it was brought.
    """

    at: float
    api: str
    function: str
    type: str
    outcome: str
    detail: str
    status: int
    seconds: float
    request_id: str | None
    log_tail: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, api: str, call: Call, outcome: Outcome, status: int, seconds: float) -> Entry:
        """The entry for a call."""
        name = f"{call.service}/{call.function.function}" if call.service else call.function.name
        failed = isinstance(outcome, FcallError)
        detail = outcome.error_type if isinstance(outcome, FunctionError) else ""
        log_tail = getattr(outcome, "log_tail", None)
        return cls(
            time.time(),
            api,
            name,
            call.type,
            type(outcome).__name__ if failed else "ok",
            detail,
            status,
            seconds,
            outcome.request_id,
            log_tail,
        )

    def __str__(self) -> str:
        moment = time.strftime("%H:%M:%S", time.localtime(self.at))
        outcome = f"{self.outcome} ({quoted(self.detail, 60)})" if self.detail else self.outcome
        took = f"{self.seconds * 1000:.1f} ms"
        return f"{moment}  {self.api}  {self.function}  {self.type}  {self.status} {outcome}  {took}  {self.request_id}"


class Journal:
    """The last calls, the newest last. It may be used from many threads.

    Args:
        tell: is shown every entry.
    """

    def __init__(self, tell: Callable[[Entry], object] | None = None) -> None:
        self._entries: deque[Entry] = deque(maxlen=_MOST)
        self._tell = tell

    def add(self, entry: Entry) -> None:
        """Keep an entry, and show it."""
        self._entries.append(entry)
        try:
            if self._tell is not None:
                self._tell(entry)
        except Exception:  # noqa: BLE001 - who only watches changes no answer
            logger.exception("a call could not be shown")

    def last(self, number: int = _MOST) -> Sequence[Entry]:
        """The newest entries, the newest first."""
        return [*islice(reversed(self._entries.copy()), number)]
