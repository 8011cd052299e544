"""Search: as new as the store whatever came late, twice or at once; pages that stay; waits by commit sequence."""

import threading

import pytest
from msgspec import Raw

from mailscribe.errors import CursorError, QueryError, StoreUnavailable
from mailscribe.ids import make_ulid
from mailscribe.records import IndexDocument
from mailscribe.service.search import OVERLAP_MS, QUIET_MS, Search, after
from mailscribe.settings import Settings
from mailscribe.store.items import Overflow, pack
from mailscribe.store.ports import Item, Put
from support.faults import Gate
from support.shelf import KEYS, NOW_MS, CountedRecords, Shelf, ask, number_of, ulid_of

CATALOG = [KEYS.GENERATIONS, KEYS.head("message", 0)]
"""What every list reads of the catalog as long as nothing was sealed since the last."""


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def test_what_was_there_before_and_what_comes_after_is_listed_newest_first_by_id(shelf: Shelf) -> None:
    shelf.put(5)
    shelf.put(3)
    assert shelf.listed() == [5, 3]
    shelf.put(4)
    assert shelf.listed() == [5, 4, 3]


def test_kinds_are_apart(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, "session")
    assert (shelf.listed("message"), shelf.listed("session")) == ([1], [2])


def test_a_query_selects(shelf: Shelf) -> None:
    shelf.put(1, subject="lunch")
    shelf.put(2, subject="dinner")
    assert shelf.listed(text="subject:lunch") == [1]


def test_a_query_that_is_not_understood_is_said(shelf: Shelf) -> None:
    with pytest.raises(QueryError):
        shelf.listed(text="nonsense:1")


def test_an_open_session_that_grew_is_listed_once(shelf: Shelf) -> None:
    shelf.put(1, "session", subject="before")
    assert shelf.listed("session") == [1]
    shelf.put(1, "session", subject="after")
    assert shelf.listed("session", "after") == [1]
    assert shelf.listed("session", "before") == []


def test_what_went_away_is_not_listed(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2)
    assert shelf.listed() == [2, 1]
    shelf.remove(2)
    assert shelf.listed() == [1]


@pytest.mark.parametrize("late_ms", [1, OVERLAP_MS - 1])
def test_a_commit_that_is_seen_after_a_later_one_is_not_missed(shelf: Shelf, late_ms: int) -> None:
    early = shelf.commits()
    shelf.clock.ms += late_ms
    shelf.put(2)
    assert shelf.listed() == [2]
    shelf.put(1, commit=early)
    assert shelf.listed() == [2, 1]


def test_in_quiet_times_even_a_very_late_commit_is_not_missed(shelf: Shelf) -> None:
    shelf.listed()
    shelf.clock.ms += QUIET_MS - OVERLAP_MS
    shelf.put(1, commit=make_ulid(NOW_MS, 1))
    assert shelf.listed() == [1]


def test_the_feed_is_followed_over_the_hour(shelf: Shelf) -> None:
    for hour in range(4):
        shelf.put(hour)
        assert shelf.listed() == list(range(hour, -1, -1))
        shelf.clock.ms += 3_600_000


@pytest.mark.parametrize("hours", [1, 2, 23, 25, 1000])
def test_what_came_while_nobody_looked_for_hours_is_there_at_the_next_look(shelf: Shelf, hours: int) -> None:
    shelf.put(1)
    assert shelf.listed() == [1]
    shelf.clock.ms += hours * 3_600_000
    shelf.put(2)
    shelf.clock.ms += hours * 3_600_000
    assert shelf.listed() == [2, 1]
    shelf.put(3)
    assert shelf.listed() == [3, 2, 1]


def test_a_commit_of_a_clock_that_is_ahead_is_seen_at_once(shelf: Shelf) -> None:
    shelf.listed()
    shelf.put(1, commit=make_ulid(NOW_MS + OVERLAP_MS - 1, 1))
    assert shelf.listed() == [1]


@pytest.mark.parametrize("hours", [1, 5, 23])
def test_sequences_that_go_on_while_the_clock_steps_back_are_followed(shelf: Shelf, hours: int) -> None:
    shelf.put(1)
    assert shelf.listed() == [1]
    shelf.clock.ms -= hours * 3_600_000
    shelf.put(2)
    assert shelf.listed() == [2, 1]


def test_a_clock_that_was_ahead_when_the_tail_was_loaded_hides_nothing_when_it_is_set_right(shelf: Shelf) -> None:
    shelf.clock.ms += 2 * 3_600_000
    shelf.listed()
    shelf.clock.ms -= 2 * 3_600_000
    shelf.put(1)
    assert shelf.listed() == [1]


