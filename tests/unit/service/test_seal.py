"""Sealing, merging and what goes in time, one case each; everything together is in test_seal_model.py."""

from functools import partial

import pytest

from mailscribe.errors import StoreUnavailable
from mailscribe.records import Generations, SegmentRow
from mailscribe.service.catalog import Catalog, Change
from mailscribe.service.housekeeping import HOUR_MS, TOMBSTONE_MS, UNNAMED_MS
from mailscribe.service.merging import Shape
from mailscribe.service.search import Budget
from mailscribe.store.keys import INDEX, RecordKeys
from mailscribe.store.ports import Absent, Check, Put
from support.sealed_world import START_MS, Killed, World, ask, ulid_of, walk


@pytest.fixture
def world() -> World:
    return World()


def die() -> None:
    raise Killed


def live(world: World) -> list[tuple[int, int]]:
    """Documents and rewrites of each live segment of messages, newest first."""
    return [(row.documents, row.rewrites) for row in Catalog(world.records).current("message").live]


def tail(world: World) -> list[str]:
    return [item.sk for item in world.records.query("T#message#0")]


def fill(world: World, *numbers: int, word: str = "alpha") -> None:
    for number in numbers:
        world.write("message", number, {word})


def test_what_is_sealed_is_in_a_segment_and_not_in_the_tail(world: World) -> None:
    fill(world, 3, 1, 2)
    assert world.sealer().seal("message") == 3
    assert (tail(world), live(world)) == ([], [(3, 0)])
    world.judge(world.warm)
    world.judge(world.search())


def test_nothing_is_sealed_while_less_waits_than_is_asked_for(world: World) -> None:
    fill(world, 1, 2)
    assert world.sealer().seal("message", at_least=3) == 0
    fill(world, 3)
    assert world.sealer().seal("message", at_least=3) == 3


def test_an_open_session_stays_in_the_tail_until_it_is_closed(world: World) -> None:
    world.write("session", 1, {"alpha"}, is_open=True)
    world.write("session", 2, {"alpha"})
    assert world.sealer().seal("session") == 1
    assert [item.sk for item in world.records.query("T#session#0")] == [ulid_of("session", 1)]
    world.write("session", 1, {"beta"})
    assert world.sealer().seal("session") == 1
    world.judge(world.search())


def test_a_document_written_again_shadows_what_was_sealed_of_it_wherever_it_is(world: World) -> None:
    fill(world, 1)
    world.sealer().seal("message")
    fill(world, 1, word="beta")
    world.judge(world.warm)
    world.judge(world.search())
    world.sealer().seal("message")
    assert live(world) == [(1, 1), (1, 0)]
    world.judge(world.warm)
    world.judge(world.search())
    assert world.merger().merge("message") == 2
    assert live(world) == [(1, 0)]
    world.judge(world.search())


def test_a_document_written_again_while_it_is_sealed_stays_in_the_tail(world: World) -> None:
    fill(world, 1, 2)
    with world.scripted(0, lambda: None) as script:
        world.sealer().seal("message")
    other = World()
    fill(other, 1, 2)
    with other.scripted(script.calls - 1, lambda: fill(other, 1, word="beta")):  # just before the tail's items go
        assert other.sealer().seal("message") == 1
    assert tail(other) == [ulid_of("message", 1)]
    other.judge(other.search())


def test_a_kill_before_any_step_loses_nothing_and_the_next_seal_ends_it(world: World) -> None:
    fill(world, 1, 2)
    with world.scripted(-1, die) as script:
        world.sealer().seal("message")
    for at in range(script.calls):
        other = World()
        fill(other, 1, 2)
        with other.scripted(at, die):
            other.sealer().seal("message")
        other.judge(other.search())
        other.sealer().seal("message")
        assert (tail(other), live(other)) == ([], [(2, 0)])
        other.judge(other.search())


def test_of_two_sealers_at_once_one_loses_and_leaves_no_object(world: World) -> None:
    fill(world, 1, 2)
    with world.scripted(-1, die) as script:
        world.sealer().seal("message")
    for at in range(script.calls):
        other = World()
        fill(other, 1, 2)
        with other.scripted(at, partial(other.sealer().seal, "message")):
            other.sealer().seal("message")
        assert (tail(other), live(other)) == ([], [(2, 0)])
        assert len(other.objects.list(INDEX)) == 1


def test_a_merge_is_not_lost_to_a_seal_that_commits_meanwhile(world: World) -> None:
    for number in (1, 2):
        fill(world, number)
        world.sealer().seal("message")
    fill(world, 3)
    with world.scripted(3, lambda: world.sealer().seal("message")):
        assert world.merger().merge("message") == 2
    assert live(world) == [(1, 0), (2, 0)]
    world.judge(world.search())


