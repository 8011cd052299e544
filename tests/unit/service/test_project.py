"""Projection: whatever the bytes, a record of the client's message; what the block tells; what is left without it."""

import hashlib
import zlib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from mailscribe.records import Defect, DeliveredTo, MessageRecord
from mailscribe.service import content as content_module
from mailscribe.service import project as project_module
from mailscribe.service.block import damaged_length
from mailscribe.service.project import Projection, Source, project
from mailscribe.smtp import TraceFacts, build_trace, parse_trace
from mailscribe.store.keys import message_key
from support.conversation import converse, plain_message

RECEIVED_AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
RECIPIENTS = ("bob@test.org", "ann@test.org", "hidden@test.org")
TALK = converse([plain_message(1)], recipients=RECIPIENTS)
ULID = TALK.messages[0]
KEY = message_key(ULID)
OBJECT = TALK.objects[KEY]
CONTENT = TALK.contents[ULID]
BLOCK = OBJECT[: len(OBJECT) - len(CONTENT)]


def traced(data: bytes, *, abandon: bool = False) -> Projection:
    return project(Source(ULID, KEY, RECEIVED_AT, traced=True), data, abandon=abandon)


def untraced(data: bytes) -> MessageRecord:
    return project(Source(ULID, "inbound/x.eml", RECEIVED_AT, traced=False), data).record


def facts() -> TraceFacts:
    """What the block of `OBJECT` says."""
    trace = parse_trace(OBJECT)
    return TraceFacts(
        id=ULID,
        envelope=trace.envelope,
        session=trace.session,
        client=trace.client,
        helo=trace.helo,
        extended=True,
        listener=trace.listener,
        host=trace.host,
        opened=trace.opened,
    )


def codes(record: MessageRecord) -> list[str]:
    return [defect.code for defect in record.defects]


def check_bytes(record: MessageRecord, content: bytes) -> None:
    assert (record.size, record.sha256) == (len(content), hashlib.sha256(content).hexdigest())


class TestWhole:
    record = traced(OBJECT).record

    def test_bytes(self) -> None:
        check_bytes(self.record, CONTENT)
        assert (self.record.raw.key, self.record.raw.offset) == (KEY, len(BLOCK))
        assert (self.record.id, self.record.blob_id, self.record.received_at) == (ULID, ULID, RECEIVED_AT)

    def test_what_smtp_said(self) -> None:
        record, trace = self.record, parse_trace(OBJECT)
        assert (record.envelope, record.session) == (trace.envelope, trace.session)
        assert record.session is not None
        assert (record.session.id, record.session.transaction) == (TALK.session, 1)
        assert record.delivered_to == tuple(DeliveredTo(email=each) for each in RECIPIENTS)
        assert (record.client, record.helo, record.tls, record.auth) == (trace.client, "sun.tuc.test.org", None, None)
        assert record.delivery == "mailbox"

    def test_what_the_header_says(self) -> None:
        record = self.record
        assert (record.subject, record.message_id) == ("hello 1", ("1@sun.tuc.test.org",))
        assert record.from_ is not None
        assert [(each.name, each.email) for each in record.from_] == [("Mable", "mable@sun.tuc.test.org")]
        assert record.sent_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
        assert [field.name for field in record.headers] == ["From", "To", "Subject", "Message-ID", "Date"]
        assert (record.cc, record.sender, record.references) == (None, None, None)

    def test_what_the_body_says(self) -> None:
        record = self.record
        assert (record.body_structure.part_id, record.body_structure.type) == ("1", "text/plain")
        assert record.body_structure.blob_id == f"{ULID}.1"
        assert record.body_values["1"].value == "How are you?\n"
        assert [part.part_id for part in record.text_body] == ["1"]
        assert (record.preview, record.has_attachment, record.attachments) == ("How are you?", False, ())
        assert record.body_structure.range == (CONTENT.index(b"How"), len(CONTENT))

    def test_the_document_finds_its_words(self) -> None:
        document = traced(OBJECT).document
        assert (document.kind, document.id, document.size) == ("message", ULID, len(CONTENT))
        assert "How are you" in document.body

    def test_no_defects(self) -> None:
        assert self.record.defects == ()
        assert msgspec.json.decode(msgspec.json.encode(self.record), type=MessageRecord) == self.record


