"""Configuration: which files are read, how they lie over each other, and what is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall._config import Configuration, config_files
from fcall.errors import ConfigurationError, FunctionNotFoundError, InvalidParamsError


def write(path: Path | str, text: str | bytes) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def timeout(configuration: Configuration, service: str | None = None) -> Any:
    """The one value by which these tests tell tables apart."""
    binding = configuration.binding(service)
    return binding and binding.get("timeout")


def own_file() -> Path:
    return Path(os.environ["XDG_CONFIG_HOME"], "fcall", "fcall.toml")


def defaults(seconds: int, table: str = "defaults") -> str:
    return f'[{table}]\nprovider = "local"\ntimeout = {seconds}\n'


# Which files


def test_without_any_file_nothing_is_bound() -> None:
    """Where no file is found and nothing is said, every function belongs to the local provider."""
    configuration = Configuration.load()

    assert ((), False, None) == (configuration.files, configuration.complete, configuration.binding("images"))
    with pytest.raises(FunctionNotFoundError, match="on local"):
        fcall.Client().invoke("images/resize")


def test_the_nearest_file_upwards_is_read(tmp_path: Path) -> None:
    """The search begins in the working directory and ends at the first file."""
    write(tmp_path / "fcall.toml", defaults(1))
    nearer = write(tmp_path / "a/fcall.toml", defaults(2))
    write(tmp_path / "a/b/c/fcall.toml", defaults(3))
    configuration = Configuration.load(folder=tmp_path / "a/b")

    assert ((nearer,), 2) == (configuration.files, timeout(configuration))


@pytest.mark.parametrize("where", [".", "deeper/down"])
def test_the_working_directory_is_where_the_search_begins(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client finds the project's file from anywhere inside of the project."""
    write("fcall.toml", "[services.images]\nprovider = 'nobody'")
    Path(where).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(where)
    with pytest.raises(ConfigurationError, match="no provider is named 'nobody'"):
        fcall.Client().invoke("images/resize")


def test_pyproject_holds_the_same_tables(tmp_path: Path) -> None:
    """A ``[tool.fcall]`` in pyproject.toml is configuration like a file of its own."""
    path = write(tmp_path / "pyproject.toml", defaults(4, "tool.fcall.defaults"))
    configuration = Configuration.load(folder=tmp_path)

    assert ((path,), 4) == (configuration.files, timeout(configuration))
    assert 4 == timeout(Configuration.load(path))


@pytest.mark.parametrize("text", ["", "[project]\nname = 'other'", "tool = 5", "tool = 'fcall'", "[tool.other]"])
def test_somebody_elses_pyproject_is_passed_over(tmp_path: Path, text: str) -> None:
    """A pyproject.toml without our table does not end the search."""
    path = write(tmp_path / "fcall.toml", defaults(1))
    write(tmp_path / "a/pyproject.toml", text)

    assert [path] == config_files(tmp_path / "a")


def test_in_one_folder_our_own_file_goes_first(tmp_path: Path) -> None:
    """Beside a fcall.toml, a pyproject.toml is not looked at, and so cannot be wrong."""
    path = write(tmp_path / "fcall.toml", defaults(1))
    write(tmp_path / "pyproject.toml", "this is not TOML")

    assert [path] == config_files(tmp_path)


def test_the_users_file_lies_beneath_the_projects(tmp_path: Path) -> None:
    """What the project says goes before what its user says for every project."""
    project = write(tmp_path / "fcall.toml", "[defaults]\ntimeout = 1\n[services.b]\nprovider = 'local'")
    own = write(own_file(), "[defaults]\nprovider = 'local'\ntimeout = 9\nattempts = 2\n[services.a]\ntimeout = 8")
    configuration = Configuration.load(folder=tmp_path)

    assert (project, own) == configuration.files
    assert (1, 8, 1) == (timeout(configuration), timeout(configuration, "a"), timeout(configuration, "b"))
    assert configuration.binding("a").get("attempts") == 2  # type: ignore[union-attr]


