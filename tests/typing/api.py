"""What users write, type-checked strictly and never run: one function for each promise."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, assert_type

import fcall
import fcall.handlers
from fcall.errors import Attempt, Executed, FunctionError, InvocationError, ThrottledError, UnmappedProviderError
from fcall.provider import (
    ALL_KEYS,
    Call,
    CallOutcome,
    Capabilities,
    Deadline,
    ErrorRow,
    ErrorTable,
    FunctionInfo,
    Invocation,
    InvocationResult,
    ListingProvider,
    Provider,
    ProviderSpec,
    StreamingProvider,
    Target,
    option,
)
from fcall.testing import EXAM_FAULTS, Behaviour, ExamFunctions, ProviderContract, Rig


def the_portable_contract() -> None:
    assert_type(fcall.invoke_function({"functionName": "resize", "payload": b"..."}), dict[str, Any])


def every_verb(client: fcall.Client) -> None:
    result = client.invoke("images/resize", {"width": 3}, timeout=5, idempotent=True)
    assert_type(result, fcall.InvocationResult)
    assert_type(client.invoke("images/resize", payload=b"...", context={"custom": {}}).payload, bytes)
    assert_type(client.enqueue("images/resize", ["any", "JSON", None]), fcall.Acceptance)
    client.check("images/resize")
    assert_type(client.stream("images/resize", payload="text"), Iterator[bytes])
    assert_type(client.list_functions("images"), Iterator[fcall.FunctionInfo])
    assert_type(client.invoke_function({"functionName": "resize"}), dict[str, Any])


def many_calls(client: fcall.Client, events: list[dict[str, int]]) -> None:
    assert_type(next(client.map("images/resize", events, concurrency=64, timeout=5)), fcall.InvocationResult)
    assert_type(next(client.map("images/resize", payloads=[b"..."], progress=True)), fcall.InvocationResult)
    assert_type(next(client.enqueue_many("images/resize", events)), fcall.Acceptance)
    with client.as_completed("images/resize", events, progress=lambda progress: progress.rate) as outcomes:
        for outcome in outcomes:
            assert_type(outcome, fcall.Outcome)
            assert_type(outcome.error, fcall.FcallError | None)
        outcomes.cancel()


async def every_verb_awaited(client: fcall.AsyncClient, events: AsyncIterable[int]) -> None:
    assert_type(await client.invoke("images/resize", {"width": 3}, timeout=5), fcall.InvocationResult)
    assert_type(await client.enqueue("images/resize"), fcall.Acceptance)
    await client.check("images/resize")
    assert_type([piece async for piece in client.stream("images/resize")], list[bytes])
    assert_type([info async for info in client.list_functions()], list[fcall.FunctionInfo])
    assert_type(await client.invoke_function({"functionName": "resize"}), dict[str, Any])
    assert_type([result async for result in client.map("images/resize", events)], list[fcall.InvocationResult])
    assert_type([outcome async for outcome in client.as_completed("images/resize", [1])], list[fcall.Outcome])
    async with client.enqueue_many("images/resize", events) as accepted:
        assert_type(await anext(accepted), fcall.Acceptance)
    await client.close()


def every_field_of_a_result(result: fcall.InvocationResult) -> None:
    assert_type(result.payload, bytes)
    assert_type(result.text, str)
    assert_type(result.status_code, int)
    assert_type(result.request_id, str | None)
    assert_type(result.executed_version, str | None)
    assert_type(result.log_tail, str | None)
    assert_type(result.headers, Mapping[str, str])
    assert_type(result.provider, str)
    assert_type(result.attempts, tuple[Attempt, ...])


def every_way_to_make_a_client(provider: Provider, plugin: object) -> None:
    with fcall.Client() as client:
        assert_type(client, fcall.Client)
    fcall.Client("fcall.toml", env="dev")
    fcall.Client({"defaults": {"provider": "local"}})
    fcall.Client(provider="aws", region="eu-west-1")
    fcall.Client(providers={"mine": provider}, plugins=[plugin], direct_targets=False)
    fcall.set_default_client(fcall.default_client())
    fcall.set_default_client(None)


def errors_say_whether_it_ran(client: fcall.Client) -> Executed:
    try:
        client.invoke("images/resize")
    except ThrottledError as error:
        assert_type(error.retry_after, float | None)
    except FunctionError as error:
        assert_type(error.error_type, str)
        assert_type(error.stack_trace, tuple[str, ...])
    except InvocationError as error:
        assert_type(error.retryable, bool)
    except fcall.FcallError as error:
        assert_type(error.attempts, tuple[Attempt, ...])
        return error.executed
    return Executed.YES


@fcall.local.function("greetings/hello")
def hello(event: dict[str, str], context: fcall.local.LambdaContext) -> dict[str, str]:
    return {"greeting": f"Hello {event['name']}", "left": str(context.get_remaining_time_in_millis())}


def a_decorated_function_stays_what_it_is(context: fcall.local.LambdaContext) -> None:
    assert_type(hello({"name": "Ada"}, context), dict[str, str])
    assert_type(fcall.local.drain(timeout=5), bool)


# Functions that run anywhere, and dispatchers.


class Size(TypedDict):
    width: int


@fcall.handlers.handler
def resize(event: Size, ctx: fcall.handlers.Context) -> Size:
    assert_type(ctx.request_id, str | None)
    assert_type(ctx.function_name, str | None)
    assert_type(ctx.version, str | None)
    assert_type(ctx.remaining_seconds(), float | None)
    assert_type(ctx.invoker_context, Mapping[str, Any])
    assert_type(ctx.raw, Any)
    if ctx.platform == "lambda":
        return {"width": 0}
    return {"width": event["width"] // 2}


class Store(fcall.handlers.Handler):
    event: Size

    def execute(self) -> str:
        return str(self.config.get("bucket", "pictures")) + str(self.event["width"])


class Execution:
    def __init__(self, event: Any) -> None:
        self.event = event
        self.context = fcall.handlers.Context(request_id="1", remaining=lambda: 1.0)
        self.config = {"bucket": "pictures"}

    def notify(self, error: Exception) -> None:
        raise error


def a_handler_is_an_entry_point(environ: dict[str, str]) -> None:
    resize({"width": 1}, None)
    Store.entry_point(config=environ, notify=print)(b"{}")
    execution: fcall.handlers.ExecutionContext = Execution({"width": 1})
    Store(execution)()


def a_dispatcher_takes_names_and_callables(client: fcall.Client) -> None:
    assert_type(fcall.Dispatcher(client).dispatch("images/resize", {"width": 1}), Any)
    with fcall.Dispatcher(provider="local", runtime="fc") as dispatcher:
        assert_type(dispatcher.dispatch_async(resize), fcall.Acceptance)


# For those who test applications.


def a_test_says_what_functions_answer(fcall_mock: fcall.testing.FcallMock) -> None:
    route = fcall_mock.route("images/resize", sequence=[1, ThrottledError("busy"), ValueError])
    assert_type(route, fcall.testing.MockedRoute)
    fcall_mock.route("images/store", function=lambda event: event["name"])
    assert_type(route.calls, list[fcall.testing.MockedCall])
    with fcall.testing.cassette("calls.json", record=False, redact=["pin"]):
        pass


# A provider written from scratch.


@dataclass(frozen=True, slots=True)
class HarbourOptions:
    pier: str
    key: str = option("", secret=True)
    berth: int = option(1, in_target=True)


@dataclass(frozen=True, slots=True)
class HarbourCallOptions:
    urgent: bool = False


ERRORS = ErrorTable(
    codes={"Full": ThrottledError, "Storm": ErrorRow(UnmappedProviderError, Executed.NO, retryable=True)},
    statuses={404: fcall.errors.FunctionNotFoundError, "5xx": fcall.errors.ProviderUnavailableError},
    exceptions={"builtins.OSError": fcall.errors.ConnectionFailedError},
)


class Harbour:
    capabilities = Capabilities(
        types=frozenset({"Sync"}), invoker_context={"Sync": ALL_KEYS}, streaming=True, listing=True
    )

    def __init__(self, options: HarbourOptions) -> None:
        self._options = options
        self._lock = threading.Lock()

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        assert_type(deadline.remaining(), float)
        assert_type(invocation.payload, bytes)
        try:
            return InvocationResult(invocation.payload, request_id="1")
        except OSError as error:
            raise ERRORS.error_of(error) from error

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        yield self.invoke(invocation, deadline).payload

    def list_functions(
        self, service: str | None, deadline: Deadline, configured: Collection[str] = ()
    ) -> Iterator[FunctionInfo]:
        yield FunctionInfo("unload", "unload")

    def close(self) -> None:
        pass


def parse_harbour(rest: str) -> Target:
    return Target(function=rest)


@fcall.hookimpl
def fcall_register_providers() -> ProviderSpec:
    return ProviderSpec(
        "harbour", Harbour, HarbourOptions, HarbourCallOptions, parse_harbour, summary="ships", inherits_service=False
    )


def it_is_what_the_protocols_ask_for(harbour: Harbour) -> tuple[Provider, StreamingProvider, ListingProvider]:
    return harbour, harbour, harbour


class HarbourRig(Rig):
    spec = fcall_register_providers()
    plugin = "harbour"
    sdk_modules = ("harbour_sdk",)

    def __init__(self) -> None:
        self._functions = ExamFunctions()

    def provider(self) -> Provider:
        return self.spec.create(HarbourOptions("north"))

    def params(self, behaviour: Behaviour) -> dict[str, str] | None:
        return None if behaviour in EXAM_FAULTS else {"functionName": behaviour.name}

    def runs(self) -> int:
        return self._functions.runs

    def answer(self, payload: bytes) -> bytes:
        return payload


class TheExam(ProviderContract):
    def rig(self) -> Rig:
        return HarbourRig()


# An observer.


class Watcher:
    @fcall.hookimpl
    def fcall_invoker_context(self, call: Call) -> Mapping[str, Any] | None:
        return {"trace": call.id}

    @fcall.hookimpl
    def fcall_on_retry(self, call: Call, attempt: Attempt) -> None:
        assert_type(attempt.retry_in, float | None)

    @fcall.hookimpl
    def fcall_after_invoke(self, call: Call, outcome: CallOutcome) -> None:
        assert_type(outcome.executed, Executed)
        assert_type(outcome.error, BaseException | None)


fcall.Client(plugins=[Watcher()])


# What must not pass; a type checker that lets it through reports an unused ignore.


def mistakes(client: fcall.Client) -> None:
    client.invoke("images/resize", patience=5)  # type: ignore[call-arg]
    client.invoke(b"images/resize")  # type: ignore[arg-type]
    client.invoke("images/resize", payload=1)  # type: ignore[arg-type]
    client.invoke("images/resize", timeout="5")  # type: ignore[arg-type]
    fcall.Dispatcher().dispatch(42)  # type: ignore[arg-type]
    fcall.handlers.handler(42)  # type: ignore[arg-type]
    fcall.handlers.Handler()  # type: ignore[call-arg]
    fcall.Cleint()  # type: ignore[attr-defined]
    fcall.Client(providers={"mine": object()})  # type: ignore[dict-item]
    fcall.errors.FcallError("no", exectued=Executed.NO)  # type: ignore[call-arg]
