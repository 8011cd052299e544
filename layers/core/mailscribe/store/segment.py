"""Sealed segments: immutable SQLite files of the index's schema, whose documents are numbered 1 to N by rising id.

A segment is written once, by `build` or `merge`, and then read by any number of threads: as a file, from bytes in
memory, or from an object a block at a time. What is no segment, or no longer one, raises `CorruptObject` where SQLite
can tell; it is never written to, and nothing of SQLite's errors comes out of here.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import apsw
from msgspec import Raw

from mailscribe.errors import CorruptObject, ObjectNotFound
from mailscribe.store.block_cache import BlockCache, BlockReader, BudgetSpent, Meter
from mailscribe.store.index_schema import SCHEMA_OF_SEGMENT, Packed, packed, unpacked
from mailscribe.store.ports import Objects
from mailscribe.store.segment_build import APPLICATION_ID, FORMAT, Extent, build, merge
from mailscribe.store.segment_vfs import ObjectFile, connect
from mailscribe.store.tail import Hit, Statement

__all__ = [
    "BlockCache",
    "BudgetSpent",
    "Extent",
    "Meter",
    "Packed",
    "Segment",
    "build",
    "merge",
    "packed",
    "unpacked",
]

_PRAGMAS: Final = ("PRAGMA query_only=1", "PRAGMA cell_size_check=1", "PRAGMA trusted_schema=0", "PRAGMA temp_store=2")
_PIECE: Final = 64
"""Documents that are read at once to be merged."""
_STEPS: Final = 20
"""Instructions of SQLite between two looks at whether the query was stopped; FTS5 takes one or two for a whole page of
places, so that a look comes each 0.1 ms in the longest of its loops and costs less than can be measured."""
_DOCUMENTS: Final = (
    "SELECT n, id, commit_seq, size, summary, z FROM doc JOIN txt USING(n) WHERE n >= ? ORDER BY n LIMIT ?"
)


class Segment:
    """The documents of one segment, searchable. Safe to share between threads, which take turns."""

    def __init__(self, database: apsw.Connection, name: str, meter: Meter | None, file: ObjectFile | None) -> None:
        self.name = name
        self._database = database
        self._meter = meter
        self._file = file
        self._lock = threading.Lock()
        try:
            self._check()
        except BaseException as error:
            self._database.close()
            if isinstance(error, apsw.SQLError):
                raise CorruptObject(f"{name} has not the tables of a segment: {error}") from error
            raise

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """A file of this machine. Raises `ObjectNotFound`, `CorruptObject`."""
        if not path.is_file():
            raise ObjectNotFound(str(path))
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        with _errors(str(path)):
            database = apsw.Connection(f"{path.absolute().as_uri()}?immutable=1", flags=flags)
        return cls(database, str(path), None, None)

    @classmethod
    def of_bytes(cls, data: bytes) -> Self:
        """A segment that was fetched whole. Raises `CorruptObject`."""
        if not data:
            raise CorruptObject("a segment of no bytes")
        database = apsw.Connection(":memory:")
        with _errors("a segment in memory"):
            database.deserialize("main", data)
        return cls(database, "a segment in memory", None, None)

    @classmethod
    def of_object(cls, objects: Objects, key: str, size: int, cache: BlockCache, meter: Meter | None = None) -> Self:
        """An object of `size` bytes, of which is read what is needed; `meter` counts and limits it.

        Raises, as every later call may: `ObjectNotFound`, `StoreUnavailable`, `BudgetSpent`, `CorruptObject`.
        """
        file = ObjectFile(BlockReader(objects, key, size, cache, meter))
        with _errors(key, file):
            database = connect(file)
        return cls(database, key, meter, file)

    def __len__(self) -> int:
        return int(self._fetch("SELECT coalesce(max(n), 0) FROM doc")[0][0])

    def __contains__(self, ulid: str) -> bool:
        return ulid in self.commits([ulid])

    def search(self, statement: Statement, meter: Meter | None = None) -> list[Hit]:
        """The rows of a planner's statement, in its order; `meter` (else the one of opening) can stop it."""
        with self._watched(meter or self._meter):
            rows = self._database.execute(statement.sql, statement.parameters).fetchall()
        return [_hit(self.name, row) for row in rows]

    def documents(self, after: str = "") -> Iterator[Packed]:
        """The documents of ids greater than `after`, by id."""
        found = self._fetch("SELECT n FROM doc WHERE id > ? ORDER BY id LIMIT 1", after)
        while found:
            found = self._fetch(_DOCUMENTS, found[-1][0] + (len(found[-1]) > 1), _PIECE)
            for row in found:
                yield _document(self.name, row)

    def commits(self, ids: Iterable[str]) -> dict[str, str]:
        """The commit sequence of each of `ids` that is there."""
        wanted = sorted(set(ids))
        rows = [row for ulid in wanted for row in self._fetch("SELECT id, commit_seq FROM doc WHERE id = ?", ulid)]
        return dict(rows)

    def close(self) -> None:
        """Let go of the file or the memory."""
        with self._lock:
            self._database.close()

    def _check(self) -> None:
        """Is it a segment, of a format that is known?"""
        with self._watched(None):
            for pragma in _PRAGMAS:
                self._database.execute(pragma)
            marks = [self._database.execute(f"PRAGMA {name}").get for name in ("application_id", "user_version")]
            if marks != [APPLICATION_ID, FORMAT]:
                raise CorruptObject(f"{self.name} is no segment of format {FORMAT}: it is marked {marks}")
            rows = self._database.execute("SELECT sql FROM sqlite_schema").fetchall()
            if not {(statement,) for statement in SCHEMA_OF_SEGMENT} <= set(rows):
                raise CorruptObject(f"{self.name} has not the tables of a segment")
            self._database.execute("SELECT rowid FROM fts LIMIT 0")

    def _fetch(self, sql: str, *parameters: str | int) -> list[tuple[Any, ...]]:
        with self._watched(self._meter):
            return self._database.execute(sql, parameters).fetchall()

    @contextmanager
    def _watched(self, meter: Meter | None) -> Iterator[None]:
        """This thread's turn, in which SQLite's errors become ours and the meter can stop it."""
        with self._lock, _errors(self.name, self._file):
            if meter is not None:
                self._database.set_progress_handler(lambda: meter.stopped, _STEPS)
            try:
                yield
            except apsw.InterruptError as error:
                raise BudgetSpent(f"a search of {self.name} was stopped") from error
            finally:
                if meter is not None:
                    self._database.set_progress_handler(None)


