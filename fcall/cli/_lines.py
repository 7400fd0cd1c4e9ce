"""Lines: what ``fcall map`` reads and writes, one JSON value a line."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, BinaryIO

import click

from fcall import _json
from fcall._result import InvocationResult
from fcall.cli._source import fault
from fcall.errors import FcallError, FunctionError, FunctionResponseError, InvalidPayloadError

__all__ = ["Answers", "CountedQuestions", "Numbers", "Questions", "answer", "failure", "opened"]

_PIECE = 1 << 20
_BEGINNING = b'{"line": '
"""How each line of the output begins, whole or not."""


class Numbers:
    """Numbers from 1. Those that have no gap before them take no room."""

    def __init__(self) -> None:
        self._all_up_to = 0
        self._beyond: set[int] = set()

    def __contains__(self, number: int) -> bool:
        return number <= self._all_up_to or number in self._beyond

    @property
    def highest(self) -> int:
        """The highest of them, or 0."""
        return max(self._beyond, default=self._all_up_to)

    def __len__(self) -> int:
        return self._all_up_to + len(self._beyond)

    def add(self, number: int) -> None:
        """Have one more number, or the same again."""
        if number > self._all_up_to:
            self._beyond.add(number)
        while self._all_up_to + 1 in self._beyond:
            self._all_up_to += 1
            self._beyond.remove(self._all_up_to)


class Questions:
    """The lines of the input that are to be called, less the empty ones and those that are answered.

    Args:
        stream: the input.
        answered: the numbers of lines that are answered.
        refuse: called with the number of a line that is not JSON, and what is wrong with it.

    Attributes:
        lines: the number of the line that each item came from; whoever has an item's outcome takes its number out.
        last: the number of the last line that was read.
    """

    def __init__(
        self, stream: BinaryIO, answered: Numbers, refuse: Callable[[int, InvalidPayloadError], object]
    ) -> None:
        self._stream = stream
        self._answered = answered
        self._refuse = refuse
        self.lines: dict[int, int] = {}
        self.last = 0

    def __iter__(self) -> Iterator[bytes]:
        item = 0
        for number, line in enumerate(self._stream, 1):
            self.last = number
            if number in self._answered or not (payload := line.strip()):
                continue
            try:
                _json.decode(payload)
            except (ValueError, RecursionError) as error:
                self._refuse(number, InvalidPayloadError(f"the line is not JSON: {fault(error)}"))
                continue
            self.lines[item] = number
            item += 1
            yield payload


class CountedQuestions(Questions):
    """The same, from a file whose lines can be counted."""

    def __len__(self) -> int:
        start = self._stream.tell()
        lines = sum(piece.count(b"\n") for piece in iter(lambda: self._stream.read(_PIECE), b""))
        self._stream.seek(start)
        return max(0, lines - len(self._answered))


class Answers:
    """The output file. A line is written at once, so that whoever is killed has lost none.

    Args:
        path: of the file.
        resume: go on with what is in it.

    Raises:
        click.UsageError: it cannot be written, or holds something already.
    """

    def __init__(self, path: str, *, resume: bool) -> None:
        self.answered = Numbers()
        self._name = click.format_filename(path)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        except OSError as error:
            raise click.UsageError(f"--output {self._name!r} cannot be written: {error.strerror}.") from error
        try:
            self._lock()
            if resume:
                self._read()
            elif os.fstat(self._file).st_size:
                raise click.UsageError(
                    f"--output {self._name!r} holds something already; --resume goes on with it, or name another file."
                )
        except BaseException:
            os.close(self._file)
            raise

    def write(self, text: str) -> None:
        """Write a line.

        Raises:
            click.ClickException: it cannot be written.
        """
        rest = memoryview(f"{text}\n".encode(errors="backslashreplace"))
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            raise click.ClickException(
                f"{self._name!r} cannot be written: {error.strerror}; make room, and go on with --resume"
            ) from error

    def __enter__(self) -> Answers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def _lock(self) -> None:
        """Keep others from writing here; the lock ends with the process, however it ends."""
        with contextlib.suppress(ImportError):  # Windows
            import fcntl

            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise click.UsageError(f"another process writes {self._name!r}; wait for it.") from error

    def _read(self) -> None:
        """Learn what is answered; of a line that was being written when the process was killed, nothing stays."""
        whole = 0
        with open(os.dup(self._file), "rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    self.answered.add(self._number(number, line))
                    whole += len(line)
                elif line.startswith(_BEGINNING[: len(line)]):
                    os.truncate(self._file, whole)
                else:
                    raise self._refused(number)

    def _number(self, number: int, line: bytes) -> int:
        """Which line of the input a line of the output answers."""
        with contextlib.suppress(ValueError, RecursionError):
            answered = _json.decode(line)
            if isinstance(answered, dict) and type(answered.get("line")) is int and answered["line"] > 0:
                return int(answered["line"])
        raise self._refused(number)

    def _refused(self, number: int) -> click.UsageError:
        return click.UsageError(f"line {number} of {self._name!r} is none that fcall map wrote; name another file.")


@contextlib.contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """The input, ``-`` being standard input.

    Raises:
        click.UsageError: it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        try:
            stream = sys.stdin.buffer if path == "-" else stack.enter_context(open(path, "rb"))
        except (AttributeError, OSError, ValueError) as error:  # None stands for a closed standard input
            reason = getattr(error, "strerror", None) or "it is closed, or has no such name"
            raise click.UsageError(f"INPUT {click.format_filename(path)!r} cannot be read: {reason}.") from error
        yield stream


def answer(line: int, result: InvocationResult) -> str:
    """The line of the output for a line of the input: the answer as JSON, else as text, else as base64 of its bytes."""
    try:
        return json.dumps({"line": line, "result": result.json()}, ensure_ascii=False, allow_nan=False)
    except (FunctionResponseError, ValueError, RecursionError):  # Python reads NaN, and deeper nesting than it writes
        pass
    try:
        return json.dumps({"line": line, "text": result.text}, ensure_ascii=False)
    except FunctionResponseError:
        return json.dumps({"line": line, "base64": base64.b64encode(result.payload).decode()})


def failure(line: int, error: FcallError) -> str:
    """The line of the output for a line of the input whose call failed."""
    return json.dumps({"line": line, "error": _facts(error)}, ensure_ascii=False)


def _facts(error: FcallError) -> dict[str, Any]:
    function = error if isinstance(error, FunctionError) else None
    facts = {
        "type": type(error).__name__,
        "message": error.message,
        "executed": error.executed.name,
        "code": error.code,
        "statusCode": error.status_code,
        "requestId": error.request_id,
        "errorType": function and function.error_type,
        "errorMessage": function and function.error_message,
    }
    return {name: value for name, value in facts.items() if value is not None}
