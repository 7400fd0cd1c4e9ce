"""The local provider: three ways to name a function, what it can do, and who may name code."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall.errors import (
    ConfigurationError,
    Executed,
    FunctionNotFoundError,
    InvalidParamsError,
    InvocationTimeoutError,
    UnsupportedFeatureError,
)
from fcall.local._options import LocalOptions
from fcall.local._provider import LocalProvider

HELLO = "def handler(event, context): return f\"Hello {event['name']}\"\n"


@pytest.fixture
def images(registry: fcall.local.Registry) -> Callable[..., fcall.Client]:
    """Makes a client with a service ``images`` at the local provider, with this test's functions."""

    def made(**table: Any) -> fcall.Client:
        provider = LocalProvider(LocalOptions(registry=registry))
        return fcall.Client({"services": {"images": {"provider": "mine", **table}}}, providers={"mine": provider})

    return made


# Three ways to name a function


def test_by_decorator(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """A registered function is called by its name, as a target, as a direct target and in params."""
    registry.function("greetings/hello")(lambda event, context: "decorated")

    assert "decorated" == client.invoke("greetings/hello").json()
    assert "decorated" == client.invoke("local:greetings/hello").json()
    params = {"serviceName": "greetings", "functionName": "hello"}
    assert b'"decorated"' == client.invoke_function(params)["payload"]
    assert b'"decorated"' == client.invoke_function({**params, "provider": "local"})["payload"]


def test_by_configuration() -> None:
    """A name in the table may be code, under the name that the application says."""
    Path("hello.py").write_text(HELLO)
    client = fcall.Client(
        {"services": {"greetings": {"provider": "local", "functions": {"hello": "hello.py:handler"}}}}
    )

    assert "Hello Ada" == client.invoke("greetings/hello", {"name": "Ada"}).json()
    params = {"serviceName": "greetings", "functionName": "hello", "payload": '{"name": "Ada"}'}
    assert b'"Hello Ada"' == client.invoke_function(params)["payload"]


def test_by_target(client: fcall.Client) -> None:
    """A direct target names code, as a developer types it."""
    Path("hello.py").write_text(HELLO)

    assert "Hello Ada" == client.invoke("local:hello.py:handler", {"name": "Ada"}).json()


def test_a_table_may_name_a_registered_function(images: Any, registry: fcall.local.Registry) -> None:
    """Whatever has no colon is the name of a registration."""
    registry.function("images/r2")(lambda event, context: "registered")

    assert "registered" == images(functions={"resize": "r2"}).invoke("images/resize").json()
    assert "registered" == images(functions="{function}2").invoke("images/r").json()
    registry.function("pictures/r2")(lambda event, context: "elsewhere")
    assert "elsewhere" == images(functions={"resize": "r2"}, service="pictures").invoke("images/resize").json()


def test_a_qualifier_chooses_nothing(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """There is one version here; the qualifier is taken, so that a call can stay as it is for a cloud."""
    registry.function("greetings/hello")(lambda event, context: context.function_version)

    assert "$LATEST" == client.invoke("greetings/hello:prod").json()
    assert "$LATEST" == client.invoke("greetings/hello", qualifier="7").executed_version


# What it can do


def test_streaming_gives_one_piece(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """As Lambda's managed Python runtimes do, the function answers once."""
    registry.function("hello")(lambda event, context: [1, 2])

    assert [b"[1, 2]"] == list(client.stream("hello"))


def test_functions_are_listed(images: Any, registry: fcall.local.Registry) -> None:
    """Those that are registered, and those that the configuration names and that are there."""
    Path("here.py").write_text(HELLO)
    for name in ("images/crop", "images/r2", "other/secret", "plain"):
        registry.function(name)(lambda event, context: None)
    functions = {"hello": "here.py:handler", "gone": "gone.py:handler", "module": "a.b:c", "resize": "r2"}
    listed = list(images(functions=functions).list_functions("images"))

    assert [("resize", "r2"), ("hello", "here.py:handler"), ("module", "a.b:c")] == [
        (info.name, info.provider_name) for info in listed
    ]
    assert {f"python3.{sys.version_info.minor}"} == {info.runtime for info in listed}
    assert ["crop", "r2"] == [info.name for info in images().list_functions("images")]


def test_functions_without_a_service_are_listed(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """`list_functions` without a service has those that are registered without one."""
    for name in ("images/crop", "plain"):
        registry.function(name)(lambda event, context: None)

    assert ["plain"] == [info.name for info in client.list_functions()]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"log_tail": True}, "a log tail"), ({"idempotency_key": "k"}, "a way to enforce an idempotency key")],
)
def test_what_it_cannot_do_is_refused(client: fcall.Client, parameters: Any, words: str) -> None:
    """It has no log tails and no memory of keys, and says so."""
    with pytest.raises(UnsupportedFeatureError, match=words):
        client.invoke("x", **parameters)


