"""Live answers over real sockets: pieces and heartbeats, ends of every kind, slow readers, a host that stops."""

import asyncio
import contextlib
import logging
import socket
import threading
from collections import deque
from collections.abc import AsyncIterator

import pytest

from mailscribe.errors import NotFound, StoreUnavailable
from mailscribe.service.api import Live, Payload
from mailscribe.service.waits import Wake
from mailscribe_local.http import HttpHost
from mailscribe_local.live import Timing
from support.api import HOST, ApiWorld

LOOPBACK = "127.0.0.1"
PAST = "/live"
REQUEST = b"GET /live HTTP/1.1\r\nHost: mail.test\r\nAccept: text/event-stream\r\n\r\n"
HEARTBEAT = b":\n\n"


class Source:
    """What a live answer is made of: pieces that the test adds, faults in their place, and whether it was closed."""

    def __init__(self, *pieces: bytes | Exception, seconds: float | None = None) -> None:
        self.pieces = deque(pieces)
        self.closed = threading.Event()
        self.polled = threading.Semaphore(0)
        self.seconds = seconds

    def poll(self) -> bytes:
        self.polled.release()
        piece = self.pieces.popleft() if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def payload(self) -> Payload:
        live = Live(
            poll=self.poll,
            close=self.closed.set,
            heartbeat=HEARTBEAT,
            content_type="text/event-stream",
            seconds=self.seconds,
        )
        return {"statusCode": 200, "headers": {"Content-Type": "text/event-stream"}, "body": live, "cookies": []}

    def start(self, event: Payload) -> Payload:
        if event["rawPath"] == PAST:
            return self.payload()
        return {"statusCode": 200, "headers": {}, "body": "other", "isBase64Encoded": False}


