"""``fcall config``: what is shown of the configuration, where it was written, and what never is."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

TEXT = """
[defaults]
provider = "local"
timeout = 10

[services.images]
functions = { resize = "app.py:resize", "*" = "prod-{function}" }
failover = ["my images"]

[services."my images"]
provider = "aws"
region = "eu-west-1"

[env.dev.services."my images"]
region = "moon-1"
"""


def write(text: str, path: str = "fcall.toml") -> Path:
    file = Path(path).absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_what_holds_is_shown_as_toml(run: Run) -> None:
    """show prints every service with the defaults and the environment merged in, in a form that TOML reads again."""
    write(TEXT)
    ended = run("config", "show", "--env", "dev")

    assert (0, "") == (ended.code, ended.err)
    assert {
        "defaults": {"provider": "local", "timeout": 10},
        "services": {
            "images": {
                "provider": "local",
                "timeout": 10,
                "functions": {"resize": "app.py:resize", "*": "prod-{function}"},
                "failover": ["my images"],
            },
            "my images": {"provider": "aws", "timeout": 10, "region": "moon-1"},
        },
    } == tomllib.loads(ended.out)


def test_values_of_every_type_are_shown(run: Run) -> None:
    """Whatever TOML can hold comes out as it was: numbers, dates, lists, nested tables, text that needs escapes."""
    text = """
[defaults]
provider = "local"
text = "a \\"quoted\\" back\\\\slash,\\ttab, Zo\\u00eb, bell \\u0007 and a sign \\U000e0001"
day = 2026-01-02
moment = 2026-01-02T03:04:05Z
clock = 03:04:05
ratio = 0.5
big = inf
flag = true
off = false
empty = {}
list = [1, ["a"], { "b c" = 2 }]
"""
    write(text)

    assert tomllib.loads(text) == tomllib.loads(run("config", "show").out)


def test_origins_name_the_file_and_the_table(run: Run) -> None:
    """--origin says for each value which file and table it was written in, by its whole path, or which variable."""
    own = write('[services.images]\nprovider = "aws"\n', f"{os.environ['XDG_CONFIG_HOME']}/fcall/fcall.toml")
    project = write("[services.images]\ntimeout = 5\n[env.dev.defaults]\nattempts = 2\n")
    lines = run("config", "show", "--origin", "--env", "dev").out.splitlines()

    assert f'provider = "aws"  # {own} [services.images]' in lines
    assert f"timeout = 5  # {project} [services.images]" in lines
    assert f"attempts = 2  # {project} [env.dev.defaults]" in lines


def test_an_output_of_another_encoding_is_no_obstacle(spawn: Run) -> None:
    """What standard output cannot show is escaped, and the rest is printed all the same."""
    write('[services.x]\nprovider = "aws"\nname = "Zo\u00eb"\n')
    ended = spawn("config", "show", PYTHONIOENCODING="ascii")

    assert (0, '[services.x]\nprovider = "aws"\nname = "Zo\\xeb"\n') == (ended.code, ended.out)


def test_a_variable_is_an_origin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that FCALL_PROVIDER chose is shown with that origin, also where no file is there."""
    monkeypatch.setenv("FCALL_PROVIDER", "aws")
    ended = run("config", "show", "--origin")

    assert '[defaults]\nprovider = "aws"  # FCALL_PROVIDER\n' == ended.out


SECRETS = ["token", "api_key", "api-key", "password", "aws_secret_access_key", "Authorization", "cookie", "passphrase"]


@pytest.mark.parametrize("name", SECRETS)
def test_what_looks_like_a_secret_is_masked(run: Run, name: str) -> None:
    """A value under a name that may be a secret's is never shown, in whatever it is nested."""
    write(
        f'[services.x]\nprovider = "aws"\n{name} = "hunter2"\nheaders = {{ {name} = "hunter2", plain = "seen" }}\n'
        f'list = [{{ {name} = ["hunter2"] }}]\n'
    )
    out = run("config", "show", "--origin").out
    table = tomllib.loads(out)["services"]["x"]

    assert "hunter2" not in out
    assert ("***", {name: "***", "plain": "seen"}, [{name: "***"}]) == (table[name], table["headers"], table["list"])


