"""Providers that are wrong in what they say they can do."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, ClassVar

from exam_reference import LIMIT, Reference, ReferenceOptions, Reply
from exam_wrong import WrongRequest, WrongResult, found_by

from fcall.errors import ConnectionFailedError, FcallError, ThrottledError
from fcall.provider import Capabilities, Deadline, FunctionInfo, Invocation, InvocationResult

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
