"""Async calls: what is accepted is run, run again where it fails, and told of where it fails for good."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Protocol

from fcall import _json
from fcall._invocation import Invocation
from fcall._log import logger
from fcall.errors import FcallError, UnmappedProviderError
from fcall.local._clock import Clock
from fcall.local._destination import Destination, document_of, failed_event, invocation_of, told
from fcall.local._events import Condition, Event, Rules, is_worth_another_attempt
from fcall.local._queue import EventQueue
from fcall.local._records import note
from fcall.local._request_id import new_request_id

if TYPE_CHECKING:
    from fcall.local._store import Store

__all__ = ["AsyncCalls", "Nowhere"]


class Runner(Protocol):
    """What runs events."""

    def run_event(self, event: Event) -> None:
        """Make one attempt.

        Raises:
            FcallError: it failed.
        """

    def has(self, invocation: Invocation) -> bool:
        """Whether there is a function to run."""


class Nowhere:
    """The store of a queue that is not durable: it keeps nothing."""

    path = ""

    def add(self, event: Event) -> None: ...

    def remove(self, event: Event) -> None: ...

    def update(self, event: Event) -> None: ...

    def release(self, event: Event) -> None: ...

    def replace(self, event: Event, by: Event) -> None: ...

    def take_over(self) -> tuple[list[Event], int]:
        return [], 0

    def close(self) -> None: ...


class AsyncCalls:
    """The Async calls of one provider.

    Args:
        runner: makes the attempts.
        queue: says when.
        rules: say how often.
        destination: what is told of an event that is given up, or None.
        store: where events are kept until they are done.
        clock: what their age is measured by.
    """

    def __init__(
        self,
        runner: Runner,
        queue: EventQueue,
        rules: Rules,
        destination: Destination | None,
        store: Store | Nowhere,
        clock: Clock,
    ) -> None:
        self._runner = runner
        self._queue = queue
        self._rules = rules
        self._destination = destination
        self._call = destination if callable(destination) else None
        self._store = store
        self._clock = clock
        self._left_over = False

    def accept(self, event: Event) -> None:
        """Have an event run.

        Raises:
            ThrottledError: too many wait.
            ProviderUnavailableError: it cannot be kept, or nothing can run it; it will not run.
        """
        self._queue.put(partial(self._handle, event), keep=partial(self._keep, event))

    def resume(self) -> None:
        """Run what the store has kept and nobody runs. What has no function stays there.

        Raises:
            ConfigurationError: the store cannot be used.
            ProviderUnavailableError: nothing can run events any more.
        """
        events, others = self._store.take_over()
        missing: Counter[str] = Counter()
        for event in events:
            self._readdress(event)
            if (event.is_record and self._call is not None) or self._runner.has(event.invocation):
                self._queue.add(partial(self._handle, event))
            else:
                self._store.release(event)
                missing[_name(event)] += 1
        self._left_over = bool(missing)
        for name, number in missing.items():
            logger.warning("%s keeps events of %s, which is no function here (yet): %d", self._store.path, name, number)
        if others:
            logger.warning("%s keeps events for another runtime or root: %d", self._store.path, others)

    def resume_left_over(self) -> None:
        """`resume`, where some event had no function the last time. It raises nothing."""
        if self._left_over:
            try:
                self.resume()
            except FcallError as error:
                logger.error("the events that %s keeps could not be resumed: %s", self._store.path, error)

    def close(self) -> None:
        """Wait for what was accepted, without its pauses, and let go of the store.

        Raises:
            ConfigurationError: it was called by an event of this queue.
        """
        self._queue.finish()
        self._store.close()

    def _keep(self, event: Event) -> None:
        event.accepted_at = self._clock.time()  # no pause ends between here and its acceptance
        self._store.add(event)

    def _readdress(self, event: Event) -> None:
        """Send a record of an earlier process to the destination of this one."""
        if event.is_record and self._destination is not None:
            event.invocation = invocation_of(self._destination, event.invocation.payload)

    def _handle(self, event: Event) -> float | None:
        """Run an event, unless it is to be given up; the pause before it runs again, or None where it does not."""
        condition = self._rules.gives_up(event.attempts, self._age(event))
        if condition is None:
            return self._run(event)
        self._give_up(event, condition)
        return None

    def _run(self, event: Event) -> float | None:
        error = self._attempt(event)
        event.attempts += 1
        if error is None:
            note(event.invocation, event.request_id, event.attempts, "ok")
            self._store.remove(event)
            return None
        event.failure = document_of(error)
        pause = self._rules.pause_after(event.attempts)
        condition = self._rules.gives_up(event.attempts, self._age(event) + pause)
        runs_again = condition is None and is_worth_another_attempt(error)
        note(event.invocation, event.request_id, event.attempts, "failed", error, given_up=not runs_again)
        if runs_again:
            self._store.update(event)
            logger.info("attempt %d of the Async call %s failed: %s", event.attempts, event.request_id, error)
            return pause
        self._give_up(event, condition or "RetriesExhausted", error)
        return None

    def _age(self, event: Event) -> float:
        """Seconds; a record is told of however old it is."""
        return 0.0 if event.is_record else self._clock.time() - event.accepted_at

    def _attempt(self, event: Event) -> FcallError | None:
        try:
            if event.is_record and self._call is not None:
                told(self._call, event.invocation, event.request_id)
            else:
                self._runner.run_event(event)
        except FcallError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a fault of ours, or of the system, is not the end of the event
            logger.exception("the Async call %s raised what is no error of fcall", event.request_id)
            return UnmappedProviderError(f"running the function raised {type(error).__name__}; see the log")
        return None

    def _give_up(self, event: Event, condition: Condition, error: FcallError | None = None) -> None:
        if condition == "EventAgeExceeded":
            note(event.invocation, event.request_id, event.attempts, "expired", given_up=True)
        logger.error("the Async call %s of %s failed: %s", event.request_id, _name(event), error or condition)
        if event.is_record:
            self._keep_record(event)
        elif self._destination is None:
            self._store.remove(event)
        else:
            self._tell(self._destination, event, condition)

    def _tell(self, destination: Destination, event: Event, condition: Condition) -> None:
        now = self._clock.time()
        record = _json.encode(failed_event(event, condition, now))
        telling = Event(invocation_of(destination, record), new_request_id(), event.nesting, now, is_record=True)
        self._store.replace(event, telling)
        self._queue.add(partial(self._handle, telling))

    def _keep_record(self, event: Event) -> None:
        """Leave a record that nobody took to the next start, if it is kept at all."""
        note(event.invocation, event.request_id, event.attempts, "undeliverable")
        event.attempts, event.failure = 0, None
        self._store.update(event)


def _name(event: Event) -> str:
    return event.invocation.function_id or event.invocation.function
