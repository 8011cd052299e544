"""Many alarms, one timer: none rings early, none is forgotten, those taken back are silent."""

import asyncio
from itertools import pairwise

from mailscribe_smtp.alarms import TICK, Alarms


class Sleeper:
    """Notes when it is woken."""

    def __init__(self, woken: list["Sleeper"]) -> None:
        self.woken = woken
        self.at = 0.0
        self.event = asyncio.Event()

    def ring(self) -> None:
        self.at = asyncio.get_running_loop().time()
        self.woken.append(self)
        self.event.set()


async def test_they_ring_in_order_and_not_early() -> None:
    alarms = Alarms(asyncio.get_running_loop())
    woken: list[Sleeper] = []
    sleepers = [Sleeper(woken) for _ in range(4)]
    began = asyncio.get_running_loop().time()
    for number in (3, 0, 2, 1):
        alarms.add(alarms.tick_in(number * TICK), sleepers[number])
    await sleepers[3].event.wait()
    assert woken == sleepers
    assert all(early.at < late.at for early, late in pairwise(woken))
    assert all(sleeper.at >= began + number * TICK - TICK / 10 for number, sleeper in enumerate(sleepers))
    alarms.stop()


async def test_one_that_was_taken_back_is_silent() -> None:
    alarms = Alarms(asyncio.get_running_loop())
    woken: list[Sleeper] = []
    silent, other = Sleeper(woken), Sleeper(woken)
    tick = alarms.tick_in(0)
    alarms.add(tick, silent)
    alarms.add(tick + 1, other)
    alarms.remove(tick, silent)
    alarms.remove(tick, silent)
    alarms.remove(tick + 7, silent)
    await other.event.wait()
    assert woken == [other]
    alarms.stop()
    alarms.stop()


async def test_one_that_sets_another_while_it_rings_is_rung_again() -> None:
    alarms = Alarms(asyncio.get_running_loop())
    woken: list[Sleeper] = []
    last = Sleeper(woken)

    class Again(Sleeper):
        def ring(self) -> None:
            super().ring()
            alarms.add(alarms.tick_in(0), last)

    alarms.add(alarms.tick_in(0), Again(woken))
    await last.event.wait()
    assert len(woken) == 2
    alarms.stop()


async def test_stopped_alarms_ring_nobody() -> None:
    alarms = Alarms(asyncio.get_running_loop())
    alarms.add(alarms.tick_in(0), Sleeper([]))
    alarms.stop()
    assert alarms._timer is None