def test_the_users_file_alone_is_a_configuration() -> None:
    """It is found without a project, and then counts as complete."""
    own = write(own_file(), defaults(7))
    configuration = Configuration.load()

    assert ((own,), 7, True) == (configuration.files, timeout(configuration), configuration.complete)


def test_a_file_is_read_once() -> None:
    """Where the user's file is also the nearest one, it is one file."""
    own = write(own_file(), defaults(7))

    assert [own] == config_files(own.parent)


@pytest.mark.parametrize("variable", [{}, {"XDG_CONFIG_HOME": ""}])
def test_the_users_file_has_its_usual_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: Mapping[str, str]
) -> None:
    """Without XDG_CONFIG_HOME it is looked for under ``~/.config``."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = write(tmp_path / ".config/fcall/fcall.toml", defaults(7))

    assert [path] == config_files(Path.cwd(), variable)


def test_a_chosen_file_is_the_only_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FCALL_CONFIG names the one file that is read; it may be relative to the working directory."""
    write("fcall.toml", defaults(1))
    write(own_file(), defaults(2))
    chosen = write("other/settings.toml", defaults(3))
    monkeypatch.setenv("FCALL_CONFIG", "other/settings.toml")
    configuration = Configuration.load()

    assert ((chosen.absolute(),), 3) == (configuration.files, timeout(configuration))


def test_an_empty_variable_chooses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """``FCALL_CONFIG=`` is the same as no FCALL_CONFIG."""
    write("fcall.toml", defaults(1))
    for name in ("FCALL_CONFIG", "FCALL_ENV", "FCALL_PROVIDER"):
        monkeypatch.setenv(name, "")

    assert 1 == timeout(Configuration.load())


@pytest.mark.parametrize("kind", [str, Path])
def test_code_goes_before_the_variable(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """``config=`` names a file as text or as a path, whatever FCALL_CONFIG says."""
    write("mine.toml", defaults(5))
    monkeypatch.setenv("FCALL_CONFIG", "nowhere.toml")

    assert 5 == timeout(Configuration.load(kind("mine.toml")))


def test_a_mapping_is_a_configuration() -> None:
    """``config=`` takes a mapping of the same shape, and then no file is read."""
    write("fcall.toml", defaults(1))
    configuration = Configuration.load({"services": {"images": {"provider": "local", "timeout": 2}}})

    assert ((), True, 2) == (configuration.files, configuration.complete, timeout(configuration, "images"))


# Files that cannot be read


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[defaults", "is not TOML"),
        ("timeout = 1\ntimeout = 2", "is not TOML"),
        ("a = " + "[" * 10_000, "is not TOML"),
        ("a = " + "1" * 10_000, "is not TOML"),
        ("a = '\x00'", "is not TOML"),
        (b"[defaults]\nprovider = '\xff'", "cannot be read: it is not UTF-8"),
    ],
)
def test_a_file_that_makes_no_sense_is_an_error(text: str | bytes, words: str) -> None:
    """A broken file is never passed over, and the error names it."""
    path = write("fcall.toml", text).absolute()
    with pytest.raises(ConfigurationError) as caught:
        fcall.Client()

    assert f"the configuration {path} {words}" in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_a_file() -> None:
    """An editor's byte order mark does no harm."""
    write("fcall.toml", b"\xef\xbb\xbf" + defaults(3).encode())

    assert 3 == timeout(Configuration.load())


