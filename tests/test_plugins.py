"""Plugins: found by entry point, loaded when needed, and apart from each other where one is broken.

The distributions of ``tests/distributions`` are installed by pip and used from a process of their own, all at once: the
good ones have the bad ones for neighbours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import fcall
from fcall._plugins import FoundPlugin, Plugins
from fcall.errors import ProviderNotFoundError, ProviderNotInstalledError
from fcall.provider import ProviderSpec

PROVIDERS = {"broken", "local", "misnamed", "sample", "sample-east", "sample-west", "twin"}
OBSERVERS = {"broken-observer", "misspelt-observer", "sample-observer"}


class Installed:
    """Runs code in a fresh process that has the sample plugins."""

    def __init__(self, site: Path, folder: Path) -> None:
        self._site, self._folder = site, folder

    def __call__(self, code: str, **environ: str) -> Any:
        """What `code` left in ``told``, by way of JSON."""
        program = f"import json, fcall\n{textwrap.dedent(code)}\nprint(json.dumps(told))"
        finished = subprocess.run(
            [sys.executable, "-c", program],
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": str(self._site), **environ},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout)


@pytest.fixture
def installed(sample_plugins: Path, tmp_path: Path) -> Installed:
    """A function that runs code where every sample plugin is installed."""
    return Installed(sample_plugins, tmp_path)


def plugins_of(*found: FoundPlugin, disabled: str = "") -> Plugins:
    """Plugins on a machine where exactly these are installed."""
    return Plugins(environ={"FCALL_DISABLE_PLUGINS": disabled}, find=lambda: list(found))


def found(name: str, module: str, group: str = "fcall", distribution: str = "some-plugin") -> FoundPlugin:
    return FoundPlugin(group, name, distribution, "1.0", metadata.EntryPoint(name, module, group))


def test_an_installed_provider_is_called_by_its_name(installed: Installed) -> None:
    """An installed provider works, with its options and call options, whatever else is installed beside it."""
    told = installed("""
        with fcall.Client() as client:
            target = "sample:echo?region=moon-2"
            told = client.invoke(target, {"name": "Ada"}, options={"priority": 2}).json()
    """)

    assert {"region": "moon-2", "priority": 2, "event": {"name": "Ada"}} == told


def test_a_configured_provider_is_found_by_its_name(installed: Installed) -> None:
    """A service is bound to an installed provider by naming it in the configuration."""
    told = installed("""
        config = {"services": {"planets": {"provider": "sample", "region": "mars-1", "functions": {"say": "echo"}}}}
        told = fcall.Client(config).invoke("planets/say", 1).json()
    """)

    assert {"region": "mars-1", "priority": 0, "event": 1} == told


@pytest.mark.parametrize(
    ("function", "error", "executed", "code"),
    [
        ("unreachable", "ConnectionFailedError", "NO", None),
        ("crowded", "ThrottledError", "NO", "SlowDown"),
        ("down", "ProviderUnavailableError", "MAYBE", "Internal"),
        ("nothing", "FunctionNotFoundError", "NO", "NoSuchFunction"),
    ],
)
def test_an_error_table_names_the_failures_of_a_provider(
    installed: Installed, function: str, error: str, executed: str, code: str | None
) -> None:
    """A plugin's error table turns its SDK's failures into ours, with the right `executed` and without the payload."""
    told = installed(f"""
        client = fcall.Client({{"defaults": {{"provider": "sample", "attempts": 1}}}})
        try:
            client.invoke("{function}", "a secret")
        except fcall.FcallError as error:
            told = [type(error).__name__, error.executed.name, error.code, "a secret" in str(error)]
    """)

    assert [error, executed, code, False] == told


def test_names_are_known_without_importing_a_plugin(installed: Installed) -> None:
    """Making a client, calling a local function and listing what is installed import no provider plugin."""
    told = installed("""
        import sys
        from fcall._plugins import Plugins
        registry = fcall.local.Registry()
        registry.function("hello")(lambda event, context: "hello")
        fcall.Client(provider="local", registry=registry).invoke("hello")
        plugins = Plugins()
        names, installed = sorted(plugins.names()), sorted({found.name for found in plugins.installed()})
        told = [names, installed, [name for name in sys.modules if "cloud" in name]]
    """)

    assert [sorted(PROVIDERS | {"aliyun", "aws", "linkedge"}), sorted(PROVIDERS | OBSERVERS), []] == told


def test_importing_a_plugin_imports_no_sdk(installed: Installed) -> None:
    """The plugin is imported when its provider is needed, and its SDK only when that is called."""
    told = installed("""
        import sys
        from fcall._plugins import Plugins
        Plugins().spec("sample")
        told = [sorted(name for name in sys.modules if "cloud" in name)]
        fcall.Client().invoke("sample:echo", 1)
        told.append(sorted(name for name in sys.modules if "cloud" in name))
    """)

    assert [["sample_cloud"], ["sample_cloud", "sample_cloud_sdk"]] == told


def test_one_plugin_may_bring_several_providers(installed: Installed) -> None:
    """A plugin that hands over a list is found under the entry point of each provider in it."""
    told = installed("""
        client = fcall.Client()
        told = [client.invoke(f"sample-{place}:f").text for place in ("east", "west")]
    """)

    assert ["east", "west"] == told


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("broken", ["broken-cloud 1.0", "RuntimeError", "another planet"]),
        ("misnamed", ["misnamed-cloud 1.0", "registers another", "'misnamed'"]),
        ("twin", ["twin-cloud-one 1.0", "twin-cloud-two 1.0"]),
    ],
)
def test_a_bad_plugin_says_what_is_wrong(installed: Installed, name: str, words: list[str]) -> None:
    """Asking for the provider of a bad plugin is a `PluginError` that names its distribution, each time the same."""
    first, again = installed(f"""
        client, told = fcall.Client(), []
        for _ in range(2):
            try:
                client.invoke("{name}:f")
            except fcall.errors.PluginError as error:
                told.append(str(error))
    """)

    assert [] == [word for word in words if word not in first]
    assert first == again


def test_every_failure_is_kept_for_the_doctor(installed: Installed) -> None:
    """Loading everything stops at no failure and keeps each of them, observers' too."""
    told = installed("""
        from fcall._plugins import Plugins
        plugins = Plugins()
        plugins.load_all()
        told = {name: str(error) for name, error in plugins.failures.items()}
    """)

    assert {"broken", "broken-observer", "local", "misnamed", "misspelt-observer", "twin"} == told.keys()
    assert "greedy-cloud" in told["local"]
    assert "fcall_befor_invoke" in told["misspelt-observer"]


