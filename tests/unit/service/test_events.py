"""The feed in commit order without a gap: places and their text, late entries, hours, limits, a writer beside."""

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from mailscribe.errors import StoreUnavailable
from mailscribe.ids import GREATEST, LEAST, UlidFactory, make_ulid, ulid_ms, ulid_time
from mailscribe.records import Event
from mailscribe.service.events import HOURS, Feed, Position, furthest_commit
from mailscribe.service.outbox import message_removed
from mailscribe.service.search import HOUR_MS, OVERLAP_MS
from mailscribe.store.items import pack
from mailscribe.store.keys import RecordKeys
from mailscribe.store.ports import Item, Put
from support.api import Clock
from support.stores import MemoryObjects, MemoryRecords
from support.world import NOW_MS

MIDNIGHT = NOW_MS - NOW_MS % HOUR_MS + HOUR_MS


class Written:
    """A feed that a test writes to, at times that it says."""

    def __init__(self, overlap_ms: int = OVERLAP_MS, now_ms: int = NOW_MS) -> None:
        self.clock = Clock(now_ms)
        self.records = MemoryRecords(self.clock)
        self.objects = MemoryObjects(self.clock)
        self.feed = Feed(self.records, self.objects, clock_ms=self.clock, overlap_ms=overlap_ms)
        self.place = Position.at(now_ms)

    def write(self, commit: str) -> str:
        event = Event(id=commit, type="message.received", at=ulid_time(commit), detail=Raw(b'{"id":"x"}'), keys=())
        self.records.transact([Put(pack(RecordKeys.event(commit), event))])
        return commit

    def at(self, milliseconds: int, number: int = 0) -> str:
        """An entry so many milliseconds after `NOW_MS`."""
        return self.write(make_ulid(NOW_MS + milliseconds, number))

    def read(self, limit: int = 100) -> list[str]:
        """The ids of the next entries; the place moves on, by way of its text."""
        batch = self.feed.read(self.place, limit)
        place = Position.from_text(str(batch.next))
        assert place is not None
        self.place = place
        return [event.id for event in batch.events]


@pytest.fixture(params=[0, OVERLAP_MS])
def written(request: pytest.FixtureRequest) -> Written:
    return Written(request.param)


def test_entries_come_once_in_their_order(written: Written) -> None:
    assert written.read() == []
    first = [written.at(5), written.at(6, 1), written.at(6, 2)]
    assert written.read() == first
    assert written.read() == []
    later = [written.at(7), written.at(30_000)]
    assert written.read() == later
    assert written.read() == []


def test_what_was_there_before_is_not_read(written: Written) -> None:
    written.at(-1)
    assert written.read() == []
    now = written.at(0)
    assert written.read() == [now]


def test_no_more_than_the_limit_at_once(written: Written) -> None:
    written.read()
    every = [written.at(number) for number in range(7)]
    assert [written.read(3), written.read(3), written.read(3), written.read(3)] == [
        every[:3],
        every[3:6],
        every[6:],
        [],
    ]


@pytest.mark.parametrize(("count", "more"), [(2, False), (3, True), (4, True)])
def test_a_full_batch_says_that_there_may_be_more(written: Written, count: int, *, more: bool) -> None:
    for number in range(count):
        written.at(number)
    assert written.feed.read(Position.at(NOW_MS), 3).more is more


def test_an_hour_ends_within_a_batch(written: Written) -> None:
    written.place = Position.at(MIDNIGHT - 2)
    written.clock.ms = MIDNIGHT
    every = [written.write(make_ulid(MIDNIGHT + offset, 1)) for offset in (-1, 0, 1)]
    assert written.read(2) == every[:2]
    assert written.read(2) == every[2:]


def test_a_clock_that_is_ahead_of_the_reader_s_is_heard(written: Written) -> None:
    written.clock.ms = MIDNIGHT - 10
    written.place = Position.at(written.clock.ms)
    ahead = written.write(make_ulid(MIDNIGHT + 9_000, 1))
    assert written.read() == [ahead]


