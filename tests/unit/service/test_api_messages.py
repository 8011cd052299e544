"""Messages over the API: lists, records, bytes, text and conversations as the contract says them."""

import hashlib
import json
import secrets

import pytest

from mailscribe.records import MessageRecord
from mailscribe.service.ingest import ObjectCreated
from mailscribe.store.keys import message_key
from mailscribe.store.ports import Item, Put
from support.api import ApiWorld
from support.conversation import converse, plain_message

UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
MALFORMED = (
    "x",
    "01arz3ndektsv4rrffq69g5fav",
    UNKNOWN[:-1],
    UNKNOWN + "0",
    "8" + UNKNOWN[1:],
    UNKNOWN + "%0A",
    "..",
    "'",
    '"x',
    "a b",
    "ä",
)
PARTS = ("", "/raw", "/headers", "/text", "/transcript")


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def test_a_count_is_of_all_that_match(world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailscribe.service.search.view.PAGE", 2)
    assert world.call("/v1/messages/count").json() == {"count": 0, "exact": True}
    for number in (1, 2, 3, 4, 5):
        world.message(number)
    for kind, query, count in (
        ("messages", "", 5),
        ("messages", "q=hello", 5),
        ("messages", "q=subject:3&tz=Europe/Berlin", 1),
        ("messages", "q=subject:none", 0),
        ("sessions", "q=verb:DATA", 5),
        ("sessions", "q=verb:VRFY", 0),
    ):
        assert world.call(f"/v1/{kind}/count", query).json() == {"count": count, "exact": True}, (kind, query)


@pytest.mark.parametrize("kind", ["messages", "sessions"])
def test_a_count_refuses_what_it_cannot_read(world: ApiWorld, kind: str) -> None:
    problem = world.call(f"/v1/{kind}/count", "q=nosuch:x")
    assert problem.status == 400
    assert problem.json()["position"] == 0
    assert world.call(f"/v1/{kind}/count", "limit=1").status == 400
    assert world.call(f"/v1/{kind}/count", using=None).status == 401


def test_a_list_is_newest_first_and_holds_summaries(world: ApiWorld) -> None:
    ids = [world.message(number) for number in (1, 2, 3)]
    page = world.call("/v1/messages").json()
    assert page["next"] is None
    assert [message["id"] for message in page["messages"]] == ids[::-1]
    newest = page["messages"][0]
    assert (
        newest
        | {
            "from": [{"name": "Mable", "email": "mable@sun.tuc.test.org"}],
            "to": [{"name": "Bob", "email": "bob@test.org"}],
            "rcptTo": ["bob@test.org"],
            "mailFrom": "mable@sun.tuc.test.org",
            "subject": "hello 3",
            "preview": "How are you?",
            "size": len(plain_message(3)),
            "hasAttachment": False,
            "defects": 0,
        }
        == newest
    )
    assert newest["session"] == world.call("/v1/sessions").json()["sessions"][0]["id"]
    assert newest["receivedAt"].startswith("2023-11-14T22:")


def test_an_empty_list_is_a_list(world: ApiWorld) -> None:
    assert world.call("/v1/messages").json() == {"messages": [], "next": None}


def test_pages_follow_one_another_while_mail_arrives(world: ApiWorld) -> None:
    ids = [world.message(number) for number in range(1, 6)]
    found, cursor = [], ""
    for number in (10, 11, 12):
        page = world.call("/v1/messages", {"limit": 2, "cursor": cursor, "q": "subject:hello"}).json()
        found += [message["id"] for message in page["messages"]]
        cursor = page["next"]
        world.message(number)
    assert found == ids[::-1]
    assert cursor is None


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("subject:lunch", [2]),
        ("from:mable", [2, 1]),
        ("to:bob@test.org", [2, 1]),
        ("rcpt:carol@test.org", [2]),
        ("mailfrom:mable@sun.tuc.test.org", [2, 1]),
        ("message-id:1@sun.tuc.test.org", [1]),
        ("mushrooms", [2]),
        ("lunch OR hello", [2, 1]),
        ("after:2023-11-14 before:2023-11-15", [2, 1]),
        ("after:2023-11-15", []),
    ],
)
def test_a_query_selects(world: ApiWorld, query: str, numbers: list[int]) -> None:
    world.deliver(plain_message(1), number=1)
    world.deliver(
        plain_message(2, "lunch", "With mushrooms.\r\n"), number=2, recipients=("bob@test.org", "carol@test.org")
    )
    found = world.call("/v1/messages", {"q": query}).json()["messages"]
    assert [int(message["subject"].split()[1]) for message in found] == numbers