def test_parts_keep_their_tree_ranges_and_hashes() -> None:
    data = (
        b"Received: from a.test.org. ([192.0.2.1]) by b.test.org with ESMTP id X; 14 Nov 23 22:13:20 +0000\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Language: de, fr\r\n\r\n<p>Hi</p>\r\n"
        b"--b\r\nContent-Type: image/png; name=x.png\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment\r\nContent-ID: <c@x>\r\n\r\naGVsbG8=\r\n--b--\r\n"
    )
    record = untraced(data)
    assert (record.body_structure.part_id, record.body_structure.blob_id) == (None, None)
    assert record.body_structure.sub_parts is not None
    html, image = record.body_structure.sub_parts
    assert (html.part_id, html.type, html.charset, html.language) == ("1", "text/html", "utf-8", ("de", "fr"))
    assert (image.name, image.cid, image.size, image.encoding) == ("x.png", "c@x", 5, "base64")
    assert image.sha256 == hashlib.sha256(b"hello").hexdigest()
    assert isinstance(image.range, tuple)
    assert data[slice(*image.range)].startswith(b"aGVsbG8=")
    assert list(record.body_values) == ["1"]
    assert record.attachments == (image,)
    assert record.trace[0].from_ is not None
    assert (record.trace[0].id, record.trace[0].with_) == ("X", "ESMTP")


@pytest.mark.parametrize(("size", "is_cut"), [(65_535, False), (65_536, False), (65_537, True)])
def test_a_body_value_is_cut_at_its_limit(size: int, is_cut: bool) -> None:
    record = untraced(b"Subject: x\r\n\r\n" + b"y" * size)
    value = record.body_values["1"]
    assert (len(value.value), value.is_truncated) == (min(size, 65_536), is_cut)


def test_all_body_values_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_module, "BODY_VALUES_LIMIT", 10)
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nseven77\r\n"
    record = untraced(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 3 + b"--b--\r\n")
    values = [(value.value, value.is_truncated) for value in record.body_values.values()]
    assert values == [("seven77", False), ("sev", True), ("", True)]


