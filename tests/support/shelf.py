"""Documents as ingest puts them, in records that count reads, and a search over them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Raw

from mailscribe.ids import UlidFactory, make_ulid
from mailscribe.records import Event, IndexDocument, Kind
from mailscribe.service.search import Question, Search
from mailscribe.settings import Settings
from mailscribe.store.items import pack
from mailscribe.store.keys import RecordKeys
from mailscribe.store.ports import Delete, Item, Key, Put, Write
from support.api import Clock
from support.faults import Gate
from support.stores import MemoryObjects, MemoryRecords

NOW_MS = 1_700_000_900_000
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)
KEYS = RecordKeys()
type EventType = Literal["message.received", "session.opened", "message.removed"]
EVENT_TYPES: dict[Kind, EventType] = {"message": "message.received", "session": "session.opened"}


class CountedRecords(MemoryRecords):
    """Counts reads, and can hold queries at a gate."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.partitions: list[str] = []
        self.fetched: list[Key] = []
        self.gate: Gate | None = None
        self.before: dict[str, Callable[[], None]] = {}
        """What happens, once, just before a partition is first read."""

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        self.fetched += keys
        return super().get_many(keys)

    def query(
        self, pk: str, *, start: str = "", end: str | None = None, reverse: bool = False, limit: int = 1000
    ) -> list[Item]:
        self.partitions.append(pk)
        if pk in self.before:
            self.before.pop(pk)()
        if self.gate is not None:
            self.gate.wait()
        return super().query(pk, start=start, end=end, reverse=reverse, limit=limit)


class Shelf:
    """Records and a search over them; documents are put as ingest puts them."""

    def __init__(self) -> None:
        self.clock = Clock(NOW_MS)
        self.records = CountedRecords(self.clock)
        self.objects = MemoryObjects(self.clock)
        self.search = self.new_search()
        self.commits = UlidFactory(self.clock)

    def new_search(self) -> Search:
        return Search(self.records, self.objects, Settings(), clock_ms=self.clock)

    def put(self, number: int, kind: Kind = "message", *, subject: str = "hello", commit: str | None = None) -> str:
        """A document whose id rises with `number`, readable from now on."""
        ulid, sequence = ulid_of(number), commit or self.commits()
        document = IndexDocument(
            kind=kind,
            id=ulid,
            commit=sequence,
            size=1,
            tags=("all",),
            subject=subject,
            body="",
            summary=Raw(b'{"id":"%s"}' % ulid.encode()),
        )
        self.write(Put(pack(KEYS.tail(kind, ulid), document)), self.entry(sequence, EVENT_TYPES[kind], ulid))
        return sequence

    def remove(self, number: int, kind: Kind = "message") -> None:
        ulid = ulid_of(number)
        self.write(Delete(KEYS.tail(kind, ulid)), self.entry(self.commits(), "message.removed", ulid))

    def write(self, *writes: Write) -> None:
        self.records.transact(writes)

    @staticmethod
    def entry(commit: str, kind: EventType, ulid: str) -> Put:
        detail = Raw(b'{"id":"%s"}' % ulid.encode())
        event = Event(id=commit, type=kind, at=NOW, detail=detail, keys=())
        return Put(pack(KEYS.event(commit), event))

    def listed(self, kind: Kind = "message", text: str = "", search: Search | None = None) -> list[int]:
        page = (search or self.search).page(ask(text, kind), limit=100)
        assert page.next is None
        return [number_of(summary) for summary in page.summaries]


def ulid_of(number: int) -> str:
    return make_ulid(NOW_MS - 10_000_000 + number, 7)


def number_of(summary: Raw) -> int:
    text = bytes(summary).decode()
    return next(number for number in range(-100, 3000) if ulid_of(number) in text)


def ask(text: str = "", kind: Kind = "message") -> Question:
    return Question(kind=kind, text=text, now=NOW)