def test_a_merge_leaves_out_what_was_removed(world: World) -> None:
    for number in (1, 2):
        fill(world, number)
        world.sealer().seal("message")
    world.delete(1)
    world.merger().merge("message")
    assert live(world) == [(1, 0)]
    for number in (3, 4):
        fill(world, number)
        world.sealer().seal("message")
        world.delete(number)
    world.delete(2)
    world.merger().merge("message")
    world.merger().merge("message")
    assert sum(documents for documents, _ in live(world)) <= 1


def test_retired_segments_are_readable_for_an_hour(world: World) -> None:
    for number in (1, 2):
        fill(world, number)
        world.sealer().seal("message")
    world.merger().merge("message")
    world.clock.ms += HOUR_MS - 1
    assert world.housekeeping().tidy() == 0
    assert len(world.objects.list(INDEX)) == 3
    world.clock.ms += 1
    assert world.housekeeping().tidy() == 2
    assert len(world.objects.list(INDEX)) == 1
    world.judge(world.search())


def test_a_reader_whose_segment_is_gone_reads_the_catalog_again(world: World) -> None:
    for number in (1, 2):
        fill(world, number)
        world.sealer().seal("message")
    expected = walk(world.search(), ask("message"), 10)
    search = world.search()

    def replace() -> None:
        world.merger().merge("message")
        world.clock.ms += HOUR_MS
        world.housekeeping().tidy()

    with world.scripted(-1, die) as script:
        world.search().page(ask("message"))
    for at in range(script.calls):
        other = World()
        for number in (1, 2):
            fill(other, number)
            other.sealer().seal("message")
        world, search = other, other.search()
        with other.scripted(at, replace):
            assert walk(search, ask("message"), 10) == expected


def test_a_segment_that_is_in_the_catalog_and_nowhere_else_is_a_fault_of_the_store(world: World) -> None:
    fill(world, 1)
    world.sealer().seal("message")
    world.objects.delete(world.objects.list(INDEX)[0].key)
    with pytest.raises(StoreUnavailable):
        world.search().page(ask("message"))


def test_the_sweep_removes_what_no_catalog_names_after_a_day(world: World) -> None:
    fill(world, 1)
    world.sealer().seal("message")
    world.objects.put(f"{INDEX}message/0/lost.sqlite", [b"x"])
    world.clock.ms += UNNAMED_MS - 1
    assert world.housekeeping().sweep() == 0
    world.clock.ms += 1
    assert world.housekeeping().sweep() == 1
    world.judge(world.search())


def test_a_tombstone_lives_seven_days_and_as_long_as_a_segment_holds_the_id(world: World) -> None:
    fill(world, 1, 2)
    world.sealer().seal("message")
    world.delete(1)
    tombstone = RecordKeys().tombstone(ulid_of("message", 1))
    world.clock.ms += TOMBSTONE_MS - 1
    assert world.housekeeping().purge() == 0
    assert live(world) == [(2, 0)]
    world.clock.ms += 1
    assert world.housekeeping().purge() == 0
    assert world.records.get_many([tombstone])
    assert live(world) == [(1, 0)], "written again without it"
    assert world.housekeeping().purge() == 1
    assert world.records.get_many([tombstone, *map(RecordKeys().grave, [ulid_of("message", 1)])]) == []
    world.judge(world.search())


def test_a_tombstone_lives_as_long_as_the_object_of_its_message(world: World) -> None:
    world.delete(1)
    key = f"messages/2023/11/14/{ulid_of('message', 1)}.eml"
    world.objects.put(key, [b"x"])
    world.clock.ms += TOMBSTONE_MS
    assert world.housekeeping().purge() == 0
    world.objects.delete(key)
    assert world.housekeeping().purge() == 1


def test_segments_all_of_which_has_expired_leave_the_catalog() -> None:
    world = World(retention_days=7)
    fill(world, 1)
    world.sealer().seal("message")
    fill(world, 30)
    world.sealer().seal("message")
    world.clock.ms = START_MS + 7 * 86_400_000 + 2 * HOUR_MS
    world.housekeeping().tidy()
    assert len(live(world)) == 1
    world.judge(world.warm)
    world.clock.ms += HOUR_MS
    world.housekeeping().tidy()
    assert len(world.objects.list(INDEX)) == 1


def row(number: int, documents: int, size: int = 1) -> SegmentRow:
    ulid = ulid_of("message", number)
    return SegmentRow(
        id=ulid, key="k", size=size, documents=documents, first=ulid, last=ulid, oldest_commit=ulid,
        newest_commit=ulid, made_ms=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("documents", "chosen"),
    [
        ([1] * 9, 0),
        ([1] * 10, 10),
        ([1] * 12, 10),
        ([500] * 9 + [1] * 9, 0),
        ([500] * 10, 10),
        ([499] * 5 + [500] * 9, 0),
        ([4_999] * 10, 10),
        ([5_000] * 10, 10),
        ([5_001] * 10, 9),
        ([25_000] * 10, 2),
        ([25_001] * 10, 0),
    ],
)
def test_ten_of_like_size_are_merged_as_far_as_one_may_hold(documents: list[int], chosen: int) -> None:
    rows = [row(number, count) for number, count in enumerate(documents)]
    found = Shape().choose(rows[::-1])
    assert len(found) == chosen
    assert [each.id for each in found] == sorted(each.id for each in found), "oldest first"


