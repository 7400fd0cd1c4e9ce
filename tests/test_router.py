"""Routes: which provider a call goes to, with which names, and what it is not asked for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

import pytest

import fcall
from fcall._router import Route, override
from fcall._target import Target
from fcall.errors import (
    ConfigurationError,
    ConnectionFailedError,
    Executed,
    InvalidParamsError,
    PayloadTooLargeError,
    PluginError,
    ProviderNotFoundError,
    ProviderNotInstalledError,
    ThrottledError,
    UnsupportedFeatureError,
)
from fcall.provider import ALL_KEYS, Capabilities, Deadline, Invocation, InvocationResult, ProviderSpec, option

EVERYTHING = Capabilities(
    types=frozenset({"Sync", "Async", "DryRun"}),
    qualifier=True,
    log_tail=True,
    invoker_context={"Sync": ALL_KEYS, "Async": ALL_KEYS, "DryRun": ALL_KEYS},
    idempotency=frozenset({"Sync", "Async", "DryRun"}),
)


class Recorder:
    """A provider that keeps the calls it gets."""

    def __init__(self, capabilities: Capabilities = EVERYTHING) -> None:
        self.capabilities = capabilities
        self.seen: list[Invocation] = []
        self.closed = 0
        self.failure: Exception | None = None

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.seen.append(invocation)
        if self.failure is not None:
            raise self.failure
        return InvocationResult(b"{}")

    def close(self) -> None:
        self.closed += 1


@dataclass(frozen=True)
class CloudOptions:
    """The options of the providers of `Cloud`."""

    region: str = option("", in_target=True)
    tags: Mapping[str, str] | None = None


class Cloud:
    """A plugin that brings the providers ``cloud`` and ``flat``, and keeps the instances it makes."""

    def __init__(self) -> None:
        self.made: list[tuple[str, CloudOptions, Recorder]] = []

    @fcall.hookimpl
    def fcall_register_providers(self) -> list[ProviderSpec]:
        return [
            ProviderSpec("cloud", lambda options: self._create("cloud", options), CloudOptions),
            ProviderSpec("flat", lambda options: self._create("flat", options), CloudOptions, inherits_service=False),
        ]

    def _create(self, name: str, options: CloudOptions) -> Recorder:
        self.made.append((name, options, Recorder()))
        return self.made[-1][-1]

    def seen(self) -> list[tuple[str, str, str | None, str]]:
        """Every call: the provider's name and region, and the names that it was given."""
        return [(n, o.region, i.service, i.function or i.function_id or "") for n, o, r in self.made for i in r.seen]


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


CONFIG: dict[str, Any] = {
    "defaults": {"provider": "cloud", "region": "home"},
    "services": {
        "images": {"functions": {"resize": "r2", "*": "prod-{function}"}, "service": "pictures"},
        "plain": {},
        "level": {"provider": "flat", "region": "far"},
        "named": {"provider": "flat", "service": "there"},
    },
}


# From a target to a provider


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("images/resize", ("cloud", "home", "pictures", "r2")),
        ("images/crop", ("cloud", "home", "pictures", "prod-crop")),
        ("plain/resize", ("cloud", "home", "plain", "resize")),
        ("level/resize", ("flat", "far", None, "resize")),
        ("named/resize", ("flat", "", "there", "resize")),
        ("resize", ("cloud", "home", None, "resize")),
        ("cloud:resize", ("cloud", "home", None, "resize")),
        ("cloud:images/resize", ("cloud", "home", "images", "resize")),
        ("flat:any/resize", ("flat", "", "any", "resize")),
        ("cloud:resize?region=else", ("cloud", "else", None, "resize")),
    ],
)
def test_a_target_leads_where_the_configuration_says(
    cloud: Cloud, target: str, expected: tuple[str, str, str | None, str]
) -> None:
    """A service goes to its provider under the provider's names; a direct target goes past the configuration."""
    fcall.Client(CONFIG, plugins=[cloud]).invoke(target)

    assert [expected] == cloud.seen()


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"serviceName": "images", "functionName": "resize"}, ("cloud", "home", "pictures", "r2")),
        ({"serviceName": "images", "functionName": "resize", "provider": "cloud"}, ("cloud", "home", "pictures", "r2")),
        ({"serviceName": "images", "functionName": "resize", "provider": "flat"}, ("flat", "", "images", "resize")),
        ({"functionName": "cloud:resize"}, ("cloud", "home", None, "cloud:resize")),
        ({"functionName": "resize", "provider": "flat"}, ("flat", "", None, "resize")),
        ({"functionId": "arn:aws:lambda:x"}, ("cloud", "home", None, "arn:aws:lambda:x")),
        ({"functionId": "f-1", "provider": "flat"}, ("flat", "", None, "f-1")),
    ],
)
def test_params_lead_where_the_configuration_says(
    cloud: Cloud, params: Mapping[str, Any], expected: tuple[str, str, str | None, str]
) -> None:
    """``provider`` overrides the binding's, whose names and options then mean nothing; an id goes as it is."""
    fcall.Client(CONFIG, plugins=[cloud]).invoke_function(params)

    assert [expected] == cloud.seen()


