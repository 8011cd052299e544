"""`/v1/events`: polls and streams over a real ingest, in commit order, filtered, watched, going on where they were."""

import json
from collections.abc import Callable

import pytest

from mailscribe.ids import make_ulid
from mailscribe.service.api import Held
from mailscribe.service.events_reader import LIMITS, MAX_BYTES, ROUNDS
from mailscribe.service.search import HOUR_MS, OVERLAP_MS
from mailscribe.service.slots import PARTITION
from mailscribe.settings import Settings
from mailscribe.store.ports import Absent, Delete, Item, Put
from support.api import HOST, ApiWorld, reply_of
from support.conversation import plain_message
from support.events import BOB, STREAM, event_types, is_watched, poll_events, shown_events
from support.faults import Faults, FaultyRecords


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


# polls


def test_a_message_and_its_session_are_events_with_their_summaries_and_keys(world: ApiWorld) -> None:
    told = world.deliver(plain_message())
    message, session = poll_events(world).json()["events"]
    assert (message["type"], session["type"]) == ("message.received", "session.closed")
    assert message["v"] == 1
    assert message["detail"] == world.call("/v1/messages").json()["messages"][0]
    assert session["detail"] == world.call("/v1/sessions").json()["sessions"][0]
    assert message["keys"] == [world.call(f"/v1/messages/{told.messages[0]}").json()["raw"]["key"]]
    assert session["keys"] == [told.session_object]
    assert message["id"] < session["id"]


def test_what_the_feed_has_for_itself_is_never_shown(world: ApiWorld) -> None:
    told = world.deliver(plain_message(1), plain_message(2), ended=False)
    assert event_types(poll_events(world)) == ["message.received"] * 2
    world.world.deliver(told.session_object)
    assert event_types(poll_events(world)) == ["message.received", "message.received", "session.closed"]
    assert {event.type for event in world.world.feed()} > {"session.opened"}


def test_the_next_poll_goes_on_where_the_last_one_ended(world: ApiWorld) -> None:
    seen: list[str] = []
    place = "1h"
    for number in range(1, 8):
        world.message(number)
        world.clock.ms += 3_000
        page = poll_events(world, since=place).json()
        seen += [event["id"] for event in page["events"]]
        place = page["next"]
    assert poll_events(world, since=place).json() == {"events": [], "next": place}
    assert seen == [event.id for event in world.world.feed() if event.type != "session.opened"]


def test_more_than_a_page_comes_in_pages(world: ApiWorld) -> None:
    count = LIMITS[0] + 30
    world.deliver(*(plain_message(number) for number in range(count)))
    pages = [poll_events(world).json()]
    while pages[-1]["events"]:
        assert len(pages[-1]["events"]) <= LIMITS[0]
        pages.append(poll_events(world, since=pages[-1]["next"]).json())
    assert len(pages) > 2
    assert [event["id"] for page in pages for event in page["events"]] == shown_events(world)


def test_by_default_it_begins_now(world: ApiWorld) -> None:
    world.message()
    world.clock.ms += 1
    assert world.call("/v1/events", {"timeout": 0}).json()["events"] == []


def test_without_anything_new_it_waits_and_says_where_to_go_on(world: ApiWorld) -> None:
    reply = world.call("/v1/events")
    assert reply.json()["events"] == []
    assert sum(world.slept) == pytest.approx(25)
    world.clock.ms += 1
    world.message()
    assert event_types(poll_events(world, since=reply.json()["next"])) == ["message.received", "session.closed"]


def test_what_comes_while_it_waits_is_answered_at_once() -> None:
    arrivals: list[Callable[[], object]] = []
    busy = ApiWorld(sleep=lambda _: arrivals.pop()())
    arrivals += [busy.message, lambda: None, lambda: None]
    assert event_types(busy.call("/v1/events", {"q": "subject:hello"})) == ["message.received"]
    assert len(busy.slept) == 3


def test_a_host_may_hold_it(world: ApiWorld) -> None:
    held = world.api.start(world.event("/v1/events", {"timeout": 7}))["body"]
    assert isinstance(held, Held)
    assert held.seconds == 7
    assert not held.poll()
    world.clock.ms += 1
    world.message()
    assert held.poll()
    assert event_types(reply_of(held.finish())) == ["message.received", "session.closed"]


def test_waiting_holds_a_slot_and_is_refused_without_one() -> None:
    world = ApiWorld(Settings(hosts=(HOST,), wait_slots=1))
    assert world.call("/v1/events").status == 200
    assert world.world.records.query(PARTITION) == []
    world.world.records.transact([Put(Item(PARTITION, "00000", b"-"), Absent())])
    assert world.call("/v1/events").status == 429
    assert world.call("/v1/events", {"timeout": 0}).status == 200


def test_head_says_nothing_and_waits_for_nothing(world: ApiWorld) -> None:
    for headers in ({}, STREAM):
        payload = world.api.start(world.event("/v1/events", {"watch": BOB}, method="HEAD", headers=headers))
        assert (payload["statusCode"], payload["body"]) == (200, "")
    assert not is_watched(world)
    assert world.slept == []


# places


@pytest.mark.parametrize("query", [{}, {"q": "subject:hello"}, {"watch": BOB}])
def test_since_an_event_s_id_is_what_came_after_it(query: dict[str, object]) -> None:
    world = ApiWorld()
    ids: list[str] = []
    for number in range(1, 4):
        world.message(number)
        world.clock.ms += OVERLAP_MS + 1
        ids = [event["id"] for event in poll_events(world, **query).json()["events"]]
    for index, ulid in enumerate(ids):
        after = [event["id"] for event in poll_events(world, since=ulid, **query).json()["events"]]
        assert after[-1:] == ids[-1:]
        assert set(after) >= set(ids[index + 1 :])


