"""``fcall doctor`` and ``fcall providers``: what is installed, and what is wrong with it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall.cli import _checks

Run = Callable[..., Any]

installed = pytest.mark.skipif(
    not any(importlib.metadata.distributions(name="fcall-core")), reason="fcall-core is not installed"
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the import path, for distributions."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def distribution(site: Path, name: str, version: str = "9.9", **files: str) -> Path:
    """Something installed, as far as its description goes."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    for file, content in files.items():
        (info / file.replace("__", ".")).write_text(content, encoding="utf-8")
    return info


def lines_of(ended: Any, level: str) -> list[str]:
    """What doctor says at one level."""
    split = [line.split(None, 1) for line in ended.out.splitlines()]
    return [text for found, text in split if found == level]


@installed
def test_a_sound_installation_is_all_ok(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is wrong every line is ok, among them Python, fcall and where each one is; the exit code is 0."""
    monkeypatch.setenv("FCALL_DISABLE_PLUGINS", "")
    ended = run("doctor")

    assert (0, "") == (ended.code, ended.err), ended.out
    assert ended.out.splitlines()[0].startswith("ok       Python 3.")
    assert f"ok       fcall {fcall.__version__} at {Path(fcall.__file__).parent}" == ended.out.splitlines()[1]
    assert len(ended.out.splitlines()) == len(lines_of(ended, "ok"))
    assert "no environment is chosen" in lines_of(ended, "ok")


@pytest.mark.parametrize("file", ["fcall/client.py", "fcall.py"])
def test_another_owner_of_our_package_is_a_problem(run: Run, site: Path, file: str) -> None:
    """A distribution that installs the import package fcall, as the one called fcall does, is found and named."""
    (site / file).parent.mkdir(exist_ok=True)
    (site / file).touch()
    distribution(site, "fcall", RECORD=f"{file},,\nfcall-9.9.dist-info/METADATA,,\n")
    ended = run("doctor")

    assert (3, "fcall: 1 problem was found.\n") == (ended.code, ended.err)
    assert [
        "the distribution fcall 9.9 has files in the import package fcall; uninstall it, then reinstall fcall-core"
    ] == lines_of(ended, "problem")


def test_an_owner_without_a_record_is_found(run: Run, site: Path) -> None:
    """A distribution without a list of its files is judged by the import packages that it says it has."""
    distribution(site, "some-fork", top_level__txt="fcall\n")
    distribution(site, "innocent", top_level__txt="innocent\n")
    distribution(site, "silent")
    ended = run("doctor")

    assert 3 == ended.code
    assert ["the distribution some-fork 9.9"] == [text.split(" has ")[0] for text in lines_of(ended, "problem")]


def test_neighbours_are_no_problem(run: Run, site: Path) -> None:
    """A plugin with a package of its own, and what an interrupted installation left behind, are passed over."""
    distribution(site, "fcall-gate", RECORD="fcall_gate/__init__.py,,\n../../../bin/fcall-gate,,\n")
    (site / "~call-1.0.dist-info").mkdir()

    ended = run("doctor")

    assert (0, []) == (ended.code, lines_of(ended, "problem"))


def test_another_version_of_ours_is_a_warning(run: Run, site: Path) -> None:
    """A distribution fcall-core of another version than the fcall that runs is told."""
    distribution(site, "fcall_core", "0.0.1")
    ended = run("doctor")

    assert "fcall-core 0.0.1 is installed, and this is another fcall; reinstall one of them" in lines_of(
        ended, "warning"
    )


def test_an_fcall_that_is_not_installed_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """fcall may be imported from a folder, and then nothing that is installed belongs to it."""
    monkeypatch.setattr(_checks.metadata, "distributions", lambda: iter(()))

    assert "the distribution fcall-core is not installed; this fcall is imported from its folder" in [
        text for level, text in _checks.findings(None, None) if level == "warning"
    ]


CONFIGURATION = """
[defaults]
provider = "sample"

[services.good]
provider = "local"
functions = { say = "app.py:say" }
failover = ["planets"]

[services.planets]
provider = "sample"
region = "mars-1"
api_key = "env:MARS_KEY"

[services.moons]
provider = "sample"
api_key = "env:MOON_KEY"
region = "env:MOON_REGION"

[services.wrong]
provider = "sample"
regoin = "mars-1"

[services.typed]
provider = "sample"
region = 1

[services.open]
provider = "sample"
api_key = "hunter2"

[services.missing]
provider = "aws"

[services.twins]
provider = "twin"
"""


def test_every_service_is_followed_to_its_provider(spawn: Run, sample_plugins: Path) -> None:
    """Each service is ok with the providers that it leads to, or a problem that says what is wrong."""
    Path("fcall.toml").write_text(CONFIGURATION, encoding="utf-8")
    ended = spawn("doctor", PYTHONPATH=str(sample_plugins), MARS_KEY="hunter2")
    problems = {text.split(": ")[0]: text for text in lines_of(ended, "problem") if text.startswith("the service ")}

    assert (3, False) == (ended.code, "hunter2" in ended.out + ended.err)
    assert f"the configuration {Path('fcall.toml').absolute()}" in lines_of(ended, "ok")
    assert "the service good, on local, then sample" in lines_of(ended, "ok")
    assert "the service planets, on sample" in lines_of(ended, "ok")
    assert "functions without a service, on sample" in lines_of(ended, "ok")
    assert {f"the service {name}" for name in ("moons", "wrong", "typed", "open", "missing", "twins")} == set(problems)
    assert "the service moons: 'api_key' takes the variable MOON_KEY, which is not set; set it" in ended.out
    assert "the service moons: 'region' takes the variable MOON_REGION, which is not set; set it" in ended.out
    assert 2 == ended.out.count("the service moons: ")
    assert "'regoin' (written in fcall.toml [services.wrong]) (did you mean 'region'?)" in problems["the service wrong"]
    assert "is a int; it has to be str" in problems["the service typed"]
    assert "is a secret and may not stand in a file" in problems["the service open"]
    assert "pip install fcall-aws" in problems["the service missing"]
    assert "uninstall one" in problems["the service twins"]


def test_a_failover_that_leads_nowhere_is_a_problem(run: Run) -> None:
    """A service is followed along its failover list to the end, and what is looked at next is still looked at."""
    Path("fcall.toml").write_text(
        '[services.here]\nprovider = "local"\nfailover = ["there"]\n[services.there]\nprovider = "aws"\n'
        '[services.last]\nprovider = "local"\n',
        encoding="utf-8",
    )
    ended = run("doctor")

    assert 3 == ended.code
    assert ["the service here", "the service there"] == [text.split(": ")[0] for text in lines_of(ended, "problem")]
    assert "the service last, on local" in lines_of(ended, "ok")


def test_every_plugin_is_looked_at(spawn: Run, sample_plugins: Path) -> None:
    """Plugins that load are ok; one that is broken, misnamed, or brings the same name as another is a problem, once."""
    ended = spawn("doctor", PYTHONPATH=str(sample_plugins))
    problems = "\n".join(lines_of(ended, "problem"))

    assert 3 == ended.code
    assert "the plugin sample of sample-cloud 1.0" in lines_of(ended, "ok")
    assert "the plugin sample-observer of sample-observer 1.0" in lines_of(ended, "ok")
    assert "the plugin broken of broken-cloud 1.0 could not be loaded: RuntimeError: this plugin was built" in problems
    assert "the plugin broken-observer of broken-observer 1.0 could not be loaded: SystemExit" in problems
    assert "the plugin misnamed of misnamed-cloud 1.0 registers another and not 'misnamed'" in problems
    assert "the plugin local of greedy-cloud 1.0 is never loaded" in problems
    assert 1 == problems.count("the provider 'twin' is brought by ")
    assert f"fcall: {len(lines_of(ended, 'problem'))} problems were found.\n" == ended.err


def test_a_plugin_that_is_switched_off_is_told(spawn: Run, sample_plugins: Path) -> None:
    """What FCALL_DISABLE_PLUGINS names is a warning, and no longer a problem."""
    names = "broken-cloud,broken-observer,misnamed,misspelt-observer,greedy-cloud,twin"
    ended = spawn("doctor", PYTHONPATH=str(sample_plugins), FCALL_DISABLE_PLUGINS=names)

    assert 0 == ended.code, ended.out
    assert "the plugin broken of broken-cloud 1.0 is switched off by FCALL_DISABLE_PLUGINS" in lines_of(
        ended, "warning"
    )
    assert 7 == len(lines_of(ended, "warning"))


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("[", [], "is not TOML"),
        ("[defaults]\ntimout = 1", ["--env", "dev"], "no configuration has an environment 'dev'"),
        ("", ["--config", "nowhere.toml"], "nowhere.toml cannot be read"),
        ('[services.x]\nfunctions = "x-{function}"', [], "no provider is named in [services.x]"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_a_problem(run: Run, text: str, arguments: list[str], said: str) -> None:
    """A mistake in a file is one of the lines, beside everything else that was looked at."""
    Path("fcall.toml").write_text(text, encoding="utf-8")
    ended = run("doctor", *arguments)

    assert 3 == ended.code
    assert said in lines_of(ended, "problem")[-1]
    assert lines_of(ended, "ok")


def test_the_environment_is_told(run: Run) -> None:
    """doctor examines the environment that is chosen, and says which."""
    Path("fcall.toml").write_text('[env.dev.services.x]\nprovider = "local"\n', encoding="utf-8")
    ended = run("doctor", "--env", "dev")

    assert {"the environment dev", "the service x, on local"} <= set(lines_of(ended, "ok"))
    assert 0 == ended.code, ended.out


def rows(ended: Any) -> Iterator[list[str]]:
    """The columns of what `fcall providers` prints."""
    for line in ended.out.splitlines():
        yield [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_providers_that_could_be_installed_are_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any plugin there is local, and what to install for each provider that is known by name."""
    monkeypatch.setenv("FCALL_DISABLE_PLUGINS", "*")
    ended = run("providers")
    shown = {row[0]: row[1:] for row in rows(ended)}

    assert (0, "") == (ended.code, ended.err)
    assert {"aliyun", "aws", "linkedge", "local"} <= set(shown)
    assert [f"fcall-core {fcall.__version__}", "installed", "functions of this machine"] == shown["local"]


def test_broken_providers_hide_no_others(spawn: Run, sample_plugins: Path) -> None:
    """Every provider has its line: what it is, what to install, or why it cannot be used; none of it is an error."""
    ended = spawn("providers", PYTHONPATH=str(sample_plugins), FCALL_DISABLE_PLUGINS="sample-west")
    shown = {row[0]: row[1:] for row in rows(ended) if "greedy-cloud 1.0" not in row}

    assert (0, "") == (ended.code, ended.err)
    assert ["sample-cloud 1.0", "installed", "a cloud for tests"] == shown["sample"]
    assert ["sample-clouds 1.0", "installed"] == shown["sample-east"]
    assert ["sample-clouds 1.0", "disabled", "named in FCALL_DISABLE_PLUGINS"] == shown["sample-west"]
    assert ["-", "not installed", "pip install fcall-aws"] == shown["aws"]
    assert ["broken-cloud 1.0", "broken"] == shown["broken"][:2]
    assert "RuntimeError: this plugin was built for another planet" in shown["broken"][2]
    assert {"twin-cloud-one 1.0", "twin-cloud-two 1.0"} == set(shown["twin"][0].split(", "))
    assert "broken" == shown["misnamed"][1]
    assert ["local", "greedy-cloud 1.0", "broken"] == next(row[:3] for row in rows(ended) if "greedy" in row[1])
    assert ["local", f"fcall-core {fcall.__version__}", "installed", "functions of this machine"] in [*rows(ended)]
