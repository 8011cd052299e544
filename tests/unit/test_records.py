"""Record types: their JSON is the API's."""

import re
from typing import get_type_hints

import msgspec
import pytest
from msgspec import UNSET, Raw, UnsetType

from mailscribe import records
from mailscribe.records import (
    BodyPart,
    Client,
    Content,
    Defect,
    EmailAddress,
    Event,
    Finding,
    IndexDocument,
    MessageRecord,
    MessageSummary,
    Received,
    SessionSummary,
    TokenRecord,
    Turn,
    Value,
)
from support.samples import MOMENT, ULID, record_types, sample

TYPES = record_types()


def as_json(value: Value) -> dict[str, object]:
    return msgspec.json.decode(msgspec.json.encode(value), type=dict[str, object])


def test_every_type_is_found() -> None:
    assert {kind.__name__ for kind in TYPES} >= {"MessageRecord", "SessionRecord", "Event", "Turn", "TokenRecord"}


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_every_type_comes_back_from_its_json(kind: type[Value]) -> None:
    value = sample(kind)
    again = msgspec.json.decode(msgspec.json.encode(value), type=kind)
    assert again == value
    assert msgspec.json.encode(again) == msgspec.json.encode(value)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_every_type_is_frozen_documented_and_camel_case(kind: type[Value]) -> None:
    value = sample(kind)
    assert kind.__struct_config__.frozen
    assert kind.__doc__
    assert all(re.fullmatch(r"[a-z][a-zA-Z0-9]*", name) for name in kind.__struct_encode_fields__)
    with pytest.raises(AttributeError):
        setattr(value, kind.__struct_fields__[0], None)


def test_names_of_rfc_8621() -> None:
    message = as_json(sample(MessageRecord))
    assert set(message) >= {
        "id", "blobId", "size", "receivedAt", "sentAt", "messageId", "inReplyTo", "references", "from", "sender", "to",
        "cc", "bcc", "replyTo", "subject", "headers", "bodyStructure", "bodyValues", "textBody", "htmlBody",
        "attachments", "hasAttachment", "preview", "envelope",
    }  # fmt: skip
    assert set(as_json(sample(BodyPart))) >= {
        "partId", "blobId", "size", "name", "type", "charset", "disposition", "cid", "language", "location", "subParts",
    }  # fmt: skip
    assert set(as_json(sample(Received))) == {"from", "by", "with", "id", "for", "date"}


def test_a_message_stored_before_reports_were_read_still_decodes() -> None:
    old = {name: value for name, value in as_json(sample(MessageRecord)).items() if name != "report"}
    assert msgspec.json.decode(msgspec.json.encode(old), type=MessageRecord).report is msgspec.UNSET


def test_names_of_the_api() -> None:
    assert set(as_json(sample(MessageSummary))) == {
        "id", "receivedAt", "from", "to", "rcptTo", "rcptCount", "mailFrom", "subject", "preview", "size",
        "hasAttachment", "session", "defects",
    }  # fmt: skip
    assert set(as_json(sample(SessionSummary))) == {
        "id", "state", "openedAt", "closedAt", "client", "helo", "tls", "auth", "outcome", "end", "messages", "turns",
        "lastReply", "findings",
    }  # fmt: skip
    assert set(as_json(sample(Event))) == {"v", "id", "type", "at", "detail", "keys"}
    assert {"seq", "at", "verb", "command", "reply", "latencyMs"} <= set(as_json(sample(Turn)))


def test_unset_is_left_out_and_none_is_null() -> None:
    assert as_json(Client(ip="127.0.0.1", port=25)) == {"ip": "127.0.0.1", "port": 25}
    assert as_json(EmailAddress(name=None, email="a@b")) == {"name": None, "email": "a@b"}
    assert as_json(Defect(code="bad-date")) == {"code": "bad-date"}
    greeting = Turn(seq=0, at=0.0, verb=None, command=None, reply=None, latency_ms=None)
    assert as_json(greeting) == {
        "seq": 0, "at": 0.0, "verb": None, "command": None, "reply": None, "latencyMs": None,
    }  # fmt: skip


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_what_may_be_unset_is_unset_by_default(kind: type[Value]) -> None:
    hints = get_type_hints(kind, vars(records))
    for field in msgspec.structs.fields(kind):
        if UnsetType in getattr(hints[field.name], "__args__", ()):
            assert field.default is UNSET, field.name


def test_moments_are_in_utc_with_a_z() -> None:
    assert as_json(sample(MessageRecord))["receivedAt"] == "2026-02-03T04:05:06.789000Z"
    assert sample(MessageRecord).received_at == MOMENT


def test_raw_json_is_carried_as_it_is() -> None:
    detail = b'{"z":1,"a":[1.50,  "x"]}'
    event = sample(Event, detail=Raw(detail))
    assert detail in msgspec.json.encode(event)
    document = sample(IndexDocument, summary=Raw(detail))
    assert bytes(msgspec.json.decode(msgspec.json.encode(document), type=IndexDocument).summary) == detail


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (MessageRecord, {"size": "many"}),
        (MessageRecord, {"delivery": "pigeon"}),
        (SessionSummary, {"state": "ajar"}),
        (Event, {"v": 2}),
        (Event, {"type": "message.sent"}),
        (TokenRecord, {"scopes": ["root"]}),
        (TokenRecord, {"createdAt": "yesterday"}),
        (Finding, {"turn": None}),
        (Content, {"accepted": "yes"}),
    ],
)
def test_what_is_not_of_the_type_is_refused(kind: type[Value], change: dict[str, object]) -> None:
    text = msgspec.json.encode(as_json(sample(kind)) | change)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=kind)


def test_a_token_is_for_all_recipients_and_for_ever_unless_said_otherwise() -> None:
    token = TokenRecord(name="ci", scopes=("read",), created_at=MOMENT)
    assert (token.recipients, token.expires_at) == (("*",), None)


def test_a_field_added_later_does_not_break_an_older_reader() -> None:
    text = msgspec.json.encode(as_json(sample(Client)) | {"asn": 64496})
    assert msgspec.json.decode(text, type=Client).ip == sample(Client).ip


def test_the_sample_has_the_id_of_an_object() -> None:
    assert sample(MessageRecord).id == ULID