def test_a_dry_run_looks_without_running(client: fcall.Client) -> None:
    """Code that is there passes, unread; code that is not there does not."""
    Path("bad.py").write_text("raise ValueError")
    client.check("local:bad.py:handler")
    with pytest.raises(FunctionNotFoundError, match="there is no file"):
        client.check("local:gone.py:handler")


# Who may name code

SERVICES: Mapping[str, Any] = {
    "plain": {"provider": "local"},
    "any": {"provider": "local", "functions": "{function}"},
    "folder": {"provider": "local", "functions": "./{function}"},
    "file": {"provider": "local", "functions": "{function}.py:handler"},
    "suffix": {"provider": "local", "functions": "{function}:handler"},
    "prefix": {"provider": "local", "functions": "canary.py:{function}"},
    "table": {"provider": "local", "functions": {"known": "known.py:handler", "*": "{function}"}},
}
NAMES = [
    "os:system",
    "canary:handler",
    "canary.py:handler",
    "../canary.py:handler",
    "canary",
    "handler",
    "./canary.py:f",
]


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """A module ``canary`` that can be imported and must not be; says whether it was, or os.system was called."""
    called: list[str] = []
    Path("canary.py").write_text("import builtins\nbuiltins.fcall_test_canary('canary')\nhandler = print\n")
    Path("known.py").write_text("def handler(event, context): return 'known'\n")
    monkeypatch.syspath_prepend(Path.cwd())
    monkeypatch.setattr("builtins.fcall_test_canary", called.append, raising=False)
    monkeypatch.setattr("os.system", lambda command: called.append(command))
    return lambda: bool(called) or "canary" in sys.modules


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["Sync", "Async", "DryRun"])
def test_names_in_data_never_import_code(canary: Callable[[], bool], name: str, kind: str) -> None:
    """Params may come from anybody: whatever they name, no code is loaded for it."""
    client = fcall.Client({"defaults": {"provider": "local"}, "services": SERVICES})
    cases: list[dict[str, Any]] = [{"functionId": name}, {"functionName": name}]
    cases += [{"serviceName": service, "functionName": name} for service in SERVICES]
    for params in [*cases, *({**case, "provider": "local"} for case in cases)]:
        with pytest.raises(FunctionNotFoundError, match="is registered") as caught:
            client.invoke_function({**params, "invocationType": kind})

        assert Executed.NO is caught.value.executed
        assert not canary()
    client.close()


def test_the_canary_can_sing(canary: Callable[[], bool], client: fcall.Client) -> None:
    """The test above would notice: a developer's target does import the module."""
    client.invoke("local:canary.py:handler")

    assert canary()


def test_a_name_in_the_table_is_still_code(canary: Callable[[], bool]) -> None:
    """What a developer wrote down can be called by data, under the name that the developer gave it."""
    client = fcall.Client({"services": SERVICES})

    assert b'"known"' == client.invoke_function({"serviceName": "table", "functionName": "known"})["payload"]
    assert not canary()


@pytest.mark.parametrize("name", NAMES)
def test_targets_in_data_can_be_kept_from_code(canary: Callable[[], bool], name: str) -> None:
    """With ``direct_targets=False`` the verbs, too, load nothing that a developer did not write down."""
    client = fcall.Client({"defaults": {"provider": "local"}, "services": SERVICES}, direct_targets=False)
    for target in (name, f"local:{name}", *(f"{service}/{name}" for service in SERVICES)):
        with pytest.raises((ConfigurationError, FunctionNotFoundError)):
            client.invoke(target)
    for service in (name, f"local:{name}"):
        with pytest.raises(ConfigurationError, match="does not name the service"):
            client.list_functions(service)

    assert not canary()


# The caller's patience


def test_a_function_that_is_loaded_too_late_does_not_run() -> None:
    """Where the time-out passes while the code is imported, the function did not run."""
    Path("slow.py").write_text(
        "import time, pathlib\ntime.sleep(0.2)\ndef handler(event, context): pathlib.Path('ran').touch()\n"
    )
    client = fcall.Client(provider="local")
    with pytest.raises(InvocationTimeoutError) as caught:
        client.invoke("local:slow.py:handler", timeout=0.1)

    assert Executed.NO is caught.value.executed
    assert not Path("ran").exists()


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("function_timeout", [0.15, 10])
def test_the_callers_time_out_comes_first_where_it_passes_first(
    registry: fcall.local.Registry, fails: bool, function_timeout: float
) -> None:
    """A caller of a cloud would have left by then, so whatever the function did later is not told."""

    @registry.function("slow")
    def slow(event: Any, context: Any) -> None:
        time.sleep(0.2)  # longer than both limits
        if fails:
            raise ValueError

    client = fcall.Client(provider="local", registry=registry, function_timeout=function_timeout)
    with pytest.raises(InvocationTimeoutError) as caught:
        client.invoke("slow", timeout=0.1)

    assert Executed.YES is caught.value.executed


def test_a_file_without_a_function_is_told_apart() -> None:
    """A path that names no function is no registration either; the message says how to write it."""
    with pytest.raises(InvalidParamsError, match=r"write path/to/file.py:function"):
        fcall.Client(provider="local").invoke("local:app/hello.py")
