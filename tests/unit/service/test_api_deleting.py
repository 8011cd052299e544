"""Deleting over the API: one by its id, many by a query; gone from every answer at once, and for good."""

from typing import cast

import pytest

from mailscribe.errors import StoreUnavailable
from mailscribe.service.ingest import ObjectCreated, Outcome
from mailscribe.settings import Settings
from mailscribe.store.keys import message_key
from mailscribe.store.ports import Objects
from support.api import HOST, ApiWorld
from support.conversation import plain_message


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def delete(world: ApiWorld, path: str, query: str = "", using: str = "deleter") -> tuple[int, dict[str, object]]:
    answer = world.call(path, query, method="DELETE", using=using)
    return answer.status, answer.json()


def paths(ulid: str) -> list[str]:
    forms = ("", "/raw", "/headers", "/text", "/links", "/codes", "/transcript", "/parts/1")
    return [f"/v1/messages/{ulid}{form}" for form in forms]


def test_a_deleted_message_is_gone_from_every_answer_at_once(world: ApiWorld) -> None:
    gone, left = world.message(1, "first"), world.message(2, "second")
    assert world.call("/v1/events", "since=1d").body.count(gone.encode()) >= 1
    assert delete(world, f"/v1/messages/{gone}") == (200, {"deleted": 1})
    assert {world.call(path).status for path in paths(gone)} == {404}
    assert [each["id"] for each in world.call("/v1/messages").json()["messages"]] == [left]
    assert world.call("/v1/messages/count").json() == {"count": 1, "exact": True}
    assert world.call("/v1/messages/wait", "q=subject:first&timeout=0").status == 204
    events = world.call("/v1/events", "since=1d&q=subject:first").json()["events"]
    assert [event for event in events if event["type"] == "message.received"] == []


def test_nothing_of_it_is_left_but_a_tombstone(world: ApiWorld) -> None:
    ulid = world.message(1, "a subject of its own")
    before = {item.key for item in world.world.items("")}
    assert delete(world, f"/v1/messages/{ulid}")[0] == 200
    assert not [key for key in world.world.objects._objects if ulid in key and not key.startswith("sessions/")]
    left = world.world.items("")
    assert not [item for item in left if item.pk[:2] in ("M#", "I#")]
    assert not [item for item in left if item.pk.startswith("T#message")]
    assert world.world.picture().tombstones == {ulid}
    assert len(world.world.feed("message.removed")) == 2  # what showed it is overwritten; and it was removed
    assert world.world.feed("message.received") == []
    assert before


def test_what_is_not_there_is_404(world: ApiWorld) -> None:
    ulid = world.message()
    assert delete(world, "/v1/messages/nonsense")[0] == 404
    assert delete(world, f"/v1/messages/{ulid[:-1]}0")[0] == 404
    assert world.world.picture().tombstones == frozenset()
    assert [delete(world, f"/v1/messages/{ulid}")[0] for _ in range(2)] == [200, 404]


def test_it_takes_the_scope(world: ApiWorld) -> None:
    ulid = world.message()
    for using in ("reader", "admin"):
        assert delete(world, f"/v1/messages/{ulid}", using=using)[0] == 403
        assert delete(world, "/v1/messages", "confirm=all", using=using)[0] == 403
    assert world.call(f"/v1/messages/{ulid}").status == 200


def test_a_page_of_another_host_deletes_nothing(world: ApiWorld) -> None:
    ulid = world.message()
    headers = {"origin": "https://elsewhere.test"}
    refused = world.call(f"/v1/messages/{ulid}", method="DELETE", using="deleter", headers=headers)
    assert refused.status == 403
    headers = {"origin": f"https://{HOST}"}
    assert world.call(f"/v1/messages/{ulid}", method="DELETE", using="deleter", headers=headers).status == 200


def test_all_that_match_if_they_are_so_many(world: ApiWorld) -> None:
    for number in range(1, 4):
        world.message(number, "spam")
    kept = world.message(4, "ham")
    status, problem = delete(world, "/v1/messages", "q=subject:spam&confirm=2")
    assert (status, problem["count"]) == (409, 3)
    assert world.call("/v1/messages/count").json()["count"] == 4
    assert delete(world, "/v1/messages", "q=subject:spam&confirm=3") == (200, {"deleted": 3})
    assert [each["id"] for each in world.call("/v1/messages").json()["messages"]] == [kept]
    assert delete(world, "/v1/messages", "q=subject:spam&confirm=0") == (200, {"deleted": 0})
    assert delete(world, "/v1/messages", "confirm=all") == (200, {"deleted": 1})


