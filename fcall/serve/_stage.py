"""The stage: the functions that are served, and the clients that run them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from fcall._client import Client
from fcall._drivers import run_sync
from fcall._invocation import Invocation
from fcall._target import Target
from fcall.errors import FcallError
from fcall.local._failures import error_for
from fcall.local._provider import LocalOptions, LocalProvider
from fcall.local._request_id import new_request_id
from fcall.local._runtimes.names import runtime_named
from fcall.serve._api import Call, Function, Outcome
from fcall.serve._functions import Functions

__all__ = ["Stage"]


class Stage:
    """Runs the functions that are served. It may be used from many threads.

    Args:
        functions: the functions.
        runtimes: the runtimes by which they may be run.
    """

    def __init__(self, functions: Functions, runtimes: Iterable[str]) -> None:
        self.functions = functions
        self._runners: list[tuple[LocalOptions, LocalProvider, Client]] = []
        self._found: dict[tuple[Function, str], tuple[LocalOptions, Client]] = {}
        self._lock = threading.Lock()
        self._limits = {runtime: self._limit(runtime) for runtime in runtimes}
        for source in map(functions.source, functions.functions()):
            if source.options.durable is not None:  # what it kept is to run, called or not
                for runtime in self._limits:
                    self._runner(replace(source.options, runtime=runtime))

    def run(self, call: Call, runtime: str, *, log_tail: bool) -> Outcome:
        """Call a function and wait for what comes of it; nothing is tried again.

        Args:
            call: the call.
            runtime: by whose rules.
            log_tail: bring the end of the log, where there is one.
        """
        source = self.functions.source(call.function)
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
            timeout=self._limits[runtime] if call.type == "Sync" else None,
            log_tail=log_tail and call.type == "Sync" and options.isolation == "process",
            configured=True,
        )
        try:
            flow = client._flow(target, invocation, client._routes(target))
            return run_sync(flow.invoke(), client._sleep)
        except FcallError as error:
            return error

    def limit(self, runtime: str) -> float:
        """Seconds after which a Sync call has long had its answer."""
        return self._limits[runtime]

    def overdue(self, call: Call, runtime: str) -> FcallError:
        """The failure of a function in this process that did not come back within its limit."""
        rules, request_id = runtime_named(runtime), new_request_id()
        seconds = call.function.timeout or rules.default_timeout
        return error_for(rules.timed_out(request_id, seconds), request_id, with_log=False)

    def grace(self, call: Call, runtime: str) -> float | None:
        """Seconds after which a function in this process counts as hanging; None where its process is ended instead."""
        if call.type != "Sync" or self.functions.source(call.function).options.isolation == "process":
            return None
        return (call.function.timeout or runtime_named(runtime).default_timeout) + 0.5

    def durable_files(self) -> Iterator[str]:
        """The files that keep accepted events."""
        files = [self.functions.source(each).options.durable for each in self.functions.functions()]
        yield from dict.fromkeys(file for file in files if file is not None)

    def close(self) -> None:
        """Wait for what was accepted, then end the functions' processes."""
        with ExitStack() as closing:
            for _, provider, client in self._runners:
                closing.callback(provider.close)
                closing.callback(client.close)

    def _limit(self, runtime: str) -> float:
        slowest = [each.timeout or runtime_named(runtime).default_timeout for each in self.functions.functions()]
        return 2 * max(slowest, default=0.0) + 60

    def _client(self, function: Function, runtime: str) -> tuple[LocalOptions, Client]:
        found = self._found.get((function, runtime))
        if found is None:
            options: Any = replace(self.functions.source(function).options, runtime=runtime)
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