def test_dates_in_a_query_mean_the_zone_that_is_named(world: ApiWorld) -> None:
    world.message()  # 2023-11-14T22:14 UTC
    for zone, count in (("UTC", 0), ("+02:00", 1), ("-02:00", 0), ("Europe/Athens", 1), ("%2B02%3A00", 1)):
        assert len(world.call("/v1/messages", f"q=on:2023-11-15&tz={zone}").json()["messages"]) == count, zone


def test_a_record_is_whole(world: ApiWorld) -> None:
    ulid = world.message()
    record = world.call(f"/v1/messages/{ulid}").json()
    assert record["id"] == ulid
    absent = {"report", "authentication", "claimedAuthentication"}
    assert set(MessageRecord.__struct_encode_fields__) - set(record) == absent
    assert set(record) <= set(MessageRecord.__struct_encode_fields__)
    assert record["envelope"] == {
        "mailFrom": {"email": "mable@sun.tuc.test.org", "parameters": None},
        "rcptTo": [{"email": "bob@test.org", "parameters": None}],
    }
    assert record["sha256"] == hashlib.sha256(plain_message()).hexdigest()
    assert record["client"]["ip"] == "192.0.2.17"


def test_properties_are_chosen_and_the_id_is_always_there(world: ApiWorld) -> None:
    ulid = world.message()
    chosen = world.call(f"/v1/messages/{ulid}", {"properties": "subject, from"}).json()
    assert chosen == {"id": ulid, "subject": "hello 1", "from": [{"name": "Mable", "email": "mable@sun.tuc.test.org"}]}


@pytest.mark.parametrize("names", ["nonsense", "subject,nonsense", "from_", "", "subject,,from", "Subject", "commit"])
def test_a_property_that_no_record_has_is_refused(world: ApiWorld, names: str) -> None:
    refused = world.call(f"/v1/messages/{world.message()}", {"properties": names})
    assert refused.status == 400
    assert refused.json()["parameter"] == "properties"


def test_raw_is_what_the_client_sent_and_nothing_of_the_trace_block(world: ApiWorld) -> None:
    content = plain_message(body="..two dots\r\n.one\r\n\xff\x00\r\n")
    ulid = world.deliver(content, recipients=("bob@test.org", "secret@test.org")).messages[0]
    raw = world.call(f"/v1/messages/{ulid}/raw")
    assert raw.body == world.world.objects.get(message_key(ulid))[-len(raw.body) :]
    assert raw.body == content
    assert b"secret" not in raw.body
    assert raw.headers["content-type"] == "message/rfc822"
    assert raw.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'


def test_headers_are_an_ordered_list_of_names_as_sent_and_raw_values(world: ApiWorld) -> None:
    ulid = world.deliver(b"X-b: 1\r\nx-A:  folded\r\n value\r\nX-b: 2\r\nSubject: =?utf-8?q?=c3=a9?=\r\n\r\n").messages[
        0
    ]
    assert world.call(f"/v1/messages/{ulid}/headers").json() == [
        {"name": "X-b", "value": " 1"},
        {"name": "x-A", "value": "  folded\r\n value"},
        {"name": "X-b", "value": " 2"},
        {"name": "Subject", "value": " =?utf-8?q?=c3=a9?="},
    ]


