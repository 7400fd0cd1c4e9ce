"""Every fault on the way to Lambda and back: the function runs once or not at all, and the error says which."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from fcall_aws._service._errors import STATUS
from fcall_aws.testing import error_faults

from fcall.errors import Executed, FcallError, UnmappedProviderError
from fcall.http import is_available
from fcall.testing.faults import FAULTS, End, Fault

WAYS = tuple(
    f"{kind}{scheme}"
    for kind in ("", "watched-", "logged-", *(["awaited-"] if is_available() else []))
    for scheme in ("plain", "tls")
)
"""``watched``: somebody wraps what boto3 sends its requests with, so that they are sent through that.

``logged``: somebody wants botocore's own log, so that it makes every request and we only send it.

``awaited``: the client is one for asyncio, where httptools is installed.
"""

VERBS = ("sync", "queue", "dry", "stream")
CANARY = "c4n4ry-in-the-payload"
CANARIES = (CANARY, "CANARYKEY", "CANARYTOKEN")

ALTERED = frozenset(["LENGTH_TOO_SHORT", "MALFORMED_JSON", "NOT_UTF8", "BIG_BODY"])
"""Faults that change the answer into another one that is whole: nobody can see it."""

ARRIVED = frozenset(
    [
        "CLOSE_IN_BODY",
        "RESET_IN_BODY",
        "HANG_IN_BODY",
        "CLOSE_IN_CHUNK",
        "RESET_IN_CHUNK",
        "HANG_IN_CHUNK",
        "NO_LAST_CHUNK",
    ]
)
"""Faults in which the head of Lambda's own answer has arrived, so that the function has run."""

UNSENT = frozenset(
    ["REFUSED", "BLACK_HOLE", "TLS_UNTRUSTED", "TLS_WRONG_NAME", "TLS_EXPIRED", "TLS_ALERT", "TLS_CLOSE", "TLS_HANG"]
)
"""Faults that keep the request from being sent."""

LATER = frozenset(["CLOSE_WHEN_IDLE", "RESET_WHEN_IDLE", "STRAY_ANSWER", "STRAY_ANSWER_THEN_CLOSE"])
"""Faults that strike a little after a healthy answer, when the next call may be under way."""

STRICTER = frozenset({"SAME_LENGTH_TWICE"})
"""Faults whose answer boto3 itself does not read, nor httptools, although they could: they say so."""

BOTO3_WAITS = frozenset({"ENDLESS_CONTINUE"})
"""Faults in which Python's own HTTP client, and boto3 with it, waits for ever, past every time-out."""

BOTO3_FORGETS = pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
"""urllib3 leaves a socket whose handshake took too long to the garbage collection, which warns of it."""

PATIENCE = 10.0
SHORT_PATIENCE = 0.5
LATE = 1.0
"""Seconds by which a busy machine may be late."""


def _never_ends(fault: Fault) -> bool:
    return fault.end is End.HANG or fault.name == "NO_COLON"


def _is_stricter(way: str, fault: Fault) -> bool:
    return way.startswith(("watched", "awaited")) and fault.name in STRICTER


def _quick(fault: Fault) -> Fault:
    """What sends byte by byte, without taking its time."""
    return fault.with_pace(0.0005) if fault.name in ("SLOW_HEAD", "SLOW_BODY") else fault


def _matrix(representative: Callable[[str, str, Fault], bool]) -> list[Any]:
    """Every verb, way and fault; what does not represent the others is long."""
    cells = []
    for verb in VERBS:
        for way in WAYS:
            for fault in FAULTS:
                if (fault.needs_tls and way.endswith("plain")) or (fault.name in BOTO3_WAITS and "watched" in way):
                    continue
                if verb == "stream" and "awaited" in way:  # it is read on a thread, as without asyncio
                    continue
                marks = [] if representative(verb, way, fault) else [pytest.mark.long]
                if "watched" in way:
                    marks.append(BOTO3_FORGETS)
                cells.append(pytest.param(verb, way, _quick(fault), id=f"{verb}-{way}-{fault}", marks=marks))
    return cells


def _once(verb: str, way: str, fault: Fault) -> bool:
    return verb == "sync" and (way in ("plain", "logged-plain", "awaited-plain") or fault.needs_tls)


def _for_good(verb: str, way: str, fault: Fault) -> bool:
    few = "REFUSED RESET_IN_REQUEST_BODY RESET_BEFORE_ANSWER HANG_BEFORE_ANSWER CLOSE_IN_BODY HTML_502 TLS_UNTRUSTED"
    return fault.name in few.split()


def _secrets_in(error: FcallError | None, caplog: pytest.LogCaptureFixture) -> list[str]:
    """The canaries in what a program shows: the error, its chain, its fields, the log."""
    shown = [record.getMessage() for record in caplog.records]
    if error is not None:
        shown += [str(error), repr(error), *traceback.format_exception(error), str(error.attempts)]
        shown += [repr(value) for value in vars(error).values()]
    return [canary for canary in CANARIES for text in shown if canary in text]


