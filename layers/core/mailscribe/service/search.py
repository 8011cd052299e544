"""Lists, searches and waits over what is not yet sealed, always as new as the store.

A tail per kind is loaded once from its partitions and then kept warm from the event feed: before every answer the
entries that became readable since the last look are taken in, in commit sequence. A commit's sequence is made just
before its transaction, so a later one may be seen first; the last 20 seconds (in quiet times the last hour) are
therefore read again and doubles dropped. Lists are newest first by id; waits go by commit sequence.
"""

import heapq
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

import msgspec
from msgspec import Raw

from mailscribe.errors import CorruptObject, ObjectNotFound
from mailscribe.ids import LEAST, make_ulid, now_ms, ulid_ms
from mailscribe.query import And, CursorCodec, Node, Operator, Statement, Word, parse_query, plan
from mailscribe.records import Event, IndexDocument, Kind
from mailscribe.settings import Settings
from mailscribe.store.items import cursor_key, unpack
from mailscribe.store.keys import RecordKeys
from mailscribe.store.ports import Item, Objects, Records
from mailscribe.store.tail import Hit, Tail

OVERLAP_MS: Final = 20_000
"""A transaction takes less than this from the making of its commit sequence to its end, with all its retries."""
QUIET_MS: Final = 3_600_000
"""How far back the feed is read again when nothing newer is there: late entries cost little then."""
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
PAGE: Final = 1000
KINDS: Final[tuple[Kind, ...]] = ("message", "session")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for: a kind, a query, and the time and zone that its relative dates mean."""

    kind: Kind
    text: str = ""
    now: datetime
    tz: tzinfo = UTC

    def parse(self) -> Node | None:
        """The query's tree, None for every document. Raises `QueryError`."""
        return parse_query(self.text, self.kind, now=self.now, tz=self.tz)

    def binding(self) -> str:
        """What a cursor for this question is bound to; equal for the pages of one list, whenever they are asked for."""
        return f"{self.kind}\n{' '.join(self.text.split())}\n{self.tz}\n*"


@dataclass(frozen=True, slots=True)
class Page:
    """Summaries, newest first, as JSON; and the cursor of the next page if there is one."""

    summaries: tuple[Raw, ...]
    next: str | None


class Search:
    """Answers questions from warm tails. Safe to share between threads."""

    def __init__(
        self,
        records: Records,
        objects: Objects,
        settings: Settings,
        *,
        clock_ms: Callable[[], int] = now_ms,
        overlap_ms: int = OVERLAP_MS,
    ) -> None:
        """`overlap_ms` may be small where one thread commits everything: its sequences are readable in their order."""
        self._records = records
        self._objects = objects
        self._keys = RecordKeys(settings.shards)
        self._clock_ms = clock_ms
        self._overlap_ms = overlap_ms
        self._retention_ms = settings.retention_days * DAY_MS
        self._lock = threading.Lock()
        self._begun = 0
        self._warm: _Warm | None = None
        self._codec: CursorCodec | None = None

    def page(self, question: Question, *, cursor: str | None = None, limit: int = 25) -> Page:
        """At most `limit` matches, newest first, after `cursor`. Raises `QueryError`, `CursorError`, `StoreError`."""
        node, binding, codec = question.parse(), question.binding(), self._cursors()
        before = None if cursor is None else codec.decode(cursor, binding)
        hits = self._kept(self._tail(question.kind).search(plan(node, question.kind, before=before, limit=limit + 1)))
        more = len(hits) > limit
        shown = hits[:limit]
        return Page(tuple(hit.summary for hit in shown), codec.encode(shown[-1].id, binding) if more else None)

    def count(self, question: Question) -> int:
        """How many match, all of them counted. Raises `QueryError`, `StoreUnavailable`."""
        node, tail = question.parse(), self._tail(question.kind)
        found, before = 0, None
        while True:
            hits = tail.search(plan(node, question.kind, before=before, limit=PAGE))
            kept = self._kept(hits)
            found += len(kept)
            if len(hits) < PAGE or len(kept) < len(hits):
                return found  # behind one that has expired there are only such
            before = hits[-1].id

    def first(self, question: Question, *, after_commit: str, count: int) -> list[Hit]:
        """The first `count` matches that became readable after a commit sequence, in that order; fewer if so."""
        node = question.parse()
        tail = self._tail(question.kind)
        found: list[Hit] = []
        before = None
        while True:
            hits = tail.search(plan(node, question.kind, before=before, after_commit=after_commit, limit=PAGE))
            found = heapq.nsmallest(count, found + self._kept(hits), key=lambda hit: hit.commit)
            if len(hits) < PAGE:
                return found
            before = hits[-1].id

    def matching(self, kind: Kind, node: Node | None, ulids: Iterable[str]) -> set[str]:
        """Those of `ulids` that there are now and that match (None: anything does). Raises `StoreUnavailable`."""
        tail = self._tail(kind)
        return {ulid for ulid in ulids if self._kept(tail.search(_itself(kind, node, ulid)))}

    def oldest_ms(self) -> int | None:
        """The time in the id of the oldest message or session; None when there is none."""
        oldest = [ulid for kind in KINDS if (ulid := self._tail(kind).oldest()) is not None]
        return ulid_ms(min(oldest)) if oldest else None

    def commit_of(self, ulid: str) -> str | None:
        """The commit sequence by which a message or session became readable; None if there is no such."""
        stored = self._records.get_many([self._keys.tail(kind, ulid) for kind in KINDS])
        return unpack(stored[0], IndexDocument, self._objects).commit if stored else None

    def refresh(self) -> None:
        """Take in all that was readable when this was called. Raises `StoreUnavailable`."""
        arrived = self._begun
        with self._lock:
            if self._begun > arrived:
                return  # another's look began after this call: it saw everything that this one must
            self._begun += 1
            if self._warm is None:
                self._warm = self._load()
            self._follow(self._warm)

    def _kept(self, hits: list[Hit]) -> list[Hit]:
        """Those that have not expired since the tail took them in; of hits newest first, the ones in front."""
        if not self._retention_ms:
            return hits
        oldest = _least(max(0, self._clock_ms() - self._retention_ms))
        return [hit for hit in hits if hit.id >= oldest]

    def _tail(self, kind: Kind) -> Tail:
        self.refresh()
        if self._warm is None:
            raise RuntimeError("refresh returned without tails")
        return self._warm.tails[kind]

    def _cursors(self) -> CursorCodec:
        if self._codec is None:
            self._codec = CursorCodec(cursor_key(self._records))
        return self._codec

    def _load(self) -> "_Warm":
        """Tails of what the partitions hold; what is committed meanwhile may be missed, and is in the feed."""
        warm = _Warm({kind: Tail(kind) for kind in KINDS}, floor_ms=self._clock_ms() - OVERLAP_MS)
        for kind, tail in warm.tails.items():
            for partition in self._keys.tails(kind):
                for items in _pages(self._records, partition):
                    documents = self._documents(items)
                    tail.put(documents)
                    warm.met([document.commit for document in documents])
        return warm

    def _follow(self, warm: "_Warm") -> None:
        now = self._clock_ms()
        start = warm.start_ms(now, self._overlap_ms)
        fresh = [
            item
            for partition in _hours(start, warm.end_ms(now))
            for items in _pages(self._records, partition, start=_least(start))
            for item in items
            if item.sk not in warm.seen
        ]
        changed: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
        for item in fresh:
            for kind, ulid in self._subject(item):
                changed[kind].add(ulid)
        for kind, ulids in changed.items():
            if ulids:
                self._reload(kind, warm.tails[kind], sorted(ulids))
        warm.saw([item.sk for item in fresh], _least(start))

    def _subject(self, item: Item) -> list[tuple[Kind, str]]:
        try:
            event = unpack(item, Event, self._objects)
            ulid = msgspec.json.decode(event.detail, type=_Subject).id
        except ObjectNotFound:
            return []  # what it spoke of is gone
        except (CorruptObject, msgspec.MsgspecError):
            _log.exception("feed entry %s cannot be read and is passed over", item.key)
            return []
        return [("session" if event.type.startswith("session.") else "message", ulid)]

    def _reload(self, kind: Kind, tail: Tail, ulids: Sequence[str]) -> None:
        items = self._records.get_many([self._keys.tail(kind, ulid) for ulid in ulids])
        tail.put(self._documents(items))
        tail.remove(sorted(set(ulids) - {item.sk for item in items}))

    def _documents(self, items: Iterable[Item]) -> list[IndexDocument]:
        documents = []
        for item in items:
            try:
                documents.append(unpack(item, IndexDocument, self._objects))
            except ObjectNotFound:
                continue  # its delete is on its way
            except CorruptObject:
                _log.exception("tail item %s cannot be read and is left out of search", item.key)
        return documents


