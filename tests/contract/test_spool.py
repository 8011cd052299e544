"""What every spool must do: nothing visible before `commit`, everything after, nothing after `abort`.

Run over the spool in memory, files, S3 (moto's server on this machine, and the bucket that can be made to fail) and a
wrapper that injects faults.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import obstore
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import MemoryStore

from mailscribe.errors import StoreFull, StoreUnavailable
from mailscribe.ids import UlidFactory
from mailscribe.settings import Settings
from mailscribe.store.keys import message_key, refused_key, session_key
from mailscribe_local.spool import SPILL_BYTES, LocalSpool
from mailscribe_smtp.ports import Spool
from mailscribe_smtp.s3_spool import PART_BYTES, S3Spool
from support.fake_s3 import BUCKET as FAKE_BUCKET
from support.fake_s3 import fake_s3
from support.spools import FaultySpool, MemorySpool

BUCKET = "spool-contract"
SIZES = [0, 1, SPILL_BYTES, SPILL_BYTES + 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 17]
CHUNK = 100_000

new_id = UlidFactory()


@dataclass(frozen=True)
class Subject:
    """A spool, a look at its objects by key, and what is lying about beside them."""

    spool: Spool
    read: Callable[[str], Awaitable[bytes | None]]
    leftovers: Callable[[], Awaitable[list[str]]]


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["memory", "files", "s3", "fake-s3", "obstore", "faulty"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    async with MAKERS[request.param](request, tmp_path) as made:
        yield made
        await made.spool.close()


@asynccontextmanager
async def _memory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    spool = MemorySpool()
    yield _of_memory(spool, spool)


@asynccontextmanager
async def _faulty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    memory = MemorySpool()
    yield _of_memory(FaultySpool(memory), memory)


def _of_memory(spool: Spool, memory: MemorySpool) -> Subject:
    async def read(key: str) -> bytes | None:
        return memory.objects.get(key)

    async def leftovers() -> list[str]:
        return [*memory.live, *memory.writing]

    return Subject(spool, read, leftovers)


@asynccontextmanager
async def _files(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    async def read(key: str) -> bytes | None:
        path = tmp_path / "objects" / key
        return path.read_bytes() if path.exists() else None

    async def leftovers() -> list[str]:
        return [path.name for path in (tmp_path / "open").iterdir()]

    yield Subject(LocalSpool(tmp_path, notify=lambda: None), read, leftovers)


@asynccontextmanager
async def _obstore(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    store = MemoryStore()

    async def read(key: str) -> bytes | None:
        try:
            return bytes(obstore.get(store, key).bytes())
        except FileNotFoundError:
            return None

    async def leftovers() -> list[str]:
        return []

    yield Subject(S3Spool(store, part_bytes=1000), read, leftovers)


@asynccontextmanager
async def _s3(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    url = request.getfixturevalue("s3_url")
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    client = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_bucket(Bucket=BUCKET)

    async def read(key: str) -> bytes | None:
        try:
            return client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        except client.exceptions.NoSuchKey:
            return None

    async def leftovers() -> list[str]:
        return [upload["Key"] for upload in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]

    with pytest.MonkeyPatch.context() as patch:
        for name, value in keys.items():
            patch.setenv(name, value)
        yield Subject(
            S3Spool.from_settings(Settings(bucket=BUCKET), os.environ | {"AWS_ENDPOINT_URL": url}), read, leftovers
        )
    client.close()


@asynccontextmanager
async def _fake_s3(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    async with fake_s3() as bucket:

        async def read(key: str) -> bytes | None:
            return bucket.objects.get(key)

        async def leftovers() -> list[str]:
            return list(bucket.uploads)

        with pytest.MonkeyPatch.context() as patch:
            for name, value in bucket.environ.items():
                patch.setenv(name, value)
            yield Subject(S3Spool.from_settings(Settings(bucket=FAKE_BUCKET), bucket.environ), read, leftovers)


MAKERS = {
    "memory": _memory,
    "files": _files,
    "s3": _s3,
    "fake-s3": _fake_s3,
    "obstore": _obstore,
    "faulty": _faulty,
}


def _content(size: int) -> bytes:
    return (b"0123456789abcde\n" * (size // 16 + 1))[:size]


async def _write(subject: Subject, ulid: str, content: bytes) -> None:
    writer = subject.spool.message(ulid)
    for start in range(0, len(content), CHUNK):
        if not writer.write(content[start : start + CHUNK]):
            await writer.drain()
    assert await subject.read(message_key(ulid)) is None
    await writer.commit()


@pytest.mark.parametrize("size", SIZES)
async def test_a_message_is_whole_after_commit_and_absent_before(subject: Subject, size: int) -> None:
    ulid = new_id()
    await _write(subject, ulid, _content(size))
    assert await subject.read(message_key(ulid)) == _content(size)
    assert await subject.leftovers() == []


@pytest.mark.parametrize("size", [10, SPILL_BYTES + 1, PART_BYTES + CHUNK])
async def test_abort_leaves_nothing(subject: Subject, size: int) -> None:
    ulid = new_id()
    writer = subject.spool.message(ulid)
    for start in range(0, size, CHUNK):
        writer.write(_content(min(CHUNK, size - start)))
    await writer.abort()
    await writer.abort()
    assert await subject.read(message_key(ulid)) is None
    assert await subject.leftovers() == []
    assert writer.held == 0


async def test_delete_takes_back_what_was_committed_and_nothing_else(subject: Subject) -> None:
    kept, gone = new_id(), new_id()
    await _write(subject, kept, b"kept")
    await _write(subject, gone, b"gone")
    await subject.spool.delete(gone)
    await subject.spool.delete(new_id())
    assert await subject.read(message_key(gone)) is None
    assert await subject.read(message_key(kept)) == b"kept"


async def test_abort_after_a_commit_that_was_cancelled_never_raises(subject: Subject) -> None:
    ulid = new_id()
    writer = subject.spool.message(ulid)
    writer.write(b"x")
    commit = writer.commit()
    commit.close()
    await writer.abort()
    await subject.spool.delete(ulid)
    assert await subject.read(message_key(ulid)) is None


@pytest.mark.parametrize("size", [1, SPILL_BYTES + 1, PART_BYTES + CHUNK])
async def test_refused_content_is_kept_apart(subject: Subject, size: int) -> None:
    ulid = new_id()
    writer = subject.spool.message(ulid)
    for start in range(0, size, CHUNK):
        if not writer.write(_content(size)[start : start + CHUNK]):
            await writer.drain()
    assert await subject.read(refused_key(ulid)) is None
    await writer.commit_refused()
    assert await subject.read(refused_key(ulid)) == _content(size)
    assert await subject.read(message_key(ulid)) is None
    assert await subject.leftovers() == []


async def test_refused_content_can_be_taken_back(subject: Subject) -> None:
    ulid = new_id()
    writer = subject.spool.message(ulid)
    writer.write(b"refused")
    await writer.commit_refused()
    await writer.abort()
    await subject.spool.delete(ulid)
    assert await subject.read(refused_key(ulid)) is None
    assert await subject.leftovers() == []


async def test_a_transcript_that_is_discarded_leaves_nothing(subject: Subject) -> None:
    ulid = new_id()
    writer = subject.spool.transcript(ulid)
    writer.append(b'{"v":1}\n')
    await writer.discard()
    assert await subject.read(session_key(ulid)) is None
    assert await subject.leftovers() == []


async def test_refused_content_is_never_journaled(tmp_path: Path) -> None:
    spool = LocalSpool(tmp_path, notify=lambda: None)
    for refused in (False, True):
        writer = spool.message(new_id())
        writer.write(b"x")
        await (writer.commit_refused() if refused else writer.commit())
    await spool.close()
    journal = b"".join(path.read_bytes() for path in (tmp_path / "journal").iterdir())
    assert (journal.count(b"messages/"), journal.count(b"refused/")) == (1, 0)


async def test_a_transcript_is_whole_after_close_and_absent_before(subject: Subject) -> None:
    ulid = new_id()
    writer = subject.spool.transcript(ulid)
    writer.append(b'{"v":1}\n')
    writer.append(b'{"t":1}\n{"t":2}\n')
    assert await subject.read(session_key(ulid)) is None
    await writer.close()
    assert await subject.read(session_key(ulid)) == b'{"v":1}\n{"t":1}\n{"t":2}\n'
    assert await subject.leftovers() == []


async def test_many_at_once(subject: Subject) -> None:
    ulids = [new_id() for _ in range(100)]
    writers = [subject.spool.message(ulid) for ulid in ulids]
    for writer, ulid in zip(writers, ulids, strict=True):
        writer.write(ulid.encode())
    for outcome in [writer.commit() for writer in writers]:
        await outcome
    assert [await subject.read(message_key(ulid)) for ulid in ulids] == [ulid.encode() for ulid in ulids]


async def test_it_is_healthy(subject: Subject) -> None:
    assert await subject.spool.healthy()


async def test_a_fault_is_seen_by_the_caller_and_undone_by_abort_and_delete() -> None:
    async def full(key: str) -> None:
        raise StoreFull(key)

    async def lost(key: str) -> None:
        raise StoreUnavailable(key)

    for spool in (FaultySpool(MemorySpool(), before=full), FaultySpool(MemorySpool(), after=lost)):
        ulid = new_id()
        writer = spool.message(ulid)
        writer.write(b"x")
        with pytest.raises(StoreUnavailable):
            await writer.commit()
        await writer.abort()
        await spool.delete(ulid)
        assert isinstance(spool.inner, MemorySpool)
        assert not spool.inner.objects
        assert not spool.inner.writing
