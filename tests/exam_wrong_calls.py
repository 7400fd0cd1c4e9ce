"""Providers that are wrong in what they send and answer."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from exam_reference import Reference, ReferenceOptions
from exam_wrong import WrongRequest, WrongResult, found_by

from fcall.errors import FunctionError
from fcall.provider import Deadline, Invocation, InvocationResult

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
