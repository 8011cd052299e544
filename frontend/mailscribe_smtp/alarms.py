"""Deadlines of many connections by one timer: an alarm rings no earlier than asked and at most a tick later.

A timer of its own costs each idle connection more than half a kilobyte; a place in a set costs some bytes.
"""

import asyncio
from typing import Final, Protocol

TICK: Final = 0.25
"""Seconds between two rings."""

NONE: Final = -1


class Ringable(Protocol):
    """What is woken."""

    def ring(self) -> None:
        """The time that was asked for has come."""
        ...


class Alarms:
    """Belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: dict[int, set[Ringable]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._armed = NONE

    def tick_in(self, seconds: float) -> int:
        """The first tick that lies `seconds` or more from now."""
        return int((self._loop.time() + seconds) / TICK) + 1

    def add(self, tick: int, who: Ringable) -> None:
        """Ring `who` at `tick`."""
        self._due.setdefault(tick, set()).add(who)
        if self._timer is None or tick < self._armed:
            self._arm(tick)

    def remove(self, tick: int, who: Ringable) -> None:
        """Do not ring, if it is not too late."""
        waiting = self._due.get(tick)
        if waiting is None:
            return
        waiting.discard(who)
        if not waiting:
            del self._due[tick]

    def stop(self) -> None:
        """Ring nobody any more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, tick: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = tick
        self._timer = self._loop.call_at(tick * TICK, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = self._loop.time()
        for tick in sorted(tick for tick in self._due if tick * TICK <= now + TICK / 10):
            for who in self._due.pop(tick, ()):
                who.ring()
        if self._due and self._timer is None:
            self._arm(min(self._due))