@pytest.mark.parametrize(("verb", "way", "fault"), _matrix(_once))
def test_a_fault_that_strikes_once(
    lines: Callable[[str], Any], caplog: pytest.LogCaptureFixture, verb: str, way: str, fault: Fault
) -> None:
    """The function runs once or not at all; success is the function's own answer; the next call is well."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "fcall")
    line = lines(way)
    patience = SHORT_PATIENCE if _never_ends(fault) else PATIENCE
    line.server.inject(fault)
    outcome = getattr(line, verb)([verb, str(fault), CANARY], patience)
    line.server.heal()
    after = line.sync("after")

    _check_told_right(outcome, verb, fault)
    assert outcome.seconds < patience + LATE
    if fault.delivers and not _is_stricter(way, fault):
        assert outcome.error is None
    if outcome.error is None and verb in ("sync", "stream") and fault.name not in ALTERED:
        assert [verb, str(fault), CANARY] == json.loads(outcome.value)
    assert [] == _secrets_in(outcome.error, caplog)
    _check_well(line, after, verb, fault)


@pytest.mark.parametrize(("verb", "way", "fault"), _matrix(_for_good))
def test_a_fault_that_stays(
    lines: Callable[[str], Any], caplog: pytest.LogCaptureFixture, verb: str, way: str, fault: Fault
) -> None:
    """However often the default policy tries again, the function runs once or not at all."""
    caplog.set_level(logging.DEBUG, "fcall")
    line = lines(way)
    patience = SHORT_PATIENCE if _never_ends(fault) else PATIENCE
    line.server.inject(fault, always=True)
    outcome = getattr(line, verb)([verb, str(fault), CANARY], patience)
    line.server.heal()
    after = line.sync("after")

    _check_told_right(outcome, verb, fault)
    assert outcome.seconds < patience + LATE
    if fault.delivers and not _is_stricter(way, fault):
        assert outcome.error is None
    if outcome.error is not None and verb == "sync" and fault.name in ARRIVED:
        assert Executed.YES is outcome.error.executed
    if fault.name in UNSENT:
        assert outcome.error is not None
        assert Executed.NO is outcome.error.executed
    assert [] == _secrets_in(outcome.error, caplog)
    _check_well(line, after, verb, fault)


@pytest.mark.parametrize("fault", [Fault.TLS_UNTRUSTED, Fault.TLS_WRONG_NAME, Fault.TLS_EXPIRED], ids=str)
@pytest.mark.parametrize("way", ["tls", pytest.param("watched-tls", marks=BOTO3_FORGETS)])
def test_a_certificate_that_is_not_trusted_is_never_tried_again(
    lines: Callable[[str], Any], way: str, fault: Fault
) -> None:
    """No repetition makes a certificate a good one, so there is none, though the next one would have gone well."""
    line = lines(way)
    line.server.inject(fault)
    outcome = line.sync("untrusted")
    line.server.heal()

    assert (Executed.NO, False, 0) == (outcome.error.executed, outcome.error.retryable, outcome.runs)
    assert 1 == len(outcome.error.attempts)


def test_every_error_of_the_api_is_told_right(line: Callable[..., Any]) -> None:
    """Whatever the service answers instead of running the function, or after it, nothing false is said of the run."""
    it = line(attempts=1)
    for fault in error_faults():
        it.server.inject(fault)
        outcome = it.sync("refused")

        assert int(fault.executes) == outcome.runs, fault
        assert str(fault).removesuffix("_AFTER_RUN") == outcome.error.code
        assert not isinstance(outcome.error, UnmappedProviderError), fault
        assert outcome.error.executed in ((Executed.MAYBE,) if outcome.runs else (Executed.NO, Executed.MAYBE)), fault


def test_there_is_a_fault_for_every_error() -> None:
    """The faults are the errors that the endpoint knows, each once, and some a second time after a run."""
    names = [str(fault) for fault in error_faults()]

    assert len(names) == len(set(names))
    assert set(STATUS) == {name.removesuffix("_AFTER_RUN") for name in names}


def _check_well(line: Any, after: Any, verb: str, fault: Fault) -> None:
    """The call after the fault is answered with its own answer."""
    goes_on = fault.name in LATER or verb == "dry"  # the answer to a dry run has no body: it is whole before the fault
    if goes_on and after.error is not None:  # it struck while that call was under way
        assert Executed.MAYBE is after.error.executed
        after = line.sync("after")

    assert (b'"after"', None) == (after.value, after.error)
    assert 1 == after.runs or goes_on


def _check_told_right(outcome: Any, verb: str, fault: Fault) -> None:
    """What the outcome says of the function's runs is what happened."""
    assert outcome.runs <= (0 if verb == "dry" else 1)
    if outcome.error is None:
        assert outcome.runs == (0 if verb == "dry" else 1), "success is told although nothing ran"
        return
    assert isinstance(outcome.error.executed, Executed)
    if outcome.error.executed is Executed.NO:
        assert 0 == outcome.runs, "NO is told although the function ran"
    if outcome.error.executed is Executed.YES:
        assert 1 == outcome.runs, "YES is told although the function did not run"
    if verb == "dry":
        assert Executed.NO is outcome.error.executed
