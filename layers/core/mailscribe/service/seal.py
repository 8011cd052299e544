"""Sealing: documents leave the tail for a segment, none is missing or doubled on the way, whoever is killed when.

The order is all: first the catalog is read, then the tail; the file is put; the catalog is committed, which fails if
anybody committed since it was read; only then the tail's items go, each only if it is still what was sealed, and none
if the generations changed meanwhile. So a document is in the tail until a catalog has it in every generation. What a
killed seal left in the tail the next one finds sealed already, and removes.

A document may be written again at any time; then its item is another, stays, and is sealed once more with a greater
commit sequence. Sessions that are open grow with every message; they stay in the tail until they are closed.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailscribe.errors import ConditionFailed, CorruptObject, ObjectNotFound
from mailscribe.query.tags import tag
from mailscribe.records import IndexDocument, Kind, SegmentRow
from mailscribe.service.catalog import Catalog, Change, Reigning, Snapshot
from mailscribe.service.segments import CHUNK_BYTES, Segments
from mailscribe.settings import Settings
from mailscribe.store.items import derived_of, unpack
from mailscribe.store.keys import RecordKeys, segment_key
from mailscribe.store.ports import TRANSACTION_LIMIT, Delete, Equals, Item, Objects, Records, Write
from mailscribe.store.segment import Extent, Meter, build, packed

OPEN: Final = tag("is", "open")
MAX_DOCUMENTS: Final = 5_000
"""Documents that one seal takes."""
MAX_BYTES: Final = 64 << 20
"""Text that one seal takes, in characters."""
PAGE: Final = 200

type Rollup = Callable[[Kind, Sequence[IndexDocument]], Sequence[Write]]
"""Writes that go with the commit of newly sealed documents of the current generation."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document of the tail, and the item that holds it."""

    item: Item
    document: IndexDocument


class SegmentWriter:
    """Makes segments: a file, an object, a commit; the object goes when the commit is lost."""

    def __init__(
        self, objects: Objects, catalog: Catalog, *, clock_ms: Callable[[], int], new_id: Callable[[], str]
    ) -> None:
        self._objects = objects
        self._catalog = catalog
        self._clock_ms = clock_ms
        self._new_id = new_id

    def write(
        self,
        seen: Snapshot,
        make: Callable[[Path], Extent | None],
        *,
        rewrites: int = 0,
        retired: Sequence[SegmentRow] = (),
        extra: Sequence[Write] = (),
    ) -> bool:
        """Commit what `make` writes into a file (None: nothing is left), in place of `retired`; False: it was lost.

        What takes the place of others depends on them alone: it is not lost as long as they are all there.
        """
        now = self._clock_ms()
        with tempfile.TemporaryDirectory(prefix="mailscribe-seal-") as folder:
            path = Path(folder) / "segment.sqlite"
            extent = make(path)
            row = None if extent is None else self._put(seen, path, extent, rewrites, now)
        change = Change(added=row, retired=retired, extra=extra)
        while not self._catalog.commit(seen, change, now_ms=now):
            seen = self._catalog.snapshot(seen.kind, seen.generation)
            live = {each.id for each in seen.live}
            if not retired or any(each.id not in live for each in retired):
                if row is not None:
                    self._objects.delete(row.key)
                return False
        return True

    def _put(self, seen: Snapshot, path: Path, extent: Extent, rewrites: int, now: int) -> SegmentRow:
        ulid = self._new_id()
        info = self._objects.put(
            segment_key(seen.kind, seen.generation, ulid), _chunks(path), content_type="application/vnd.sqlite3"
        )
        return SegmentRow(
            id=ulid,
            key=info.key,
            size=info.size,
            documents=extent.documents,
            first=extent.first,
            last=extent.last,
            oldest_commit=extent.oldest_commit,
            newest_commit=extent.newest_commit,
            made_ms=now,
            rewrites=rewrites,
        )


