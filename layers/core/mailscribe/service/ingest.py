"""A new object becomes readable: record, tail item, pointers and outbox entry in ONE transaction, then its event.

Idempotent by natural key: any order, repetition or concurrency of events ends in the same rows. A message is
never dropped: what cannot be parsed is a record with defects, and from the third receive on nothing is parsed.
A message that its session says was not accepted is hidden, whichever of the two arrives first; a session that
is closed never opens again; while it is open, the index of open ones has it. What a store refuses is raised as
`StoreError`, so that the trigger comes again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Final

from msgspec import UNSET, structs

from mailscribe.errors import ConditionFailed, ObjectNotFound, StoreError, StoreUnavailable
from mailscribe.ids import ulid_ms, ulid_of
from mailscribe.records import Event, SessionRecord
from mailscribe.service import outbox, sessions
from mailscribe.service.commits import turn_of
from mailscribe.service.ports import Events
from mailscribe.service.project import Projection, Source, project
from mailscribe.service.removal import Removal, drop_derived
from mailscribe.service.rows import Rows, Seen, SessionRow
from mailscribe.settings import Settings
from mailscribe.store.keys import INBOUND, id_of_key, message_key, session_key
from mailscribe.store.ports import Absent, Check, Objects, Records, Write

ABANDON_AT: Final = 3
"""Receive count from which on content is not parsed: what ended a worker twice would end it again."""

ATTEMPTS: Final = 20
"""Tries of one transaction against others that write the same session; then the trigger has to come again."""

MAX_COMMIT_AGE_MS: Final = 5_000
"""From a commit sequence to its transaction; readers of the feed look back twice as far."""

SES_SETUP_NOTIFICATION: Final = "AMAZON_SES_SETUP_NOTIFICATION"
"""What SES puts into a bucket that it is told to deliver to; no mail."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ObjectCreated:
    """An object came into being: key, size, time (ms since 1970). `receive_count`: how often this was heard by now."""

    key: str
    size: int
    at_ms: int
    receive_count: int = 1
    etag: str = ""


class Outcome(Enum):
    """What became of an event; in each case it is done with."""

    STORED = auto()
    ALREADY = auto()
    IGNORED = auto()