def test_bytes_bound_a_merge_as_well() -> None:
    rows = [row(number, 500, size=50 << 20) for number in range(10)]
    assert len(Shape().choose(rows)) == 2
    assert Shape().choose([row(number, 500, size=61 << 20) for number in range(10)]) == []


def test_a_commit_is_lost_to_one_that_came_before_and_changes_nothing(world: World) -> None:
    catalog = Catalog(world.records)
    seen = catalog.snapshot("message", 0)
    assert catalog.commit(seen, Change(added=row(1, 1)), now_ms=0)
    assert not catalog.commit(seen, Change(added=row(2, 1)), now_ms=0)
    found = catalog.current("message")
    assert (found.version, [each.documents for each in found.live]) == (1, [1])
    assert catalog.commit(found, Change(added=row(3, 1), retired=found.live), now_ms=5)
    found = catalog.current("message")
    assert [each.id for each in found.live] == [ulid_of("message", 3)]
    assert [(each.id, each.retired_ms) for each in found.retired] == [(ulid_of("message", 1), 5)]


def test_a_snapshot_is_of_one_moment_though_a_commit_comes_while_it_is_read(world: World) -> None:
    catalog = Catalog(world.records)
    catalog.commit(catalog.snapshot("message", 0), Change(added=row(1, 1)), now_ms=0)
    for at in range(3):
        seen = catalog.snapshot("message", 0)
        change = Change(added=row(10 + at, 1), retired=seen.live)
        with world.scripted(at, partial(catalog.commit, seen, change, now_ms=0)):
            assert len(Catalog(world.records).snapshot("message", 0).live) == 1


def test_generations_change_only_as_they_were_seen(world: World) -> None:
    catalog = Catalog(world.records)
    seen = catalog.reigning()
    catalog.change_generations(seen, Generations(building=1))
    assert catalog.reigning().generations.all == (0, 1)
    with pytest.raises(Exception, match="conditions failed"):
        catalog.change_generations(seen, Generations(current=7))
    with pytest.raises(Exception, match="conditions failed"):
        world.records.transact([seen.check])
    catalog.change_generations(catalog.reigning(), Generations(current=1))
    assert catalog.current("message").generation == 1


def test_everything_is_sealed_into_the_generation_that_is_built_as_well(world: World) -> None:
    """Also when the building begins at any step of a seal: what left the tail is in both."""
    fill(world, 1, 2)
    with world.scripted(-1, die) as script:
        world.sealer().seal("message")
    for at in range(script.calls):
        other = World()
        fill(other, 1, 2)
        with other.scripted(at, partial(generations, other, Generations(building=1))):
            other.sealer().seal("message")
        other.sealer().seal("message")
        assert tail(other) == []
        generations(other, Generations(current=1))
        other.judge(other.search())


def generations(world: World, wanted: Generations) -> None:
    catalog = Catalog(world.records)
    catalog.change_generations(catalog.reigning(), wanted)


def test_a_budget_ends_an_answer_in_part_and_its_cursor_goes_on(world: World) -> None:
    for number in range(6):
        fill(world, number, word="beta" if number else "alpha")
        world.sealer().seal("message")
    search = world.search(Budget(gets=1))
    page = search.page(ask("message", "alpha"))
    assert page.summaries == ()
    assert page.scanned_through is not None
    assert page.next is not None
    assert not search.count(ask("message", "")).exact
    assert world.search().count(ask("message", "")).exact
    for text in ("alpha", "", "beta"):
        fresh = world.search(Budget(gets=1))
        assert walk(fresh, ask("message", text), 4) == walk(world.search(), ask("message", text), 4)


def test_a_page_opens_no_more_segments_than_it_shows(world: World) -> None:
    for number in range(12):
        fill(world, 2 * number, 2 * number + 1)
        world.sealer().seal("message")
    search = world.search()
    world.objects.gets = 0
    assert len(search.page(ask("message"), limit=3).summaries) == 3
    assert world.objects.gets == 2
    world.objects.gets = 0
    assert walk(world.search(), ask("message", "before:2023-11-15T00:00:00Z"), 50)
    assert world.objects.gets == 1


def test_the_tails_version_is_that_of_its_commit(world: World) -> None:
    fill(world, 1)
    (before,) = world.records.query("T#message#0")
    fill(world, 1)
    (now,) = world.records.query("T#message#0")
    assert before.version != now.version
    world.records.transact([Put(now), Check(RecordKeys.GENERATIONS, Absent())])
