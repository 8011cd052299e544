"""Pages in another order are the same database, whatever is in it; those that queries go through come first."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import apsw
import pytest

from mailscribe.ids import make_ulid
from mailscribe.records import IndexDocument
from mailscribe.store.page_order import reorder
from mailscribe.store.segment import Segment, packed
from support.segments import written
from support.tails import document, matching

SIZES = (1, 7000, 8100, 8157, 8158, 8200, 30_000, 300_000)
"""Of texts and summaries: within a page, at the most that a row holds of itself, and over many."""


def odd_documents() -> Iterator[IndexDocument]:
    """Rows that go on over other pages, in tables and, by words of thousands of letters, in the index of words."""
    random = Random(1)
    for number in range(400):
        size = random.choice(SIZES) if number % 5 == 0 else 50
        letters = "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=min(size, 9000)))
        body = f"{letters} every {random.randbytes(size // 4).hex(' ')} w{number}"
        yield document(make_ulid(number, 0), body, summary=b'"%s"' % (b"x" * random.choice(SIZES)))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("segment") / "odd", odd_documents())


def test_rows_of_any_length_are_as_they_were(path: Path) -> None:
    segment = Segment.of_file(path)
    assert list(segment.documents()) == [packed(put) for put in odd_documents()]
    assert len(segment.search(matching("every"))) == 400
    assert [hit.id for hit in segment.search(matching("w77"))] == [make_ulid(77, 0)]
    with closing(apsw.Connection(str(path))) as database:
        assert database.execute("PRAGMA integrity_check").get == "ok"
        database.execute("INSERT INTO fts(fts) VALUES('integrity-check')")


def test_every_page_is_there_once_and_order_is_kept_when_it_is_right(path: Path, tmp_path: Path) -> None:
    reorder(path, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_the_pages_that_queries_go_through_come_first(path: Path) -> None:
    """Roots, inner pages, the pages of `fts_idx`, and one leaf of `fts_data`: nothing else is among them."""
    with closing(apsw.Connection(str(path))) as database:
        roots = database.execute("SELECT rootpage FROM sqlite_schema WHERE rootpage > 0").fetchall()
        early = database.execute("SELECT pageno FROM dbstat WHERE name = 'fts_idx' OR pagetype = 'internal'").fetchall()
        begins = database.execute("SELECT pageno FROM dbstat WHERE name = 'fts_data' AND pagetype = 'leaf'").fetchall()
        pages = int(str(database.execute("PRAGMA page_count").get))
    hot = {1, *(int(str(number)) for (number,) in (*roots, *early)), int(str(begins[0][0]))}
    assert hot == set(range(1, len(hot) + 1))
    assert len(hot) < pages / 10


def test_roots_elsewhere_are_refused(tmp_path: Path) -> None:
    with closing(apsw.Connection(str(tmp_path / "s"))) as database:
        database.execute("CREATE TABLE a(x)")
        database.execute("CREATE TABLE b(x)")
        database.execute("DROP TABLE a")
    with pytest.raises(ValueError, match="roots"):
        reorder(tmp_path / "s", tmp_path / "t")
