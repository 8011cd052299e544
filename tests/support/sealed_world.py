"""Documents as ingest writes them, everything that moves them afterwards, and a model of what there should be.

A script may do something, or end everything, before any call of a store: `World.scripted`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec import structs

from mailscribe.ids import UlidFactory, make_ulid, ulid_ms
from mailscribe.query import message_document, session_document
from mailscribe.records import Event, IndexDocument, Kind
from mailscribe.service import outbox
from mailscribe.service.housekeeping import Housekeeping
from mailscribe.service.merging import Merger, Shape
from mailscribe.service.removal import Removal
from mailscribe.service.rows import Rows
from mailscribe.service.seal import Sealer
from mailscribe.service.search import Budget, Question, Search, after
from mailscribe.settings import Settings
from mailscribe.store.ports import Absent, Check, Item, Key, ObjectInfo, Objects, Records, Write
from support.api import Clock
from support.query_world import message_record, session_record, turn
from support.stores import MemoryObjects, MemoryRecords

START_MS = 1_700_000_000_000
STEP_MS = 3_600_000
SHAPE = Shape(fan_out=2, base=2, documents=12, bytes=1 << 30)
WORDS = ("alpha", "beta", "gamma")
KINDS: tuple[Kind, ...] = ("message", "session")


class Killed(Exception):
    """The process is dead: nothing after this was done."""


@dataclass
class Script:
    """Does `action` before the call of that number from now on, once; counts the calls."""

    at: int = -1
    action: Callable[[], object] = lambda: None
    calls: int = 0

    def step(self) -> None:
        number, self.calls = self.calls, self.calls + 1
        if number == self.at:
            self.action()


class ScriptedRecords:
    """The records port, with a script."""

    def __init__(self, inner: Records, script: Script) -> None:
        self._inner = inner
        self._script = script

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        self._script.step()
        return self._inner.get_many(keys)

    def query(
        self, pk: str, *, start: str = "", end: str | None = None, reverse: bool = False, limit: int = 1000
    ) -> list[Item]:
        self._script.step()
        return self._inner.query(pk, start=start, end=end, reverse=reverse, limit=limit)

    def transact(self, writes: Sequence[Write]) -> None:
        self._script.step()
        self._inner.transact(writes)


class ScriptedObjects:
    """The objects port, with a script; counts what is read."""

    def __init__(self, inner: Objects, script: Script) -> None:
        self._inner = inner
        self._script = script
        self.gets = 0
        self.bytes = 0

    def put(self, key: str, chunks: Iterable[bytes], *, content_type: str = "application/octet-stream") -> ObjectInfo:
        self._script.step()
        return self._inner.put(key, chunks, content_type=content_type)

    def get(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        self._script.step()
        data = self._inner.get(key, start, end)
        self.gets += 1
        self.bytes += len(data)
        return data

    def head(self, key: str) -> ObjectInfo:
        self._script.step()
        return self._inner.head(key)

    def delete(self, key: str) -> None:
        self._script.step()
        self._inner.delete(key)

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        self._script.step()
        return self._inner.list(prefix, after=after, limit=limit)


@dataclass(frozen=True)
class Known:
    """What the model knows of a document."""

    commit: str
    words: frozenset[str]


@dataclass(frozen=True)
class Wanted:
    """What a query of this world means: some of these words, none of those, ids of times between."""

    some: frozenset[str] = frozenset(WORDS)
    none: frozenset[str] = frozenset()
    from_ms: int = 0
    to_ms: int = 1 << 47
    any: bool = False

    def __call__(self, ulid: str, words: frozenset[str]) -> bool:
        return (
            (self.any or bool(words & self.some))
            and not words & self.none
            and self.from_ms <= ulid_ms(ulid) < self.to_ms
        )


@dataclass
class World:
    """Stores, what works on them, and the model: `there` by kind and id."""

    retention_days: int = 0
    shape: Shape = SHAPE
    clock: Clock = field(default_factory=lambda: Clock(START_MS))

    def __post_init__(self) -> None:
        self.script = Script()
        self.records = ScriptedRecords(MemoryRecords(self.clock), self.script)
        self.objects = ScriptedObjects(MemoryObjects(self.clock), self.script)
        self.settings = Settings(retention_days=self.retention_days)
        self.rows = Rows(self.objects, self.records, self.settings)
        self.commits = UlidFactory(self.clock, lambda: 0)
        self.ids = UlidFactory(self.clock, lambda: 1)
        self.there: dict[Kind, dict[str, Known]] = {"message": {}, "session": {}}
        self.gone: set[str] = set()
        self.warm = self.search()

    def search(self, budget: Budget | None = None) -> Search:
        return Search(self.records, self.objects, self.settings, clock_ms=self.clock, budget=budget)

    def sealer(self) -> Sealer:
        return Sealer(self.objects, self.records, self.settings, clock_ms=self.clock, new_id=self.ids)

    def merger(self) -> Merger:
        return Merger(self.objects, self.records, self.settings, clock_ms=self.clock, new_id=self.ids, shape=self.shape)

    def housekeeping(self) -> Housekeeping:
        return Housekeeping(
            self.objects, self.records, self.settings, clock_ms=self.clock, new_id=self.ids, shape=self.shape
        )

    # what ingest does

    def write(self, kind: Kind, number: int, words: Iterable[str], *, is_open: bool = False) -> None:
        """A document whose id rises with `number`: a new one, or what was there written again."""
        ulid, chosen = ulid_of(kind, number), frozenset(words)
        if ulid in self.gone:
            return
        commit = self.commits()
        document = _document(kind, ulid, " ".join(sorted(chosen)), commit, is_open=is_open)
        writes: list[Write] = [
            Check(self.rows.keys.tombstone(ulid), Absent()),
            self.rows.put_document(document),
            self.rows.put_event(_event(document)),
        ]
        if kind == "message" and not self.rows.seen(ulid, None).message:
            writes.append(self.rows.put_message(message_record(ulid), commit))
        self.records.transact(writes)
        self.there[kind][ulid] = Known(commit, chosen)

    def delete(self, number: int) -> None:
        ulid = ulid_of("message", number)
        Removal(self.rows, self.commits).remove([ulid])
        self.there["message"].pop(ulid, None)
        self.gone.add(ulid)

    # scripts

    @contextmanager
    def scripted(self, at: int, action: Callable[[], object]) -> Iterator[Script]:
        """Within the block, `action` is done before the call of that number, from 0; a kill ends the block."""
        self.script.at, self.script.action, self.script.calls = at, action, 0
        try:
            yield self.script
        except Killed:
            pass
        finally:
            self.script.at = -1

    # the judge

    def expected(self, kind: Kind, wanted: Wanted) -> list[str]:
        """Ids that should be listed, newest first."""
        return sorted((ulid for ulid, known in self.alive(kind).items() if wanted(ulid, known.words)), reverse=True)

    def alive(self, kind: Kind) -> dict[str, Known]:
        horizon = self.clock() - self.retention_days * 86_400_000 + 1 if self.retention_days else 0
        return {ulid: known for ulid, known in self.there[kind].items() if ulid_ms(ulid) >= horizon}

    def judge(self, search: Search) -> None:
        """Every answer of `search` is the model's."""
        for kind in KINDS:
            for text, wanted in QUERIES.items():
                expected = self.expected(kind, wanted)
                assert walk(search, ask(kind, text), 2) == expected, (kind, text)
                assert search.count(ask(kind, text)).count == len(expected)
            alive = self.alive(kind)
            in_order = sorted(alive, key=lambda ulid: alive[ulid].commit)
            found = search.first(ask(kind), after_commit=after(0), count=100)
            assert [hit.id for hit in found] == in_order
            if len(in_order) > 1:
                hits = search.first(ask(kind), after_commit=alive[in_order[-2]].commit, count=1)
                assert [hit.id for hit in hits] == in_order[-1:]
            every = [ulid_of(kind, number) for number in range(60)]
            assert search.matching(kind, None, every) == set(alive)
            assert search.matching(kind, ask(kind, "alpha").parse(), every) == set(
                self.expected(kind, QUERIES["alpha"])
            )


