"""Handshakes that stall, break off or are told to stop, and what a session under TLS ends with, on both event loops."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mailscribe.smtp import NoteEvent, Service, Transcript, read_transcript
from mailscribe_smtp.certificate import make_context
from mailscribe_smtp.entrance import Entrance
from support.frontend import LOCAL, QUICK, Dialog, Running, running, until
from support.spools import MemorySpool
from support.tls import self_signed

IMPLICIT = Service(name="submissions", implicit_tls=True)
STARTTLS = Service(name="mx", starttls=True)
SERVICES = pytest.mark.parametrize("service", [IMPLICIT, STARTTLS], ids=["implicit", "starttls"])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture
def entrance(certificate: Path) -> Callable[[Service], Entrance]:
    context = make_context(certificate, certificate)
    return lambda service: Entrance(service=service, tls=lambda: context)


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


@asynccontextmanager
async def over_tls(server: Running, trusting: ssl.SSLContext) -> AsyncIterator[Dialog]:
    """A dialog where TLS comes first."""
    dialog = Dialog(*await asyncio.open_connection(*server.address, ssl=trusting))
    try:
        yield dialog
    finally:
        await dialog.close()


async def in_handshake(server: Running, service: Service) -> Dialog:
    """A client that could begin TLS now, and does not."""
    dialog = await server.connect()
    if service.starttls:
        await dialog.greet()
        assert await dialog.code(b"STARTTLS") == 220
    await until(lambda: server.server.sessions == 1)
    return dialog


async def told(server: Running, spool: MemorySpool) -> Transcript:
    """The transcript of the next session that ends."""
    async with asyncio.timeout(10):
        await server.ended.get()
    return read_transcript(spool.sessions[-1])


def failure(transcript: Transcript) -> object:
    notes = [event.note for event in transcript.events if isinstance(event, NoteEvent)]
    return next((note.tls_failed for note in notes if note.tls_failed), None)


@SERVICES
async def test_a_handshake_that_does_not_come_to_its_end(
    entrance: Callable[[Service], Entrance], service: Service
) -> None:
    spool, timing = MemorySpool(), replace(QUICK, handshake=0.2)
    async with running(spool, timing=timing, entrance=entrance(service)) as server:
        dialog = await in_handshake(server, service)
        await dialog.send(b"\x16\x03\x01\x02")
        transcript = await told(server, spool)
        assert await dialog.reader.read() == b""
        assert server.server.sessions == 0
    assert failure(transcript) == "timed out"
    assert transcript.end
    assert transcript.end.outcome == ("tls-failed",)


@SERVICES
async def test_a_drain_does_not_wait_for_a_handshake_and_says_nothing_into_it(
    entrance: Callable[[Service], Entrance], service: Service
) -> None:
    spool = MemorySpool()
    async with running(spool, entrance=entrance(service)) as server:
        dialog = await in_handshake(server, service)
        async with asyncio.timeout(10):
            assert await server.server.drain()
            assert await dialog.reader.read() == b""
        assert server.server.sessions == 0
        transcript = await told(server, spool)
    assert transcript.end
    assert transcript.end.end == "shutdown"


@SERVICES
async def test_a_client_that_resets_in_the_handshake_leaves_nothing(
    entrance: Callable[[Service], Entrance], service: Service
) -> None:
    spool = MemorySpool()
    async with running(spool, entrance=entrance(service)) as server:
        dialog = await in_handshake(server, service)
        dialog.writer.transport.abort()
        transcript = await told(server, spool)
        await until(lambda: server.server.sessions == 0)
    assert failure(transcript) == "connection lost"


@SERVICES
async def test_a_connection_that_is_killed_in_the_handshake_is_gone(
    entrance: Callable[[Service], Entrance], service: Service
) -> None:
    spool = MemorySpool()
    settings = replace(LOCAL, drain_timeout=0)
    async with running(spool, settings, entrance=entrance(service)) as server:
        await in_handshake(server, service)
        async with asyncio.timeout(10):
            await server.server.drain()
        assert server.server.sessions == 0


async def test_a_client_that_hangs_up_under_tls_is_no_warning(
    entrance: Callable[[Service], Entrance], trusting: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    spool = MemorySpool()
    async with running(spool, entrance=entrance(IMPLICIT)) as server:
        async with over_tls(server, trusting) as dialog:
            await dialog.greet()
        transcript = await told(server, spool)
        async with over_tls(server, trusting) as dialog:
            await dialog.greet()
            await dialog.begin()
            await dialog.send(b"Subject: the last word\r\n\r\nx\r\n.\r\n")
        await told(server, spool)
    assert transcript.end
    assert transcript.end.end == "aborted"
    assert len(spool.messages) == 1
    assert caplog.text == ""


async def test_sessions_under_tls_hear_of_a_drain_and_a_message_on_its_way_is_taken(
    entrance: Callable[[Service], Entrance], trusting: ssl.SSLContext
) -> None:
    spool = MemorySpool()
    async with (
        running(spool, entrance=entrance(IMPLICIT)) as server,
        over_tls(server, trusting) as idle,
        over_tls(server, trusting) as busy,
    ):
        await idle.greet()
        await busy.greet()
        await busy.begin()
        draining = asyncio.create_task(server.server.drain())
        assert (await idle.reply()).startswith(b"421 4.3.2 ")
        assert await idle.reader.read() == b""
        assert (await busy.say(b"Subject: x\r\n\r\nx\r\n.")).startswith(b"250 2.0.0 ")
        assert (await busy.reply()).startswith(b"421 4.3.2 ")
        assert await busy.reader.read() == b""
        assert await draining
    assert len(spool.messages) == 1
