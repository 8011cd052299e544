"""Lost sessions: closed once and late enough, whatever else arrives, dies or is done twice at the same time."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.errors import StoreError, StoreUnavailable
from mailscribe.ids import ulid_ms
from mailscribe.records import SessionRecord
from mailscribe.service import sessions
from mailscribe.service.ingest import Outcome
from mailscribe.service.lost import LostSessions
from mailscribe.settings import Settings
from mailscribe.smtp import parse_trace
from mailscribe.store.keys import message_key
from mailscribe.store.ports import Delete, Item, Put
from support.conversation import converse, plain_message
from support.crashes import CrashAt, CrashError, FaultyBus
from support.faults import Faults, FaultyObjects, FaultyRecords
from support.world import DAY_MS, NOW_MS, Picture, World

ONE = converse([plain_message(1)])
TWO = converse([plain_message(1), plain_message(2)], number=2)
TAKEN_BACK = converse([plain_message(1), plain_message(2), plain_message(3)], number=3, refused=frozenset({1}))
NO_MAIL = converse(number=4)
ALL = (ONE, TWO, TAKEN_BACK, NO_MAIL)
OBJECTS = {key: data for conversation in ALL for key, data in conversation.objects.items()}
TRANSCRIPTS = frozenset(conversation.session_object for conversation in ALL)
MAILED = {conversation.session for conversation in (ONE, TWO, TAKEN_BACK)}
SWEEP = "sweep"


def told(world: World, key: str) -> Outcome:
    """The object comes to be, if it had not yet, and its event arrives."""
    world.objects.put(key, [OBJECTS[key]])
    return world.deliver(key)


def opened(settings: Settings | None = None) -> World:
    """A world in which every message arrived, and no transcript."""
    world = World(settings)
    for key in OBJECTS.keys() - TRANSCRIPTS:
        told(world, key)
    return world


def subjects(world: World, kind: str) -> list[str]:
    return sorted(str(json.loads(bytes(event.detail))["id"]) for event in world.feed(kind))


def check_closed_once(world: World) -> None:
    assert subjects(world, "session.closed") == sorted(world.picture().sessions)
    assert {event.id for event in world.feed("session.closed")} == world.bus.ids("session.closed")


def check_index(world: World) -> None:
    picture = world.picture()
    assert picture.open == {session.id for session in picture.sessions.values() if session.state == "open"}


def test_a_session_is_closed_with_all_that_its_messages_tell() -> None:
    world = opened()
    before = world.picture().sessions
    assert world.picture().open == MAILED
    assert world.sweep() == len(MAILED)
    for ulid, session in world.picture().sessions.items():
        assert (session.state, session.end) == ("closed", "lost")
        assert session.closed_at is not None
        assert session.closed_at > session.opened_at
        assert session.turns == before[ulid].turns
        assert session.messages == before[ulid].messages
        assert session.outcome == before[ulid].outcome
        assert json.loads(bytes(world.picture().tail["session", ulid].summary))["end"] == "lost"
    assert [event.keys for event in world.feed("session.closed")] == [()] * len(MAILED)
    assert world.picture().open == frozenset()
    check_closed_once(world)
    rows = dict(world.records._items)
    assert world.sweep() == 0
    assert world.records._items == rows
    assert len(world.bus.published) == len({event.id for event in world.bus.published})


@pytest.mark.parametrize(("early", "closed"), [(1, 0), (0, 0), (-1, 1)])
def test_no_session_is_closed_that_may_still_go_on_or_be_on_its_way(early: int, closed: int) -> None:
    world = World(Settings(session_timeout=1000, lost_after=30))
    told(world, message_key(ONE.messages[0]))
    assert world.lost().close_lost(ulid_ms(ONE.session) + 1_030_000 - early) == closed
    assert world.session(ONE.session).state == ("closed" if closed else "open")
    check_index(world)


def test_a_clock_before_all_time_closes_nothing() -> None:
    assert opened().lost().close_lost(0) == 0


def test_a_transcript_that_comes_later_has_the_last_word() -> None:
    world = opened()
    world.sweep()
    (before,) = (event for event in world.feed("session.closed") if ONE.session in bytes(event.detail).decode())
    assert told(world, ONE.session_object) is Outcome.STORED
    session = world.session(ONE.session)
    assert session == sessions.closed_session(ONE.session, OBJECTS[ONE.session_object])
    assert (session.state, session.end) == ("closed", "quit")
    assert json.loads(bytes(world.picture().tail["session", ONE.session].summary))["end"] == "quit"
    assert before in world.feed("session.closed")
    check_closed_once(world)
    check_index(world)


def test_a_message_that_comes_later_adds_what_it_tells_and_opens_nothing() -> None:
    world = World()
    first, second = map(message_key, TWO.messages)
    told(world, first)
    world.sweep()
    told(world, second)
    session = world.session(TWO.session)
    assert (session.state, session.end, session.messages) == ("closed", "lost", tuple(TWO.messages))
    assert session == sessions.lost(sessions.open_session(parse_trace(OBJECTS[second])))
    check_closed_once(world)
    check_index(world)


def test_a_transcript_of_which_nobody_told_is_found() -> None:
    world = opened()
    world.objects.put(ONE.session_object, [OBJECTS[ONE.session_object]])
    assert world.sweep() == len(MAILED)
    assert world.session(ONE.session).end == "quit"
    assert {event.keys for event in world.feed("session.closed")} == {(), (ONE.session_object,)}
    assert told(world, ONE.session_object) is Outcome.ALREADY
    check_closed_once(world)


@st.composite
def histories(draw: st.DrawFn) -> list[str]:
    """Objects in any order, some again, sweeps anywhere; of some sessions the transcript never comes."""
    gone = draw(st.sets(st.sampled_from(sorted(TRANSCRIPTS))))
    keys = sorted(OBJECTS.keys() - gone)
    history = draw(st.permutations(keys))
    extra = st.tuples(st.integers(0, len(keys)), st.sampled_from([SWEEP, SWEEP, *keys]))
    for index, key in draw(st.lists(extra, max_size=10)):
        history.insert(index, key)
    return [*history, SWEEP]


@given(histories())
def test_a_sweep_at_any_time_changes_nothing_of_what_stands_at_the_end(history: list[str]) -> None:
    world, straight = World(), World()
    for key in history:
        if key == SWEEP:
            world.sweep()
        else:
            told(world, key)
        check_index(world)
    for key in sorted({*history} - {SWEEP}):
        told(straight, key)
    straight.sweep()
    assert world.picture() == straight.picture()
    assert {session.state for session in world.picture().sessions.values()} <= {"closed"}
    check_closed_once(world)


def swept() -> Picture:
    world = opened()
    world.sweep()
    return world.picture()


def faulty(world: World, faults: Faults) -> LostSessions:
    objects, records = FaultyObjects(world.objects, faults), FaultyRecords(world.records, faults)
    ingest = world.ingest(objects=objects, records=records, events=FaultyBus(world.bus, faults))
    return LostSessions(ingest, objects, records, world.settings)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("late", [False, True], ids=["lost", "told after all"])
def test_a_crash_at_any_call_loses_and_doubles_nothing(*, after: bool, late: bool) -> None:
    for at in count():
        world = opened()
        faults = CrashAt(at=at, after=after)
        try:
            faulty(world, faults).close_lost(NOW_MS + DAY_MS)
        except CrashError:
            if late:
                told(world, TWO.session_object)
        if len(faults.calls) <= at:
            assert at > 10
            return
        world.sweep()
        if not late:
            assert world.picture() == swept(), faults.calls
        assert world.picture().open == frozenset()
        check_closed_once(world)


@pytest.mark.parametrize("name", ["get", "get_many", "query", "transact", "publish"])
def test_a_store_that_is_down_is_told(name: str) -> None:
    world = opened()
    with pytest.raises(StoreUnavailable):
        faulty(world, Faults(down=True, only=frozenset({name}))).close_lost(NOW_MS + DAY_MS)
    assert world.sweep() >= len(MAILED) - 1
    assert world.picture() == swept()
    check_closed_once(world)


@pytest.mark.parametrize("at", range(8))
@pytest.mark.parametrize("rival", [SWEEP, TWO.session_object, message_key(TWO.messages[1])])
def test_a_rival_between_reading_and_writing(at: int, rival: str) -> None:
    world = World()
    told(world, message_key(TWO.messages[0]))
    told(world, message_key(ONE.messages[0]))
    numbers = count()

    class Rival(Faults):
        @contextmanager
        def around(self, name: str) -> Iterator[None]:
            if next(numbers) == at:
                if rival == SWEEP:
                    world.sweep()
                else:
                    told(world, rival)
            yield

    faulty(world, Rival()).close_lost(NOW_MS + DAY_MS)
    ends = {ulid: session.end for ulid, session in world.picture().sessions.items()}
    assert ends == {ONE.session: "lost", TWO.session: "quit" if rival == TWO.session_object else "lost"}
    if rival == message_key(TWO.messages[1]):
        assert world.session(TWO.session).messages == tuple(TWO.messages)
    assert world.picture().open == frozenset()
    check_closed_once(world)


def test_one_that_cannot_be_closed_does_not_hold_up_the_others() -> None:
    world = opened()
    key = world.keys.session(ONE.session)
    (row,) = world.records.get_many([key])
    world.records.transact([Put(replace(row, data=b"rubbish"))])
    with pytest.raises(StoreError):
        world.sweep()
    world.records.transact([Put(row)])
    assert world.picture().open == {ONE.session}
    assert world.sweep() == 1
    check_closed_once(world)


def test_a_call_does_so_much_and_the_next_one_the_rest_oldest_first() -> None:
    world = opened(Settings(shards=3))
    for left in (2, 1, 0):
        assert world.lost(limit=1).close_lost(NOW_MS + DAY_MS) == 1
        assert world.picture().open == set(sorted(MAILED)[len(MAILED) - left :])
    assert world.lost(limit=1).close_lost(NOW_MS + DAY_MS) == 0


@pytest.mark.parametrize("deleted", [False, True])
def test_a_session_that_is_gone_is_forgotten(*, deleted: bool) -> None:
    world = World()
    told(world, message_key(ONE.messages[0]))
    if deleted:
        world.records.transact([Put(Item(*world.keys.tombstone(ONE.session), b""))])
    else:
        world.records.transact([Delete(world.keys.session(ONE.session))])
    assert world.sweep() == 0
    assert world.picture().open == frozenset()
    assert world.feed("session.closed") == []


def test_of_a_closed_session_nothing_is_indexed() -> None:
    world = World()
    for key in (NO_MAIL.session_object, ONE.session_object, message_key(ONE.messages[0])):
        told(world, key)
        assert world.picture().open == frozenset()


OPEN = [sessions.open_session(parse_trace(OBJECTS[message_key(ulid)])) for ulid in TAKEN_BACK.messages]
LINES = OBJECTS[TAKEN_BACK.session_object].splitlines(keepends=True)
CLOSED = [sessions.closed_session(TAKEN_BACK.session, b"".join(LINES[:lines])) for lines in (3, 12, -1, None)]


@given(st.lists(st.sampled_from([*OPEN, *map(sessions.lost, OPEN), *CLOSED]), min_size=3, max_size=3))
def test_joining_with_lost_ones_is_associative_commutative_and_idempotent(some: list[SessionRecord]) -> None:
    one, two, three = some
    assert sessions.join(one, one) == one
    assert sessions.join(one, two) == sessions.join(two, one)
    assert sessions.join(sessions.join(one, two), three) == sessions.join(one, sessions.join(two, three))


@pytest.mark.parametrize("one", OPEN)
@pytest.mark.parametrize("two", OPEN)
def test_lost_before_or_after_more_is_known_is_the_same(one: SessionRecord, two: SessionRecord) -> None:
    assert sessions.join(sessions.lost(one), two) == sessions.lost(sessions.join(one, two))