def test_a_plugin_cannot_take_local(installed: Installed) -> None:
    """Whoever installs an entry point called ``local``: the built-in provider answers."""
    told = installed("""
        registry = fcall.local.Registry()
        registry.function("hello")(lambda event, context: "hello")
        told = fcall.Client(provider="local", registry=registry).invoke("hello").json()
    """)

    assert "hello" == told


def test_installed_observers_are_told_in_spite_of_bad_neighbours(installed: Installed) -> None:
    """An observer that cannot be loaded is logged once, by its distribution, and the others and the call go on."""
    told = installed("""
        import logging
        logged = []
        handler = logging.Handler()
        handler.emit = lambda record: logged.append(record.getMessage())
        logging.getLogger("fcall").addHandler(handler)
        client = fcall.Client({"defaults": {"provider": "sample"}})
        client.invoke("echo", 1)
        client.invoke("echo", 2)
        import sample_observer
        told = [[hook for hook, _ in sample_observer.TOLD], logged]
    """)

    hooks, logged = told
    assert ["fcall_before_invoke", "fcall_invoker_context", "fcall_after_invoke"] * 2 == hooks
    assert ["broken-observer of broken-observer 1.0", "misspelt-observer of misspelt-observer 1.0"] == sorted(
        message.removeprefix("the plugin ").partition(" could")[0] for message in logged
    )


@pytest.mark.parametrize(
    ("disabled", "left"),
    [
        ("", PROVIDERS | OBSERVERS),
        ("broken, misnamed", (PROVIDERS | OBSERVERS) - {"broken", "misnamed"}),
        ("sample-clouds,sample-observer", (PROVIDERS | OBSERVERS) - {"sample-east", "sample-west", "sample-observer"}),
        ("*", set()),
    ],
)
def test_plugins_can_be_switched_off(installed: Installed, disabled: str, left: set[str]) -> None:
    """``FCALL_DISABLE_PLUGINS`` takes names of plugins or distributions, or everything; the built-in one stays."""
    told = installed(
        """
        from fcall._plugins import Plugins
        plugins = Plugins()
        told = [sorted({found.name for found in plugins.installed()}), plugins.spec("local").name]
        """,
        FCALL_DISABLE_PLUGINS=disabled,
    )

    assert [sorted(left), "local"] == told


def test_one_of_two_twins_can_be_switched_off() -> None:
    """Where two distributions bring a provider, switching one of them off by its own name leaves the other."""
    plugins = plugins_of(
        found("twin", "one", distribution="twin-one"),
        found("twin", "two", distribution="twin-two"),
        disabled="twin-two",
    )

    assert ["twin-one"] == [plugin.distribution for plugin in plugins.installed()]