def test_text_is_text(world: ApiWorld) -> None:
    ulid = world.deliver(b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\nGr\xfc\xdfe\r\n").messages[0]
    text = world.call(f"/v1/messages/{ulid}/text")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert text.body.decode().strip() == "Grüße"


def test_text_is_made_of_html_where_there_is_no_other(world: ApiWorld) -> None:
    ulid = world.deliver(b"Content-Type: text/html\r\n\r\n<p>Hello <b>you</b></p><script>no()</script>\r\n").messages[0]
    text = world.call(f"/v1/messages/{ulid}/text").body.decode()
    assert "Hello you" in text
    assert "<" not in text
    assert "no()" not in text


def test_a_message_that_ended_its_parser_is_not_parsed_again(world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    poison = converse([plain_message(7)], number=7)
    world.world.hold(poison)
    for key in poison.objects:
        world.world.deliver(key, receive_count=3)
    monkeypatch.setattr("mailscribe.service.reading.parse", None)
    ulid = poison.messages[0]
    assert world.call(f"/v1/messages/{ulid}").json()["defects"] == [{"code": "parse-abandoned"}]
    assert world.call(f"/v1/messages/{ulid}/text").body == b""
    assert world.call(f"/v1/messages/{ulid}/raw").body == plain_message(7)


def test_the_transcript_of_a_message_is_its_own_transaction_s(world: ApiWorld) -> None:
    told = world.deliver(plain_message(1), plain_message(2), number=3)
    for transaction, ulid in enumerate(told.messages, 1):
        document = world.call(f"/v1/messages/{ulid}/transcript").json()
        assert (document["session"], document["transaction"]) == (told.session, transaction)
        assert [turn["verb"] for turn in document["turns"]] == ["MAIL", "RCPT", "DATA", "EOD"]
        assert document["turns"][-1]["message"] == ulid
        assert "open" not in document
        text = world.call(f"/v1/messages/{ulid}/transcript", headers={"accept": "text/plain"}).body.decode()
        assert text.splitlines()[0] == ">>> MAIL FROM:<mable@sun.tuc.test.org>"
        assert text.splitlines()[-1] == f"250 2.0.0 {ulid} Message accepted for delivery"
        lines = world.call(f"/v1/messages/{ulid}/transcript", headers={"accept": "application/jsonl"}).body.splitlines()
        assert json.loads(lines[0])["id"] == told.session
        assert [json.loads(line)["data"]["message"] for line in lines if b'"data"' in line] == [ulid]
        stored = world.world.objects.get(told.session_object).splitlines()
        assert set(lines) < set(stored)


def test_the_transcript_of_a_message_whose_session_lasts_is_from_its_trace_block(world: ApiWorld) -> None:
    told = world.deliver(plain_message(1), plain_message(2), number=3, ended=False)
    for ulid in told.messages:
        document = world.call(f"/v1/messages/{ulid}/transcript").json()
        assert document["open"] is True
        assert [turn["verb"] for turn in document["turns"]] == ["MAIL", "RCPT", "DATA"]
        for form in ("text/plain", "application/jsonl"):
            answer = world.call(f"/v1/messages/{ulid}/transcript", headers={"accept": form})
            assert b"MAIL FROM:<mable@sun.tuc.test.org>" in answer.body
            assert b"EHLO" not in answer.body


def test_mail_that_did_not_come_by_smtp_has_no_envelope_and_no_transcript(world: ApiWorld) -> None:
    world.world.objects.put("inbound/x", [plain_message()])
    world.world.main.handle(ObjectCreated("inbound/x", len(plain_message()), 1_700_000_000_000))
    ulid = world.call("/v1/messages").json()["messages"][0]["id"]
    assert world.call(f"/v1/messages/{ulid}").json()["envelope"] is None
    assert world.call(f"/v1/messages/{ulid}/raw").body == plain_message()
    assert world.call(f"/v1/messages/{ulid}/text").status == 200
    assert world.call(f"/v1/messages/{ulid}/transcript").status == 404


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("ulid", [UNKNOWN, *MALFORMED])
def test_an_id_that_is_unknown_or_malformed_is_not_found(world: ApiWorld, ulid: str, part: str) -> None:
    refused = world.call(f"/v1/messages/{ulid}{part}")
    assert refused.status == 404
    assert refused.json()["type"] == "/v1/docs#problem-not-found"


@pytest.mark.parametrize("part", PARTS)
def test_a_message_with_a_tombstone_is_not_found(world: ApiWorld, part: str) -> None:
    ulid = world.message()
    assert world.call(f"/v1/messages/{ulid}{part}").status == 200
    world.world.records.transact([Put(Item(*world.world.keys.tombstone(ulid), b"-"))])
    assert world.call(f"/v1/messages/{ulid}{part}").status == 404


@pytest.mark.parametrize("part", ["/raw", "/text"])
def test_a_message_whose_object_is_gone_is_not_found(world: ApiWorld, part: str) -> None:
    ulid = world.message()
    world.world.objects.delete(message_key(ulid))
    assert world.call(f"/v1/messages/{ulid}{part}").status == 404


def test_a_large_record_is_read_from_where_it_overflowed_to(world: ApiWorld) -> None:
    body = secrets.token_hex(60_000)
    ulid = world.deliver(
        plain_message(body="\r\n".join(body[i : i + 70] for i in range(0, len(body), 70)) + "\r\n")
    ).messages[0]
    assert world.world.objects.list(f"derived/{ulid}/")
    assert world.call(f"/v1/messages/{ulid}").json()["id"] == ulid
