"""The schema of the index, in its two places: the tail in memory and sealed segments.

`doc` has a row for each document: its number, which rises with its id, and what a list shows. `fts` has the words
under the same number; it keeps no text. `txt` has the packed text, from which a document is indexed again: when the
tail moves it, when segments are merged. A planner's statement reads `doc` and `fts` and runs on both places alike.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import apsw
import msgspec

from mailscribe.errors import CorruptObject
from mailscribe.records import IndexDocument
from mailscribe.store.deflate import deflate

TOKENIZER: Final = "unicode61 remove_diacritics 0 categories 'L* M* N* Co'"
"""Stock; query/words.py has folded accents and case, and cut the text so that this cuts it at the same places."""

DOC: Final = (
    "CREATE TABLE doc(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, commit_seq TEXT NOT NULL,"
    " size INTEGER NOT NULL, summary BLOB NOT NULL)"
)
DOC_COMMIT: Final = "CREATE INDEX doc_commit ON doc(commit_seq)"
TXT: Final = "CREATE TABLE txt(n INTEGER PRIMARY KEY, z BLOB NOT NULL)"
_FTS: Final = f"CREATE VIRTUAL TABLE fts USING fts5(tags, subject, body, content='', tokenize=\"{TOKENIZER}\", "
FTS_OF_TAIL: Final = f"{_FTS}contentless_delete=1)"
FTS_OF_SEGMENT: Final = f"{_FTS}columnsize=0)"
"""A segment's rows are never removed, so it needs no sizes of columns: 10 to 20 B a document less."""
SCHEMA_OF_SEGMENT: Final = (DOC, DOC_COMMIT, FTS_OF_SEGMENT, TXT)
SCHEMA_OF_TAIL: Final = (DOC, DOC_COMMIT, FTS_OF_TAIL, TXT)

_PUT_DOC: Final = "INSERT OR REPLACE INTO doc(n, id, commit_seq, size, summary) VALUES(?, ?, ?, ?, ?)"
_PUT_TXT: Final = "INSERT OR REPLACE INTO txt(n, z) VALUES(?, ?)"
_PUT_FTS: Final = "INSERT OR REPLACE INTO fts(rowid, tags, subject, body) VALUES(?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Packed:
    """A document as it lies in the index; `packed` is deflate(msgpack((tags, subject, body))), `summary` is JSON."""

    id: str
    commit: str
    size: int
    summary: bytes
    packed: bytes


def packed(document: IndexDocument) -> Packed:
    """A document as the index keeps it."""
    texts = (" ".join(document.tags), document.subject, document.body)
    data = deflate(msgspec.msgpack.encode(texts), 1)
    return Packed(document.id, document.commit, document.size, bytes(document.summary), data)


def unpacked(entry: Packed) -> tuple[str, str, str]:
    """Tags (joined by spaces), subject and body. Raises `CorruptObject`."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(entry.packed), type=tuple[str, str, str])
    except (zlib.error, msgspec.DecodeError) as error:
        raise CorruptObject(f"the packed text of {entry.id} cannot be read") from error


def insert(database: apsw.Connection, placed: Iterable[tuple[int, Packed]]) -> None:
    """Write documents under their numbers."""
    rows = list(placed)
    database.executemany(_PUT_DOC, [(n, e.id, e.commit, e.size, e.summary) for n, e in rows])
    database.executemany(_PUT_TXT, [(n, e.packed) for n, e in rows])
    database.executemany(_PUT_FTS, [(n, *unpacked(e)) for n, e in rows])