class _Subject(msgspec.Struct):
    id: str


class _Warm:
    """The tails, and how far the feed was read.

    Only what was read from the feed moves the place from which it is read again: documents that were loaded say
    nothing of those that were committed just before them, behind the load's back.
    """

    def __init__(self, tails: dict[Kind, Tail], *, floor_ms: int) -> None:
        self.tails = tails
        self.seen: set[str] = set()
        self._floor_ms = floor_ms
        self._newest = LEAST
        self._furthest = LEAST

    def start_ms(self, now: int, overlap_ms: int) -> int:
        """From where the feed must be read again: see the module's rule."""
        floor = min(self._floor_ms, now - OVERLAP_MS)
        if self._newest == LEAST:
            return max(0, floor)
        return max(0, floor, min(ulid_ms(self._newest), now) - overlap_ms, now - QUIET_MS)

    def end_ms(self, now: int) -> int:
        """Up to where: sequences go on from the furthest when the clock steps back; a day ahead is no clock's."""
        return max(now, min(ulid_ms(self._furthest), now + DAY_MS)) + OVERLAP_MS

    def saw(self, commits: Sequence[str], start: str) -> None:
        """Note the commits that the feed named, and forget those that will not be read again."""
        self.seen = {commit for commit in self.seen if commit >= start} | set(commits)
        self._newest = max(self._newest, *commits, LEAST)
        self.met(commits)

    def met(self, commits: Sequence[str]) -> None:
        """Note how far the sequence has come."""
        self._furthest = max(self._furthest, *commits, LEAST)


def after(milliseconds: int) -> str:
    """The commit sequence just before every one that is made at `milliseconds` since 1970 or later."""
    return LEAST if milliseconds <= 0 else make_ulid(milliseconds - 1, (1 << 80) - 1)


def _itself(kind: Kind, node: Node | None, ulid: str) -> Statement:
    """A statement whose one row is that document, if it matches."""
    itself = Operator("id" if kind == "message" else "session", Word(ulid))
    return plan(itself if node is None else And((itself, node)), kind, limit=1)


def _least(milliseconds: int) -> str:
    return make_ulid(milliseconds, 0)


def _hours(first_ms: int, last_ms: int) -> list[str]:
    last = last_ms // HOUR_MS * HOUR_MS
    hours = range(first_ms // HOUR_MS * HOUR_MS, last + 1, HOUR_MS)
    return [RecordKeys.event(_least(hour)).pk for hour in hours]


def _pages(records: Records, partition: str, start: str = "") -> Iterable[list[Item]]:
    while items := records.query(partition, start=start, limit=PAGE):
        yield items
        if len(items) < PAGE:
            return
        start = items[-1].sk + "\0"
