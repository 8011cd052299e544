"""Messages and sessions end with their days: no row outlives them, and no warm tail shows them longer."""

from datetime import UTC, datetime

import pytest
from msgspec import Raw

from mailscribe.ids import UlidFactory, make_ulid
from mailscribe.records import Event, IndexDocument
from mailscribe.service.rows import DAY_SECONDS, Rows
from mailscribe.service.search import Question, Search
from mailscribe.settings import Settings
from mailscribe.store.ports import Put
from support.api import Clock
from support.stores import MemoryObjects, MemoryRecords

NOW_MS = 1_700_000_000_000
DAYS = 7


class World:
    """Rows and a warm search over them."""

    def __init__(self, days: int) -> None:
        self.clock = Clock(NOW_MS)
        self.records = MemoryRecords(self.clock)
        objects = MemoryObjects(self.clock)
        settings = Settings(retention_days=days)
        self.rows = Rows(objects, self.records, settings)
        self.search = Search(self.records, objects, settings, clock_ms=self.clock)
        self.commits = UlidFactory(self.clock)

    def put(self, ulid: str) -> None:
        commit = self.commits()
        document = IndexDocument(
            kind="message", id=ulid, commit=commit, subject="", body="", tags=(), size=1, summary=_summary(ulid)
        )
        event = Event(
            id=commit, type="message.received", at=datetime.now(UTC), detail=_summary(ulid), keys=("messages/x.eml",)
        )
        self.records.transact([self.rows.put_document(document), self.rows.put_event(event)])

    def shown(self) -> int:
        question = Question(kind="message", now=datetime.fromtimestamp(self.clock() / 1000, UTC))
        waited = self.search.first(question, after_commit="0" * 26, count=10)
        listed = self.search.page(question).summaries
        assert len(waited) == len(listed)
        return len(listed)


def _summary(ulid: str) -> Raw:
    return Raw(b'{"id":"' + ulid.encode() + b'"}')


@pytest.mark.parametrize(("days", "expires"), [(0, None), (DAYS, NOW_MS // 1000 + DAYS * DAY_SECONDS)])
def test_a_row_expires_so_many_days_after_its_message(days: int, expires: int | None) -> None:
    world = World(days)
    ulid = make_ulid(NOW_MS, 0)
    world.put(ulid)
    (item,) = world.records.get_many([world.rows.keys.tail("message", ulid)])
    assert item.expires == expires
    event = world.rows.put_event(
        Event(id=ulid, type="session.opened", at=datetime.now(UTC), detail=_summary(ulid), keys=())
    )
    assert isinstance(event, Put)
    assert event.item.expires == expires


def test_a_warm_tail_shows_nothing_that_has_expired() -> None:
    world = World(DAYS)
    world.put(make_ulid(NOW_MS, 0))
    assert world.shown() == 1
    world.clock.ms += DAYS * DAY_SECONDS * 1000 - 1
    world.put(make_ulid(world.clock(), 0))
    assert world.shown() == 2
    world.clock.ms += 1
    assert world.shown() == 1


def test_without_a_limit_nothing_expires() -> None:
    world = World(0)
    world.put(make_ulid(NOW_MS, 0))
    assert world.shown() == 1
    world.clock.ms += 10_000 * DAY_SECONDS * 1000
    assert world.shown() == 1
