"""A segment holds what it was built of, in each way of opening it, and answers as the tail does."""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from mailscribe.errors import ObjectNotFound
from mailscribe.ids import make_ulid
from mailscribe.records import IndexDocument
from mailscribe.store.segment import Extent, Segment, build, merge, packed, unpacked
from mailscribe.store.tail import Hit, Tail
from support.segments import OPENERS, written
from support.tails import EVERYTHING, document, matching

DOCUMENTS = [
    document(
        make_ulid(1000 + number, 0), f"alpha word{number}", commit=make_ulid(5000 - number, 1), summary=b"%d" % number
    )
    for number in range(300)
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("segment") / "one.sqlite", DOCUMENTS)


@pytest.fixture(params=OPENERS)
def segment(request: pytest.FixtureRequest, path: Path) -> Segment:
    opener: Callable[[Path], Segment] = OPENERS[request.param]
    return opener(path)


def test_it_answers_as_the_tail_does(segment: Segment) -> None:
    tail = Tail("message")
    tail.put(DOCUMENTS)
    for statement in (EVERYTHING, matching("alpha"), matching("word7"), matching("nowhere")):
        assert segment.search(statement) == tail.search(statement)
    assert len(segment) == len(DOCUMENTS)


def test_it_gives_its_documents_back_by_id(segment: Segment) -> None:
    entries = [packed(document) for document in DOCUMENTS]
    assert list(segment.documents()) == entries
    assert list(segment.documents(entries[99].id)) == entries[100:]
    assert list(segment.documents(make_ulid(1099, 5))) == entries[100:]
    assert list(segment.documents(entries[-1].id)) == []
    assert unpacked(entries[3]) == ("all", "s", "alpha word3")


def test_it_tells_which_ids_it_holds(segment: Segment) -> None:
    first, last, absent = DOCUMENTS[0], DOCUMENTS[-1], make_ulid(1, 1)
    assert segment.commits([last.id, absent, first.id, first.id]) == {first.id: first.commit, last.id: last.commit}
    assert first.id in segment
    assert absent not in segment


def test_several_threads_search_it(segment: Segment) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: segment.search(matching(f"word{number}")), range(100)))
    assert found == [[Hit(put.id, put.commit, put.summary)] for put in DOCUMENTS[:100]]


def test_the_extent_says_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "s"
    extent = build(path, map(packed, DOCUMENTS))
    assert extent == Extent(
        300, path.stat().st_size, DOCUMENTS[0].id, DOCUMENTS[-1].id, make_ulid(4701, 1), make_ulid(5000, 1)
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["s"]


def test_the_same_documents_make_the_same_bytes(tmp_path: Path) -> None:
    assert written(tmp_path / "a", DOCUMENTS).read_bytes() == written(tmp_path / "b", DOCUMENTS).read_bytes()


@pytest.mark.parametrize("wrong", [[1, 0], [0, 0], [0, 2, 1]])
def test_ids_must_rise(tmp_path: Path, wrong: list[int]) -> None:
    with pytest.raises(ValueError, match="after"):
        build(tmp_path / "s", [packed(DOCUMENTS[number]) for number in wrong])
    assert list(tmp_path.iterdir()) == []


def test_nothing_makes_no_segment(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no documents"):
        build(tmp_path / "s", [])
    assert list(tmp_path.iterdir()) == []


def standard(path: Path, sql: str) -> str:
    """What the command line of Python's own module prints, which has another version of SQLite."""
    command = [sys.executable, "-m", "sqlite3", str(path), sql]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_standard_module_opens_it(path: Path) -> None:
    """A segment is a plain SQLite database: rows are 1 to N by id, pages are full, the index is sound."""
    assert standard(path, "PRAGMA integrity_check") == "('ok',)\n"
    facts = "SELECT page_size, freelist_count FROM pragma_page_size, pragma_freelist_count"
    assert standard(path, facts) == "(8192, 0)\n"
    rows = standard(path, "SELECT n, id FROM doc ORDER BY n").splitlines()
    assert rows == [str((number, put.id)) for number, put in enumerate(DOCUMENTS, 1)]
    assert standard(path, "SELECT rowid FROM fts WHERE fts MATCH '\"word7\"'") == "(8,)\n"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFound):
        Segment.of_file(tmp_path / "absent")


def everything(*_: str) -> bool:
    return True


def merged(path: Path, *inputs: list[IndexDocument], keep: Callable[[str, str], bool] = everything) -> Extent | None:
    segments = [Segment.of_file(written(path.with_name(f"{at}"), documents)) for at, documents in enumerate(inputs)]
    return merge(path, segments, keep)


def test_a_merge_is_the_segment_of_all(tmp_path: Path) -> None:
    extent = merged(tmp_path / "m", DOCUMENTS[::3], DOCUMENTS[1::3], DOCUMENTS[2::3])
    assert extent == build(tmp_path / "s", map(packed, DOCUMENTS))
    assert (tmp_path / "m").read_bytes() == (tmp_path / "s").read_bytes()


@pytest.mark.parametrize("order", [1, -1])
def test_of_one_id_the_greatest_commit_stays(tmp_path: Path, order: int) -> None:
    ulid = make_ulid(7, 7)
    old, new = document(ulid, "old", commit=make_ulid(1, 1)), document(ulid, "new", commit=make_ulid(2, 2))
    merged(tmp_path / "m", *[[old], [new]][::order])
    assert list(Segment.of_file(tmp_path / "m").documents()) == [packed(new)]


def test_what_is_not_kept_is_dropped(tmp_path: Path) -> None:
    """What decides is the version that stays: when that goes, an older one does not come back."""
    ulid, other = make_ulid(7, 7), document(make_ulid(8, 8))
    old, new = document(ulid, "old", commit=make_ulid(1, 1)), document(ulid, "new", commit=make_ulid(2, 2))
    merged(tmp_path / "m", [old, other], [new], keep=lambda ulid, commit: (ulid, commit) != (new.id, new.commit))
    assert list(Segment.of_file(tmp_path / "m").documents()) == [packed(other)]


def test_when_nothing_is_kept_there_is_no_file(tmp_path: Path) -> None:
    assert merged(tmp_path / "m", DOCUMENTS[:3], keep=lambda *_: False) is None
    assert merge(tmp_path / "m", [], everything) is None
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("way", ["build", "merge"])
def test_a_writer_holds_a_few_documents_at_a_time(tmp_path: Path, way: str) -> None:
    """Sixteen megabytes of text pass; what Python holds of them stays small."""
    random = Random(1)
    documents = (document(make_ulid(number, 0), random.randbytes(8000).hex(" ", 40)) for number in range(1000))
    if way == "merge":
        parts = [Segment.of_file(written(tmp_path / "part", documents))]
    tracemalloc.start()
    try:
        if way == "merge":
            merge(tmp_path / "s", parts, everything)
        else:
            build(tmp_path / "s", map(packed, documents))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000
    assert (tmp_path / "s").stat().st_size > 8_000_000
