"""How many sessions without a message one client may have stored a minute; the rest are counted in one record.

Probes are worth knowing of, a flood of them is not worth a record each. A session with a message is never counted here.
Clients are remembered for their minute, and no more than `CLIENTS` of them: beyond that the one that was seen longest
ago has its record written early.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

CLIENTS: Final = 10_000
MINUTE: Final = 60.0


@dataclass(slots=True)
class Suppressed:
    """One session of a client, or several that were not kept: facts of the first, and what came of any."""

    session_id: str
    ip: str
    port: int
    listener: str
    opened: datetime
    first: datetime
    last: datetime
    sessions: int = 1
    outcomes: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Minute:
    begun: float
    stored: int = 0
    rest: Suppressed | None = None


class Quota:
    """Counts; knows no store and no clock."""

    def __init__(self, most: int) -> None:
        """`most` a minute; 0: all are stored."""
        self._most = most
        self._minutes: OrderedDict[str, _Minute] = OrderedDict()
        self._due: list[Suppressed] = []

    @property
    def waits(self) -> bool:
        """Whether something will have to be written."""
        return bool(self._due) or any(minute.rest for minute in self._minutes.values())

    def keeps(self, found: Suppressed, now: float) -> bool:
        """Whether a session that ends now is stored; if not, it is counted."""
        if not self._most:
            return True
        minute = self._minutes.get(found.ip)
        if minute is None or now - minute.begun >= MINUTE:
            self._end(found.ip)
            minute = self._minutes[found.ip] = _Minute(now)
            self._forget(now)
        if minute.stored < self._most:
            minute.stored += 1
            return True
        if minute.rest is None:
            minute.rest = found
        else:
            minute.rest.sessions += found.sessions
            minute.rest.last = found.last
            minute.rest.outcomes |= found.outcomes
        return False

    def due(self, now: float) -> list[Suppressed]:
        """What is to be written now: the rest of minutes that are over."""
        self._forget(now)
        due, self._due = self._due, []
        return due

    def all(self) -> list[Suppressed]:
        """What is to be written at the end."""
        for ip in list(self._minutes):
            self._end(ip)
        due, self._due = self._due, []
        return due

    def _forget(self, now: float) -> None:
        while self._minutes:
            ip, minute = next(iter(self._minutes.items()))
            if now - minute.begun < MINUTE and len(self._minutes) <= CLIENTS:
                return
            self._end(ip)

    def _end(self, ip: str) -> None:
        minute = self._minutes.pop(ip, None)
        if minute is not None and minute.rest is not None:
            self._due.append(minute.rest)