@pytest.mark.parametrize(
    ("config", "reason"), [("nowhere.toml", "No such file"), (".", "Is a directory"), ("a\0b", "embedded null")]
)
def test_a_chosen_file_that_is_none_is_an_error(config: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is named has to be there, whether code names it or FCALL_CONFIG."""
    with pytest.raises(ConfigurationError, match=f"cannot be read: {reason}"):
        fcall.Client(config)
    if "\0" not in config:
        monkeypatch.setenv("FCALL_CONFIG", config)
        with pytest.raises(ConfigurationError, match=f"cannot be read: {reason}"):
            fcall.Client()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_an_error() -> None:
    """A file without permission is an error, and not the same as no file."""
    write("fcall.toml", defaults(1)).chmod(0)
    with pytest.raises(ConfigurationError, match="cannot be read: Permission denied"):
        fcall.Client()


def test_a_directory_by_the_name_of_the_file_is_an_error() -> None:
    """Whatever is called fcall.toml is meant to be read; passing it over would call functions elsewhere."""
    Path("fcall.toml").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        fcall.Client()


@pytest.mark.parametrize("name", ["fcall.toml", "own"])
def test_a_dangling_link_is_an_error(name: str) -> None:
    """A link to a file that is gone is an error, in the project and at the user's."""
    link = own_file() if name == "own" else Path(name)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("gone.toml")
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        fcall.Client()


def test_a_pyproject_that_is_named_has_our_table() -> None:
    """A pyproject.toml that code names, and that says nothing of fcall, is a mistake."""
    write("pyproject.toml", "[project]\nname = 'other'")
    with pytest.raises(ConfigurationError, match=r"has no table \[tool.fcall\]"):
        fcall.Client("pyproject.toml")


def test_a_working_directory_that_is_gone_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can search from a directory that was removed."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigurationError, match="the working directory is gone"):
        fcall.Client()


@pytest.mark.parametrize("config", [5, b"fcall.toml", ["fcall.toml"], object(), True])
def test_what_is_neither_path_nor_mapping_is_an_error(config: Any) -> None:
    """``config=`` says what it takes."""
    with pytest.raises(InvalidParamsError, match=f"config is a path or a mapping, not {type(config).__name__}"):
        fcall.Client(config)


# How tables lie over each other

BASE: dict[str, Any] = {
    "provider": "aws",
    "region": "eu-west-1",
    "service": "pictures",
    "functions": "prod-{function}",
    "timeout": 30,
    "attempts": 2,
    "retry_error_types": ["Transient"],
    "failover": ["other"],
    "failover_maybe": True,
    "max_in_flight": 5,
    "circuit_breaker": False,
}
HOW_TO_CALL = {key: value for key, value in BASE.items() if key not in ("provider", "region", "service", "functions")}


def images(table: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """What comes of `table` in the environment dev over `BASE`."""
    other = {"provider": "aws"}
    config = {"services": {"images": BASE, "other": other}, "env": {"dev": {"services": {"images": table}}}, **more}
    return {key: setting.value for key, setting in Configuration.load(config, env="dev").services["images"].items()}


def test_a_table_that_names_a_provider_replaces() -> None:
    """Options of another provider mean nothing to this one; how to call carries over: time-out, attempts, failover."""
    assert {**HOW_TO_CALL, "provider": "local", "root": "app"} == images({"provider": "local", "root": "app"})


def test_a_table_that_names_the_same_provider_replaces_as_well() -> None:
    """Naming a provider starts afresh, whichever it is."""
    assert {**HOW_TO_CALL, "provider": "aws", "timeout": 1} == images({"provider": "aws", "timeout": 1})


def test_a_table_that_names_no_provider_is_merged() -> None:
    """It changes what it says, key by key, and a value is replaced whole."""
    table = {"region": "us-east-1", "functions": {"resize": "r"}, "retry_error_types": []}

    assert {**BASE, **table} == images(table)


def test_services_lie_over_the_defaults_by_the_same_rule() -> None:
    """A service without a provider takes everything from the defaults; one with a provider takes how to call."""
    configuration = Configuration.load(
        {
            "defaults": {"provider": "aws", "region": "r", "timeout": 5},
            "services": {"a": {"attempts": 1}, "b": {"provider": "local"}},
        }
    )
    tables = {name: {key: s.value for key, s in table.items()} for name, table in configuration.services.items()}

    assert {"provider": "aws", "region": "r", "timeout": 5, "attempts": 1} == tables["a"]
    assert {"provider": "local", "timeout": 5} == tables["b"]


def test_an_environment_has_defaults_of_its_own() -> None:
    """The environment's defaults lie over the file's, and a service's own word over both."""
    config = {
        "defaults": {"provider": "aws", "region": "r", "timeout": 5},
        "services": {"a": {}, "b": {"provider": "aliyun"}},
        "env": {"dev": {"defaults": {"provider": "local"}}},
    }
    services = Configuration.load(config, env="dev").services

    assert {"provider": "local", "timeout": 5} == {key: setting.value for key, setting in services["a"].items()}
    assert "aliyun" == services["b"]["provider"].value


def test_every_environment_lies_over_every_file(tmp_path: Path) -> None:
    """Weakest first: the user's file, the project's, the user's environment, the project's environment."""
    table = "[{0}services.{1}]\nprovider = 'local'\ntimeout = {2}\n"
    own = [("", "abcd", 1), ("env.dev.", "cd", 3)]
    project = [("", "bcd", 2), ("env.dev.", "d", 4)]
    for path, tables in ((own_file(), own), (tmp_path / "fcall.toml", project)):
        write(path, "".join(table.format(prefix, name, n) for prefix, names, n in tables for name in names))
    configuration = Configuration.load(folder=tmp_path, env="dev")

    assert [1, 2, 3, 4] == [timeout(configuration, name) for name in "abcd"]


def test_a_service_may_be_there_in_one_environment_only() -> None:
    """What an environment adds is configured there, and nowhere else."""
    config = {"env": {"dev": {"services": {"images": {"provider": "local"}}}}}

    assert "local" == Configuration.load(config, env="dev").binding("images").provider  # type: ignore[union-attr]
    with pytest.raises(ConfigurationError, match="does not name the service 'images'"):
        Configuration.load(config).binding("images")


# Variables

DEV = {
    "services": {"images": {"provider": "aws", "timeout": 1}},
    "env": {"dev": {"services": {"images": {"timeout": 2}}}},
}


@pytest.mark.parametrize(("env", "variable", "expected"), [(None, None, 1), (None, "dev", 2), ("dev", "prod", 2)])
def test_the_environment_is_chosen(env: str | None, variable: str | None, expected: int) -> None:
    """FCALL_ENV chooses the environment, and the argument goes before it."""
    environ = {} if variable is None else {"FCALL_ENV": variable}

    assert expected == timeout(Configuration.load(DEV, env=env, environ=environ), "images")


@pytest.mark.parametrize("environ", [{"FCALL_ENV": "dve"}, {}])
def test_an_unknown_environment_is_an_error(environ: Mapping[str, str]) -> None:
    """Nobody calls production because of a typing error."""
    with pytest.raises(ConfigurationError, match=r"environment 'dve' \(did you mean 'dev'\?\); there is dev"):
        Configuration.load(DEV, env=None if environ else "dve", environ=environ)


def test_an_environment_without_any_file_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names an environment means a configuration; without one, nothing runs here by accident."""
    monkeypatch.setenv("FCALL_ENV", "prod")
    with pytest.raises(ConfigurationError, match="no configuration has an environment 'prod'; there is none"):
        fcall.Client()


@pytest.mark.parametrize("env", [5, ["dev"], b"dev", False])
def test_an_environment_is_named_by_a_text(env: Any) -> None:
    """``env=`` of another type is an error, not an environment."""
    with pytest.raises(InvalidParamsError, match=f"the name of an environment, not {type(env).__name__}"):
        fcall.Client(DEV, env=env)


def test_the_provider_is_chosen_by_a_variable() -> None:
    """FCALL_PROVIDER is the provider of whatever names none, stronger than the defaults and weaker than a service."""
    config = {
        "defaults": {"provider": "aws", "region": "r", "timeout": 5},
        "services": {"a": {}, "b": {"provider": "aliyun"}},
    }
    configuration = Configuration.load(config, environ={"FCALL_PROVIDER": "local"})
    providers = [configuration.binding(name).provider for name in (None, "a", "b")]  # type: ignore[union-attr]

    assert ["local", "local", "aliyun"] == providers
    assert {"provider", "timeout"} == configuration.services["a"].keys()


def test_the_same_provider_by_a_variable_changes_nothing() -> None:
    """FCALL_PROVIDER that says what the file says leaves the provider's options."""
    config = {"defaults": {"provider": "aws", "region": "r"}}

    assert "r" == Configuration.load(config, environ={"FCALL_PROVIDER": "aws"}).defaults["region"].value


def test_the_provider_is_chosen_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """FCALL_PROVIDER says something, so that nothing is local by default."""
    monkeypatch.setenv("FCALL_PROVIDER", "nobody")
    with pytest.raises(ConfigurationError, match="no provider is named 'nobody'"):
        fcall.Client().invoke("images/resize")


# What is wrong with tables


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"service": {}}, r"config has an unknown table \[service\] \(did you mean 'services'\?\); known are"),
        ({"env": {"dev": {"default": {}}}}, r"unknown table \[env.dev.default\] \(did you mean 'defaults'\?\)"),
        ({"env": {"dev": {"env": {}}}}, r"unknown table \[env.dev.env\]"),
        ({"defaults": {"service": "x"}}, r"'service' does not belong in config \[defaults\]"),
        ({"defaults": {"functions": "{function}"}}, r"'functions' does not belong in config \[defaults\]"),
        ({"env": {"dev": {"defaults": {"failover": []}}}}, "'failover' does not belong in"),
        ({"defaults": []}, r"\[defaults\] in config is list; it has to be a table"),
        ({"services": "images"}, r"\[services\] in config is str; it has to be a table"),
        ({"services": {"images": None}}, r"\[services.images\] in config is NoneType; it has to be a table"),
        ({"env": 5}, r"\[env\] in config is int"),
        ({"env": {"dev": 5}}, r"\[env.dev\] in config is int"),
        ({5: {}}, "config has a key that is int; a key is a text"),
        ({"services": {5: {}}}, r"\[services\] in config has a key that is int"),
        ({"defaults": {None: 1}}, r"\[defaults\] in config has a key that is NoneType"),
    ],
)
def test_an_unknown_table_is_an_error(config: Any, words: str) -> None:
    """A table that means nothing is said to mean nothing, with the nearest one that does."""
    with pytest.raises(ConfigurationError, match=words):
        Configuration.load(config, env="dev" if "dev" in str(config) else None)


