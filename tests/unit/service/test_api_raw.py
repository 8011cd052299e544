"""The bytes of a message: conditions, ranges, redirects where answers are limited, streams where they are not."""

import hashlib

import pytest

from mailscribe.service.api import Stream
from mailscribe.service.api.large import CHUNK
from mailscribe.settings import Settings
from mailscribe.store.keys import message_key
from support.api import HOST, ApiWorld, Links, reply_of
from support.conversation import plain_message

CONTENT = plain_message()
SIZE = len(CONTENT)
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'
LIMIT = 4096


def lines(size: int) -> bytes:
    """A message of about that size."""
    return plain_message(body=(b"%076d\r\n" * (size // 78 + 1) % tuple(range(size // 78 + 1))).decode())


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


@pytest.fixture
def deployed() -> tuple[ApiWorld, Links]:
    links = Links()
    return ApiWorld(Settings(hosts=(HOST,), answer_limit=LIMIT), links=links), links


@pytest.mark.parametrize(
    ("field", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-9", 0, 10),
        ("bytes=5-", 5, SIZE),
        ("bytes=-1", SIZE - 1, SIZE),
        ("bytes=-7", SIZE - 7, SIZE),
        (f"bytes=-{SIZE}", 0, SIZE),
        (f"bytes=-{SIZE + 1}", 0, SIZE),
        (f"bytes=0-{SIZE - 1}", 0, SIZE),
        (f"bytes=0-{SIZE}", 0, SIZE),
        (f"bytes={SIZE - 1}-{SIZE + 9}", SIZE - 1, SIZE),
        ("bytes=3-" + "9" * 5000, 3, SIZE),
        ("bytes=0003-0004", 3, 5),
        ("BYTES = 3-4 ", 3, 5),
    ],
)
def test_a_range_is_given(world: ApiWorld, field: str, start: int, end: int) -> None:
    answer = world.call(f"/v1/messages/{world.message()}/raw", headers={"range": field})
    assert answer.status == 206
    assert answer.body == CONTENT[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.headers["etag"] == ETAG


@pytest.mark.parametrize(
    "field", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0", "bytes=" + "9" * 5000 + "-"]
)
def test_a_range_with_nothing_in_it_cannot_be_satisfied(world: ApiWorld, field: str) -> None:
    answer = world.call(f"/v1/messages/{world.message()}/raw", headers={"range": field})
    assert answer.status == 416
    assert answer.headers["content-range"] == f"bytes */{SIZE}"
    assert answer.json()["status"] == 416


@pytest.mark.parametrize(
    "field",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-3",
        "bytes=0-1,3-4",
        "lines=0-1",
        "bytes=0-1-2",
        "bytes=+1-2",
        "bytes=٣-٤",
    ],
)
def test_a_range_that_is_none_or_many_is_ignored(world: ApiWorld, field: str) -> None:
    answer = world.call(f"/v1/messages/{world.message()}/raw", headers={"range": field})
    assert (answer.status, answer.body) == (200, CONTENT)
    assert "content-range" not in answer.headers
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(("condition", "status"), [(ETAG, 206), ('"other"', 200), (f"W/{ETAG}", 200), ("Tue", 200)])
def test_if_range_gives_the_whole_when_it_is_another(world: ApiWorld, condition: str, status: int) -> None:
    headers = {"range": "bytes=0-0", "if-range": condition}
    assert world.call(f"/v1/messages/{world.message()}/raw", headers=headers).status == status


@pytest.mark.parametrize("field", [ETAG, f"W/{ETAG}", f'"other", {ETAG}', f'{ETAG},"other"', "*", f"  {ETAG} "])
def test_what_the_caller_has_is_not_sent_again(world: ApiWorld, field: str) -> None:
    answer = world.call(f"/v1/messages/{world.message()}/raw", headers={"if-none-match": field, "range": "bytes=0-0"})
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == ETAG
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("field", ['"other"', ETAG.strip('"'), "", f"x{ETAG}", '"a"b"', "*,*"])
def test_what_the_caller_does_not_have_is_sent(world: ApiWorld, field: str) -> None:
    answer = world.call(f"/v1/messages/{world.message()}/raw", headers={"if-none-match": field})
    assert (answer.status, answer.body) == (200, CONTENT)


def test_head_tells_the_length_and_takes_no_range(world: ApiWorld) -> None:
    answer = world.call(f"/v1/messages/{world.message()}/raw", method="HEAD", headers={"range": "bytes=0-0"})
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["etag"] == ETAG


def test_an_empty_message_has_no_bytes_and_no_range(world: ApiWorld) -> None:
    ulid = world.deliver(b"").messages[0]
    answer = world.call(f"/v1/messages/{ulid}/raw")
    assert (answer.status, answer.body) == (200, b"")
    assert world.call(f"/v1/messages/{ulid}/raw", headers={"range": "bytes=0-0"}).status == 416


def test_a_host_without_a_limit_streams_what_is_large(world: ApiWorld) -> None:
    content = lines(2 * CHUNK + 5)
    ulid = world.deliver(content).messages[0]
    event = world.event(f"/v1/messages/{ulid}/raw")
    payload = world.api.start(event)
    assert isinstance(payload["body"], Stream)
    assert max(len(chunk) for chunk in payload["body"].chunks()) <= CHUNK
    assert reply_of(payload).body == content
    ranged = world.call(f"/v1/messages/{ulid}/raw", headers={"range": f"bytes=7-{CHUNK + 9}"})
    assert ranged.body == content[7 : CHUNK + 10]
    head = world.call(f"/v1/messages/{ulid}/raw", method="HEAD")
    assert head.headers["content-length"] == str(len(content))


@pytest.mark.parametrize(("extra", "status"), [(-1, 200), (0, 200), (1, 307)])
def test_an_answer_over_the_limit_is_redirected_to(deployed: tuple[ApiWorld, Links], extra: int, status: int) -> None:
    world, links = deployed
    content = plain_message(body="\r\n".join(["z" * 70] * 50) + "\r\n")
    content = content[:-2] + b"z" * (LIMIT + extra - len(content)) + b"\r\n"
    assert len(content) == LIMIT + extra
    ulid = world.deliver(content).messages[0]
    answer = world.call(f"/v1/messages/{ulid}/raw")
    assert answer.status == status
    if status == 200:
        assert (answer.body, links.asked) == (content, [])
        return
    assert answer.body == b""
    assert answer.headers["location"] == f"https://bucket.test/derived/{ulid}/raw.eml?signed"
    assert links.asked == [(f"derived/{ulid}/raw.eml", f"{ulid}.eml", 60)]
    assert world.world.objects.get(f"derived/{ulid}/raw.eml") == content


def test_a_copy_is_made_once_and_again_when_it_is_not_whole(deployed: tuple[ApiWorld, Links]) -> None:
    world, links = deployed
    content = lines(3 * LIMIT)
    ulid = world.deliver(content, recipients=("bob@test.org", "secret@test.org")).messages[0]
    key = f"derived/{ulid}/raw.eml"
    world.call(f"/v1/messages/{ulid}/raw")
    assert world.world.objects.get(key) == content
    world.world.objects.delete(message_key(ulid))
    assert world.call(f"/v1/messages/{ulid}/raw").status == 307
    world.world.objects.put(key, [b"torn"])
    assert world.call(f"/v1/messages/{ulid}/raw").status == 404
    assert {asked[0] for asked in links.asked} == {key}


def test_a_small_range_of_a_large_message_is_given_itself(deployed: tuple[ApiWorld, Links]) -> None:
    world, links = deployed
    content = lines(3 * LIMIT)
    ulid = world.deliver(content).messages[0]
    answer = world.call(f"/v1/messages/{ulid}/raw", headers={"range": f"bytes=1-{LIMIT}"})
    assert (answer.status, answer.body) == (206, content[1 : LIMIT + 1])
    assert links.asked == []
    assert world.call(f"/v1/messages/{ulid}/raw", headers={"range": f"bytes=0-{LIMIT}"}).status == 307


@pytest.mark.parametrize(("part", "name"), [("/text", "text.txt"), ("", "record.json"), ("/headers", "headers.json")])
def test_anything_else_that_is_too_large_is_redirected_to_as_well(
    deployed: tuple[ApiWorld, Links], part: str, name: str
) -> None:
    world, links = deployed
    field = "X-Long: " + "a" * 900 + "\r\n"
    content = (field * 6).encode() + plain_message(body=lines(2 * LIMIT).decode())
    ulid = world.deliver(content).messages[0]
    answer = world.call(f"/v1/messages/{ulid}{part}")
    assert answer.status == 307
    [(key, filename, seconds)] = links.asked
    assert filename == f"{ulid}-{name}"
    assert seconds == 60
    assert key.startswith(f"derived/{ulid}/")
    assert len(world.world.objects.get(key)) > LIMIT


def test_waits_for_more_than_an_answer_holds_are_told_to_ask_for_fewer(deployed: tuple[ApiWorld, Links]) -> None:
    world, links = deployed
    for number in (1, 2):
        world.deliver(plain_message(number, body=lines(LIMIT).decode()), number=number)
    refused = world.call("/v1/messages/wait", {"count": 2, "timeout": 0})
    assert (refused.status, refused.json()["parameter"]) == (400, "count")
    assert world.call("/v1/messages/wait", {"count": 1, "timeout": 0}).status == 307
    assert len(links.asked) == 1