@pytest.mark.parametrize("late", [1, 99, 100, 101, 399, 400, 401, 1600, 1601, 6400, 6401, 19_999, 20_000])
def test_an_entry_that_comes_late_is_not_missed(late: int) -> None:
    written = Written()
    written.read()
    latest = written.at(25_000, 1)
    assert written.read() == [latest]
    came_late = written.at(25_000 - late, 0)
    assert written.read()[0] == came_late
    assert written.read() == []


def test_only_the_stretch_of_a_late_entry_comes_again() -> None:
    written = Written()
    every = [written.at(20_000 + 50 * number, 1) for number in range(100)]
    while written.read():
        pass
    late = written.write(make_ulid(ulid_ms(every[-1]) - 60, 0))
    again = written.read()
    assert late in again
    assert set(again) - {late} == set(every[-3:])
    assert written.read() == []


def test_late_entries_of_every_age_while_a_batch_is_small() -> None:
    """Reading goes back over the time in which entries may come late, no further, and gets on from there."""
    written = Written()
    for number in range(600):
        written.at(100 * number, 1)
    seen = written.read(1000)
    late = [written.at(100 * number, 0) for number in range(400, 600, 7)]
    again: list[str] = []
    while found := written.read(10):
        again += found
        assert len(again) <= 201 + len(late)
    assert set(late) <= set(again)
    assert min(ulid_ms(commit) for commit in again) == ulid_ms(seen[399])


def test_an_event_s_id_is_a_place() -> None:
    written = Written(0)
    first, second = written.at(1), written.at(2)
    written.place = Position(first)
    assert written.read() == [second]
    elsewhere = Written()
    first, second, third = elsewhere.at(1), elsewhere.at(1 + OVERLAP_MS), elsewhere.at(2 + OVERLAP_MS)
    elsewhere.place = Position(second)
    assert elsewhere.read() == [first, second, third]  # what came before may have come late
    elsewhere.place = Position(third)
    assert elsewhere.read() == [second, third]


@pytest.mark.parametrize(
    "text",
    ["", "x", LEAST + "~", LEAST + "~x", LEAST + "~1.", LEAST + "~" + "1." * 10 + "1", LEAST + "~1\n", " " + LEAST],
)
def test_what_is_no_place(text: str) -> None:
    assert Position.from_text(text) is None


@pytest.mark.parametrize("text", [LEAST, GREATEST, f"{LEAST}~1", f"{GREATEST}~999999999.0", f"{LEAST}~0.0.0.0.7"])
def test_any_place_can_be_read_from(written: Written, text: str) -> None:
    place = Position.from_text(text)
    assert place is not None
    assert written.feed.read(place, 10).events == ()


def test_hours_of_the_past_are_looked_through_in_pieces(written: Written) -> None:
    written.place = Position.at(NOW_MS - (2 * HOURS + 3) * HOUR_MS)
    old = written.write(make_ulid(NOW_MS - HOURS * HOUR_MS, 5))
    written.at(0)
    batches = []
    while (batch := written.feed.read(written.place, 10)).more:
        batches.append([event.id for event in batch.events])
        written.place = batch.next
    assert [event for events in batches for event in events] == [old]
    assert [event.id for event in batch.events] == [make_ulid(NOW_MS, 0)]
    assert len(batches) == 2


def test_an_entry_that_cannot_be_read_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    written = Written()
    first = written.at(1)
    bad = make_ulid(NOW_MS + 2, 0)
    written.records.transact([Put(Item(*RecordKeys.event(bad), b"?"))])
    last = written.at(3)
    assert written.read() == [first, last]
    assert bad in caplog.text
    assert written.read() == []


def test_entries_of_the_feed_alone_are_events_too() -> None:
    written = Written()
    commit = make_ulid(NOW_MS + 1, 0)
    written.records.transact([Put(pack(RecordKeys.event(commit), message_removed(LEAST, commit)))])
    assert written.read() == [commit]


