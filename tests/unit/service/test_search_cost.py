"""What a query reads of the bucket, counted: a page costs the same however large the archive is."""

from functools import cache
from random import Random

import pytest

from mailscribe.ids import make_ulid
from mailscribe.query import message_document
from mailscribe.service.catalog import Catalog
from mailscribe.service.merging import Shape
from mailscribe.service.search import Budget
from mailscribe.service.segments import Segments
from mailscribe.store.block_cache import BlockCache
from support.query_world import message_record
from support.sealed_world import START_MS, World, ask, walk

UNIT = 150
"""Documents of the smallest archive; the largest has sixteen times as many."""
SHAPE = Shape(fan_out=4, base=30, documents=1_000, bytes=1 << 30)
BLOCK_BYTES = 8_192
WHOLE_BYTES = 32_768
"""In proportion to these small segments as the real ones are."""


@cache
def archive(times: int) -> World:
    """`times` units of documents: each says `common`, one in ten `tenth`, the very first `first`."""
    world, random = World(shape=SHAPE), Random(times)
    for number in range(UNIT * times):
        ulid = make_ulid(START_MS + number, 0)
        words = ["common", *(["tenth"] if number % 10 == 0 else []), *(["first"] if number == 0 else [])]
        words += [f"w{int(random.paretovariate(0.6)) % 5_000}" for _ in range(40)]
        document = message_document(message_record(ulid, subject="s"), " ".join(words), world.commits())
        world.records.transact([world.rows.put_document(document)])
        if number % 30 == 29:
            world.sealer().seal("message")
            world.merger().merge("message")
    return world


def cost(times: int, text: str, *, limit: int = 25, hits: int) -> tuple[int, int]:
    """GETs and bytes of the first page, cold."""
    world = archive(times)
    search = world.search(Budget())
    search._segments = Segments(
        world.objects, whole_bytes=WHOLE_BYTES, blocks=BlockCache(capacity=1 << 30, block_bytes=BLOCK_BYTES)
    )
    world.objects.gets = world.objects.bytes = 0
    assert len(search.page(ask("message", text), limit=limit).summaries) == hits
    return world.objects.gets, world.objects.bytes


def test_segments_are_few_and_grow_by_tens_not_by_documents() -> None:
    counts = [len(Catalog(archive(times).records).current("message").live) for times in (1, 4, 16)]
    assert counts[0] <= 4
    assert counts[2] <= 3 * 3 + UNIT * 16 // (SHAPE.documents // 2)


@pytest.mark.parametrize(
    "text", ["", "common", "tenth", "-first", "common -first", "w1 OR w2", "common after:2023-11-01"]
)
def test_a_page_of_what_is_often_costs_the_same_at_any_size(text: str) -> None:
    for times in (1, 4, 16):
        gets, read = cost(times, text, limit=5, hits=5)
        assert gets <= 16, (times, gets)
        assert read <= 16 * BLOCK_BYTES, (times, read)


@pytest.mark.parametrize("text", ["first", "first common", '"common tenth first"'])
def test_a_word_of_one_old_document_costs_a_few_gets_of_each_segment(text: str) -> None:
    for times in (1, 4, 16):
        segments = len(Catalog(archive(times).records).current("message").live)
        gets, read = cost(times, text, hits=1)
        assert gets <= 8 * segments, (times, gets)
        assert read <= 10 * segments * BLOCK_BYTES, (times, read)


def test_what_cannot_be_where_the_times_are_is_not_opened() -> None:
    assert cost(16, "common before:2020-01-01", hits=0) == (0, 0)
    assert cost(16, "common after:2030-01-01", hits=0) == (0, 0)


def test_the_second_time_nothing_is_read() -> None:
    world = archive(4)
    search = world.search()
    first = walk(search, ask("message", "tenth"), 10)
    world.objects.gets = 0
    assert walk(search, ask("message", "tenth"), 10) == first
    assert world.objects.gets == 0
