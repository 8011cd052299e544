"""What one query sees, and how it is read: the tail first, then the catalog; newest first; as far as is needed.

Sources are the tail and every live segment. They are merged by id: a segment is opened only when no id that is still
to come can be greater than its last, so a page costs no more than what it shows. Of the versions of one document only
the one with the greatest commit counts, wherever it lies and whether or not it matches: the others are dropped where
they are read. What is removed or has expired is dropped there too.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, nsmallest
from typing import Final, Protocol

from mailscribe.ids import ALPHABET, GREATEST
from mailscribe.query import And, Node, Operator, Span, Statement, Word, plan, spans
from mailscribe.records import Kind, SegmentRow
from mailscribe.service.search.question import Budget
from mailscribe.service.segments import Segments
from mailscribe.store.segment import Meter
from mailscribe.store.tail import Hit, Tail

PAGE: Final = 1000
"""Hits that are read from a source at once, at most."""
_FALLING: Final = str.maketrans(ALPHABET, ALPHABET[::-1])


class BudgetSpent(Exception):
    """The budget has ended; everything with an id greater than `bound` was looked at."""

    def __init__(self, bound: str) -> None:
        super().__init__(bound)
        self.bound = bound


class Source(Protocol):
    """The tail or a segment."""

    def search(self, statement: Statement) -> list[Hit]:
        """The rows of a planner's statement, in its order."""
        ...

    def commits(self, ids: Sequence[str]) -> dict[str, str]:
        """The commit sequence of each of `ids` that is there."""
        ...


@dataclass(slots=True)
class Spending:
    """What an answer has cost, against its budget; None: it may cost what it takes."""

    budget: Budget | None = None
    clock: Callable[[], float] = time.monotonic
    meter: Meter = field(default_factory=Meter)
    documents: int = 0
    _begun: float | None = None

    def check(self, bound: str) -> None:
        """Call before each reading; raises `BudgetSpent` when there may be no more. The first is always allowed."""
        now = self.clock()
        if self._begun is None or self.budget is None:
            self._begun = now
            return
        if (
            now - self._begun >= self.budget.seconds
            or self.documents >= self.budget.documents
            or self.meter.gets >= self.budget.gets
            or self.meter.bytes >= self.budget.bytes
        ):
            raise BudgetSpent(bound)


@dataclass(slots=True)
class _Stream:
    """A source that is being read: hits at hand, and the greatest id that may still come after them."""

    row: SegmentRow | None
    upper: str
    chunk: int
    before: str | None
    hits: deque[Hit] = field(default_factory=deque)
    is_done: bool = False

    @property
    def place(self) -> tuple[str, int]:
        """Order of reading: greatest id first, and of equals first what was not read yet."""
        return (_falling(self.hits[0].id), 1) if self.hits else (_falling(self.upper), 0)


