"""One exchange: a request of an API becomes a call, and what comes of it becomes the answer."""

from __future__ import annotations

import time
from collections.abc import Callable

from fcall._log import logger
from fcall.serve._api import Answer, Api, Call, Keys, Outcome, Request
from fcall.serve._journal import Entry, Journal
from fcall.serve._stage import Stage

__all__ = ["Exchange"]


class Exchange:
    """Answers one request, on a thread that may be kept waiting.

    Args:
        api: the API that the request speaks.
        request: the request.
        stage: what runs functions.
        keys: what a request has to be signed by, or None where signatures are not looked at.
        journal: is told of the call.
        wants_log: bring the end of every log, for the journal.
    """

    def __init__(
        self, api: Api, request: Request, stage: Stage, keys: Keys | None, journal: Journal, *, wants_log: bool
    ) -> None:
        self._api = api
        self._request = request
        self._stage = stage
        self._keys = keys
        self._journal = journal
        self._wants_log = wants_log
        self._started = time.monotonic()
        self._is_over = False

    def answer(self, has_begun: Callable[[Call], object]) -> Answer:
        """The answer. Whatever goes wrong in the server or in a plugin becomes one too.

        Args:
            has_begun: told of the call before it runs.
        """
        try:
            refusal = None if self._keys is None else self._api.verify(self._request, self._keys)
            call = refusal or self._api.read(self._request, self._stage.functions)
            if isinstance(call, Answer):
                return call
            has_begun(call)
            wants_log = self._wants_log or call.log_tail
            return self.answered(call, self._stage.run(call, self._api.runtime, log_tail=wants_log))
        except Exception:  # noqa: BLE001 - a fault of one answer is not the end of the server
            logger.exception("the API %s could not answer a request", self._api.name)
            return self._api.problem(self._request, 500, "the server failed; its log says how")

    def overdue(self, call: Call) -> Answer:
        """The answer to a call whose function hangs in this process."""
        return self.answered(call, self._stage.overdue(call, self._api.runtime))

    def answered(self, call: Call, outcome: Outcome) -> Answer:
        """The answer to a call, noted in the journal; what comes after it is noted no more."""
        answer = self._api.answer(call, outcome)
        seconds = time.monotonic() - self._started
        if self._is_over:
            return answer
        self._is_over = True
        self._journal.add(Entry.of(self._api.name, call, outcome, answer.status, seconds))
        return answer
