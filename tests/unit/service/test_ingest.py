"""Ingest: one record and one outbox entry, whatever is repeated, reordered, lost in between or done twice at once."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.errors import StoreError
from mailscribe.records import Event
from mailscribe.service.ingest import Ingest, ObjectCreated, Outcome
from mailscribe.settings import Settings
from mailscribe.store.items import derived_of
from mailscribe.store.keys import message_key, session_key
from mailscribe.store.ports import Item, Put
from support.conversation import Conversation, converse, plain_message
from support.stores import MemoryObjects
from support.world import NOW_MS, Picture, World

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
ONE = converse([plain_message(1)])
TWO = converse([plain_message(1), plain_message(2)], number=2)
TAKEN_BACK = converse([plain_message(1), plain_message(2), plain_message(3)], number=3, refused=frozenset({1}))
ABORTED = converse([plain_message(1)], number=4, quits=False)
NO_MAIL = converse(number=5, extra=b"VRFY bob\r\nNONSENSE\r\n")


def lost(conversation: Conversation, *, drop: int) -> Conversation:
    """The same session whose process died: its transcript lacks the last `drop` lines."""
    lines = conversation.objects[conversation.session_object].splitlines(keepends=True)
    conversation.objects[conversation.session_object] = b"".join(lines[:-drop])
    return conversation


LOST = lost(converse([plain_message(1), plain_message(2)], number=6), drop=9)
ALL = (ONE, TWO, TAKEN_BACK, ABORTED, NO_MAIL, LOST)
KEYS = tuple(key for conversation in ALL for key in conversation.objects)


def settled(keys: tuple[str, ...] = KEYS) -> World:
    world = World()
    world.hold(*ALL)
    world.deliver_all(keys)
    return world


@pytest.fixture(scope="module")
def expected() -> Picture:
    return settled().picture()


def check_feed(world: World) -> None:
    """An entry for every record that is there, none twice; and all of them published, always under one id."""
    received = [event for event in world.feed("message.received") if _subject(event) in world.picture().messages]
    closed = world.feed("session.closed")
    assert sorted(map(_subject, received)) == sorted(world.picture().messages)
    assert sorted(map(_subject, closed)) == sorted(world.picture().sessions)
    assert {event.id for event in received} <= world.bus.ids("message.received")
    assert {event.id for event in closed} == world.bus.ids("session.closed")
    assert world.bus.ids("session.opened") == world.bus.ids("message.removed") == set()


def _subject(event: Event) -> str:
    return str(json.loads(bytes(event.detail))["id"])


def test_what_stands_at_the_end(expected: Picture) -> None:
    accepted = {ulid for conversation in ALL for ulid in conversation.accepted}
    assert set(expected.messages) == accepted
    assert set(expected.sessions) == {conversation.session for conversation in ALL}
    assert set(expected.tail) == {("message", ulid) for ulid in accepted} | {
        ("session", ulid) for ulid in expected.sessions
    }
    assert expected.tombstones == frozenset(TAKEN_BACK.refused)
    assert len(expected.pointers) == len(accepted)
    for conversation in ALL:
        session = expected.sessions[conversation.session]
        assert (session.state, list(session.messages)) == ("closed", conversation.accepted)
    ends = [expected.sessions[conversation.session].end for conversation in ALL]
    assert ends == ["quit", "quit", "quit", "aborted", "quit", "lost"]


def test_the_feed_and_the_bus_hold_each_event_once() -> None:
    world = settled()
    check_feed(world)
    assert len(world.bus.published) == len({event.id for event in world.bus.published})


@given(st.permutations(KEYS), st.lists(st.tuples(st.integers(0, len(KEYS)), st.sampled_from(KEYS)), max_size=12))
def test_any_order_and_repetition_ends_the_same(order: list[str], again: list[tuple[int, str]]) -> None:
    for index, key in again:
        order.insert(index, key)
    world = settled(tuple(order))
    assert world.picture() == settled().picture()
    check_feed(world)


def test_the_same_event_a_hundred_times_changes_nothing() -> None:
    world = settled()
    before = dict(world.records._items)
    for key in (ONE.session_object, message_key(ONE.messages[0])):
        assert {world.deliver(key) for _ in range(100)} == {Outcome.ALREADY}
    assert world.records._items == before
    assert len({event.id for event in world.bus.published}) == len(world.bus.ids("message.received")) + len(ALL)


def test_a_message_before_the_end_of_its_session_shows_it_open() -> None:
    world = World()
    world.hold(TWO)
    first, second = TWO.messages
    assert world.deliver(message_key(first)) is Outcome.STORED
    session = world.session(TWO.session)
    assert (session.state, session.end, session.closed_at, session.messages) == ("open", None, None, (first,))
    assert [turn.verb for turn in session.turns] == [None, "EHLO", "MAIL", "RCPT", "DATA"]
    world.deliver(message_key(second))
    assert world.session(TWO.session).messages == (first, second)
    assert [event.type for event in world.feed()].count("session.opened") == 2
    world.deliver(TWO.session_object)
    assert world.session(TWO.session).state == "closed"
    assert world.deliver(message_key(first)) is Outcome.ALREADY
    assert world.session(TWO.session).state == "closed"


def test_an_earlier_message_adds_itself_to_what_a_later_one_told() -> None:
    world = World()
    world.hold(TWO)
    world.deliver_all([message_key(ulid) for ulid in reversed(TWO.messages)])
    assert world.session(TWO.session).messages == tuple(TWO.messages)
    assert [event.type for event in world.feed()].count("session.opened") == 1


@pytest.mark.parametrize("session_first", [True, False])
def test_a_message_that_its_session_took_back_is_hidden(*, session_first: bool) -> None:
    world = World()
    world.hold(TAKEN_BACK)
    refused = message_key(TAKEN_BACK.refused[0])
    keys = [TAKEN_BACK.session_object, refused] if session_first else [refused, TAKEN_BACK.session_object]
    outcomes = [world.deliver(key) for key in keys]
    assert outcomes == [Outcome.STORED, Outcome.IGNORED if session_first else Outcome.STORED]
    assert world.picture().messages == {}
    assert [kind for kind, _ in world.picture().tail] == ["session"]
    assert world.picture().pointers == frozenset()
    assert world.picture().tombstones == frozenset(TAKEN_BACK.refused)
    assert world.deliver(refused) is Outcome.IGNORED
    assert len(world.feed("message.removed")) == (0 if session_first else 2)  # what had shown it, too


def test_a_later_message_of_the_session_takes_it_back_too() -> None:
    world = World()
    world.hold(TAKEN_BACK)
    _, second, third = TAKEN_BACK.messages
    world.deliver_all([message_key(second), message_key(third)])
    assert set(world.picture().messages) == {third}
    assert world.session(TAKEN_BACK.session).messages == (TAKEN_BACK.messages[0], third)


def test_removal_takes_the_derived_objects_along() -> None:
    world = World(Settings(record_overflow=1024))
    big = plain_message(2, body="".join(f"{number:x} lines\r\n" for number in range(3000)))
    talk = converse([plain_message(1), big], refused=frozenset({1}))
    world.hold(talk)
    world.deliver(message_key(talk.messages[1]))
    assert world.objects.list(f"derived/{talk.messages[1]}/")
    world.deliver(talk.session_object)
    assert world.objects.list(f"derived/{talk.messages[1]}/") == []


def test_a_deleted_message_does_not_come_back() -> None:
    world = World()
    world.hold(ONE)
    ulid = ONE.messages[0]
    world.records.transact([Put(Item(*world.keys.tombstone(ulid), b""))])
    assert world.deliver(message_key(ulid)) is Outcome.IGNORED
    assert (world.picture().messages, world.picture().sessions) == ({}, {})


def test_a_deleted_session_does_not_come_back() -> None:
    world = World()
    world.hold(NO_MAIL)
    world.records.transact([Put(Item(*world.keys.tombstone(NO_MAIL.session), b""))])
    assert world.deliver(NO_MAIL.session_object) is Outcome.IGNORED
    assert world.picture().sessions == {}


def test_a_session_that_was_thought_lost_and_is_whole_after_all_closes_once() -> None:
    world = World()
    world.hold(ONE)
    whole = ONE.objects[ONE.session_object]
    world.objects.put(ONE.session_object, [b"".join(whole.splitlines(keepends=True)[:4])])
    assert world.deliver(ONE.session_object) is Outcome.STORED
    assert world.session(ONE.session).end == "lost"
    world.objects.put(ONE.session_object, [whole])
    assert [world.deliver(ONE.session_object) for _ in range(2)] == [Outcome.STORED, Outcome.ALREADY]
    assert (world.session(ONE.session).end, world.session(ONE.session).messages) == ("quit", tuple(ONE.messages))
    (closed,) = world.feed("session.closed")
    assert [event.id for event in world.bus.published] == [closed.id, closed.id]


def test_without_a_bus_the_feed_is_all_there_is() -> None:
    world = World()
    world.hold(ONE)
    ingest = Ingest(
        world.objects, world.records, None, world.settings, clock_ms=lambda: NOW_MS, new_commit=world.new_commit
    )
    key = message_key(ONE.messages[0])
    assert [ingest.handle(world.created(key)) for _ in range(2)] == [Outcome.STORED, Outcome.ALREADY]
    assert len(world.feed("message.received")) == 1


def test_from_the_third_receive_on_nothing_is_parsed() -> None:
    world = World()
    world.hold(ONE)
    ulid = ONE.messages[0]
    assert world.deliver(message_key(ulid), receive_count=3) is Outcome.STORED
    record = world.message(ulid)
    assert [defect.code for defect in record.defects] == ["parse-abandoned"]
    assert (record.size, record.subject, record.headers) == (len(ONE.contents[ulid]), None, ())
    assert record.envelope is not None
    assert world.session(ONE.session).state == "open"
    assert world.deliver(message_key(ulid), receive_count=4) is Outcome.ALREADY


def test_a_large_record_overflows_and_is_the_same() -> None:
    body = "".join(f"{number * 7919 % 104729:x}\r\n" for number in range(20_000))
    talk = converse([plain_message(1, body=body)])
    small, large = World(Settings(record_overflow=1024)), World(Settings(record_overflow=300_000))
    for world in (small, large):
        world.hold(talk)
        world.deliver_all(talk.objects)
    assert small.picture() == large.picture()
    assert {derived_of(item) is not None for item in small.items("M#") + small.items("T#message")} == {True}
    assert {derived_of(item) is not None for item in large.items("M#") + large.items("T#message")} == {False}


class TestOtherMail:
    KEY = "inbound/from elsewhere/Grüße + 1=2.eml"

    def test_has_no_envelope_and_no_session(self) -> None:
        world = World()
        world.objects.put(self.KEY, [plain_message(7)])
        assert world.deliver(self.KEY) is Outcome.STORED
        (record,) = world.picture().messages.values()
        assert (record.envelope, record.session, record.client, record.delivery) == (None, None, None, None)
        assert (record.subject, record.delivered_to, record.raw.key, record.raw.offset) == ("hello 7", (), self.KEY, 0)
        assert world.picture().sessions == {}

    def test_keeps_its_id_however_often_it_is_announced(self) -> None:
        world = World()
        world.objects.put(self.KEY, [plain_message(7)])
        first = ObjectCreated(self.KEY, 1, 5)
        again = ObjectCreated(self.KEY, 1, 99_999, etag="another")
        assert [world.main.handle(event) for event in (first, again)] == [Outcome.STORED, Outcome.ALREADY]

    @pytest.mark.parametrize("modified_ms", [-1, -315_619_200_000])
    def test_may_be_older_than_any_id(self, modified_ms: int) -> None:
        world = World()
        world.objects = MemoryObjects(lambda: modified_ms)
        world.objects.put(self.KEY, [plain_message(7)])
        outcomes = [world.ingest().handle(ObjectCreated(self.KEY, 1, modified_ms)) for _ in range(2)]
        assert outcomes == [Outcome.STORED, Outcome.ALREADY]
        (record,) = world.picture().messages.values()
        assert record.received_at == datetime.fromtimestamp(0, UTC)

    def test_is_not_believed_to_have_a_trace_block(self) -> None:
        world = World()
        data = ONE.objects[message_key(ONE.messages[0])]
        world.objects.put("inbound/x.eml", [data])
        world.deliver("inbound/x.eml")
        (record,) = world.picture().messages.values()
        assert (record.envelope, record.size, record.raw.offset) == (None, len(data), 0)

    def test_with_a_key_that_is_none_is_for_the_dead_letter_queue(self) -> None:
        with pytest.raises(StoreError):
            World().main.handle(ObjectCreated("inbound/a//b", 1, 5))


@pytest.mark.parametrize(
    "key",
    [
        "refused/2016/07/30/01ARZ3NDEKTSV4RRFFQ69G5FAV.eml",
        "derived/01ARZ3NDEKTSV4RRFFQ69G5FAV/record.json.gz",
        "messages/2016/07/30/01ARZ3NDEKTSV4RRFFQ69G5FAV.txt",
        "messages/2016/07/31/01ARZ3NDEKTSV4RRFFQ69G5FAV.eml",
        "messages/",
        "sessions/2016/07/30/",
        "inbound/",
        "inbound/folder/",
        "inbound/AMAZON_SES_SETUP_NOTIFICATION",
        "elsewhere.eml",
        "",
        message_key(ULID),
        session_key(ULID),
        "inbound/gone.eml",
    ],
)
def test_what_is_no_mail_or_gone_is_ignored(key: str) -> None:
    world = World()
    assert world.main.handle(ObjectCreated(key, 0, 5)) is Outcome.IGNORED
    assert world.records._items == {}
    assert world.bus.published == []


REPORT = (
    b"Subject: Undelivered\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
    b"Final-Recipient: rfc822; bob@example.org\r\nStatus: 5.1.1\r\n\r\n"
    b"Final-Recipient: rfc822; eve@example.org\r\nStatus: 5.1.1\r\n--b--\r\n"
)


@pytest.mark.parametrize("says", ["bob@example.org hard 5.1.1, 1 more"])
def test_a_report_has_an_event_of_its_own(says: str) -> None:
    world = World()
    talk = converse([REPORT])
    world.hold(talk)
    key = message_key(talk.messages[0])
    world.bus.failures = 1
    with pytest.raises(StoreError):
        world.deliver(key)
    assert [world.deliver(key) for _ in range(2)] == [Outcome.ALREADY] * 2
    (message,), (report,) = world.feed("message.received"), world.feed("report.received")
    assert [event.id for event in world.bus.published] == [message.id, report.id] * 2
    assert (report.keys, report.id > message.id) == (message.keys, True)
    detail = json.loads(bytes(report.detail))
    assert detail.pop("report") == {"type": "delivery", "says": says}
    assert detail == json.loads(bytes(message.detail))
