"""What a client sees, and what stays, when the store fails, hangs, is full, or lies; and when we have a bug."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mailscribe.errors import StoreFull, StoreUnavailable
from mailscribe.smtp import Session, read_transcript
from mailscribe_local.spool import SPILL_BYTES, LocalSpool
from mailscribe_smtp.hub import Timing
from support.frontend import LOCAL, running
from support.spools import FaultySpool, Hook, MemorySpool, WatchedSpool

pytestmark = pytest.mark.e2e

CONTENT = b"Subject: x\r\n\r\nx\r\n"


def _raising(error: Exception) -> Hook:
    async def fail(key: str) -> None:
        raise error

    return fail


async def _forever(key: str) -> None:
    await asyncio.Event().wait()


def _accepted(transcript: bytes) -> list[bool]:
    events = read_transcript(transcript).events
    return [event.content.accepted for event in events if hasattr(event, "content")]


FAULTS = [
    (_raising(StoreUnavailable("secret bucket name")), b"451 4.3.0 "),
    (_raising(StoreFull("disk 7")), b"452 4.3.1 "),
    (_raising(ZeroDivisionError("a bug")), b"451 4.3.0 "),
    (_forever, b"451 4.3.0 "),
]


@pytest.mark.parametrize(("hook", "reply"), FAULTS, ids=["unavailable", "full", "bug", "hangs"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_failing_commit_is_refused_and_leaves_nothing(hook: Hook, reply: bytes, when: str) -> None:
    memory = MemorySpool()
    spool = FaultySpool(memory)
    async with running(spool, replace(LOCAL, put_timeout=1)) as server:
        client = await server.greeted()
        setattr(spool, when, hook)
        answer = await client.deliver(CONTENT)
        assert answer.startswith(reply)
        assert b"secret" not in answer
        assert b"bug" not in answer
        setattr(spool, when, FaultySpool(memory).before)
        assert (await client.deliver(CONTENT)).startswith(b"250 ")
        await client.quit()
        ended = await server.ended.get()
        assert (ended.messages, ended.failed) == (1, 1)
    assert len(memory.messages) == 1
    assert memory.writing == set()
    assert len(spool.deleted) == 1
    assert _accepted(memory.sessions[0]) == [False, True]


async def test_a_full_file_spool_says_452_and_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = LocalSpool(tmp_path, notify=lambda: None)
    async with running(spool) as server:
        client = await server.greeted()

        def fail(*arguments: object) -> None:
            raise StoreFull("no space")

        with monkeypatch.context() as patch:
            patch.setattr("mailscribe_local.durable.finish", fail)
            assert (await client.deliver(CONTENT)).startswith(b"452 4.3.1 ")
        assert (await client.deliver(CONTENT)).startswith(b"250 ")
        await client.quit()
    await spool.close()
    assert len(list((tmp_path / "objects" / "messages").rglob("*.eml"))) == 1
    assert list((tmp_path / "open").iterdir()) == []


async def test_a_client_that_leaves_during_the_commit_is_recorded_as_delivered() -> None:
    memory = MemorySpool()
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(key: str) -> None:
        reached.set()
        await go_on.wait()

    async with running(FaultySpool(memory, before=wait)) as server:
        client = await server.greeted()
        await client.begin()
        await client.send(CONTENT + b".\r\n")
        await reached.wait()
        client.writer.transport.abort()
        go_on.set()
        ended = await server.ended.get()
        assert (ended.end, ended.messages) == ("aborted", 1)
    assert len(memory.messages) == 1
    assert _accepted(memory.sessions[0]) == [True]


async def test_a_transcript_is_tried_again() -> None:
    memory = MemorySpool()
    outcomes: list[Callable[[str], Awaitable[None]]] = [
        _raising(StoreUnavailable("down")),
        _raising(ZeroDivisionError("a bug")),
    ]

    async def fail_twice(key: str) -> None:
        if outcomes:
            await outcomes.pop()(key)

    async with running(FaultySpool(memory, closing=fail_twice)) as server:
        client = await server.greeted()
        await client.quit()
        assert (await server.ended.get()).stored
    assert len(memory.sessions) == 1


async def test_a_transcript_that_cannot_be_stored_is_given_up_and_said(caplog: pytest.LogCaptureFixture) -> None:
    spool = FaultySpool(MemorySpool(), closing=_raising(StoreUnavailable("down")))
    async with running(spool) as server:
        client = await server.greeted()
        await client.quit()
        assert not (await server.ended.get()).stored
        assert server.server.counts.lost_transcripts == 1
    assert "given up" in caplog.text


async def test_a_drain_does_not_wait_between_tries_of_a_transcript() -> None:
    attempts: list[str] = []

    async def fail(key: str) -> None:
        attempts.append(key)
        raise StoreUnavailable("down")

    spool = FaultySpool(MemorySpool(), closing=fail)
    async with running(spool, timing=Timing(retries=(3600.0, 3600.0), flush=1.0)) as server:
        client = await server.greeted()
        assert await client.code(b"QUIT") == 221
        await client.close()
        assert await server.server.drain()
    assert len(attempts) == 3


async def test_a_drain_gives_up_a_transcript_that_hangs(caplog: pytest.LogCaptureFixture) -> None:
    spool = FaultySpool(MemorySpool(), closing=_forever)
    async with running(spool, replace(LOCAL, drain_timeout=0), timing=Timing(flush=0.0)) as server:
        client = await server.greeted()
        assert await client.code(b"QUIT") == 221
        assert not await server.server.drain()
    assert "not stored in time" in caplog.text


async def test_many_large_ones_at_once_into_files_are_never_whole_in_memory(tmp_path: Path) -> None:
    watched = WatchedSpool(LocalSpool(tmp_path, notify=lambda: None))
    content = b"Subject: large\r\n\r\n" + b"x" * 78 + b"\r\n" + (b"y" * 78 + b"\r\n") * 25_000
    async with running(watched, replace(LOCAL, max_inflight_bytes=20 * SPILL_BYTES)) as server:
        clients = [await server.greeted() for _ in range(20)]
        answers = await asyncio.gather(*(client.deliver(content) for client in clients))
        assert all(answer.startswith(b"250 ") for answer in answers)
        for client in clients:
            await client.quit()
        assert server.server._hub.budget.total == 0
    await watched.close()
    assert 0 < watched.most <= SPILL_BYTES
    stored = list((tmp_path / "objects" / "messages").rglob("*.eml"))
    assert len(stored) == 20
    assert all(path.read_bytes().endswith(content) for path in stored)


async def test_content_beyond_the_budget_of_all_sessions_is_452() -> None:
    memory = MemorySpool()
    async with running(memory, replace(LOCAL, max_inflight_bytes=100_000)) as server:
        first, second = await server.greeted(), await server.greeted()
        assert (await first.deliver(b"x" * 78 + b"\r\n")).startswith(b"250 ")
        await first.begin()
        assert (await first.say(b"".join(b"x" * 78 + b"\r\n" for _ in range(2000)) + b".")).startswith(b"452 4.3.1 ")
        assert (await second.deliver(b"small\r\n")).startswith(b"250 ")
        assert (await first.deliver(b"small\r\n")).startswith(b"250 ")
        await first.quit()
        await second.quit()
    assert len(memory.messages) == 3
    assert memory.writing == set()


async def test_no_new_content_while_the_budget_is_used_up() -> None:
    memory = MemorySpool()
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(key: str) -> None:
        reached.set()
        await go_on.wait()

    async with running(FaultySpool(memory, before=wait), replace(LOCAL, max_inflight_bytes=1)) as server:
        first, second = await server.greeted(), await server.greeted()
        server.server._hub.budget._limit = 100_000
        await first.begin()
        await first.send(b"x" * 500 + b"\r\n.\r\n")
        await reached.wait()
        server.server._hub.budget._limit = 1
        assert await second.code(b"MAIL FROM:<a@example.org>") == 250
        assert await second.code(b"RCPT TO:<b@example.org>") == 250
        assert (await second.say(b"DATA")).startswith(b"452 4.3.1 ")
        go_on.set()
        assert (await first.reply()).startswith(b"250 ")
        server.server._hub.budget._limit = 100_000
        assert await second.code(b"DATA") == 354
        await first.quit()


async def test_a_bug_in_one_session_ends_that_one_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    memory = MemorySpool()
    async with running(memory) as server:
        good, bad = await server.greeted(), await server.greeted()

        def fail(self: Session, data: bytes, t: int) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(Session, "receive", fail)
            await bad.send(b"NOOP\r\n")
            ended = await server.ended.get()
        assert ended.end is None
        assert (await good.deliver(CONTENT)).startswith(b"250 ")
        await good.quit()
    assert "is given up" in caplog.text
    assert len(memory.sessions) == 2
