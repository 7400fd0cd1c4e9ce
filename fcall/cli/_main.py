"""The group that the commands belong to, and what happens to whatever they raise."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

import fcall
from fcall.cli._exit import EXIT_INTERRUPTED, exit_code

__all__ = ["cli", "main"]

_COMMANDS = {
    "completion": "completion",
    "config": "config",
    "doctor": "doctor",
    "invoke": "invoke",
    "list": "listing",
    "providers": "providers",
}


class _Commands(click.Group):
    """The commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        from importlib import import_module

        command: click.Command = import_module(f"fcall.cli.{_COMMANDS[cmd_name]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from fcall._wording import listed, nearest, quoted

            name = quoted(args[0], 40)
            ctx.fail(f"there is no command {name!r}{nearest(name, _COMMANDS)}; there is {listed(_COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(fcall.__version__, prog_name="fcall", message="%(prog)s %(version)s")
def cli() -> None:
    """Call a cloud function wherever it runs, and know whether it ran.

    The exit code says how it went: 0 well, 1 the function failed, 2 the command line is wrong, 3 the configuration or the
    target is wrong, 4 the call was refused or nobody could be reached, 5 the time was up.
    """


def main(args: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code.

    Args:
        args: the arguments, or None for the process's own.
    """
    arguments = sys.argv[1:] if args is None else args
    try:
        cli.main(arguments, prog_name="fcall", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us is gone. The interpreter must not fail on its last flush either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort) as error:
        _say(_interrupted(error))
        sys.exit(EXIT_INTERRUPTED)
    except fcall.FcallError as error:
        if "--debug" in arguments:
            raise
        _say(str(error), *_notes(error))
        sys.exit(exit_code(error))


def _say(*paragraph: str) -> None:
    click.echo(f"fcall: {'; '.join(paragraph)}", err=True)


def _notes(error: BaseException) -> list[str]:
    return list(getattr(error, "__notes__", ()))


def _interrupted(error: BaseException) -> str:
    """What Ctrl-C left behind; a call that was under way has a note of it."""
    cause: Any = error if _notes(error) else error.__cause__ or error.__context__
    notes = _notes(cause) if cause is not None else []
    return notes[-1].removeprefix("fcall: ") if notes else "interrupted; nothing was under way"