def test_a_providers_own_id_needs_that_provider() -> None:
    """An ARN goes to aws wherever the default provider is."""
    with pytest.raises(ProviderNotInstalledError, match="pip install fcall-aws"):
        fcall.Client(provider="local").invoke("arn:aws:lambda:eu-west-1:123456789012:function:resize")


def test_the_clients_provider_is_for_what_is_not_bound(cloud: Cloud) -> None:
    """``provider=`` beside a configuration is its default provider, with the options given; no service is taken."""
    client = fcall.Client(CONFIG, plugins=[cloud], provider="flat", region="given")
    client.invoke("level/resize")
    client.invoke("resize")
    client.invoke("flat:resize")
    client.invoke("cloud:resize")

    assert [
        ("flat", "far", None, "resize"),
        ("flat", "given", None, "resize"),
        ("flat", "given", None, "resize"),
        ("cloud", "", None, "resize"),
    ] == cloud.seen()


@pytest.mark.parametrize("name", ["clod", "nobody"])
def test_an_unknown_provider_is_an_error(cloud: Cloud, name: str) -> None:
    """It names the nearest one, wherever the name was said."""
    ways: list[Any] = [
        lambda: fcall.Client(CONFIG, plugins=[cloud], provider=name).invoke("resize"),
        lambda: fcall.Client({"defaults": {"provider": name}}, plugins=[cloud]).invoke("resize"),
        lambda: fcall.Client(CONFIG, plugins=[cloud]).invoke_function({"functionName": "resize", "provider": name}),
    ]
    for way in ways:
        with pytest.raises(ProviderNotFoundError, match=f"no provider is named '{name}'") as caught:
            way()

        assert (name == "clod") == ("did you mean 'cloud'?" in str(caught.value))


@pytest.mark.parametrize("target", ["cloud:resize", "local:examples/hello.py:handler", "arn:aws:lambda:x", "local:x"])
def test_direct_targets_can_be_switched_off(cloud: Cloud, target: str) -> None:
    """Where targets come from data, none of them goes past the configuration."""
    client = fcall.Client(CONFIG, plugins=[cloud], direct_targets=False)
    for verb in (client.invoke, client.enqueue, client.check, client.stream):
        with pytest.raises(ConfigurationError, match="goes past the configuration, which this client does not allow"):
            verb(target)
    client.invoke("plain/resize")

    assert [("cloud", "home", "plain", "resize")] == cloud.seen()


# Providers


def test_the_same_options_share_a_provider(cloud: Cloud) -> None:
    """A provider is made once for its options, and its connections serve every service that has them."""
    client = fcall.Client(CONFIG, plugins=[cloud])
    for target in (
        "images/resize",
        "plain/resize",
        "resize",
        "level/resize",
        "cloud:x?region=home",
        "cloud:x?region=y",
    ):
        client.invoke(target)
        client.invoke(target)

    assert ["home", "far", "y"] == [options.region for _, options, _ in cloud.made]


def test_a_provider_is_made_when_it_is_needed(cloud: Cloud) -> None:
    """A client that calls nothing makes nothing."""
    client = fcall.Client(CONFIG, plugins=[cloud])
    client.close()

    assert [] == cloud.made


