"""``fcall list``: the functions of a service."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from fcall.cli._command import Command, configuration_options
from fcall.cli._completions import complete_service
from fcall.cli._output import Output, tell

if TYPE_CHECKING:
    from fcall import FunctionInfo

__all__ = ["list_functions"]


@click.command("list", cls=Command, short_help="List the functions of a service.")
@click.argument("service", required=False, shell_complete=complete_service)
@click.option(
    "--output",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="A name a line, or an object a line.",
)
@configuration_options
@click.pass_obj
def list_functions(output: Output, service: str | None, form: str, config: str | None, env: str | None) -> None:
    """List the functions of SERVICE, or of the default provider, by the names that an application calls.

    Functions of the local provider are there where the configuration names them.
    """
    from fcall.cli._session import client_of

    found = False
    with client_of(config, env) as client:
        for function in client.list_functions(service):
            found = True
            if form == "text":
                output.line(function.name)
            else:
                output.json(_record(function))
    if not found:
        tell("there is no function.")


def _record(function: FunctionInfo) -> dict[str, str | None]:
    """What is printed of a function; not the provider's own record, which may hold secrets."""
    modified = function.last_modified
    return {
        "name": function.name,
        "providerName": function.provider_name,
        "runtime": function.runtime,
        "lastModified": modified.isoformat() if isinstance(modified, datetime) else modified,
    }
