"""Guards: one for each function of a provider, no more than there is room for, none shared with a parent."""

from __future__ import annotations

import os
import threading

import pytest

from fcall._guard import Guard, Guards
from fcall._limit import Place
from fcall.errors import ConnectionFailedError, ThrottledError

BROKEN = ConnectionFailedError()


def _used(guard: Guard) -> Guard:
    guard.budget.charge(BROKEN)
    return guard


def test_a_function_has_one_guard() -> None:
    """The same name gets the same guard, another name another one."""
    guards = Guards()

    assert guards.of("aws:a") is guards.of("aws:a")
    assert guards.of("aws:a") is not guards.of("aws:b")
    assert 2 == len(guards)


def test_what_remembers_nothing_makes_room() -> None:
    """There are 1024 at most: a guard at rest is as good as a new one, and is dropped first."""
    guards = Guards()
    busy = _used(guards.of("busy"))
    for number in range(1023):
        guards.of(str(number))
    assert 1024 == len(guards)
    guards.of("one more")

    assert 2 == len(guards)
    assert busy is guards.of("busy")


def test_the_oldest_makes_room_where_none_is_at_rest() -> None:
    """Names may come from data without end; the memory for them may not."""
    guards = Guards()
    made = [_used(guards.of(str(number))) for number in range(1024)]
    last = guards.of("one more")

    assert 1024 == len(guards)
    assert (made[1], made[1023], last) == (guards.of("1"), guards.of("1023"), guards.of("one more"))
    assert made[0] is not guards.of("0")


def test_a_guard_at_rest_has_nothing_to_remember() -> None:
    """A missing token, a failure or a call under way is something to remember."""
    guard, place = Guard(), Place(1)
    assert guard.at_rest
    guard.budget.charge(ThrottledError())
    assert not guard.at_rest
    guard.renew()
    guard.breaker.hear(guard.breaker.admit(0.0), BROKEN, 0.0)
    assert not guard.at_rest
    guard.renew()
    guard.limit.take(place)
    assert not guard.at_rest
    guard.limit.leave(place)

    assert guard.at_rest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the threads are the point
def test_a_forked_child_starts_anew() -> None:
    """The child has none of the parent's failures, calls or locks, though a thread of the parent holds them all."""
    guards = Guards()
    guard = _used(guards.of("f"))
    guard.limit.take(Place(1))
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with guards._lock, guard.limit._lock, guard.budget._lock, guard.breaker._lock:
            held.set()
            release.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    child = os.fork()
    if not child:
        fresh = guards.of("new") and guard.at_rest and guard.limit.take(Place(1)) and guard.budget.charge(BROKEN)
        os._exit(0 if fresh and guard.breaker.admit(0.0) else 1)
    release.set()
    holder.join()

    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert not guard.at_rest
