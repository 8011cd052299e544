"""The classic form, exactly: the old session, content, endings, octets that are no text."""

from datetime import UTC, datetime

import pytest

from mailscribe.records import Content, Tls
from mailscribe.smtp import (
    Closed,
    ContentEvent,
    LineEvent,
    LiveClassic,
    Note,
    NoteEvent,
    Suppressed,
    TranscriptEvent,
    classic,
    classic_lines,
    close_lost,
    parse_trace,
    read_transcript,
    turns,
)
from support.machine import Driver, in_content, message_id

CONTENT = Content(bytes=412, lines=12, sha256="0" * 64, accepted=True)

TYPED = (
    "HELO sun.tuc.test.org",
    "MAIL From:<mable@sun.tuc.test.org>",
    "RCPT To:<mable@test.org>",
    "DATA",
)
LETTER = (
    "Received: by sun.tuc.test.org. (4.1/SMI-4.1)",
    "\tid AA01301; Tue, 21 May 98 11:37:22 MST",
    "Message-Id: <6210181836.AA00502@sun.tuc.test.org.>",
    "Date: Tue, 21 May 98 11:37:22 MST",
    "From: mable@sun.tuc.test.org (Mable Merliney)",
    "Reply-To: mable@test.org",
    "X-Phone: +0 202 671 2761",
    "X-Mailer: Mail User's Shell (9.1.0 12/02/98)",
    "To: mable@test.org",
    "Subject: testing",
    "",
    "8, 9, 10.",
)
CLASSIC = f"""\
220 test.org ESMTP mailscribe ready
>>> HELO sun.tuc.test.org
250 test.org Hello sun.tuc.test.org, pleased to meet you
>>> MAIL From:<mable@sun.tuc.test.org>
250 2.1.0 <mable@sun.tuc.test.org>... Sender ok
>>> RCPT To:<mable@test.org>
250 2.1.5 <mable@test.org>... Recipient ok
>>> DATA
354 Enter mail, end with "." on a line by itself
>>> (371 bytes)
>>> .
250 2.0.0 {message_id(1)} Message accepted for delivery
>>> QUIT
221 2.0.0 test.org closing connection
"""


def typed_by_hand() -> Driver:
    """The session of the old description, one key at a time, as a terminal in raw mode sends it."""
    driver = Driver()
    driver.open()
    for line in (*TYPED, *LETTER, ".", "QUIT"):
        for octet in f"{line}\r\n":
            driver.t += 1000
            driver.say(octet.encode())
    return driver


def test_the_old_session_in_its_form() -> None:
    driver = typed_by_hand()
    assert classic(driver.transcript) == CLASSIC
    assert driver.accepted == ["".join(f"{line}\r\n" for line in LETTER).encode()]
    assert driver.closed
    assert driver.findings == []
    trace = parse_trace(driver.messages[0].trace)
    assert trace.envelope.mail_from.email == "mable@sun.tuc.test.org"
    assert [recipient.email for recipient in trace.envelope.rcpt_to] == ["mable@test.org"]
    assert b" with SMTP id " in driver.messages[0].trace


def test_the_codes_of_the_old_session() -> None:
    found = turns(typed_by_hand().transcript)
    assert [(turn.verb, turn.reply.code if turn.reply else None) for turn in found] == [
        (None, 220),
        ("HELO", 250),
        ("MAIL", 250),
        ("RCPT", 250),
        ("DATA", 354),
        ("EOD", 250),
        ("QUIT", 221),
    ]


def test_live_it_reads_the_same() -> None:
    live = LiveClassic()
    events = typed_by_hand().transcript.events
    assert "".join(f"{line}\n" for event in events for line in live.lines(event)) == CLASSIC


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (LineEvent(0, "S", b"250-a"), ["250-a"]),
        (LineEvent(0, "C", b"AUTH PLAIN [masked 28]"), [">>> AUTH PLAIN [masked 28]"]),
        (LineEvent(0, "C", "MAIL FROM:<mäble>".encode()), [">>> MAIL FROM:<mäble>"]),
        (LineEvent(0, "C", b"\xff\xfe\x00\r\n\x1b[2J\xc2\x85"), [">>> \\xff\\xfe\\x00\\x0d\\x0a\\x1b[2J\\xc2\\x85"]),
        (LineEvent(0, "C", "a\u202eb\u2028".encode()), [">>> a\\xe2\\x80\\xaeb\\xe2\\x80\\xa8"]),
        (LineEvent(0, "C", b""), [">>> "]),
        (ContentEvent(0, CONTENT), [">>> (412 bytes)", ">>> ."]),
        (ContentEvent(0, CONTENT, torn=True), [">>> (412 bytes)"]),
        (
            NoteEvent(0, Note(tls=Tls(version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384"))),
            ["--- TLSv1.3 TLS_AES_256_GCM_SHA384"],
        ),
        (NoteEvent(0, Note(finding="nul")), []),
        (NoteEvent(0, Note(truncated=True)), ["--- truncated"]),
        (
            NoteEvent(
                0,
                Note(
                    suppressed=Suppressed(
                        7, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 5, 4, tzinfo=UTC)
                    )
                ),
            ),
            ["--- 7 sessions, not kept: 2026-01-02 03:04:05 to 03:05:04"],
        ),
        (NoteEvent(0, Note(tls=Tls(version="TLSv1.3", cipher="\x1b[2J"))), [r"--- TLSv1.3 \x1b[2J"]),
        (NoteEvent(0, Note(closed=Closed("client", "connection lost"))), ["--- connection lost"]),
        (NoteEvent(0, Note(closed=Closed("server", "timed out"))), ["--- timed out"]),
        (NoteEvent(0, Note(closed=Closed("server", "too many errors"))), ["--- closed: too many errors"]),
    ],
)
def test_lines(event: TranscriptEvent, lines: list[str]) -> None:
    assert classic_lines(event) == lines


def test_content_of_bdat_has_no_dot() -> None:
    live = LiveClassic()
    assert live.lines(LineEvent(0, "C", b"BDAT 86 LAST")) == [">>> BDAT 86 LAST"]
    assert live.lines(ContentEvent(0, CONTENT)) == [">>> (412 bytes)"]


@pytest.mark.parametrize(
    ("end", "last"),
    [
        ("eof", "--- connection lost"),
        ("timeout", "--- timed out"),
        ("shutdown", "--- closed: shutting down"),
        ("policy", "--- closed: not SMTP"),
    ],
)
def test_how_it_ended(end: str, last: str) -> None:
    driver = Driver()
    driver.open()
    if end == "policy":
        driver.say(b"GET / HTTP/1.0\r\n")
    driver.t = 10**10
    driver.do({"eof": driver.session.eof, "timeout": driver.session.tick}.get(end, driver.session.shutdown))
    assert classic(driver.transcript).splitlines()[-1] == last


def test_a_lost_session_says_so() -> None:
    driver = in_content()
    assert classic(read_transcript(close_lost(driver.stored))).endswith("--- closed: the server stopped\n")
    assert "stopped" not in classic(driver.transcript)


def test_half_a_command_is_shown() -> None:
    driver = Driver()
    driver.open()
    driver.say(b"EHLO c.test\n")
    driver.do(driver.session.eof)
    assert (
        classic(driver.transcript) == "220 test.org ESMTP mailscribe ready\n>>> EHLO c.test\\x0a\n--- connection lost\n"
    )
