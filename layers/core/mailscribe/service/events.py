"""The event feed, read in commit order from any place in it, without a gap over any number of readings.

Where one thread commits everything, entries become readable in the order of their sequence, and the last one that
was read is place enough (`overlap_ms` 0). Elsewhere an entry may become readable after younger ones, for as long as
a transaction may take. A place then also says how many entries were seen in each of a few stretches before it, short
ones near it, long ones far from it. Entries are only ever added, so one that came late shows as a greater number, and
reading goes on from the beginning of its stretch: what is in there comes twice, under the same ids.
"""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from mailscribe.errors import CorruptObject, ObjectNotFound
from mailscribe.ids import GREATEST, LEAST, ULID, make_ulid, now_ms, ulid_ms
from mailscribe.records import Event
from mailscribe.service.scan import PAGE
from mailscribe.service.search import DAY_MS, HOUR_MS, OVERLAP_MS, after
from mailscribe.store.items import unpack
from mailscribe.store.keys import RecordKeys
from mailscribe.store.ports import Item, Objects, Records

AHEAD_MS: Final = 20_000
"""How far the clocks of those who commit may be ahead of the reader's."""
HOURS: Final = 500
"""Partitions of the past that one reading looks through."""
_LAST_MS: Final = ulid_ms(GREATEST)
_STRETCHES_MS: Final = (100, 400, 1600, 6400)
_POSITION: Final = re.compile(rf"({ULID.pattern})((?:~[0-9]{{1,9}}(?:\.[0-9]{{1,9}}){{0,9}})?)")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the feed: the commit sequence up to which it was read, and the entries seen in each stretch before.

    `seen` is None where nobody has read yet: whatever is readable before the place at the first reading is passed by.
    """

    last: str
    seen: tuple[int, ...] | None = ()

    @classmethod
    def from_text(cls, text: str) -> Self | None:
        """What `str` made, or an event's id; None for anything else."""
        found = _POSITION.fullmatch(text)
        if found is None:
            return None
        return cls(found[1], tuple(map(int, found[2][1:].split("."))) if found[2] else ())

    @classmethod
    def at(cls, milliseconds: int) -> Self:
        """The place before every entry of that time, in ms since 1970."""
        return cls(after(milliseconds), None)

    def __str__(self) -> str:
        return f"{self.last}~{'.'.join(map(str, self.seen))}" if self.seen and any(self.seen) else self.last


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries in commit order, the place behind them, and whether there is more to look through."""

    events: tuple[Event, ...]
    next: Position
    more: bool


class Feed:
    """Reads the feed. Keeps nothing; safe to share between threads."""

    def __init__(
        self,
        records: Records,
        objects: Objects,
        *,
        clock_ms: Callable[[], int] = now_ms,
        overlap_ms: int = OVERLAP_MS,
    ) -> None:
        """`overlap_ms` is 0 where entries become readable in their order."""
        self._records = records
        self._objects = objects
        self._clock_ms = clock_ms
        self._stretches = (*(each for each in _STRETCHES_MS if each < overlap_ms), overlap_ms) if overlap_ms else ()

    def read(self, position: Position, limit: int) -> Batch:
        """At most `limit` entries after a place. Raises `StoreUnavailable`."""
        window = self._window(position.last)
        start = self._start(position, window)
        items, scanned = self._forward(start, limit)
        last = scanned or max(position.last, start, *(item.sk for item in items))
        if len(items) == limit:
            last = items[-1].sk
        if last < position.last:  # it goes back over what was read: the stretches before are settled by now
            window = self._window(last)
        seen = self._count(last, {*window, *(item.sk for item in items)})
        return Batch(tuple(self._events(items)), Position(last, seen), scanned is not None or len(items) == limit)

    def _start(self, position: Position, window: Sequence[str]) -> str:
        """After which sequence to read: that of the place, or of the beginning of a stretch with late entries."""
        if position.seen is None:
            return position.last
        seen = position.seen if len(position.seen) == len(self._stretches) else (0,) * len(self._stretches)
        counted = self._count(position.last, window)
        late = [stretch for stretch, now, then in zip(self._stretches, counted, seen, strict=True) if now > then]
        return after(ulid_ms(position.last) - late[-1]) if late else position.last

    def _count(self, last: str, commits: Iterable[str]) -> tuple[int, ...]:
        """How many of `commits` lie in each stretch before `last` and no shorter one, `last` itself in the first."""
        counts, end = [0] * len(self._stretches), ulid_ms(last)
        for commit in commits:
            if commit <= last:
                age = end - ulid_ms(commit)
                index = next((index for index, stretch in enumerate(self._stretches) if age <= stretch), None)
                if index is not None:
                    counts[index] += 1
        return tuple(counts)

    def _window(self, last: str) -> list[str]:
        """The sequences that are readable in the stretches before `last`, itself included."""
        if not self._stretches:
            return []
        start = max(0, ulid_ms(last) - self._stretches[-1])
        return [
            item.sk
            for hour in _hours(start, ulid_ms(last))
            for item in self._all(hour, start=make_ulid(start, 0), end=last + "\0")
        ]

    def _all(self, hour: int, start: str, end: str) -> list[Item]:
        found: list[Item] = []
        while page := self._records.query(_partition(hour), start=start, end=end, limit=PAGE):
            found += page
            if len(page) < PAGE:
                break
            start = page[-1].sk + "\0"
        return found

    def _forward(self, start: str, limit: int) -> tuple[list[Item], str | None]:
        """At most `limit` items after `start`; and how far that is if not all hours could be looked through.

        Hours in which entries may still come are read newest first: what is then found in an older one became
        readable before what was found in the younger one, or after all of it.
        """
        now, begin = self._clock_ms(), ulid_ms(start)
        hours = _hours(begin, min(max(now, begin) + AHEAD_MS, _LAST_MS))
        past = [hour for hour in hours if hour < now - now % HOUR_MS - HOUR_MS]
        found: list[Item] = []
        for hour in past[:HOURS]:
            found += self._records.query(_partition(hour), start=start + "\0", limit=limit - len(found))
            if len(found) == limit:
                return found, None
        if len(past) > HOURS:
            return found, after(past[HOURS])
        present = [
            self._records.query(_partition(hour), start=start + "\0", limit=limit)
            for hour in reversed(hours[len(past) :])
        ]
        found += [item for items in reversed(present) for item in items]
        return found[:limit], None

    def _events(self, items: Sequence[Item]) -> Iterable[Event]:
        for item in items:
            try:
                yield unpack(item, Event, self._objects)
            except ObjectNotFound:
                continue  # what it spoke of is gone
            except CorruptObject:
                _log.exception("feed entry %s cannot be read and is passed over", item.key)


def furthest_commit(records: Records, now_ms: int) -> str:
    """The greatest commit sequence of this hour and a day ahead; who alone commits goes on after it.

    When the clock was set back between two runs, the second would otherwise write behind those who read.
    """
    for hour in reversed(_hours(now_ms, now_ms + DAY_MS)):
        for item in records.query(_partition(hour), reverse=True, limit=1):
            return item.sk
    return LEAST


def _hours(first_ms: int, last_ms: int) -> list[int]:
    """The hours from one moment to another, each by its beginning."""
    return list(range(first_ms - first_ms % HOUR_MS, last_ms + 1, HOUR_MS))


def _partition(hour_ms: int) -> str:
    return RecordKeys.event(make_ulid(hour_ms, 0)).pk
