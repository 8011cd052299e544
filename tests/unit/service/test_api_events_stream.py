"""`/v1/events` as a stream: Server-Sent Events, where to go on, tokens, faults; and addresses that are watched."""

import msgspec
import pytest

from mailscribe.errors import StoreUnavailable
from mailscribe.service import events_reader
from mailscribe.service.api import Live
from mailscribe.service.events_reader import LIMITS
from mailscribe.service.presence import LIFE_MS, Watched
from mailscribe.service.search import OVERLAP_MS
from mailscribe.service.tokens import CACHE_MS, Unauthenticated
from mailscribe.store.items import token_key
from mailscribe.store.keys import presence_key
from mailscribe.store.ports import Delete
from support.api import ApiWorld, reply_of
from support.conversation import plain_message
from support.events import BOB, STREAM, Heard, event_types, is_watched, open_stream, poll_events, shown_events
from support.faults import Faults, FaultyObjects, FaultyRecords


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


# streams


def test_a_stream_gives_the_events_and_where_to_go_on(world: ApiWorld) -> None:
    live = open_stream(world)
    assert live.content_type == "text/event-stream"
    assert live.heartbeat.startswith(b":")
    assert live.seconds is None
    begun = Heard(live.poll())
    assert (begun.events, begun.retry) == ([], 1000)
    assert begun.last_id
    assert live.poll() == b""
    world.clock.ms += 1
    world.message(1)
    heard = Heard(live.poll())
    assert [event["type"] for event in heard.events] == ["message.received", "session.closed"]
    assert heard.events == poll_events(world).json()["events"]
    again = open_stream(world, {"last-event-id": begun.last_id})
    assert Heard(again.poll()).events == heard.events
    went_on = open_stream(world, {"last-event-id": heard.last_id})
    assert Heard(went_on.poll()).events == []


def test_a_stream_that_broke_at_any_event_goes_on_from_its_id(world: ApiWorld) -> None:
    for number in range(1, 5):
        world.message(number)
        world.clock.ms += OVERLAP_MS // 3
    every = [event["id"] for event in Heard(open_stream(world, since="1h").poll()).events]
    assert every == shown_events(world)
    for index, ulid in enumerate(every):
        again = [event["id"] for event in Heard(open_stream(world, {"last-event-id": ulid}).poll()).events]
        assert again == every[-len(again) :]
        assert set(again) >= set(every[index + 1 :])


