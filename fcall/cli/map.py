"""``fcall map``: call a function for every line of a file."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from fcall.cli._command import Command, configuration_options, interruption_means
from fcall.cli._completions import complete_target
from fcall.cli._errors import FUNCTION_FAILED, INTERRUPTED
from fcall.cli._output import Output, say, tell
from fcall.cli.invoke import context_of, named_options, typed_options

if TYPE_CHECKING:
    from fcall import FcallError, Outcome, Results
    from fcall.cli._lines import Answers, Questions

__all__ = ["map_lines"]


@click.command("map", cls=Command, short_help="Call a function for every line of a file.")
@click.argument("target", shell_complete=complete_target)
@click.argument("input", metavar="INPUT.jsonl|-", type=click.Path())
@click.option(
    "--concurrency",
    type=click.IntRange(1, 10_000),
    default=16,
    show_default=True,
    help="How many calls are under way at most.",
)
@click.option("--output", "output_path", type=click.Path(), metavar="OUT.jsonl", help="Write here, a line at a time.")
@click.option("--resume", is_flag=True, help="Go on with --output: what it answers is not called again.")
@click.option("--context", metavar="JSON|@FILE", help="The invoker context of every call.")
@click.option("--qualifier", metavar="NAME", help="A version or an alias of the function.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long each call may take, every attempt included.",
)
@click.option("--idempotent", is_flag=True, help="Running the function twice for a line is harmless.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="A call option of the provider.")
@configuration_options
@click.pass_obj
def map_lines(
    output: Output,
    /,
    target: str,
    input: str,
    output_path: str | None,
    resume: bool,
    context: str | None,
    options: tuple[str, ...],
    config: str | None,
    env: str | None,
    **parameters: Any,
) -> None:
    """Call the function TARGET with each line of INPUT, which is JSON, and write a line for each.

    A line of the output has the number of the input's line, and either its result or its error. Lines come as the calls
    end. With --output, the command can be run again after any end with --resume.
    """
    from fcall.cli._lines import Answers, opened
    from fcall.cli._session import client_of

    if resume and output_path is None:
        raise click.UsageError("--resume goes on with a file; name it with --output.")
    parameters |= context_of(context)
    named = named_options(options)
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(opened(input))
        answers = None if output_path is None else stack.enter_context(Answers(output_path, resume=resume))
        client = stack.enter_context(client_of(config, env))
        if named:
            parameters["options"] = typed_options(client, target, named)
        lines = _Lines(output.line if answers is None else answers.write)
        questions = _questions(stream, answers, lines)
        results = client.as_completed(target, payloads=questions, progress=True, **parameters)
        interrupted = lines.write_all(results, questions)
    click.get_current_context().exit(_end(lines, questions, answers, interrupted))


class _Lines:
    """What is written, and how much of it.

    Args:
        write: writes a line of text.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self.written = self.failed = 0

    def refuse(self, line: int, error: FcallError) -> None:
        """Write that a line of the input failed."""
        from fcall.cli._lines import failure

        self._write(failure(line, error))
        self.written += 1
        self.failed += 1

    def write_all(self, results: Results[Outcome], questions: Questions) -> bool:
        """Write a line for each outcome; whether Ctrl-C ended it."""
        from fcall.cli._lines import answer

        with _interrupt(results) as interrupted:
            for outcome in results:
                line = questions.lines.pop(outcome.index)
                if outcome.error is not None:
                    self.refuse(line, outcome.error)
                else:
                    assert outcome.result is not None
                    self._write(answer(line, outcome.result))
                    self.written += 1
        return bool(interrupted)


def _questions(stream: BinaryIO, answers: Answers | None, lines: _Lines) -> Questions:
    """What is to be called; counted where somebody watches and it costs nothing but a glance at a file."""
    from fcall.cli._lines import CountedQuestions, Numbers, Questions

    kind = CountedQuestions if stream.seekable() and sys.stderr is not None and sys.stderr.isatty() else Questions
    return kind(stream, Numbers() if answers is None else answers.answered, lines.refuse)


def _end(lines: _Lines, questions: Questions, answers: Answers | None, interrupted: bool) -> int:
    """Say what is to be said at the end, and give the exit code."""
    if interrupted:
        tell(f"interrupted. {lines.written:,} lines were written{'' if answers is None else '; --resume goes on'}.")
        return INTERRUPTED
    if answers is not None and answers.answered.highest > questions.last:
        tell("warning: the output answers lines that the input does not have; is it of another input?")
    if lines.failed:
        tell(f"{lines.failed:,} of {lines.written:,} lines failed; each says why.")
        return FUNCTION_FAILED
    return 0


@contextlib.contextmanager
def _interrupt(results: Results[Outcome]) -> Iterator[list[int]]:
    """Have the first Ctrl-C send nothing more and wait for what was sent, and the second one end everything.

    It yields a list that has something in it once there was one.
    """
    seen: list[int] = []

    def on_interrupt(number: int, frame: object) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        results.cancel()
        say("")
        tell("interrupted. What was sent is waited for; Ctrl-C again gives it up.")

    interruption_means("What was under way may have run (executed: MAYBE).")
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield seen  # only the main thread hears signals, and one that is ignored stays so
        return
    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)