def test_options_that_cannot_be_hashed_are_not_shared(cloud: Cloud) -> None:
    """A mapping among the options does no harm; each service has a provider, and keeps it."""
    table = {"provider": "cloud", "tags": {"a": "b"}}
    client = fcall.Client({"services": {"one": table, "two": table}}, plugins=[cloud])
    for service in ("one", "two", "one", "two"):
        client.invoke(f"{service}/x")

    assert [2, 2] == [len(recorder.seen) for _, _, recorder in cloud.made]


def test_threads_make_one_provider(cloud: Cloud) -> None:
    """Sixteen threads that need a provider at once get the same one."""
    client = fcall.Client(CONFIG, plugins=[cloud])
    together = threading.Barrier(16)

    def call() -> None:
        together.wait(10)
        client.invoke("plain/resize")

    with ThreadPoolExecutor(16) as pool:
        for call_made in [pool.submit(call) for _ in range(16)]:
            call_made.result(10)

    assert [16] == [len(recorder.seen) for _, _, recorder in cloud.made]


FAILOVER: dict[str, Any] = {
    "services": {
        "images": {"provider": "cloud", "attempts": 1, "failover": ["second", "third"]},
        "second": {"provider": "aws"},
        "third": {"provider": "flat", "region": "far"},
    }
}


def test_a_failover_goes_on_past_a_provider_that_is_missing(cloud: Cloud) -> None:
    """One that cannot be made is passed over; the next one in the list is called, under its own names."""
    client = fcall.Client(FAILOVER, plugins=[cloud])
    client.invoke("images/resize")
    cloud.made[0][-1].failure = ThrottledError("not now")

    assert "flat" == client.invoke("images/resize").provider
    assert ("flat", "far", None, "resize") == cloud.seen()[-1]


def test_threads_fail_over_alike(cloud: Cloud) -> None:
    """Sixteen calls that go on at once go to the same places, in the order of the list."""
    config = {"services": {**FAILOVER["services"], "second": {"provider": "cloud", "region": "near", "attempts": 1}}}
    client = fcall.Client(config, plugins=[cloud])
    for target in ("images/resize", "second/resize"):
        client.invoke(target)
    for _, _, recorder in cloud.made:
        recorder.failure = ThrottledError("not now")
    together = threading.Barrier(16)

    def call(_: int) -> list[str]:
        together.wait(10)
        return [attempt.target.split(":")[0] for attempt in client.invoke("images/resize").attempts]

    with ThreadPoolExecutor(16) as pool:
        assert {("cloud", "cloud", "flat")} == {tuple(places) for places in pool.map(call, range(16))}
    assert ["", "near", "far"] == [options.region for _, options, _ in cloud.made]


def test_closing_closes_every_provider_that_was_made(cloud: Cloud) -> None:
    """One that raises keeps none of the others open, and its error is not lost."""
    client = fcall.Client(CONFIG, plugins=[cloud])
    for target in ("plain/x", "level/x", "cloud:x?region=y"):
        client.invoke(target)
    broken = cloud.made[1][-1]

    def close() -> None:
        raise OSError("cannot close")

    broken.close = close  # type: ignore[method-assign]
    with pytest.raises(OSError, match="cannot close"):
        client.close()

    assert [1, 0, 1] == [recorder.closed for _, _, recorder in cloud.made]


def test_instances_are_taken_as_they_are() -> None:
    """A provider that code made is called by its name, with no options, and stays open."""
    mine, other = Recorder(), Recorder()
    client = fcall.Client({"services": {"images": {"provider": "other"}}}, providers={"mine": mine, "other": other})
    client.invoke("mine:a/b")
    client.invoke("images/resize")
    client.close()

    assert [("a", "b")] == [(i.service, i.function) for i in mine.seen]
    assert [("images", "resize")] == [(i.service, i.function) for i in other.seen]
    assert 0 == mine.closed + other.closed


def test_an_instance_has_no_options() -> None:
    """Options for a provider that is there already would do nothing, so they are an error."""
    with pytest.raises(InvalidParamsError, match="the options of provider 'mine' have no 'region'"):
        fcall.Client(provider="mine", providers={"mine": Recorder()}, region="x").invoke("y")