class Ingest:
    """The use case, over the two stores and, where there is one, a bus. Safe to share between threads."""

    def __init__(
        self,
        objects: Objects,
        records: Records,
        events: Events | None,
        settings: Settings,
        *,
        clock_ms: Callable[[], int],
        new_commit: Callable[[], str],
    ) -> None:
        self._objects = objects
        self._events = events
        self._clock_ms = clock_ms
        self._new_commit = new_commit
        self._rows = Rows(objects, records, settings)
        self._turn = turn_of(new_commit)
        self._removal = Removal(self._rows, new_commit)

    def handle(self, event: ObjectCreated) -> Outcome:
        """Make the object readable. Raises `StoreError`: nothing is lost, handle the same event again later."""
        ulid = id_of_key(event.key)
        try:
            if ulid is not None and event.key == message_key(ulid):
                return self._message(event, _smtp_source(event, ulid))
            if ulid is not None and event.key == session_key(ulid):
                return self._session(event.key, ulid)
            if _is_other_mail(event):
                return self._message(event, self._other_source(event.key))
        except _Gone:
            return _ignored(event.key, "no such object any more")
        return _ignored(event.key, "nothing to ingest")

    def close(self, ulid: str) -> Outcome:
        """Close a session that cannot go on any more: as its object tells, as `lost` when there is none.

        Its entry in the index of open ones goes when its event has left, for nothing but that entry makes this be
        called again. ALREADY: it was closed before, or is gone. Raises `StoreError`: close it again later.
        """
        try:
            told = sessions.closed_session(ulid, self._read(session_key(ulid)))
        except _Gone:
            told = None
        outcome = self._until_done(lambda: self._write_end(ulid, told))
        if outcome is Outcome.STORED:
            self._rows.records.transact([self._rows.delete_open(ulid)])
        return outcome

    def settle(self) -> None:
        """Return when all is written of the events that were handled: they may be forgotten. Raises `StoreError`."""

    # messages

    def _message(self, event: ObjectCreated, source: Source) -> Outcome:
        projection = project(source, self._read(event.key), abandon=event.receive_count >= ABANDON_AT)
        return self._until_done(lambda: self._write_message(event.key, projection))

    def _write_message(self, key: str, projection: Projection) -> Outcome | None:
        record = projection.record
        seen = self._rows.seen(record.id, projection.session_id)
        told = self._told(projection, seen)
        if seen.message is not None:
            return self._again(seen.message.commit, *filter(None, [seen.message.reported]))
        row = seen.session.stored
        if seen.deleted or (row is not None and record.id in sessions.taken_back(row)):
            drop_derived(self._objects, record.id)  # what an attempt before had put, and its removal did not see
            return _ignored(key, "deleted, or not accepted by its session")
        begun = self._clock_ms()
        opened = [] if told is None else self._opened(seen.session, told)
        document = structs.replace(projection.document, commit=self._new_commit())
        events = [outbox.message_received(document, key)]
        if record.report is not UNSET:
            events.append(outbox.report_received(document, record.report, key, self._new_commit()))
        writes: list[Write] = [
            self._rows.put_message(record, *(event.id for event in events)),
            Check(self._rows.keys.tombstone(record.id), Absent()),
            self._rows.put_document(document),
            *map(self._rows.put_event, events),
            *self._rows.put_pointers(record),
            *opened,
        ]
        return self._commit(writes, begun, *events)

    def _told(self, projection: Projection, seen: Seen) -> SessionRecord | None:
        """What of a session is to be written with its message."""
        return None if seen.message is not None else projection.session

    def _opened(self, row: SessionRow, told: SessionRecord) -> list[Write]:
        """The writes that add to a session what one of its messages tells; none when that is known already."""
        known = None if row.stored is None else row.stored.record()
        joined = told if known is None else sessions.join(known, told)
        self._removal.remove(sessions.taken_back(told))
        if joined == known:
            return []
        document = sessions.document(joined, self._new_commit())
        closing = None if row.stored is None else row.stored.closing
        writes = [
            self._rows.put_session(joined, row, document.commit, closing),
            self._rows.put_document(document),
            self._rows.put_event(outbox.session_opened(document)),
        ]
        return writes if joined.state == "closed" else [*writes, self._rows.put_open(joined.id)]

    # sessions

    def _session(self, key: str, ulid: str) -> Outcome:
        told = sessions.closed_session(ulid, self._read(key))
        return self._until_done(lambda: self._write_session(key, told))

    def _write_session(self, key: str, told: SessionRecord) -> Outcome | None:
        seen = self._rows.seen(told.id, told.id)
        if seen.deleted:
            return _ignored(key, "deleted")
        row = seen.session
        was_open = row.stored is not None and row.stored.closing is None
        return self._write_closed(row, told, (key,), *([self._rows.delete_open(told.id)] if was_open else []))

    def _write_end(self, ulid: str, told: SessionRecord | None) -> Outcome | None:
        seen = self._rows.seen(ulid, ulid)
        row = seen.session
        if seen.deleted or row.stored is None:
            return self._forget(ulid, row)
        if row.stored.closing is not None:
            self._again(row.stored.closing)
            return self._forget(ulid, row)
        keys = () if told is None else (session_key(ulid),)
        return self._write_closed(row, told or sessions.lost(row.stored.record()), keys)

    def _forget(self, ulid: str, row: SessionRow) -> Outcome | None:
        """Take a session that is not open out of the index, unless its row changes meanwhile."""
        try:
            self._rows.records.transact(
                [self._rows.delete_open(ulid), Check(self._rows.keys.session(ulid), row.condition)]
            )
        except ConditionFailed:
            return None
        return Outcome.ALREADY

    def _write_closed(
        self, row: SessionRow, told: SessionRecord, keys: tuple[str, ...], *more: Write
    ) -> Outcome | None:
        known = None if row.stored is None else row.stored.record()
        joined = told if known is None else sessions.join(known, told)
        closing = None if row.stored is None else row.stored.closing
        if closing is not None and joined == known:
            return self._again(closing)
        self._removal.remove(sessions.taken_back(told))
        begun = self._clock_ms()
        document = sessions.document(joined, self._new_commit())
        event = outbox.session_closed(document, *keys) if closing is None else outbox.session_opened(document)
        writes: list[Write] = [
            self._rows.put_session(joined, row, document.commit, closing or document.commit),
            Check(self._rows.keys.tombstone(told.id), Absent()),
            self._rows.put_document(document),
            self._rows.put_event(event),
            *more,
        ]
        return self._commit(writes, begun, event)

    # both

    def _until_done(self, attempt: Callable[[], Outcome | None]) -> Outcome:
        for _ in range(ATTEMPTS):
            with self._turn:
                outcome = attempt()
            if outcome is not None:
                return outcome
        raise StoreUnavailable(f"{ATTEMPTS} times something else changed, or the store was too slow")

    def _commit(self, writes: list[Write], begun: int, *entries: Event) -> Outcome | None:
        """Write and publish; None when it has to be tried again with what is there now."""
        if self._clock_ms() - begun > MAX_COMMIT_AGE_MS:
            return None
        try:
            self._rows.records.transact(writes)
        except ConditionFailed:
            return None
        outbox.publish(self._events, entries)
        return Outcome.STORED

    def _again(self, *commits: str) -> Outcome:
        """It is there already; its events may not have left."""
        if self._events is not None:
            outbox.publish(self._events, self._rows.feed(*commits))
        return Outcome.ALREADY

    def _read(self, key: str) -> bytes:
        try:
            return self._objects.get(key)
        except ObjectNotFound as error:
            raise _Gone from error

    def _other_source(self, key: str) -> Source:
        """A message that did not come by SMTP; its id follows from the object, however often that is announced."""
        try:
            found = self._objects.head(key)
        except ObjectNotFound as error:
            raise _Gone from error
        except ValueError as error:
            raise StoreError(f"{key!r} cannot be the key of an object") from error
        modified_ms = max(0, found.modified_ms)  # a file may be older than 1970; no id can be
        ulid = ulid_of(modified_ms, key, found.etag.strip('"'))
        return Source(id=ulid, key=key, received_at=_time(modified_ms), traced=False)


class _Gone(Exception):
    """The object was removed before it could be read."""


def _smtp_source(event: ObjectCreated, ulid: str) -> Source:
    """A message from the front end. It was not accepted before its id was made, whatever the store's clock says."""
    return Source(id=ulid, key=event.key, received_at=_time(max(event.at_ms, ulid_ms(ulid))), traced=True)


def _is_other_mail(event: ObjectCreated) -> bool:
    is_folder = event.key.endswith("/") and event.size == 0
    name = event.key.rpartition("/")[2]
    return event.key.startswith(INBOUND) and not is_folder and name != SES_SETUP_NOTIFICATION


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _ignored(key: str, reason: str) -> Outcome:
    _log.info("not ingested: %s: %s", key, reason)
    return Outcome.IGNORED
