"""A connection's deadline: one place among the alarms that all connections share."""

from mailscribe_smtp.alarms import NONE
from mailscribe_smtp.heralded import Heralded
from mailscribe_smtp.hub import Hub


class Alarmed(Heralded):
    """Is rung at its deadline."""

    __slots__ = ("_alarm",)

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._alarm = NONE

    def ring(self) -> None:
        """The time that was asked for has come."""
        raise NotImplementedError

    def _ring_in(self, seconds: float) -> None:
        alarms = self._hub.alarms
        self._stop_alarm()
        self._alarm = alarms.tick_in(seconds)
        alarms.add(self._alarm, self)

    def _stop_alarm(self) -> None:
        if self._alarm != NONE:
            self._hub.alarms.remove(self._alarm, self)
            self._alarm = NONE
