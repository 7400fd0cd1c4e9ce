"""Every fault between the client and Function Compute: the handler runs once or not at all, and the caller knows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fcall_aliyun.testing import FcEndpoint

import fcall
from fcall.errors import Executed, FcallError, UnmappedProviderError
from fcall.http import is_available
from fcall.testing.faults import FAULTS, Fault, Stage

EVENT = b'{"name": "Ada", "filler": "0123456789"}'
TIMEOUT = 0.4
GRACE = 0.6  # what a busy machine may add

# Whether these are whole, nobody can see: a function may answer with any bytes, also with none.
UNSEEN = {"LOST_BODY", "MALFORMED_JSON", "NOT_UTF8"}
# Their answer is whole, though not as HTTP has it, and is JSON to its end.
FORGIVEN = {"NEGATIVE_LENGTH", "LENGTH_IN_WORDS", "LENGTH_AND_CHUNKS"}

# httptools reads no answer that says its length twice.
STRICTER = {"SAME_LENGTH_TWICE"}

NAMES = {"fc2": "images/echo", "fc3": "echo", "fc2-awaited": "images/echo"}
WAYS = [way for way in NAMES if "awaited" not in way or is_available()]


class Faulty:
    """An endpoint with a handler that counts, over one transport."""

    def __init__(self, tls: bool) -> None:
        self.runs = 0
        self.endpoint = FcEndpoint({"echo": self.echo, "images/echo": self.echo}, tls=tls)

    def echo(self, event: bytes, context: Any) -> bytes:
        self.runs += 1
        return event

    def reset(self) -> None:
        self.endpoint.reset()
        self.runs = 0


@pytest.fixture(scope="module", params=[False, True], ids=["http", "tls"])
def faulty(request: pytest.FixtureRequest) -> Iterator[Faulty]:
    faulty = Faulty(request.param)
    with faulty.endpoint:
        yield faulty


def _outcome(client: Any, name: str, **parameters: Any) -> bytes | FcallError:
    try:
        return client.invoke(name, payload=EVENT, timeout=TIMEOUT, **parameters).payload
    except FcallError as error:
        return error


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_a_fault_runs_the_function_once_at_most(
    faulty: Faulty, client: Callable[..., Any], way: str, fault: Fault
) -> None:
    """The handler runs once at most, `executed` is right, only our errors come out, and in time."""
    if fault.needs_tls and faulty.endpoint.ca_file is None:
        pytest.skip("a fault of TLS")
    caller, name = client(faulty.endpoint, awaited="awaited" in way), NAMES[way]
    faulty.reset()
    caller.invoke(name)  # the connection is there to be reused
    faulty.reset()
    faulty.endpoint.inject(fault)
    started = time.monotonic()
    outcome = _outcome(caller, name)

    assert time.monotonic() - started < TIMEOUT + GRACE
    assert faulty.runs <= 1
    if isinstance(outcome, bytes):
        assert faulty.runs == 1
        assert fault.delivers or fault.name in UNSEEN | FORGIVEN or outcome == EVENT
        assert outcome == EVENT or fault.name in UNSEEN
    else:
        assert not isinstance(outcome, UnmappedProviderError)
        assert outcome.executed in _true_answers(faulty.runs)
        assert not (fault.delivers and fault.pace == 0) or ("awaited" in way and fault.name in STRICTER)


def _true_answers(runs: int) -> set[Executed]:
    return {Executed.MAYBE, Executed.YES} if runs else {Executed.MAYBE, Executed.NO}


CONNECTING = [fault for fault in FAULTS if fault.stage in (Stage.CONNECT, Stage.HANDSHAKE)]


@pytest.mark.parametrize("fault", CONNECTING, ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_what_was_not_sent_did_not_run(faulty: Faulty, client: Callable[..., Any], way: str, fault: Fault) -> None:
    """Where no connection can be made the error says NO, and never MAYBE."""
    if (fault.needs_tls and faulty.endpoint.ca_file is None) or fault.delivers:
        pytest.skip("this endpoint has no such fault")
    faulty.reset()
    faulty.endpoint.inject(fault, always=True)
    outcome = _outcome(client(faulty.endpoint, awaited="awaited" in way), NAMES[way])

    assert isinstance(outcome, FcallError)
    assert outcome.executed is Executed.NO
    assert faulty.runs == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_after_a_fault_is_clean(faulty: Faulty, client: Callable[..., Any], way: str) -> None:
    """What is left of a spoilt answer never becomes the answer to a later call."""
    caller, name = client(faulty.endpoint, awaited="awaited" in way, max_concurrency=1), NAMES[way]
    for fault in FAULTS:
        if fault.stage is not Stage.ANSWER or (fault.pace and "STRAY" not in fault.name):
            continue
        faulty.reset()
        faulty.endpoint.inject(fault)
        _outcome(caller, name)
        faulty.endpoint.heal()

        later = caller.invoke(
            name, payload=f'"after {fault}"', timeout=5, idempotent=True
        )  # the other side may be gone

        assert later.text == f'"after {fault}"'


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE_ANSWER, Fault.HTML_502_AFTER_RUN, Fault.CLOSE_IN_BODY], ids=str)
def test_a_doubtful_attempt_is_made_again_where_that_is_harmless(
    faulty: Faulty, client: Callable[..., fcall.Client], fault: Fault
) -> None:
    """With idempotent=True a MAYBE is tried again, and the whole call says how often."""
    faulty.reset()
    faulty.endpoint.inject(fault)
    result = client(faulty.endpoint).invoke("images/echo", payload=EVENT, timeout=5, idempotent=True)

    assert result.payload == EVENT
    assert [attempt.outcome for attempt in result.attempts] == ["maybe", "ok"]
    assert faulty.runs == 2


def test_a_slow_reader_does_not_hold_a_large_event(client: Callable[..., fcall.Client]) -> None:
    """An event that the other side does not take is given up at the deadline, and did not run."""
    with FcEndpoint({"echo": lambda event, context: event}) as endpoint:
        endpoint.inject(Fault.HANG_IN_REQUEST_BODY)
        started = time.monotonic()
        with pytest.raises(fcall.errors.InvocationTimeoutError) as raised:
            client(endpoint).invoke("echo", payload=b"x" * 20_000_000, timeout=TIMEOUT)

    assert raised.value.executed is Executed.NO
    assert time.monotonic() - started < TIMEOUT + GRACE
