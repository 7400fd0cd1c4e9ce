"""What every command has in common: where it writes, how it fails, and some options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from fcall.cli._errors import INTERRUPTED, USAGE, report
from fcall.cli._output import say, standard_output, tell

__all__ = ["Command", "Group", "configuration_options", "debug_wanted", "interruption_means"]

F = TypeVar("F", bound=Callable[..., Any])
_DEBUG = "fcall.debug"
_INTERRUPTION = "fcall.interruption"


class Command(click.Command):
    """A command that keeps standard output for data, and ends with a paragraph and an exit code where it fails.

    Its context's object is the `Output`.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params.append(_debug_option())

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            with standard_output() as ctx.obj:
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            tell(f"interrupted. {ctx.meta.get(_INTERRUPTION, 'No function was called.')}")
            ctx.exit(INTERRUPTED)
        except Exception as error:  # noqa: BLE001 - nobody is to see a traceback unasked
            ctx.exit(report(error, debug_wanted()))


class Group(click.Group):
    """Commands under one name. Where none is named the help is shown, as what it is: a usage error.

    Versions of click differ here.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what follows the name."""
        if not args and not ctx.resilient_parsing:
            say(ctx.get_help())
            ctx.exit(USAGE)
        return super().parse_args(ctx, args)


def interruption_means(sentence: str) -> None:
    """Set what the user is told from now on where Ctrl-C ends the command."""
    click.get_current_context().meta[_INTERRUPTION] = sentence


def debug_wanted() -> bool:
    """Whether the user asked for tracebacks."""
    context = click.get_current_context(silent=True)
    return context is not None and context.meta.get(_DEBUG, False)


def _debug_option() -> click.Option:
    def keep(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        ctx.meta[_DEBUG] = value

    text = "Show the traceback of an error. It may hold what the call carried."
    return click.Option(["--debug"], is_flag=True, expose_value=False, callback=keep, help=text)


def configuration_options(function: F) -> F:
    """``--config`` and ``--env``, for the commands that read the configuration."""
    env = click.option("--env", metavar="NAME", help="The environment of the configuration.  [default: FCALL_ENV]")
    path = click.option(
        "--config",
        metavar="PATH",
        help="The configuration file, read alone.  [default: FCALL_CONFIG, or what is found]",
    )
    return path(env(function))