def test_one_sequence_from_the_far_future_does_not_lengthen_every_look(shelf: Shelf) -> None:
    shelf.listed()
    shelf.put(1, commit=make_ulid(NOW_MS + OVERLAP_MS - 1, 1))
    shelf.listed()
    shelf.clock.ms -= 100 * 24 * 3_600_000
    shelf.records.partitions.clear()
    shelf.listed()
    assert len(shelf.records.partitions) <= 26


def test_a_commit_on_its_way_while_the_tail_is_loaded_is_not_missed_even_without_overlap(shelf: Shelf) -> None:
    search = Search(shelf.records, shelf.objects, Settings(), clock_ms=shelf.clock, overlap_ms=0)
    early = shelf.commits()
    shelf.clock.ms += OVERLAP_MS - 1
    assert shelf.listed(search=search) == []
    shelf.put(1, commit=early)
    assert shelf.listed(search=search) == [1]


@pytest.mark.parametrize("overlap_ms", [0, 1_000, OVERLAP_MS])
@pytest.mark.parametrize("took_ms", [0, OVERLAP_MS - 1, OVERLAP_MS, 10 * OVERLAP_MS, 2 * QUIET_MS])
def test_what_is_committed_while_the_tails_are_loaded_is_not_missed(
    shelf: Shelf, overlap_ms: int, took_ms: int
) -> None:
    """The message comes behind the back of the load, and the session after it is loaded."""

    def commit_behind() -> None:
        shelf.put(2)
        shelf.clock.ms += took_ms
        shelf.put(3, "session")

    search = Search(shelf.records, shelf.objects, Settings(), clock_ms=shelf.clock, overlap_ms=overlap_ms)
    shelf.put(1)
    shelf.records.before[KEYS.tails("session")[0]] = commit_behind
    assert shelf.listed(search=search) == [2, 1]
    assert shelf.listed("session", search=search) == [3]
    shelf.put(4)
    assert shelf.listed(search=search) == [4, 2, 1]


def test_without_overlap_nothing_is_read_again(shelf: Shelf) -> None:
    search = Search(shelf.records, shelf.objects, Settings(), clock_ms=shelf.clock, overlap_ms=0)
    shelf.listed(search=search)
    for number in range(3):
        shelf.clock.ms += 1
        shelf.put(number)
        assert shelf.listed(search=search)[0] == number


def test_nothing_new_costs_two_small_queries_and_a_fetch_of_two_small_rows(shelf: Shelf) -> None:
    for number in range(20):
        shelf.put(number)
    shelf.listed()
    shelf.listed()
    shelf.records.partitions.clear()
    shelf.records.fetched.clear()
    for _ in range(3):
        shelf.listed()
    assert len(shelf.records.partitions) <= 2 * 3
    assert all(partition.startswith("E#") for partition in shelf.records.partitions)
    assert shelf.records.fetched == CATALOG * 3


