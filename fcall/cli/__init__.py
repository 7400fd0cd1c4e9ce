"""The command line: ``fcall``.

Importing it brings in click and nothing of fcall's machinery; each command imports what it needs when it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from fcall import __version__
from fcall.cli._command import Group
from fcall.cli._errors import INTERRUPTED
from fcall.cli._output import tell
from fcall.cli.completion import completion
from fcall.cli.config import config
from fcall.cli.doctor import doctor
from fcall.cli.invoke import invoke
from fcall.cli.listing import list_functions
from fcall.cli.map import map_lines
from fcall.cli.providers import providers
from fcall.cli.serve import serve

__all__ = ["cli", "main"]


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Exit codes:
  0    it went well
  1    the function failed, or its answer could not be printed; of a map, for some line
  2    the command line cannot be understood
  3    the configuration or the target is wrong
  4    the call was refused or did not get through
  5    the time-out passed
  130  Ctrl-C""",
)
@click.version_option(__version__, prog_name="fcall", message="%(prog)s %(version)s")
def cli() -> None:
    """Call a cloud function wherever it runs, and know whether it ran."""


for _command in (invoke, map_lines, list_functions, serve, providers, config, doctor, completion):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, and end the process with its exit code.

    Args:
        arguments: what follows ``fcall``, or None for what the process was started with.
    """
    try:
        sys.exit(cli.main(arguments, prog_name="fcall", standalone_mode=False))
    except click.ClickException as error:
        _show(error)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):  # before or after the command, which tells more
        tell("interrupted.")
        sys.exit(INTERRUPTED)
    finally:
        _let_go_of_standard_error()


def _let_go_of_standard_error() -> None:
    """Write what is left for it. Where nobody reads it, Python must not end with a code of its own for that."""
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _show(error: click.ClickException) -> None:
    paragraph = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)  # usage errors have it
    tell(f"{paragraph} Try '{context.command_path} --help'." if context else paragraph)
