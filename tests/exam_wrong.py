"""Providers that are wrong in one way each. `WRONG` says which check of the exam finds which."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import unquote

from exam_reference import LIMIT, TOKEN, Reference, ReferenceOptions, Reply

from fcall.errors import (
    AuthenticationError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionCrashedError,
    FunctionError,
    FunctionNotReadyError,
    InvalidRequestError,
    InvocationTimeoutError,
    ProviderUnavailableError,
    ThrottledError,
)
from fcall.provider import Capabilities, Deadline, FunctionInfo, Invocation, InvocationResult

WRONG: dict[str, list[tuple[type[Reference], frozenset[str]]]] = {}
"""By the check that is to find them: wrong providers, each with the other checks that find it too."""


def found_by(check: str, *others: str) -> Callable[[type[Reference]], type[Reference]]:
    """The exam fails this provider in the one check, and in these others, and in no more."""

    def noted(wrong: type[Reference]) -> type[Reference]:
        WRONG.setdefault(f"test_{check}", []).append((wrong, frozenset(f"test_{other}" for other in others)))
        return wrong

    return noted


class WrongResult(Reference):
    """Its results are changed."""

    def result(self, invocation: Invocation, reply: Reply) -> InvocationResult:
        return self.changed(invocation, super().result(invocation, reply))

    def changed(self, invocation: Invocation, result: InvocationResult) -> InvocationResult:
        raise NotImplementedError


class WrongFailure(Reference):
    """Its errors are changed."""

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        try:
            return super().invoke(invocation, deadline)
        except FcallError as error:
            raise self.changed(invocation, error) from error.__cause__

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        try:
            return await super().invoke_asyncio(invocation, deadline)
        except FcallError as error:
            raise self.changed(invocation, error) from error.__cause__

    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        raise NotImplementedError


class WrongRequest(Reference):
    """What it sends is changed."""

    def sent(self, invocation: Invocation) -> Future[Reply]:
        return super().sent(self.changed(invocation))

    def changed(self, invocation: Invocation) -> Invocation:
        raise NotImplementedError


# Answers


@found_by("an_event_arrives")
class Created(WrongResult):
    def changed(self, invocation: Invocation, result: InvocationResult) -> InvocationResult:
        return replace(result, status_code=201) if result.status_code == 200 else result


@found_by("an_event_arrives")
class Compacted(WrongRequest):
    def changed(self, invocation: Invocation) -> Invocation:
        return replace(invocation, payload=invocation.payload.replace(b", null", b",null"))


@found_by("an_empty_payload_arrives")
class NeverEmpty(WrongRequest):
    def changed(self, invocation: Invocation) -> Invocation:
        return replace(invocation, payload=invocation.payload or b"{}")


@found_by("null_arrives")
class NullIsNothing(WrongRequest):
    def changed(self, invocation: Invocation) -> Invocation:
        return replace(invocation, payload=b"" if invocation.payload == b"null" else invocation.payload)


@found_by("unicode_arrives")
class Ascii(WrongRequest):
    def changed(self, invocation: Invocation) -> Invocation:
        try:
            return replace(invocation, payload=invocation.payload.decode().encode("ascii", "replace"))
        except UnicodeDecodeError:
            return invocation


@found_by("bytes_arrive")
class TextOnly(WrongRequest):
    def changed(self, invocation: Invocation) -> Invocation:
        return replace(invocation, payload=invocation.payload.decode(errors="replace").encode())


@found_by("a_large_payload_arrives")
class OneRead(WrongResult):
    def changed(self, invocation: Invocation, result: InvocationResult) -> InvocationResult:
        return replace(result, payload=result.payload[:65_536])


@found_by("a_result_is_well_formed")
class NumberedRequests(WrongResult):
    def changed(self, invocation: Invocation, result: InvocationResult) -> InvocationResult:
        number: Any = 7
        return replace(result, request_id=number)


@found_by("one_attempt_is_one_run", "one_attempt_is_one_request")
class TriesAgain(Reference):
    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        try:
            return super().invoke(invocation, deadline)
        except FunctionError:
            return super().invoke(invocation, deadline)


@found_by("a_name_is_only_a_name")
class Unquoting(WrongRequest):
    def changed(self, invocation: Invocation) -> Invocation:
        return replace(invocation, function=unquote(invocation.function))


@found_by("a_name_is_only_a_name")
class Path(WrongRequest):
    def changed(self, invocation: Invocation) -> Invocation:
        return replace(invocation, function=os.path.normpath(invocation.function).rpartition("/")[2])


# Events


@found_by("an_event_is_accepted_and_runs_once")
class Answered(WrongResult):
    def changed(self, invocation: Invocation, result: InvocationResult) -> InvocationResult:
        return replace(result, status_code=200) if invocation.type == "Async" else result


@found_by("a_failing_event_does_not_fail_the_call")
class Waits(Reference):
    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        result = super().invoke(invocation, deadline)
        if invocation.type == "Async" and invocation.function == "FAIL":
            raise FunctionError("it failed")
        return result


@found_by("closing_finishes_what_was_accepted")
class Batches(Reference):
    """It sends the first event at once, and loses what it collects afterwards."""

    def __init__(self, options: ReferenceOptions) -> None:
        super().__init__(options)
        self.collected: list[Invocation] | None = None

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        if invocation.type != "Async" or invocation.idempotency_key is not None:
            return super().invoke(invocation, deadline)
        if self.collected is None:
            self.collected = []
            return super().invoke(invocation, deadline)
        self.collected.append(invocation)
        return InvocationResult(status_code=202)


@found_by("a_dry_run_runs_nothing")
class Wet(WrongRequest):
    def changed(self, invocation: Invocation) -> Invocation:
        return replace(invocation, type="Sync") if invocation.type == "DryRun" else invocation


@found_by("a_dry_run_finds_what_is_missing")
class Trusting(Reference):
    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        if invocation.type == "DryRun":
            return InvocationResult(status_code=204)
        return super().invoke(invocation, deadline)


# Failures


@found_by("a_function_that_fails_ran")
class Crashing(WrongFailure):
    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        if isinstance(error, FunctionError):
            return FunctionCrashedError(
                error_type=error.error_type,
                error_message=error.error_message,
                log_tail=error.log_tail,
                result=error.result,
            )
        return error


@found_by("a_functions_own_words_are_told")
class Wordless(Reference):
    def error(self, invocation: Invocation, reply: Reply) -> FcallError:
        error = super().error(invocation, reply)
        if isinstance(error, FunctionError):
            error.error_message = ""
        return error


@found_by("the_error_document_is_kept")
class Forgetting(Reference):
    def error(self, invocation: Invocation, reply: Reply) -> FcallError:
        error = super().error(invocation, reply)
        if isinstance(error, FunctionError):
            error.result = None
        return error


@found_by("a_missing_function_did_not_run")
class NotReady(WrongFailure):
    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        found = invocation.function != "MISSING" or invocation.type != "Sync"
        return error if found else FunctionNotReadyError("no such function")


@found_by(
    "a_missing_function_did_not_run",
    "a_name_is_only_a_name",
    "asyncio_answers_as_threads_do",
    "errors_are_whole",
    "nothing_secret_is_told_of_a_call",
    "one_attempt_is_one_request",
)
class Slipping(Reference):
    """It lets an exception through that is not of fcall."""

    def error(self, invocation: Invocation, reply: Reply) -> FcallError:
        if invocation.type == "Sync" and reply.code == "NoSuchFunction":
            raise KeyError(reply.code)
        return super().error(invocation, reply)


@found_by("a_throttled_call_did_not_run")
class GivesUp(WrongFailure):
    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        error.retryable = error.retryable and not isinstance(error, ThrottledError)
        return error


@found_by("a_denied_call_did_not_run")
class Unauthenticated(WrongFailure):
    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        return AuthenticationError("no") if invocation.function == "DENIED" else error


@found_by("a_refused_connection_did_not_run")
class Doubting(WrongFailure):
    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        if invocation.function == "REFUSED":
            error.executed = Executed.MAYBE
        return error


@found_by("a_broken_connection_is_in_doubt")
class Hopeful(WrongFailure):
    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        if invocation.function == "BROKEN":
            error.executed = Executed.NO
        return error


@found_by("a_broken_gateway_is_in_doubt")
class Believing(WrongFailure):
    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        return InvalidRequestError("the gateway says so") if invocation.function == "UNAVAILABLE" else error


@found_by("half_an_answer_is_none")
class Half(Reference):
    def result(self, invocation: Invocation, reply: Reply) -> InvocationResult:
        return super().result(invocation, replace(reply, whole=True))


@found_by("the_cause_is_kept")
class Causeless(Reference):
    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        try:
            return super().invoke(invocation, deadline)
        except FcallError as error:
            raise error from None


@found_by("one_attempt_is_one_request")
class WaitsItsTurn(Reference):
    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        try:
            return super().invoke(invocation, deadline)
        except ThrottledError:
            return super().invoke(invocation, deadline)


@found_by("errors_are_whole")
class Unpicklable(WrongFailure):
    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        vars(error)["response"] = threading.Lock()
        return error


@found_by("errors_are_whole")
class Numbered(WrongFailure):
    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        code: Any = 404
        if invocation.function == "MISSING":
            error.code = code
        return error


@found_by("errors_are_whole")
class Speechless(WrongFailure):
    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        error.message = ""
        return error


# Deadlines


class Patient(Reference):
    """It waits for as long as it takes, in some cases."""

    stall = 0.3
    waits_for: tuple[str, ...] = ()

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        return super().invoke(invocation, Deadline.after(60) if invocation.function in self.waits_for else deadline)


@found_by("the_deadline_is_honoured")
class PatientWithFunctions(Patient):
    waits_for = ("STALL",)


@found_by("the_deadline_covers_the_body")
class PatientWithBodies(Patient):
    waits_for = ("TRICKLE",)


@found_by("a_deadline_that_has_passed_sends_nothing")
class NoTimeIsAllTime(Reference):
    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        return super().invoke(invocation, Deadline.after(60) if deadline.expired else deadline)


# Abilities


class Declaring(Reference):
    """It declares something else than it has."""

    changes: ClassVar[dict[str, Any]]

    def __init__(self, options: ReferenceOptions) -> None:
        super().__init__(options)
        self.capabilities: Any = replace(Reference.capabilities, **self.changes)


@found_by("capabilities_are_well_formed")
class NoTime(Declaring):
    changes: ClassVar = {"other_timeout": 0.0}


@found_by("capabilities_are_well_formed")
class UnknownType(Declaring):
    changes: ClassVar = {"types": frozenset({"Sync", "Async", "DryRun", "Later"})}


@found_by("what_is_not_declared_is_refused")
class Fickle(Reference):
    """It declares log tails from the third look on."""

    def __init__(self, options: ReferenceOptions) -> None:
        super().__init__(options)
        self.looks = 0

    @property
    def capabilities(self) -> Capabilities:  # type: ignore[override]
        self.looks += 1
        can: Capabilities = replace(Reference.capabilities, log_tail=self.looks > 2)
        return can


@found_by("a_payload_limit_is_the_platforms")
class Boasting(Declaring):
    changes: ClassVar = {"payload_limits": {"Sync": LIMIT, "Async": 2 * LIMIT}}


@found_by("a_qualifier_arrives")
class Unqualified(WrongRequest):
    def changed(self, invocation: Invocation) -> Invocation:
        return replace(invocation, qualifier=None)


@found_by("a_log_tail_comes_where_it_is_asked_for")
class Talkative(WrongResult):
    def changed(self, invocation: Invocation, result: InvocationResult) -> InvocationResult:
        return replace(result, log_tail="START\n")


@found_by("a_log_tail_comes_where_it_is_asked_for")
class SilentFailures(Reference):
    def function_error(self, invocation: Invocation, reply: Reply) -> FcallError:
        return super().function_error(replace(invocation, log_tail=False), reply)


class WithoutContext(WrongRequest):
    drops: str

    def changed(self, invocation: Invocation) -> Invocation:
        return replace(invocation, invoker_context=None) if invocation.type == self.drops else invocation


@found_by("an_invoker_context_arrives_on_sync_calls")
class WithoutSyncContext(WithoutContext):
    drops = "Sync"


@found_by("an_invoker_context_arrives_on_async_calls")
class WithoutAsyncContext(WithoutContext):
    drops = "Async"


@found_by("an_idempotency_key_is_enforced")
class Keyless(WrongRequest):
    def changed(self, invocation: Invocation) -> Invocation:
        return replace(invocation, idempotency_key=None)


class WrongListing(Reference):
    """Its listing is changed."""

    def list_functions(
        self, service: str | None, deadline: Deadline, configured: Collection[str] = ()
    ) -> Iterator[FunctionInfo]:
        return self.changed(super().list_functions(service, deadline, configured))

    def changed(self, listed: Iterator[FunctionInfo]) -> Iterator[FunctionInfo]:
        raise NotImplementedError


@found_by("functions_are_listed")
class Renaming(WrongListing):
    def changed(self, listed: Iterator[FunctionInfo]) -> Iterator[FunctionInfo]:
        return (FunctionInfo(info.name, f"acs:{info.name}") for info in listed)


@found_by("functions_are_listed")
class LastPage(WrongListing):
    def changed(self, listed: Iterator[FunctionInfo]) -> Iterator[FunctionInfo]:
        return iter(list(listed)[2:])


# Streams


@found_by("a_stream_is_the_answer_in_pieces")
class NoLastPiece(Reference):
    def pieces(self, reply: Reply) -> Iterator[bytes]:
        return iter(list(super().pieces(reply))[:-1])


@found_by("a_stream_honours_the_deadline")
class PatientStream(Reference):
    stall = 0.3

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        return super().stream(invocation, Deadline.after(60))


@found_by("a_stream_of_a_function_that_fails_raises")
class StreamedFailure(Reference):
    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        if invocation.function == "FAIL":
            return iter([b'{"type": "ValueError"}'])
        return super().stream(invocation, deadline)


@found_by("a_stream_that_is_cut_off_raises")
class CutOff(Reference):
    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        try:
            yield from super().stream(invocation, deadline)
        except ConnectionFailedError:
            return


@found_by("a_stream_may_be_left")
class OneStream(Reference):
    """It has one connection, and a stream that is left keeps it."""

    def __init__(self, options: ReferenceOptions) -> None:
        super().__init__(options)
        self.streaming = False

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        self.streaming = True
        yield from super().stream(invocation, deadline)
        self.streaming = False

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        if self.streaming:
            raise ThrottledError("the connection is in use")
        return super().invoke(invocation, deadline)


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
