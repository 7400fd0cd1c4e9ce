"""A provider that does everything right, its platform in memory, and their rig: what the exam is examined with."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, ClassVar

import fcall
from fcall.errors import (
    AccessDeniedError,
    ConflictError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionError,
    FunctionNotFoundError,
    InvocationTimeoutError,
    PayloadTooLargeError,
    ProviderUnavailableError,
    ThrottledError,
)
from fcall.provider import (
    ALL_KEYS,
    Capabilities,
    Deadline,
    ErrorRow,
    ErrorTable,
    FunctionInfo,
    Invocation,
    InvocationResult,
    Provider,
    ProviderSpec,
    option,
)
from fcall.testing import Behaviour, ExamFunctions, Rig

TOKEN = "a-token-that-nobody-may-see"
LIMIT = 100_000


class UnreachableError(Exception):
    """No connection could be made."""


class BrokenError(Exception):
    """The connection broke."""


@dataclass(frozen=True)
class Reply:
    """What the platform answers.

    Attributes:
        status: as of HTTP.
        body: the whole of it, or half.
        code: of a refusal.
        failed: the body is the function's error document.
        whole: the answer came to its end.
    """

    status: int = 200
    body: bytes = b""
    code: str | None = None
    failed: bool = False
    whole: bool = True
    log: str = "START\nEND\n"


class Platform:
    """Runs the exam's functions, each call on a thread of its own."""

    refusals: ClassVar = {
        "THROTTLED": Reply(429, code="Busy"),
        "DENIED": Reply(403, code="NotAllowed"),
        "UNAVAILABLE": Reply(502, b"<html>"),
    }

    def __init__(self, stall: float = 20.0) -> None:
        self.functions = ExamFunctions(stall)
        self.names = [*self.functions.handlers, "BROKEN", "CUT", "TRICKLE", *self.refusals]
        self.requests = 0
        self.received: dict[str, Any] = {}
        self._keys: set[str] = set()
        self._events: list[Future[Reply]] = []

    def call(self, invocation: Invocation) -> Future[Reply]:
        """Begin a call.

        Raises:
            UnreachableError: there is no platform.
        """
        if invocation.function == "REFUSED":
            raise UnreachableError
        self.requests += 1
        self.received = {"qualifier": invocation.qualifier, "invokerContext": invocation.invoker_context}
        future: Future[Reply] = Future()
        future.set_running_or_notify_cancel()  # from here on nobody can stop it
        refusal = self._refusal(invocation)
        if refusal is not None:
            future.set_result(refusal)
        elif invocation.type == "DryRun":
            future.set_result(Reply(204))
        else:
            threading.Thread(target=self._run, args=(invocation, future), daemon=True).start()
        if refusal is None and invocation.type == "Async":
            self._events.append(future)
            future = Future()
            future.set_result(Reply(202))
        return future

    def settle(self) -> None:
        """Wait until every event has run."""
        for event in self._events:
            event.exception()

    def _refusal(self, invocation: Invocation) -> Reply | None:
        if invocation.function not in self.names:
            return Reply(404, code="NoSuchFunction")
        if len(invocation.payload) > LIMIT:
            return Reply(413, code="TooLarge")
        key = invocation.idempotency_key
        if key in self._keys:
            return Reply(409, code="Repeated")
        if key is not None:
            self._keys.add(key)
        return self.refusals.get(invocation.function)

    def _run(self, invocation: Invocation, future: Future[Reply]) -> None:
        name = invocation.function if invocation.function in self.functions.handlers else "ECHO"
        handler = self.functions.handlers["STALL" if invocation.function == "TRICKLE" else name]
        try:
            body = handler(invocation.payload, None)
        except ValueError as error:
            document = {"type": type(error).__name__, "message": str(error)}
            future.set_result(Reply(200, json.dumps(document).encode(), failed=True))
        except threading.BrokenBarrierError:
            future.set_result(Reply(200, b'{"type": "BrokenBarrierError"}', failed=True))
        else:
            if invocation.function == "BROKEN":
                future.set_exception(BrokenError())
            elif invocation.function == "CUT":
                future.set_result(Reply(200, body[: len(body) // 2], whole=False))
            else:
                future.set_result(Reply(200, body))


@dataclass(frozen=True)
class ReferenceOptions:
    """The options of the provider."""

    platform: Platform = field(default_factory=Platform)
    token: str = option("", secret=True)


ERRORS = ErrorTable(
    codes={
        "Busy": ThrottledError,
        "NoSuchFunction": FunctionNotFoundError,
        "NotAllowed": AccessDeniedError,
        "Repeated": ConflictError,
        "TooLarge": PayloadTooLargeError,
    },
    statuses={"5xx": ProviderUnavailableError},
    exceptions={
        f"{__name__}.UnreachableError": ErrorRow(ConnectionFailedError, Executed.NO),
        f"{__name__}.BrokenError": ConnectionFailedError,
        "builtins.TimeoutError": InvocationTimeoutError,
    },
)


class Reference:
    """Calls functions of the platform, in every way that a provider can."""

    capabilities: Any = Capabilities(
        types=frozenset({"Sync", "Async", "DryRun"}),
        qualifier=True,
        log_tail=True,
        invoker_context={"Sync": frozenset({"custom"}), "Async": ALL_KEYS},
        streaming=True,
        listing=True,
        idempotency=frozenset({"Sync", "Async"}),
        payload_limits={"Sync": LIMIT, "Async": LIMIT},
    )

    stall = 20.0  # seconds that the exam's functions stall; less for those who are wrong to wait for them

    def __init__(self, options: ReferenceOptions) -> None:
        self.options = options
        self.platform = options.platform

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        """Make one attempt."""
        self.refuse_late(deadline)
        return self.result(invocation, self.waited(self.sent(invocation), deadline))

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        """Make one attempt without blocking the event loop."""
        self.refuse_late(deadline)
        future = asyncio.wrap_future(self.sent(invocation))
        try:
            reply = await asyncio.wait_for(future, deadline.remaining())
        except (TimeoutError, BrokenError) as error:
            raise ERRORS.error_of(error) from error
        return self.result(invocation, reply)

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        """The answer in pieces."""
        self.refuse_late(deadline)
        reply = self.waited(self.sent(invocation), deadline)
        if reply.status != 200 or reply.failed:
            raise self.error(invocation, reply)
        yield from self.pieces(reply)
        if not reply.whole:
            raise ConnectionFailedError("the stream was cut off")

    def list_functions(
        self, service: str | None, deadline: Deadline, configured: Collection[str] = ()
    ) -> Iterator[FunctionInfo]:
        """Every function of the platform."""
        return (FunctionInfo(name, name) for name in self.platform.names)

    def close(self) -> None:
        """There is nothing to let go of."""

    def refuse_late(self, deadline: Deadline) -> None:
        """See that there is time left."""
        if deadline.expired:
            raise InvocationTimeoutError("no time was left", executed=Executed.NO)

    def sent(self, invocation: Invocation) -> Future[Reply]:
        """The call, on its way."""
        try:
            return self.platform.call(invocation)
        except UnreachableError as error:
            raise ERRORS.error_of(error) from error

    def waited(self, future: Future[Reply], deadline: Deadline) -> Reply:
        """The platform's reply."""
        try:
            return future.result(deadline.remaining())
        except (TimeoutError, BrokenError) as error:
            raise ERRORS.error_of(error) from error

    def result(self, invocation: Invocation, reply: Reply) -> InvocationResult:
        """The reply as a result."""
        if reply.code is not None or reply.failed or not reply.whole or reply.status == 502:
            raise self.error(invocation, reply)
        log_tail = reply.log if invocation.log_tail else None
        return InvocationResult(reply.body, reply.status, "id-1", "1", log_tail, {"Request-Id": "id-1"})

    def error(self, invocation: Invocation, reply: Reply) -> FcallError:
        """The reply as an error."""
        if reply.failed:
            return self.function_error(invocation, reply)
        if not reply.whole:
            return ConnectionFailedError("the answer was cut off")
        return ERRORS.error("refused", code=reply.code, status_code=reply.status)

    def function_error(self, invocation: Invocation, reply: Reply) -> FcallError:
        """The function's own failure."""
        said = json.loads(reply.body)
        log_tail = reply.log if invocation.log_tail else None
        return FunctionError(
            error_type=said["type"],
            error_message=said.get("message", ""),
            log_tail=log_tail,
            result=InvocationResult(reply.body, reply.status),
        )

    def pieces(self, reply: Reply) -> Iterator[bytes]:
        """The body, bit by bit."""
        for start in range(0, len(reply.body), 8):
            yield reply.body[start : start + 8]


class ReferenceRig(Rig):
    """The platform in memory."""

    spec: ClassVar = ProviderSpec("reference", Reference, ReferenceOptions, summary="functions in memory")
    plugin: ClassVar = "exam_reference"
    sdk_modules: ClassVar = ("wave",)  # stands for an SDK
    secrets: ClassVar = (TOKEN,)
    made: ClassVar[type[Reference]] = Reference

    def __init__(self) -> None:
        self.platform = Platform(self.made.stall)

    def __exit__(self, *_: object) -> None:
        self.platform.functions.end()

    def provider(self) -> Provider:
        return self.made(ReferenceOptions(self.platform, TOKEN))

    def params(self, behaviour: Behaviour) -> Mapping[str, Any]:
        return {"functionName": behaviour.name}

    def runs(self) -> int:
        return self.platform.functions.runs

    def requests(self) -> int:
        return self.platform.requests

    def received(self) -> Mapping[str, Any]:
        return self.platform.received

    def settle(self) -> None:
        self.platform.settle()


@fcall.hookimpl
def fcall_register_providers() -> ProviderSpec:
    """The provider, for fcall."""
    return ReferenceRig.spec