def test_one_instance_is_the_default_provider() -> None:
    """With a single provider there is nothing to choose; with several there is."""
    only = Recorder()
    fcall.Client(providers={"mine": only}).invoke("x")
    fcall.Client(providers={"a": Recorder(), "mine": only}, provider="mine").invoke("x")

    assert 2 == len(only.seen)


class Halfway:
    """Something that is no provider yet."""

    capabilities = Capabilities()


@pytest.mark.parametrize(
    ("providers", "error", "words"),
    [
        ([Recorder()], InvalidParamsError, "providers is a mapping from names to providers, not list"),
        ({"": Recorder()}, InvalidParamsError, "a provider is named by a text"),
        ({5: Recorder()}, InvalidParamsError, "a provider is named by a text such as 'aws', not by int"),
        ({"mine": Halfway()}, PluginError, "the provider 'mine' is a Halfway without close, invoke"),
        ({"mine": Recorder({})}, PluginError, "is a Recorder without valid capabilities"),  # type: ignore[arg-type]
        ({"mine": None}, PluginError, "is a NoneType without capabilities, close, invoke"),
    ],
)
def test_what_is_no_provider_is_refused(providers: Any, error: type[Exception], words: str) -> None:
    """A provider is looked at when the client is made, not at its first call."""
    with pytest.raises(error, match=words):
        fcall.Client(providers=providers)


@pytest.mark.parametrize("provider", [5, "", b"local", ["local"]])
def test_a_provider_is_named_by_a_text(provider: Any) -> None:
    """``provider=`` of another type is an error of ours."""
    with pytest.raises(InvalidParamsError, match="a provider is named by a text such as 'aws'"):
        fcall.Client(provider=provider)


class Bad:
    """A plugin whose provider cannot be made."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        self.asked = 0

    @fcall.hookimpl
    def fcall_register_providers(self) -> ProviderSpec:
        return ProviderSpec("bad", self._create)

    def _create(self, options: Any) -> Any:
        self.asked += 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    ("outcome", "error", "words"),
    [
        (
            OSError("s3cret"),
            PluginError,
            "the provider 'bad' could not be made: its plugin raised OSError; see the cause",
        ),
        (ConfigurationError("no such region"), ConfigurationError, "^no such region"),
        (Halfway(), PluginError, "is a Halfway without close, invoke"),
    ],
)
def test_a_provider_that_cannot_be_made_is_an_error(outcome: Any, error: type[Exception], words: str) -> None:
    """Whatever a plugin raises, the call ends in an error of ours; the next call tries again."""
    plugin = Bad(outcome)
    client = fcall.Client(provider="bad", plugins=[plugin])
    for asked in (1, 2):
        with pytest.raises(error, match=words) as caught:
            client.invoke("x")

        assert asked == plugin.asked
        assert "s3cret" not in str(caught.value)


# What a provider is not asked for

BARE = Capabilities(
    types=frozenset({"Sync"}),
    invoker_context={"Sync": frozenset({"custom"})},
    payload_limits={"Sync": 10},
)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"invocationType": "Async"}, "does not have Async invocations; it takes Sync"),
        ({"invocationType": "DryRun"}, "does not have DryRun invocations; it takes Sync"),
        ({"qualifier": "prod"}, "does not have qualifiers; leave the qualifier out"),
        ({"logTail": True}, "does not have a log tail on Sync calls; leave log_tail out"),
        ({"idempotencyKey": "k"}, "a way to enforce an idempotency key on Sync calls; say idempotent=True if"),
        (
            {"invokerContext": {"env": {}, "b": 1}},
            "room for 'b', 'env' of the invoker context on Sync calls; it carries",
        ),
    ],
)
def test_what_a_provider_does_not_have_is_an_error(params: Mapping[str, Any], words: str) -> None:
    """Asking for it fails before anything is sent, and says what to do instead."""
    provider = Recorder(BARE)
    with pytest.raises(UnsupportedFeatureError, match=words) as caught:
        fcall.Client(providers={"bare": provider}).invoke_function({"functionName": "x", **params})

    assert ("bare", "x", Executed.NO) == (caught.value.provider, caught.value.function, caught.value.executed)
    assert [] == provider.seen


def test_what_a_provider_has_it_is_asked_for() -> None:
    """A call within the capabilities goes through whole."""
    provider = Recorder(BARE)
    client = fcall.Client(providers={"bare": provider})
    client.invoke("x", payload=b"0123456789", context={"custom": {"a": 1}})

    assert [(b"0123456789", {"custom": {"a": 1}})] == [(i.payload, i.invoker_context) for i in provider.seen]


def test_a_log_tail_is_for_sync_calls() -> None:
    """A provider that has log tails still has none for a call that nobody waits for."""
    client = fcall.Client(providers={"all": Recorder()})
    client.invoke("x", log_tail=True)
    with pytest.raises(UnsupportedFeatureError, match="a log tail on Async calls"):
        client.enqueue("x", log_tail=True)


def test_a_context_that_is_not_carried_at_all_is_an_error() -> None:
    """Where nothing of the context travels, the payload is the place for it."""
    client = fcall.Client(providers={"none": Recorder(Capabilities())})
    with pytest.raises(
        UnsupportedFeatureError, match=r"room for 'custom' of the invoker context .* put it into the pay"
    ):
        client.invoke("x", context={"custom": {}})


def test_a_payload_over_the_limit_is_not_sent() -> None:
    """It is an error before it travels, with both sizes and without the content."""
    provider = Recorder(BARE)
    with pytest.raises(
        PayloadTooLargeError, match="the payload has 11 bytes and provider 'bare' takes at most 10 on Sync"
    ):
        fcall.Client(providers={"bare": provider}).invoke("x", payload=b"01234567890")

    assert [] == provider.seen


def test_the_calls_time_out_goes_before_the_configured_one() -> None:
    """The call's own word, then the service's, then the provider's for the kind of call."""
    provider = Recorder()
    seen: list[float] = []
    provider.invoke = lambda invocation, deadline: (  # type: ignore[method-assign]
        seen.append(round(deadline.remaining())),  # type: ignore[func-returns-value]
        InvocationResult(b""),
    )[1]
    config = {"defaults": {"provider": "p"}, "services": {"slow": {"timeout": 500}, "any": {}}}
    client = fcall.Client(config, providers={"p": provider})
    for target, timeout in (("slow/x", 7), ("slow/x", None), ("any/x", None)):
        client.invoke(target, timeout=timeout)
    client.enqueue("any/x")

    assert [7, 500, 60, 30] == seen


