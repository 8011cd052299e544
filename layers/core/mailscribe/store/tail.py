"""The tail: documents not sealed into a segment, in an in-memory SQLite FTS5 index of the segments' schema.

Row numbers rise with ids, so that newest first is the index's own order backwards. Documents arrive out of that
order: a late one takes a number between its neighbours', in proportion to its time (`GAP` numbers lie between two
that came in order); when none is free, neighbours move apart. The packed texts are kept for that move alone.

Safe to share between threads. A writer holds the lock for a piece of its documents at a time and waiters take turns,
so a search passes through a bulk load. A search sees each document whole or not at all.
"""

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self

import apsw
from msgspec import Raw

from mailscribe.ids import ulid_ms
from mailscribe.records import IndexDocument, Kind
from mailscribe.store.index_schema import SCHEMA_OF_TAIL, Packed, insert, packed

GAP: Final = 256
"""Measured at 10,000 documents of 300 words: 1 makes 1,381 B of index each, 64 1,545, 1,024 1,674, 2**20 1,975."""
PIECE_DOCUMENTS: Final = 200
PIECE_CHARACTERS: Final = 1_000_000
"""What a writer writes under one hold of the lock: about 50 ms."""

_ENTRY: Final = "SELECT id, commit_seq, size, summary, z FROM doc JOIN txt USING(n) WHERE n = ?"
_BELOW: Final = "SELECT n, id FROM doc WHERE id < ? ORDER BY id DESC LIMIT ?"
_ABOVE: Final = "SELECT n, id FROM doc WHERE id > ? ORDER BY id LIMIT ?"
_WINDOW: Final = 16


class Statement(Protocol):
    """What a planner makes: one SQL statement with rows (n, id, commit_seq, summary), and its parameters."""

    @property
    def sql(self) -> str:
        """The text, with `?` for each parameter."""
        ...

    @property
    def parameters(self) -> tuple[str | int, ...]:
        """The parameters in order."""
        ...


@dataclass(frozen=True, slots=True)
class Hit:
    """A document found: its id, its commit sequence, the JSON of its summary."""

    id: str
    commit: str
    summary: Raw


@dataclass(frozen=True, slots=True)
class _Row:
    """A document's place: row number and id."""

    n: int
    id: str


