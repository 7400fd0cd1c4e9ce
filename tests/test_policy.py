"""When to try again: the decision as a table."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from fcall._invocation import Invocation
from fcall._policy import Policy
from fcall.errors import (
    CircuitOpenError,
    ClientClosedError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionError,
    FunctionLoadError,
    FunctionTimeoutError,
    InvalidPayloadError,
    InvocationError,
    ProviderUnavailableError,
    ThrottledError,
    UnmappedProviderError,
    UnsupportedFeatureError,
)

LISTED = frozenset({"Busy"})
PLAIN = Invocation("f")
IDEMPOTENT = Invocation("f", idempotent=True)
KEYED = Invocation("f", idempotency_key="order-7")
BOTH = Invocation("f", idempotent=True, idempotency_key="order-7")


def _pause(
    error: FcallError,
    invocation: Invocation = IDEMPOTENT,
    *,
    number: int = 1,
    remaining: float = 1000.0,
    random: float = 0.5,
    attempts: int = 3,
) -> float | None:
    policy = Policy(attempts=attempts, retry_error_types=LISTED)
    return policy.pause(number, error, invocation, remaining, lambda: random)


def _may_repeat(executed: Executed, retryable: bool, idempotent: bool, key: bool, listed: bool) -> bool:
    """The rule in words, as the documentation has it."""
    if executed is Executed.NO:
        return retryable
    if executed is Executed.MAYBE:
        return retryable and (idempotent or key)
    return idempotent and listed


@pytest.mark.parametrize("executed", Executed)
@pytest.mark.parametrize(("retryable", "idempotent", "key", "listed"), list(itertools.product((True, False), repeat=4)))
def test_what_may_be_tried_again(
    executed: Executed, retryable: bool, idempotent: bool, key: bool, listed: bool
) -> None:
    """NO where it may pass; MAYBE where it may pass and is idempotent or has a key; YES only idempotent and listed."""
    error = FunctionError(error_type="Busy" if listed else "ValueError", executed=executed, retryable=retryable)
    invocation = Invocation("f", idempotent=idempotent, idempotency_key="order-7" if key else None)

    assert _may_repeat(executed, retryable, idempotent, key, listed) is (_pause(error, invocation) is not None)


@pytest.mark.parametrize(
    ("error", "repeated_by"),
    [
        (ThrottledError(), [PLAIN, IDEMPOTENT, KEYED, BOTH]),
        (ConnectionFailedError(executed=Executed.NO), [PLAIN, IDEMPOTENT, KEYED, BOTH]),
        (ConnectionFailedError(), [IDEMPOTENT, KEYED, BOTH]),
        (ProviderUnavailableError(), [IDEMPOTENT, KEYED, BOTH]),
        (UnmappedProviderError(), [IDEMPOTENT, KEYED, BOTH]),
        (InvocationError(), []),
        (CircuitOpenError(), []),
        (CircuitOpenError(executed=Executed.MAYBE), []),
        (InvalidPayloadError(), []),
        (FunctionError(error_type="ValueError"), []),
        (FunctionError(error_type="Busy"), [IDEMPOTENT, BOTH]),
        (FunctionTimeoutError(error_type="Busy"), [IDEMPOTENT, BOTH]),
        (FunctionLoadError(error_type="Busy"), []),
        (ProviderUnavailableError(executed=Executed.YES), []),
        (ClientClosedError(), []),
        (UnsupportedFeatureError(), []),
        (FcallError(), []),
    ],
    ids=repr,
)
def test_errors_as_they_come(error: FcallError, repeated_by: list[Invocation]) -> None:
    """The defaults of the classes lead to the right decision."""
    assert repeated_by == [call for call in (PLAIN, IDEMPOTENT, KEYED, BOTH) if _pause(error, call) is not None]


@pytest.mark.parametrize(("attempts", "pauses"), [(1, 0), (2, 1), (3, 2), (20, 19)])
def test_attempts_are_limited(attempts: int, pauses: int) -> None:
    """There are as many attempts as the policy says, the first included."""
    numbers = range(1, 50)

    assert pauses == sum(_pause(ThrottledError(), number=n, attempts=attempts) is not None for n in numbers)


def test_three_attempts_are_the_default() -> None:
    """Where nothing is configured, a call is tried three times, with no limit and no breaker."""
    assert Policy(3, frozenset(), False, None, False) == Policy()


@pytest.mark.parametrize(
    ("error", "base"), [(ConnectionFailedError(), 0.05), (ProviderUnavailableError(), 0.05), (ThrottledError(), 1.0)]
)
@pytest.mark.parametrize("number", range(1, 20))
@pytest.mark.parametrize("random", [0.0, 1e-9, 0.25, 0.999999])
def test_the_jitter_is_full(error: FcallError, base: float, number: int, random: float) -> None:
    """A pause lies anywhere from 0 to a bound that doubles with each attempt, and is never over 20 seconds."""
    pause = _pause(error, number=number, random=random, attempts=20)

    assert pause == pytest.approx(random * min(20.0, base * 2 ** (number - 1)))
    assert pause is not None
    assert 0 <= pause < 20


@pytest.mark.parametrize(
    ("retry_after", "random", "pause"),
    [
        (None, 0.5, 0.5),
        (0.0, 0.5, 0.5),
        (0.2, 0.5, 0.5),
        (2.0, 0.5, 2.0),
        (5.5, 0.5, 5.5),
        (60.0, 0.5, 5.5),
        (float("inf"), 0.0, 5.0),
        (float("nan"), 0.5, 0.5),
        (-3.0, 0.5, 0.5),
    ],
)
def test_retry_after_is_heeded_up_to_a_point(retry_after: float | None, random: float, pause: float) -> None:
    """What the service asks for raises the pause, by 5 seconds at most, and never lowers it."""
    assert pause == pytest.approx(_pause(ThrottledError(retry_after=retry_after), random=random))


@pytest.mark.parametrize(
    ("remaining", "fits"), [(0.0, False), (0.499, False), (0.5, False), (0.501, True), (10.0, True)]
)
def test_a_pause_that_does_not_fit_is_not_made(remaining: float, fits: bool) -> None:
    """Where the deadline comes before the end of the pause, the failure is told at once."""
    assert fits is (_pause(ThrottledError(), remaining=remaining, random=0.5) is not None)


def test_nothing_is_tried_after_the_deadline() -> None:
    """Not even without a pause."""
    assert _pause(ThrottledError(), remaining=0.0, random=0.0) is None


def test_no_chance_is_taken_where_there_is_no_choice() -> None:
    """The decision asks for a random number only if there is a pause to make: it changes nothing else."""

    def random() -> float:
        raise AssertionError("nobody is to ask")

    assert Policy().pause(1, FunctionError(), PLAIN, 10.0, random) is None
    assert Policy().pause(3, ThrottledError(), PLAIN, 10.0, random) is None


def _may_fail_over(error: InvocationError, earlier: Executed, idempotent: bool, failover_maybe: bool) -> bool:
    """The rule in words, as the documentation has it."""
    allowed = {Executed.NO: True, Executed.MAYBE: idempotent and failover_maybe, Executed.YES: False}
    mistake = error.executed is Executed.NO and not error.retryable
    return allowed[error.executed] and allowed[earlier] and not mistake


@pytest.mark.parametrize("executed", Executed)
@pytest.mark.parametrize("earlier", Executed)
@pytest.mark.parametrize(
    ("retryable", "idempotent", "key", "failover_maybe"), list(itertools.product((True, False), repeat=4))
)
def test_where_the_next_service_may_be_asked(
    executed: Executed, earlier: Executed, retryable: bool, idempotent: bool, key: bool, failover_maybe: bool
) -> None:
    """After NO that may pass; after MAYBE, an earlier one too, only where the call and the configuration allow it."""
    error = ProviderUnavailableError(executed=executed, retryable=retryable)
    invocation = Invocation("f", idempotent=idempotent, idempotency_key="order-7" if key else None)
    policy = Policy(retry_error_types=LISTED, failover_maybe=failover_maybe)

    assert _may_fail_over(error, earlier, idempotent, failover_maybe) is policy.may_fail_over(
        error, earlier, invocation
    )


@pytest.mark.parametrize(
    ("error", "fails_over"),
    [
        (CircuitOpenError(), True),
        (ThrottledError(), True),
        (ConnectionFailedError(executed=Executed.NO), True),
        (ConnectionFailedError(), False),
        (InvalidPayloadError(), False),
        (FunctionLoadError(), False),
        (FunctionError(error_type="Busy"), False),
        (ClientClosedError(), False),
        (UnsupportedFeatureError(), False),
    ],
    ids=repr,
)
def test_failover_as_errors_come(error: FcallError, fails_over: bool) -> None:
    """A caller's mistake goes nowhere else; an open circuit does."""
    assert fails_over is Policy(retry_error_types=LISTED).may_fail_over(error, Executed.NO, IDEMPOTENT)


@pytest.mark.parametrize("decide", [Policy.pause, Policy.may_fail_over])
def test_a_policy_keeps_no_state(decide: Callable[..., object]) -> None:
    """The same question gets the same answer, whatever was asked before."""
    error, policy = ThrottledError(retry_after=3), Policy()
    arguments = (1, error, PLAIN, 10.0, lambda: 0.5) if decide is Policy.pause else (error, Executed.NO, PLAIN)
    answers = {decide(policy, *arguments) for _ in range(5)}

    assert 1 == len(answers)
    assert Policy() == policy
