"""The trace block round-trips for any envelope, and whatever is no block is refused as one."""

import re
import zlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from mailscribe.errors import CorruptObject
from mailscribe.records import Client, Envelope, EnvelopeAddress, SessionLink
from mailscribe.smtp import Peer, TraceFacts, build_trace, classic, open_trace, parse_trace, turns
from mailscribe.smtp.trace import MAX_LINE, date_time
from support.machine import LOCAL, OPENED, SESSION_ID, Driver, in_content, message_id, started

AT = datetime(1998, 5, 21, 18, 37, 24, tzinfo=UTC)
HEADER = (
    b'{"v":1,"id":"s","client":{"ip":"192.0.2.7","port":1},'
    b'"listener":"smtp","host":"h","opened":"1998-05-21T18:37:24Z"}\n'
)
EXCERPT = zlib.compress(HEADER)
FACTS = TraceFacts(
    id=message_id(1),
    envelope=Envelope(mail_from=EnvelopeAddress(email="a@b.test"), rcpt_to=(EnvelopeAddress(email="c@test.org"),)),
    session=SessionLink(id=SESSION_ID, transaction=1),
    client=Client(ip="192.0.2.7", port=40025),
    helo="sun.tuc.test.org",
    extended=True,
    listener="smtp",
    host="test.org",
    opened=OPENED,
)


def check_form(block: bytes) -> None:
    """ASCII, CRLF, lines that fit, fields only, the right number."""
    assert block.isascii()
    lines = block.split(b"\r\n")
    assert lines.pop() == b""
    for line in lines:
        assert len(line) <= MAX_LINE
        assert line.isascii()
        assert re.fullmatch(rb"(?:[A-Za-z-]+: |[ \t]).*\S", line), line
        assert b"\n" not in line
        assert b"\r" not in line
    assert lines[0] == b"X-Mailscribe-Object: 1 %d" % len(block)


def received(block: bytes) -> str:
    return block[block.index(b"Received: ") :].decode()


def test_the_block() -> None:
    driver = in_content()
    block = driver.messages[0].trace
    check_form(block)
    names = [line.split(b":")[0] for line in block.split(b"\r\n") if line[:1] not in (b" ", b"\t", b"")]
    assert names == [
        b"X-Mailscribe-Object",
        b"Return-Path",
        b"Delivered-To",
        b"X-Mailscribe-Envelope",
        b"X-Mailscribe-Transcript",
        b"Received",
    ]
    assert b"\r\nReturn-Path: <mable@sun.tuc.test.org>\r\nDelivered-To: mable@test.org\r\n" in block
    assert received(block) == (
        "Received: from sun.tuc.test.org ([192.0.2.7])\r\n"
        f"\tby test.org with ESMTP id {message_id(1)}\r\n"
        "\tfor <mable@test.org>; Thu, 21 May 1998 18:37:24 +0000\r\n"
    )


def test_round_trip() -> None:
    driver = in_content()
    block = driver.messages[0].trace
    trace = parse_trace(block + b"Subject: what follows is the client's\r\n")
    assert trace.length == len(block)
    assert trace.message_id == message_id(1)
    assert trace.session == SessionLink(id=SESSION_ID, transaction=1)
    assert trace.client == Client(ip="192.0.2.7", port=40025)
    assert (trace.helo, trace.tls, trace.auth, trace.listener, trace.host) == (
        "sun.tuc.test.org",
        None,
        None,
        "smtp",
        "test.org",
    )
    assert (trace.delivery, trace.opened) == ("mailbox", OPENED)
    assert trace.envelope.mail_from.email == "mable@sun.tuc.test.org"
    assert trace.transcript.end is None
    assert [turn.verb for turn in turns(trace.transcript)] == [None, "EHLO", "MAIL", "RCPT", "DATA"]
    assert classic(trace.transcript).endswith('>>> DATA\n354 Enter mail, end with "." on a line by itself\n')


