"""``fcall serve``: functions of this machine behind the wire APIs of the clouds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from fcall.cli._command import Command, configuration_options

__all__ = ["serve"]


@click.command(cls=Command, short_help="Serve local functions over the clouds' own APIs.")
@click.argument("handlers", nargs=-1)
@click.option("--port", type=click.IntRange(0, 65535), default=9700, show_default=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to listen.")
@click.option("--allow-host", "allow_hosts", multiple=True, metavar="NAME", help="Another name of this server.")
@click.option("--allow-remote", is_flag=True, help="Let other machines in; it takes a --token.")
@click.option(
    "--token",
    envvar="FCALL_SERVE_TOKEN",
    metavar="TEXT",
    help="What other machines have to show: the secret of the access key 'fcall'.  [env: FCALL_SERVE_TOKEN]",
)
@click.option("--verify", multiple=True, metavar="ID:SECRET", help="Refuse what none of these keys has signed.")
@click.option("--inline", is_flag=True, help="Run functions in this process, for a debugger; none can be stopped.")
@click.option("--root", default=".", metavar="FOLDER", help="What handlers' paths are relative to.")
@click.option("--timeout", "function_timeout", type=float, metavar="SECONDS", help="How long a function may take.")
@click.option("--durable", metavar="FILE", help="Keep accepted Async events in a file until they are done.")
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long --durable waits at the end.",
)
@click.option("--alias", "aliases", multiple=True, metavar="NAME=VERSION", help="An alias that functions have.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the local provider.")
@click.option("--concurrency", type=click.IntRange(1), default=1_000, show_default=True, help="Requests at once.")
@click.option("--reload", is_flag=True, help="Serve changed handler files anew.")
@click.option("-v", "--verbose", is_flag=True, help="Show the end of each call's log.")
@configuration_options
def serve(config: str | None, env: str | None, **arguments: Any) -> None:
    """Serve functions of this machine over the APIs of AWS Lambda and Function Compute, to any SDK in any language.

    HANDLERS are files such as app/handlers.py, or single functions: app/handlers.py:resize, or
    thumbs=app/handlers.py:resize by another name. Without them, the local services of the configuration are served.

    Ctrl-C ends it: what was accepted is run first or, with --durable, kept. Ctrl-C again gives it up.
    """
    from fcall.cli._serving import run

    run(config, env, **{**arguments, **_parsed(arguments)})


def _parsed(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that are pairs, as mappings."""
    return {
        "verify": dict(_pairs(arguments["verify"], ":", "--verify is written ID:SECRET.")) or None,
        "aliases": dict(_pairs(arguments["aliases"], "=", "--alias is written NAME=VERSION.")),
        "options": dict(_pairs(arguments["options"], "=", "--option is written NAME=VALUE.")),
    }


def _pairs(texts: Iterable[str], separator: str, usage: str) -> Iterable[tuple[str, str]]:
    for text in texts:
        name, found, value = text.partition(separator)
        if not (name and found and value):
            raise click.UsageError(usage)
        yield name, value
