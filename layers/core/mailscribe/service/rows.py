"""The rows that ingest keeps of messages and sessions, and the writes that make them.

A row is the record itself plus what only ingest needs: the commit sequence under which it became readable, which
is also the id of its event, so that a redelivery finds the same one. Whoever asks the row for the plain record
gets it. No decisions here: what is written when is `ingest`'s and `removal`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from msgspec import structs

from mailscribe.errors import CorruptObject, ObjectNotFound
from mailscribe.ids import make_ulid, ulid_ms, ulid_time
from mailscribe.message.report_fields import xtext
from mailscribe.records import Event, IndexDocument, MessageRecord, SessionRecord, Value
from mailscribe.settings import Settings
from mailscribe.store.items import Overflow, pack, tail_version, unpack
from mailscribe.store.keys import RecordKeys, message_key
from mailscribe.store.ports import Absent, Check, Condition, Delete, Equals, Item, Key, Objects, Put, Records, Write

MAX_POINTERS: Final = 8
"""Message-ID pointers of one message; more than one Message-ID is a defect of the message already."""

DAY_SECONDS: Final = 86_400


class StoredMessage(MessageRecord, frozen=True, kw_only=True):
    """A message's row; `commit` is also the id of its `message.received`, `reported` that of its `report.received`."""

    commit: str
    reported: str | None = None

    def record(self) -> MessageRecord:
        """The plain record."""
        return MessageRecord(**{name: getattr(self, name) for name in MessageRecord.__struct_fields__})


class StoredSession(SessionRecord, frozen=True, kw_only=True):
    """A session's row; `commit` is that of its latest state, `closing` the id of its `session.closed`."""

    commit: str
    closing: str | None

    def record(self) -> SessionRecord:
        """The plain record."""
        return SessionRecord(**{name: getattr(self, name) for name in SessionRecord.__struct_fields__})


def horizon(now_ms: int, retention_days: int) -> str:
    """The least id that has not expired; everything that is shown has one as great."""
    return make_ulid(max(0, now_ms - retention_days * DAY_SECONDS * 1000 + 1), 0) if retention_days else ""


