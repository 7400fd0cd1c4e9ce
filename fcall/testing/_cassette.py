"""Cassettes: the outcomes of real calls, written once and played from then on."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fcall._invocation import Invocation
from fcall._result import InvocationResult
from fcall._router import Route, override, wrapping
from fcall._target import Target
from fcall._wording import listed
from fcall.errors import ConfigurationError, FcallError, UnmappedProviderError
from fcall.provider import Capabilities, Deadline, Provider, StreamingProvider
from fcall.testing import _tape
from fcall.testing._double import Double, DoubleRoute, named
from fcall.testing._redaction import Redaction

__all__ = ["cassette"]

_VERSION = 1
_LISTING = "*"  # what is asked for when a service's functions are listed, which is not recorded


@contextmanager
def cassette(
    path: str | os.PathLike[str],
    *,
    record: bool | None = None,
    redact: Iterable[str] = (),
    secrets: Iterable[str] = (),
) -> Iterator[None]:
    """Record the outcomes of this context's calls in a file, or play them from it.

    Playing needs neither the provider nor its SDK. Everything above the provider is real: what was tried again, or
    failed over, is so again, without the pauses. A call is known by its target, type and payload, and several alike get
    their outcomes in the order of the recording. Invoker contexts, options and keys are not compared.

    Secrets are taken out before anything is written: members of JSON objects with such names, key ids and tokens by
    their shape, headers.

    Args:
        path: the file, JSON. Its folder is made.
        record: True records, False plays, None records where there is no such file. It is written when the block ends
            without an exception.
        redact: parts of the names of further members whose values are secrets.
        secrets: texts that are secrets wherever they stand.

    Raises:
        ConfigurationError: there is nothing to play, or the file is not a cassette.
        AssertionError: a call was made that the cassette has no outcome for; at the end of the block at the latest.
    """
    path, redaction = Path(path), Redaction(redact, secrets)
    if record is None:
        record = not path.exists()
    active = _recording(path, redaction) if record else _playing(path, redaction)
    with active:
        yield


@contextmanager
def _recording(path: Path, redaction: Redaction) -> Iterator[None]:
    recording = _Recording(redaction)
    token = wrapping.set(recording.wrapped)
    try:
        yield
    finally:
        wrapping.reset(token)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_encoded(recording.written()))


@contextmanager
def _playing(path: Path, redaction: Redaction) -> Iterator[None]:
    player = _Player(path, redaction)
    token = override.set(player.routes)
    try:
        yield
    finally:
        override.reset(token)
    if player.faults:
        raise AssertionError("; ".join(player.faults))


class _Recording:
    """What becomes a cassette."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._routes: dict[str, dict[int, dict[str, Any]]] = {}
        self._outcomes: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def wrapped(self, target: Target, routes: Sequence[Route]) -> Sequence[Route]:
        """The routes, each with a recorder before its provider."""
        return routes if target.function == _LISTING else _RecordedRoutes(routes, partial(self._recorded, target))

    def written(self) -> dict[str, Any]:
        """What goes into the file."""
        routes = {target: [told[index] for index in sorted(told)] for target, told in self._routes.items()}
        return {"fcall_cassette": _VERSION, "routes": routes, "outcomes": self._outcomes}

    def _recorded(self, target: Target, index: int, route: Route) -> Route:
        name = named(target, target.qualifier)
        with self._lock:
            self._routes.setdefault(name, {})[index] = _tape.route(route, index)
        return replace(route, provider=_Recorder(route.provider, partial(self._note, name, index)))

    def _note(self, target: str, index: int, invocation: Invocation, outcome: InvocationResult | FcallError) -> None:
        noted = _tape.question(target, index, invocation, self._redaction)
        if isinstance(outcome, FcallError):
            noted["failure"] = _tape.failure(outcome, self._redaction)
        else:
            noted["result"] = _tape.result(outcome, self._redaction)
        with self._lock:
            self._outcomes.append(noted)


class _RecordedRoutes(Sequence[Route]):
    """Routes that are changed when they are asked for: those that come late in a failover list may never be made."""

    def __init__(self, routes: Sequence[Route], changed: Callable[[int, Route], Route]) -> None:
        self._routes = routes
        self._changed = changed

    def __len__(self) -> int:
        return len(self._routes)

    def __getitem__(self, index: Any) -> Any:
        return self._changed(index, self._routes[index])


