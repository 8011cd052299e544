"""Writing segments: `build` from documents by rising id, `merge` from segments.

A segment is made in a file beside it, copied without gaps to another, and of that the pages are put in order; so a
writer needs up to three times a segment's room on disk. The same documents make the same bytes. A writer that fails
leaves no file; what it needs of memory does not grow with the number of documents.
"""

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import batched, chain, groupby
from pathlib import Path
from typing import Final, Protocol

import apsw

from mailscribe.store.index_schema import SCHEMA_OF_SEGMENT, Packed, insert
from mailscribe.store.page_order import reorder

APPLICATION_ID: Final = 0x6D736578
"""`msex`, in the header of every segment: `file` and SQLite show it."""
FORMAT: Final = 1
"""`PRAGMA user_version` of a segment."""
PAGE_BYTES: Final = 8192
_LEAF_BYTES: Final = 8100
"""So that a leaf of FTS5 fills a page."""
_HASH_BYTES: Final = 16 << 20
"""Words that FTS5 gathers in memory before it writes them."""
_PIECE: Final = 100
_SETTINGS: Final = (("pgsz", _LEAF_BYTES), ("hashsize", _HASH_BYTES), ("automerge", 0))
_CREATED: Final = re.compile("^(CREATE (?:VIRTUAL )?(?:TABLE|INDEX) )")
_COPIES: Final = (
    "DELETE FROM made.fts_config",
    "INSERT INTO made.fts_config SELECT * FROM main.fts_config",
    "INSERT INTO made.fts_idx SELECT * FROM main.fts_idx",
    "DELETE FROM made.fts_data",
    "INSERT INTO made.fts_data SELECT * FROM main.fts_data",
    "INSERT INTO made.doc SELECT * FROM main.doc",
    "INSERT INTO made.txt SELECT * FROM main.txt",
)


@dataclass(frozen=True, slots=True)
class Extent:
    """What a finished segment holds: how much, from which id to which, of which commit sequences."""

    documents: int
    bytes: int
    first: str
    last: str
    oldest_commit: str
    newest_commit: str


class Input(Protocol):
    """What is merged: a segment."""

    def documents(self, after: str = "") -> Iterator[Packed]:
        """By id."""
        ...


def build(path: Path, documents: Iterable[Packed]) -> Extent:
    """Write a segment. Raises `ValueError` for ids that do not rise, or no document at all."""
    loose, copied = (path.with_name(f"{path.name}.{step}") for step in ("loose", "copied"))
    for file in (loose, copied, path):
        file.unlink(missing_ok=True)
    watch = _Watch()
    try:
        _write(loose, copied, watch.over(documents))
        loose.unlink()
        reorder(copied, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        for file in (loose, copied):
            file.unlink(missing_ok=True)
    return watch.extent(path.stat().st_size)


def merge(path: Path, inputs: Sequence[Input], keep: Callable[[str, str], bool]) -> Extent | None:
    """Write one segment of several: of one id the greatest commit stays, unless `keep(id, commit)` is false.

    None, and no file, when nothing was left. Raises what reading the inputs raises.
    """
    left = _left(inputs, keep)
    first = next(left, None)
    if first is None:
        return None
    return build(path, chain((first,), left))


class _Watch:
    """Sees to it that ids rise, and remembers what passed."""

    def __init__(self) -> None:
        self._count = 0
        self._first = self._last = ""
        self._oldest = self._newest = ""

    def over(self, documents: Iterable[Packed]) -> Iterator[Packed]:
        for document in documents:
            if self._count and document.id <= self._last:
                raise ValueError(f"{document.id} after {self._last}")
            if not self._count:
                self._first, self._oldest = document.id, document.commit
            self._count += 1
            self._last = document.id
            self._oldest = min(self._oldest, document.commit)
            self._newest = max(self._newest, document.commit)
            yield document
        if not self._count:
            raise ValueError("a segment of no documents")

    def extent(self, size: int) -> Extent:
        return Extent(self._count, size, self._first, self._last, self._oldest, self._newest)


def _write(loose: Path, copied: Path, documents: Iterable[Packed]) -> None:
    with closing(_create(loose)) as database:
        with database:
            for piece in batched(enumerate(documents, 1), _PIECE, strict=False):
                insert(database, piece)
            database.execute("INSERT INTO fts(fts) VALUES('optimize')")
        _copy(database, copied)


def _create(path: Path) -> apsw.Connection:
    database = apsw.Connection(str(path))
    _prepare(database, "main")
    for name, value in _SETTINGS:
        database.execute("INSERT INTO fts(fts, rank) VALUES(?, ?)", (name, value))
    return database


def _prepare(database: apsw.Connection, schema: str) -> None:
    """An empty segment in one of the connection's databases."""
    for pragma in (f"page_size={PAGE_BYTES}", "journal_mode=OFF", "synchronous=OFF"):
        database.execute(f"PRAGMA {schema}.{pragma}")
    for statement in SCHEMA_OF_SEGMENT:
        database.execute(_CREATED.sub(rf"\1{schema}.", statement, count=1))
    database.execute(f"PRAGMA {schema}.application_id={APPLICATION_ID}")
    database.execute(f"PRAGMA {schema}.user_version={FORMAT}")


def _copy(database: apsw.Connection, path: Path) -> None:
    """Copy to `path`, table by table, which leaves no gaps."""
    database.execute("ATTACH ? AS made", (str(path),))
    _prepare(database, "made")
    with database:
        for statement in _COPIES:
            database.execute(statement)
    database.execute("DETACH made")


def _left(inputs: Sequence[Input], keep: Callable[[str, str], bool]) -> Iterator[Packed]:
    rising = heapq.merge(*(segment.documents() for segment in inputs), key=lambda document: document.id)
    for ulid, same in groupby(rising, key=lambda document: document.id):
        newest = max(same, key=lambda document: document.commit)
        if keep(ulid, newest.commit):
            yield newest