def test_the_second_message_says_the_whole_session() -> None:
    driver = in_content()
    driver.say(b".\r\nMAIL FROM:<>\r\nRCPT TO:<x@test.org>\r\nRCPT TO:<y@test.org>\r\nDATA\r\n")
    trace = parse_trace(driver.messages[1].trace)
    assert trace.session.transaction == 2
    verbs = [turn.verb for turn in turns(trace.transcript)]
    assert verbs == [None, "EHLO", "MAIL", "RCPT", "DATA", "EOD", "MAIL", "RCPT", "RCPT", "DATA"]
    assert [turn.seq for turn in turns(trace.transcript) if turn.transaction == 2] == [6, 7, 8, 9]
    assert "\tby test.org with ESMTP id" in received(driver.messages[1].trace)
    assert " for <" not in received(driver.messages[1].trace)
    assert received(driver.messages[1].trace).endswith(";\r\n\tThu, 21 May 1998 18:37:24 +0000\r\n")
    check_form(driver.messages[1].trace)


def test_smtp_after_helo() -> None:
    driver = started(hello=b"HELO c.test\r\n")
    driver.say(b"MAIL FROM:<>\r\n")
    driver.say(b"RCPT TO:<x@test.org>\r\n")
    driver.say(b"DATA\r\n")
    assert f"\tby test.org with SMTP id {message_id(1)}\r\n" in received(driver.messages[0].trace)
    assert b"\r\nReturn-Path: <>\r\n" in driver.messages[0].trace


@pytest.mark.parametrize(
    ("helo", "ip", "name", "first"),
    [
        ("c.test", "192.0.2.7", UNSET, "from c.test ([192.0.2.7])"),
        ("c.test", "2001:db8::7", UNSET, "from c.test ([IPv6:2001:db8::7])"),
        ("[192.0.2.7]", "192.0.2.7", "x.test", "from [192.0.2.7] (x.test [192.0.2.7])"),
        ('a(b);c\\"<d>', "192.0.2.7", "evil\r\nX: y", "from a?b??c???d? (evil??X:?y [192.0.2.7])"),
        (None, "192.0.2.7", UNSET, "from unknown ([192.0.2.7])"),
    ],
)
def test_received_from(helo: str | None, ip: str, name: str, first: str) -> None:
    facts = structs.replace(FACTS, helo=helo, client=Client(ip=ip, port=1, name=name))
    block = build_trace(facts, at=AT, excerpt=EXCERPT)
    check_form(block)
    assert received(block).split("\r\n")[0] == f"Received: {first}"
    assert parse_trace(block).client == facts.client


@pytest.mark.parametrize("count", [1, 2, 9, 10, 100, 1000])
def test_any_number_of_recipients(count: int) -> None:
    rcpt_to = tuple(EnvelopeAddress(email=f"{'r' * 50}{number}@{'d' * 60}.test") for number in range(count))
    facts = structs.replace(FACTS, envelope=structs.replace(FACTS.envelope, rcpt_to=rcpt_to))
    block = build_trace(facts, at=AT, excerpt=EXCERPT)
    check_form(block)
    assert parse_trace(block).envelope == facts.envelope


