"""All that can go wrong between the provider and the gate: nothing runs twice, and the caller is told the truth."""

from __future__ import annotations

import time
from collections.abc import Iterator

import fcall_gate
import pytest
from fcall_gate.testing import GateEndpoint

import fcall
from fcall.errors import Executed, FcallError, UnmappedProviderError
from fcall.testing import ExamFunctions
from fcall.testing.faults import FAULTS, Fault

EVENT = b'{"name": "Ada", "filler": "0123456789"}'
TIMEOUT = 0.3
GRACE = 2.0  # seconds that a busy machine may add

# An answer that is whole and has every header may be any bytes: whether it is the function's own, nobody can see.
UNSEEN = {"LOST_BODY", "MALFORMED_JSON", "NOT_UTF8", "BIG_BODY", "GZIP_BOMB", "LENGTH_TOO_SHORT"}


@pytest.fixture
def functions() -> ExamFunctions:
    return ExamFunctions()


@pytest.fixture
def endpoint(functions: ExamFunctions) -> Iterator[GateEndpoint]:
    with GateEndpoint(functions.handlers) as endpoint:
        yield endpoint


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if not fault.needs_tls], ids=str)
def test_a_fault_runs_the_function_once_at_most(fault: Fault, endpoint: GateEndpoint, functions: ExamFunctions) -> None:
    """The function runs once at most, `executed` is true of it, only fcall's errors come out, and in time."""
    endpoint.inject(fault)
    started = time.monotonic()
    with fcall.Client(plugins=[fcall_gate], provider="gate", address=endpoint.address) as client:
        try:
            outcome: bytes | FcallError = client.invoke("ECHO", payload=EVENT, timeout=TIMEOUT).payload
        except FcallError as error:
            outcome = error

    assert time.monotonic() - started < TIMEOUT + GRACE
    if isinstance(outcome, bytes):
        assert functions.runs == 1
        assert outcome == EVENT or fault.name in UNSEEN
    else:
        assert not isinstance(outcome, UnmappedProviderError)
        assert outcome.executed in {Executed.MAYBE, Executed.YES if functions.runs else Executed.NO}
