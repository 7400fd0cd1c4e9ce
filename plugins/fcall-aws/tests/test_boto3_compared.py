"""What fcall is for: under the same faults, boto3 by itself runs the function again and says nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from fcall.errors import Executed
from fcall.testing.faults import Fault

AFTER_RUN = (Fault.RESET_BEFORE_ANSWER, Fault.CLOSE_BEFORE_ANSWER, Fault.HTML_502_AFTER_RUN, Fault.BAD_STATUS)


def _runs_with_boto3(it: Any, client: Any) -> int:
    before = len(it.ran)
    with suppress(BotoCoreError, ClientError):
        client.invoke(FunctionName="echo", Payload=json.dumps("boto3"))["Payload"].read()
    return len(it.ran) - before


@pytest.mark.parametrize("fault", AFTER_RUN, ids=str)
def test_boto3_runs_it_three_times_and_fcall_once(
    line: Callable[..., Any], bare: Callable[..., Any], fault: Fault
) -> None:
    """The function ran and its answer was lost: boto3's standard mode runs it three times, fcall once, and says so."""
    it = line()
    client = bare(it.endpoint, retries={"mode": "standard"})
    it.server.inject(fault, always=True)
    outcome = it.sync("fcall")

    assert 3 == _runs_with_boto3(it, client)
    assert 1 == outcome.runs
    assert outcome.error is not None
    assert Executed.MAYBE is outcome.error.executed


def test_boto3_runs_a_slow_function_three_times(line: Callable[..., Any], bare: Callable[..., Any]) -> None:
    """A function that outlasts the time-out: boto3 starts it three times, fcall once."""
    it = line()
    client = bare(it.endpoint, retries={"mode": "standard"}, read_timeout=0.2)
    it.sync("warm", timeout=1)  # making the client of these time-outs takes its time too
    it.server.inject(Fault.HANG_BEFORE_ANSWER, always=True)
    outcome = it.sync("fcall", timeout=0.2)

    assert 3 == _runs_with_boto3(it, client)
    assert 1 == outcome.runs


@pytest.mark.long
def test_boto3_in_its_legacy_mode_runs_it_five_times(line: Callable[..., Any], bare: Callable[..., Any]) -> None:
    """The default before botocore 1.44 runs the function five times."""
    it = line()
    client = bare(it.endpoint, retries={"mode": "legacy"})
    it.server.inject(Fault.RESET_BEFORE_ANSWER, always=True)

    assert 5 == _runs_with_boto3(it, client)


@pytest.mark.parametrize(("name", "value"), [("AWS_MAX_ATTEMPTS", "7"), ("AWS_RETRY_MODE", "legacy")])
def test_the_environment_brings_no_second_run(
    line: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Whatever the environment says of retries, fcall has the function run once."""
    monkeypatch.setenv(name, value)
    for watched in (False, True):
        it = line(watched=watched)
        it.server.inject(Fault.RESET_BEFORE_ANSWER, always=True)

        assert 1 == it.sync("x").runs


def test_an_idempotent_call_is_run_again(line: Callable[..., Any]) -> None:
    """Where the caller says that running twice is harmless, and only there, fcall makes its three attempts."""
    it = line()
    it.server.inject(Fault.RESET_BEFORE_ANSWER, Fault.HTML_502_AFTER_RUN)
    outcome = it.sync("x", idempotent=True)

    assert (b'"x"', None, 3) == (outcome.value, outcome.error, outcome.runs)
