"""``fcall invoke``: call a function."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from fcall.cli._command import Command, configuration_options, interruption_means
from fcall.cli._completions import complete_target
from fcall.cli._output import Output, say, shown

if TYPE_CHECKING:
    from fcall import Client

__all__ = ["context_of", "invoke", "named_options", "typed_options"]

_QUOTE = """Put single quotes around it, as in '{"name": "Ada"}', or pass text that is not JSON with --payload."""
_INTERRUPTED = {
    "Sync": "The function may have run, or run in part (executed: MAYBE).",
    "Async": "The event may have been accepted, and the function may run (executed: MAYBE).",
    "DryRun": "Nothing was run (executed: NO).",
}


@click.command(cls=Command, short_help="Call a function.")
@click.argument("target", shell_complete=complete_target)
@click.argument("event", nargs=-1, metavar="[EVENT|@FILE|-]")
@click.option("--payload", metavar="TEXT|@FILE|-", help="Send this as it is, instead of EVENT.")
@click.option("--async", "is_async", is_flag=True, help="Have the function run later.")
@click.option("--dry-run", is_flag=True, help="Say whether the call would be allowed, and run nothing.")
@click.option("--context", metavar="JSON|@FILE", help="""The invoker context, such as '{"custom": {}}'.""")
@click.option("--qualifier", metavar="NAME", help="A version or an alias of the function.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long the whole call may take, every attempt included.",
)
@click.option("--idempotent", is_flag=True, help="Running the function twice is harmless.")
@click.option("--idempotency-key", metavar="KEY", help="A key by which the provider knows a repetition.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="A call option of the provider.")
@click.option("--log-tail", is_flag=True, help="Show the end of the function's log.")
@click.option(
    "--output",
    "form",
    type=click.Choice(["json", "text", "raw"]),
    default="json",
    show_default=True,
    help="How the answer is printed.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say who answered, after which attempts; show a failure's stack.")
@configuration_options
@click.pass_obj
def invoke(
    output: Output,
    /,
    target: str,
    event: tuple[str, ...],
    payload: str | None,
    is_async: bool,
    dry_run: bool,
    context: str | None,
    options: tuple[str, ...],
    form: str,
    verbose: bool,
    config: str | None,
    env: str | None,
    **parameters: Any,
) -> None:
    """Call the function TARGET with the JSON text EVENT, and print its answer.

    TARGET is service/function[:qualifier] or function as the configuration has them, or provider:rest, such as
    local:path/to/file.py:function. @FILE reads a file, - reads standard input.
    """
    from fcall.cli._answer import print_answer
    from fcall.cli._session import client_of

    kind = _kind(is_async, dry_run)
    parameters |= _body(event, payload) | context_of(context)
    named = named_options(options)
    with client_of(config, env) as client:
        if named:
            parameters["options"] = typed_options(client, target, named)
        verb: Callable[..., Any] = {"Async": client.enqueue, "DryRun": client.check}.get(kind, client.invoke)
        interruption_means(_INTERRUPTED[kind])
        answer = _called(lambda: verb(target, **parameters), verbose)
        interruption_means("The call was over, and had succeeded.")
        print_answer(output, answer, form)


def _kind(is_async: bool, dry_run: bool) -> str:
    if is_async and dry_run:
        raise click.UsageError("--async and --dry-run exclude each other; give one.")
    return "Async" if is_async else "DryRun" if dry_run else "Sync"


def _body(event: tuple[str, ...], payload: str | None) -> dict[str, Any]:
    """What is sent: the event, the payload, or nothing."""
    from fcall.cli._source import read, read_json

    if len(event) > 1:
        raise click.UsageError(f"TARGET is followed by one EVENT, and here are {len(event)} words. {_QUOTE}")
    if event and payload is not None:
        raise click.UsageError("EVENT and --payload are both given; EVENT is JSON, --payload is sent as it is.")
    if event:
        return {"event": read_json(event[0], "EVENT", _QUOTE)}
    return {} if payload is None else {"payload": read(payload, "--payload")}


def context_of(text: str | None) -> dict[str, Any]:
    """The parameter that ``--context`` stands for, or none."""
    from fcall.cli._source import read_json

    if text is None:
        return {}
    if text == "-":
        raise click.UsageError("--context does not read standard input; it takes JSON or @FILE.")
    return {"context": read_json(text, "--context", """It is an object such as '{"custom": {}}'.""")}


def named_options(options: Iterable[str]) -> dict[str, str]:
    """Call options by name, as the command line has them."""
    named = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not (name and equals):
            raise click.UsageError("--option is written NAME=VALUE.")
        named[name] = text
    return named


def typed_options(client: Client, target: str, named: dict[str, str]) -> dict[str, Any]:
    """Call options as the types that the target's provider declares."""
    from fcall._options import from_text

    router = client._router  # what a provider declares is no part of the interface of a client
    call_options = router.routes(router.target(target))[0].call_options
    return {name: from_text(call_options, name, text) for name, text in named.items()}


def _called(call: Callable[[], Any], verbose: bool) -> Any:
    """The answer; of a failure, too, the user is told what the error alone does not say."""
    from fcall.cli._answer import say_failure, say_success
    from fcall.errors import FcallError, FunctionError

    started = time.monotonic()
    try:
        answer = call()
    except FcallError as error:
        _say_log(error)
        if verbose:
            say_failure(error, time.monotonic() - started)
        elif isinstance(error, FunctionError) and error.stack_trace:
            error.add_note("Call it with -v to see its stack.")
        raise
    _say_log(answer)
    if verbose:
        say_success(answer, time.monotonic() - started)
    return answer


def _say_log(outcome: object) -> None:
    """Show the end of the function's log, where an answer or a failure brought it."""
    log_tail = getattr(outcome, "log_tail", None)
    if log_tail:
        say(shown(log_tail))