class _Recorder:
    """A provider that hands on every attempt and notes its outcome."""

    def __init__(self, provider: Provider, note: Callable[[Invocation, InvocationResult | FcallError], None]) -> None:
        self._provider = provider
        self._note = note

    @property
    def capabilities(self) -> Capabilities:
        return self._provider.capabilities

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        try:
            answer = self._provider.invoke(invocation, deadline)
        except FcallError as error:
            self._note(invocation, error)
            raise
        if isinstance(answer, InvocationResult):  # what is none is refused further up
            self._note(invocation, answer)
        return answer

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        assert isinstance(self._provider, StreamingProvider)
        pieces: list[bytes] = []
        try:
            for piece in self._provider.stream(invocation, deadline):
                pieces.append(piece)
                yield piece
        except FcallError as error:
            self._note(invocation, error)
            raise
        self._note(invocation, InvocationResult(b"".join(pieces)))

    def close(self) -> None:
        self._provider.close()


class _Player:
    """A cassette that is played.

    Attributes:
        faults: the calls that it has no outcome for, in words.
    """

    def __init__(self, path: Path, redaction: Redaction) -> None:
        self.faults: list[str] = []
        self._path = path
        self._redaction = redaction
        written = _read(path)
        self._routes: dict[str, list[dict[str, Any]]] = written["routes"]
        self._outcomes: dict[str, list[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        try:
            for noted in written["outcomes"]:
                self._outcomes.setdefault(_key(noted), []).append(noted)
        except (KeyError, TypeError) as error:
            raise ConfigurationError(f"{path} is not a cassette any more; record it anew") from error

    def routes(self, target: Target) -> Sequence[Route] | None:
        """The routes that the recorded calls of a target had."""
        if target.function == _LISTING:
            return None
        name = named(target, target.qualifier)
        if name not in self._routes:
            raise self._missing(name, f"it has {listed(self._routes)}")
        return [self._route(name, told) for told in self._routes[name]]

    def _route(self, target: str, told: dict[str, Any]) -> Route:
        policy = _tape.HurriedPolicy(told["attempts"], frozenset(told["retry_error_types"]), told["failover_maybe"])
        return DoubleRoute(told["provider"], Double(partial(self._answer, target, told["route"])), policy=policy)

    def _answer(self, target: str, index: int, invocation: Invocation) -> InvocationResult:
        key = _key(_tape.question(target, index, invocation, self._redaction))
        with self._lock:
            outcomes = self._outcomes.get(key)
            noted = outcomes.pop(0) if outcomes else None
        if noted is None:
            fault = self._missing(
                target, "it was recorded with another payload" if outcomes is None else "it has no more"
            )
            raise UnmappedProviderError(str(fault)) from fault  # what calls a provider takes errors of fcall alone
        if "failure" in noted:
            raise _tape.read_failure(noted["failure"])
        return _tape.read_result(noted["result"])

    def _missing(self, target: str, why: str) -> AssertionError:
        self.faults.append(
            f"the cassette {self._path.name} has no outcome for this call of {target}: {why}; record it anew"
        )
        return AssertionError(self.faults[-1])


def _encoded(written: dict[str, Any]) -> bytes:
    try:
        return f"{json.dumps(written, ensure_ascii=False, indent=1)}\n".encode()
    except UnicodeEncodeError:  # a lone surrogate, which a function's message may have, is written as its number
        return f"{json.dumps(written, indent=1)}\n".encode()


def _key(noted: dict[str, Any]) -> str:
    return json.dumps([noted[name] for name in ("target", "route", "type", "qualifier", "payload")])


def _read(path: Path) -> dict[str, Any]:
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"there is no cassette {path}; record it with record=True") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not a cassette, nor JSON; record it anew") from error
    if not isinstance(written, dict) or written.get("fcall_cassette") != _VERSION or "routes" not in written:
        raise ConfigurationError(f"{path} is not a cassette that this version of fcall reads; record it anew")
    return written
