"""``fcall doctor``: whether everything here is as it should be."""

from __future__ import annotations

import click

from fcall.cli._command import Command, configuration_options
from fcall.cli._errors import PROBLEM
from fcall.cli._output import Output, tell

__all__ = ["doctor"]


@click.command(cls=Command, short_help="Examine this installation.")
@configuration_options
@click.pass_obj
def doctor(output: Output, config: str | None, env: str | None) -> None:
    """Examine this installation: Python, fcall, plugins, configuration. No function is called.

    Each line begins with ok, warning or problem; a problem makes the exit code 3.
    """
    from fcall.cli._checks import findings

    problems = 0
    for level, text in findings(config, env):
        problems += level == "problem"
        output.line(f"{level:<7}  {text}")
    if problems:
        tell("1 problem was found." if problems == 1 else f"{problems} problems were found.")
        raise click.exceptions.Exit(PROBLEM)
