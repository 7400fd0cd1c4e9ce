"""Writes the commands' own help into docs/reference/cli.md: ``python tests/cli_help.py``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from fcall.cli import cli

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"
_WIDTH = 78  # what click takes of a terminal of 80 columns
MARKED = re.compile(r"(?<=<!-- help of )(fcall[a-z ]*)( -->\n```text\n)(.*?)(?=```\n<!-- end of help -->)", re.DOTALL)


def helps() -> dict[str, str]:
    """What ``--help`` prints on a terminal of 80 columns, by command."""
    return {command: _printed(command) for command in ("fcall", *_commands(cli, "fcall"))}


def written() -> list[tuple[str, str]]:
    """What the page says that it prints, in the order of the page."""
    return [(command, text) for command, _, text in MARKED.findall(PAGE.read_text(encoding="utf-8"))]


def _commands(group: click.Group, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}"


def _printed(command: str) -> str:
    name, *path = command.split()
    printed = CliRunner().invoke(cli, [*path, "--help"], prog_name=name, terminal_width=_WIDTH)
    assert printed.exit_code == 0
    return printed.output


if __name__ == "__main__":
    texts = helps()
    page = MARKED.sub(lambda found: f"{found[1]}{found[2]}{texts[found[1]]}", PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(page, encoding="utf-8")