def test_since_a_message_or_session_is_what_became_readable_after_it(world: ApiWorld) -> None:
    late = world.message(2)
    world.clock.ms += OVERLAP_MS + 1
    early = world.message(1)
    events = poll_events(world, since=late).json()["events"]
    assert early in [event["detail"]["id"] for event in events]
    assert len(events) == 4  # what became readable with it may come again
    world.clock.ms += OVERLAP_MS + 1
    world.message(3)
    session = world.call(f"/v1/messages/{early}").json()["session"]["id"]
    subjects = [event["detail"].get("subject") for event in poll_events(world, since=session).json()["events"]]
    assert "hello 3" in subjects
    assert "hello 2" not in subjects


def test_last_event_id_goes_before_since(world: ApiWorld) -> None:
    world.message(1)
    place = poll_events(world).json()["next"]
    world.message(2)
    reply = world.call("/v1/events", {"since": "1h", "timeout": 0}, headers={"last-event-id": place})
    assert [event["detail"].get("subject") for event in reply.json()["events"]] == ["hello 2", None]


@pytest.mark.parametrize("since", ["", "x", "01M84KR2TB5XAS9T478Q0Q5JVJ~", "01M84KR2TB5XAS9T478Q0Q5JVJ~a", "15"])
def test_what_is_no_place_is_refused(world: ApiWorld, since: str) -> None:
    refused = world.call("/v1/events", {"since": since, "timeout": 0})
    assert (refused.status, refused.json()["parameter"]) == (400, "since")
    if since:
        refused = world.call("/v1/events", {"timeout": 0}, headers={"last-event-id": since})
        assert (refused.status, refused.json()["parameter"]) == (400, "Last-Event-ID")


@pytest.mark.parametrize("since", ["999999999d", "0001-01-01", make_ulid(1, 1), f"{make_ulid(1, 1)}~0.0.0.0.1"])
def test_from_the_beginning_of_time_takes_one_look(since: str) -> None:
    faults = Faults()
    world = ApiWorld(records=lambda inner: FaultyRecords(inner, faults))
    world.message()
    assert len(poll_events(world, since=since).json()["events"]) == 2
    assert faults.calls.count("query") < 40
    assert ApiWorld().call("/v1/events", {"timeout": 0, "since": since}).json()["events"] == []


def test_old_events_are_found_hours_later(world: ApiWorld) -> None:
    world.message(1)
    world.clock.ms += 3_000 * HOUR_MS
    world.message(2)
    seen: list[str] = []
    place = "365d"
    for _ in range(20):
        page = poll_events(world, since=place).json()
        seen += [event["id"] for event in page["events"]]
        place = page["next"]
    assert seen == shown_events(world)


# filters


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["message.received", "session.closed"]),
        ("subject:hello", ["message.received"]),
        ("subject:goodbye", []),
        ("outcome:delivered", ["session.closed"]),
        ("outcome:rejected", []),
        ("rcpt:bob@test.org", ["message.received", "session.closed"]),
        ("rcpt:ann@test.org", []),
        ("-rcpt:ann@test.org", ["message.received", "session.closed"]),
        ("closing", ["session.closed"]),
    ],
)
def test_a_query_is_about_the_kinds_that_understand_it(world: ApiWorld, query: str, expected: list[str]) -> None:
    world.deliver(plain_message())
    assert event_types(poll_events(world, q=query)) == expected


@pytest.mark.parametrize(("query", "position"), [("nonsense:1", 0), ("hello (", 7), ("subject:x verb:QUIT", 10)])
def test_a_query_that_no_kind_understands_is_refused(world: ApiWorld, query: str, position: int) -> None:
    refused = world.call("/v1/events", {"q": query})
    assert (refused.status, refused.json()["position"]) == (400, position)
    assert world.slept == []


def test_what_was_deleted_is_not_shown(world: ApiWorld) -> None:
    ulid = world.message()
    world.world.records.transact([Delete(world.world.keys.tail("message", ulid))])
    assert event_types(poll_events(world)) == ["session.closed"]


def test_a_place_behind_much_that_does_not_match_is_found_in_steps() -> None:
    world = ApiWorld()
    world.deliver(*(plain_message(number) for number in range(LIMITS[0] + 50)))
    feed = len(world.world.feed())
    world.message(number=2, subject="needle")
    assert feed > LIMITS[0]
    assert [event["detail"]["subject"] for event in poll_events(world, q="subject:needle").json()["events"]] == [
        "needle 2"
    ]
    assert ROUNDS * LIMITS[0] > feed


def test_an_answer_has_a_limit_in_bytes() -> None:
    world = ApiWorld()
    recipients = tuple(f"{'x' * 60}{number}@{'y' * 60}.{'z' * 60}.test.org" for number in range(20))
    world.deliver(*(plain_message(n, "s" * 900) for n in range(LIMITS[0])), recipients=recipients)
    seen, place = 0, "1h"
    while page := poll_events(world, since=place).json():
        if not page["events"]:
            break
        assert sum(len(json.dumps(event["detail"])) for event in page["events"]) <= MAX_BYTES * 1.2
        seen, place = seen + len(page["events"]), page["next"]
    assert seen == LIMITS[0] + 1