# The override


def test_an_override_answers_for_the_router() -> None:
    """A context variable can put routes in the path of a call, and leaves to the router what it does not know."""
    usual, double = Recorder(), Recorder()
    client = fcall.Client(providers={"usual": usual})
    asked: list[Target] = []

    def overriding(target: Target) -> tuple[Route, ...] | None:
        asked.append(target)
        return (Route("double", double),) if target.function == "doubled" else None

    def calls() -> None:
        override.set(overriding)
        client.invoke("a/doubled")
        client.invoke("a/real")

    copy_context().run(calls)
    client.invoke("a/doubled")

    assert ["doubled", "real"] == [target.function for target in asked]
    assert ["doubled"] == [invocation.function for invocation in double.seen]
    assert ["real", "doubled"] == [invocation.function for invocation in usual.seen]


def test_many_targets_are_read_alike() -> None:
    """Targets are remembered, but not without end; the thousandth and the ten thousandth mean the same."""
    provider = Recorder()
    client = fcall.Client(providers={"mine": provider})
    for number in range(1100):
        client.invoke(f"mine:f{number}")
    client.invoke("mine:f1099")

    assert "f1099" == provider.seen[-1].function
    assert 1024 == len(client._router._targets)


class Busy:
    """A provider that refuses every call for now."""

    capabilities = Capabilities()

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        raise ThrottledError("too many calls")

    def close(self) -> None:
        pass


def test_a_failover_route_is_made_when_a_call_gets_to_it() -> None:
    """What only a later route needs may be missing as long as no call goes there, and is told when one would have."""
    services = {"images": {"provider": "mine", "attempts": 1, "failover": ["spare"]}, "spare": {"provider": "aliyun"}}
    good, busy = Recorder(), Busy()

    fcall.Client({"services": services}, providers={"mine": good}).invoke("images/resize")
    with pytest.raises(ThrottledError) as caught:
        fcall.Client({"services": services}, providers={"mine": busy}).invoke("images/resize")

    assert ["resize"] == [invocation.function for invocation in good.seen]
    assert "pip install fcall-aliyun" in caught.value.__notes__[0]


