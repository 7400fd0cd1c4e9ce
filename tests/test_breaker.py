"""The circuit breaker: a state machine that is told the time."""

from __future__ import annotations

import pytest

from fcall._breaker import Breaker
from fcall.errors import (
    AccessDeniedError,
    CircuitOpenError,
    ConfigurationError,
    ConnectionFailedError,
    Executed,
    FunctionError,
    InvocationTimeoutError,
    ProviderUnavailableError,
    RejectedError,
    ThrottledError,
    UnmappedProviderError,
)

BROKEN = ConnectionFailedError()
ANSWERS = [None, ThrottledError(), AccessDeniedError(), RejectedError(), FunctionError()]
MISSES = [
    ConnectionFailedError(),
    ConnectionFailedError(executed=Executed.NO),
    InvocationTimeoutError(),
    ProviderUnavailableError(),
    CircuitOpenError(),
]
NEITHER = [ValueError(), KeyboardInterrupt(), GeneratorExit(), UnmappedProviderError(), ConfigurationError()]


def _called(breaker: Breaker, error: BaseException | None, times: int = 1, now: float = 0.0) -> None:
    for _ in range(times):
        ticket = breaker.admit(now)
        assert ticket
        breaker.hear(ticket, error, now)


def _opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    _called(breaker, BROKEN, 10, now)
    return breaker


@pytest.mark.parametrize("error", MISSES, ids=repr)
def test_ten_in_a_row_open_it(error: Exception) -> None:
    """Nine calls that reach nobody change nothing; the tenth opens it, for five seconds from then."""
    breaker = Breaker()
    _called(breaker, error, 9)
    assert (0.0, 9) == (breaker.wait(0.0), breaker.misses)
    _called(breaker, error, now=2.0)

    assert [5.0, 3.0, 0.0, 0.0] == [breaker.wait(now) for now in (2.0, 4.0, 7.0, 100.0)]
    assert 0 == breaker.admit(6.999)
    assert 10 == breaker.misses


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_an_answer_begins_the_count_anew(answer: Exception | None) -> None:
    """Whoever answers is there, whatever it says: the ten have to be in a row."""
    breaker = Breaker()
    _called(breaker, BROKEN, 9)
    _called(breaker, answer)
    assert (0, True) == (breaker.misses, breaker.at_rest)
    _called(breaker, BROKEN, 9)

    assert breaker.admit(0.0)


@pytest.mark.parametrize("error", NEITHER, ids=repr)
def test_some_ends_say_nothing_of_the_target(error: BaseException) -> None:
    """An interruption, or a mistake of the plugin, is neither an answer nor a failure to reach it."""
    breaker = Breaker()
    _called(breaker, BROKEN, 9)
    _called(breaker, error, 20)
    assert 9 == breaker.misses
    _called(breaker, BROKEN)

    assert 0 == breaker.admit(0.0)


def test_one_probe_goes_after_five_seconds() -> None:
    """When the five seconds are over, one call is let through, and the others stay for five more."""
    breaker = _opened()

    assert breaker.admit(5.0)
    assert [0, 0] == [breaker.admit(5.0), breaker.admit(9.999)]
    assert 5.0 == breaker.wait(5.0)


def test_a_probe_without_an_answer_is_not_waited_for() -> None:
    """A probe that hangs does not keep the target shut off: another goes each five seconds."""
    breaker = _opened()
    first = breaker.admit(5.0)
    second = breaker.admit(10.0)
    assert first
    assert second
    breaker.hear(first, None, 11.0)

    assert breaker.at_rest
    assert breaker.admit(11.0)


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_a_probe_that_gets_an_answer_closes_it(answer: Exception | None) -> None:
    """From then on every call goes, and it takes ten failures again to open it."""
    breaker = _opened()
    _called(breaker, answer, now=5.0)
    assert (0.0, True) == (breaker.wait(5.0), breaker.at_rest)
    _called(breaker, BROKEN, 9, 6.0)

    assert breaker.admit(6.0)


