"""A connection's deadline: one place among the alarms that all connections share."""

from mailscribe_smtp.alarms import NONE
from mailscribe_smtp.heralded import Heralded
from mailscribe_smtp.hub import Hub


class Alarmed(Heralded):
    """Is rung at its deadline."""

    __slots__ = ("_alarm", "_armed")

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._alarm = NONE
        self._armed = 0

    def ring(self) -> None:
        """The time that was asked for has come."""
        raise NotImplementedError

    def _ring_by(self, deadline: int, now: int) -> None:
        """See to it that the alarm rings no later than `deadline` (µs); it is not moved for a later one."""
        if self._alarm != NONE and self._armed <= deadline:
            return
        self._armed = deadline
        self._ring_in(max(0, deadline - now) / 1_000_000)

    def _ring_in(self, seconds: float) -> None:
        alarms = self._hub.alarms
        self._stop_alarm()
        self._alarm = alarms.tick_in(seconds)
        alarms.add(self._alarm, self)

    def _stop_alarm(self) -> None:
        if self._alarm != NONE:
            self._hub.alarms.remove(self._alarm, self)
            self._alarm = NONE
