"""Records as documents and summaries: what is found, what is shown, and their bounds."""

from datetime import UTC, datetime

import msgspec
import pytest
from msgspec import structs

from mailscribe.query import document as limits
from mailscribe.query import (
    message_document,
    message_summary,
    parse_query,
    plan,
    session_document,
    session_summary,
)
from mailscribe.records import (
    Client,
    Defect,
    DeliveredTo,
    DeliveryReport,
    EmailAddress,
    Envelope,
    EnvelopeAddress,
    Finding,
    MessageRecord,
    MessageSummary,
    Reply,
    ReportedRecipient,
    SessionLink,
    SessionRecord,
    SessionSummary,
    Turn,
)
from mailscribe.store.tail import Tail
from support.query_world import attachment, message_record, session_record, turn

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
SESSION = "01ARZ3NDEKTSV4RRFFQ69G5FAW"


def person(email: str, name: str | None = None) -> tuple[EmailAddress, ...]:
    return (EmailAddress(name=name, email=email),)


def envelope(mail_from: str, *recipients: str) -> Envelope:
    return Envelope(
        mail_from=EnvelopeAddress(email=mail_from),
        rcpt_to=tuple(EnvelopeAddress(email=recipient) for recipient in recipients),
    )


MESSAGE = message_record(
    ULID,
    from_=person("alice@mail.example.com", "Alice Liddell"),
    sender=person("secretary@example.com"),
    to=person("bob@test.org", "Bob Ümlaut"),
    cc=person("carol@münchen.de"),
    bcc=person("hidden@test.org"),
    reply_to=person("answers@test.org", "The Answers"),
    subject="Your Order №42: naïve",
    message_id=("Abc@example.com",),
    attachments=(attachment("Invoice-2026.pdf"),),
    has_attachment=True,
    envelope=envelope("bounce@list.example.com", "bob@test.org", "eve@other.example"),
    delivered_to=(DeliveredTo(email="real@inside.example", via="eve@other.example"),),
    session=SessionLink(id=SESSION, transaction=1),
)
TEXT = "Dear Bob,\nthe parcel costs 10 €.\n東京都 regards, Alice"

FOUND_BY = [
    "", "parcel", "PARCEL", "parc*", '"dear bob"', "-nothing", "regards alice", "京都", "order 42", '"order 42"',
    "liddell", "alice@mail.example.com", "umlaut", "invoice", "pdf", "invoice-2026.pdf", "hidden", "bounce", "eve",
    "secretary", '"the answers"', "carol@münchen.de",
    "bcc:hidden", "bcc:@test.org", "reply-to:answers", "reply-to:test.org", "addressed:hidden", "addressed:eve",
    "addressed:bob@test.org", "tls:none", "-addressed:alice", "-in-reply-to:x", "-auth:bob",
    "from:alice", "from:alice@mail.example.com", "from:ALICE@MAIL.EXAMPLE.COM", "from:@mail.example.com",
    "from:example.com", "from:mail.example.com", "from:com", "from:liddell", 'from:"alice liddell"', "from:lid*",
    "from:alice@*", "from:@mail*", "from:exam*", 'from:"Alice Liddell <alice@mail.example.com>"',
    "to:bob", "to:umlaut", "to:Ümlaut", "to:@test.org", "cc:carol@xn--mnchen-3ya.de", "cc:münchen.de",
    "rcpt:bob@test.org", "rcpt:eve", "rcpt:real@inside.example", "rcpt:other.example", "rcpt:@inside.example",
    "mailfrom:bounce", "mailfrom:example.com", "subject:order", "subject:NAIVE", 'subject:"order 42"',
    "subject:ord*", "message-id:abc@example.com", "message-id:<Abc@example.com>", f"session:{SESSION}", f"id:{ULID}",
    "has:attachment", "after:2016-07-30", "before:2016-07-31", "on:2016-07-30",
]  # fmt: skip
NOT_FOUND_BY = [
    "nothing", "-parcel", '"bob dear"', '"alice dear"', '"alice liddell alice dear"', "東都", "no42",
    '"regards alice alice"',
    "from:bob", "from:@example.com", "from:ample.com", "from:secretary", 'from:"liddell alice"', "from:hidden",
    "to:hidden", "to:eve", "cc:bob", "rcpt:hidden", "rcpt:carol", "mailfrom:alice", "mailfrom:<>", "subject:parcel",
    "message-id:abc", f"session:{ULID}", f"id:{SESSION}", "after:2016-07-31", "before:2016-07-30", "on:2016-07-29",
    "alldocuments", "has", "attachment",
]  # fmt: skip


