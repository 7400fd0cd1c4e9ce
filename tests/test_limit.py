"""The limit: places that are taken, waited for and given back."""

from __future__ import annotations

import threading

from fcall._limit import Limit, Place


class Woken:
    """Counts how often it is called."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def _place(most: int = 1) -> tuple[Place, Woken]:
    place, woken = Place(most), Woken()
    place.wake = woken
    return place, woken


def test_places_are_taken_until_there_are_no_more() -> None:
    """As many calls go at once as the place puts up with, and no more."""
    limit = Limit()
    places = [Place(2) for _ in range(3)]

    assert [True, True, False] == [limit.take(place) for place in places]
    assert [True, True, False] == [place.taken for place in places]


def test_a_place_that_is_given_back_is_free() -> None:
    """The next call takes it, and giving it back twice gives back one."""
    limit = Limit()
    first, second = Place(1), Place(1)
    limit.take(first)
    limit.leave(first)
    limit.leave(first)
    assert not first.taken
    assert limit.at_rest

    assert limit.take(second)
    assert not limit.take(Place(1))


def test_who_waits_is_woken_in_order() -> None:
    """First come, first served, each woken once, when the place is its own."""
    limit, holder = Limit(), Place(1)
    limit.take(holder)
    waiting = [_place() for _ in range(3)]
    assert [False] * 3 == [limit.queue(place) for place, _ in waiting]
    limit.leave(holder)
    assert [True, False, False] == [place.taken for place, _ in waiting]
    limit.leave(waiting[0][0])

    assert [False, True, False] == [place.taken for place, _ in waiting]
    assert [1, 1, 0] == [woken.times for _, woken in waiting]


def test_a_free_place_is_not_waited_for() -> None:
    """Joining the queue takes the place at once where there is one, and then nobody is woken."""
    limit, (place, woken) = Limit(), _place()

    assert limit.queue(place)
    assert (True, 0) == (place.taken, woken.times)


def test_who_leaves_the_queue_is_passed_over() -> None:
    """A call that waits no more gets no place."""
    limit, holder = Limit(), Place(1)
    limit.take(holder)
    (gone, woken), (next_one, _) = _place(), _place()
    limit.queue(gone)
    limit.queue(next_one)
    limit.leave(gone)
    limit.leave(holder)

    assert [False, True, 0] == [gone.taken, next_one.taken, woken.times]


def test_the_place_of_one_who_left_as_it_came_goes_on() -> None:
    """A place that is handed over to a call which has just given up is given back like any other."""
    limit, holder = Limit(), Place(1)
    limit.take(holder)
    (first, _), (second, _) = _place(), _place()
    limit.queue(first)
    limit.queue(second)
    limit.leave(holder)
    limit.leave(first)

    assert second.taken
    limit.leave(second)
    assert limit.at_rest


def test_a_waiter_whose_event_loop_is_closed_is_passed_over() -> None:
    """Where nobody can be woken any more, the place goes to the next one and is not lost."""
    limit, holder, orphan = Limit(), Place(1), Place(1)

    def gone() -> None:
        raise RuntimeError("Event loop is closed")

    orphan.wake = gone
    limit.take(holder)
    limit.queue(orphan)
    next_one, woken = _place()
    limit.queue(next_one)
    limit.leave(holder)

    assert [False, True, 1] == [orphan.taken, next_one.taken, woken.times]
    limit.leave(orphan)
    assert not limit.take(Place(1))


def test_each_place_has_its_own_idea_of_how_many_are_too_many() -> None:
    """Two services with different limits share a target: one that puts up with more goes past one that does not."""
    limit = Limit()
    holders = [Place(3) for _ in range(3)]
    for holder in holders:
        limit.take(holder)
    (few, _), (many, _) = _place(1), _place(3)
    limit.queue(few)
    limit.queue(many)
    limit.leave(holders[0])
    assert [False, True] == [few.taken, many.taken]
    for place in (holders[1], many):
        limit.leave(place)
    assert not few.taken
    limit.leave(holders[2])

    assert few.taken


def test_a_place_from_before_a_fork_does_not_count() -> None:
    """A forked child begins with nothing under way; a call that goes on in it gives back a place that is not there."""
    limit, old = Limit(), Place(1)
    old.taken = True
    limit.leave(old)

    assert limit.at_rest
    assert limit.take(Place(1))
    assert not limit.take(Place(1))


def test_waiting_is_not_rest() -> None:
    """It is at rest where no call is under way and none waits."""
    limit, holder = Limit(), Place(1)
    states = [limit.at_rest]
    limit.take(holder)
    states.append(limit.at_rest)
    waiting, _ = _place()
    limit.queue(waiting)
    limit.leave(holder)
    states.append(limit.at_rest)
    limit.leave(waiting)

    assert [True, False, False, True] == [*states, limit.at_rest]


def test_threads_are_never_too_many() -> None:
    """With eight threads and three places, three run at once at most, and every one has its turn."""
    limit, start = Limit(), threading.Barrier(8)
    lock, under_way, most, turns = threading.Lock(), 0, 0, 0

    def run() -> None:
        nonlocal under_way, most, turns
        start.wait(10)
        for _ in range(50):
            place, gate = Place(3), threading.Semaphore(0)
            place.wake = gate.release
            if not limit.queue(place):
                assert gate.acquire(timeout=10)
            with lock:
                under_way += 1
                most = max(most, under_way)
                turns += 1
            with lock:
                under_way -= 1
            limit.leave(place)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (400, True) == (turns, limit.at_rest)
    assert most <= 3
