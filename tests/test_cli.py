"""The command line as a whole: how commands end, how they speak, and that its page tells all of it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from fcall.cli import cli

Run = Callable[..., Any]

HANDLERS = """
import time

def echo(event, context):
    return event

def fails(event, context):
    raise ValueError("no such card")

def ends(event, context):
    raise SystemExit(7)

def loud(event, context):
    print("printed")
    return "answer"

def slow(event, context):
    time.sleep(0.05)
"""

CONFIG = """
[services.words]
provider = "local"
functions = { say = "app.py:echo" }

[services.far]
provider = "aws"
"""


@pytest.fixture(autouse=True)
def _app() -> None:
    """Handlers in app.py of the working directory, and a configuration."""
    Path("app.py").write_text(HANDLERS, encoding="utf-8")
    Path("fcall.toml").write_text(CONFIG, encoding="utf-8")


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (0, "invoke words/say 1"),
        (0, "--help"),
        (1, "invoke local:app.py:fails"),
        (1, "invoke local:app.py:ends"),
        (2, "invoke"),
        (2, "invok"),
        (2, "invoke local:app.py:echo {"),
        (3, "invoke words/sya"),
        (3, "invoke far/away"),
        (3, "invoke local:app.py:echo --option colour=blue"),
        (4, "invoke local:app.py:echo --payload {"),
        (5, "invoke local:app.py:slow --timeout 0.001"),
    ],
)
def test_the_process_ends_with_the_code(spawn: Run, code: int, line: str) -> None:
    """Scripts branch on the exit code of the process; a failure prints no data and no traceback."""
    ended = spawn(*line.split())

    assert code == ended.code, ended.err
    assert "Traceback" not in ended.err
    assert not code or "" == ended.out


@pytest.mark.parametrize(
    "line",
    [
        "invoke local:app.py:fails",
        "invoke local:app.py:echo {",
        "invoke local:app.py:echo --payload {",
        "invoke local:app.py:echo --dry-run",
        "invoke nobody/knows",
        "invoke",
        "invoke words/say --colour",
        "colour",
        "completion",
        "completion tcsh",
        "config path --config nowhere.toml",
        "config show --env nowhere",
        "list nothing",
        "doctor",
    ],
)
def test_a_message_is_one_paragraph_that_says_who_speaks(run: Run, line: str) -> None:
    """What fcall says begins with its name and has no empty line in it: handlers use standard error as well."""
    error = run(*line.split()).err

    assert error.startswith("fcall: ")
    assert 1 == error.count("fcall: ")
    assert "\n\n" not in error


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("invok", r"fcall: No such command 'invok'\..* Try 'fcall --help'\.\n"),
        ("config hide", r"fcall: No such command 'hide'\..* Try 'fcall config --help'\.\n"),
        ("config show --orign", r"fcall: No such option.* Try 'fcall config show --help'\.\n"),
        ("completion", r"fcall: Missing argument.*bash, zsh, fish\.? Try 'fcall completion --help'\.\n"),
    ],
)
def test_a_usage_error_names_the_help_that_helps(run: Run, line: str, said: str) -> None:
    """A mistyped command line is answered on one line, with where to read on."""
    assert re.fullmatch(said, run(*line.split()).err)


@pytest.mark.parametrize("group", [[], ["config"]])
def test_a_command_that_is_missing_is_answered_with_help(run: Run, group: list[str]) -> None:
    """``fcall`` alone shows its commands on standard error, since nothing was asked of it, and ends with 2."""
    ended = run(*group)

    assert (2, "") == (ended.code, ended.out)
    assert ended.err.startswith(f"Usage: {' '.join(['fcall', *group])} [OPTIONS] COMMAND")


def test_what_a_handler_prints_is_no_data(run: Run) -> None:
    """Streams that are no files, as those of a test of somebody's own, are kept apart as well."""
    ended = run("invoke", "local:app.py:loud")

    assert (0, '"answer"\n') == (ended.code, ended.out)


def test_ctrl_c_outside_of_a_command_is_quiet(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the command line is still being read ends with 130 and a sentence as well."""

    def interrupted(*arguments: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "make_context", interrupted)
    ended = run("providers")

    assert (130, "", "fcall: interrupted.") == (ended.code, ended.out, ended.err.strip())


@pytest.mark.parametrize("line", ["invoke words/say 1", "list words", "completion bash", "--help", "providers"])
def test_a_reader_that_reads_nothing_is_no_error(line: str) -> None:
    """``fcall … | head -c 0`` ends without a word, whether or not there is anything to read any more."""
    command = f"{shlex.quote(sys.executable)} -m fcall {line} | head -c 0"
    finished = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)

    assert ("", "") == (finished.stdout, finished.stderr)


def test_the_page_lists_every_command_with_its_options(repository: Path) -> None:
    """The reference has a section for each command, and its help there has each of its options and no other.

    That it is the help to the letter is tested with the documentation: older versions of click write it differently.
    """
    sections = re.findall(r"^## `fcall ([a-z ]+[a-z])\b.*\n((?:(?!## ).*\n)*)", _page(repository), flags=re.MULTILINE)

    assert dict(_commands(cli)) == {command: _documented(section) for command, section in sections}


def test_the_page_lists_every_exit_code(repository: Path) -> None:
    """The exit codes of the reference are those of --help, in the same words."""
    codes = re.findall(r"^  (\d+) +(.+)$", cli.epilog or "", flags=re.MULTILINE)

    assert codes
    assert codes == re.findall(r"^\| (\d+) \| ([^|]+) \|", _page(repository), flags=re.MULTILINE)


def _page(repository: Path) -> str:
    return (repository / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")


_EVERYWHERE = {"--debug", "-h", "--help"}


def _documented(section: str) -> set[str]:
    """The options at the beginnings of the lines of a section's help."""
    lines = re.findall(r"^  (-[\w-]+(?:, --[\w-]+)*)", section, flags=re.MULTILINE)
    return {option for line in lines for option in line.split(", ")} - _EVERYWHERE


def _commands(group: click.Group, path: str = "") -> Iterator[tuple[str, set[str]]]:
    """Every command and its own options."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path}{name} ")
        else:
            options = {word for option in command.params if isinstance(option, click.Option) for word in option.opts}
            yield f"{path}{name}", options - _EVERYWHERE
