"""Turns from events: a command with its reply, the special cases of DATA, BDAT and AUTH, and what was lost."""

from datetime import UTC, datetime

import pytest
from msgspec import UNSET

from mailscribe.errors import StoreUnavailable
from mailscribe.records import Client, Content, Finding, Reply, Turn
from mailscribe.smtp import (
    ContentEvent,
    LineEvent,
    Note,
    NoteEvent,
    Transcript,
    TranscriptEvent,
    classic,
    findings,
    turns,
    turns_and_findings,
)
from mailscribe.smtp.turn import transaction_events, verb_of
from support.machine import GOOD, LOCAL, Driver, in_content, message_id, started

DATA = Content(bytes=5, lines=1, sha256="0" * 64, accepted=True, message=message_id(1))


def told(*events: TranscriptEvent | str) -> tuple[Turn, ...]:
    return turns(transcript(*events))


def transcript(*events: TranscriptEvent | str) -> Transcript:
    """A transcript of events; `> x` and `< x` are lines of client and server, each a millisecond after the other."""
    read: list[TranscriptEvent] = []
    for number, event in enumerate(events):
        if isinstance(event, str):
            read.append(LineEvent(number * 1000, "C" if event[0] == ">" else "S", event[2:].encode()))
        else:
            read.append(event)
    opened = datetime(1998, 5, 21, tzinfo=UTC)
    return Transcript("s", Client(ip="192.0.2.7", port=1), "smtp", "test.org", opened, tuple(read), None)


def numbers(driver: Driver) -> list[tuple[str | None, int | None]]:
    found = turns(driver.transcript)
    return [(turn.verb, None if turn.transaction is UNSET else turn.transaction) for turn in found]


def test_a_command_and_its_reply() -> None:
    greeting, ehlo = told("< 220 hi there", "> EHLO a.test", "< 250-hi", "< 250 SIZE 9")
    assert greeting == Turn(
        seq=0,
        at=0.0,
        verb=None,
        command=None,
        reply=Reply(code=220, enhanced=None, lines=("hi there",)),
        latency_ms=None,
    )
    assert ehlo == Turn(
        seq=1,
        at=1.0,
        verb="EHLO",
        command="EHLO a.test",
        reply=Reply(code=250, enhanced=None, lines=("hi", "SIZE 9")),
        latency_ms=2.0,
    )


@pytest.mark.parametrize(
    ("lines", "enhanced", "texts"),
    [
        (["250 2.1.0 ok"], "2.1.0", ("ok",)),
        (["214-2.0.0 a", "214 2.0.0 b"], "2.0.0", ("a", "b")),
        (["250 2.0.0"], "2.0.0", ("",)),
        (["250"], None, ("",)),
        (["250 "], None, ("",)),
        (["250 1.2.3 other class"], None, ("1.2.3 other class",)),
        (["250 2.1 no"], None, ("2.1 no",)),
        (["250 2.x.0 no"], None, ("2.x.0 no",)),
        (["220 192.0.2.1 ready"], None, ("192.0.2.1 ready",)),
    ],
)
def test_replies(lines: list[str], enhanced: str | None, texts: tuple[str, ...]) -> None:
    [turn] = told("> NOOP", *[f"< {line}" for line in lines])
    assert turn.reply == Reply(code=int(lines[0][:3]), enhanced=enhanced, lines=texts)


def test_data_is_two_turns() -> None:
    data, end = told("> DATA", "< 354 go", ContentEvent(5000, DATA), "< 250 2.0.0 ok")
    assert (data.verb, data.content, data.message) == ("DATA", UNSET, UNSET)
    assert (end.verb, end.command, end.content, end.message) == ("EOD", ".", DATA, message_id(1))
    assert (end.at, end.latency_ms) == (5.0, -2.0)


def test_bdat_is_one_turn() -> None:
    [turn] = told("> BDAT 5 LAST", ContentEvent(1, DATA), "< 250 2.0.0 ok")
    assert (turn.verb, turn.content, turn.message) == ("BDAT", DATA, message_id(1))


def test_auth_is_one_turn() -> None:
    auth, noop = told("> AUTH LOGIN", "< 334 a", "> [masked 4]", "< 334 b", "> [masked 8]", "< 235 2.7.0 ok", "> NOOP")
    assert auth.exchanges == ("[masked 4]", "[masked 8]")
    assert auth.reply == Reply(code=235, enhanced="2.7.0", lines=("ok",))
    assert (noop.verb, noop.reply, noop.latency_ms) == ("NOOP", None, None)


def test_unsolicited_replies_are_turns() -> None:
    found = told("< 220 hi", "> NOOP", "< 250 ok", "< 421 4.4.2 bye")
    assert [(turn.verb, turn.reply.code if turn.reply else None) for turn in found] == [
        (None, 220),
        ("NOOP", 250),
        (None, 421),
    ]


def test_pipelined_commands_that_were_lost_have_no_reply() -> None:
    found = told("> NOOP", "> RSET")
    assert [turn.reply for turn in found] == [None, None]


