"""``fcall list`` and ``fcall completion``: what is there, for people, programs and shells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fcall.errors import AccessDeniedError
from fcall.provider import Capabilities, Deadline, FunctionInfo, Invocation, InvocationResult
from fcall.testing import routed_to

Run = Callable[..., Any]

CONFIGURATION = """
[services.words]
provider = "local"
functions = { say = "app.py:say", tell = "app.py:tell", gone = "gone.py:gone" }

[services.images]
provider = "aws"

[services.mixed]
provider = "aws"
functions = { resize = "r", "*" = "prod-{function}" }

[env.dev.services.far]
provider = "aws"
"""


@pytest.fixture(autouse=True)
def _app() -> None:
    """A configuration in the working directory, and the code that it names."""
    Path("app.py").write_text("say = tell = lambda event, context: None", encoding="utf-8")
    Path("fcall.toml").write_text(CONFIGURATION, encoding="utf-8")


class Catalogue:
    """A provider that has two functions, and fails where it is told to."""

    capabilities = Capabilities(listing=True)

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        raise AssertionError("nothing is called")

    def list_functions(
        self, service: str | None, deadline: Deadline, configured: Collection[str] = ()
    ) -> Iterator[FunctionInfo]:
        moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        yield FunctionInfo("one", "one", "python3.13", moment, raw={"Environment": {"TOKEN": "hunter2"}})
        if self._error:
            raise self._error
        yield FunctionInfo("two", "two", None, "yesterday")

    def close(self) -> None:
        pass


def test_functions_are_listed_a_name_a_line(run: Run) -> None:
    """list prints the names that an application calls, those whose code is there, and nothing else."""
    ended = run("list", "words")

    assert (0, "say\ntell\n", "") == (ended.code, ended.out, ended.err)


def test_functions_are_listed_for_programs(run: Run) -> None:
    """--output json prints an object for each function, without the provider's own record, which may hold secrets."""
    with routed_to(Catalogue()):
        ended = run("list", "anything", "--output", "json")

    assert [
        {"name": "one", "providerName": "one", "runtime": "python3.13", "lastModified": "2026-01-02T03:04:05+00:00"},
        {"name": "two", "providerName": "two", "runtime": None, "lastModified": "yesterday"},
    ] == [json.loads(line) for line in ended.out.splitlines()]


def test_the_default_provider_is_listed_without_a_service(run: Run) -> None:
    """Without SERVICE it is the default provider that is asked."""
    with routed_to(Catalogue()):
        assert "one\ntwo\n" == run("list").out


def test_an_empty_list_is_told(run: Run) -> None:
    """Where there is no function, standard output is empty and standard error says so."""
    Path("fcall.toml").unlink()
    ended = run("list")

    assert (0, "", "fcall: there is no function.\n") == (ended.code, ended.out, ended.err)


def test_what_was_listed_before_a_failure_stays(run: Run) -> None:
    """A listing that breaks off has printed what it had, and ends with the error and its exit code."""
    with routed_to(Catalogue(AccessDeniedError("not for you"))):
        ended = run("list", "x")

    assert (4, "one\n") == (ended.code, ended.out)
    assert "fcall: not for you [test; executed: NO]\n" == ended.err


@pytest.mark.parametrize(
    ("service", "said"),
    [("wrods", "(did you mean 'words'?)"), ("images", "pip install fcall-aws"), ("", "the service name has 1 to 256")],
)
def test_a_service_that_cannot_be_listed_is_told(run: Run, service: str, said: str) -> None:
    """A service that is not configured, or not reachable from here, ends with 3."""
    ended = run("list", service)

    assert (3, "") == (ended.code, ended.out)
    assert said in ended.err


def completed(words: str, position: int) -> list[str]:
    """What a shell is offered for the word at `position`."""
    finished = subprocess.run(
        [sys.executable, "-c", "from fcall.cli import main; main()"],
        env={
            **os.environ,
            "_FCALL_COMPLETE": "fish_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": words.split(" ")[position],
        },
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert "" == finished.stderr
    return [line.partition(",")[2].partition("\t")[0] for line in finished.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "position", "offered"),
    [
        ("fcall in", 1, ["invoke"]),
        ("fcall invoke words/", 2, ["words/gone", "words/say", "words/tell"]),
        ("fcall invoke im", 2, ["images/"]),
        ("fcall invoke mix", 2, ["mixed/", "mixed/resize"]),
        ("fcall invoke x", 2, []),
        ("fcall list w", 2, ["words"]),
        ("fcall list fa", 2, []),
        ("fcall list --env dev fa", 4, ["far"]),
        ("fcall list --config nowhere.toml w", 4, []),
        ("fcall completion z", 2, ["zsh"]),
        ("fcall doctor --en", 2, ["--env"]),
    ],
)
def test_a_shell_is_offered_what_there_is(words: str, position: int, offered: list[str]) -> None:
    """Commands, options, services and functions are completed; a wrong configuration offers nothing, in silence."""
    assert offered == [word for word in completed(words, position) if word]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed(run: Run, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """completion prints a script that asks fcall itself what fits, also where that shell is not installed."""
    monkeypatch.setenv("PATH", "")
    ended = run("completion", shell)

    assert (0, "") == (ended.code, ended.err)
    assert f"_FCALL_COMPLETE={shell}_complete" in ended.out


def test_bash_accepts_the_script() -> None:
    """The script for bash is one, and leaves a function that completes fcall."""
    script = subprocess.run(
        [sys.executable, "-m", "fcall", "completion", "bash"], capture_output=True, timeout=60, check=True
    ).stdout
    finished = subprocess.run(
        ["bash", "--norc", "-c", script.decode() + "\ncomplete -p fcall"], capture_output=True, timeout=60, check=False
    )

    assert (0, b"") == (finished.returncode, finished.stderr)
    assert b"_fcall_completion" in finished.stdout
