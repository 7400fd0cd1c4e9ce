"""The retry budget: what a retry costs, and what a success brings back."""

from __future__ import annotations

import threading

import pytest

from fcall._budget import Budget
from fcall.errors import (
    ConnectionFailedError,
    FcallError,
    FunctionNotReadyError,
    ProviderUnavailableError,
    ThrottledError,
)

BROKEN, SLOW = ConnectionFailedError(), ThrottledError()


def _drained(error: FcallError = BROKEN) -> tuple[Budget, int]:
    """A budget after as many retries as it pays for, and how many those were."""
    budget, times = Budget(), 0
    while budget.charge(error):
        times += 1
    return budget, times


@pytest.mark.parametrize(
    ("error", "cost", "times"),
    [(BROKEN, 14, 35), (ProviderUnavailableError(), 14, 35), (FunctionNotReadyError(), 14, 35), (SLOW, 5, 100)],
    ids=repr,
)
def test_a_retry_costs(error: FcallError, cost: int, times: int) -> None:
    """There are 500 tokens: a retry costs 14 of them, and 5 after a throttled attempt."""
    assert cost == Budget().charge(error)
    assert times == _drained(error)[1]


def test_what_is_left_may_pay_for_the_cheaper_retry() -> None:
    """500 tokens are 35 retries and 10 tokens: two retries of a throttled call, and not one of another."""
    budget, _ = _drained()

    assert [0, 5, 5, 0] == [budget.charge(BROKEN), budget.charge(SLOW), budget.charge(SLOW), budget.charge(SLOW)]


@pytest.mark.parametrize(("charged", "back"), [(0, 1), (5, 2), (14, 7)])
def test_a_success_brings_tokens_back(charged: int, back: int) -> None:
    """One, where nothing was retried; otherwise half of what the last retry cost."""
    budget = Budget()
    for _ in range(100):
        budget.charge(SLOW)
    for _ in range(10):
        budget.refund(charged)

    assert 2 * back == _tokens(budget)


def _tokens(budget: Budget) -> int:
    """How many retries of a throttled call it pays for."""
    times = 0
    while budget.charge(SLOW):
        times += 1
    return times


@pytest.mark.parametrize("charged", [0, 5, 14])
def test_it_is_never_more_than_full(charged: int) -> None:
    """Successes do not pile up for a bad day."""
    budget = Budget()
    budget.charge(SLOW)
    for _ in range(10):
        budget.refund(charged)

    assert budget.full
    assert 100 == _tokens(budget)


def test_a_full_one_is_full() -> None:
    """It is full at first, not after a retry, and again once all is paid back."""
    budget = Budget()
    states = [budget.full]
    budget.charge(SLOW)
    for _ in range(4):
        budget.refund(0)
    states.append(budget.full)
    budget.refund(0)

    assert [True, False, True] == [*states, budget.full]


def test_threads_do_not_spend_a_token_twice() -> None:
    """However many threads ask at once, it pays for as many retries as it has tokens for."""
    budget, paid, start = Budget(), [], threading.Barrier(8)

    def spend() -> None:
        start.wait(10)
        while budget.charge(BROKEN):
            paid.append(1)

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 35 == len(paid)