class TestWithoutParsing:
    def test_abandoned_from_the_block_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(project_module, "parse", lambda _: pytest.fail("parsed"))
        found = traced(OBJECT, abandon=True)
        check_bytes(found.record, CONTENT)
        assert codes(found.record) == ["parse-abandoned"]
        assert found.record.envelope == parse_trace(OBJECT).envelope
        assert (found.record.headers, found.record.text_body, found.record.body_values) == ((), (), {})
        assert found.record.body_structure.size == len(CONTENT)
        assert found.document.id == ULID
        assert found.session is not None

    @pytest.mark.parametrize("error", [RuntimeError("x"), RecursionError(), MemoryError(), UnicodeError()])
    def test_a_parser_that_raises_costs_the_content_only(
        self, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(_: bytes) -> None:
            raise error

        monkeypatch.setattr(project_module, "parse", fail)
        found = traced(OBJECT)
        assert codes(found.record) == ["parse-failed"]
        assert found.record.envelope is not None
        assert "could not be parsed" in caplog.text

    def test_text_that_no_json_can_hold_costs_the_content_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(project_module, "filled", lambda bare, *_: structs.replace(bare, subject="\ud800"))
        assert codes(traced(OBJECT).record) == ["parse-failed"]


class TestDamagedBlock:
    @pytest.mark.parametrize(
        "block",
        [
            pytest.param(BLOCK.replace(b"X-Mailscribe-Envelope: {", b"X-Mailscribe-Envelope: ("), id="envelope"),
            pytest.param(BLOCK.replace(b"X-Mailscribe-Transcript: ", b"X-Mailscribe-Transcript: ?"), id="transcript"),
            pytest.param(BLOCK.replace(b"X-Mailscribe-Object: 1 ", b"X-Mailscribe-Object: 1 9"), id="length too large"),
            pytest.param(BLOCK.replace(b"X-Mailscribe-Object: 1 ", b"X-Mailscribe-Object: 2 "), id="unknown format"),
            pytest.param(BLOCK.replace(b"X-Mailscribe-Object: 1", b"X-Mailscribe-Object: x"), id="no length"),
        ],
    )
    def test_costs_the_envelope_and_shows_no_byte_of_it(self, block: bytes) -> None:
        found = traced(block + CONTENT)
        assert codes(found.record) == ["trace-corrupt"]
        check_bytes(found.record, CONTENT)
        assert (found.record.envelope, found.record.session, found.session) == (None, None, None)
        assert found.record.subject == "hello 1"
        assert b"hidden@test.org" not in msgspec.json.encode(found.record)

    def test_missing_altogether(self) -> None:
        record = traced(CONTENT).record
        assert (codes(record), record.raw.offset) == (["trace-corrupt"], 0)
        check_bytes(record, CONTENT)

    def test_of_another_message_is_not_believed(self) -> None:
        other = converse([plain_message(1)], number=9)
        record = traced(other.objects[message_key(other.messages[0])]).record
        assert (codes(record), record.envelope) == (["trace-corrupt"], None)
        check_bytes(record, CONTENT)

    def test_and_content_left_alone(self) -> None:
        assert codes(traced(CONTENT, abandon=True).record) == ["trace-corrupt", "parse-abandoned"]

    def test_that_no_record_can_hold(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(project_module, "_traced", lambda *_: 1 / 0)
        found = traced(OBJECT)
        assert codes(found.record) == ["trace-corrupt"]
        check_bytes(found.record, CONTENT)

    def test_that_names_no_session_costs_the_session_only(self) -> None:
        found = traced(BLOCK.replace(TALK.session.encode(), b"9" * 26) + CONTENT)
        assert (found.session, codes(found.record)) == (None, [])

    def test_whose_turns_are_no_transcript_costs_the_session_only(self) -> None:
        found = traced(build_trace(facts(), at=RECEIVED_AT, excerpt=zlib.compress(b"no transcript\n")) + CONTENT)
        assert (found.session, codes(found.record)) == (None, [])
        assert found.session_id == TALK.session
        assert found.record.envelope == parse_trace(OBJECT).envelope
        check_bytes(found.record, CONTENT)

    def test_whose_session_cannot_be_read_costs_the_session_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(project_module, "open_session", lambda _: 1 / 0)
        found = traced(OBJECT)
        assert (found.session, codes(found.record)) == (None, [])
        assert found.record.session is not None

    @pytest.mark.parametrize(
        ("data", "length"),
        [
            (b"", 0),
            (b"Subject: x\r\n\r\n", 0),
            (b"X-Mailscribe-Object: 1 31\r\nab\r\n\r\n", 31),
            (b"X-Mailscribe-Object: 1 31\r\nab\r\n", 31),
            (b"X-Mailscribe-Object: 1 30\r\nab\r\n\r\n", 27),
            (b"X-Mailscribe-Object: 1 99\r\nSubject: x\r\n", 27),
            (b"X-Mailscribe-Object: 1 5\r\nSubject: x\r\n", 26),
            (b"X-Mailscribe-Envelope: {\r\n }\r\nReturn-Path: <>\r\nReceived: a\r\n\tb\r\nReceived: c\r\n", 64),
            (b"X-Mailscribe-Envelope: torn", 0),
        ],
    )
    def test_ends_where_it_can_be_told(self, data: bytes, length: int) -> None:
        assert damaged_length(data) == length


@given(st.binary(max_size=300), st.integers(0, 300))
def test_no_bytes_raise(data: bytes, cut: int) -> None:
    for some in (data, OBJECT[: len(OBJECT) - cut], OBJECT[:cut] + data, BLOCK + data):
        for record in (traced(some).record, untraced(some)):
            assert record.size + record.raw.offset == len(some)
            msgspec.json.encode(record)


def test_received_at_is_given() -> None:
    later = RECEIVED_AT + timedelta(days=1)
    assert project(Source(ULID, KEY, later, traced=True), OBJECT).record.received_at == later


def test_an_empty_object_is_a_message() -> None:
    record = untraced(b"")
    assert (record.size, record.subject, record.body_structure.type) == (0, None, "text/plain")
    assert Defect(code="parse-failed") not in record.defects


def test_a_report_is_in_the_record_and_absent_from_other_mail() -> None:
    content = (
        b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example.org\r\n\r\n"
        b"Final-Recipient: rfc822;a@x.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
    assert msgspec.json.decode(msgspec.json.encode(untraced(content)))["report"] == {
        "type": "delivery",
        "reportingMta": "mx.example.org",
        "recipients": [{"finalRecipient": "a@x.org", "action": "failed", "status": "5.1.1", "class": "hard"}],
    }
    assert untraced(b"Subject: x\r\n\r\n").report is msgspec.UNSET


@pytest.mark.parametrize(("body", "codes"), [("<feedback/>", []), ("<feedback>", ["report-invalid"])])
def test_an_aggregate_report_is_in_the_record_or_a_defect(body: str, codes: list[str]) -> None:
    content = f"Subject: Report Domain: x.org\r\nContent-Type: text/xml\r\n\r\n{body}".encode()
    record = untraced(content)
    assert [defect.code for defect in record.defects] == codes
    if codes:
        assert record.report is msgspec.UNSET
        return
    assert msgspec.json.decode(msgspec.json.encode(record))["report"] == {
        "type": "dmarc",
        "org": None,
        "reportId": None,
        "range": {"begin": None, "end": None},
        "policy": dict.fromkeys(("domain", "adkim", "aspf", "p", "sp", "pct")),
        "rows": [],
        "rowsTotal": 0,
        "messagesTotal": 0,
        "isTruncated": False,
    }
