"""How many sessions without mail are stored, and that none of the rest goes uncounted."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.smtp import NoteEvent, Session, read_transcript
from mailscribe.smtp import Suppressed as Told
from mailscribe_smtp import ending, quota
from mailscribe_smtp.quota import CLIENTS, Quota, Suppressed
from support.frontend import LOCAL, running, until
from support.spools import MemorySpool

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def alone(ip: str) -> Suppressed:
    return Suppressed("s", ip, 1, "mx", NOW, NOW, NOW)


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 40)), max_size=40),
)
def test_every_session_is_stored_or_counted_once(most: int, ended: list[tuple[str, float]]) -> None:
    made, now, kept, counted = Quota(most), 0.0, Counter[str](), Counter[str]()
    for ip, pause in ended:
        now += pause
        kept[ip] += made.keeps(alone(ip), now)
        for each in made.due(now):
            counted[each.ip] += each.sessions
    for each in made.all():
        counted[each.ip] += each.sessions
    assert kept + counted == Counter(ip for ip, _ in ended)
    assert made.all() == made.due(now + 1000) == []
    assert not made.waits


def test_no_quota_and_many_clients() -> None:
    assert all(Quota(0).keeps(alone("a"), 0.0) for _ in range(100))
    made = Quota(1)
    for number in range(CLIENTS + 10):
        assert made.keeps(alone(str(number)), 0.0)
        assert not made.keeps(alone(str(number)), 0.0)
    assert len(made.due(0.0)) == 10
    assert made.waits
    assert quota.MINUTE == 60


@pytest.mark.parametrize(("sessions", "kept"), [(2, 2), (3, 3), (4, 3)])
@pytest.mark.parametrize(("after", "again"), [(59.9, False), (60.0, True)])
def test_so_many_a_minute(sessions: int, kept: int, after: float, again: bool) -> None:
    made = Quota(3)
    assert [made.keeps(alone("a"), 0.0) for _ in range(sessions)].count(True) == kept
    assert made.keeps(alone("b"), 0.0)
    assert made.keeps(alone("a"), after) == (again or sessions < 3)
    assert bool(made.due(after)) == (again and sessions > 3)


def test_what_came_of_any_is_told() -> None:
    made, later = Quota(1), datetime(2026, 1, 2, tzinfo=UTC)
    made.keeps(alone("a"), 0.0)
    for each, at in (("first", NOW), ("second", later)):
        made.keeps(Suppressed(each, "a", 1, "mx", NOW, at, at, outcomes={each}), 0.0)
    [rest] = made.all()
    assert (rest.session_id, rest.sessions, rest.first, rest.last) == ("first", 2, NOW, later)
    assert rest.outcomes == {"first", "second"}


async def test_a_flood_is_a_record_each_up_to_the_quota_and_one_for_the_rest() -> None:
    spool = MemorySpool()
    async with running(spool, replace(LOCAL, mailless_per_minute=3)) as server:
        for _ in range(3):
            await (await server.greeted()).quit()
        with_mail = await server.greeted()
        assert (await with_mail.deliver(b"Subject: x\r\n\r\n")).startswith(b"250")
        await with_mail.quit()
        refused = await server.greeted()
        assert await refused.code(b"DATA") == 503
        await refused.quit()
        for _ in range(6):
            await (await server.greeted()).quit()
        ended = [await asyncio.wait_for(server.ended.get(), 10) for _ in range(11)]
    assert [each.stored for each in ended].count(False) == 7
    transcripts = [read_transcript(data) for data in spool.sessions]
    assert len(transcripts) == 5
    assert not spool.live
    [note] = [
        event.note.suppressed
        for transcript in transcripts
        for event in transcript.events
        if isinstance(event, NoteEvent) and event.note.suppressed
    ]
    assert isinstance(note, Told)
    assert note.sessions == 7
    [rest] = [transcript for transcript in transcripts if len(transcript.events) == 1]
    assert rest.end
    assert (rest.end.end, rest.end.outcome) == ("policy", ("rejected",))


async def test_the_rest_is_written_when_its_minute_is_over_and_one_timer_sees_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spool = MemorySpool()
    async with running(spool, replace(LOCAL, mailless_per_minute=1)) as server:
        monkeypatch.setattr(quota, "MINUTE", 0.2)
        monkeypatch.setattr(ending, "MINUTE", 0.2)
        for _ in range(5):
            await (await server.greeted()).quit()
            await server.ended.get()
        assert server.server._hub.look_at_quota is not None
        await until(lambda: len(spool.sessions) >= 2)
        await until(lambda: server.server._hub.look_at_quota is None)
    notes = [
        event.note.suppressed.sessions
        for data in spool.sessions
        for event in read_transcript(data).events
        if isinstance(event, NoteEvent) and event.note.suppressed
    ]
    assert sum(notes) + len(spool.sessions) - len(notes) == 5
    assert notes


async def test_a_session_that_broke_off_here_is_always_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Session, data: bytes, t: int) -> None:
        raise ZeroDivisionError

    spool = MemorySpool()
    async with running(spool, replace(LOCAL, mailless_per_minute=1)) as server:
        await (await server.greeted()).quit()
        broken = await server.greeted()
        with monkeypatch.context() as patch:
            patch.setattr(Session, "receive", fail)
            await broken.send(b"NOOP\r\n")
            await server.ended.get()
            ended = await server.ended.get()
    assert (ended.end, ended.stored) == (None, True)
    assert len(spool.sessions) == 2
