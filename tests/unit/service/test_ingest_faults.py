"""Ingest when things break: death between any two store calls, lost acknowledgements, a bus that is down, rivals."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import pytest

from mailscribe.errors import ConditionFailed, StoreUnavailable
from mailscribe.ids import ulid_of
from mailscribe.service.ingest import ATTEMPTS, MAX_COMMIT_AGE_MS, Ingest, Outcome
from mailscribe.store.keys import message_key
from mailscribe.store.ports import Item, Put
from support.conversation import converse, plain_message
from support.crashes import CrashAt, CrashError, FaultyBus
from support.faults import Faults, FaultyObjects, FaultyRecords
from support.world import Picture, World

TALK = converse([plain_message(1), plain_message(2), plain_message(3)], refused=frozenset({1}))
KEYS = tuple(TALK.objects)


def faulty(world: World, faults: Faults) -> Ingest:
    return world.ingest(
        objects=FaultyObjects(world.objects, faults),
        records=FaultyRecords(world.records, faults),
        events=FaultyBus(world.bus, faults),
    )


def new_world() -> World:
    world = World()
    world.hold(TALK)
    return world


def settled() -> Picture:
    world = new_world()
    world.deliver_all(KEYS)
    return world.picture()


def check_events(world: World) -> None:
    """Nothing twice in the feed, nothing missing on the bus."""
    gone = set(TALK.messages) - set(world.picture().messages)
    assert len(world.feed("message.received")) == len(TALK.messages) - len(gone)
    assert len(world.feed("message.removed")) == 2 * len(gone)  # what had shown it is overwritten, and it is removed
    assert len(world.feed("session.closed")) == 1
    check_published(world)


def check_published(world: World) -> None:
    for kind in ("message.received", "session.closed"):
        removed = {event.id for event in world.feed("message.removed")}
        assert {event.id for event in world.feed(kind)} == world.bus.ids(kind) - removed


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_call_loses_and_doubles_nothing(*, after: bool) -> None:
    expected = settled()
    for at in count():
        world = new_world()
        faults = CrashAt(at=at, after=after)
        ingest = faulty(world, faults)
        crashed = False
        for key in KEYS:
            try:
                ingest.handle(world.created(key))
            except CrashError:
                crashed = True
                assert world.main.handle(world.created(key, receive_count=2)) in Outcome
        assert world.picture() == expected, faults.calls
        check_events(world)
        if not crashed:
            assert at > 20
            return


def test_a_lost_acknowledgement_is_told_and_made_good() -> None:
    world = new_world()
    faults = Faults(lost=1, only=frozenset({"transact"}))
    key = message_key(TALK.messages[0])
    with pytest.raises(StoreUnavailable):
        faulty(world, faults).handle(world.created(key))
    assert world.bus.published == []
    assert world.deliver(key, receive_count=2) is Outcome.ALREADY
    assert len(world.feed("message.received")) == 1
    assert world.bus.published == world.feed("message.received")


def test_an_event_that_could_not_leave_leaves_later_under_the_same_id() -> None:
    world = new_world()
    for key in (message_key(TALK.messages[0]), TALK.session_object):
        world.bus.failures = 1
        with pytest.raises(StoreUnavailable):
            world.deliver(key)
        assert world.deliver(key, receive_count=2) is Outcome.ALREADY
    assert [event.id for event in world.bus.published] == [
        event.id for event in world.feed() if event.type in ("message.received", "session.closed")
    ]


@pytest.mark.parametrize("name", ["get", "get_many", "transact"])
def test_a_store_that_is_down_is_told(name: str) -> None:
    world = new_world()
    faults = Faults(down=True, only=frozenset({name}))
    for key in KEYS:
        with pytest.raises(StoreUnavailable):
            faulty(world, faults).handle(world.created(key))
    assert world.records._items == {}


@dataclass
class Rival(Faults):
    """Just before transaction number `at` is made, another worker handles all `keys` from beginning to end."""

    world: World = field(default_factory=World)
    keys: Sequence[str] = ()
    at: int = 0
    numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        if name == "transact" and next(self.numbers) == self.at:
            self.world.deliver_all(self.keys)
        yield


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize(
    "rivals",
    [KEYS, KEYS[::-1], KEYS[:1], [message_key(TALK.refused[0])], [TALK.session_object]],
    ids=["same", "reversed", "first", "taken back", "session"],
)
def test_a_rival_between_reading_and_writing(at: int, rivals: Sequence[str]) -> None:
    for keys in (KEYS, KEYS[::-1]):
        world = new_world()
        ingest = faulty(world, Rival(world=world, keys=rivals, at=at))
        for key in keys:
            ingest.handle(world.created(key))
        assert world.picture() == settled()
        assert len(world.feed("session.closed")) == 1
        assert world.session(TALK.session).state == "closed"


def test_the_loser_of_two_sees_that_it_is_there_already() -> None:
    world = new_world()
    for key in (message_key(TALK.messages[0]), TALK.session_object):
        ingest = faulty(world, Rival(world=world, keys=[key]))
        assert ingest.handle(world.created(key)) is Outcome.ALREADY


def test_a_delete_between_reading_and_writing() -> None:
    world = World()
    world.objects.put("inbound/x.eml", [plain_message()])

    class Deleter(Faults):
        @contextmanager
        def around(self, name: str) -> Iterator[None]:
            if name == "transact":
                for info in world.objects.list("inbound/"):
                    ulid = ulid_of(info.modified_ms, info.key, info.etag)
                    world.records.transact([Put(Item(*world.keys.tombstone(ulid), b""))])
            yield

    assert faulty(world, Deleter()).handle(world.created("inbound/x.eml")) is Outcome.IGNORED
    assert world.picture().messages == {}


def test_threads_that_handle_the_same_events() -> None:
    world = new_world()
    start = threading.Barrier(8)

    def work(shift: int) -> list[Outcome]:
        start.wait(30)
        return [world.deliver(key) for key in (*KEYS[shift % len(KEYS) :], *KEYS[: shift % len(KEYS)])]

    with ThreadPoolExecutor(8) as pool:
        outcomes = [outcome for result in pool.map(work, range(8)) for outcome in result]
    assert world.picture() == settled()
    assert outcomes.count(Outcome.STORED) <= len(KEYS)
    check_published(world)


class Busy(Faults):
    """Somebody else was always quicker."""

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        if name == "transact":
            raise ConditionFailed((0,))
        yield


def test_a_session_that_changes_without_end_is_given_back() -> None:
    world = new_world()
    faults = Busy()
    with pytest.raises(StoreUnavailable):
        faulty(world, faults).handle(world.created(KEYS[0]))
    assert faults.calls.count("transact") == ATTEMPTS


@pytest.mark.parametrize(("slow", "is_stored"), [(1, True), (ATTEMPTS, False)])
def test_a_commit_sequence_that_grew_old_is_made_anew(slow: int, *, is_stored: bool) -> None:
    world = new_world()
    times = [MAX_COMMIT_AGE_MS + 1 if index % 2 else 0 for index in range(2 * slow)] + [0, MAX_COMMIT_AGE_MS]
    ingest = Ingest(
        world.objects,
        world.records,
        None,
        world.settings,
        clock_ms=iter(times).__next__,
        new_commit=world.new_commit,
    )
    if is_stored:
        assert ingest.handle(world.created(KEYS[0])) is Outcome.STORED
    else:
        with pytest.raises(StoreUnavailable):
            ingest.handle(world.created(KEYS[0]))
        assert world.records._items == {}


def test_removal_gives_back_what_changes_without_end() -> None:
    world = new_world()
    with pytest.raises(StoreUnavailable):
        faulty(world, Busy()).handle(world.created(TALK.session_object))
