"""Ingest of many events at once: the end is that of one by one, in fewer writes; no message before its session."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.errors import StoreUnavailable
from mailscribe.service import project as project_module
from mailscribe.service.batch import BatchIngest
from mailscribe.service.ingest import Outcome
from mailscribe.store.keys import message_key
from mailscribe.store.ports import Item, Put, Records
from support.conversation import Conversation, converse, plain_message
from support.faults import Faults, FaultyRecords
from support.world import NOW_MS, Picture, World

LONG = converse([plain_message(number) for number in range(1, 7)])
TAKEN_BACK = converse([plain_message(1), plain_message(2), plain_message(3)], number=3, refused=frozenset({1}))
OPEN = converse([plain_message(1), plain_message(2)], number=4)
VERY_LONG = converse([plain_message(number) for number in range(1, 81)], number=5)
del OPEN.objects[OPEN.session_object]
ALL = (LONG, TAKEN_BACK, OPEN)
KEYS = tuple(key for conversation in ALL for key in conversation.objects)


def batching(*conversations: Conversation, records: Records | None = None) -> World:
    world = World()
    world.hold(*conversations)
    world.main = make(world, records)
    return world


def make(world: World, records: Records | None = None) -> BatchIngest:
    return BatchIngest(
        world.objects, records or world.records, world.settings, clock_ms=lambda: NOW_MS, new_commit=world.new_commit
    )


def one_by_one(keys: Sequence[str] = KEYS) -> Picture:
    world = World()
    world.hold(*ALL)
    world.deliver_all(keys)
    return world.picture()


def messages(conversation: Conversation) -> list[str]:
    return [message_key(ulid) for ulid in conversation.messages]


def check_sessions(world: World) -> None:
    """Every message that can be read has a session that can."""
    picture = world.picture()
    for record in picture.messages.values():
        assert record.session is None or record.session.id in picture.sessions


@given(st.permutations(KEYS), st.lists(st.sampled_from(KEYS), max_size=6), st.sets(st.integers(0, len(KEYS))))
def test_any_order_any_batches_and_any_repetition_end_as_one_by_one(
    order: list[str], again: list[str], ends: set[int]
) -> None:
    world = batching(*ALL)
    for index, key in enumerate([*order, *again]):
        world.deliver(key)
        check_sessions(world)
        if index in ends:
            world.main.settle()
    world.main.settle()
    assert world.picture() == one_by_one()


@given(st.permutations(KEYS), st.integers(0, len(KEYS)))
def test_a_batch_that_was_cut_off_and_is_done_again_ends_as_one_by_one(order: list[str], cut: int) -> None:
    world = batching(*ALL)
    world.deliver_all(order[:cut])
    world.main = make(world)
    world.deliver_all(order)
    world.main.settle()
    assert world.picture() == one_by_one()


def test_a_session_is_written_with_its_first_message_and_at_the_end() -> None:
    world = batching(LONG)
    world.deliver_all(messages(LONG))
    assert world.session(LONG.session).messages == tuple(LONG.messages[:1])
    world.main.settle()
    assert world.session(LONG.session).messages == tuple(LONG.messages)
    assert [event.type for event in world.feed()].count("session.opened") == 2
    before = dict(world.records._items)
    world.main.settle()
    assert world.records._items == before


def test_what_the_session_itself_has_told_is_not_told_again() -> None:
    world = batching(LONG)
    world.deliver_all([*messages(LONG), LONG.session_object])
    before = dict(world.records._items)
    world.main.settle()
    assert world.records._items == before
    assert world.session(LONG.session).state == "closed"


def test_a_message_in_the_part_of_a_long_tale_that_is_left_out_is_named_all_the_same() -> None:
    world = batching(VERY_LONG)
    world.deliver_all(messages(VERY_LONG))
    world.main.settle()
    session = world.session(VERY_LONG.session)
    assert session.messages == tuple(VERY_LONG.messages)
    assert "truncated" in [finding.code for finding in session.findings]


def test_a_message_that_a_later_one_takes_back_is_hidden_when_the_batch_ends() -> None:
    world = batching(TAKEN_BACK)
    first, _, third = TAKEN_BACK.messages
    world.deliver_all([*messages(TAKEN_BACK), messages(TAKEN_BACK)[0]])
    world.main.settle()
    assert set(world.picture().messages) == {first, third}
    assert world.session(TAKEN_BACK.session).messages == (first, third)


def test_a_store_that_is_down_leaves_the_tale_for_the_next_call() -> None:
    faults = Faults()
    world = World()
    world.hold(LONG)
    world.main = make(world, FaultyRecords(world.records, faults))
    world.deliver_all(messages(LONG))
    faults.down = True
    with pytest.raises(StoreUnavailable):
        world.main.settle()
    faults.down = False
    world.main.settle()
    assert world.session(LONG.session).messages == tuple(LONG.messages)


def test_a_tale_that_cannot_be_read_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    world = batching(LONG)
    world.deliver_all(messages(LONG))
    monkeypatch.setattr(project_module, "open_session", lambda _: 1 / 0)
    world.main.settle()
    assert world.session(LONG.session).messages == tuple(LONG.messages[:1])


def test_a_session_that_was_deleted_meanwhile_stays_so() -> None:
    world = batching(LONG)
    world.deliver_all(messages(LONG))
    world.records.transact([Put(Item(*world.keys.tombstone(LONG.session), b""))])
    before = dict(world.records._items)
    world.main.settle()
    assert world.records._items == before


def test_a_message_again_is_known() -> None:
    world = batching(LONG)
    assert [world.deliver(messages(LONG)[0]) for _ in range(2)] == [Outcome.STORED, Outcome.ALREADY]
