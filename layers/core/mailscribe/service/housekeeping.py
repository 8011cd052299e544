"""What goes in time: expired segments, retired ones, objects that nothing names, tombstones that nothing needs.

A tombstone lives for at least 7 days, which no seal, merge or redelivery in flight lasts, and as long as a segment, the
tail or the object itself may hold the id; a segment that holds one so old is written again without it. Objects
of the index that no catalog names are those of commits that were lost or of generations that are over: they go when
they are older than a day. Everything here may be done twice, by several at once, or be cut short.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from mailscribe.errors import ObjectNotFound
from mailscribe.ids import ulid_ms
from mailscribe.records import Kind, SegmentRow
from mailscribe.service.catalog import Catalog, Change, Snapshot
from mailscribe.service.merging import Merger, Shape
from mailscribe.service.scan import pages
from mailscribe.service.search.question import KINDS
from mailscribe.service.segments import Segments
from mailscribe.settings import Settings
from mailscribe.store.keys import INDEX, RecordKeys, message_key, session_key
from mailscribe.store.ports import TRANSACTION_LIMIT, Delete, ObjectInfo, Objects, Records
from mailscribe.store.segment import Meter

HOUR_MS: Final = 3_600_000
"""How long a retired segment stays readable."""
UNNAMED_MS: Final = 24 * HOUR_MS
TOMBSTONE_MS: Final = 7 * 24 * HOUR_MS
PURGED: Final = 1_000
"""Tombstones that one call looks at."""
REWRITTEN: Final = 5
"""Segments that one call of `purge` writes again."""


class Housekeeping:
    """Frees what is not needed any more."""

    def __init__(
        self,
        objects: Objects,
        records: Records,
        settings: Settings,
        *,
        clock_ms: Callable[[], int],
        new_id: Callable[[], str],
        shape: Shape | None = None,
    ) -> None:
        self._objects = objects
        self._records = records
        self._keys = RecordKeys(settings.shards)
        self._clock_ms = clock_ms
        self._catalog = Catalog(records)
        self._segments = Segments(objects)
        self._merger = Merger(objects, records, settings, clock_ms=clock_ms, new_id=new_id, shape=shape)

    def tidy(self) -> int:
        """Retire segments all of which has expired, and remove those that were retired an hour ago; how many went."""
        gone = 0
        for seen in self._snapshots():
            expired = [row for row in seen.live if row.last < self._merger.horizon]
            if expired:
                self._catalog.commit(seen, Change(retired=expired[:50]), now_ms=self._clock_ms())
            over = [row for row in seen.retired if (row.retired_ms or 0) + HOUR_MS <= self._clock_ms()]
            for row in over:
                self._objects.delete(row.key)
            self._catalog.forget(seen, over)
            gone += len(over)
        return gone

    def sweep(self) -> int:
        """Remove objects of the index that no catalog names and that are older than a day; how many."""
        aged = [info for info in self._listed(INDEX) if info.modified_ms + UNNAMED_MS <= self._clock_ms()]
        named = {row.key for seen in self._snapshots() for row in (*seen.live, *seen.retired)}
        unnamed = [info.key for info in aged if info.key not in named]
        for key in unnamed:
            self._objects.delete(key)
        self._forget_generations()
        return len(unnamed)

    def purge(self) -> int:
        """Remove tombstones that nothing needs any more; how many."""
        before = self._clock_ms() - TOMBSTONE_MS
        graves = self._merger.graves()
        old = sorted(ulid for ulid, commit in graves.items() if ulid_ms(commit) <= before)[:PURGED]
        held: set[str] = set()
        rewritten = 0
        for seen in self._snapshots():
            for row in seen.live:
                holds = self._held(row, old)
                held |= holds
                if holds and rewritten < REWRITTEN:
                    rewritten += self._merger.rewrite(self._catalog.snapshot(seen.kind, seen.generation), [row])
        return sum(self._forget(ulid) for ulid in old if ulid not in held)

    def _forget_generations(self) -> None:
        """Remove the rows of generations that are over; their objects are then named by nothing."""
        generations = self._catalog.reigning().generations
        for number in range(max(generations.current, generations.last) + 1):
            if number in generations.all:
                continue
            for kind in KINDS:
                for items in pages(self._records, RecordKeys.segments(kind, number)):
                    for start in range(0, len(items), TRANSACTION_LIMIT):
                        self._records.transact([Delete(item.key) for item in items[start : start + TRANSACTION_LIMIT]])

    def _snapshots(self) -> Iterator[Snapshot]:
        for generation in self._catalog.reigning().generations.all:
            for kind in KINDS:
                yield self._catalog.snapshot(kind, generation)

    def _held(self, row: SegmentRow, ids: Sequence[str]) -> set[str]:
        asked = [ulid for ulid in ids if row.first <= ulid <= row.last]
        return set(self._segments.open(row, Meter()).commits(asked)) if asked else set()

    def _forget(self, ulid: str) -> bool:
        kinds: Iterable[Kind] = KINDS
        if self._records.get_many([self._keys.tail(kind, ulid) for kind in kinds]):
            return False
        if any(self._is_there(key) for key in (message_key(ulid), session_key(ulid))):
            return False
        self._records.transact([Delete(self._keys.tombstone(ulid)), Delete(self._keys.grave(ulid))])
        return True

    def _is_there(self, key: str) -> bool:
        try:
            self._objects.head(key)
        except ObjectNotFound:
            return False
        return True

    def _listed(self, prefix: str) -> Iterator[ObjectInfo]:
        after = ""
        while found := self._objects.list(prefix, after=after):
            yield from found
            after = found[-1].key
