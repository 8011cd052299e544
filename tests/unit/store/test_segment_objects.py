"""Segments read from objects: what is fetched is counted, kept, bounded; what goes wrong is told as it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailscribe.errors import CorruptObject, ObjectNotFound, StoreError, StoreUnavailable
from mailscribe.ids import make_ulid
from mailscribe.store.segment import BlockCache, BudgetSpent, Meter, Segment
from support.segments import KEY, stored, written
from support.stores import MemoryObjects
from support.tails import EVERYTHING, document, matching

SMALL = 16 * 1024


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    documents = [document(make_ulid(number, 0), f"alpha word{number} " + "w" * 900) for number in range(800)]
    return written(tmp_path_factory.mktemp("segment") / "s", documents)


class FailingObjects(MemoryObjects):
    """Raises what it is told to from the next read on."""

    error: StoreError | None = None

    def get(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        if self.error is not None:
            raise self.error
        return super().get(key, start, end)


def test_a_block_is_fetched_once(path: Path) -> None:
    objects, size, cache = stored(path), path.stat().st_size, BlockCache(block_bytes=SMALL)
    first, second = Meter(), Meter()
    hits = [Segment.of_object(objects, KEY, size, cache, meter).search(matching("word17")) for meter in (first, second)]
    assert [len(found) for found in hits] == [1, 1]
    assert 0 < first.gets < size // SMALL
    assert first.bytes <= first.gets * SMALL
    assert (second.gets, second.bytes) == (0, 0)


@pytest.mark.parametrize("block_bytes", [512, 3000, 8192, 1 << 20])
def test_any_size_of_block_gives_the_same(path: Path, block_bytes: int) -> None:
    with_blocks = Segment.of_object(stored(path), KEY, path.stat().st_size, BlockCache(block_bytes=block_bytes), None)
    assert with_blocks.search(EVERYTHING) == Segment.of_file(path).search(EVERYTHING)


def test_the_cache_is_bounded() -> None:
    cache = BlockCache(100)
    cache.keep("a", 0, b"x" * 40)
    cache.keep("a", 1, b"x" * 60)
    assert len(cache) == 100
    assert cache.find("a", 0) is not None
    cache.keep("b", 0, b"x")
    assert (len(cache), cache.find("a", 1)) == (41, None)
    cache.keep("b", 0, b"xy")
    assert len(cache) == 42
    cache.keep("b", 1, b"x" * 101)
    assert len(cache) == 0


@pytest.mark.parametrize(("spare", "passes"), [(-1, False), (0, True), (1, True)])
@pytest.mark.parametrize("limit", ["max_gets", "max_bytes"])
def test_a_query_ends_when_its_budget_is_spent(path: Path, limit: str, spare: int, passes: bool) -> None:
    objects, size = stored(path), path.stat().st_size

    def ask(meter: Meter) -> int:
        return len(Segment.of_object(objects, KEY, size, BlockCache(block_bytes=SMALL), meter).search(EVERYTHING))

    free = Meter()
    assert ask(free) == 800
    needed = free.gets if limit == "max_gets" else free.bytes
    meter = Meter(**{limit: needed + spare})
    if passes:
        assert ask(meter) == 800
    else:
        with pytest.raises(BudgetSpent):
            ask(meter)
        assert (meter.gets, meter.bytes) <= (free.gets - 1, free.bytes)


@pytest.mark.parametrize("error", [ObjectNotFound(KEY), StoreUnavailable("down")])
def test_what_a_read_fails_of_is_what_is_raised(path: Path, error: StoreError) -> None:
    """In the middle of a search too; afterwards the segment can be read again."""
    objects = FailingObjects()
    objects.put(KEY, [path.read_bytes()])
    segment = Segment.of_object(objects, KEY, path.stat().st_size, BlockCache(block_bytes=SMALL))
    objects.error = error
    calls: list[Callable[[], object]] = [
        lambda: segment.search(EVERYTHING),
        lambda: list(segment.documents()),
        lambda: segment.commits([make_ulid(700, 0)]),
    ]
    for call in calls:
        with pytest.raises(type(error)):
            call()
    with pytest.raises(type(error)):
        Segment.of_object(objects, KEY, path.stat().st_size, BlockCache())
    objects.error = None
    assert len(segment.search(EVERYTHING)) == 800


class FailingOnce(MemoryObjects):
    """The read of this number fails, counted from 0; those before and after it do not."""

    def __init__(self, fails: int) -> None:
        super().__init__()
        self.left = fails

    def get(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        self.left -= 1
        if self.left == -1:
            raise StoreUnavailable("down")
        return super().get(key, start, end)


def test_whichever_read_fails_it_is_told(path: Path) -> None:
    """No read that failed is passed over by SQLite, when opening, in the index, or among the rows."""
    size, fails = path.stat().st_size, 0
    while True:
        objects = FailingOnce(fails)
        objects.put(KEY, [path.read_bytes()])
        try:
            segment = Segment.of_object(objects, KEY, size, BlockCache(block_bytes=8192))
            found = len(segment.search(matching("alpha"))), len(list(segment.documents(make_ulid(700, 0))))
        except StoreUnavailable:
            fails += 1
            continue
        break
    assert found == (800, 99)
    assert objects.left >= 0
    assert fails > 10


@pytest.mark.parametrize("cut", [1, 8192, 100_000])
def test_an_object_that_is_shorter_than_it_should_be(path: Path, cut: int) -> None:
    objects = MemoryObjects()
    objects.put(KEY, [path.read_bytes()[:-cut]])
    with pytest.raises(CorruptObject):
        Segment.of_object(objects, KEY, path.stat().st_size, BlockCache(), None).search(EVERYTHING)


def test_a_stopped_query_ends_in_the_middle_of_a_search(path: Path) -> None:
    """The same whether pages come from objects, or a file that is open for all queries."""
    stopped = Meter()
    stopped.stop()
    segment = Segment.of_file(path)
    with pytest.raises(BudgetSpent):
        segment.search(EVERYTHING, stopped)
    assert len(segment.search(EVERYTHING)) == 800