class Sealer:
    """Packs the tail. Several may work at once: of two that would seal the same, one loses and changes nothing."""

    def __init__(
        self,
        objects: Objects,
        records: Records,
        settings: Settings,
        *,
        clock_ms: Callable[[], int],
        new_id: Callable[[], str],
        rollup: Rollup = lambda kind, documents: (),  # noqa: ARG005 - nothing is rolled up
    ) -> None:
        self._objects = objects
        self._records = records
        self._keys = RecordKeys(settings.shards)
        self._rollup = rollup
        self._catalog = Catalog(records)
        self._segments = Segments(objects)
        self._writer = SegmentWriter(objects, self._catalog, clock_ms=clock_ms, new_id=new_id)

    def seal(self, kind: Kind, *, at_least: int = 1) -> int:
        """Seal what waits in the tail, if there are `at_least` so many; how many left it. Raises `StoreError`.

        0 also when another was faster. There may be more: a call takes `MAX_DOCUMENTS`.
        """
        reigning = self._catalog.reigning()
        snapshots = [self._catalog.snapshot(kind, generation) for generation in reigning.generations.all]
        waiting = self._waiting(kind)
        if len(waiting) < at_least:
            return 0
        documents = sorted((each.document for each in waiting), key=lambda document: document.id)
        for seen in snapshots:
            if not self.add(seen, documents, roll=seen.generation == reigning.generations.current):
                return 0
        return self._remove([each.item for each in waiting], reigning)

    def add(self, seen: Snapshot, documents: Sequence[IndexDocument], *, roll: bool = False) -> bool:
        """Commit those of `documents` (rising ids) that a catalog has not yet, as a segment; False: it was lost."""
        sealed = self._sealed(seen, [document.id for document in documents])
        fresh = [document for document in documents if document.commit > sealed.get(document.id, "")]
        if not fresh:
            return True
        return self._writer.write(
            seen,
            lambda path: build(path, map(packed, fresh)),
            rewrites=sum(document.id in sealed for document in fresh),
            extra=self._rollup(seen.kind, fresh) if roll else (),
        )

    def _sealed(self, seen: Snapshot, ids: Sequence[str]) -> dict[str, str]:
        """The greatest commit sequence under which each of `ids` (rising) is sealed already."""
        found: dict[str, str] = {}
        for row in seen.live:
            asked = [ulid for ulid in ids if row.first <= ulid <= row.last]
            if asked:
                for ulid, commit in self._segments.open(row, Meter()).commits(asked).items():
                    found[ulid] = max(commit, found.get(ulid, ""))
        return found

    def _waiting(self, kind: Kind) -> list[Waiting]:
        found: list[Waiting] = []
        characters = 0
        for item in self._items(kind):
            try:
                document = unpack(item, IndexDocument, self._objects)
            except (ObjectNotFound, CorruptObject):
                continue  # who searches says so; there is nothing to seal
            if OPEN in document.tags:
                continue
            found.append(Waiting(item, document))
            characters += len(document.body)
            if len(found) >= MAX_DOCUMENTS or characters >= MAX_BYTES:
                break
        return found

    def _items(self, kind: Kind) -> Iterator[Item]:
        for partition in self._keys.tails(kind):
            start = ""
            while items := self._records.query(partition, start=start, limit=PAGE):
                yield from items
                start = items[-1].sk + "\0"

    def _remove(self, items: Sequence[Item], reigning: Reigning) -> int:
        """Remove what is still as it was sealed; nothing more once the generations have changed."""
        removed = 0
        for start in range(0, len(items), TRANSACTION_LIMIT - 1):
            left = list(items[start : start + TRANSACTION_LIMIT - 1])
            while left:
                try:
                    self._records.transact([reigning.check, *(Delete(item.key, Equals(item.version)) for item in left)])
                except ConditionFailed as error:
                    if 0 in error.failed:
                        return removed
                    left = [item for index, item in enumerate(left, 1) if index not in error.failed]
                    continue
                self._drop_derived(left)
                removed += len(left)
                break
        return removed

    def _drop_derived(self, items: Sequence[Item]) -> None:
        """Remove the objects of large documents, to which nothing points any more."""
        for item in items:
            key = derived_of(item)
            if key is not None:
                self._objects.delete(key)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
