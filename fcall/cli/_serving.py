"""The life of ``fcall serve``: from the banner to the last accepted event."""

from __future__ import annotations

import contextlib
import inspect
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, NoReturn

from fcall import local
from fcall._options import from_text
from fcall._wording import listed
from fcall.cli._errors import INTERRUPTED
from fcall.cli._output import say, shown, tell
from fcall.cli._session import log_on_standard_error, told_to_functions
from fcall.errors import ConfigurationError, InvalidParamsError
from fcall.local._options import LocalOptions
from fcall.serve import Server
from fcall.serve._journal import Entry

__all__ = ["run"]

_GLANCE = 0.25
"""Seconds. A signal that comes just before a thread begins to wait does not end its waiting."""


def run(
    config: str | None,
    env: str | None,
    *,
    handlers: Sequence[str],
    inline: bool,
    root: str,
    function_timeout: float | None,
    durable: str | None,
    options: Mapping[str, str],
    verbose: bool,
    grace: float,
    **settings: Any,
) -> None:
    """Serve until somebody says stop. `fcall.cli.serve` says what the arguments mean.

    Raises:
        ConfigurationError: it cannot be served like this.
    """
    if owned := sorted({*options} & {*inspect.signature(Server).parameters}):
        raise InvalidParamsError(f"--option takes no {owned[0]!r}, which the server decides; see fcall serve --help")
    said = {"root": root, "function_timeout": function_timeout, "durable": durable}
    local_options = {name: from_text(LocalOptions, name, text) for name, text in options.items()}
    local_options |= {name: value for name, value in said.items() if value is not None}
    with log_on_standard_error(), told_to_functions(FCALL_CONFIG=config, FCALL_ENV=env):
        server = Server(
            *handlers,
            config=config,
            env=env,
            isolation="inline" if inline else "process",
            tell=_shown_with_log if verbose else _shown,
            wants_log=verbose,
            **settings,
            **local_options,
        )
        if not server.functions.functions():
            raise _nothing(server)
        with _signals() as told:
            server.start()
            say(banner(server))
            while not told.wait(_GLANCE):
                pass
        _end(server, grace)


def _nothing(server: Server) -> ConfigurationError:
    others = f" (not such are {listed(server.skipped)})" if server.skipped else ""
    return ConfigurationError(
        f"there is nothing to serve: name handler files, or have local services with a table of functions in the "
        f"configuration{others}"
    )


def banner(server: Server) -> str:
    """What there is, and the lines by which each client calls it."""
    functions = server.functions.functions()
    names = [f"{each.service}/{each.function}" if each.service else each.function for each in functions]
    lines = [f"fcall serve: {listed([api.title for api in server.apis])} on {server.url}", ""]
    lines += [f"  {name}  {each.handler}" for name, each in zip(names, functions, strict=True)]
    for api in server.apis:
        for client, usage in api.usage(server.url, functions[0]).items():
            lines += ["", f"{client}:", *(f"  {line}" for line in usage)]
    if server.key_ids:
        lines += ["", f"Signatures are checked; take the access key id {listed(server.key_ids)} and its secret."]
    if server.skipped:
        lines += ["", f"Not served, since not local or without a table of functions: {', '.join(server.skipped)}."]
    return "\n".join([*lines, "", f"A page for people: {server.url}/   Ctrl-C ends it.", ""])


def _shown(entry: Entry) -> None:
    say(str(entry))


def _shown_with_log(entry: Entry) -> None:
    say("\n".join([str(entry), *(f"    {line}" for line in shown(entry.log_tail or "").splitlines())]))


@contextlib.contextmanager
def _signals() -> Iterator[threading.Event]:
    """What is set by Ctrl-C, or by the signal with which a service manager ends a process."""
    told = threading.Event()

    def tell_it(number: int, frame: FrameType | None) -> None:
        told.set()

    signal.signal(signal.SIGINT, tell_it)
    before = signal.signal(signal.SIGTERM, tell_it)
    try:
        yield told
    finally:  # another Ctrl-C gives up, also where a shell had this process ignore it, as one in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, before)


def _end(server: Server, grace: float) -> None:
    """Answer what is being answered, and run what was accepted. It takes another Ctrl-C to give that up."""
    try:
        tell("stopping. What was accepted runs first; Ctrl-C gives it up.")
        server.stop()
        if server.durable_files and not local.drain(grace):
            tell(f"what was accepted and has not run is kept in {listed(server.durable_files)} for the next start.")
            _leave(0)
        server.close()
        local.drain()
    except KeyboardInterrupt:
        tell("given up. What was accepted may have run in part, or not at all (executed: MAYBE).")
        _leave(INTERRUPTED)


def _leave(status: int) -> NoReturn:  # pragma: no cover - the process is gone before anything could be counted
    """End at once: Python would wait for the threads that run events."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(status)
