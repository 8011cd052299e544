"""The front end over real sockets: framing, back-pressure, caps, time-outs and drain, on both event loops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from mailscribe.errors import ConfigError
from mailscribe.smtp import read_transcript
from mailscribe_local.journal import JournalReader, Position
from mailscribe_local.spool import LocalSpool
from mailscribe_smtp.connection import Connection
from mailscribe_smtp.server import raise_descriptor_limit
from support.frontend import LOCAL, Running, running, until
from support.spools import FaultySpool, MemorySpool

pytestmark = pytest.mark.e2e

CONTENT = b"Subject: hello\r\n\r\n..dot\r\nend\r\n"
STORED = CONTENT.replace(b"..dot", b".dot")
BATCH = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n"


@pytest.fixture
def spool() -> MemorySpool:
    return MemorySpool()


@pytest.fixture
async def server(spool: MemorySpool) -> AsyncIterator[Running]:
    async with running(spool) as made:
        yield made


def _end(transcript: bytes) -> str | None:
    end = read_transcript(transcript).end
    return end.end if end else None


async def test_pipelined_commands_are_answered_in_order(server: Running, spool: MemorySpool) -> None:
    client = await server.greeted()
    await client.send(BATCH)
    assert [(await client.reply())[:3] for _ in range(4)] == [b"250", b"250", b"250", b"354"]
    await client.send(CONTENT + b".\r\n" + BATCH)
    assert [(await client.reply())[:3] for _ in range(5)] == [b"250", b"250", b"250", b"250", b"354"]
    await client.send(CONTENT + b".\r\nQUIT\r\n")
    assert [(await client.reply())[:3] for _ in range(2)] == [b"250", b"221"]
    assert [message.endswith(b"\r\n" + STORED) for message in spool.messages] == [True, True]
    await client.close()


async def test_byte_by_byte_is_the_same(server: Running, spool: MemorySpool) -> None:
    client = await server.connect()
    await client.greet()
    for byte in BATCH:
        await client.send(bytes([byte]))
    for _ in range(4):
        await client.reply()
    for byte in CONTENT + b".\r\n":
        await client.send(bytes([byte]))
    assert (await client.reply()).startswith(b"250 2.0.0 ")
    await client.quit()
    assert spool.messages[0].endswith(b"\r\n" + STORED)


async def test_a_connection_lost_in_content_leaves_a_transcript_and_no_object(
    server: Running, spool: MemorySpool
) -> None:
    client = await server.greeted()
    await client.begin()
    await client.send(b"Subject: half\r\n")
    client.writer.transport.abort()
    ended = await server.ended.get()
    assert (ended.end, ended.messages) == ("aborted", 0)
    assert spool.messages == []
    assert spool.writing == set()
    assert _end(spool.sessions[0]) == "aborted"


async def test_a_client_that_only_stops_sending_gets_its_replies(server: Running, spool: MemorySpool) -> None:
    client = await server.greeted()
    await client.begin()
    await client.send(CONTENT + b".\r\n")
    client.writer.write_eof()
    assert (await client.reply()).startswith(b"250 2.0.0 ")
    assert await client.reader.read() == b""
    assert len(spool.messages) == 1
    await client.close()


async def test_after_quit_the_server_closes_and_a_client_that_stays_is_cut_off(server: Running) -> None:
    client = await server.greeted()
    assert await client.code(b"QUIT") == 221
    assert await client.reader.read() == b""
    client.writer.write(b"NOOP\r\n" * 100)
    await until(lambda: not server.server.sessions)
    await client.close()


async def test_large_content_streams_through(server: Running, spool: MemorySpool) -> None:
    client = await server.greeted()
    content = b"Subject: large\r\n\r\n" + b"x" * 76 + b"\r\n"
    content += (b"." * 2 + b"y" * 70 + b"\r\n") * 60_000
    assert (await client.deliver(content)).startswith(b"250 ")
    assert spool.messages[0].endswith(content.replace(b"\r\n..", b"\r\n."))
    await client.quit()


async def test_a_client_that_does_not_read_is_not_read_from(spool: MemorySpool) -> None:
    count = 60_000
    async with running(spool, replace(LOCAL, max_errors=0)) as server:
        client = await server.connect(receive_buffer=4096)
        await client.greet()
        sending = asyncio.ensure_future(client.send(b"EHLO client.example\r\n" * count))
        [connection] = server.server._hub.connections
        assert isinstance(connection, Connection)
        await until(lambda: bool(connection._paused))
        transport = connection._transport
        assert transport is not None
        assert transport.get_write_buffer_size() < 16 * 1024 * 1024
        for _ in range(count):
            assert (await client.reply()).startswith(b"250-")
        await sending
        await client.quit()


async def test_one_session_too_many_is_421_and_recorded(spool: MemorySpool) -> None:
    async with running(spool, replace(LOCAL, max_sessions=2)) as server:
        first, second = await server.greeted(), await server.greeted()
        third = await server.connect()
        assert (await third.reader.read()).startswith(b"421 4.7.0 ")
        await third.close()
        assert (await server.ended.get()).end == "policy"
        await first.quit()
        await server.ended.get()
        await until(lambda: server.server.sessions == 1)
        fourth = await server.greeted()
        await second.quit()
        await fourth.quit()
    assert [_end(session) for session in spool.sessions].count("policy") == 1
    assert server.server.counts.refused == 1


async def test_one_session_too_many_of_an_address_is_421(spool: MemorySpool) -> None:
    async with running(spool, replace(LOCAL, max_sessions_per_ip=1)) as server:
        first = await server.greeted()
        second = await server.connect()
        assert (await second.reader.read()).startswith(b"421 4.7.0 ")
        await second.close()
        await first.quit()


async def test_far_too_many_connections_are_dropped_without_a_word(
    spool: MemorySpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailscribe_smtp.hub.SPARE_SESSIONS", 0)
    async with running(spool, replace(LOCAL, max_sessions=1)) as server:
        first = await server.greeted()
        second = await server.connect()
        with suppress(ConnectionError):
            assert await second.reader.read() == b""
        await second.close()
        await first.quit()
    assert server.server.counts.dropped == 1
    assert len(spool.sessions) == 1


async def test_a_silent_client_is_told_421(spool: MemorySpool) -> None:
    async with running(spool, replace(LOCAL, command_timeout=1)) as server:
        client = await server.greeted()
        assert (await client.reader.read()).startswith(b"421 4.4.2 ")
        assert (await server.ended.get()).end == "timeout"
        await client.close()


async def test_content_that_stops_coming_is_told_421_and_dropped(spool: MemorySpool) -> None:
    async with running(spool, replace(LOCAL, data_timeout=1)) as server:
        client = await server.greeted()
        await client.begin()
        await client.send(b"Subject: half\r\n")
        assert (await client.reader.read()).startswith(b"421 4.4.2 ")
        assert (await server.ended.get()).end == "timeout"
        await client.close()
    assert spool.messages == []
    assert spool.writing == set()


async def test_a_thousand_idle_clients_hold_up_nobody_and_all_hear_of_the_drain(spool: MemorySpool) -> None:
    raise_descriptor_limit()
    settings = replace(LOCAL, max_sessions=2000, max_sessions_per_ip=2000, mailless_per_minute=0)
    async with running(spool, settings) as server:
        idle = [await server.greeted() for _ in range(1000)]
        busy = await server.greeted()
        assert (await busy.deliver(CONTENT)).startswith(b"250 2.0.0 ")
        await busy.quit()
        drain = asyncio.ensure_future(server.server.drain())
        for client in idle:
            assert (await client.reader.read()).startswith(b"421 4.3.2 ")
            await client.close()
        assert await drain
    assert len(spool.messages) == 1
    assert len(spool.sessions) == 1001


async def test_a_drain_tells_the_idle_421_and_waits_for_the_message_in_flight(spool: MemorySpool) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(key: str) -> None:
        reached.set()
        await go_on.wait()

    async with running(FaultySpool(spool, before=wait)) as server:
        idle, busy = await server.greeted(), await server.greeted()
        await busy.begin()
        await busy.send(CONTENT + b".\r\n")
        await reached.wait()
        drain = asyncio.ensure_future(server.server.drain())
        assert (await idle.reader.read()).startswith(b"421 4.3.2 ")
        await idle.close()
        with pytest.raises(OSError, match=r".*"):
            await server.connect()
        assert not drain.done()
        go_on.set()
        assert (await busy.reply()).startswith(b"250 2.0.0 ")
        assert (await busy.reader.read()).startswith(b"421 4.3.2 ")
        await busy.close()
        assert await drain
    assert len(spool.messages) == 1
    assert [_end(session) for session in spool.sessions] == ["shutdown", "shutdown"]


async def test_a_drain_that_takes_too_long_cuts_off_and_keeps_the_transcript(spool: MemorySpool) -> None:
    async with running(spool, replace(LOCAL, drain_timeout=0)) as server:
        client = await server.greeted()
        await client.begin()
        assert not await server.server.drain()
        assert (await server.ended.get()).messages == 0
        await client.close()
    assert spool.messages == []
    assert len(spool.sessions) == 1


async def test_many_sessions_at_once_into_files(tmp_path: Path) -> None:
    spool = LocalSpool(tmp_path, notify=lambda: None)
    async with running(spool) as server:

        async def one(number: int) -> None:
            client = await server.greeted()
            for turn in range(4):
                assert (await client.deliver(b"Subject: %d-%d\r\n\r\n" % (number, turn))).startswith(b"250 ")
            await client.quit()

        await asyncio.gather(*(one(number) for number in range(60)))
    await spool.close()
    entries = JournalReader(tmp_path / "journal", Position.START).read(1000)
    messages = [entry for entry in entries if entry.key.startswith("messages/")]
    subjects = {(tmp_path / "objects" / entry.key).read_bytes().split(b"Subject: ")[1] for entry in messages}
    assert subjects == {b"%d-%d\r\n\r\n" % (number, turn) for number in range(60) for turn in range(4)}
    assert len(entries) == 60 * 5
    assert list((tmp_path / "open").iterdir()) == []


async def test_a_port_in_use_is_said_in_words(server: Running, spool: MemorySpool) -> None:
    with pytest.raises(ConfigError, match="the port is in use"):
        await server.server.start(*server.address)


async def test_a_host_that_is_none_is_said_in_words(server: Running) -> None:
    with pytest.raises(ConfigError, match="cannot listen on"):
        await server.server.start("256.256.256.256", 0)
