"""Uploads in parts: how much is in memory, who holds a slot and for how long, how they end."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from mailscribe.errors import StoreUnavailable
from mailscribe.ids import UlidFactory
from mailscribe.settings import Settings
from mailscribe.store.keys import message_key
from mailscribe_smtp.overflow import Overflow
from mailscribe_smtp.ports import ObjectWriter
from mailscribe_smtp.s3_spool import LARGE_PUTS, S3Spool
from mailscribe_smtp.s3_upload import BEHIND_PARTS
from support.fake_s3 import BUCKET, Failed, FakeS3, Gate, fake_s3
from support.frontend import until

PART = 300_000
new_id = UlidFactory()


@pytest.fixture
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeS3]:
    async with fake_s3() as made:
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def spool(bucket: FakeS3) -> S3Spool:
    made = S3Spool.from_settings(Settings(bucket=BUCKET, put_timeout=2), bucket.environ)
    return S3Spool(made.store, part_bytes=PART)


def fill(writer: ObjectWriter, size: int) -> bool:
    """So many octets; whether there is room for more."""
    room = True
    for start in range(0, size, 10_000):
        room = writer.write(os.urandom(min(10_000, size - start)))
    return room


class Reads:
    """Counts the octets that are read from content."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.taken = 0
        read = Overflow.read

        def counting(content: Overflow, start: int, end: int) -> bytes:
            self.taken += end - start
            return read(content, start, end)

        patch.setattr(Overflow, "read", counting)

    async def stop_at(self, octets: int) -> None:
        """So many are read, and no more, however often the loop turns."""
        await until(lambda: self.taken >= octets)
        for _ in range(200):
            await asyncio.sleep(0)
        assert self.taken == octets


async def test_obstore_takes_no_more_than_a_part_and_an_octet_before_s3_has_it(
    bucket: FakeS3, spool: S3Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the bound on memory rests upon: of the next part it takes one piece, and no second one."""
    reads = Reads(monkeypatch)
    bucket.before = gate = Gate("part")
    writer = spool.message(new_id())
    fill(writer, 3 * PART)
    for number in (1, 2):
        await gate.reached(number)
        await reads.stop_at(number * PART + 1)
        assert PART <= writer.held < 2 * PART
        await gate.let_go(1)
    commit = asyncio.ensure_future(writer.commit())
    await gate.reached(3)
    await gate.open()
    await commit
    assert reads.taken == 3 * PART
    assert writer.held == 0


async def test_a_client_that_is_slow_holds_no_slot(bucket: FakeS3, spool: S3Spool) -> None:
    slow = [spool.message(new_id()) for _ in range(3 * LARGE_PUTS)]
    for writer in slow:
        fill(writer, PART + 1)
    await until(lambda: bucket.seen.count("part") == len(slow))
    await until(lambda: all(writer.held < PART for writer in slow))
    ulid = new_id()
    other = spool.message(ulid)
    fill(other, 2 * PART)
    await other.commit()
    assert len(bucket.objects[message_key(ulid)]) == 2 * PART
    await asyncio.gather(*(writer.abort() for writer in slow))
    assert bucket.uploads == {}


@pytest.mark.parametrize("size", [PART - 20_000, 2 * PART])
async def test_no_more_than_so_many_large_ones_are_in_memory(bucket: FakeS3, spool: S3Spool, size: int) -> None:
    bucket.before = gate = Gate("part", "put")
    writers = [spool.message(new_id()) for _ in range(LARGE_PUTS + 5)]
    for writer in writers:
        fill(writer, size)
    commits = [asyncio.ensure_future(writer.commit()) for writer in writers]
    await gate.reached(LARGE_PUTS)
    small = spool.message(new_id())
    small.write(b"passes them")
    small_commit = asyncio.ensure_future(small.commit())
    await gate.reached(LARGE_PUTS + 1)
    for _ in range(200):
        await asyncio.sleep(0)
    assert bucket.seen.count("put") + bucket.seen.count("part") == LARGE_PUTS + 1
    assert sum(writer.held >= size // 2 for writer in writers) == LARGE_PUTS
    await gate.open()
    await asyncio.gather(small_commit, *commits)
    assert len(bucket.objects) == len(writers) + 1
    assert sum(writer.held for writer in writers) == 0


@pytest.mark.parametrize(("more", "room"), [(0, True), (1, False)])
async def test_a_client_far_ahead_of_s3_is_asked_to_wait(bucket: FakeS3, spool: S3Spool, more: int, room: bool) -> None:
    bucket.before = gate = Gate("part")
    writer = spool.message(new_id())
    assert fill(writer, BEHIND_PARTS * PART)
    assert writer.write(b"x" * more) == room
    drained = asyncio.ensure_future(writer.drain())
    await gate.reached(1)
    await asyncio.sleep(0)
    assert drained.done() == room
    await gate.open()
    await drained
    await writer.commit()


async def test_who_waits_for_room_is_told_of_a_failure(bucket: FakeS3, spool: S3Spool) -> None:
    bucket.before = gate = Gate("part", then=Failed(403, "AccessDenied"))
    writer = spool.message(new_id())
    assert not fill(writer, (BEHIND_PARTS + 1) * PART)
    drained = asyncio.ensure_future(writer.drain())
    await gate.reached(1)
    await gate.open()
    await drained
    await until(lambda: writer.write(b"x" * 100_000) and writer.held == 0)
    with pytest.raises(StoreUnavailable, match="AccessDenied"):
        await writer.commit()
    await writer.abort()


@pytest.mark.parametrize("sent", [PART + 1, 2 * PART, 3 * PART + 17])
async def test_given_up_while_a_part_is_on_its_way(bucket: FakeS3, spool: S3Spool, sent: int) -> None:
    bucket.before = gate = Gate("part")
    ulid = new_id()
    writer = spool.message(ulid)
    fill(writer, sent)
    await gate.reached(1)
    gave_up = asyncio.ensure_future(writer.abort())
    await asyncio.sleep(0)
    await gate.open()
    await gave_up
    assert bucket.objects == {}
    assert bucket.uploads == {}
    assert spool._large._value == LARGE_PUTS


async def test_given_up_after_a_commit_that_took_too_long(bucket: FakeS3, spool: S3Spool) -> None:
    bucket.before = gate = Gate("complete")
    ulid = new_id()
    writer = spool.message(ulid)
    fill(writer, 2 * PART)
    commit = asyncio.ensure_future(writer.commit())
    await gate.reached(1)
    commit.cancel()
    with pytest.raises(asyncio.CancelledError):
        await commit
    await gate.open()
    await writer.abort()
    await spool.delete(ulid)
    assert bucket.objects == {}
    assert spool._large._value == LARGE_PUTS
