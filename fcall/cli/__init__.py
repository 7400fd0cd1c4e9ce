"""The command line: ``fcall``.

Importing it brings in click and nothing of fcall's machinery; each command imports what it needs when it runs.
"""

from __future__ import annotations

import click

from fcall import __version__
from fcall.cli.completion import completion
from fcall.cli.config import config
from fcall.cli.doctor import doctor
from fcall.cli.invoke import invoke
from fcall.cli.listing import list_functions
from fcall.cli.providers import providers

__all__ = ["main"]


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Exit codes:
  0    it went well
  1    the function failed, or its answer could not be printed
  2    the command line cannot be understood
  3    the configuration or the target is wrong
  4    the call was refused or did not get through
  5    the time-out passed
  130  Ctrl-C""",
)
@click.version_option(__version__, prog_name="fcall", message="%(prog)s %(version)s")
def main() -> None:
    """Call a cloud function wherever it runs, and know whether it ran."""


for command in (invoke, list_functions, providers, config, doctor, completion):
    main.add_command(command)
