"""A bucket that is down, slow, dying or lying, seen by clients: 451 and nothing of the message, then 250 by itself."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailscribe.smtp import Service, open_trace, read_transcript
from mailscribe_smtp import s3_spool
from mailscribe_smtp.entrance import Entrance
from mailscribe_smtp.overflow import MEMORY_BYTES
from mailscribe_smtp.s3_spool import LARGE_PUTS, S3Spool
from support.fake_s3 import BUCKET, Cut, Failed, FakeS3, Gate, Hook, fake_s3
from support.frontend import LOCAL, Running, running, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_factories=["uvloop"])]

PART = 300_000
SETTINGS = replace(LOCAL, bucket=BUCKET, put_timeout=1)
LINE = b"0123456789" * 7 + b"\r\n"
SIZES = {"in-memory": 1_000, "in-a-file": MEMORY_BYTES + 10_000, "in-parts": 3 * PART}
KEEPING = Entrance(service=Service(keep_refused=True))


@pytest.fixture
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeS3]:
    async with fake_s3() as made:
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def spool(bucket: FakeS3, monkeypatch: pytest.MonkeyPatch) -> S3Spool:
    monkeypatch.setattr(s3_spool, "REQUEST_SECONDS", 1)
    return S3Spool(S3Spool.from_settings(SETTINGS, bucket.environ).store, part_bytes=PART)


def content(size: int, mark: str = "x") -> bytes:
    return f"Subject: {mark}\r\n\r\n".encode() + LINE * (size // len(LINE))


def failing(error: Exception, *operations: str, times: int = 1_000_000) -> Hook:
    """These operations fail so many times."""
    left = times

    async def fail(operation: str, key: str) -> None:
        nonlocal left
        if left and key.startswith("messages/") and (not operations or operation in operations):
            left -= 1
            raise error

    return fail


async def _hang(operation: str, key: str) -> None:
    if key.startswith("messages/"):
        await asyncio.Event().wait()


LYING = failing(Cut(), "put", "complete")
FAULTS: dict[str, tuple[Hook | None, Hook | None]] = {
    "503": (failing(Failed(503, "SlowDown")), None),
    "403": (failing(Failed(403, "AccessDenied")), None),
    "dies-in-the-put": (failing(Cut()), None),
    "dies-at-a-part": (failing(Cut(), "put", "part"), None),
    "fails-at-the-end": (failing(Failed(500, "InternalError"), "put", "complete"), None),
    "hangs": (_hang, None),
    "loses-the-acknowledgement": (None, LYING),
}
"""Before and after an operation."""


def messages(bucket: FakeS3) -> list[bytes]:
    """The content of the messages that are there."""
    found = [data for key, data in sorted(bucket.objects.items()) if key.startswith("messages/")]
    return [data[open_trace(data).length :] for data in found]


def accepted(bucket: FakeS3) -> list[bool]:
    """What the sessions tell of each content."""
    sessions = [data for key, data in sorted(bucket.objects.items()) if key.startswith("sessions/")]
    events = [event for data in sessions for event in read_transcript(data).events]
    return [event.content.accepted for event in events if hasattr(event, "content")]


def is_at_rest(server: Running, spool: S3Spool) -> bool:
    """Whether nothing is held for any message."""
    hub = server.server._hub
    return not hub.budget.total and spool._large._value == LARGE_PUTS and spool._puts._value > LARGE_PUTS


CASES = [
    pytest.param(*hooks, SIZES[size], id=f"{name}-{size}")
    for name, hooks in FAULTS.items()
    for size in SIZES
    if size == "in-parts" or name in {"503", "hangs", "loses-the-acknowledgement"}
]
"""Every fault for content in parts, which takes most operations; for the rest what is not the same."""


@pytest.mark.parametrize(("before", "after", "size"), CASES)
async def test_a_fault_is_451_and_leaves_nothing_and_the_next_message_is_taken(
    bucket: FakeS3, spool: S3Spool, before: Hook | None, after: Hook | None, size: int
) -> None:
    async with running(spool, SETTINGS) as server:
        client = await server.greeted()
        bucket.before, bucket.after = before or bucket.before, after or bucket.after
        answer = await client.deliver(content(size, "failing"))
        assert answer.startswith(b"451 4.3.0 ")
        assert b"messages/" not in answer
        bucket.heal()
        assert (await client.deliver(content(size, "good"))).startswith(b"250 ")
        await client.quit()
        await until(lambda: is_at_rest(server, spool))
    assert messages(bucket) == [content(size, "good")]
    assert accepted(bucket) == [False, True]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("error", [Failed(503, "SlowDown"), Cut()], ids=["503", "cut"])
async def test_a_fault_that_passes_is_nobodys_loss(bucket: FakeS3, spool: S3Spool, error: Exception, size: int) -> None:
    async with running(spool, replace(SETTINGS, put_timeout=20)) as server:
        client = await server.greeted()
        bucket.before = failing(error, times=2)
        assert (await client.deliver(content(size))).startswith(b"250 ")
        await client.quit()
    assert messages(bucket) == [content(size)]
    assert bucket.uploads == {}


async def test_a_lost_acknowledgement_of_a_put_that_is_tried_again_is_one_message(
    bucket: FakeS3, spool: S3Spool
) -> None:
    async with running(spool, replace(SETTINGS, put_timeout=20)) as server:
        client = await server.greeted()
        bucket.after = failing(Cut(), "put", times=1)
        assert (await client.deliver(content(1_000))).startswith(b"250 ")
        await client.quit()
    assert bucket.seen.count("put") >= 2
    assert messages(bucket) == [content(1_000)]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
async def test_refused_content_that_cannot_be_kept_is_refused_all_the_same(
    bucket: FakeS3, spool: S3Spool, size: int
) -> None:
    async def fail(operation: str, key: str) -> None:
        if key.startswith("refused/") and operation in {"put", "complete"}:
            raise Cut

    settings = replace(SETTINGS, line_ends="reject")
    async with running(spool, settings, entrance=KEEPING) as server:
        client = await server.greeted()
        for after in (fail, bucket.after):
            bucket.after = after
            assert (await client.deliver(content(size) + b"bare\nfeed\r\n")).startswith(b"550 5.5.2 ")
            await until(lambda: is_at_rest(server, spool))
        await client.quit()
    assert messages(bucket) == []
    assert [key.partition("/")[0] for key in sorted(bucket.objects)] == ["refused", "sessions"]
    assert bucket.uploads == {}


async def test_large_messages_that_wait_for_s3_hold_up_no_small_one(bucket: FakeS3, spool: S3Spool) -> None:
    bucket.before = gate = Gate("part")
    async with running(spool, replace(SETTINGS, put_timeout=60)) as server:
        clients = [await server.greeted() for _ in range(LARGE_PUTS + 4)]
        large = [asyncio.ensure_future(client.deliver(content(2 * PART))) for client in clients]
        await gate.reached(LARGE_PUTS)
        other = await server.greeted()
        assert (await other.deliver(content(100))).startswith(b"250 ")
        assert not any(each.done() for each in large)
        await gate.open()
        assert all(answer.startswith(b"250 ") for answer in await asyncio.gather(*large))


async def test_many_large_ones_at_once_are_never_whole_in_memory(bucket: FakeS3, spool: S3Spool) -> None:
    most = 0

    async with running(spool, replace(SETTINGS, put_timeout=60)) as server:

        async def look(operation: str, key: str) -> None:
            nonlocal most
            most = max(most, server.server._hub.budget.total)

        bucket.before = look
        clients = [await server.greeted() for _ in range(20)]
        whole = content(8 * PART)
        answers = await asyncio.gather(*(client.deliver(whole) for client in clients))
        assert all(answer.startswith(b"250 ") for answer in answers)
        for client in clients:
            await client.quit()
        await until(lambda: is_at_rest(server, spool))
    assert most <= LARGE_PUTS * PART + len(clients) * MEMORY_BYTES < len(clients) * len(whole) // 5
    assert most >= PART
    assert messages(bucket) == [whole] * len(clients)


class _SmallDisk:
    """A file on a disk that has room for so many octets."""

    def __init__(self, room: int) -> None:
        self._file = os.fdopen(os.memfd_create("small"), "w+b", buffering=0)
        self._room = room

    def write(self, data: bytes) -> int:
        if len(data) > self._room:
            with Path("/dev/full").open("wb", buffering=0) as full:
                full.write(b"x")
        self._room -= len(data)
        return self._file.write(data)

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()


@pytest.mark.parametrize("room", [0, PART, 2 * PART + 100], ids=["at-once", "before-the-upload", "in-the-upload"])
async def test_no_room_for_what_waits_is_452_and_passes(
    bucket: FakeS3, spool: S3Spool, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    async with running(spool, SETTINGS) as server:
        client = await server.greeted()
        with monkeypatch.context() as patch:
            patch.setattr(tempfile, "TemporaryFile", lambda **_: _SmallDisk(room))
            assert (await client.deliver(content(4 * PART))).startswith(b"452 4.3.1 ")
            assert (await client.deliver(content(100, "small"))).startswith(b"250 ")
        await until(lambda: is_at_rest(server, spool) and not bucket.uploads)
        assert (await client.deliver(content(4 * PART, "large"))).startswith(b"250 ")
        await client.quit()
    assert messages(bucket) == [content(100, "small"), content(4 * PART, "large")]


async def test_what_is_given_up_leaves_no_file_open(
    bucket: FakeS3, spool: S3Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def files() -> int:
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return sum(str(link.readlink()).startswith(f"{tmp_path}/") for link in links)

    async with running(spool, SETTINGS) as server:
        clients = [await server.greeted() for _ in range(3)]
        for client, size in zip(clients, SIZES.values(), strict=True):
            await client.begin()
            await client.send(content(size))
        await until(lambda: files() == 2)
        for client in clients:
            client.writer.transport.abort()
        await until(lambda: not server.server.sessions and is_at_rest(server, spool))
        await until(lambda: files() == 0)
    assert messages(bucket) == []
    assert bucket.uploads == {}