@pytest.mark.parametrize(
    ("accept", "streams"),
    [
        ("text/event-stream", True),
        ("text/event-stream, application/json;q=0.5", True),
        ("*/*", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_it_streams_when_asked_to(world: ApiWorld, accept: str, *, streams: bool) -> None:
    world.message()
    payload = world.api.start(world.event("/v1/events", {"since": "1h"}, headers={"accept": accept}))
    assert isinstance(payload["body"], Live) is streams
    assert payload["headers"]["Content-Type"] == ("text/event-stream" if streams else "application/json")
    assert payload["headers"]["Cache-Control"] == "no-store"


def test_where_nothing_can_be_held_it_is_a_poll(world: ApiWorld) -> None:
    world.message()
    reply = world.call("/v1/events", {"since": "1h"}, headers=STREAM)
    assert event_types(reply) == ["message.received", "session.closed"]


def test_a_stream_can_be_given_an_end(world: ApiWorld) -> None:
    assert open_stream(world, timeout="2.5").seconds == 2.5
    assert world.call("/v1/events", {"timeout": "26"}).status == 400


def test_a_stream_says_how_far_it_came_when_nothing_matches(world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_reader, "ROUNDS", 1)
    world.deliver(*(plain_message(number) for number in range(LIMITS[0])), ended=False)  # two entries of the feed each
    world.message(2, "needle")
    live = open_stream(world, since="1h", q="subject:needle")
    pieces = [Heard(live.poll()) for _ in range(3)]
    assert [len(heard.events) for heard in pieces] == [0, 0, 1]
    assert "" < pieces[0].last_id < pieces[1].last_id < pieces[2].last_id
    went_on = Heard(open_stream(world, {"last-event-id": pieces[1].last_id}, q="subject:needle").poll())
    assert went_on.events == pieces[2].events


def test_a_stream_ends_with_its_token(world: ApiWorld) -> None:
    live = open_stream(world)
    assert live.poll()
    world.world.records.transact([Delete(token_key("reader"))])
    world.clock.ms += CACHE_MS - 1
    assert live.poll() == b""
    world.clock.ms += 1
    with pytest.raises(Unauthenticated):
        live.poll()


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("wrong", 401), ("deleter", 403), ("narrow", 403)])
def test_a_token_that_may_read_is_needed(world: ApiWorld, token: str | None, status: int) -> None:
    for headers in ({}, STREAM):
        event = world.event("/v1/events", {"watch": BOB}, using=token, headers=headers)
        assert reply_of(world.api.start(event)).status == status
    assert not is_watched(world)


def test_a_closed_stream_says_nothing_more(world: ApiWorld) -> None:
    live = open_stream(world, watch=BOB)
    live.close()
    assert live.poll() == b""
    assert not is_watched(world)


def test_a_stream_outlasts_a_store_that_is_down() -> None:
    faults = Faults()
    world = ApiWorld(records=lambda inner: FaultyRecords(inner, faults))
    live = open_stream(world)
    live.poll()
    world.clock.ms += 1
    world.message()
    faults.down = True
    with pytest.raises(StoreUnavailable):
        live.poll()
    faults.down = False
    assert len(Heard(live.poll()).events) == 2


# watching


def test_watching_is_about_mail_to_that_address(world: ApiWorld) -> None:
    world.deliver(plain_message(1), number=1, recipients=("ann@test.org", BOB))
    world.deliver(plain_message(2), number=2, recipients=("ann@test.org",))
    found = poll_events(world, watch="Bob@TEST.org").json()["events"]
    assert [event["detail"]["subject"] for event in found] == ["hello 1"]
    assert event_types(poll_events(world, watch="bob@test.or")) == []
    assert event_types(poll_events(world, watch=BOB, q="subject:goodbye")) == []
    assert event_types(poll_events(world, watch=BOB, q="subject:hello OR subject:x")) == ["message.received"]
    assert world.call("/v1/events", {"watch": BOB, "q": "verb:QUIT"}).status == 400


@pytest.mark.parametrize("address", ["", "bob", "@test.org", "<bob@test.org>", "a b@c", "bob@test.org x", "postmaster"])
def test_what_is_no_mailbox_cannot_be_watched(world: ApiWorld, address: str) -> None:
    refused = world.call("/v1/events", {"watch": address})
    assert (refused.status, refused.json()["parameter"]) == (400, "watch")


def test_an_address_is_watched_from_a_stream_s_first_word_to_its_end(world: ApiWorld) -> None:
    first, second = open_stream(world, watch=BOB), open_stream(world, watch="BOB@test.org")
    assert not is_watched(world)
    assert first.poll()
    assert is_watched(world)
    second.poll()
    for _ in range(20):
        world.clock.ms += 5_000
        assert first.poll() == b""
        assert is_watched(world)
    first.close()
    first.close()
    world.clock.ms += 5_000
    second.poll()
    assert is_watched(world)
    second.close()
    assert not is_watched(world)


def test_a_poll_is_watched_for_its_length_and_a_little_longer(world: ApiWorld) -> None:
    world.call("/v1/events", {"watch": BOB, "timeout": 10})
    data = world.world.objects.get(presence_key(BOB))
    assert msgspec.json.decode(data, type=Watched).expires.timestamp() * 1000 == world.clock.ms + 10_000 + LIFE_MS


def test_nothing_is_said_of_a_stream_that_could_not_be_watched() -> None:
    faults = Faults()
    world = ApiWorld(objects=lambda inner: FaultyObjects(inner, faults))
    live = open_stream(world, watch=BOB)
    faults.down = True
    with pytest.raises(StoreUnavailable):
        live.poll()
    assert world.call("/v1/events", {"watch": BOB}).status == 503
    faults.down = False
    assert live.poll().startswith(b"retry:")
    assert is_watched(world)