def test_the_clients_provider_serves_services_that_name_none() -> None:
    """``provider=`` and its options stand for what the configuration leaves open, and for nothing that it says."""
    registry = fcall.local.Registry()
    registry.function("images/resize")(lambda event, context: "resized")
    config = {"services": {"images": {"timeout": 5}}}
    with fcall.Client(config, provider="local", registry=registry) as client:
        assert "resized" == client.invoke("images/resize").json()


# What is remembered of a target


def _routes(config: dict[str, Any], cloud: Cloud, target: str) -> list[Route]:
    router = fcall.Client(config, plugins=[cloud])._router
    return list(router.routes(router.target(target)))


@pytest.mark.parametrize(
    ("table", "breaker"),
    [
        ({}, False),
        ({"circuit_breaker": True}, True),
        ({"failover": ["spare"]}, True),
        ({"failover": ["spare"], "circuit_breaker": False}, False),
        ({"failover": []}, False),
    ],
)
def test_a_breaker_comes_with_failover_or_when_asked_for(table: dict[str, Any], breaker: bool, cloud: Cloud) -> None:
    """A service has one where a call can go on from it, and where the configuration says so; it may also say no."""
    spare = {"provider": "cloud"}
    config = {"services": {"images": {"provider": "cloud", **table}, "spare": spare}}
    first, *others = _routes(config, cloud, "images/resize")

    assert breaker is first.policy.circuit_breaker
    assert all(route.policy.circuit_breaker for route in others)
    assert not _routes(config, cloud, "spare/resize")[0].policy.circuit_breaker


def test_a_target_is_an_instance_and_a_function(cloud: Cloud) -> None:
    """Two services with the same options share what is remembered of a function; other options are another target."""
    services = {
        "images": {"provider": "cloud", "service": "there"},
        "same": {"provider": "cloud", "service": "there", "max_in_flight": 3},
        "elsewhere": {"provider": "cloud", "service": "there", "region": "far"},
    }
    client = fcall.Client({"services": services}, plugins=[cloud])
    guards = {}
    for name in (*services, "images"):
        (route,) = client._router.routes(client._router.target(f"{name}/resize"))
        guards[name] = route.guards

    assert guards["images"] is guards["same"]
    assert guards["images"] is not guards["elsewhere"]


def test_a_limit_may_be_said_in_code() -> None:
    """``Client(max_in_flight=…)`` and ``circuit_breaker=`` are options of the client, like ``timeout=``."""
    client = fcall.Client(provider="mine", providers={"mine": Recorder()}, max_in_flight=3, circuit_breaker=True)
    (route,) = client._router.routes(client._router.target("resize"))

    assert (3, True) == (route.policy.max_in_flight, route.policy.circuit_breaker)


def test_the_providers_own_limit_keeps_its_name() -> None:
    """``concurrency`` is an option of the local provider, and no key of every service."""
    table = {"provider": "local", "isolation": "process", "concurrency": 2, "max_in_flight": 1}
    with fcall.Client({"services": {"images": table}}) as client:
        (route,) = client._router.routes(client._router.target("images/resize"))

    assert 1 == route.policy.max_in_flight


class Shut:
    """A provider that cannot be reached, and counts who tried."""

    capabilities = Capabilities()
    calls = 0

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.calls += 1
        raise ConnectionFailedError("refused", executed=Executed.NO)

    def close(self) -> None:
        pass


def test_a_service_that_is_down_is_soon_left_alone() -> None:
    """With failover, ten calls find out that a service is down; the others go to the next one without asking it."""
    shut, spare = Shut(), Recorder()
    services = {"images": {"provider": "shut", "failover": ["spare"]}, "spare": {"provider": "spare"}}
    client = fcall.Client({"services": services}, providers={"shut": shut, "spare": spare})
    results = [client.invoke("images/resize") for _ in range(30)]

    assert (10, 30) == (shut.calls, len(spare.seen))
    assert {"spare"} == {result.provider for result in results}
    assert ["ConnectionFailedError"] * 10 + ["CircuitOpenError"] * 20 == [r.attempts[0].error for r in results]