def found(query: str, tail: Tail) -> bool:
    return bool(tail.search(plan(parse_query(query, tail.kind, now=NOW), tail.kind, limit=5)))


@pytest.fixture(scope="module")
def messages() -> Tail:
    tail = Tail("message")
    tail.put([message_document(MESSAGE, TEXT, ULID)])
    return tail


@pytest.mark.parametrize("query", FOUND_BY)
def test_a_message_is_found_by(query: str, messages: Tail) -> None:
    assert found(query, messages)


@pytest.mark.parametrize("query", NOT_FOUND_BY)
def test_a_message_is_not_found_by(query: str, messages: Tail) -> None:
    assert not found(query, messages)


def test_a_null_sender_is_told_from_no_envelope() -> None:
    tail = Tail("message")
    tail.put([message_document(message_record(ULID, envelope=envelope("", "a@b")), "", ULID)])
    assert found("mailfrom:<>", tail)
    tail.put([message_document(message_record(ULID), "", ULID)])
    assert not found("mailfrom:<>", tail)
    assert found("-mailfrom:<>", tail)


@pytest.mark.parametrize("query", ["is:report", "is:bounce", "status:5.1.1", "recipient:bob@b.org", "recipient:@b.org"])
def test_a_bounce_is_found_by(query: str) -> None:
    failed = ReportedRecipient(final_recipient="bob@b.org", action="failed", status="5.1.1", class_="hard")
    record = structs.replace(message_record(ULID), report=DeliveryReport(reporting_mta=None, recipients=(failed,)))
    tail = Tail("message")
    tail.put([message_document(record, "", ULID)])
    assert found(query, tail)
    tail.put([message_document(message_record(ULID), "", ULID)])
    assert not found(query, tail)


TALK = session_record(
    SESSION,
    client=Client(ip="192.0.2.77", port=4321),
    helo="sun.tuc.test.org",
    outcome=("rejected",),
    end="quit",
    turns=(
        turn(0, None, None, (220, "", "test.org ESMTP mailscribe ready")),
        turn(1, "EHLO", "EHLO sun.tuc.test.org", (250, "", "test.org Hello")),
        turn(2, "MAIL", "mail from:<@relay.example:mable@sun.tuc.test.org> SIZE=5", (250, "2.1.0", "Sender ok")),
        turn(3, "RCPT", 'RCPT To: <"odd >mailbox"@test.org>', (550, "5.1.1", "no such user here")),
        turn(4, "RCPT", "RCPT TO:plain@test.org", (501, "5.5.4", "Syntax error")),
        turn(5, "MAIL", "MAIL FROM:<>", (503, "5.5.1", "Nested MAIL")),
        turn(6, "QUIT", "QUIT", (221, "2.0.0", "closing")),
    ),
    findings=(Finding(code="unbracketed-path", turn=4), Finding(code="unbracketed-path", turn=4)),
)


@pytest.fixture(scope="module")
def sessions() -> Tail:
    tail = Tail("session")
    tail.put([session_document(TALK, SESSION)])
    return tail


@pytest.mark.parametrize(
    "query",
    [
        "", '"no such user"', "nested", "mable", "ehlo", "SIZE=5", "mailfrom:mable@sun.tuc.test.org", "mailfrom:<>",
        "mailfrom:tuc.test.org", 'rcpt:"\\"odd >mailbox\\"@test.org"', "rcpt:plain", "rcpt:@test.org", "verb:rcpt",
        "verb:QUIT", "code:550", "code:5xx", "code:22x", "helo:test.org", "helo:sun*", "ip:192.0.2.77",
        "ip:192.0.2.64/26", "ip:::ffff:192.0.2.77", "outcome:rejected", "end:quit", f"session:{SESSION}", "-mailfrom:x",
    ],
)  # fmt: skip
def test_a_session_is_found_by(query: str, sessions: Tail) -> None:
    assert found(query, sessions)


@pytest.mark.parametrize(
    "query",
    [
        '"here rcpt"', "mailfrom:relay.example", "rcpt:mable", "verb:DATA", "code:354", "code:4xx", "helo:est.org",
        "ip:192.0.2.76", "ip:192.0.3.0/24", "ip:2001:db8::/16", "outcome:delivered", "end:lost", f"session:{ULID}",
        "unbracketed-path",
    ],
)  # fmt: skip
def test_a_session_is_not_found_by(query: str, sessions: Tail) -> None:
    assert not found(query, sessions)