class Tombstone(Value, frozen=True, kw_only=True):
    """The row of a message that was deleted, and when; `key` is that of its object, if that goes too."""

    id: str
    at: datetime
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Removable:
    """What there is of a message to remove: pointers to it, the commits of feed entries that show it, its object."""

    id: str
    deleted: bool
    is_there: bool
    pointers: tuple[Key, ...]
    shown: tuple[str, ...]
    object_key: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session's row as it was read, and the condition under which it may be replaced."""

    stored: StoredSession | None
    version: int

    @property
    def condition(self) -> Condition:
        """Nobody wrote it since."""
        return Absent() if self.stored is None else Equals(self.version)


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message's row as it was read, its version, and whether the id has a tombstone."""

    stored: StoredMessage | None
    version: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What the table holds of an id (`deleted`, `message`) and of a session, read at once."""

    deleted: bool
    message: StoredMessage | None
    session: SessionRow


class Rows:
    """Reads rows and makes the writes that store them; large ones overflow to objects as they are made."""

    def __init__(self, objects: Objects, records: Records, settings: Settings) -> None:
        self.keys = RecordKeys(settings.shards)
        self.records = records
        self.objects = objects
        self._overflow = Overflow(objects, settings.record_overflow)
        self._retention = settings.retention_days

    def seen(self, ulid: str, session: str | None) -> Seen:
        """The tombstone of an id, the message under it, and the session of that name. Raises `StoreError`."""
        tombstone, message = self.keys.tombstone(ulid), self.keys.message(ulid)
        row = None if session is None else self.keys.session(session)
        found = self._found([tombstone, message] if row is None else [tombstone, message, row])
        return Seen(
            deleted=tombstone in found,
            message=unpack(found[message], StoredMessage, self.objects) if message in found else None,
            session=self._session(found.get(row)) if row is not None else SessionRow(None, 0),
        )

    def message(self, ulid: str) -> MessageRow:
        """A message's row. Raises `StoreError`."""
        tombstone, key = self.keys.tombstone(ulid), self.keys.message(ulid)
        found = self._found([tombstone, key])
        if key not in found:
            return MessageRow(None, 0, tombstone in found)
        return MessageRow(unpack(found[key], StoredMessage, self.objects), found[key].version, tombstone in found)

    def removable(self, ulids: Sequence[str]) -> list[Removable]:
        """What there is of messages, in their order. Raises `StoreUnavailable`."""
        found = self._found([key for ulid in ulids for key in (self.keys.tombstone(ulid), self.keys.message(ulid))])
        messages = {ulid: self._readable(found.get(self.keys.message(ulid))) for ulid in ulids}
        commits = [commit for message in messages.values() if message is not None for commit in _told_by(message)]
        shown = {item.sk for item in self.records.get_many([self.keys.event(commit) for commit in commits])}
        return [self._removable(ulid, found, messages[ulid], shown) for ulid in ulids]

    def _removable(
        self, ulid: str, found: dict[Key, Item], message: StoredMessage | None, shown: set[str]
    ) -> Removable:
        return Removable(
            id=ulid,
            deleted=self.keys.tombstone(ulid) in found,
            is_there=self.keys.message(ulid) in found,
            pointers=() if message is None else tuple(self.pointers(message)),
            shown=() if message is None else tuple(commit for commit in _told_by(message) if commit in shown),
            object_key=message_key(ulid) if message is None else message.raw.key,
        )

    def _readable(self, item: Item | None) -> StoredMessage | None:
        """A message's row, unless nobody can read it any more: that must not keep it from being deleted."""
        if item is None:
            return None
        try:
            return unpack(item, StoredMessage, self.objects)
        except (CorruptObject, ObjectNotFound):
            return None

    def tombstones(self, ulids: Sequence[str]) -> list[Tombstone]:
        """The tombstones there are of those ids. Raises `StoreUnavailable`."""
        items = self.records.get_many([self.keys.tombstone(ulid) for ulid in ulids])
        return [_tombstone(item) for item in items]

    def put_tombstone(self, ulid: str, at_ms: int, key: str | None) -> Write:
        """Mark an id as deleted, unless it is already. It does not expire: see `removal`."""
        stone = Tombstone(id=ulid, at=datetime.fromtimestamp(at_ms / 1000, UTC), key=key)
        return Put(pack(self.keys.tombstone(ulid), stone), Absent())

    def feed(self, *commits: str) -> list[Event]:
        """The entries of the event feed of those commit sequences, without those that have expired."""
        keys = [self.keys.event(commit) for commit in commits]
        return [unpack(item, Event, self.objects) for item in self.records.get_many(keys)]

    def pointers(self, message: MessageRecord) -> list[Key]:
        """Keys of the pointers to a message: from its Message-IDs, and from the ENVID that it came with."""
        distinct = dict.fromkeys(message.message_id or ())
        keys = [self.keys.message_id(name, message.id) for name in list(distinct)[:MAX_POINTERS]]
        envelope_id = _envelope_id(message)
        return [*keys, self.keys.envelope_id(envelope_id, message.id)] if envelope_id else keys

    def put_message(self, record: MessageRecord, commit: str, reported: str | None = None) -> Write:
        """Write the row of a message, once and for all."""
        stored = StoredMessage(**structs.asdict(record), commit=commit, reported=reported)
        return self._put(self.keys.message(record.id), stored, Absent())

    def replace_message(self, record: MessageRecord, row: MessageRow) -> list[Write]:
        """Write the row of a message again that nobody else has changed or deleted, and its pointers."""
        plain = structs.asdict(record)
        kept = {name: getattr(row.stored, name) for name in StoredMessage.__struct_fields__ if name not in plain}
        return [
            self._put(
                self.keys.message(record.id), StoredMessage(**plain, **kept), Equals(row.version), row.version + 1
            ),
            Check(self.keys.tombstone(record.id), Absent()),
            *self.put_pointers(record),
        ]

    def put_session(self, record: SessionRecord, row: SessionRow, commit: str, closing: str | None) -> Write:
        """Replace the row of a session that nobody else has changed."""
        stored = StoredSession(**structs.asdict(record), commit=commit, closing=closing)
        return self._put(self.keys.session(record.id), stored, row.condition, row.version + 1)

    def put_open(self, ulid: str) -> Write:
        """Index a session as open. Always in the transaction that writes its row so."""
        key = self.keys.open_session(ulid)
        return Put(Item(*key, b"", expires=self._expires(key)))

    def delete_open(self, ulid: str) -> Write:
        """Take a session out of the index of open ones."""
        return Delete(self.keys.open_session(ulid))

    def open_sessions(self, partition: str, before: str, limit: int) -> list[str]:
        """At most `limit` open sessions of a partition (`RecordKeys.open_sessions`) with ids before, oldest first."""
        return [item.sk for item in self.records.query(partition, end=before, limit=limit)]

    def put_document(self, document: IndexDocument) -> Write:
        """Write what search knows into the tail."""
        return self._put(self.keys.tail(document.kind, document.id), document, version=tail_version(document.commit))

    def put_pointers(self, message: MessageRecord) -> list[Write]:
        """Write the pointers to a message."""
        return [Put(Item(*key, b"", expires=self._expires(key))) for key in self.pointers(message)]

    def put_event(self, event: Event, condition: Condition | None = None) -> Write:
        """Write an entry of the event feed."""
        return self._put(self.keys.event(event.id), event, condition)

    def _put(self, key: Key, value: Value, condition: Condition | None = None, version: int = 0) -> Put:
        item = pack(key, value, version=version, expires=self._expires(key), overflow=self._overflow)
        return Put(item, condition)

    def _expires(self, key: Key) -> int | None:
        """When a row is gone: so many days after the moment that its sort key, a ULID, carries."""
        return ulid_ms(key.sk) // 1000 + self._retention * DAY_SECONDS if self._retention else None

    def _found(self, keys: list[Key]) -> dict[Key, Item]:
        return {item.key: item for item in self.records.get_many(keys)}

    def _session(self, item: Item | None) -> SessionRow:
        if item is None:
            return SessionRow(None, 0)
        return SessionRow(unpack(item, StoredSession, self.objects), item.version)


def _envelope_id(message: MessageRecord) -> str | None:
    """The ENVID of MAIL (RFC 3461 §4.4), its xtext undone, as a report of delivery has it."""
    parameters = None if message.envelope is None else message.envelope.mail_from.parameters
    found = (parameters or {}).get("ENVID")
    return xtext(found) if found else None


def _tombstone(item: Item) -> Tombstone:
    """A tombstone; those of former versions say nothing but the id."""
    return unpack(item, Tombstone) if item.data else Tombstone(id=item.sk, at=ulid_time(item.sk))


def _told_by(message: StoredMessage) -> list[str]:
    """The commits of the feed's entries that show a message."""
    return [commit for commit in (message.commit, message.reported) if commit is not None]
