"""Providers that are wrong beside others: tasks, threads, processes, and those who read what they show."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace

from exam_reference import TOKEN, Reference, ReferenceOptions, Reply
from exam_wrong import WrongFailure, WrongRequest, found_by

from fcall.errors import FcallError, InvocationTimeoutError, ProviderUnavailableError, ThrottledError
from fcall.provider import Deadline, Invocation, InvocationResult

# Event loops


@found_by("a_call_is_possible_beside_an_event_loop")
class Driving(Reference):
    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        if asyncio._get_running_loop() is not None:
            raise RuntimeError("asyncio.run() cannot be called from a running event loop")
        return asyncio.run(self.invoke_asyncio(invocation, deadline))


@found_by("asyncio_answers_as_threads_do")
class Twins(Reference):
    """Its awaitable twin was not kept up."""

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        try:
            return await super().invoke_asyncio(invocation, deadline)
        except ThrottledError as error:
            error.code = None
            raise


@found_by("asyncio_does_not_block_the_event_loop", "a_cancelled_call_ends_as_cancelled")
class Blocking(Reference):
    stall = 0.3

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        return self.invoke(invocation, deadline)


@found_by("asyncio_honours_the_deadline")
class PatientTask(Reference):
    stall = 0.3

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        return await super().invoke_asyncio(invocation, Deadline.after(60))


@found_by("a_cancelled_call_ends_as_cancelled")
class Uncancelled(Reference):
    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        try:
            return await super().invoke_asyncio(invocation, deadline)
        except asyncio.CancelledError:
            raise InvocationTimeoutError("cancelled") from None


# Sharing


@found_by("threads_do_not_mix_up_answers")
class Shared(Reference):
    """It keeps the event of a call in itself. Beside the main thread it waits for another call to change it."""

    def __init__(self, options: ReferenceOptions) -> None:
        super().__init__(options)
        self.another = threading.Condition()
        self.event = b""

    def sent(self, invocation: Invocation) -> Future[Reply]:
        with self.another:
            self.event = invocation.payload
            self.another.notify_all()
            if threading.current_thread() is not threading.main_thread():
                self.another.wait_for(lambda: self.event != invocation.payload, timeout=0.2)
            event = self.event
        return super().sent(replace(invocation, payload=event))


@found_by("calls_do_not_wait_for_each_other")
class OneAtATime(Reference):
    stall = 0.3

    def __init__(self, options: ReferenceOptions) -> None:
        super().__init__(options)
        self.turn = threading.Lock()

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        with self.turn:
            return super().invoke(invocation, deadline)


@found_by("a_fork_is_survived")
class OneProcess(Reference):
    """A child finds the lock taken."""

    def __init__(self, options: ReferenceOptions) -> None:
        super().__init__(options)
        self.process = os.getpid()

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        if os.getpid() != self.process:
            raise InvocationTimeoutError("the lock is taken")
        return super().invoke(invocation, deadline)


# Closing


@found_by("closing_twice_is_harmless", "closing_finishes_what_was_accepted")
class ClosedOnce(Reference):
    def __init__(self, options: ReferenceOptions) -> None:
        super().__init__(options)
        self.session: list[str] | None = ["open"]

    def close(self) -> None:
        if self.session is None:
            raise AttributeError("'NoneType' object has no attribute 'clear'")
        self.session = None


@found_by(
    "closing_an_unused_provider_is_harmless",
    "a_deadline_that_has_passed_sends_nothing",
    "capabilities_are_well_formed",
    "functions_are_listed",
    "what_is_not_declared_is_refused",
)
class ClosesWhatItHas(Reference):
    """Its `close` needs the connection that the first call makes."""

    def sent(self, invocation: Invocation) -> Future[Reply]:
        self.connection = "open"
        return super().sent(invocation)

    def close(self) -> None:
        assert self.connection


@found_by("closing_leaves_nothing_open")
class LeftOpen(Reference):
    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.connection = socket.socket()
        return super().invoke(invocation, deadline)


# Discretion


@found_by("nothing_secret_is_told_of_a_call")
class Quoting(WrongFailure):
    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        error.message = f"it failed for {invocation.payload!r}"
        error.args = (error.message,)
        return error


@found_by("nothing_secret_is_told_of_a_call")
class QuotingItsHeaders(WrongFailure):
    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        if isinstance(error, ProviderUnavailableError):
            error.add_note(f"Authorization: Bearer {TOKEN}")
        return error


@found_by("nothing_secret_is_told_of_a_call")
class Logging(WrongRequest):
    def changed(self, invocation: Invocation) -> Invocation:
        logging.getLogger("reference").debug("sending %r", invocation.payload)
        return invocation


@found_by("nothing_secret_is_told_of_a_call")
class Printing(WrongRequest):
    def changed(self, invocation: Invocation) -> Invocation:
        print(f"Authorization: Bearer {TOKEN}")  # noqa: T201 - it is what is wrong
        return invocation


@found_by("nothing_secret_is_in_a_repr")
class Shown(Reference):
    def __repr__(self) -> str:
        return f"Shown(token={TOKEN!r})"


@dataclass(frozen=True)
class _OpenOptions(ReferenceOptions):
    """Options whose token nobody marked as secret."""

    token: str = ""


@found_by("nothing_secret_is_in_a_repr")
class ShownOptions(Reference):
    def __init__(self, options: ReferenceOptions) -> None:
        super().__init__(_OpenOptions(options.platform, options.token))