@given(
    st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, OVERLAP_MS), st.booleans()),
        max_size=60,
    ),
    st.integers(1, 7),
)
def test_whatever_comes_late_comes(steps: Sequence[tuple[int, int, bool]], limit: int) -> None:
    """Entries become readable up to the overlap after their sequence; a reader that goes on has them all."""
    written = Written()
    written.read()
    expected, seen = set(), set[str]()
    for number, (passes, age, reads) in enumerate(steps):
        written.clock.ms += passes
        if written.clock.ms - age >= NOW_MS:
            expected.add(written.write(make_ulid(written.clock.ms - age, number)))
        if reads:
            seen |= set(written.read(limit))
    for _ in range(10 * len(steps) + 10):
        seen |= set(written.read(limit))
    assert seen == expected
    assert written.read(limit) == []


class Interrupted(MemoryRecords):
    """Records that are written to between two of a reader's queries."""

    def __init__(self, clock: Clock, written: Sequence[Put], later: Sequence[Put], at_once: int) -> None:
        super().__init__(clock)
        self._later = list(later)
        self._at_once = at_once
        for put in written:
            self.transact([put])

    def query(
        self, pk: str, *, start: str = "", end: str | None = None, reverse: bool = False, limit: int = 1000
    ) -> list[Item]:
        found = super().query(pk, start=start, end=end, reverse=reverse, limit=limit)
        for put in self._later[: self._at_once]:
            self.transact([put])
        del self._later[: self._at_once]
        return found


@pytest.mark.parametrize("at_once", range(1, 7))
@pytest.mark.parametrize("ahead", range(6))
def test_in_order_the_end_of_an_hour_hides_nothing(ahead: int, at_once: int) -> None:
    """However many entries are written on both sides of it between two queries of one reading."""
    clock = Clock(MIDNIGHT + 5)
    commits = [make_ulid(MIDNIGHT - 3 + number, 0) for number in range(6)]
    puts = [Put(pack(RecordKeys.event(commit), message_removed(LEAST, commit))) for commit in commits]
    records = Interrupted(clock, puts[:ahead], puts[ahead:], at_once)
    feed = Feed(records, MemoryObjects(clock), clock_ms=clock, overlap_ms=0)
    place, found = Position.at(MIDNIGHT - 10), list[str]()
    for _ in range(10):
        batch = feed.read(place, 100)
        found += [event.id for event in batch.events]
        place = batch.next
    assert found == commits


def test_a_reader_beside_a_writer_has_every_entry_once() -> None:
    written = Written(0)
    new_commit = UlidFactory(written.clock)
    expected: list[str] = []

    def write() -> None:
        for _ in range(500):
            written.clock.ms += 7
            expected.append(written.write(new_commit()))

    writer = threading.Thread(target=write)
    writer.start()
    seen = list[str]()
    while writer.is_alive():
        seen += written.read(9)
    writer.join()
    while found := written.read(9):
        seen += found
    assert seen == expected


@pytest.mark.parametrize("back_ms", [0, 1, 1000, HOUR_MS, 23 * HOUR_MS])
def test_a_clock_that_was_set_back_between_two_runs_hides_nothing(back_ms: int) -> None:
    written = Written(0)
    first = UlidFactory(written.clock)
    seen = [written.write(first()) for _ in range(3)]
    assert written.read() == seen
    written.clock.ms -= back_ms
    second = UlidFactory(written.clock, after=furthest_commit(written.records, written.clock.ms))
    again = [written.write(second()) for _ in range(3)]
    assert written.read() == again


def test_nothing_is_furthest_in_an_empty_feed() -> None:
    written = Written(0)
    written.at(-2 * HOUR_MS)
    assert furthest_commit(written.records, NOW_MS) == LEAST


def test_a_store_that_is_down_is_said() -> None:
    class Down(MemoryRecords):
        def query(self, *_: object, **__: object) -> list[Item]:
            raise StoreUnavailable("down")

    with pytest.raises(StoreUnavailable):
        Feed(Down(), MemoryObjects()).read(Position.at(0), 1)


def test_the_oldest_stretch_is_the_overlap_of_a_transaction() -> None:
    written = Written(OVERLAP_MS)
    late = make_ulid(NOW_MS, 0)
    written.place = Position(make_ulid(NOW_MS + OVERLAP_MS, 0), (0, 0, 0, 0, 0))
    written.write(late)
    assert written.read() == [late]
    assert timedelta(milliseconds=OVERLAP_MS) >= timedelta(seconds=20)