WRONG: list[tuple[str, Any]] = [
    ("provider", 5),
    ("provider", ""),
    ("provider", None),
    ("service", []),
    ("functions", "prod"),
    ("functions", "{name}-{function}"),
    ("functions", 5),
    ("functions", {"resize": 5}),
    ("functions", {"resize": ""}),
    ("functions", {5: "resize"}),
    ("functions", {"*": "prod"}),
    ("timeout", "30"),
    ("timeout", 0),
    ("timeout", -1),
    ("timeout", True),
    ("timeout", float("nan")),
    ("timeout", float("inf")),
    ("timeout", 10**400),
    ("attempts", 0),
    ("attempts", 21),
    ("attempts", 1.0),
    ("attempts", True),
    ("retry_error_types", "Transient"),
    ("retry_error_types", [5]),
    ("failover", "other"),
    ("failover", {"other": 1}),
    ("failover_maybe", "yes"),
    ("failover_maybe", 1),
    ("max_in_flight", 0),
    ("max_in_flight", 10_001),
    ("max_in_flight", 1.0),
    ("max_in_flight", True),
    ("max_in_flight", None),
    ("circuit_breaker", 1),
    ("circuit_breaker", "on"),
]


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_a_value_of_the_wrong_type_is_an_error(key: str, value: Any) -> None:
    """Whoever reads the message knows which key, where it was written, and what it takes."""
    with pytest.raises(ConfigurationError, match=rf"'{key}' in config \[services.images\] has to be "):
        Configuration.load({"services": {"images": {"provider": "local", key: value}}})