@given(length=st.integers(0, 2000))
def test_the_number_is_exact_at_every_length(length: int) -> None:
    facts = structs.replace(FACTS, helo="h" * (length % 250 + 1), listener="l" * (length % 7))
    block = build_trace(facts, at=AT, excerpt=zlib.compress(HEADER, 0) + zlib.compress(b"", 0) * (length // 11))
    check_form(block)
    assert parse_trace(block + b"rest").length == len(block)


emails = st.from_regex(r'[a-z"\\ ]{1,40}@[a-z.]{1,40}', fullmatch=True)
values = st.one_of(st.none(), st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=60))
addresses = st.builds(
    lambda email, parameters: EnvelopeAddress(email=email, parameters=parameters),
    emails,
    st.one_of(st.none(), st.dictionaries(st.sampled_from(["SIZE", "BODY", "ENVID", "RET"]), values, min_size=1)),
)


@given(mail_from=addresses, rcpt_to=st.lists(addresses, max_size=40))
def test_any_envelope(mail_from: EnvelopeAddress, rcpt_to: list[EnvelopeAddress]) -> None:
    facts = structs.replace(FACTS, envelope=Envelope(mail_from=mail_from, rcpt_to=tuple(rcpt_to)))
    block = build_trace(facts, at=AT, excerpt=EXCERPT)
    check_form(block)
    assert parse_trace(block).envelope == facts.envelope


GOOD = build_trace(FACTS, at=AT, excerpt=EXCERPT)


def with_excerpt(excerpt: bytes) -> bytes:
    return build_trace(FACTS, at=AT, excerpt=excerpt)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Subject: x\r\n\r\n",
        b"X-Mailscribe-Object: 2 100\r\n" + b"x" * 100,
        b"X-Mailscribe-Object: 1 0\r\n",
        b"X-Mailscribe-Object: 1 3\r\nxyz",
        b"X-Mailscribe-Object: 1 28\r\nab",
        b"X-Mailscribe-Object: 1 100\r\n" + b"x" * 10,
        b"X-Mailscribe-Object: 1 999999999999\r\n",
        GOOD[:-1],
        GOOD[: len(GOOD) // 2],
        GOOD.replace(b"X-Mailscribe-Envelope", b"Y-Mailscribe-Envelope"),
        GOOD.replace(b"X-Mailscribe-Transcript", b"Y-Mailscribe-Transcript"),
        GOOD.replace(b'"transaction":1', b'"transaction":x'),
        GOOD.replace(b'"transaction":1', b'"transactiom":1'),
        GOOD.replace(b"sun.tuc.test.org", b"sun.tuc.\xff\xfe\xfdt.org"),
        with_excerpt(b""),
        with_excerpt(b"no zlib"),
        with_excerpt(EXCERPT[:-1]),
        with_excerpt(EXCERPT + b"x"),
        with_excerpt(zlib.compress(b"no transcript\n")),
        with_excerpt(zlib.compress(HEADER + b"\xff\n")),
    ],
)
def test_what_is_no_block(data: bytes) -> None:
    with pytest.raises(CorruptObject):
        parse_trace(data)


@pytest.mark.parametrize("excerpt", [b"", zlib.compress(b"no transcript\n"), zlib.compress(HEADER + b"\xff\n")])
def test_a_block_that_is_opened_has_its_turns_read_when_they_are_asked_for(excerpt: bytes) -> None:
    trace = open_trace(with_excerpt(excerpt))
    assert (trace.envelope, trace.session, trace.message_id) == (FACTS.envelope, FACTS.session, FACTS.id)
    with pytest.raises(CorruptObject):
        _ = trace.transcript
    assert open_trace(GOOD) == parse_trace(GOOD)
    assert open_trace(GOOD).transcript is not None


@pytest.mark.parametrize("excerpt", [b"no zlib", EXCERPT[:-1], EXCERPT + b"x"])
def test_a_block_whose_turns_are_damaged_cannot_be_opened(excerpt: bytes) -> None:
    with pytest.raises(CorruptObject):
        open_trace(with_excerpt(excerpt))


def test_a_bomb_is_refused() -> None:
    with pytest.raises(CorruptObject):
        parse_trace(with_excerpt(zlib.compress(HEADER + b"\n" * 40_000_000)))


@given(st.binary(max_size=300), st.integers(0, len(GOOD)))
def test_any_damage_is_a_corrupt_object_or_none(junk: bytes, at: int) -> None:
    with suppress(CorruptObject):
        parse_trace(GOOD[:at] + junk + GOOD[at + len(junk) :])


def test_a_peer_with_a_name() -> None:
    driver = Driver(LOCAL, peer=Peer("192.0.2.7", 40025, "submission", "c.test"))
    driver.open()
    driver.say(b"EHLO c\r\n")
    driver.say(b"MAIL FROM:<>\r\nRCPT TO:<x@test.org>\r\nDATA\r\n")
    trace = parse_trace(driver.messages[0].trace)
    assert (trace.client.name, trace.listener) == ("c.test", "submission")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "Thu, 1 Jan 2026 00:00:00 +0000"),
        (datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC), "Thu, 29 Feb 2024 23:59:59 +0000"),
        (datetime(1998, 5, 21, 11, 37, 24, tzinfo=timezone(timedelta(hours=-7))), "Thu, 21 May 1998 18:37:24 +0000"),
    ],
)
def test_date_time(moment: datetime, text: str) -> None:
    assert date_time(moment) == text