@pytest.mark.parametrize(
    ("command", "query"),
    [
        ("MAIL FROM:<a@[IPv6:2001:db8::1]>", "mailfrom:a@[IPv6:2001:db8::1]"),
        ("MAIL FROM:<@one.example,@two.example:a@x.org>", "mailfrom:a@x.org"),
        ("mail  from : <a@x.org>", "mailfrom:a"),
        ("MAIL FROM:<" + "@" * 2000 + ">", "verb:MAIL"),
        ("RCPT TO:<" + '"' * 2001 + ">", "verb:RCPT"),
        ("RCPT TO:<" + "@a," * 700, "verb:RCPT"),
        ("RCPT TO:", "verb:RCPT"),
        ("RCPT", "-rcpt:x"),
    ],
)
def test_the_path_of_a_command_is_found(command: str, query: str) -> None:
    tail = Tail("session")
    tail.put([session_document(session_record(SESSION, turns=(turn(1, command[:4].upper(), command, None),)), ULID)])
    assert found(query, tail)


def test_a_summary_shows_a_message() -> None:
    summary = message_summary(MESSAGE)
    assert summary.from_ == MESSAGE.from_
    assert (summary.rcpt_to, summary.rcpt_count) == (("bob@test.org", "eve@other.example"), 2)
    assert (summary.mail_from, summary.session, summary.defects) == ("bounce@list.example.com", SESSION, 0)
    document = message_document(MESSAGE, TEXT, ULID)
    assert msgspec.json.decode(document.summary, type=MessageSummary) == summary
    assert b"parcel" not in bytes(document.summary)


def test_a_summary_of_other_mail_has_nulls() -> None:
    summary = message_summary(message_record(ULID, defects=(Defect(code="x"), Defect(code="y"))))
    assert (summary.from_, summary.to, summary.rcpt_to, summary.rcpt_count) == ((), (), (), 0)
    assert (summary.mail_from, summary.subject, summary.session, summary.defects) == (None, None, None, 2)


@pytest.mark.parametrize("count", [19, 20, 21])
def test_a_summary_shows_twenty_recipients_and_counts_all(count: int) -> None:
    emails = [f"r{number}@x.org" for number in range(count)]
    to = tuple(EmailAddress(name=None, email=email) for email in emails)
    summary = message_summary(message_record(ULID, to=to, envelope=envelope("", *emails)))
    assert summary.rcpt_to == tuple(emails[:20])
    assert summary.rcpt_count == count
    assert len(summary.to) == min(count, 20)


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_a_summary_s_texts_are_bounded(spare: int) -> None:
    text = "é" * (limits.SUMMARY_TEXT + spare)
    record = message_record(ULID, subject=text, from_=person(text, text), envelope=envelope(text, text))
    summary = message_summary(record)
    shown = (summary.subject, summary.mail_from, summary.rcpt_to[0], summary.from_[0].email, summary.from_[0].name)
    for piece in shown:
        assert piece == (text if spare <= 0 else "é" * (limits.SUMMARY_TEXT - 1) + "…")


def bounded(record: MessageRecord, text: str) -> int:
    document = message_document(record, text, ULID)
    return len(document.body) + len(document.subject) + sum(map(len, document.tags))


def test_a_document_is_bounded_whatever_the_record_holds() -> None:
    many = tuple(EmailAddress(name="n" * 50, email=f"{number}@x.org") for number in range(20_000))
    record = message_record(ULID, to=many, subject="s" * 100_000, attachments=tuple([attachment("a" * 1000)] * 1000))
    assert bounded(record, "word " * 100_000) < 1_000_000


def test_text_is_searchable_up_to_its_bound() -> None:
    tail = Tail("message")
    tail.put([message_document(message_record(ULID), "x" * (limits.INDEXED_TEXT - 6) + " inner outer", ULID)])
    assert found("inner", tail)
    assert not found("outer", tail)


def test_a_summary_shows_a_session() -> None:
    summary = session_summary(TALK)
    assert (summary.turns, summary.last_reply, summary.findings) == (7, "221 2.0.0 closing", ("unbracketed-path",))
    assert msgspec.json.decode(session_document(TALK, SESSION).summary, type=SessionSummary) == summary


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        (Reply(code=250, enhanced="2.0.0", lines=("2.0.0 ok",)), "250 2.0.0 ok"),
        (Reply(code=250, enhanced=None, lines=("first", "last")), "250 last"),
        (Reply(code=250, enhanced=None, lines=()), "250"),
    ],
)
def test_a_last_reply_is_shown(reply: Reply, shown: str) -> None:
    turns = (Turn(seq=0, at=0.0, verb=None, command=None, reply=reply, latency_ms=None), turn(1, "NOOP", "NOOP", None))
    record: SessionRecord = session_record(SESSION, turns=turns)
    assert session_summary(record).last_reply == shown
    assert session_summary(session_record(SESSION)).last_reply is None
