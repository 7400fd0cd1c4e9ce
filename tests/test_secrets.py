"""Secrets and payloads: no error, log record, repr or traceback shows one."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall import errors as error_classes
from fcall._config import Configuration
from fcall.errors import FcallError
from fcall.local._options import LocalOptions
from fcall.local._provider import LocalProvider
from fcall.provider import (
    ALL_KEYS,
    Call,
    CallOutcome,
    Capabilities,
    Deadline,
    Invocation,
    InvocationResult,
    ProviderSpec,
    option,
)

SECRET = "s3cr3t-0ption"
MARKER = "p4yl0ad-m4rker"

BIG = Capabilities(
    types=frozenset({"Sync", "Async", "DryRun"}),
    invoker_context={"Sync": ALL_KEYS, "Async": ALL_KEYS, "DryRun": ALL_KEYS},
    idempotency=frozenset({"Sync"}),
    payload_limits={"Sync": 1_000},
    streaming=True,
    listing=True,
)


@dataclass(frozen=True)
class Options:
    """The options of the provider ``vault``."""

    token: str = option("", secret=True)
    region: str = option("", in_target=True)

    def __post_init__(self) -> None:
        if self.region == "nowhere":
            raise ValueError("there is no such region")


class Vault:
    """A provider that has a secret, and answers as it is told to."""

    capabilities = BIG

    def __init__(self, options: Options) -> None:
        self.options = options
        self.answers: list[Any] = []

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        answer = self.answers.pop(0) if self.answers else InvocationResult(invocation.payload, log_tail=MARKER)
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        yield invocation.payload
        raise error_classes.ConnectionFailedError("the connection broke")

    def list_functions(self, service: Any, deadline: Any, configured: Any = ()) -> Iterator[Any]:
        raise KeyError(SECRET)
        yield

    def close(self) -> None:
        pass


class Watcher:
    """A plugin that brings `Vault` and keeps what observers are told."""

    def __init__(self, create: Callable[[Options], Any] = Vault) -> None:
        self.told: list[object] = []
        self.create = create

    @fcall.hookimpl
    def fcall_register_providers(self) -> ProviderSpec:
        return ProviderSpec("vault", self.create, Options)

    @fcall.hookimpl
    def fcall_before_invoke(self, call: Call) -> None:
        self.told.append(call)

    @fcall.hookimpl
    def fcall_after_invoke(self, call: Call, outcome: CallOutcome) -> None:
        self.told.append(outcome)


@pytest.fixture
def shown(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What a test shows to people; with everything that was logged, it holds neither secret nor payload."""
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    yield texts
    texts += [caplog.text, *(repr(vars(record)) for record in caplog.records)]

    assert texts
    for text in texts:
        assert SECRET not in text
        assert MARKER not in text


def of(error: BaseException) -> list[str]:
    """Everything that an error shows by itself: words, notes, attempts and traceback."""
    text = [str(error), repr(error), *getattr(error, "__notes__", ()), *traceback.format_exception(error)]
    if isinstance(error, FcallError):
        text += [*map(repr, error.attempts), *map(str, error.attempts)]
        text += [repr(copy.copy(error)), repr(pickle.loads(pickle.dumps(error)))]
    return text


def raised(call: Callable[[], Any], expected: type[BaseException] = FcallError) -> list[str]:
    with pytest.raises(expected) as caught:
        call()
    return of(caught.value)


# Reprs