class Tail:
    """The documents of one kind, searchable."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._turns = _Turns()
        self._database = apsw.Connection(":memory:")
        for statement in SCHEMA_OF_TAIL:
            self._database.execute(statement)

    def __len__(self) -> int:
        with self._turns:
            return int(self._fetch("SELECT count(*) FROM doc")[0][0])

    def oldest(self) -> str | None:
        """The least id there is."""
        with self._turns:
            found: str | None = self._fetch("SELECT min(id) FROM doc")[0][0]
        return found

    def commits(self, ids: Sequence[str]) -> dict[str, str]:
        """The commit sequence of each of `ids` that is there."""
        with self._turns:
            rows = [row for ulid in ids for row in self._fetch("SELECT id, commit_seq FROM doc WHERE id = ?", ulid)]
        return dict(rows)

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """Add documents, replacing those of the same id; of two with one id the last stays.

        Raises `ValueError` for a document of another kind; then none is added.
        """
        latest = {document.id: document for document in documents}
        if any(document.kind != self.kind for document in latest.values()):
            raise ValueError(f"a document of another kind in the tail of {self.kind}s")
        for piece in _pieces(sorted(latest.values(), key=lambda document: document.id)):
            entries = [packed(document) for document in piece]
            with self._turns, self._database:
                self._write(entries)

    def remove(self, ids: Iterable[str]) -> None:
        """Remove documents; an id that is not there is no error."""
        with self._turns, self._database:
            numbers = [found.n for found in map(self._row, ids) if found is not None]
            self._delete(numbers)

    def search(self, statement: Statement) -> list[Hit]:
        """The rows of a planner's statement, in its order."""
        with self._turns:
            rows = self._fetch(statement.sql, *statement.parameters)
        return [Hit(ulid, commit, Raw(summary)) for _, ulid, commit, summary in rows]

    def _write(self, entries: Sequence[Packed]) -> None:
        """Write entries of rising ids: a run of new ones between two neighbours at a time."""
        start = 0
        while start < len(entries):
            present = self._row(entries[start].id)
            if present is not None:
                self._insert([present.n], entries[start : start + 1])
                start += 1
                continue
            low, high = self._rows(_BELOW, entries[start].id, 1), self._rows(_ABOVE, entries[start].id, 1)
            end = start + 1
            while end < len(entries) and (not high or entries[end].id < high[0].id):
                end += 1
            run = entries[start:end]
            self._insert(self._between(low, high, [entry.id for entry in run]), run)
            start = end

    def _insert(self, numbers: Iterable[int], entries: Sequence[Packed]) -> None:
        insert(self._database, zip(numbers, entries, strict=True))

    def _delete(self, numbers: Sequence[int]) -> None:
        for table in ("DELETE FROM doc WHERE n = ?", "DELETE FROM txt WHERE n = ?", "DELETE FROM fts WHERE rowid = ?"):
            self._database.executemany(table, [(n,) for n in numbers])

    def _between(self, low: list[_Row], high: list[_Row], run: Sequence[str]) -> Iterable[int]:
        """Row numbers for a run of ids between two neighbours, either of which may be missing."""
        if not high:
            first = low[0].n if low else 0
            return range(first + GAP, first + GAP * len(run) + 1, GAP)
        if not low:
            return range(high[0].n - GAP * len(run), high[0].n, GAP)
        if high[0].n - low[0].n <= len(run):
            return _in_proportion(*self._spread(low[0], high[0], len(run)), run)
        return _in_proportion(low[0], high[0], run)

    def _spread(self, low: _Row, high: _Row, wanted: int) -> tuple[_Row, _Row]:
        """Move neighbours apart until `wanted` numbers are free between `low` and `high`; their new places."""
        count = _WINDOW
        while True:
            below = [low, *self._rows(_BELOW, low.id, count)]
            above = [high, *self._rows(_ABOVE, high.id, count)]
            floor = below.pop() if len(below) > count else None
            ceiling = above.pop() if len(above) > count else None
            moving = below[::-1] + above
            slots = len(moving) + wanted + 1
            end = ceiling.n if ceiling else (floor.n if floor else 0) + GAP * slots
            begin = floor.n if floor else end - GAP * slots
            if end - begin >= 4 * slots:
                break
            count *= 2
        places = [begin + (end - begin) * (index + 1) // slots for index in range(slots - 1)]
        numbers = places[: len(below)] + places[len(below) + wanted :]
        self._move(moving, numbers)
        return _Row(numbers[len(below) - 1], low.id), _Row(numbers[len(below)], high.id)

    def _move(self, rows: Sequence[_Row], numbers: Sequence[int]) -> None:
        entries = [self._entry(row.n) for row in rows]
        self._delete([row.n for row in rows])
        self._insert(numbers, entries)

    def _entry(self, n: int) -> Packed:
        return Packed(*self._fetch(_ENTRY, n)[0])

    def _row(self, ulid: str) -> _Row | None:
        found = self._fetch("SELECT n FROM doc WHERE id = ?", ulid)
        return _Row(found[0][0], ulid) if found else None

    def _rows(self, query: str, ulid: str, limit: int) -> list[_Row]:
        return [_Row(n, found) for n, found in self._fetch(query, ulid, limit)]

    def _fetch(self, sql: str, *parameters: str | int) -> list[tuple[Any, ...]]:
        return self._database.execute(sql, parameters).fetchall()


class _Turns:
    """A lock whose waiters get it in the order they came."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Event] = deque()

    def __enter__(self) -> Self:
        with self._guard:
            if not self._held:
                self._held = True
                return self
            mine = threading.Event()
            self._waiting.append(mine)
        try:
            mine.wait()
        except BaseException:
            self._leave(mine)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            self._pass_on()

    def _leave(self, mine: threading.Event) -> None:
        """An interrupted waiter gives up its place, or the turn that came to it meanwhile."""
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
            else:
                self._pass_on()

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._held = False


def _in_proportion(low: _Row, high: _Row, run: Sequence[str]) -> Iterator[int]:
    """Rising numbers between two, where the times of the ids lie between the two times; there is room for all."""
    begin, end = ulid_ms(low.id), ulid_ms(high.id)
    last = low.n
    for index, ulid in enumerate(run):
        part, whole = (ulid_ms(ulid) - begin, end - begin) if end > begin else (index + 1, len(run) + 1)
        wanted = low.n + (high.n - low.n) * part // whole
        last = max(last + 1, min(wanted, high.n - len(run) + index))
        yield last


def _pieces(documents: Sequence[IndexDocument]) -> Iterator[list[IndexDocument]]:
    piece: list[IndexDocument] = []
    characters = 0
    for document in documents:
        piece.append(document)
        characters += len(document.body)
        if len(piece) == PIECE_DOCUMENTS or characters >= PIECE_CHARACTERS:
            yield piece
            piece, characters = [], 0
    if piece:
        yield piece
