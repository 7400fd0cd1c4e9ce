"""The emulated gateway: edge code runs unmodified, with the SDK as it is on the package index."""

from __future__ import annotations

import base64
import importlib
import json
import os
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import fcall_linkedge
import pytest
from fcall_linkedge import emulator

import fcall
from fcall.errors import FunctionLoadError, FunctionTimeoutError, ProviderNotInstalledError

# In the shape of the vendor's documentation: its present text passes the context as an object, the older one encodes it
SAMPLE = """
import {module}

lesdk = {module}.Client()

def handler(event, context):
    context = {{"custom": {{"data": "customData"}}}}
    invokeParams = {{
        "serviceName": "EdgeFC",
        "functionName": "helloworld",
        "invocationType": "{kind}",
        "invokerContext": {context},
        "payload": "String message from Python Invoker."
    }}
    ret = lesdk.invoke_function(invokeParams)
    print(ret)
    return "OK"
"""
OBJECT = "context"
BASE64 = '__import__("base64").standard_b64encode(__import__("json").dumps(context).encode("utf-8")).decode("utf-8")'
CALL = {"serviceName": "s", "functionName": "f", "payload": ""}
EMPTY: dict[str, Any] = {"1.0": "e30=", "1.1": {}}
"""An empty context, as each generation of the SDK wants it."""


@pytest.fixture
def registry() -> fcall.local.Registry:
    """The functions of the gateway, which write down what they are given."""
    return fcall.local.Registry()


@pytest.fixture
def seen(registry: fcall.local.Registry) -> list[tuple[Any, Any]]:
    """What the function EdgeFC/helloworld was given."""
    given: list[tuple[Any, Any]] = []

    @registry.function("EdgeFC/helloworld")
    def helloworld(event: bytes, context: Any) -> str:
        given.append((event, context["invokerContext"]))
        return "hello"

    return given


@pytest.fixture
def gateway(registry: fcall.local.Registry) -> Iterator[fcall.Client]:
    """A gateway with the functions of the registry; ask for a generation of the SDK before it."""
    with emulator.gateway(registry=registry) as functions:
        yield functions


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin is found by its entry point."""
    if any(point.name == "linkedge" for point in metadata.entry_points(group="fcall")):
        return
    info = tmp_path / "site" / "fcall_linkedge-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: fcall-linkedge\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[fcall]\nlinkedge = fcall_linkedge\n")
    monkeypatch.syspath_prepend(tmp_path / "site")


def sample(module: str, context: str, kind: str = "Sync") -> types.ModuleType:
    """The sample as a module."""
    loaded = types.ModuleType("index")
    exec(SAMPLE.format(module=module, context=context, kind=kind), vars(loaded))
    return loaded


@pytest.mark.parametrize("kind", ["Sync", "Async"])
@pytest.mark.parametrize("context", [OBJECT, BASE64], ids=["object", "base64"])
def test_the_sample_runs_with_our_client(
    generation: str,
    seen: list[Any],
    gateway: fcall.Client,
    installed: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    context: str,
    kind: str,
) -> None:
    """The documentation's sample runs on both SDKs with only its client's construction changed to fcall.Client()."""
    monkeypatch.setenv("FCALL_PROVIDER", "linkedge")

    assert "OK" == sample("fcall", context, kind).handler(b"", {})
    fcall.local.drain()
    assert [(b"String message from Python Invoker.", {"custom": {"data": "customData"}})] == seen
    assert f"'statusCode': {200 if kind == 'Sync' else 202}" in capsys.readouterr().out


def test_the_sample_with_the_sdk_itself(
    true_sdk: None, seen: list[Any], gateway: fcall.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """With lecoresdk 1.0 the sample's present text calls nothing and says OK; its older text works."""
    assert "OK" == sample("lecoresdk", OBJECT).handler(b"", {})
    assert ("100001\n", []) == (capsys.readouterr().out, seen)
    assert "OK" == sample("lecoresdk", BASE64).handler(b"", {})
    assert "'payload': 'aGVsbG8='" in capsys.readouterr().out
    assert [(b"String message from Python Invoker.", {"custom": {"data": "customData"}})] == seen


