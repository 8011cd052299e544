"""What a query reads of a segment does not grow with the segment, but by the depth of its trees."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from mailscribe.ids import make_ulid
from mailscribe.query import Statement, parse_query, plan
from mailscribe.query.tags import tag
from mailscribe.records import IndexDocument
from mailscribe.store.segment import BlockCache, BudgetSpent, Meter, Segment
from support.segments import KEY, stored, written
from support.tails import document

START_MS = 1_700_000_000_000
SIZES = (1_250, 5_000, 20_000)
PAGE_BYTES = 8192
A_WORD = 3
"""What 16 times as many documents may add for each word: a level of the tree of words and of the tree of their places,
and the list of pages that its places now have."""
A_ROW = 1
"""And a level of the tree of rows."""


def message(number: int) -> IndexDocument:
    sender = tag("from", f"p{number % 5}@x.org")
    made = document(
        make_ulid(START_MS + number * 1000, 0),
        f"alpha beta w{number % 50} gamma delta",
        summary=b'{"n":"%0300d"}' % number,
    )
    return IndexDocument(
        kind="message", id=made.id, commit=made.commit, size=1, tags=(tag("all", "documents"), sender), subject="s",
        body=made.body, summary=made.summary,
    )  # fmt: skip


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("segments")
    return [written(folder / f"{size}", map(message, range(size))) for size in SIZES]


@cache
def asked(text: str, *, before: str | None = None, after_commit: str | None = None) -> Statement:
    node = parse_query(text, "message", now=datetime(2026, 1, 1, tzinfo=UTC), tz=UTC)
    return plan(node, "message", before=before, after_commit=after_commit, limit=25)


def pages_read(path: Path, statement: Statement) -> int:
    meter = Meter()
    cache = BlockCache(block_bytes=PAGE_BYTES)
    segment = Segment.of_object(stored(path), KEY, path.stat().st_size, cache, meter)
    opened = meter.gets
    assert len(segment.search(statement)) == 25
    return meter.gets - opened


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), ("alpha", 1), ("alpha beta", 2), ('"gamma delta"', 2), ("from:p3@x.org", 1), ("-nowhere", 2)],
)
@pytest.mark.parametrize("before", [None, make_ulid(START_MS + 600_000, 0)])
def test_a_page_reads_as_much_of_a_large_segment_as_of_a_small_one(
    paths: list[Path], text: str, words: int, before: str | None
) -> None:
    reads = [pages_read(path, asked(text, before=before)) for path in paths]
    assert max(reads) <= reads[0] + words * A_WORD + A_ROW, reads
    assert max(reads) <= 20, reads


@pytest.mark.parametrize("text", ["", "alpha"])
def test_what_is_newer_than_a_commit_reads_no_more_of_a_large_segment(paths: list[Path], text: str) -> None:
    """A hundred documents are newer."""
    bounds = [make_ulid(START_MS + (size - 100) * 1000, 0) for size in SIZES]
    reads = [pages_read(path, asked(text, after_commit=bound)) for path, bound in zip(paths, bounds, strict=True)]
    assert max(reads) <= reads[0] + A_WORD + 2 * A_ROW, reads


def test_what_matches_nothing_reads_next_to_nothing(paths: list[Path]) -> None:
    for path in paths:
        meter = Meter()
        segment = Segment.of_object(stored(path), KEY, path.stat().st_size, BlockCache(block_bytes=PAGE_BYTES), meter)
        assert segment.search(asked("nowhere")) == []
        assert meter.gets <= 10


class Impatient(Meter):
    """Stops at the third look."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    @property
    def stopped(self) -> bool:
        self.looks += 1
        return self.looks >= 3


def test_a_search_that_finds_nothing_for_long_can_be_stopped(paths: list[Path]) -> None:
    """Two words of every document that never stand side by side: SQLite would read on to the first document."""
    segment, meter = Segment.of_file(paths[-1]), Impatient()
    with pytest.raises(BudgetSpent):
        segment.search(asked('"beta alpha"'), meter)
    assert meter.looks == 3
