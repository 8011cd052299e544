"""The S3 spool: failures of every kind are StoreUnavailable, memory is bounded, nothing half-done stays."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

import obstore
import pytest
from obstore.store import MemoryStore

from mailscribe.errors import ConfigError, StoreUnavailable
from mailscribe.ids import UlidFactory
from mailscribe.settings import Settings
from mailscribe.store.keys import message_key
from mailscribe_smtp import s3_spool
from mailscribe_smtp.s3_spool import PART_BYTES, PUTS, S3Spool
from mailscribe_smtp.s3_upload import PIECE_BYTES
from support.frontend import until

new_id = UlidFactory()
PIECE = b"x" * 262_144


class Puts:
    """Stands in for obstore's puts: counts them, holds them at a gate, fails them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, fail: Exception | None = None) -> None:
        self.gate = asyncio.Event()
        self.fail = fail
        self.now = 0
        self.most = 0
        self.taken = 0
        monkeypatch.setattr(obstore, "put_async", self.put)

    async def put(self, store: object, path: str, file: bytes | AsyncIterable[bytes], **options: object) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.gate.wait()
            if self.fail is not None:
                raise self.fail
            if not isinstance(file, bytes):
                async for piece in file:
                    self.taken += len(piece)
        finally:
            self.now -= 1


@pytest.fixture
def spool() -> S3Spool:
    return S3Spool(MemoryStore(), part_bytes=1000)


FAILURES = [OSError("network"), obstore.exceptions.GenericError("503"), FileNotFoundError("no bucket"), ValueError("x")]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("size", [10, 5000])
async def test_any_failure_is_unavailable(
    spool: S3Spool, monkeypatch: pytest.MonkeyPatch, failure: Exception, size: int
) -> None:
    puts = Puts(monkeypatch, fail=failure)
    puts.gate.set()
    writer = spool.message(new_id())
    writer.write(b"x" * size)
    with pytest.raises(StoreUnavailable):
        await writer.commit()
    await writer.abort()
    transcript = spool.transcript(new_id())
    transcript.append(b"x\n")
    with pytest.raises(StoreUnavailable):
        await transcript.close()


async def test_a_failed_upload_takes_no_more_into_memory(spool: S3Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    puts = Puts(monkeypatch, fail=OSError("network"))
    writer = spool.message(new_id())
    writer.write(PIECE)
    puts.gate.set()
    await until(lambda: puts.most == 1 and puts.now == 0)
    assert writer.write(PIECE)
    await until(lambda: writer.write(PIECE) and writer.held == 0)
    with pytest.raises(StoreUnavailable):
        await writer.commit()


async def test_no_more_than_so_many_puts_at_a_time(spool: S3Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    puts = Puts(monkeypatch)
    writers = [spool.message(new_id()) for _ in range(PUTS + 20)]
    commits = [asyncio.ensure_future(writer.commit()) for writer in writers]
    await until(lambda: puts.now == PUTS)
    puts.gate.set()
    await asyncio.gather(*commits)
    assert puts.most == PUTS


async def test_small_writes_are_handed_over_in_larger_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[int] = []

    async def put(store: object, path: str, file: AsyncIterator[bytes], **options: object) -> None:
        pieces.extend([len(piece) async for piece in file])

    monkeypatch.setattr(obstore, "put_async", put)
    writer = S3Spool(MemoryStore()).message(new_id())
    for _ in range(60_000):
        writer.write(b"x" * 100)
    await writer.commit()
    assert sum(pieces) == 6_000_000
    assert pieces[:21] == [PIECE_BYTES] * (PART_BYTES // PIECE_BYTES) + [1]
    assert len(pieces) < 30


async def test_abort_ends_an_upload_by_an_exception_from_its_source(spool: S3Spool) -> None:
    ulid = new_id()
    writer = spool.message(ulid)
    writer.write(PIECE)
    commit = asyncio.ensure_future(writer.commit())
    commit.cancel()
    await writer.abort()
    with pytest.raises(FileNotFoundError):
        await obstore.head_async(spool._store, message_key(ulid))


async def test_objects_have_their_types(spool: S3Spool) -> None:
    for size in (10, 5000):
        ulid = new_id()
        writer = spool.message(ulid)
        writer.write(b"x" * size)
        await writer.commit()
        got = await obstore.get_async(spool._store, message_key(ulid))
        assert got.attributes["Content-Type"] == "message/rfc822"


async def test_a_store_that_does_not_answer_is_not_healthy(spool: S3Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*arguments: object) -> None:
        raise OSError("network")

    assert await spool.healthy()
    monkeypatch.setattr(obstore, "list_with_delimiter_async", fail)
    monkeypatch.setattr(obstore, "delete_async", fail)
    assert not await spool.healthy()
    await spool.delete(new_id())


def test_no_bucket_is_named() -> None:
    with pytest.raises(ConfigError, match="MAILSCRIBE_BUCKET"):
        S3Spool.from_settings(Settings(), {})


def test_a_configuration_that_obstore_does_not_take_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_S3_EXPRESS", "maybe")
    with pytest.raises(ConfigError, match=r"^bucket 'mail': [^\n]*maybe[^\n]*$"):
        S3Spool.from_settings(Settings(bucket="mail"), {})


def test_parts_are_no_smaller_than_s3_allows() -> None:
    assert s3_spool.PART_BYTES >= 5 * 1024 * 1024
