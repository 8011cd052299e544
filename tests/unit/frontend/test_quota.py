"""How many sessions without mail are stored, and that none of the rest goes uncounted."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from mailscribe.smtp import NoteEvent, read_transcript
from mailscribe.smtp import Suppressed as Told
from mailscribe_smtp import quota
from mailscribe_smtp.quota import CLIENTS, Quota, Suppressed
from support.frontend import LOCAL, running
from support.spools import MemorySpool

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def suppressed(ip: str, name: str = "s") -> Suppressed:
    return Suppressed(name, ip, 1, "mx", NOW, NOW, NOW)


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 40)), max_size=40),
)
def test_every_session_is_stored_or_counted_once(most: int, ended: list[tuple[str, float]]) -> None:
    made, now, kept, counted = Quota(most), 0.0, Counter[str](), Counter[str]()
    for ip, pause in ended:
        now += pause
        if made.keeps(ip, now):
            kept[ip] += 1
        else:
            made.suppress(suppressed(ip))
        for each in made.due(now):
            counted[each.ip] += each.sessions
    for each in made.all():
        counted[each.ip] += each.sessions
    assert kept + counted == Counter(ip for ip, _ in ended)
    assert made.all() == made.due(now + 1000) == []


def test_no_quota_and_many_clients(monkeypatch: object) -> None:
    assert all(Quota(0).keeps("a", 0.0) for _ in range(100))
    made = Quota(1)
    for number in range(CLIENTS + 10):
        assert made.keeps(str(number), 0.0)
        assert not made.keeps(str(number), 0.0)
        made.suppress(suppressed(str(number)))
    assert len(made.due(0.0)) == 10
    assert quota.MINUTE == 60


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
