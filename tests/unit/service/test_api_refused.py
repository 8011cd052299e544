"""Content that was refused and kept: read through its session, by who may see that, until its days are over."""

import hashlib

import pytest

from mailscribe.store.keys import message_key, refused_key
from support.api import ApiWorld
from support.conversation import TRAP, Conversation, converse, plain_message

CONTENT = plain_message(subject="trapped", body=".a line of dots\r\n...\r\n")
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


@pytest.fixture
def told(world: ApiWorld) -> Conversation:
    return world.deliver(CONTENT, recipients=(TRAP,))


def path(told: Conversation, ulid: str = "") -> str:
    return f"/v1/sessions/{told.session}/refused/{ulid or told.kept[0]}"


def test_it_is_what_the_client_sent(world: ApiWorld, told: Conversation) -> None:
    turns = world.call(f"/v1/sessions/{told.session}").json()["turns"]
    [content] = [turn["content"] for turn in turns if turn["verb"] == "EOD"]
    assert content | {"accepted": False, "refused": told.kept[0], "sha256": ETAG.strip('"')} == content
    answer = world.call(path(told))
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["etag"] == ETAG
    assert answer.headers["content-disposition"] == f'attachment; filename="{told.kept[0]}.eml"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_head_is_the_same_without_it(world: ApiWorld, told: Conversation) -> None:
    answer = world.call(path(told), method="HEAD")
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, b"", ETAG)
    assert answer.headers["content-length"] == str(len(CONTENT))


@pytest.mark.parametrize(("field", "status"), [(ETAG, 304), (f'"x", W/{ETAG}', 304), ('"x"', 200), ("x", 200)])
def test_who_has_it_is_not_sent_it_again(world: ApiWorld, told: Conversation, field: str, status: int) -> None:
    answer = world.call(path(told), headers={"if-none-match": field})
    assert (answer.status, answer.headers["etag"]) == (status, ETAG)
    assert answer.body == (CONTENT if status == 200 else b"")


def test_it_is_no_message(world: ApiWorld, told: Conversation) -> None:
    assert world.call(f"/v1/messages/{told.kept[0]}").status == 404
    assert world.call(f"/v1/messages/{told.kept[0]}/raw").status == 404
    assert world.call("/v1/messages").json()["messages"] == []


def test_it_can_be_read_while_its_session_lasts(world: ApiWorld) -> None:
    first = f"MAIL FROM:<a@example.com>\r\nRCPT TO:<{TRAP}>\r\nDATA\r\n".encode()
    stuffed = CONTENT.replace(b"\r\n.", b"\r\n..")
    told = converse([plain_message()], extra=first + stuffed + b".\r\n")
    world.world.hold(told)
    world.world.deliver(message_key(told.messages[0]))
    assert world.call(f"/v1/sessions/{told.session}").json()["state"] == "open"
    assert world.call(path(told)).body == CONTENT
    world.world.deliver(told.session_object)
    assert world.call(f"/v1/sessions/{told.session}").json()["state"] == "closed"
    assert world.call(path(told)).body == CONTENT


def test_only_its_own_session_has_it(world: ApiWorld, told: Conversation) -> None:
    other = world.deliver(CONTENT, number=2, recipients=(TRAP,))
    mailed = world.deliver(plain_message(3), number=3)
    assert world.call(path(other)).status == 200
    for wrong in (path(told, other.kept[0]), path(mailed, told.kept[0]), path(mailed, mailed.messages[0])):
        assert world.call(wrong).status == 404


@pytest.mark.parametrize("ulid", ["x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "null", "..", "%2e%2e", "a.eml"])
def test_what_no_turn_names_is_not_there(world: ApiWorld, told: Conversation, ulid: str) -> None:
    assert world.call(path(told, ulid)).status == 404
    assert world.call(f"/v1/sessions/{ulid}/refused/{told.kept[0]}").status == 404


def test_it_is_gone_when_its_days_are_over(world: ApiWorld, told: Conversation) -> None:
    world.world.objects.delete(refused_key(told.kept[0]))
    assert world.call(path(told)).status == 404
    assert world.call(f"/v1/sessions/{told.session}").status == 200


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("expired", 401), ("deleter", 403), ("narrow", 403)])
def test_who_may_not_see_the_session_may_not_see_it(
    world: ApiWorld, told: Conversation, token: str | None, status: int
) -> None:
    answer = world.call(path(told), using=token)
    assert answer.status == status
    assert b"trapped" not in answer.body
