"""The driver over a transport in memory: what it writes and when, what pauses reading, which timers it keeps."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace

import pytest

from mailscribe.ids import UlidFactory
from mailscribe.settings import Settings
from mailscribe.smtp import Service, Session
from mailscribe_smtp.alarms import NONE
from mailscribe_smtp.connection import Connection
from mailscribe_smtp.entrance import Entrance
from mailscribe_smtp.hub import Clocks, Hub, SessionEnded
from support.frontend import LOCAL, PLAIN, QUICK, until
from support.spools import MemorySpool


class Transport(asyncio.Transport):
    """Records what it is told."""

    def __init__(self, peer: tuple[str, int] | None = ("192.0.2.1", 4711)) -> None:
        super().__init__({"peername": peer})
        self.writes: list[bytes] = []
        self.calls: list[str] = []
        self._reading = True

    def is_reading(self) -> bool:
        return self._reading

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return "close" in self.calls or "abort" in self.calls

    def pause_reading(self) -> None:
        assert self._reading
        self._reading = False

    def resume_reading(self) -> None:
        assert not self._reading
        self._reading = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.calls.append("write_eof")

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")


class Rig:
    """A connection, its transport and its clock."""

    def __init__(
        self,
        settings: Settings = LOCAL,
        peer: tuple[str, int] | None = ("192.0.2.1", 4711),
        entrance: Entrance = PLAIN,
    ) -> None:
        self.spool = MemorySpool()
        self.ended: list[SessionEnded] = []
        self.ns = 0
        self.hub = Hub(
            settings,
            self.spool,
            new_id=UlidFactory(),
            clocks=Clocks(monotonic_ns=lambda: self.ns),
            on_session=self.ended.append,
            timing=QUICK,
        )
        self.transport = Transport(peer)
        self.connection = Connection(self.hub, entrance)
        self.connection.connection_made(self.transport)

    def feed(self, data: bytes) -> list[bytes]:
        """The writes that bytes of the peer lead to."""
        self.transport.writes.clear()
        for start in range(0, len(data), len(self.hub.buffer)):
            piece = data[start : start + len(self.hub.buffer)]
            self.connection.get_buffer(-1)[: len(piece)] = piece
            self.connection.buffer_updated(len(piece))
        return self.transport.writes

    async def settle(self) -> None:
        """Let all tasks end."""
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks)

    async def leave(self) -> None:
        self.connection.connection_lost(None)
        await self.settle()
        self.hub.alarms.stop()


async def test_one_write_for_a_batch_of_replies() -> None:
    rig = Rig()
    rig.feed(b"EHLO x\r\n")
    [batch] = rig.feed(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
    assert [line[:3] for line in batch.splitlines()] == [b"250", b"250", b"354"]
    assert len(rig.feed(b"Subject: x\r\n")) == 0
    await rig.leave()


async def test_reading_stops_while_a_commit_is_pending_and_what_came_before_is_kept() -> None:
    rig = Rig()
    rig.feed(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
    assert rig.feed(b"x\r\n.\r\nNOOP\r\nQUIT\r\n") == []
    assert not rig.transport.is_reading()
    await rig.settle()
    assert [write[:3] for write in rig.transport.writes] == [b"250"]
    assert [line[:3] for line in rig.transport.writes[0].splitlines()] == [b"250", b"250", b"221"]
    assert rig.transport.is_reading()
    assert rig.transport.calls == ["write_eof"]
    await rig.leave()
    assert rig.ended[0].end == "quit"


async def test_reading_stops_while_the_peer_does_not_take_replies() -> None:
    rig = Rig()
    rig.connection.pause_writing()
    assert not rig.transport.is_reading()
    rig.connection.resume_writing()
    assert rig.transport.is_reading()
    await rig.leave()


async def test_two_reasons_to_pause_need_two_to_resume() -> None:
    rig = Rig()
    rig.feed(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
    rig.feed(b"x\r\n.\r\n")
    rig.connection.pause_writing()
    await rig.settle()
    assert not rig.transport.is_reading()
    rig.connection.resume_writing()
    assert rig.transport.is_reading()
    await rig.leave()


async def test_a_spool_that_asks_for_it_stops_reading_until_it_has_room(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    room = asyncio.Event()
    rig.feed(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
    writer = type(rig.spool.message(UlidFactory()()))

    async def drain(self: object) -> None:
        await room.wait()

    monkeypatch.setattr(writer, "write", lambda *_: False)
    monkeypatch.setattr(writer, "drain", drain)
    rig.feed(b"x\r\n")
    assert not rig.transport.is_reading()
    room.set()
    await rig.settle()
    assert rig.transport.is_reading()
    await rig.leave()


async def test_the_alarm_is_not_moved_by_bytes_and_rings_at_the_deadline() -> None:
    rig = Rig(replace(LOCAL, command_timeout=10))
    alarm = rig.connection._alarm
    assert alarm > 0
    rig.ns = 9_000_000_000
    rig.feed(b"NOOP\r\n")
    assert rig.connection._alarm == alarm
    rig.ns = 10_000_000_000
    rig.connection.ring()
    assert rig.transport.calls == []
    rig.ns = 19_000_000_000
    rig.transport.writes.clear()
    rig.connection.ring()
    assert rig.transport.writes[0].startswith(b"421 4.4.2 ")
    assert rig.transport.calls == ["write_eof"]
    rig.connection.ring()
    assert rig.transport.calls == ["write_eof", "abort"]
    await rig.leave()
    assert rig.ended[0].end == "timeout"


async def test_an_alarm_is_early_enough_for_a_deadline_that_comes_nearer() -> None:
    rig = Rig(replace(LOCAL, command_timeout=300, data_timeout=10))
    alarm = rig.connection._alarm
    rig.ns = 8_000_000_000
    rig.feed(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
    assert 0 < rig.connection._alarm == alarm <= rig.hub.alarms.tick_in(10)
    rig.ns = 10_000_000_000
    rig.connection.ring()
    assert 0 < rig.connection._alarm <= rig.hub.alarms.tick_in(8)
    rig.ns = 18_000_000_000
    rig.transport.writes.clear()
    rig.connection.ring()
    assert rig.transport.writes[0].startswith(b"421 4.4.2 ")
    await rig.settle()
    await rig.leave()
    assert rig.connection._alarm == NONE
    assert not rig.hub.alarms._due


async def test_an_alarm_that_rings_during_a_commit_waits() -> None:
    rig = Rig(replace(LOCAL, session_timeout=5))
    rig.feed(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
    rig.feed(b"x\r\n.\r\n")
    rig.transport.writes.clear()
    rig.ns = 6_000_000_000
    rig.connection.ring()
    assert rig.transport.writes == []
    await until(lambda: len(rig.transport.writes) == 2)
    assert [write[:9] for write in rig.transport.writes] == [b"250 2.0.0", b"421 4.4.2"]
    await rig.leave()


async def test_a_peer_without_an_address_is_dropped() -> None:
    rig = Rig(peer=None)
    assert rig.transport.calls == ["abort"]
    rig.connection.connection_lost(None)
    assert rig.spool.live == {}


async def test_after_the_end_bytes_are_read_away_up_to_a_limit() -> None:
    rig = Rig()
    rig.feed(b"QUIT\r\n")
    assert rig.feed(b"x" * 1_048_576) == []
    assert rig.transport.calls == ["write_eof"]
    rig.feed(b"x")
    assert rig.transport.calls == ["write_eof", "abort"]
    assert not rig.connection.eof_received()
    await rig.leave()


def _boom(*arguments: object) -> None:
    raise ZeroDivisionError


STEPS: list[tuple[str, Callable[[Rig], object]]] = [
    ("receive", lambda rig: rig.feed(b"NOOP\r\n")),
    ("eof", lambda rig: rig.connection.eof_received()),
    ("shutdown", lambda rig: rig.connection.shutdown()),
]


@pytest.mark.parametrize(("step", "act"), STEPS, ids=[name for name, _ in STEPS])
async def test_a_bug_ends_the_session_without_a_word(
    monkeypatch: pytest.MonkeyPatch, step: str, act: Callable[[Rig], object]
) -> None:
    rig = Rig()
    monkeypatch.setattr(Session, step, _boom)
    rig.transport.writes.clear()
    act(rig)
    assert rig.transport.writes == []
    assert rig.transport.calls == ["abort"]
    await rig.leave()
    assert len(rig.ended) == 1
    assert len(rig.spool.sessions) == 1
    assert rig.hub.connections == set()


async def test_who_does_not_take_replies_gets_no_tls() -> None:
    """Neither loop hands over a transport whose buffer is full without an error in the log."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    rig = Rig(entrance=Entrance(service=Service(starttls=True), tls=lambda: context))
    rig.feed(b"EHLO x\r\n")
    rig.connection.pause_writing()
    assert rig.feed(b"STARTTLS\r\n") == [b"220 2.0.0 Ready to start TLS\r\n"]
    await rig.settle()
    assert rig.transport.calls[0] == "abort"
    assert len(rig.ended) == 1
    assert rig.ended[0].outcome == ("tls-failed",)
    assert b'"replies not taken"' in rig.spool.sessions[0]
    assert not rig.hub.connections
    await rig.leave()
    assert len(rig.ended) == 1
