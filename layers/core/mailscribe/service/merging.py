"""Merging: ten segments of like size become one, so that a query never meets many.

Sizes go by tens of `base` documents; a segment that is half as large as one may become is left as it is. What is
removed, has expired or is superseded within the ten is left out. Neighbours in time are merged, oldest first, so that
segments hold separate stretches of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mailscribe.records import Kind, SegmentRow
from mailscribe.service.catalog import Catalog, Snapshot
from mailscribe.service.rows import horizon
from mailscribe.service.scan import pages
from mailscribe.service.seal import SegmentWriter
from mailscribe.service.segments import Segments
from mailscribe.settings import Settings
from mailscribe.store.keys import RecordKeys
from mailscribe.store.ports import Objects, Records
from mailscribe.store.segment import Extent, Segment, merge


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How many are merged at once, and how large a segment may become, in documents and bytes."""

    fan_out: int = 10
    base: int = 500
    documents: int = 50_000
    bytes: int = 120 << 20

    def tier(self, row: SegmentRow) -> int | None:
        """Which segments one is merged with; None: with none, it is large enough."""
        if 2 * row.documents > self.documents or 2 * row.size > self.bytes:
            return None
        tier, bound = 0, self.base
        while row.documents >= bound:
            tier, bound = tier + 1, bound * self.fan_out
        return tier

    def choose(self, rows: Sequence[SegmentRow]) -> list[SegmentRow]:
        """The segments to be merged next, none when there are too few of like size."""
        tiers: dict[int, list[SegmentRow]] = {}
        for row in sorted(rows, key=lambda row: (row.first, row.id)):
            tier = self.tier(row)
            if tier is not None:
                tiers.setdefault(tier, []).append(row)
        for _, alike in sorted(tiers.items()):
            if len(alike) >= self.fan_out:
                return self._fitting(alike[: self.fan_out])
        return []

    def _fitting(self, rows: Sequence[SegmentRow]) -> list[SegmentRow]:
        """As many of them as one segment may hold; two always do."""
        found: list[SegmentRow] = []
        for row in rows:
            together = [*found, row]
            if sum(each.documents for each in together) > self.documents:
                break
            if sum(each.size for each in together) > self.bytes:
                break
            found = together
        return found


class Merger:
    """Merges. Several may work at once, also while others seal."""

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
        self._records = records
        self._keys = RecordKeys(settings.shards)
        self._clock_ms = clock_ms
        self._retention_days = settings.retention_days
        self._shape = shape or Shape()
        self._catalog = Catalog(records)
        self._segments = Segments(objects)
        self._writer = SegmentWriter(objects, self._catalog, clock_ms=clock_ms, new_id=new_id)

    def merge(self, kind: Kind) -> int:
        """One merge in each generation that needs it; how many segments were replaced. Raises `StoreError`."""
        replaced = 0
        for generation in self._catalog.reigning().generations.all:
            seen = self._catalog.snapshot(kind, generation)
            chosen = self._shape.choose(seen.live)
            if chosen and self.rewrite(seen, chosen):
                replaced += len(chosen)
        return replaced

    def rewrite(self, seen: Snapshot, rows: Sequence[SegmentRow]) -> bool:
        """Put one segment in place of `rows`, without what is removed or has expired; False: another was faster."""
        gone, oldest = self.graves(), self.horizon

        def keep(ulid: str, commit: str) -> bool:
            del commit
            return ulid >= oldest and ulid not in gone

        def make(path: Path) -> Extent | None:
            with TemporaryDirectory(prefix="mailscribe-merge-") as folder:
                inputs = [Segment.of_file(self._segments.fetch(row, Path(folder))) for row in rows]
                try:
                    return merge(path, inputs, keep)
                finally:
                    for each in inputs:
                        each.close()

        return self._writer.write(seen, make, rewrites=_rewrites(seen, rows), retired=rows)

    def graves(self) -> dict[str, str]:
        """Ids that have a tombstone, and the commit sequence of each removal."""
        return {
            item.sk: item.data.decode()
            for partition in self._keys.graves()
            for page in pages(self._records, partition)
            for item in page
        }

    @property
    def horizon(self) -> str:
        """What has a lesser id has expired."""
        return horizon(self._clock_ms(), self._retention_days)


def _rewrites(seen: Snapshot, rows: Sequence[SegmentRow]) -> int:
    """How many documents of `rows` may have an older version in a segment that is not one of them."""
    merged = {row.id for row in rows}
    first, newest = min(row.first for row in rows), max(row.newest_commit for row in rows)
    last = max(row.last for row in rows)
    others = [row for row in seen.live if row.id not in merged and row.first <= last and row.last >= first]
    return sum(row.rewrites for row in rows) if any(row.oldest_commit < newest for row in others) else 0
