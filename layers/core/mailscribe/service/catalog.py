"""The catalog: which sealed segments hold the documents of a kind, and the one way to change that.

Rows of segments and a `head` lie in one partition for each kind and generation. Every change is ONE transaction: head
from version v to v + 1 on condition, the new row, the inputs marked as retired. Whoever read the catalog at v
and is not the first to commit has lost, and throws its file away. So what was true of the catalog when work began is
true when it is committed. Retired segments stay readable for an hour, then their rows and objects go.

A partition may not be read in one piece, so a snapshot is good only when the head is the same before and after.
Which generation answers is a row of its own; whoever takes something for sealed checks that row as well.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from mailscribe.errors import ConditionFailed, StoreUnavailable
from mailscribe.records import Generations, Kind, SegmentRow
from mailscribe.service.scan import pages
from mailscribe.store.items import pack, unpack
from mailscribe.store.keys import RecordKeys
from mailscribe.store.ports import Absent, Check, Condition, Delete, Equals, Item, Put, Records, Write

ATTEMPTS: Final = 20
"""Readings of a partition while others commit to it."""
MAX_INPUTS: Final = 50
"""Segments that one commit may retire: a transaction holds a hundred writes."""


@dataclass(frozen=True, slots=True)
class Reigning:
    """The generations in force, and the condition under which they still are."""

    generations: Generations
    condition: Condition

    @property
    def check(self) -> Check:
        """Fails a transaction when the generations have changed since."""
        return Check(RecordKeys.GENERATIONS, self.condition)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The catalog of a kind and generation at a version (0: nothing was ever committed)."""

    kind: Kind
    generation: int
    version: int = 0
    live: tuple[SegmentRow, ...] = ()
    retired: tuple[SegmentRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a commit does: at most one new segment, some that it replaces; `extra` goes into the same transaction."""

    added: SegmentRow | None = None
    retired: Sequence[SegmentRow] = ()
    extra: Sequence[Write] = ()


class Catalog:
    """Reads and changes catalogs. Safe to share between threads."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known: dict[tuple[Kind, int], Snapshot] = {}
        self._generation = 0
        self._lock = threading.Lock()

    def reigning(self) -> Reigning:
        """The generations in force now. Raises `StoreUnavailable`."""
        return _reigning(self._records.get_many([RecordKeys.GENERATIONS]))

    def change_generations(self, seen: Reigning, generations: Generations, *extra: Write) -> None:
        """Replace the generations, unless they changed since they were seen: `ConditionFailed`."""
        version = seen.condition.version + 1 if isinstance(seen.condition, Equals) else 1
        self._records.transact(
            [Put(pack(RecordKeys.GENERATIONS, generations, version=version), seen.condition), *extra]
        )

    def current(self, kind: Kind) -> Snapshot:
        """What answers now: one small read when nothing was committed since the last call."""
        generation = self._generation
        found = self._records.get_many([RecordKeys.GENERATIONS, RecordKeys.head(kind, generation)])
        reigning = _reigning([item for item in found if item.key == RecordKeys.GENERATIONS]).generations.current
        if reigning != generation:
            self._generation = reigning
            return self.snapshot(kind, reigning)
        version = max((item.version for item in found if item.sk == "head"), default=0)
        with self._lock:
            known = self._known.get((kind, generation), Snapshot(kind, generation))
        return known if known.version == version else self.snapshot(kind, generation)

    def snapshot(self, kind: Kind, generation: int) -> Snapshot:
        """The catalog as it is now, read anew. Raises `StoreUnavailable`."""
        head = self._head(kind, generation)
        for _ in range(ATTEMPTS):
            items = [item for page in pages(self._records, RecordKeys.segments(kind, generation)) for item in page]
            version = self._head(kind, generation)
            if version == head:
                found = _snapshot(kind, generation, version, items)
                with self._lock:
                    self._known[kind, generation] = found
                return found
            head = version
        raise StoreUnavailable(f"catalog of {kind}s: {ATTEMPTS} times something else was committed")

    def commit(self, seen: Snapshot, change: Change, *, now_ms: int) -> bool:
        """Make the change, unless something was committed since the snapshot: then False and nothing is written.

        Raises `ConditionFailed` when a condition of `extra` does not hold, `StoreUnavailable`: it may be committed.
        """
        kind, generation = seen.kind, seen.generation
        head = RecordKeys.head(kind, generation)
        condition: Condition = Equals(seen.version) if seen.version else Absent()
        writes: list[Write] = [Put(Item(*head, b"", version=seen.version + 1), condition)]
        if change.added is not None:
            writes.append(Put(_row(kind, generation, change.added), Absent()))
        writes += [Put(_row(kind, generation, structs.replace(row, retired_ms=now_ms)), None) for row in change.retired]
        try:
            self._records.transact([*writes, *change.extra])
        except ConditionFailed as error:
            if 0 in error.failed:
                return False
            raise
        return True

    def forget(self, seen: Snapshot, rows: Sequence[SegmentRow]) -> None:
        """Remove the rows of retired segments, whose objects are gone."""
        for start in range(0, len(rows), MAX_INPUTS):
            chosen = rows[start : start + MAX_INPUTS]
            self._records.transact([Delete(RecordKeys.segment(seen.kind, seen.generation, row.id)) for row in chosen])

    def _head(self, kind: Kind, generation: int) -> int:
        found = self._records.get_many([RecordKeys.head(kind, generation)])
        return found[0].version if found else 0


def _reigning(found: Sequence[Item]) -> Reigning:
    if not found:
        return Reigning(Generations(), Absent())
    return Reigning(unpack(found[0], Generations), Equals(found[0].version))


def _snapshot(kind: Kind, generation: int, version: int, items: Sequence[Item]) -> Snapshot:
    rows = [unpack(item, SegmentRow) for item in items if item.sk != "head"]
    live = sorted((row for row in rows if row.retired_ms is None), key=lambda row: (row.last, row.id), reverse=True)
    retired = tuple(row for row in rows if row.retired_ms is not None)
    return Snapshot(kind, generation, version, tuple(live), retired)


def _row(kind: Kind, generation: int, row: SegmentRow) -> Item:
    return pack(RecordKeys.segment(kind, generation, row.id), row)
