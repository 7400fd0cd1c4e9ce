"""Where a value comes from: the command line itself, a file, or standard input."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from fcall import _json

__all__ = ["fault", "read", "read_json"]


def read(text: str, name: str) -> bytes:
    """The bytes that an argument stands for: ``@file`` the file's, ``-`` standard input's, any other text its own.

    Args:
        text: the argument.
        name: what it is called, for messages.

    Raises:
        click.UsageError: the file cannot be read.
    """
    try:
        if text == "-":
            return sys.stdin.buffer.read()
        if text.startswith("@"):
            with open(text[1:], "rb") as file:
                return file.read()
    except (AttributeError, OSError, ValueError) as error:  # None stands for a closed standard input
        where = "standard input" if text == "-" else f"the file {click.format_filename(text[1:])!r}"
        reason = getattr(error, "strerror", None) or "it is closed, or has no such name"
        raise click.UsageError(f"{name} takes {where}, which cannot be read: {reason}. Correct it.") from error
    return os.fsencode(text)


def read_json(text: str, name: str, hint: str) -> Any:
    """The value that an argument stands for.

    Raises:
        click.UsageError: the file cannot be read, or what it holds is not JSON.
    """
    try:
        return _json.decode(read(text, name))
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{name} is not JSON: {fault(error)}. {hint}") from None


def fault(error: Exception) -> str:
    """What is wrong, without what is in it."""
    if isinstance(error, UnicodeError):
        return "it is not UTF-8"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