def test_the_user_in_an_address_is_masked(run: Run) -> None:
    """The user and the password that an address may hold are never shown."""
    write('[services.x]\nprovider = "aws"\nendpoint = "https://ada:hunter2@example.org/x@y"\n')

    assert 'endpoint = "https://***@example.org/x@y"\n' in run("config", "show").out


def test_the_name_of_a_variable_is_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """``env:NAME`` is shown, since the name is no secret; the value of the variable never is."""
    monkeypatch.setenv("GATE", "hunter2")
    write('[services.x]\nprovider = "aws"\ntoken = "env:GATE"\n')
    out = run("config", "show").out

    assert 'token = "env:GATE"\n' in out
    assert "hunter2" not in out


def test_a_function_may_be_called_token(run: Run) -> None:
    """What every provider has, such as the names of functions, is never mistaken for a secret."""
    write('[services.x]\nprovider = "aws"\nfunctions = { token = "issue-token" }\n')

    assert 'functions = { token = "issue-token" }\n' in run("config", "show").out


def test_what_a_provider_declares_secret_is_masked(spawn: Run, sample_plugins: Path, tmp_path: Path) -> None:
    """An option that its provider declares a secret is never shown, whatever its name and whatever it holds."""
    provider = tmp_path / "site"
    provider.mkdir()
    (provider / "vault.py").write_text(VAULT, encoding="utf-8")
    info = provider / "vault-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vault\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[fcall]\nvault = vault\n", encoding="utf-8")
    write(
        '[services.x]\nprovider = "vault"\nopen = "seen"\nsesame = "hunter2"\n'
        '[services.y]\nprovider = "vault"\nsesame = { word = "hunter2" }\n'
        '[services.z]\nprovider = "vault"\nsesame = "env:SESAME"\n'
    )
    ended = spawn("config", "show", PYTHONPATH=str(provider))
    services = tomllib.loads(ended.out)["services"]

    assert "hunter2" not in ended.out
    assert {"provider": "vault", "open": "seen", "sesame": "***"} == services["x"]
    assert {"word": "***"} == services["y"]["sesame"]
    assert "env:SESAME" == services["z"]["sesame"]


VAULT = """
from dataclasses import dataclass
from typing import Any
import fcall
from fcall.provider import ProviderSpec, option

@dataclass(frozen=True)
class Options:
    open: str = option("")
    sesame: Any = option("", secret=True)

@fcall.hookimpl
def fcall_register_providers():
    return ProviderSpec("vault", None, Options)
"""


def test_a_table_without_a_provider_is_shown(run: Run) -> None:
    """A file that names no provider anywhere is shown as it is."""
    write("[defaults]\ntimeout = 3\n")

    assert "[defaults]\ntimeout = 3\n" == run("config", "show").out


def test_the_files_are_listed_strongest_first(run: Run) -> None:
    """path prints the project's file, then the user's own."""
    own = write("", f"{os.environ['XDG_CONFIG_HOME']}/fcall/fcall.toml")
    project = write("")
    ended = run("config", "path")

    assert (0, f"{project}\n{own}\n", "") == (ended.code, ended.out, ended.err)
    assert f"{project}\n" == run("config", "path", "--config", "fcall.toml").out


@pytest.mark.parametrize("command", ["show", "path"])
def test_no_file_is_no_error(run: Run, command: str) -> None:
    """Without a configuration there is nothing to print, and standard error says why."""
    ended = run("config", command)

    assert (0, "") == (ended.code, ended.out)
    assert ended.err.startswith("fcall: no configuration file is found")


@pytest.mark.parametrize("command", ["show", "path"])
@pytest.mark.parametrize(
    ("text", "said"),
    [("[defalts]", "unknown table [defalts] (did you mean 'defaults'?)"), ("[", "fcall.toml is not TOML")],
)
def test_a_mistake_in_a_file_is_told(run: Run, command: str, text: str, said: str) -> None:
    """A configuration that cannot be read ends with 3, and a message that names the file and the mistake."""
    write(text)
    ended = run("config", command)

    assert (3, "") == (ended.code, ended.out)
    assert said in ended.err