@pytest.mark.parametrize("error", MISSES, ids=repr)
def test_a_probe_that_fails_leaves_it_open(error: Exception) -> None:
    """The five seconds begin anew when the probe fails."""
    breaker = _opened()
    ticket = breaker.admit(5.0)
    breaker.hear(ticket, error, 8.0)

    assert 11 == breaker.misses
    assert [0, 0] == [breaker.admit(10.0), breaker.admit(12.999)]
    assert breaker.admit(13.0)


def test_a_late_failure_does_not_shorten_the_wait() -> None:
    """A probe that fails after the next one has gone leaves the time of the one after it."""
    breaker = _opened()
    first, second = breaker.admit(5.0), breaker.admit(10.0)
    breaker.hear(second, BROKEN, 12.0)
    breaker.hear(first, BROKEN, 11.0)

    assert 5.0 == breaker.wait(12.0)


@pytest.mark.parametrize("error", NEITHER, ids=repr)
def test_a_probe_that_learns_nothing_makes_room_for_the_next(error: BaseException) -> None:
    """A probe that was interrupted has not probed: the next call may."""
    breaker = _opened()
    _called(breaker, error, now=5.0)

    assert breaker.admit(5.0)
    assert 0 == breaker.admit(5.0)


def test_a_later_probe_that_learns_nothing_makes_room_too() -> None:
    """Whichever probe was the last to go, its interruption lets the next one go."""
    breaker = _opened()
    assert breaker.admit(5.0)
    _called(breaker, KeyboardInterrupt(), now=10.0)

    assert breaker.admit(10.0)


def test_an_old_probe_that_learns_nothing_makes_no_room() -> None:
    """While a later probe is under way, the end of an earlier one lets nobody through."""
    breaker = _opened()
    first, second = breaker.admit(5.0), breaker.admit(10.0)
    breaker.hear(first, KeyboardInterrupt(), 11.0)

    assert second
    assert 0 == breaker.admit(11.0)


@pytest.mark.parametrize("error", [None, BROKEN, KeyboardInterrupt()], ids=repr)
def test_a_call_from_before_is_no_probe(error: BaseException | None) -> None:
    """What was sent before it opened neither closes it, nor keeps it open longer, nor makes room for a probe."""
    breaker = Breaker()
    for start in (0.0, 100.0, 200.0):
        early = breaker.admit(start)
        _called(breaker, BROKEN, 10, start)
        breaker.hear(early, error, start + 3.0)
        assert [0, 2.0, 10] == [breaker.admit(start + 3.0), breaker.wait(start + 3.0), breaker.misses]
        probe = breaker.admit(start + 5.0)
        assert probe
        breaker.hear(early, error, start + 6.0)
        assert [0, 4.0, 10] == [breaker.admit(start + 6.0), breaker.wait(start + 6.0), breaker.misses]
        breaker.hear(probe, None, start + 7.0)

        assert breaker.at_rest


@pytest.mark.parametrize("number", [0, 1, 2])
def test_any_probe_may_close_it(number: int) -> None:
    """Whichever of the probes under way gets an answer, the target is there."""
    breaker = _opened()
    probes = [breaker.admit(now) for now in (5.0, 10.0, 15.0)]
    breaker.hear(probes[number], None, 16.0)

    assert breaker.at_rest


def test_what_an_old_probe_learns_is_not_heard_once_it_is_closed() -> None:
    """Two probes are under way and one closes it: the failure of the other is of the time before."""
    breaker = _opened()
    first, second = breaker.admit(5.0), breaker.admit(10.0)
    breaker.hear(first, None, 10.0)
    breaker.hear(second, BROKEN, 11.0)

    assert breaker.at_rest


def test_an_old_answer_does_not_clear_a_new_count() -> None:
    """The count after a probe has closed it is made of calls from then on."""
    breaker = _opened()
    first, second = breaker.admit(5.0), breaker.admit(10.0)
    breaker.hear(first, None, 10.0)
    _called(breaker, BROKEN, 4, 11.0)
    breaker.hear(second, None, 12.0)

    assert 4 == breaker.misses


def test_it_can_open_again_and_again() -> None:
    """Open, probe, closed, open: each round is like the first."""
    breaker = Breaker()
    for start in (0.0, 100.0, 200.0):
        _called(breaker, BROKEN, 10, start)
        assert 0 == breaker.admit(start + 4.9)
        _called(breaker, None, now=start + 5.0)

    assert breaker.at_rest
