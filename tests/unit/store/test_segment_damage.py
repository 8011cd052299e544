"""What is no segment, or no longer one: an error of the store, or the right answer; never a crash."""

from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import apsw
import pytest

from mailscribe.errors import CorruptObject
from mailscribe.ids import make_ulid
from mailscribe.store.segment import Segment, unpacked
from support.segments import OPENERS, written
from support.tails import EVERYTHING, document, matching


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    documents = [document(make_ulid(number, 0), f"alpha word{number} " + "w" * 300) for number in range(120)]
    return written(tmp_path_factory.mktemp("segment") / "s", documents).read_bytes()


def read_all(segment: Segment) -> None:
    segment.search(EVERYTHING)
    segment.search(matching("alpha"))
    segment.search(matching("word77"))
    segment.commits([make_ulid(60, 0)])
    for entry in segment.documents():
        unpacked(entry)


@pytest.fixture(params=OPENERS)
def opener(request: pytest.FixtureRequest) -> Callable[[Path], Segment]:
    found: Callable[[Path], Segment] = OPENERS[request.param]
    return found


@pytest.mark.parametrize("data", [b"", b"x", b"SQLite format 3\0", b"\0" * 20_000, b"<html>" * 5000], ids=len)
def test_other_files(tmp_path: Path, opener: Callable[[Path], Segment], data: bytes) -> None:
    (tmp_path / "s").write_bytes(data)
    with pytest.raises(CorruptObject):
        opener(tmp_path / "s")


def test_another_database(tmp_path: Path, opener: Callable[[Path], Segment]) -> None:
    with closing(apsw.Connection(str(tmp_path / "s"))) as database:
        database.execute("CREATE TABLE doc(n INTEGER PRIMARY KEY)")
    with pytest.raises(CorruptObject, match="no segment of format 1"):
        opener(tmp_path / "s")


def test_another_format(tmp_path: Path, sound: bytes, opener: Callable[[Path], Segment]) -> None:
    (tmp_path / "s").write_bytes(sound)
    with closing(apsw.Connection(str(tmp_path / "s"))) as database:
        database.execute("PRAGMA user_version=2")
    with pytest.raises(CorruptObject, match="no segment of format 1"):
        opener(tmp_path / "s")


@pytest.mark.parametrize(
    "damage", [(b"unicode61", b"unicode62"), (b"summary BLOB", b"sommary BLOB"), (b"fts5(", b"ftsX(")]
)
def test_a_damaged_schema(
    tmp_path: Path, sound: bytes, opener: Callable[[Path], Segment], damage: tuple[bytes, bytes]
) -> None:
    """What SQLite would call a mistake in the question."""
    (tmp_path / "s").write_bytes(sound.replace(*damage))
    with pytest.raises(CorruptObject):
        opener(tmp_path / "s")


@pytest.mark.parametrize("left", [100, 1000, 8192, 8193, 50_000, -8192, -1])
def test_cut_short(tmp_path: Path, sound: bytes, opener: Callable[[Path], Segment], left: int) -> None:
    (tmp_path / "s").write_bytes(sound[:left])
    with pytest.raises(CorruptObject):
        read_all(opener(tmp_path / "s"))


@pytest.mark.parametrize("seed", range(150))
def test_flipped_bytes(tmp_path: Path, sound: bytes, opener: Callable[[Path], Segment], seed: int) -> None:
    random, data = Random(seed), bytearray(sound)
    for _ in range(random.choice([1, 1, 20, 400])):
        data[random.randrange(min(len(data), random.choice([200, 8192, len(data)])))] = random.randrange(256)
    (tmp_path / "s").write_bytes(data)
    with suppress(CorruptObject):
        read_all(opener(tmp_path / "s"))


def test_pages_of_zeros_are_noticed(sound: bytes) -> None:
    """Each page of the file but those of the index on commit sequences, which nothing here reads."""
    unnoticed = []
    for start in range(0, len(sound), 8192):
        try:
            read_all(Segment.of_bytes(sound[:start] + bytes(8192) + sound[start + 8192 :]))
        except CorruptObject:
            continue
        unnoticed.append(start // 8192)
    assert len(unnoticed) <= 2, unnoticed