def test_values_are_checked_where_they_stand() -> None:
    """A mistake in an environment is found whether it is chosen or not, and placed there."""
    write("fcall.toml", "[env.dev.services.images]\ntimeout = 0")

    for env in ("dev", None):
        with pytest.raises(ConfigurationError, match=r"'timeout' in fcall.toml \[env.dev.services.images\] has to be"):
            Configuration.load(env=env)


def test_a_misspelt_provider_is_named() -> None:
    """Where no provider is named, the key that was meant for it is."""
    client = fcall.Client({"services": {"images": {"provder": "local"}}})
    with pytest.raises(ConfigurationError, match=r"\[services.images\] \(did you mean 'provider'\?\)"):
        client.invoke("images/resize")


def test_a_misspelt_key_is_an_error_with_the_nearest_one() -> None:
    """A key that no provider has is not an option that is passed over."""
    client = fcall.Client({"services": {"images": {"provider": "local", "time_out": 5}}})
    with pytest.raises(
        ConfigurationError,
        match=r"no 'time_out' \(written in config \[services.images\]\) \(did you mean 'timeout'\?\)",
    ):
        client.invoke("images/resize")


@pytest.mark.parametrize(
    ("failover", "words"),
    [
        (["othr"], r"names the service 'othr' \(did you mean 'other'\?\), which is not configured; there is"),
        (["images"], "names the service itself"),
    ],
)
def test_failover_leads_to_another_service(failover: list[str], words: str) -> None:
    """A failover list that leads nowhere is found before it is needed."""
    table = {"provider": "aws"}
    with pytest.raises(ConfigurationError, match=words):
        Configuration.load({"services": {"images": {**table, "failover": failover}, "other": table}})