@pytest.mark.parametrize("query", ["", "q=subject:x", "confirm=", "confirm=some", "confirm=-1", "confirm=1.5"])
def test_it_has_to_be_confirmed(world: ApiWorld, query: str) -> None:
    ulid = world.message()
    status, problem = delete(world, "/v1/messages", query)
    assert (status, problem["parameter"]) == (400, "confirm")
    assert world.call(f"/v1/messages/{ulid}").status == 200


@pytest.mark.parametrize(("limit", "status"), [(2, 422), (3, 200), (4, 200), (0, 200)])
@pytest.mark.parametrize("confirm", ["3", "all"])
def test_one_call_takes_only_so_many(limit: int, status: int, confirm: str) -> None:
    world = ApiWorld(Settings(hosts=(HOST,), delete_limit=limit))
    for number in range(1, 4):
        world.message(number)
    found, document = delete(world, "/v1/messages", f"confirm={confirm}")
    assert found == status
    if status == 422:
        assert document["limit"] == limit
    assert world.call("/v1/messages/count").json()["count"] == (3 if status == 422 else 0)


def test_more_than_one_transaction_takes(world: ApiWorld) -> None:
    for number in range(1, 61):
        world.message(number)
    assert delete(world, "/v1/messages", "confirm=60") == (200, {"deleted": 60})
    assert len(world.world.picture().tombstones) == 60
    assert not [key for key in world.world.objects._objects if key.startswith("messages/")]


def test_a_redelivery_brings_nothing_back(world: ApiWorld) -> None:
    told = world.deliver(plain_message(1))
    ulid = told.messages[0]
    data = told.objects[message_key(ulid)]
    assert delete(world, f"/v1/messages/{ulid}")[0] == 200
    world.world.objects.put(message_key(ulid), [data])  # as one that was on its way
    assert world.world.deliver(message_key(ulid)) is Outcome.IGNORED
    assert world.world.deliver(told.session_object) in Outcome
    assert world.call(f"/v1/messages/{ulid}").status == 404
    assert delete(world, f"/v1/messages/{ulid}")[0] == 404  # and what came takes its leave
    assert message_key(ulid) not in world.world.objects._objects


def test_what_was_broken_off_is_ended_by_the_next_call() -> None:
    broken = True

    class Failing:
        def __init__(self, objects: Objects) -> None:
            self._objects = objects

        def __getattr__(self, name: str) -> object:
            return getattr(self._objects, name)

        def delete(self, key: str) -> None:
            if broken:
                raise StoreUnavailable("down")
            self._objects.delete(key)

    world = ApiWorld(objects=lambda objects: cast("Objects", Failing(objects)))
    ulid = world.message()
    assert delete(world, f"/v1/messages/{ulid}")[0] == 503
    assert world.call(f"/v1/messages/{ulid}").status == 404
    assert message_key(ulid) in world.world.objects._objects
    broken = False
    assert delete(world, f"/v1/messages/{ulid}")[0] == 404
    assert message_key(ulid) not in world.world.objects._objects


def test_other_mail_under_the_same_key_stays(world: ApiWorld) -> None:
    key = "inbound/mail.eml"
    world.world.objects.put(key, [b"Subject: first\r\n\r\n"])
    world.world.main.handle(ObjectCreated(key, 1, 1))
    world.world.objects.put(key, [b"Subject: second\r\n\r\n"])
    world.world.main.handle(ObjectCreated(key, 1, 1))
    first, second = (
        world.call("/v1/messages", f"q=subject:{word}").json()["messages"][0]["id"] for word in ("first", "second")
    )
    assert delete(world, f"/v1/messages/{first}")[0] == 200
    assert key in world.world.objects._objects
    assert delete(world, f"/v1/messages/{second}")[0] == 200
    assert key not in world.world.objects._objects