class View:
    """One query's sight of a kind. Belongs to one thread."""

    def __init__(
        self, tail: Tail, rows: Sequence[SegmentRow], segments: Segments, spending: Spending, *,
        graves: frozenset[str] | set[str] = frozenset(), horizon: str = "",
    ) -> None:  # fmt: skip
        """`horizon`: what has a lesser id has expired."""
        self._tail = tail
        self._rows = [row for row in rows if row.last >= horizon]
        self._rewriting = [row for row in self._rows if row.rewrites]
        self._segments = segments
        self._spending = spending
        self._graves = graves
        self._horizon = horizon
        self._opened: dict[str, Source] = {}

    @property
    def _kind(self) -> Kind:
        return self._tail.kind

    def hits(self, node: Node | None, *, before: str | None = None, chunk: int = PAGE) -> Iterator[Hit]:
        """All matches with ids less than `before`, newest first, each once. Raises `BudgetSpent`."""
        statement = self._planner(node)
        streams = [self._stream(row, before, chunk) for row in (None, *self._within(spans(node, self._kind, before)))]
        heap = [(*stream.place, index) for index, stream in enumerate(streams)]
        heapify(heap)
        pending: Hit | None = None
        while heap:
            _, is_read, index = heappop(heap)
            stream = streams[index]
            if not is_read:
                if stream.upper < self._horizon:
                    break
                if pending is not None and pending.id > stream.upper:
                    yield pending
                    pending = None
                try:
                    self._fill(stream, statement)
                except BudgetSpent:
                    if pending is not None:
                        yield pending
                    raise
            else:
                hit = stream.hits.popleft()
                if pending is not None and pending.id != hit.id:
                    yield pending
                    pending = None
                pending = hit if pending is None else max(pending, hit, key=_commit)
            if stream.hits or not stream.is_done:
                heappush(heap, (*stream.place, index))
        if pending is not None:
            yield pending

    def first(self, node: Node | None, *, after_commit: str, count: int) -> list[Hit]:
        """The first `count` matches that became readable after a commit sequence, in that order; fewer if so."""
        found: list[Hit] = []
        rows = [row for row in self._rows if row.newest_commit > after_commit]
        for row in (None, *sorted(rows, key=lambda row: row.oldest_commit)):
            if row is not None and len(found) == count and found[-1].commit <= row.oldest_commit:
                break
            stream = self._stream(row, None, PAGE)
            statement = self._planner(node, after_commit)
            while not stream.is_done:
                self._fill(stream, statement)
                distinct = {hit.id: hit for hit in (*found, *stream.hits)}
                found = nsmallest(count, distinct.values(), key=_commit)
                stream.hits.clear()
        return found

    def matching(self, node: Node | None, ulids: Sequence[str]) -> set[str]:
        """Those of `ulids` that there are and that match."""
        wanted = [ulid for ulid in ulids if ulid not in self._graves and ulid >= self._horizon]
        places: dict[str, SegmentRow | None] = dict.fromkeys(self._tail.commits(wanted))
        newest: dict[str, str] = {}
        for row in self._rows:
            asked = [ulid for ulid in wanted if ulid not in places or ulid in newest]
            for ulid, commit in self._commits(row, [ulid for ulid in asked if row.first <= ulid <= row.last]).items():
                if commit > newest.get(ulid, ""):
                    newest[ulid], places[ulid] = commit, row
        return {ulid for ulid, row in places.items() if self._source(row).search(_itself(self._kind, node, ulid))}

    def _stream(self, row: SegmentRow | None, before: str | None, chunk: int) -> _Stream:
        upper = GREATEST if row is None else row.last
        return _Stream(row, upper if before is None else min(upper, before), chunk, before)

    def _within(self, wanted: Sequence[Span]) -> list[SegmentRow]:
        """The segments that may hold something of these ids."""
        return [
            row
            for row in self._rows
            if any(row.last >= span.lowest and (span.end is None or row.first < span.end) for span in wanted)
        ]

    def _planner(self, node: Node | None, after_commit: str | None = None) -> Callable[[str | None, int], Statement]:
        """Plans once for all sources that are asked the same."""
        known: dict[tuple[str | None, int], Statement] = {}

        def statement(before: str | None, limit: int) -> Statement:
            asked = (before, limit)
            if asked not in known:
                known[asked] = plan(node, self._kind, before=before, after_commit=after_commit, limit=limit)
            return known[asked]

        return statement

    def _fill(self, stream: _Stream, statement: Callable[[str | None, int], Statement]) -> None:
        self._spending.check(stream.upper)
        found = self._source(stream.row).search(statement(stream.before, stream.chunk))
        self._spending.documents += len(found)
        stream.hits.extend(self._current(stream.row, found))
        stream.is_done = len(found) < stream.chunk
        if not stream.is_done:
            stream.before = stream.upper = found[-1].id
            stream.chunk = min(stream.chunk * 4, PAGE)

    def _current(self, row: SegmentRow | None, hits: Sequence[Hit]) -> list[Hit]:
        """Those that are neither removed nor expired and of which no newer version is anywhere."""
        there = [hit for hit in hits if hit.id not in self._graves and hit.id >= self._horizon]
        newer = self._newer(row, there)
        return [hit for hit in there if newer.get(hit.id, "") <= hit.commit]

    def _newer(self, row: SegmentRow | None, hits: Sequence[Hit]) -> Mapping[str, str]:
        found = {} if row is None else self._tail.commits([hit.id for hit in hits])
        for other in self._rewriting:
            if other is row:
                continue
            asked = [hit.id for hit in hits if other.first <= hit.id <= other.last and hit.commit < other.newest_commit]
            for ulid, commit in self._commits(other, asked).items():
                found[ulid] = max(commit, found.get(ulid, ""))
        return found

    def _commits(self, row: SegmentRow, ids: Sequence[str]) -> dict[str, str]:
        return self._source(row).commits(ids) if ids else {}

    def _source(self, row: SegmentRow | None) -> Source:
        if row is None:
            return self._tail
        if row.id not in self._opened:
            self._opened[row.id] = self._segments.open(row, self._spending.meter)
        return self._opened[row.id]


def _commit(hit: Hit) -> str:
    return hit.commit


def _falling(ulid: str) -> str:
    """A text that sorts the other way round."""
    return ulid.translate(_FALLING)


def _itself(kind: Kind, node: Node | None, ulid: str) -> Statement:
    """A statement whose one row is that document, if it matches."""
    itself = Operator("id" if kind == "message" else "session", Word(ulid))
    return plan(itself if node is None else And((itself, node)), kind, limit=1)
