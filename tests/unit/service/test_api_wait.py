"""Waits: what counts since when, in commit order, full records, in time, held or blocking, and bounded."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from mailscribe.ids import make_ulid
from mailscribe.service.api import Held
from mailscribe.service.slots import PARTITION
from mailscribe.settings import Settings
from mailscribe.store.ports import Absent, Item, Put
from support.api import HOST, NOW, ApiWorld, Reply, reply_of
from support.conversation import plain_message

MINUTE = 60_000


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def subjects(reply: Reply) -> list[str]:
    assert reply.status == 200
    return [message["subject"] for message in reply.json()["messages"]]


def test_what_is_there_is_answered_at_once_with_full_records(world: ApiWorld) -> None:
    ulid = world.message()
    found = world.call("/v1/messages/wait", {"q": "subject:hello"})
    assert found.json() == {"messages": [world.call(f"/v1/messages/{ulid}").json()]}
    assert world.slept == []


def test_nothing_in_time_is_no_content(world: ApiWorld) -> None:
    reply = world.call("/v1/messages/wait", {"timeout": 3})
    assert (reply.status, reply.body) == (204, b"")
    assert "content-type" not in reply.headers
    assert sum(world.slept) == pytest.approx(3)


def test_without_time_it_looks_once(world: ApiWorld) -> None:
    assert world.call("/v1/messages/wait", {"timeout": 0}).status == 204
    assert world.slept == []


def test_the_default_is_the_longest_wait(world: ApiWorld) -> None:
    assert world.call("/v1/messages/wait").status == 204
    assert sum(world.slept) == pytest.approx(25)


@pytest.mark.parametrize(
    ("timeout", "status"),
    [
        ("25", 204),
        ("25.0", 204),
        ("0.5", 204),
        ("25.001", 400),
        ("26", 400),
        ("-1", 400),
        ("x", 400),
        ("", 400),
        ("1e1", 400),
        ("٣", 400),
        ("9" * 400, 400),
    ],
)
def test_the_time_has_a_limit(world: ApiWorld, timeout: str, status: int) -> None:
    assert world.call("/v1/messages/wait", {"timeout": timeout}).status == status


def test_the_limit_is_a_setting() -> None:
    world = ApiWorld(Settings(hosts=(HOST,), wait_limit=2))
    assert world.call("/v1/messages/wait", {"timeout": 3}).status == 400
    assert world.call("/v1/messages/wait").status == 204
    assert sum(world.slept) == pytest.approx(2)


def test_what_comes_while_it_blocks_is_found() -> None:
    arrivals: list[Callable[[], object]] = []
    busy = ApiWorld(sleep=lambda _: arrivals.pop()())
    arrivals += [busy.message, lambda: None, lambda: None]
    assert subjects(busy.call("/v1/messages/wait")) == ["hello 1"]
    assert len(busy.slept) == 3


def test_count_is_how_many_must_match_and_how_many_are_given(world: ApiWorld) -> None:
    for number in (3, 1, 2):
        world.message(number)
        world.clock.ms += 1
    assert subjects(world.call("/v1/messages/wait", {"count": 2})) == ["hello 3", "hello 1"]
    assert subjects(world.call("/v1/messages/wait", {"count": 3})) == ["hello 3", "hello 1", "hello 2"]
    assert world.call("/v1/messages/wait", {"count": 4, "timeout": 0}).status == 204


@pytest.mark.parametrize("count", ["0", "-1", "101", "x", "", "1.0", "+1", "٣"])
def test_a_count_that_is_none_is_refused(world: ApiWorld, count: str) -> None:
    assert world.call("/v1/messages/wait", {"count": count}).json()["parameter"] == "count"


@pytest.mark.parametrize(
    ("since", "matches"),
    [
        (None, True),
        ("15m", True),
        ("899s", False),
        ("900s", True),
        ("14m", False),
        ("1h", True),
        ("1d", True),
        ("7d", True),
        ("999999999d", True),
        ("0s", False),
        (NOW.isoformat(), True),
        (NOW.isoformat().replace("+00:00", "Z"), True),
        ((NOW + timedelta(milliseconds=1)).isoformat(), False),
        (NOW.date().isoformat(), True),
        ((NOW + timedelta(days=1)).date().isoformat(), False),
        ("0001-01-01", True),
        ("9999-12-31T23:59:59Z", False),
    ],
)
def test_since_is_about_when_it_became_readable(world: ApiWorld, since: str | None, *, matches: bool) -> None:
    world.message()
    world.clock.ms += 15 * MINUTE
    query: dict[str, object] = {"timeout": 0} | ({} if since is None else {"since": since})
    assert world.call("/v1/messages/wait", query).status == (200 if matches else 204)


def test_since_is_fifteen_minutes_by_default(world: ApiWorld) -> None:
    world.message()
    world.clock.ms += 15 * MINUTE + 1
    assert world.call("/v1/messages/wait", {"timeout": 0}).status == 204


def test_mail_that_was_accepted_long_ago_counts_when_it_becomes_readable_now(world: ApiWorld) -> None:
    world.clock.ms += 30 * 24 * 60 * MINUTE
    world.message()
    assert world.call("/v1/messages/wait", {"since": "1s", "timeout": 0}).status == 200


def test_since_an_id_is_what_became_readable_after_it(world: ApiWorld) -> None:
    world.message(2)
    middle = world.message(3)
    world.message(1)
    assert subjects(world.call("/v1/messages/wait", {"since": middle, "timeout": 0})) == ["hello 1"]
    session = world.call(f"/v1/messages/{middle}").json()["session"]["id"]
    assert subjects(world.call("/v1/messages/wait", {"since": session, "timeout": 0})) == ["hello 1"]


def test_since_an_id_that_was_just_acknowledged_is_what_becomes_readable_after_it(world: ApiWorld) -> None:
    acknowledged = make_ulid(world.clock.ms - 1, 7)
    assert world.call("/v1/messages/wait", {"since": acknowledged, "timeout": 0}).status == 204
    world.message(1)
    assert subjects(world.call("/v1/messages/wait", {"since": acknowledged, "timeout": 0})) == ["hello 1"]


def test_following_the_last_id_gives_everything_once_in_commit_order(world: ApiWorld) -> None:
    order = [4, 1, 3, 2]
    for number in order:
        world.message(number)
    found, since = [], "1h"
    while (reply := world.call("/v1/messages/wait", {"since": since, "timeout": 0})).status == 200:
        [message] = reply.json()["messages"]
        found.append(int(message["subject"].split()[1]))
        since = message["id"]
    assert found == order


@pytest.mark.parametrize(
    "since", ["", "x", "15", "m", "-1m", "1.5h", "15 m", "2023-13-01", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "15w"]
)
def test_a_since_that_is_none_is_refused(world: ApiWorld, since: str) -> None:
    refused = world.call("/v1/messages/wait", {"since": since, "timeout": 0})
    assert (refused.status, refused.json()["parameter"]) == (400, "since")


def test_a_zone_is_meant_by_times_without_one(world: ApiWorld) -> None:
    world.message()
    local = (NOW + timedelta(hours=2)).replace(tzinfo=None)
    for zone, status in (("+02:00", 200), ("UTC", 204)):
        query = {"since": local.isoformat(), "tz": zone, "timeout": 0}
        assert world.call("/v1/messages/wait", query).status == status
    unescaped = f"since={local.isoformat()}+02:00&timeout=0"
    assert world.call("/v1/messages/wait", unescaped).status == 200


def test_a_bad_query_does_not_wait(world: ApiWorld) -> None:
    refused = world.call("/v1/messages/wait", {"q": "nonsense:1"})
    assert (refused.status, refused.json()["position"]) == (400, 0)
    assert world.slept == []


def test_sessions_are_waited_for_alike(world: ApiWorld) -> None:
    told = world.deliver(plain_message())
    found = world.call("/v1/sessions/wait", {"q": "rcpt:bob@test.org", "timeout": 0})
    assert found.json() == {"sessions": [world.call(f"/v1/sessions/{told.session}").json()]}
    assert world.call("/v1/sessions/wait", {"q": "rcpt:carol@test.org", "timeout": 0}).status == 204


def test_an_open_session_that_closes_becomes_readable_again(world: ApiWorld) -> None:
    told = world.deliver(plain_message(), ended=False)
    world.clock.ms += MINUTE
    assert world.call("/v1/sessions/wait", {"since": "1s", "timeout": 0}).status == 204
    world.world.deliver(told.session_object)
    [session] = world.call("/v1/sessions/wait", {"since": "1s", "timeout": 0}).json()["sessions"]
    assert session["state"] == "closed"


def test_a_blocking_wait_holds_a_slot_and_gives_it_back() -> None:
    seen: list[int] = []
    look: list[Callable[[], int]] = []
    busy = ApiWorld(sleep=lambda _: seen.append(look[0]()))
    look.append(lambda: len(busy.world.records.query(PARTITION)))
    assert busy.call("/v1/messages/wait", {"timeout": 2}).status == 204
    assert set(seen) == {1}
    assert look[0]() == 0


def test_without_a_slot_a_wait_is_refused_but_what_is_there_is_given() -> None:
    world = ApiWorld(Settings(hosts=(HOST,), wait_slots=1))
    world.world.records.transact([Put(Item(PARTITION, "00000", b"-"), Absent())])
    refused = world.call("/v1/messages/wait")
    assert (refused.status, refused.headers["retry-after"]) == (429, "5")
    assert refused.json()["type"] == "/v1/docs#problem-too-many-waits"
    assert world.call("/v1/messages/wait", {"timeout": 0}).status == 204
    world.message()
    assert world.call("/v1/messages/wait").status == 200


def test_a_host_may_hold_a_wait(world: ApiWorld) -> None:
    payload = world.api.start(world.event("/v1/messages/wait", {"timeout": 7, "count": 2, "since": "1s"}))
    held = payload["body"]
    assert isinstance(held, Held)
    assert held.seconds == 7
    assert not held.poll()
    world.message(1)
    assert not held.poll()
    world.clock.ms += 6000  # `since` still counts from when the call came
    world.message(2)
    assert held.poll()
    assert subjects(reply_of(held.finish())) == ["hello 1", "hello 2"]
    assert world.world.records.query(PARTITION) == []


def test_a_held_wait_that_is_over_is_no_content(world: ApiWorld) -> None:
    held = world.api.start(world.event("/v1/messages/wait"))["body"]
    assert isinstance(held, Held)
    assert reply_of(held.finish()).status == 204


def test_a_held_wait_found_with_head_has_no_body(world: ApiWorld) -> None:
    held = world.api.start(world.event("/v1/messages/wait", method="HEAD"))["body"]
    assert isinstance(held, Held)
    world.message()
    finished = reply_of(held.finish())
    assert (finished.status, finished.body) == (200, b"")
    assert int(finished.headers["content-length"]) > 100


@pytest.mark.parametrize("query", ["timeout=0", "timeout=1&q=subject:hello", "timeout=26"])
def test_nothing_is_held_without_need(world: ApiWorld, query: str) -> None:
    world.message()
    assert not isinstance(world.api.start(world.event("/v1/messages/wait", query))["body"], Held)


def test_what_matched_but_was_deleted_does_not_count(world: ApiWorld) -> None:
    ulid = world.message()
    world.call("/v1/messages")
    world.world.records.transact([Put(Item(*world.world.keys.tombstone(ulid), b"-"))])
    assert world.call("/v1/messages/wait", {"timeout": 0}).status == 204


def test_a_token_is_needed_to_wait(world: ApiWorld) -> None:
    assert world.call("/v1/messages/wait", using=None).status == 401
    assert world.slept == []