ALPHA = frozenset({"alpha"})
QUERIES = {
    "": Wanted(any=True),
    "alpha": Wanted(ALPHA),
    "-alpha": Wanted(any=True, none=ALPHA),
    "beta OR gamma": Wanted(frozenset({"beta", "gamma"})),
    "alpha after:2023-11-15": Wanted(ALPHA, from_ms=1_700_006_400_000),
    "before:2023-11-15T02:00:00Z": Wanted(any=True, to_ms=1_700_013_600_000),
}


def ulid_of(kind: Kind, number: int) -> str:
    return make_ulid(START_MS + number * STEP_MS, KINDS.index(kind))


def ask(kind: Kind, text: str = "") -> Question:
    return Question(kind=kind, text=text, now=datetime(2023, 11, 20, tzinfo=UTC))


def walk(search: Search, question: Question, limit: int, between: Callable[[], None] = lambda: None) -> list[str]:
    """Ids of all pages of a list; something may happen between them."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = search.page(question, cursor=cursor, limit=limit)
        assert len(page.summaries) <= limit
        assert (page.scanned_through is None) or page.next is not None
        found += [_id(bytes(summary)) for summary in page.summaries]
        if page.next is None:
            return found
        cursor = page.next
        between()


def _id(summary: bytes) -> str:
    return summary.partition(b'"id":"')[2][:26].decode()


def _document(kind: Kind, ulid: str, text: str, commit: str, *, is_open: bool) -> IndexDocument:
    if kind == "message":
        return message_document(message_record(ulid, subject=text), "", commit)
    record = session_record(ulid, turns=(turn(1, "NOOP", f"NOOP {text}", (250, "2.0.0", "ok")),))
    return session_document(structs.replace(record, state="open" if is_open else "closed"), commit)


def _event(document: IndexDocument) -> Event:
    if document.kind == "message":
        return outbox.message_received(document, "messages/x.eml")
    return outbox.session_closed(document)
