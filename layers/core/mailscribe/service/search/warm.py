"""The tails in memory, always as new as the store, and the ids that were removed.

A tail per kind is loaded once from its partitions and then kept warm from the event feed: before every answer the
entries that became readable since the last look are taken in, in commit sequence. A commit's sequence is made just
before its transaction, so a later one may be seen first; the last 20 seconds (in quiet times the last hour) are
therefore read again and doubles dropped. Nothing is passed over that came since the last look, however long ago.

Nobody says when a document was sealed, so what is warm may be sealed as well; that costs memory only, and a tail that
has become too long is loaded anew.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from mailscribe.errors import CorruptObject, ObjectNotFound
from mailscribe.ids import LEAST, ulid_ms
from mailscribe.records import Event, IndexDocument, Kind
from mailscribe.service.scan import pages
from mailscribe.service.search.question import KINDS, least
from mailscribe.store.items import unpack
from mailscribe.store.keys import RecordKeys
from mailscribe.store.ports import Item, Objects, Records
from mailscribe.store.tail import Tail

OVERLAP_MS: Final = 20_000
"""A transaction takes less than this from the making of its commit sequence to its end, with all its retries."""
QUIET_MS: Final = 3_600_000
"""How far back the feed is read again when nothing newer is there: late entries cost little then."""
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
MOST: Final = 5_000
"""Documents that are kept warm; with more, and twice as many as were loaded, the tails are loaded anew."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Warmth:
    """What was readable when it was asked for: the tails, and the ids that are removed, which a segment may hold."""

    tails: Mapping[Kind, Tail]
    graves: frozenset[str] | set[str]


class WarmTails:
    """Loads and follows. Safe to share between threads."""

    def __init__(
        self, records: Records, objects: Objects, keys: RecordKeys, *, clock_ms: Callable[[], int], overlap_ms: int
    ) -> None:
        self._records = records
        self._objects = objects
        self._keys = keys
        self._clock_ms = clock_ms
        self._overlap_ms = overlap_ms
        self._lock = threading.Lock()
        self._begun = 0
        self._warm: _Warm | None = None

    def now(self) -> Warmth:
        """All that was readable when this was called. Raises `StoreUnavailable`."""
        arrived = self._begun
        with self._lock:
            if self._warm is None or self._begun <= arrived:  # else another's look began after this call: it is enough
                self._begun += 1
                self._warm = self._refreshed(self._warm)
            return Warmth(self._warm.tails, self._warm.graves)

    def _refreshed(self, warm: "_Warm | None") -> "_Warm":
        if warm is None or warm.is_stale(self._clock_ms()):
            warm = self._load()
        self._follow(warm)
        return warm

    def _load(self) -> "_Warm":
        """Tails of what the partitions hold; what is committed meanwhile may be missed, and is in the feed."""
        warm = _Warm({kind: Tail(kind) for kind in KINDS}, loaded_ms=self._clock_ms())
        for partition in self._keys.graves():
            for items in pages(self._records, partition):
                warm.graves.update(item.sk for item in items)
        for kind, tail in warm.tails.items():
            for partition in self._keys.tails(kind):
                for items in pages(self._records, partition):
                    documents = self._documents(items)
                    tail.put(documents)
                    warm.met([document.commit for document in documents])
        warm.loaded = warm.documents
        return warm

    def _follow(self, warm: "_Warm") -> None:
        now = self._clock_ms()
        start = warm.start_ms(now, self._overlap_ms)
        fresh = [
            item
            for partition in _hours(start, warm.end_ms(now))
            for items in pages(self._records, partition, start=least(start))
            for item in items
            if item.sk not in warm.seen
        ]
        changed: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
        for item in fresh:
            self._take(item, warm, changed)
        for kind, ulids in changed.items():
            if ulids:
                self._reload(kind, warm.tails[kind], sorted(ulids))
        warm.saw([item.sk for item in fresh], least(start))
        warm.looked_ms = now

    def _take(self, item: Item, warm: "_Warm", changed: dict[Kind, set[str]]) -> None:
        try:
            event = unpack(item, Event, self._objects)
            ulid = msgspec.json.decode(event.detail, type=_Subject).id
        except ObjectNotFound:
            return  # what it spoke of is gone
        except (CorruptObject, msgspec.MsgspecError):
            _log.exception("feed entry %s cannot be read and is passed over", item.key)
            return
        changed["session" if event.type.startswith("session.") else "message"].add(ulid)
        if event.type.endswith(".removed"):
            warm.graves.add(ulid)

    def _reload(self, kind: Kind, tail: Tail, ulids: Sequence[str]) -> None:
        items = self._records.get_many([self._keys.tail(kind, ulid) for ulid in ulids])
        tail.put(self._documents(items))
        tail.remove(sorted(set(ulids) - {item.sk for item in items}))

    def _documents(self, items: Iterable[Item]) -> list[IndexDocument]:
        documents = []
        for item in items:
            try:
                documents.append(unpack(item, IndexDocument, self._objects))
            except ObjectNotFound:
                continue  # its delete is on its way, or it is sealed
            except CorruptObject:
                _log.exception("tail item %s cannot be read and is left out of search", item.key)
        return documents


class _Subject(msgspec.Struct):
    id: str


class _Warm:
    """The tails, and how far the feed was read.

    Only what was read from the feed moves the place from which it is read again: documents that were loaded say
    nothing of those that were committed just before them, behind the load's back.
    """

    def __init__(self, tails: dict[Kind, Tail], *, loaded_ms: int) -> None:
        self.tails = tails
        self.graves: set[str] = set()
        self.seen: set[str] = set()
        self.loaded = 0
        self.looked_ms = loaded_ms
        self._floor_ms = loaded_ms - OVERLAP_MS
        self._newest = LEAST
        self._furthest = LEAST

    @property
    def documents(self) -> int:
        """How many are warm."""
        return sum(map(len, self.tails.values()))

    def is_stale(self, now: int) -> bool:
        """Whether so many came since the load, or the last look was so long ago, that it is worth another load."""
        documents = self.documents
        return (documents > MOST and documents > 2 * self.loaded) or now - self.looked_ms > DAY_MS

    def start_ms(self, now: int, overlap_ms: int) -> int:
        """From where the feed must be read again: see the module's rule."""
        floor = min(self._floor_ms, now - OVERLAP_MS)
        if self._newest == LEAST:
            return max(0, floor)
        start = max(floor, min(ulid_ms(self._newest), now) - overlap_ms, now - QUIET_MS)
        return max(0, min(start, self.looked_ms - overlap_ms))

    def end_ms(self, now: int) -> int:
        """Up to where: sequences go on from the furthest when the clock steps back; a day ahead is no clock's."""
        return max(now, min(ulid_ms(self._furthest), now + DAY_MS)) + OVERLAP_MS

    def saw(self, commits: Sequence[str], start: str) -> None:
        """Note the commits that the feed named, and forget those that will not be read again."""
        self.seen = {commit for commit in self.seen if commit >= start} | set(commits)
        self._newest = max(self._newest, *commits, LEAST)
        self.met(commits)

    def met(self, commits: Sequence[str]) -> None:
        """Note how far the sequence has come."""
        self._furthest = max(self._furthest, *commits, LEAST)


def _hours(first_ms: int, last_ms: int) -> list[str]:
    last = last_ms // HOUR_MS * HOUR_MS
    hours = range(first_ms // HOUR_MS * HOUR_MS, last + 1, HOUR_MS)
    return [RecordKeys.event(least(hour)).pk for hour in hours]
