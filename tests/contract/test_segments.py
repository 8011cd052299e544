"""A segment in any object store: the same answers in as many reads, and what is gone is said to be gone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mailscribe.errors import ObjectNotFound
from mailscribe.ids import make_ulid
from mailscribe.store.ports import Objects
from mailscribe.store.segment import BlockCache, Meter, Segment
from support.adapters import OBJECTS
from support.segments import KEY, stored, written
from support.tails import document, matching

BLOCK_BYTES = 16 * 1024


@pytest.fixture(params=OBJECTS)
def objects(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Objects]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with OBJECTS[request.param](tmp_path / "store") as made:
        yield made


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    documents = [
        document(make_ulid(number, 0), f"alpha word{number}", summary=b'"%0900d"' % number) for number in range(500)
    ]
    return written(tmp_path_factory.mktemp("segment") / "s", documents)


def test_the_same_answers_in_as_many_reads(objects: Objects, path: Path) -> None:
    objects.put(KEY, [path.read_bytes()])
    found = []
    for place in (objects, stored(path)):
        meter = Meter()
        segment = Segment.of_object(place, KEY, path.stat().st_size, BlockCache(block_bytes=BLOCK_BYTES), meter)
        hits = [segment.search(matching(word)) for word in ("alpha", "word7", "nowhere")]
        found.append((hits, list(segment.documents()), meter.gets, meter.bytes))
    assert found[0] == found[1]


def test_what_is_gone_in_the_middle_is_not_found(objects: Objects, path: Path) -> None:
    objects.put(KEY, [path.read_bytes()])
    segment = Segment.of_object(objects, KEY, path.stat().st_size, BlockCache(block_bytes=BLOCK_BYTES))
    objects.delete(KEY)
    with pytest.raises(ObjectNotFound):
        segment.search(matching("alpha"))


def test_a_thread_for_each_segment(objects: Objects, path: Path) -> None:
    """They share the blocks and the meter, which misses nothing."""
    keys, size = [f"{KEY}.{number}" for number in range(8)], path.stat().st_size
    for key in keys:
        objects.put(key, [path.read_bytes()])
    cache, meter, single = BlockCache(block_bytes=BLOCK_BYTES), Meter(), Meter()

    def ask(key: str) -> int:
        return len(Segment.of_object(objects, key, size, cache, meter).search(matching("alpha")))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, keys)) == [500] * 8
    Segment.of_object(objects, keys[0], size, BlockCache(block_bytes=BLOCK_BYTES), single).search(matching("alpha"))
    assert (meter.gets, meter.bytes) == (8 * single.gets, 8 * single.bytes)