def test_a_new_commit_costs_one_fetch_of_what_is_new(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.listed()
    shelf.listed()
    shelf.records.fetched.clear()
    shelf.put(2)
    shelf.put(3, "session")
    shelf.listed()
    shelf.listed()
    tails = [KEYS.tail("message", ulid_of(2)), KEYS.tail("session", ulid_of(3))]
    assert shelf.records.fetched == [*tails, *CATALOG, *CATALOG]


def test_more_than_a_page_of_the_feed_is_followed(shelf: Shelf) -> None:
    shelf.listed()
    for number in range(1500):
        shelf.put(number)
    assert len(shelf.search.first(ask(), after_commit=after(0), count=5000)) == 1500


def test_more_than_a_page_of_the_tail_is_loaded(shelf: Shelf) -> None:
    for number in range(1500):
        shelf.put(number)
    assert len(shelf.new_search().first(ask(), after_commit=after(0), count=5000)) == 1500


def test_a_tail_item_and_a_feed_entry_that_cannot_be_read_cost_only_themselves(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.put(1)
    shelf.write(Put(Item(*KEYS.tail("message", ulid_of(2)), b"rubbish")))
    assert shelf.listed() == [1]
    shelf.write(Put(Item(*KEYS.event(shelf.commits()), b"rubbish")))
    shelf.put(3)
    assert shelf.listed() == [3, 1]
    assert len(caplog.records) == 2


def test_a_document_whose_object_is_gone_is_on_its_way_out(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    ulid = ulid_of(1)
    document = IndexDocument(
        kind="message", id=ulid, commit=ulid, size=1, tags=(), subject="", body="", summary=Raw(b"{}")
    )
    item = pack(KEYS.tail("message", ulid), document, overflow=Overflow(shelf.objects, 1))
    shelf.write(Put(item))
    shelf.objects.delete(item.data.decode())
    assert shelf.listed() == []
    assert caplog.records == []


def test_a_store_that_was_down_at_the_first_look_is_loaded_at_the_next(shelf: Shelf) -> None:
    class Down(CountedRecords):
        is_down = True

        def query(
            self, pk: str, *, start: str = "", end: str | None = None, reverse: bool = False, limit: int = 1000
        ) -> list[Item]:
            if self.is_down:
                raise StoreUnavailable("down")
            return super().query(pk, start=start, end=end, reverse=reverse, limit=limit)

    shelf.records = records = Down(shelf.clock)
    shelf.search = shelf.new_search()
    shelf.put(1)
    with pytest.raises(StoreUnavailable):
        shelf.listed()
    records.is_down = False
    assert shelf.listed() == [1]


def test_looks_that_begin_while_another_is_going_on_share_one(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    class AskedLock:
        """Tells how often it was asked for."""

        def __init__(self) -> None:
            self.asked = threading.Semaphore(0)
            self._lock = threading.Lock()

        def __enter__(self) -> None:
            self.asked.release()
            self._lock.acquire()

        def __exit__(self, *_: object) -> None:
            self._lock.release()

    shelf.listed()
    shelf.records.partitions.clear()
    shelf.records.gate = gate = Gate()
    lock = AskedLock()
    monkeypatch.setattr(shelf.search._warm, "_lock", lock)
    threads = [threading.Thread(target=shelf.search.refresh) for _ in range(8)]
    threads[0].start()
    gate.entered()
    for thread in threads[1:]:
        thread.start()
    for _ in threads:
        assert lock.asked.acquire(timeout=30)
    gate.open()
    for thread in threads:
        thread.join()
    looks = len(shelf.records.partitions)
    shelf.records.partitions.clear()
    shelf.search.refresh()
    assert looks == 2 * len(shelf.records.partitions)


def walk(shelf: Shelf, limit: int, between: list[int]) -> list[int]:
    """All pages of a list, with new documents put after each."""
    found: list[int] = []
    cursor: str | None = None
    while True:
        page = shelf.search.page(ask(), cursor=cursor, limit=limit)
        assert len(page.summaries) <= limit
        found += [number_of(summary) for summary in page.summaries]
        if page.next is None:
            return found
        cursor = page.next
        for number in between:
            shelf.put(number)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 9, 10, 11])
def test_pages_hold_everything_once_while_mail_arrives(shelf: Shelf, limit: int) -> None:
    for number in range(10):
        shelf.put(number)
    assert walk(shelf, limit, [100, 101]) == list(range(9, -1, -1))


def test_a_cursor_is_good_for_its_list_only(shelf: Shelf) -> None:
    for number in range(3):
        shelf.put(number)
        shelf.put(number, "session")
    cursor = shelf.search.page(ask("hello"), limit=1).next
    assert cursor is not None
    for question in (ask("hello", "session"), ask(""), ask("subject:hello")):
        with pytest.raises(CursorError):
            shelf.search.page(question, cursor=cursor)
    for text in ("", "x", cursor[:-1], cursor[:-1] + ("A" if cursor[-1] != "A" else "B")):
        with pytest.raises(CursorError):
            shelf.search.page(ask("hello"), cursor=text)
    assert len(shelf.search.page(ask(" hello "), cursor=cursor).summaries) == 2


def test_a_cursor_of_another_process_over_the_same_store_is_good(shelf: Shelf) -> None:
    for number in range(3):
        shelf.put(number)
    cursor = shelf.search.page(ask(), limit=1).next
    page = shelf.new_search().page(ask(), cursor=cursor)
    assert [number_of(summary) for summary in page.summaries] == [1, 0]


def test_first_goes_by_commit_sequence_not_by_id(shelf: Shelf) -> None:
    for number in (5, 1, 9, 3):
        shelf.put(number)
    hits = shelf.search.first(ask(), after_commit=after(0), count=3)
    assert [hit.id for hit in hits] == [ulid_of(5), ulid_of(1), ulid_of(9)]


def test_first_counts_only_what_became_readable_after(shelf: Shelf) -> None:
    shelf.put(9)
    second = shelf.put(1)
    shelf.put(2)
    hits = shelf.search.first(ask(), after_commit=second, count=3)
    assert [hit.id for hit in hits] == [ulid_of(2)]


def test_after_a_moment_is_everything_made_at_it_or_later() -> None:
    assert after(NOW_MS) < make_ulid(NOW_MS, 0)
    assert after(NOW_MS) >= make_ulid(NOW_MS - 1, (1 << 80) - 1)
    assert after(-5) == after(0) < make_ulid(0, 1)


def test_the_commit_of_an_id_is_known_for_both_kinds(shelf: Shelf) -> None:
    message, session = shelf.put(1), shelf.put(2, "session")
    assert shelf.search.commit_of(ulid_of(1)) == message
    assert shelf.search.commit_of(ulid_of(2)) == session
    assert shelf.search.commit_of(ulid_of(3)) is None
