"""Slots for waits: never more than there are, given back by leaving or by time."""

import threading
from contextlib import ExitStack

import pytest

from mailscribe.errors import ConditionFailed
from mailscribe.service.slots import GRACE, PARTITION, Slots, TooManyWaits
from mailscribe.store.ports import Absent, Item, Key, Put
from support.api import Clock
from support.stores import MemoryRecords


class Place:
    """Records with a clock, and slots over them as two instances of a function have them."""

    def __init__(self, count: int = 3) -> None:
        self.clock = Clock(1_700_000_000_000)
        self.records = MemoryRecords(self.clock)
        self.one = Slots(self.records, count, clock_ms=self.clock)
        self.other = Slots(self.records, count, clock_ms=self.clock)

    def taken(self) -> int:
        return len(self.records.query(PARTITION))


def test_there_are_as_many_as_there_are_over_all_instances() -> None:
    place = Place(3)
    with ExitStack() as held:
        held.enter_context(place.one.hold(25))
        held.enter_context(place.other.hold(25))
        held.enter_context(place.one.hold(25))
        with pytest.raises(TooManyWaits), place.other.hold(25):
            pass
    assert place.taken() == 0
    with place.other.hold(25):
        assert place.taken() == 1


def test_a_slot_is_given_back_when_the_wait_fails() -> None:
    place = Place()
    with pytest.raises(KeyError), place.one.hold(25):
        raise KeyError
    assert place.taken() == 0


@pytest.mark.parametrize(("later", "taken"), [(25 + GRACE - 1, 1), (25 + GRACE, 0)])
def test_the_slot_of_an_instance_that_died_comes_back_by_time(later: int, taken: int) -> None:
    place = Place(1)
    place.one._take(25)
    place.clock.ms += later * 1000
    assert place.taken() == taken
    if not taken:
        with place.other.hold(25):
            assert place.taken() == 1


def test_a_slot_that_is_another_s_by_now_is_not_given_back() -> None:
    place = Place(1)
    with ExitStack() as held:
        with place.one.hold(25):
            place.clock.ms += (25 + GRACE) * 1000
            held.enter_context(place.other.hold(25))
        assert place.taken() == 1


def test_two_that_want_the_same_slot_get_two() -> None:
    place = Place(2)
    stolen = iter((True, False, False))

    def below(limit: int) -> int:
        if limit == 2 and next(stolen):
            place.records.transact([Put(Item(*Key(PARTITION, "00000"), b"-"), Absent())])
        return 0

    slots = Slots(place.records, 2, clock_ms=place.clock, below=below)
    with slots.hold(25):
        assert place.taken() == 2


def test_whoever_loses_every_race_is_refused() -> None:
    place = Place(2)

    class Losing(MemoryRecords):
        def transact(self, writes: object) -> None:
            raise ConditionFailed((0,))

    with pytest.raises(TooManyWaits), Slots(Losing(place.clock), 2, clock_ms=place.clock).hold(1):
        pass


def test_many_threads_never_hold_more_than_there_are() -> None:
    place = Place(4)
    held, most, refused = 0, 0, 0
    lock, barrier = threading.Lock(), threading.Barrier(16)

    def work() -> None:
        nonlocal held, most, refused
        barrier.wait()
        for _ in range(20):
            try:
                with place.one.hold(25):
                    with lock:
                        held += 1
                        most = max(most, held)
                    with lock:
                        held -= 1
            except TooManyWaits:
                with lock:
                    refused += 1

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most <= 4
    assert place.taken() == 0
