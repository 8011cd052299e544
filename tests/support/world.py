"""Ingest over stores in memory, with a bus that remembers, and a picture of all that it left behind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from mailscribe.errors import StoreUnavailable
from mailscribe.ids import UlidFactory
from mailscribe.records import Event, IndexDocument, MessageRecord, SessionRecord, Value
from mailscribe.service.ingest import Ingest, ObjectCreated, Outcome
from mailscribe.service.lost import LostSessions
from mailscribe.service.ports import Events
from mailscribe.settings import Settings
from mailscribe.store.items import unpack
from mailscribe.store.keys import RecordKeys, id_of_key
from mailscribe.store.ports import Item, Key, Objects, Records
from support.conversation import Conversation, accepted_ms
from support.stores import MemoryObjects, MemoryRecords

NOW_MS = 1_700_000_900_000
DAY_MS = 86_400_000


@dataclass
class Bus:
    """The events port in memory; fails the next `failures` calls."""

    published: list[Event] = field(default_factory=list)
    failures: int = 0

    def publish(self, events: Sequence[Event]) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("the bus is down")
        self.published += events

    def ids(self, kind: str) -> set[str]:
        return {event.id for event in self.published if event.type == kind}


@dataclass(frozen=True)
class Picture:
    """The rows that matter, without what differs from run to run (commit sequences, versions)."""

    messages: dict[str, MessageRecord]
    sessions: dict[str, SessionRecord]
    tail: dict[tuple[str, str], IndexDocument]
    pointers: frozenset[Key]
    tombstones: frozenset[str]
    open: frozenset[str]


class World:
    """One deployment. `objects` and `records` may be wrapped for the ingest that `ingest` makes."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.objects = MemoryObjects(lambda: NOW_MS)
        self.records = MemoryRecords(lambda: NOW_MS)
        self.bus = Bus()
        self.keys = RecordKeys(self.settings.shards)
        self.new_commit = UlidFactory(lambda: NOW_MS)
        self.main = self.ingest()

    def ingest(
        self, *, objects: Objects | None = None, records: Records | None = None, events: Events | None = None
    ) -> Ingest:
        return Ingest(
            objects or self.objects,
            records or self.records,
            events or self.bus,
            self.settings,
            clock_ms=lambda: NOW_MS,
            new_commit=self.new_commit,
        )

    def hold(self, *conversations: Conversation) -> None:
        """Put what sessions left behind into the bucket."""
        for conversation in conversations:
            for key, data in conversation.objects.items():
                self.objects.put(key, [data])

    def created(self, key: str, receive_count: int = 1) -> ObjectCreated:
        ulid = id_of_key(key)
        size = self.objects.head(key).size
        return ObjectCreated(key, size, NOW_MS if ulid is None else accepted_ms(ulid), receive_count)

    def deliver(self, key: str, receive_count: int = 1) -> Outcome:
        return self.main.handle(self.created(key, receive_count))

    def deliver_all(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.deliver(key)

    def lost(self, ingest: Ingest | None = None, records: Records | None = None, **options: int) -> LostSessions:
        return LostSessions(ingest or self.main, self.objects, records or self.records, self.settings, **options)

    def sweep(self) -> int:
        """Close what would be open a day from now."""
        return self.lost().close_lost(NOW_MS + DAY_MS)

    def items(self, prefix: str) -> list[Item]:
        return [item for key, item in sorted(self.records._items.items()) if key.pk.startswith(prefix)]

    def values[T: Value](self, prefix: str, kind: type[T]) -> list[T]:
        return [unpack(item, kind, self.objects) for item in self.items(prefix)]

    def message(self, ulid: str) -> MessageRecord:
        return unpack(self.records.get_many([self.keys.message(ulid)])[0], MessageRecord, self.objects)

    def session(self, ulid: str) -> SessionRecord:
        return unpack(self.records.get_many([self.keys.session(ulid)])[0], SessionRecord, self.objects)

    def feed(self, kind: str | None = None) -> list[Event]:
        return [event for event in self.values("E#", Event) if kind in (None, event.type)]

    def picture(self) -> Picture:
        return Picture(
            messages={each.id: each for each in self.values("M#", MessageRecord)},
            sessions={each.id: each for each in self.values("S#", SessionRecord)},
            tail={(each.kind, each.id): structs.replace(each, commit="") for each in self.values("T#", IndexDocument)},
            pointers=frozenset(item.key for item in self.items("I#")),
            tombstones=frozenset(item.sk for item in self.items("D#")),
            open=frozenset(item.sk for item in self.items("O#")),
        )