class Reader:
    """One client of a live answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.head = b""

    @classmethod
    async def connect(cls, address: tuple[str, int], request: bytes = REQUEST) -> "Reader":
        found = cls(*await asyncio.open_connection(*address))
        found._writer.write(request)
        found.head = await found._reader.readuntil(b"\r\n\r\n")
        return found

    async def piece(self) -> bytes:
        """The next chunk; empty at the end of the answer."""
        size = int(await self._reader.readline(), 16)
        data = await self._reader.readexactly(size)
        assert await self._reader.readexactly(2) == b"\r\n"
        return data

    async def leave(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


@contextlib.asynccontextmanager
async def serving(
    source: Source, wake: Wake | None = None, timing: Timing | None = None
) -> AsyncIterator[tuple[str, int]]:
    host = HttpHost(source, wake or Wake(), timing=timing)
    address = await host.start(LOOPBACK, 0)
    try:
        yield address
    finally:
        await host.stop()


async def closed(source: Source) -> None:
    assert await asyncio.to_thread(source.closed.wait, 30)


async def test_pieces_are_sent_as_they_come() -> None:
    source, wake = Source(b"first"), Wake()
    async with serving(source, wake) as address:
        reader = await Reader.connect(address)
        assert reader.head.startswith(b"HTTP/1.1 200 ")
        assert b"content-type: text/event-stream\r\n" in reader.head
        assert await reader.piece() == b"first"
        for number in range(5):
            source.pieces.append(b"%d" % number)
            wake.ring()
            assert await reader.piece() == b"%d" % number
        await reader.leave()
        await closed(source)


async def test_what_is_there_is_sent_without_being_woken() -> None:
    every = [b"%d" % number for number in range(100)]
    source = Source(*every)
    async with serving(source) as address:
        reader = await Reader.connect(address)
        assert [await reader.piece() for _ in every] == every
        await reader.leave()


async def test_silence_is_broken_by_heartbeats() -> None:
    source = Source(b"first")
    async with serving(source, timing=Timing(heartbeat=0.01)) as address:
        reader = await Reader.connect(address)
        assert [await reader.piece() for _ in range(4)] == [b"first", HEARTBEAT, HEARTBEAT, HEARTBEAT]
        await reader.leave()


async def test_it_is_over_in_time() -> None:
    source = Source(b"first", seconds=0.01)
    async with serving(source) as address:
        reader = await Reader.connect(address)
        assert await reader.piece() == b"first"
        assert await reader.piece() == HEARTBEAT
        assert await reader.piece() == b""
        await closed(source)
        await reader.leave()


async def test_the_connection_serves_on_after_an_end() -> None:
    source = Source(b"first", seconds=0.01)
    async with serving(source) as address:
        reader = await Reader.connect(address)
        while await reader.piece():
            pass
        again = REQUEST.replace(PAST.encode(), b"/other")
        reader._writer.write(again)
        assert (await reader._reader.readuntil(b"other")).startswith(b"HTTP/1.1 200 ")
        await reader.leave()


async def test_it_ends_when_its_client_is_gone() -> None:
    source, wake = Source(b"first"), Wake()
    async with serving(source, wake) as address:
        reader = await Reader.connect(address)
        await reader.piece()
        assert not source.closed.is_set()
        await reader.leave()
        await closed(source)
    assert wake.waiters == 0


async def test_a_host_that_stops_ends_it_properly() -> None:
    source = Source(b"first")
    host = HttpHost(source, Wake())
    reader = await Reader.connect(await host.start(LOOPBACK, 0))
    await reader.piece()
    await host.stop()
    assert await reader.piece() == b""
    assert source.closed.is_set()
    await reader.leave()


@pytest.mark.parametrize(
    ("fault", "status", "name"),
    [(StoreUnavailable("down"), 503, b"problem-unavailable"), (OSError("a secret"), 500, b"problem-unexpected")],
)
async def test_what_cannot_begin_is_a_problem(
    fault: Exception, status: int, name: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source(fault)
    async with serving(source) as address:
        reader = await Reader.connect(address, REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert reader.head.startswith(b"HTTP/1.1 %d " % status)
        body = await reader._reader.read()
        assert name in body
        assert b"secret" not in body
        await closed(source)
        await reader.leave()


async def test_a_store_that_is_down_for_a_moment_is_asked_again() -> None:
    source, wake = Source(b"first", StoreUnavailable("down"), StoreUnavailable("down"), b"second"), Wake()
    async with serving(source, wake) as address:
        reader = await Reader.connect(address)
        assert await reader.piece() == b"first"
        for _ in range(3):
            await asyncio.to_thread(source.polled.acquire)
            wake.ring()
        assert await reader.piece() == b"second"
        await reader.leave()


@pytest.mark.parametrize("fault", [NotFound("no token"), OSError("broken")])
async def test_any_other_fault_ends_it(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    source = Source(b"first", fault)
    async with serving(source) as address:
        reader = await Reader.connect(address)
        assert await reader.piece() == b"first"
        assert await reader.piece() == b""
        await closed(source)
        await reader.leave()
    assert ("broken" in caplog.text) is isinstance(fault, OSError)


async def test_a_close_that_fails_is_no_matter(caplog: pytest.LogCaptureFixture) -> None:
    source = Source(b"first", seconds=0.01)

    def close() -> None:
        source.closed.set()
        raise StoreUnavailable("down")

    payload = source.payload()
    broken = Live(
        poll=source.poll, close=close, heartbeat=HEARTBEAT, content_type="text/event-stream", seconds=source.seconds
    )
    source.payload = lambda: payload | {"body": broken}  # type: ignore[method-assign]
    async with serving(source) as address:
        reader = await Reader.connect(address)
        while await reader.piece():
            pass
        await closed(source)
        await reader.leave()
    assert "down" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_reader_that_takes_nothing_is_dropped_and_costs_little() -> None:
    source = Source(*[b"x" * 100_000] * 1_000)
    async with serving(source, timing=Timing(stuck=0.2)) as address:
        with socket.create_connection(address) as stuck:
            stuck.sendall(REQUEST)
            await closed(source)
            assert len(source.pieces) > 500  # no more was asked for than the sockets hold
            received = 0
            with contextlib.suppress(ConnectionError):
                while data := await asyncio.to_thread(stuck.recv, 1 << 20):
                    received += len(data)
            assert received < 50_000_000


async def test_a_reader_that_takes_nothing_does_not_keep_the_host_from_stopping(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Source(*[b"x" * 100_000] * 1_000)
    host = HttpHost(source, Wake(), timing=Timing(end=0.1))
    address = await host.start(LOOPBACK, 0)
    with socket.create_connection(address) as stuck:
        stuck.sendall(REQUEST)
        for _ in range(3):
            await asyncio.to_thread(source.polled.acquire)
        async with asyncio.timeout(5):
            await host.stop()
        assert source.closed.is_set()
    assert "ASGI" not in caplog.text


async def test_any_number_of_them_leaves_other_requests_their_threads() -> None:
    source, wake = Source(), Wake()
    async with serving(source, wake) as address:
        readers = await asyncio.gather(*(Reader.connect(address) for _ in range(200)))
        other = await Reader.connect(address, REQUEST.replace(PAST.encode(), b"/other"))
        assert other.head.startswith(b"HTTP/1.1 200 ")
        await asyncio.gather(*(reader.leave() for reader in (*readers, other)))
        await closed(source)


async def test_nothing_is_logged_of_readers_that_come_and_go(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    source = Source(b"first")
    async with serving(source) as address:
        reader = await Reader.connect(address)
        await reader.leave()
        await closed(source)
    assert caplog.text == ""


async def test_the_real_api_streams_mail_as_it_becomes_readable() -> None:
    world, wake = ApiWorld(), Wake()
    host = HttpHost(world.api, wake)
    address = await host.start(LOOPBACK, 0)
    request = f"GET /v1/events?watch=bob%40test.org HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n"
    reader = await Reader.connect(address, f"{request}Authorization: Bearer reader\r\n\r\n".encode())
    assert (await reader.piece()).startswith(b"retry: ")
    world.clock.ms += 1
    ulid = await asyncio.to_thread(world.message)
    wake.ring()
    event = await reader.piece()
    assert b"event: message.received\n" in event
    assert ulid.encode() in event
    await reader.leave()
    await host.stop()
