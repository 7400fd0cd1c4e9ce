"""The client of one command, from its configuration to its end."""

from __future__ import annotations

import contextlib
import logging
import os
import traceback
from collections.abc import Iterator, Mapping
from typing import NoReturn

from fcall import local
from fcall._client import Client
from fcall._log import logger
from fcall.cli._command import debug_wanted, interruption_means
from fcall.cli._errors import INTERRUPTED
from fcall.cli._output import say, shown, tell

__all__ = ["client_of", "log_on_standard_error", "told_to_functions"]


@contextlib.contextmanager
def client_of(config: str | None, env: str | None) -> Iterator[Client]:
    """A client that is closed at the end, when everything that was accepted has run.

    Args:
        config: the configuration file, or None for those that are found.
        env: the environment, or None for ``FCALL_ENV``.

    Raises:
        ConfigurationError: the configuration is wrong.
    """
    with log_on_standard_error():
        client = Client(config, env=env)
        with told_to_functions(FCALL_CONFIG=config, FCALL_ENV=env):
            try:
                yield client
            finally:
                _finish(client)


class _Handler(logging.Handler):
    """Tells the user what the library logs: the command line is its application."""

    def __init__(self, debug: bool) -> None:
        super().__init__(logging.WARNING)
        self._debug = debug

    def emit(self, record: logging.LogRecord) -> None:
        tell(f"{record.levelname.lower()}: {shown(record.getMessage())}")
        if self._debug and record.exc_info:
            say("".join(traceback.format_exception(*record.exc_info)).rstrip())


@contextlib.contextmanager
def told_to_functions(**said: str | None) -> Iterator[None]:
    """Have the options in the environment: a local function that calls others must not call them somewhere else."""
    before = {name: os.environ.get(name) for name in said}
    _set(said)
    try:
        yield
    finally:
        for name in said:
            os.environ.pop(name, None)
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    os.environ.update({name: value for name, value in variables.items() if value is not None})


@contextlib.contextmanager
def log_on_standard_error() -> Iterator[None]:
    """Show what the library logs, for the time of a command."""
    handler = _Handler(debug_wanted())  # asked here: other threads have no context
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _finish(client: Client) -> None:
    """Wait for what was accepted. It takes two Ctrl-C to give it up, since somebody was told that it would run."""
    try:
        _wait(client)
    except KeyboardInterrupt:
        try:
            tell("interrupted. What was accepted goes on, and fcall waits for it; Ctrl-C again gives it up.")
            _wait(client)
        except KeyboardInterrupt:
            _give_up()
        interruption_means("What was accepted has run.")
        raise


def _give_up() -> NoReturn:  # pragma: no cover - the process is gone before anything could be counted
    try:
        tell("given up. What was accepted may have run in part, or not at all (executed: MAYBE).")
    finally:
        os._exit(INTERRUPTED)  # Python would wait for its threads


def _wait(client: Client) -> None:
    client.close()
    local.drain()  # a handler may have enqueued with a client of its own