def test_octets_that_are_no_text() -> None:
    [turn] = told(LineEvent(0, "C", b"NOOP \xff\xfe \xc3\xa4"))
    assert turn.command == "NOOP \\xff\\xfe ä"
    assert turn.verb == "NOOP"


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        (b"mail x", "MAIL"),
        (b"GET /", "UNKNOWN"),
        (b"", "UNKNOWN"),
        (b"[masked 3]", "UNKNOWN"),
        (b"AUTH [masked 3]", "AUTH"),
    ],
)
def test_verb(line: bytes, verb: str) -> None:
    assert verb_of(line) == verb


def test_transactions_are_numbered_as_the_machine_does() -> None:
    driver = started()
    driver.say(
        b"MAIL FROM:<bad\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\nRCPT TO:<a@test.org>\r\n"
        b"NOOP\r\nRSET\r\nRCPT TO:<a@test.org>\r\n"
    )
    driver.say(b"MAIL FROM:<>\r\nEHLO again.test\r\n")
    driver.say(b"MAIL FROM:<>\r\nRCPT TO:<a@test.org>\r\nDATA\r\n")
    driver.say(GOOD + b".\r\n")
    driver.failure = StoreUnavailable("x")
    driver.say(b"MAIL FROM:<>\r\nRCPT TO:<a@test.org>\r\nDATA\r\n")
    driver.say(GOOD + b".\r\n")
    driver.say(b"MAIL FROM:<>\r\nQUIT\r\n")
    assert numbers(driver) == [
        (None, None),
        ("EHLO", None),
        ("MAIL", None),
        ("MAIL", 1),
        ("MAIL", 1),
        ("RCPT", 1),
        ("NOOP", 1),
        ("RSET", 1),
        ("RCPT", None),
        ("MAIL", 2),
        ("EHLO", None),
        ("MAIL", 3),
        ("RCPT", 3),
        ("DATA", 3),
        ("EOD", 3),
        ("MAIL", 4),
        ("RCPT", 4),
        ("DATA", 4),
        ("EOD", 4),
        ("MAIL", 5),
        ("QUIT", None),
    ]
    assert [
        message.trace.count(b'"transaction":%d' % number)
        for message, number in zip(driver.messages, (3, 4), strict=True)
    ] == [1, 1]


def test_a_time_out_belongs_to_the_transaction() -> None:
    driver = in_content()
    driver.t = 10**9
    driver.do(driver.session.tick)
    assert numbers(driver)[-2:] == [("DATA", 1), ("EOD", 1)]
    assert classic(driver.transcript, 1).splitlines()[-3:] == [
        ">>> (0 bytes)",
        "421 4.4.2 test.org waited too long, closing connection",
        "--- timed out",
    ]


def test_one_transaction_of_several() -> None:
    driver = in_content()
    driver.say(GOOD + b".\r\nMAIL FROM:<b@b.test>\r\nRCPT TO:<x@test.org>\r\nDATA\r\n")
    driver.say(GOOD + b".\r\nQUIT\r\n")
    for number, sender in ((1, "mable@sun.tuc.test.org"), (2, "b@b.test")):
        shown = classic(driver.transcript, number).splitlines()
        assert shown[0] == f">>> MAIL FROM:<{sender}>"
        assert shown[-1] == f"250 2.0.0 {message_id(number)} Message accepted for delivery"
    assert list(transaction_events(driver.transcript, 3)) == []


def test_findings_without_a_closing_line_come_from_the_notes() -> None:
    early = NoteEvent(0, Note(finding="early-talker"))
    nul = NoteEvent(0, Note(finding="nul"))
    found = transcript(early, "< 220 hi", "> NO\0OP", nul, nul, "< 500 5.5.2 no", NoteEvent(0, Note(truncated=True)))
    assert findings(found) == (
        Finding(code="early-talker", turn=0),
        Finding(code="nul", turn=1),
        Finding(code="truncated", turn=1),
    )


def test_findings_of_the_closing_line_can_be_derived() -> None:
    driver = Driver(LOCAL)
    driver.say(b"EHLO localhost\r\nMAIL FROM:a@b\r\n")
    driver.open()
    driver.say(b"RCPT TO:<a@test.org>\r\nAUTH PLAIN x\r\nDATA\r\n")
    driver.say(b"a\nb\0\r\n.\r\nno\0op\r\nGET / HTTP/1.1\r\n")
    closed = findings(driver.transcript)
    assert [finding.code for finding in closed] == [
        "early-talker",
        "pipelined-early",
        "helo-not-fqdn",
        "unbracketed-path",
        "auth-in-clear",
        "bare-lf",
        "no-date",
        "no-message-id",
        "nul",
        "nul",
        "http-probe",
    ]
    end = driver.transcript.end
    assert end is not None
    opened = Transcript(
        "s", driver.transcript.client, "smtp", "h", driver.transcript.opened, driver.transcript.events, None
    )
    assert findings(opened) == closed
    assert turns_and_findings(opened) == (turns(opened), closed)
    assert turns_and_findings(driver.transcript) == (turns(driver.transcript), closed)
