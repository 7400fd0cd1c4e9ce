"""A storm: what the retries of many clients do to a service that fails, with the real policy on a virtual clock."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

CLIENTS = 40
"""A fifth of what ``python benchmarks/run.py storm`` has."""


@pytest.fixture
def storm(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The simulation of the benchmarks."""
    monkeypatch.syspath_prepend(repository / "benchmarks")
    return importlib.import_module("storm").storm


@pytest.mark.parametrize("failing", [1.0, 0.5])
def test_retries_add_a_quarter_at_most(storm: Any, failing: float) -> None:
    """Where all of the requests fail, or half of them, a service gets no more than 1.25 requests for each call."""
    outage = storm(failing, clients=CLIENTS).outage

    assert 1.0 < outage.load <= 1.25


def test_without_a_budget_they_would_triple_it(storm: Any) -> None:
    """The simulation shows what it is to show: it is the budget that holds the load down."""
    assert 2.9 < storm(1.0, clients=CLIENTS, budget=False).outage.load <= 3.0


def test_few_failures_are_not_seen(storm: Any) -> None:
    """Where one request in ten fails, 99.9 % of the calls go well, and the budget denies no retry."""
    whole = storm(0.1, clients=CLIENTS).whole

    assert whole.success >= 0.999
    assert whole == storm(0.1, clients=CLIENTS, budget=False).whole


def test_calls_are_what_they_were_once_it_is_over(storm: Any) -> None:
    """No retry is left over when the service is well again: only calls that were under way as it began needed one."""
    told = storm(1.0, clients=CLIENTS)
    calls, requests = told.whole.began - told.outage.began, told.whole.sent - told.outage.sent
    under_way = CLIENTS * 10 * 0.02  # ten calls a second, of 20 ms

    assert 0 <= requests - calls <= 2 * under_way
