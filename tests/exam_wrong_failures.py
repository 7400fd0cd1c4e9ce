"""Providers that are wrong where calls fail, or take too long."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from exam_reference import Reference, Reply
from exam_wrong import WrongFailure, found_by

from fcall.errors import (
    AuthenticationError,
    Executed,
    FcallError,
    FunctionCrashedError,
    FunctionError,
    FunctionNotReadyError,
    InvalidRequestError,
    ThrottledError,
)
from fcall.provider import Deadline, Invocation, InvocationResult

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
