"""The stage: the functions that are served, and the clients that run them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from typing import Any

from fcall._client import Client
from fcall._drivers import run_sync
from fcall._invocation import Invocation
from fcall._target import Target
from fcall.errors import FcallError
from fcall.local._failures import error_for
from fcall.local._options import LocalOptions
from fcall.local._provider import LocalProvider
from fcall.local._request_id import new_request_id
from fcall.local._runtimes.names import runtime_named
from fcall.serve._api import Call, Function, Outcome, Rules
from fcall.serve._functions import Functions, Source

__all__ = ["Stage"]

_LONGEST_WAIT = 30.0
"""Seconds."""

_LATE = 0.5
"""Seconds beyond its limit after which a function that cannot be stopped counts as hanging."""


class Stage:
    """Runs the functions that are served. It may be used from many threads.

    Args:
        functions: the functions; others may take their place.
        runtimes: the runtimes by which they may be run.
    """

    def __init__(self, functions: Functions, runtimes: Iterable[Rules]) -> None:
        self.functions = functions
        self._runners: list[tuple[LocalOptions, LocalProvider, Client]] = []
        self._found: dict[tuple[Function, Rules], tuple[LocalOptions, Client]] = {}
        self._lock = threading.Lock()
        self._users = 0
        self._hurried = False
        self._unused = threading.Condition()
        runtimes = [*runtimes]
        for function in functions.functions():
            options: LocalOptions = function.source.options
            if options.durable is not None:  # what it kept is to run, called or not
                for runtime in runtimes:
                    self._runner(replace(options, runtime=runtime))

    def enter(self) -> None:
        """A request is about to be answered here."""
        with self._unused:
            self._users += 1

    def leave(self) -> None:
        """It is answered."""
        with self._unused:
            self._users -= 1
            self._unused.notify_all()

    def run(self, call: Call, runtime: Rules, *, log_tail: bool) -> Outcome:
        """Call a function and wait for what comes of it; nothing is tried again.

        Args:
            call: the call.
            runtime: by whose rules.
            log_tail: bring the end of the log, where there is one.
        """
        source: Source = call.function.source
        options, client = self._client(call.function, runtime)
        service = source.service if source.registered else call.service or source.service
        target = Target(service=service, function=source.code, provider="local", direct=True)
        invocation = Invocation(
            source.code,
            service,
            call.type,
            call.payload,
            call.context,
            call.qualifier,
            timeout=2 * self._seconds(call.function, runtime) + 60 if call.type == "Sync" else None,
            log_tail=log_tail and call.type == "Sync" and options.isolation == "process",
            configured=True,
        )
        try:
            flow = client._flow(target, invocation, client._routes(target))
            return run_sync(flow.invoke(), client._sleep)
        except FcallError as error:
            return error

    def overdue(self, call: Call, runtime: Rules) -> FcallError:
        """The failure of a function in this process that did not come back within its limit."""
        request_id, seconds = new_request_id(), self._seconds(call.function, runtime)
        return error_for(runtime_named(runtime).timed_out(request_id, seconds), request_id, with_log=False)

    def grace(self, call: Call, runtime: Rules) -> float | None:
        """Seconds after which a function in this process counts as hanging; None where its process is ended instead."""
        if call.type != "Sync" or call.function.source.options.isolation == "process":
            return None
        return self._seconds(call.function, runtime) + _LATE

    def durable_files(self) -> Iterator[str]:
        """The files that keep accepted events."""
        files = [each.source.options.durable for each in self.functions.functions()]
        yield from dict.fromkeys(file for file in files if file is not None)

    def retire(self) -> None:
        """Wait for what is being answered, unless somebody closes this meanwhile, and close.

        A function in this process that hangs is waited for no longer than `_LONGEST_WAIT`.
        """
        with self._unused:
            self._unused.wait_for(lambda: self._hurried or not self._users, _LONGEST_WAIT)
        self.close()

    def close(self) -> None:
        """Wait for what was accepted, then end the functions' processes."""
        self._hurried = True
        with self._unused:
            self._unused.notify_all()
        with ExitStack() as closing:
            for _, provider, client in self._runners:
                closing.callback(provider.close)
                closing.callback(client.close)

    def _seconds(self, function: Function, runtime: Rules) -> float:
        """How long a function may take."""
        return function.timeout or _default_timeout(runtime)

    def _client(self, function: Function, runtime: Rules) -> tuple[LocalOptions, Client]:
        found = self._found.get((function, runtime))
        if found is None:
            options: Any = replace(function.source.options, runtime=runtime)
            found = self._found[function, runtime] = (options, self._runner(options))
        return found

    def _runner(self, options: LocalOptions) -> Client:
        """The client for these options; functions that have the same ones share it, and what it keeps warm."""
        with self._lock:
            for known, _, client in self._runners:
                if known == options:
                    return client
            provider = LocalProvider(options)
            client = Client(provider="local", providers={"local": provider}, attempts=1)
            self._runners.append((options, provider, client))
            return client


@cache
def _default_timeout(runtime: Rules) -> float:
    """Seconds; a runtime itself is made for each function."""
    return runtime_named(runtime).default_timeout