def test_a_provider_that_is_switched_off_says_so() -> None:
    """Asking for a provider that the environment switched off names the variable, not an installation."""
    plugins = plugins_of(found("aws", "fcall_aws"), disabled="aws")

    with pytest.raises(ProviderNotFoundError, match="'aws' is switched off by FCALL_DISABLE_PLUGINS"):
        plugins.spec("aws")


def test_a_provider_that_nobody_has_names_the_nearest() -> None:
    """An unknown provider is an error that names the nearest one and everything known."""
    plugins = plugins_of(found("sample", "sample_cloud"))

    with pytest.raises(ProviderNotFoundError, match=r"did you mean 'sample'\?.*aliyun, aws, linkedge, local, sample"):
        plugins.spec("sampel")


@pytest.mark.parametrize("name", ["aliyun", "aws", "linkedge"])
def test_a_known_provider_says_what_to_install(name: str) -> None:
    """A provider that we know and that is not installed is an `ImportError` with the command to run."""
    with pytest.raises(ProviderNotInstalledError, match=f"pip install fcall-{name}") as caught:
        plugins_of().spec(name)

    assert isinstance(caught.value, ImportError)


def test_many_threads_load_a_plugin_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that need a provider at the same moment share one loading of its plugin."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "counted_cloud.py").write_text(
        "import fcall, time\n"
        "from fcall.provider import ProviderSpec\n"
        "times = []\n"
        "@fcall.hookimpl\n"
        "def fcall_register_providers():\n"
        "    times.append(1)\n"
        "    return ProviderSpec('counted', None)\n"
    )
    plugins, start, specs = plugins_of(found("counted", "counted_cloud")), threading.Barrier(8, timeout=30), []

    def need() -> None:
        start.wait()
        specs.append(plugins.spec("counted"))

    threads = [threading.Thread(target=need) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {"counted"} == {each.name for each in specs}
    assert 8 == len(specs)
    assert [1] == sys.modules["counted_cloud"].times
    del sys.modules["counted_cloud"]


@pytest.mark.parametrize("group", ["fcall", "fcall.observers"])
def test_an_entry_point_that_leads_nowhere_hides_nothing(group: str) -> None:
    """An entry point without a module fails alone, and its failure is kept."""
    plugins = plugins_of(found("lost", "no_such_module_anywhere", group))
    plugins.load_all()

    assert ["lost"] == list(plugins.failures)
    assert "ModuleNotFoundError" in str(plugins.failures["lost"])
    assert "local" == plugins.spec("local").name


def test_the_providers_plugin_is_told_only_where_it_is_an_observer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a plugin observes is said by its entry points, not by when its provider happens to be needed first."""
    told: list[str] = []

    class Both:
        @fcall.hookimpl
        def fcall_register_providers(self) -> ProviderSpec:
            return ProviderSpec("both", lambda options: None)

        @fcall.hookimpl
        def fcall_before_invoke(self, call: Any) -> None:
            told.append(call.name)

    monkeypatch.setitem(sys.modules, "both_cloud", SimpleNamespace(plugin=Both()))
    provider = found("both", "both_cloud:plugin")
    observer = found("both", "both_cloud:plugin", "fcall.observers")
    only_provider, as_both = plugins_of(provider), plugins_of(provider, observer)
    for plugins in (only_provider, as_both):
        plugins.spec("both")

    assert not only_provider.observers()
    assert as_both.observers()
    assert {} == as_both.failures


def test_apis_of_plugins_are_found_in_spite_of_bad_neighbours(caplog: pytest.LogCaptureFixture) -> None:
    """What serves a wire API is made once for each entry point; one that is broken or no API is logged and left out."""
    plugins = plugins_of(
        found("toy", "toy_api:ToyApi", "fcall.apis"),
        found("gone", "no_such_module_of_an_api:Api", "fcall.apis"),
        found("other", "toy_api:ToyApi", "fcall.apis"),
        found("dict", "builtins:dict", "fcall.apis"),
        found("range", "builtins:range", "fcall.apis"),
        found("sample", "sample_cloud"),
    )

    assert ["toy"] == [api.name for api in plugins.apis()]
    assert {"gone", "other", "dict", "range"} == plugins.failures.keys()
    assert "the API of the plugin other of some-plugin 1.0 is named 'toy'" in caplog.text
    assert "the API of the plugin dict of some-plugin 1.0 lacks" in caplog.text


def test_an_api_that_two_plugins_bring_is_served_once() -> None:
    """Of two entry points with one name the second is left out, and the failure names it."""
    plugins = plugins_of(*(found("toy", "toy_api:ToyApi", "fcall.apis", name) for name in ("one", "two")))

    assert ["toy"] == [api.name for api in plugins.apis()]
    assert "brings an API that another one brings" in str(plugins.failures["toy"])
