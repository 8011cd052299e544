"""Everything anew from the bucket: records by the present parser, and a new generation of the index.

While it is built, seals write both generations, so what comes meanwhile is in either. Objects are gone through by key,
some at a time; each batch goes into segments of the new generation and then the place is noted, so that it goes on from
there whoever is killed. At the end the generations change in one transaction, and readers ask the new one.

What a record says that its object does not (its commit sequence, when it was accepted) stays. What is deleted or has
expired is passed over. An object that has no record is handed to ingest, where there is one. A batch that did not come
to its end is gone through one by one, and an object that ended three workers keeps the record that it has.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from msgspec import structs

from mailscribe.errors import ConditionFailed, CorruptObject, ObjectNotFound, StoreError, StoreUnavailable
from mailscribe.ids import ulid_of
from mailscribe.query import message_document
from mailscribe.records import Generations, IndexDocument, Kind, MessageRecord, Value
from mailscribe.service import sessions
from mailscribe.service.catalog import Catalog, Reigning
from mailscribe.service.ingest import Ingest, ObjectCreated
from mailscribe.service.merging import Merger, Shape
from mailscribe.service.project import Source, project
from mailscribe.service.removal import drop_derived
from mailscribe.service.rows import MessageRow, Rows, horizon
from mailscribe.service.seal import MAX_DOCUMENTS, Sealer
from mailscribe.service.search.question import KINDS
from mailscribe.settings import Settings
from mailscribe.store.items import pack, unpack
from mailscribe.store.keys import INBOUND, MESSAGES, TRIGGERS, RecordKeys, id_of_key, message_key
from mailscribe.store.ports import Delete, Equals, ObjectInfo, Objects, Put, Records

BATCH: Final = 200
BATCH_BYTES: Final = 64 << 20
ATTEMPTS: Final = 20
"""Commits of one batch against others who seal and merge."""
ABANDON_AT: Final = 3

_log = logging.getLogger(__name__)


class Progress(Value, frozen=True, kw_only=True):
    """How far a reindex has come: everything up to the key `after`.

    `starts`: how often the batch behind it was begun; `careful`: how many objects are still gone through one by one.
    """

    after: str = ""
    starts: int = 0
    careful: int = 0
    looked: int = 0
    rewritten: int = 0
    missing: int = 0


@dataclass(slots=True)
class _Batch:
    """What a batch gives: documents by kind, and counts."""

    documents: dict[Kind, dict[str, IndexDocument]] = field(default_factory=lambda: {"message": {}, "session": {}})
    rewritten: int = 0
    missing: int = 0

    def add(self, document: IndexDocument) -> None:
        self.documents[document.kind][document.id] = document


class Reindex:
    """Builds a generation. Several may be at it: one's work counts, the others' is done in vain."""

    def __init__(
        self,
        objects: Objects,
        records: Records,
        settings: Settings,
        *,
        clock_ms: Callable[[], int],
        new_id: Callable[[], str],
        ingest: Ingest | None = None,
    ) -> None:
        self._objects = objects
        self._records = records
        self._rows = Rows(objects, records, settings)
        self._retention_days = settings.retention_days
        self._clock_ms = clock_ms
        self._ingest = ingest
        self._catalog = Catalog(records)
        self._sealer = Sealer(objects, records, settings, clock_ms=clock_ms, new_id=new_id)
        self._merger = Merger(objects, records, settings, clock_ms=clock_ms, new_id=new_id, shape=Shape())

    def begin(self) -> bool:
        """Begin, unless one is under way: then False, and that one goes on. Raises `StoreError`.

        First the tail is sealed: what an older parser made of a document must not come into the new generation.
        """
        seen = self._catalog.reigning()
        old = seen.generations
        if old.building is not None:
            return False
        for kind in KINDS:
            while self._sealer.seal(kind) >= MAX_DOCUMENTS:
                pass
        number = max(old.current, old.last) + 1
        fresh = Generations(current=old.current, building=number, last=number)
        try:
            self._catalog.change_generations(seen, fresh, Put(pack(RecordKeys.REINDEX, Progress(), version=1)))
        except ConditionFailed:
            return False
        return True

    def abandon(self) -> bool:
        """Give up one that is under way: the generation that answers goes on answering. False: there is none."""
        seen = self._catalog.reigning()
        if seen.generations.building is None:
            return False
        self._catalog.change_generations(
            seen, structs.replace(seen.generations, building=None), Delete(RecordKeys.REINDEX)
        )
        return True

    def progress(self) -> Progress | None:
        """How far the one that is under way has come; None when there is none."""
        found = self._records.get_many([RecordKeys.REINDEX])
        return unpack(found[0], Progress) if found else None

    def step(self) -> bool:
        """Do the next batch, or change the generations when there is none; False when there is nothing to do.

        Raises `StoreError`: call again.
        """
        reigning = self._catalog.reigning()
        found = self._records.get_many([RecordKeys.REINDEX])
        if reigning.generations.building is None or not found:
            return False
        progress, version = unpack(found[0], Progress), found[0].version
        infos = self._next(progress)
        if not infos:
            return self._finish(reigning, version)
        careful = max(progress.careful, BATCH if progress.starts and len(infos) > 1 else 0)
        if careful:
            infos = infos[:1]
        begun = structs.replace(progress, starts=progress.starts + 1, careful=careful)
        if not self._note(begun, version):
            return True
        try:
            done = self._work(infos, begun, reigning.generations.building)
        except StoreError:
            with suppress(StoreError):  # that was no fault of an object
                self._note(progress, version + 1)
            raise
        self._note(done, version + 1)
        return True

    def _work(self, infos: Sequence[ObjectInfo], begun: Progress, generation: int) -> Progress:
        """Put what some objects give into a generation; how far that is."""
        batch = _Batch()
        for info in infos:
            self._take(info, batch, abandon=begun.starts > ABANDON_AT and len(infos) == 1)
        for kind, documents in batch.documents.items():
            self._add(kind, generation, [documents[ulid] for ulid in sorted(documents)])
        return Progress(
            after=infos[-1].key,
            careful=max(0, begun.careful - 1),
            looked=begun.looked + len(infos),
            rewritten=begun.rewritten + batch.rewritten,
            missing=begun.missing + batch.missing,
        )

    def _next(self, progress: Progress) -> list[ObjectInfo]:
        for prefix in sorted(TRIGGERS):
            found = self._objects.list(prefix, after=progress.after, limit=1 if progress.careful else BATCH)
            if found:
                total = 0

                def fits(info: ObjectInfo) -> bool:
                    nonlocal total
                    total += info.size
                    return total <= BATCH_BYTES

                return list(takewhile(fits, found)) or found[:1]
        return []

    def _note(self, progress: Progress, version: int) -> bool:
        """Whether nobody else went on meanwhile."""
        try:
            self._records.transact([Put(pack(RecordKeys.REINDEX, progress, version=version + 1), Equals(version))])
        except ConditionFailed:
            return False
        return True

    def _finish(self, reigning: Reigning, version: int) -> bool:
        building = reigning.generations.building
        fresh = structs.replace(reigning.generations, current=building, building=None)
        try:
            self._catalog.change_generations(reigning, fresh, Delete(RecordKeys.REINDEX, Equals(version)))
        except ConditionFailed:
            return True
        return False

    def _add(self, kind: Kind, generation: int, documents: Sequence[IndexDocument]) -> None:
        for _ in range(ATTEMPTS):
            if not documents or self._sealer.add(self._catalog.snapshot(kind, generation), documents):
                self._merger.merge(kind)
                return
        raise StoreUnavailable(f"reindex: {ATTEMPTS} times something else was committed")

    # one object

    def _take(self, info: ObjectInfo, batch: _Batch, *, abandon: bool) -> None:
        ulid = id_of_key(info.key)
        try:
            if ulid is not None and info.key == message_key(ulid):
                self._message(info, ulid, batch, abandon=abandon)
            elif ulid is not None:
                self._session(info, ulid, batch)
            elif info.key.startswith(INBOUND):
                ulid = ulid_of(max(0, info.modified_ms), info.key, info.etag.strip('"'))
                self._message(info, ulid, batch, abandon=abandon)
        except ObjectNotFound:
            return  # deleted meanwhile
        except CorruptObject:
            _log.exception("the record of %s cannot be read; it is left as it is and not indexed", info.key)

    def _message(self, info: ObjectInfo, ulid: str, batch: _Batch, *, abandon: bool) -> None:
        row = self._rows.message(ulid)
        if row.stored is None:
            if not row.deleted and not self._is_expired(ulid):
                self._hand_over(info, batch)
            return
        if row.deleted or self._is_expired(ulid):
            return
        stored = row.stored
        if abandon:
            _log.error("%s ended the worker %d times; its record stays as it is", info.key, ABANDON_AT)
            batch.add(message_document(stored, "", stored.commit))
            return
        traced = info.key.startswith(MESSAGES)
        source = Source(id=ulid, key=info.key, received_at=stored.received_at, traced=traced)
        projection = project(source, self._objects.get(info.key))
        batch.rewritten += self._replace(projection.record, row)
        batch.add(structs.replace(projection.document, commit=stored.commit))
        if projection.session_id is not None:
            self._lost_session(projection.session_id, batch)

    def _replace(self, record: MessageRecord, row: MessageRow) -> bool:
        """Write a record that has become another; one that is deleted or written again meanwhile stays as it is."""
        if row.stored is None or record == row.stored.record():
            return False
        try:
            self._records.transact(self._rows.replace_message(record, row))
        except ConditionFailed:
            if self._rows.message(record.id).deleted:
                drop_derived(self._objects, record.id)  # its removal may not have seen what was put for these writes
            return False
        return True

    def _session(self, info: ObjectInfo, ulid: str, batch: _Batch) -> None:
        seen = self._rows.seen(ulid, ulid)
        stored = seen.session.stored
        if seen.deleted or self._is_expired(ulid):
            return
        if stored is None or stored.closing is None:
            self._hand_over(info, batch)
            return
        known = stored.record()
        joined = sessions.join(sessions.closed_session(ulid, self._objects.get(info.key)), known)
        if joined != known:
            try:
                self._records.transact([self._rows.put_session(joined, seen.session, stored.commit, stored.closing)])
            except ConditionFailed:
                return  # written again: it is in the tail
            batch.rewritten += 1
        batch.add(sessions.document(joined, stored.commit))

    def _lost_session(self, ulid: str, batch: _Batch) -> None:
        """A session that has no object is known by its messages alone."""
        seen = self._rows.seen(ulid, ulid)
        stored = seen.session.stored
        if stored is not None and not seen.deleted and stored.closing is not None and stored.end == "lost":
            batch.add(sessions.document(stored.record(), stored.commit))

    def _hand_over(self, info: ObjectInfo, batch: _Batch) -> None:
        """To ingest, which puts it into the tail. Without one it comes by its own event, or is to be reconciled."""
        batch.missing += 1
        if self._ingest is not None:
            self._ingest.handle(ObjectCreated(key=info.key, size=info.size, at_ms=info.modified_ms, etag=info.etag))

    def _is_expired(self, ulid: str) -> bool:
        return ulid < horizon(self._clock_ms(), self._retention_days)