def test_failover_is_checked_once_everything_is_read() -> None:
    """A service that only another file or an environment names may be in the list."""
    write(own_file(), "[services.other]\nprovider = 'local'")
    write("fcall.toml", "[services.images]\nprovider = 'aws'\nfailover = ['other']")

    assert ["other"] == Configuration.load().binding("images").get("failover")  # type: ignore[union-attr]


# Services


def test_a_service_that_the_file_does_not_name_is_never_local(registry: fcall.local.Registry) -> None:
    """Once there is a file, an unknown service is an error, even where a local function has its name."""
    registry.function("imagse/resize")(lambda event, context: "here")
    path = write("fcall.toml", defaults(1) + "[services.images]").absolute()
    client = fcall.Client(provider="local", config=path, registry=registry)
    with pytest.raises(ConfigurationError) as caught:
        client.invoke("imagse/resize")

    assert "does not name the service 'imagse' (did you mean 'images'?); it names images" in str(caught.value)
    assert f"to {path}" in str(caught.value)


@pytest.mark.parametrize(
    ("config", "service", "where"),
    [({"services": {"a": {"timeout": 1}}}, "a", r"\[services.a\]"), ({"services": {}}, None, r"\[defaults\]")],
)
def test_a_service_without_a_provider_is_an_error(config: Any, service: str | None, where: str) -> None:
    """A configuration that says nothing of the provider does not mean the local one."""
    with pytest.raises(ConfigurationError, match=f"no provider is named in {where}"):
        Configuration.load(config).binding(service)


def test_every_value_knows_where_it_was_written(tmp_path: Path) -> None:
    """Origins name the file and the table, and hold the folder that paths are relative to."""
    write(tmp_path / "fcall.toml", "[defaults]\nprovider = 'local'\n[env.dev.services.a]\nroot = 'x'")
    write(own_file(), "[services.a]\ntimeout = 1")
    table = Configuration.load(folder=tmp_path, env="dev").services["a"]

    assert "fcall.toml [defaults]" == str(table["provider"].origin)
    assert ("fcall.toml [env.dev.services.a]", tmp_path) == (table["root"].origin.place, table["root"].origin.folder)
    assert own_file().parent == table["timeout"].origin.folder