def test_no_repr_shows_one(shown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients, routes, providers, options, invocations, results and observers' records can be printed."""
    monkeypatch.setenv("VAULT_TOKEN", SECRET)
    watcher = Watcher()
    config = {"services": {"safe": {"provider": "vault", "token": "env:VAULT_TOKEN"}}}
    client = fcall.Client(config, plugins=[watcher])
    other = fcall.Client(provider="vault", token=SECRET, plugins=[watcher])
    for each, target in ((client, "safe/x"), (other, "x")):
        result = each.invoke(target, {"name": MARKER}, context={"custom": {"a": MARKER}}, idempotency_key=MARKER)
        target_read = each._router.target(target)
        routes = each._router.routes(target_read)
        vault: Any = routes[0].provider

        assert SECRET == vault.options.token
        assert MARKER in result.text
        shown += map(repr, (each, each._router, target_read, routes, vault, vault.options, result, result.attempts))
        shown.append(repr(each.enqueue(target, MARKER)))
    shown += map(repr, watcher.told)
    shown.append(repr(Configuration.load(config)))
    shown.append(repr(Invocation("x", payload=MARKER.encode(), invoker_context={MARKER: 1}, idempotency_key=MARKER)))


def test_no_repr_of_the_local_provider_shows_one(shown: list[str], registry: fcall.local.Registry) -> None:
    """Whoever looks at a provider sees neither what it was called with nor the variables of its functions."""
    registry.function("x")(lambda event, context: None)
    inline = LocalProvider(LocalOptions(registry=registry))
    fcall.Client(providers={"local": inline}).invoke("x", MARKER, context={"custom": {"a": MARKER}})
    isolated = LocalProvider(LocalOptions(isolation="process", environment={"TOKEN": MARKER}))

    for provider in (inline, isolated):
        shown += [repr(provider), repr(vars(provider)), repr(registry), repr(fcall.local.calls())]


# Errors of configuration


def test_no_error_of_the_configuration_shows_one(shown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """However a secret is misplaced, the error that says so does not repeat it."""
    monkeypatch.setenv("VAULT_TOKEN", SECRET)

    def client(*, create: Callable[[Options], Any] = Vault, **arguments: Any) -> fcall.Client:
        return fcall.Client(plugins=[Watcher(create)], **arguments)

    def service(**options: Any) -> fcall.Client:
        return client(config={"services": {"safe": {"provider": "vault", **options}}})

    def broken(options: Options) -> Any:
        raise error_classes.ConfigurationError("the token has the wrong form")

    Path("fcall.toml").write_text(f"[services.safe]\nprovider = 'vault'\ntoken = '{SECRET}\n")
    shown += raised(lambda: fcall.Client())
    Path("fcall.toml").write_bytes(f"[services.safe]\ntoken = '{SECRET}\xff'".encode("latin-1"))
    shown += raised(lambda: fcall.Client())
    for call in (
        lambda: service(token=SECRET).invoke("safe/x"),
        lambda: service(token=[SECRET]).invoke("safe/x"),
        lambda: service(token="env:UNSET").invoke("safe/x"),
        lambda: service(token="env:VAULT_TOKEN", region="nowhere").invoke("safe/x"),
        lambda: service(token="env:VAULT_TOKEN", regoin=SECRET).invoke("safe/x"),
        lambda: service(timeout=SECRET),
        lambda: service(failover=SECRET),
        lambda: service(functions=SECRET),
        lambda: client(config={"defaults": SECRET}),
        lambda: client(config={"services": {"safe": SECRET}}),
        lambda: client(provider="vault", token=SECRET.encode()).invoke("x"),
        lambda: client(provider="vault", token=SECRET, region="nowhere").invoke("x"),
        lambda: client(provider="vault", token=SECRET, create=broken).invoke("x"),
        lambda: client(provider="vault", token=SECRET).invoke(f"vault:x?token={SECRET}"),
        lambda: client(provider="vault", token=SECRET).invoke(f"vault:x?region={SECRET}&{SECRET}"),
        lambda: client(provider="vault", token=SECRET).invoke(f"vault:?token={SECRET}"),
        lambda: client(provider="vault", token=SECRET, direct_targets=False).invoke(f"vault:x?token={SECRET}"),
        lambda: fcall.Client(token=SECRET),
        lambda: list(client(provider="vault", token=SECRET).list_functions()),
    ):
        texts = raised(call)
        shown += texts[:2] if "KeyError" in texts[0] else texts  # its own words stay where they belong, in the cause


# Errors of calls


@pytest.fixture
def vault() -> Vault:
    return Vault(Options(token=SECRET))


@pytest.fixture
def safe(vault: Vault) -> fcall.Client:
    return fcall.Client(providers={"vault": vault}, plugins=[Watcher()])


def _classes(root: type[FcallError]) -> Iterator[type[FcallError]]:
    yield root
    for each in root.__subclasses__():
        yield from _classes(each)


@pytest.mark.parametrize("error_class", sorted(set(_classes(FcallError)), key=lambda each: each.__name__))
def test_no_error_of_a_call_shows_one(
    shown: list[str], safe: fcall.Client, vault: Vault, error_class: type[FcallError]
) -> None:
    """Whatever a provider raises, what we say of the call holds nothing of what was sent."""
    for verb in (safe.invoke, safe.enqueue, safe.check):
        vault.answers = [error_class("the provider says no")] * 9
        shown += raised(
            lambda verb=verb: verb(  # type: ignore[misc]
                "x", {"name": MARKER}, context={"custom": {"a": MARKER}}, timeout=0.001, idempotent=True
            )
        )


def test_no_fault_of_a_provider_shows_one(shown: list[str], safe: fcall.Client, vault: Vault) -> None:
    """What a provider lets slip may hold anything; our error does not take over its words."""
    vault.answers = [RuntimeError(f"{SECRET} {MARKER}")]
    with pytest.raises(error_classes.UnmappedProviderError) as caught:
        safe.invoke("x", MARKER)

    assert SECRET in str(caught.value.__cause__)
    shown += [str(caught.value), repr(caught.value)]


def test_no_error_of_a_stream_shows_one(shown: list[str], safe: fcall.Client) -> None:
    """A stream that breaks off has given its pieces to the caller, and to nobody else."""
    shown += raised(lambda: list(safe.stream("x", MARKER)))


@pytest.mark.parametrize(
    "parameters",
    [
        {"event": MARKER.encode()},
        {"event": {MARKER}},
        {"event": {MARKER: {1}}},
        {"event": [MARKER, float("nan")]},
        {"event": MARKER + "\ud800"},
        {"payload": MARKER + "\ud800"},
        {"payload": [MARKER]},
        {"payload": MARKER, "event": MARKER},
        {"payload": MARKER * 1_000},
        {"payload": MARKER, "context": MARKER},
        {"payload": MARKER, "context": f'{{"custom": "{MARKER}"}}'},
        {"payload": MARKER, "context": {"custom": {MARKER: {1}}}},
        {"payload": MARKER, "idempotency_key": f"{SECRET} {MARKER}"},
        {"payload": MARKER, "options": {"a": {MARKER}}},
        {"payload": MARKER, "options": [SECRET]},
        {"payload": MARKER, "timeout": SECRET},
        {"payload": MARKER, "idempotent": SECRET},
        {"payload": MARKER, "log_tail": True},
    ],
)
def test_no_refusal_of_a_parameter_shows_one(shown: list[str], safe: fcall.Client, parameters: Any) -> None:
    """A parameter that is wrong is described, and never repeated."""
    shown += raised(lambda: safe.invoke("x", **parameters))


HANDLERS: dict[str, Callable[[Any, Any], Any]] = {
    "raises": lambda event, context: 1 / 0,
    "exits": lambda event, context: exec("raise SystemExit(3)"),
    "set": lambda event, context: {event["name"]},
    "bytes": lambda event, context: [event["name"].encode(), b"\xff"],
    "keys": lambda event, context: {(event["name"],): 1},
    "circle": lambda event, context: event.update(itself=event) or event,
    "coroutine": lambda event, context: [event["name"], object()],
    "nested": lambda event, context: fcall.default_client().invoke("nobody", event),
}


@pytest.mark.parametrize("name", HANDLERS)
def test_no_error_of_a_local_function_shows_one(
    shown: list[str], client: fcall.Client, registry: fcall.local.Registry, name: str
) -> None:
    """A function that fails without saying what it was given is not made to say it, Sync or Async."""
    registry.function("x")(HANDLERS[name])
    shown += raised(lambda: client.invoke("x", {"name": MARKER}, context={"custom": {"a": MARKER}}))
    client.enqueue("x", {"name": MARKER})
    client.close()


def test_no_error_about_the_payload_shows_it(
    shown: list[str], client: fcall.Client, registry: fcall.local.Registry
) -> None:
    """A payload that is no event is refused without a word of it, Sync and Async."""
    registry.function("x")(lambda event, context: None)
    for payload in (f"{{{MARKER}", f'{{"{MARKER}": NaN}}', f"{MARKER}\xff".encode("latin-1")):
        shown += raised(lambda payload=payload: client.invoke("x", payload=payload))  # type: ignore[misc]
        client.enqueue("x", payload=payload)
    client.close()


def test_no_error_about_an_answer_shows_it(shown: list[str], safe: fcall.Client, vault: Vault) -> None:
    """An answer that cannot be read as JSON or as text is described, and never repeated."""
    vault.answers = [InvocationResult(f"{{{MARKER}".encode()), InvocationResult(f"{MARKER}\xff".encode("latin-1"))]
    shown += raised(safe.invoke("x").json)
    shown += raised(lambda: safe.invoke("x").text)


def test_an_interrupt_shows_none(shown: list[str], safe: fcall.Client, vault: Vault) -> None:
    """The note that Ctrl-C gets names the call, and nothing that was sent."""
    vault.answers = [KeyboardInterrupt()]
    shown += raised(lambda: safe.invoke("x", MARKER), KeyboardInterrupt)
