"""Index documents and statements for tests of the tail that need no parser and no planner."""

from dataclasses import dataclass

from msgspec import Raw

from mailscribe.records import IndexDocument, Kind
from mailscribe.store.tail import Tail


@dataclass(frozen=True, slots=True)
class Plain:
    """A statement by hand."""

    sql: str
    parameters: tuple[str | int, ...] = ()


EVERYTHING = Plain("SELECT n, id, commit_seq, summary FROM doc ORDER BY n DESC")


def matching(word: str) -> Plain:
    """Documents that hold a word, newest first."""
    return Plain(
        "SELECT doc.n, id, commit_seq, summary FROM fts CROSS JOIN doc ON doc.n = fts.rowid"
        " WHERE fts MATCH ? ORDER BY fts.rowid DESC",
        (f'"{word}"',),
    )


def document(
    ulid: str, body: str = "alpha", *, kind: Kind = "message", commit: str = "", summary: bytes = b"{}"
) -> IndexDocument:
    """A document of few words."""
    return IndexDocument(
        kind=kind, id=ulid, commit=commit or ulid, size=1, tags=("all",), subject="s", body=body, summary=Raw(summary)
    )


def consistent(tail: Tail) -> None:
    """Row numbers rise with ids, the three tables hold the same rows, and FTS5 finds its index sound."""
    fetch = tail._database.execute
    rows = fetch("SELECT n, id FROM doc ORDER BY n").fetchall()
    assert [row[1] for row in rows] == sorted(str(row[1]) for row in rows)
    numbers = [row[0] for row in rows]
    assert [row[0] for row in fetch("SELECT n FROM txt ORDER BY n").fetchall()] == numbers
    assert [row[0] for row in fetch("SELECT rowid FROM fts WHERE fts MATCH 's' ORDER BY rowid").fetchall()] == numbers
    fetch("INSERT INTO fts(fts) VALUES('integrity-check')")