def test_a_context_that_is_encoded_twice_is_not_passed_over(
    sdk_1_1: None, seen: list[Any], gateway: fcall.Client
) -> None:
    """With 1.1 the older text's context reaches the function as a text; the emulator says so at once."""
    with pytest.raises(ValueError, match=r"with 1\.1 the object itself"):
        sample("lecoresdk", BASE64).handler(b"", {})

    assert [] == seen


def test_a_client_in_a_global_serves_every_gateway(generation: str) -> None:
    """Edge code keeps its client in a module, which is imported once: it calls the gateway of each test."""
    names = []
    with emulator.gateway(registry=fcall.local.Registry()):
        import lecoresdk

        client, sdk = lecoresdk.Client(), lecoresdk
    for name in ("first", "second"):
        registry = fcall.local.Registry()
        registry.function("s/f")(lambda event, context, name=name: names.append(name))
        with emulator.gateway(registry=registry):
            client.invoke_function({**CALL, "invokerContext": EMPTY[generation]})
            assert sdk is importlib.import_module("lecoresdk"), "an SDK is imported once"

    assert ["first", "second"] == names


def test_one_client_of_ours_serves_every_sdk(
    true_sdk: None, client: fcall.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK is looked at for each call: the next gateway may have another one, which wants the context otherwise."""
    contexts = []
    registry = fcall.local.Registry()
    registry.function("s/f")(lambda event, context: contexts.append(context["invokerContext"]))
    for _ in range(2):
        with emulator.gateway(registry=registry):
            client.enqueue("s/f", context={"custom": {"a": "b"}})
        monkeypatch.syspath_prepend(Path(__file__).parent / "lecoresdk-1.1")

    assert [{"custom": {"a": "b"}}] * 2 == contexts


def test_a_gateway_within_a_gateway_hides_it(generation: str, client: fcall.Client) -> None:
    """The innermost gateway answers, and the outer one again after it."""
    registries = [fcall.local.Registry(), fcall.local.Registry()]
    for number, registry in enumerate(registries):
        registry.function("s/f")(lambda event, context, number=number: number)
    with emulator.gateway(registry=registries[0]):
        with emulator.gateway(registry=registries[1]):
            assert 1 == client.invoke("s/f").json()
        assert 0 == client.invoke("s/f").json()


def test_a_client_without_a_gateway_says_so(generation: str, registry: fcall.local.Registry) -> None:
    """When the gateway is gone, the SDK cannot be called, nor imported."""
    with emulator.gateway(registry=registry):
        import lecoresdk

        client = lecoresdk.Client()
    with pytest.raises(RuntimeError, match="there is no gateway any more"):
        client.invoke_function({**CALL, "invokerContext": EMPTY[generation]})
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("lecoresdk")


def test_everything_is_put_back(generation: str, registry: fcall.local.Registry) -> None:
    """After a gateway the process knows no module that it did not know before, and knows all that it did."""
    with emulator.gateway(registry=registry):
        pass  # whatever a first one imports for itself
    mine = types.ModuleType("config")
    sys.modules["config"] = mine
    before = dict(sys.modules)
    try:
        with pytest.raises(ZeroDivisionError), emulator.gateway(registry=registry):
            assert [mine] == [sys.modules["config"]] * (1 // 0)
        with emulator.gateway(registry=registry):
            assert sys.modules["config"] is mine
        assert before == sys.modules
    finally:
        del sys.modules["config"]


def test_modules_of_ones_own_stay_ones_own(
    generation: str, registry: fcall.local.Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project with a config.py and a utils.py imports its own within a gateway, and the SDK works all the same."""
    for name in ("config", "utils"):
        Path(f"{name}.py").write_text("MINE = True\n")
    monkeypatch.syspath_prepend(Path.cwd())
    registry.function("s/f")(lambda event, context: importlib.import_module("config").MINE)
    try:
        with emulator.gateway(registry=registry), fcall.Client(plugins=[fcall_linkedge], provider="linkedge") as client:
            assert importlib.import_module("utils").MINE
            assert client.invoke("s/f").json() is True
            import fc_error  # nobody has a module of this name

            assert "RequestException" in dir(fc_error)
        assert {"config", "utils"} <= set(sys.modules)
    finally:
        for name in ("config", "utils"):
            del sys.modules[name]


def test_what_was_enqueued_has_run(generation: str, seen: list[Any], registry: fcall.local.Registry) -> None:
    """When the gateway ends, every accepted event has run, and events could still call functions."""
    registry.function("EdgeFC/chain")(lambda event, context: client.enqueue("EdgeFC/helloworld", 1) and None)
    with fcall.Client(plugins=[fcall_linkedge], provider="linkedge") as client:
        with emulator.gateway(registry=registry):
            client.enqueue("EdgeFC/helloworld", 2)
            client.enqueue("EdgeFC/chain", 3)

        assert {b"1", b"2"} == {event for event, _ in seen}


def test_functions_call_functions(
    generation: str, seen: list[Any], registry: fcall.local.Registry, gateway: fcall.Client, client: fcall.Client
) -> None:
    """Edge code that calls edge code, by the SDK or by fcall, runs as on a gateway."""
    import lecoresdk

    context = {"custom": {"a": 1}}
    given = context if generation == "1.1" else base64.b64encode(json.dumps(context).encode()).decode()
    names = {"serviceName": "EdgeFC", "functionName": "helloworld"}

    @registry.function("EdgeFC/caller")
    def caller(event: bytes, context: Any) -> Any:
        lesdk = lecoresdk.Client()
        answer = lesdk.invoke_function({**names, "payload": event, "invokerContext": given})
        return [base64.b64decode(answer["payload"]).decode(), client.invoke("EdgeFC/helloworld", payload=event).text]

    assert ["hello", "hello"] == gateway.invoke("EdgeFC/caller", payload=b"\xff").json()
    assert [(b"\xff", context), (b"\xff", {})] == seen


def test_failures_are_those_of_a_gateway(
    generation: str, registry: fcall.local.Registry, gateway: fcall.Client, client: fcall.Client
) -> None:
    """A function that fails is told of by the SDK in band, with the document of its runtime."""
    import lecoresdk

    @registry.function("s/f")
    def fails(event: bytes, context: Any) -> None:
        raise ValueError("no")

    answer = lecoresdk.Client().invoke_function({**CALL, "invokerContext": EMPTY[generation]})
    document = json.loads(base64.b64decode(answer["payload"]))

    assert (200, "Unhandled") == (answer["statusCode"], answer["functionError"])
    assert ("ValueError", "no") == (document["errorType"], document["errorMessage"])
    with pytest.raises(fcall.errors.FunctionError) as raised:
        client.invoke("s/f")
    assert fcall.errors.FunctionError is type(raised.value)
    assert "fails" in raised.value.stack_trace[0]


def test_code_is_named_in_the_configuration(generation: str, client: fcall.Client) -> None:
    """Functions are given by their files, as on any provider; what does not load, and what is too slow, says so."""
    Path("edge.py").write_text(
        "import time\nhello = lambda event, context: b'hello'\nslow = lambda event, context: time.sleep(0.1)\n"
    )
    functions = {"hello": "edge.py:hello", "none": "edge.py:none", "slow": "edge.py:slow"}
    with emulator.gateway({"services": {"EdgeFC": {"functions": functions}}}, function_timeout=0.05):
        assert b"hello" == client.invoke("EdgeFC/hello").payload
        with pytest.raises(FunctionLoadError):
            client.invoke("EdgeFC/none")
        with pytest.raises(FunctionTimeoutError):
            client.invoke("EdgeFC/slow")


def test_a_function_that_takes_too_long_has_no_result(generation: str, registry: fcall.local.Registry) -> None:
    """Past the gateway's patience 1.0 raises, since the task was taken, and 1.1 returns None."""
    registry.function("s/f")(lambda event, context: time.sleep(0.1))
    params = {**CALL, "invokerContext": EMPTY[generation]}
    with emulator.gateway(registry=registry, timeout=0.05):
        import fc_error
        import lecoresdk

        if generation == "1.1":
            assert lecoresdk.Client().invoke_function(params) is None
        else:
            with pytest.raises(fc_error.WSConnException):
                lecoresdk.Client().invoke_function(params)


def test_the_gateway_runs_functions_itself(generation: str) -> None:
    """A configuration that binds a service to linkedge cannot make the gateway call itself without end."""
    registry = fcall.local.Registry()
    registry.function("EdgeFC/hello")(lambda event, context: [event.decode(), dict(context)["invokerContext"]])
    services = {"EdgeFC": {"provider": "linkedge"}}
    bound = fcall.Client({"services": services}, plugins=[fcall_linkedge])
    with emulator.gateway({"services": services}, registry=registry), bound as client:
        assert ["1", {}] == client.invoke("EdgeFC/hello", 1).json()


@pytest.mark.parametrize(
    "function_id",
    [
        "acs:fc:cn-shanghai:123:service:EdgeFC:function:helloworld",
        "service:EdgeFC:function:helloworld",
        "acs:fc:::services/EdgeFC/functions/helloworld",
    ],
)
def test_a_function_is_found_by_its_arn(
    generation: str, seen: list[Any], gateway: fcall.Client, client: fcall.Client, function_id: str
) -> None:
    """Every form of a function's ARN leads to it."""
    client.invoke_function({"functionId": function_id, "provider": "linkedge", "payload": "x"})

    assert [b"x"] == [event for event, _ in seen]


def test_the_rest_of_the_sdk_works(
    true_sdk: None, registry: fcall.local.Registry, gateway: fcall.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Things are reached by a function whose id is in the environment; a role there is none."""
    import lecoresdk

    topics = []

    @registry.function("things")
    def things(event: bytes, context: Any) -> Any:
        topics.append(context["invokerContext"]["custom"]["topic"])
        return json.loads(event)

    monkeypatch.setenv("THING_FUNCTION_ID", "things")
    params = {"productKey": "p", "deviceName": "d", "payload": {"on": 1}}

    assert {"on": 1} == lecoresdk.IoTData().setThingProperties(params)
    assert ["/sys/things/p/d/services/set"] == topics
    assert lecoresdk.CredentialProviderChain().get_credential() is None


def test_without_the_sdk_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator runs the true SDK, and says how to get it."""
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ProviderNotInstalledError, match=r"pip install fcall-linkedge\[emulator\]"):
        emulator.gateway().__enter__()


FIXTURES = """
import pytest

def test_one(linkedge_registry, linkedge_gateway):
    import lecoresdk
    linkedge_registry.function("s/f")(lambda event, context: event)
    params = {"serviceName": "s", "functionName": "f", "payload": "{}", "invokerContext": "e30="}
    assert lecoresdk.Client().invoke_function(params)["payload"] == "e30="
    assert linkedge_gateway.invoke("s/f", payload="x").text == "x"

def test_two(linkedge_gateway):
    with pytest.raises(Exception, match="no local function"):
        linkedge_gateway.invoke("s/f", payload="x")

def test_three():
    with pytest.raises(ModuleNotFoundError):
        import lecoresdk
"""


@pytest.mark.usefixtures("true_sdk")
def test_pytest_has_the_fixtures() -> None:
    """The fixtures give each test a gateway of its own, and touch no test that does not ask."""
    Path("test_edge.py").write_text(FIXTURES)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-W",
        "error",
        "-p",
        "fcall_linkedge.pytest_plugin",
        "test_edge.py",
    ]
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    finished = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)

    assert "3 passed" in finished.stdout, finished.stdout


def test_the_entry_points_lead_somewhere(repository: Path) -> None:
    """What the distribution says it brings is there: the provider under its name, and the fixtures."""
    import tomllib

    project = tomllib.loads((repository / "plugins/fcall-linkedge/pyproject.toml").read_text())["project"]
    provider = metadata.EntryPoint("linkedge", project["entry-points"]["fcall"]["linkedge"], "fcall").load()
    fixtures = importlib.import_module(project["entry-points"]["pytest11"]["fcall-linkedge"])

    assert "linkedge" == provider.fcall_register_providers().name
    assert {"linkedge_gateway", "linkedge_registry"} == set(fixtures.__all__)
