"""Where the command line writes: data on standard output, everything else on standard error."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import click

from fcall._wording import quoted

__all__ = ["Output", "say", "shown", "standard_output", "tell"]

_LONGEST_LINE = 2000


class Output:
    """Standard output, for data alone.

    Args:
        stream: where bytes go, or None where standard output is closed.
        encoding: of text.
    """

    def __init__(self, stream: BinaryIO | None, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding

    def write(self, data: bytes) -> None:
        """Write bytes as they are. Where nobody reads them any more, the command ends well.

        Raises:
            click.ClickException: they cannot be written.
        """
        if self._stream is None:
            raise click.ClickException("standard output is closed, so the answer could not be printed; leave it open")
        try:
            rest = memoryview(data)
            while rest:  # without a buffer, a write may take less than it is given
                rest = rest[self._stream.write(rest) :]
            self._stream.flush()
        except BrokenPipeError:
            raise click.exceptions.Exit(0) from None
        except OSError as error:
            raise click.ClickException(
                f"standard output cannot be written, so the answer was lost: {error.strerror}; "
                "free some space, or send it elsewhere"
            ) from error

    def line(self, text: str) -> None:
        """Write a line of text."""
        self.write(f"{text}\n".encode(self._encoding, "backslashreplace"))

    def rows(self, rows: Iterable[Sequence[str]]) -> None:
        """Write rows of text in columns that are aligned."""
        table = list(rows)
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for row in table:
            self.line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def json(self, value: Any) -> None:
        """Write a value as JSON: indented for a person at a terminal, on one line for a program.

        Raises:
            ValueError, RecursionError: JSON cannot carry the value.
        """
        indent = 2 if self._stream is not None and self._stream.isatty() else None
        try:
            data = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent).encode(self._encoding)
        except UnicodeEncodeError:  # another encoding than UTF-8, or a lone surrogate
            data = json.dumps(value, allow_nan=False, indent=indent).encode()
        self.write(data + b"\n")


def tell(message: str) -> None:
    """Tell the user something in a paragraph that says who speaks: handlers and plugins use standard error too."""
    say(f"fcall: {message}")


def say(text: str) -> None:
    """Write to standard error as it is; where nobody listens that changes nothing."""
    if sys.stderr is not None:  # print would take standard output instead
        with contextlib.suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def shown(text: str) -> str:
    """Several lines of somebody else's text, made safe for a terminal."""
    return "\n".join(quoted(line, _LONGEST_LINE) for line in text.splitlines())


@contextlib.contextmanager
def standard_output() -> Iterator[Output]:
    """Keep standard output for data: what handlers and plugins print meanwhile goes to standard error.

    Print and a file number are two ways to it: processes that a handler starts use the second one.
    """
    output, encoding = sys.stdout, getattr(sys.stdout, "encoding", None) or "utf-8"
    stream: BinaryIO | None
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(_moved(output.fileno(), sys.stderr.fileno()))
        except (AttributeError, OSError):  # one of them is closed, or is no file, as in tests
            stream = getattr(output, "buffer", None)
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield Output(stream, encoding)


@contextlib.contextmanager
def _moved(number: int, elsewhere: int) -> Iterator[BinaryIO]:
    """What the file `number` leads to, while it leads elsewhere."""
    output = sys.stdout
    output.flush()
    with open(os.dup(number), "wb", buffering=0) as kept:
        os.dup2(elsewhere, number)
        try:
            yield kept
        finally:
            with contextlib.suppress(OSError):
                output.flush()
            os.dup2(kept.fileno(), number)