@contextmanager
def _errors(name: str, file: ObjectFile | None = None) -> Iterator[None]:
    """What SQLite says of damage, and what reading the object failed of, as errors of the store."""
    if file is not None:
        file.failure = None
    try:
        yield
    except (apsw.Error, UnicodeDecodeError) as error:
        if file is not None and file.failure is not None:
            raise file.failure from error
        if isinstance(error, apsw.SQLError | apsw.ConnectionClosedError):
            raise
        raise CorruptObject(f"{name} cannot be read as a segment: {error}") from error
    if file is not None and file.failure is not None:
        raise file.failure


def _hit(name: str, row: tuple[Any, ...]) -> Hit:
    _, ulid, commit, summary = row
    if not (isinstance(ulid, str) and isinstance(commit, str) and isinstance(summary, bytes)):
        raise CorruptObject(f"{name} has a document whose columns are of other types")
    return Hit(ulid, commit, Raw(summary))


def _document(name: str, row: tuple[Any, ...]) -> Packed:
    _, ulid, commit, size, summary, data = row
    if not (isinstance(ulid, str) and isinstance(commit, str) and isinstance(summary, bytes)):
        raise CorruptObject(f"{name} has a document whose columns are of other types")
    if not (isinstance(size, int) and isinstance(data, bytes)):
        raise CorruptObject(f"{name} has a document whose columns are of other types")
    return Packed(ulid, commit, size, summary, data)
