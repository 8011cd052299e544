"""What comes behind a command that ends a pipelining group, before its reply (RFC 2920 §3.1): a table of its own.

Where it may be somebody else's words, the session ends; elsewhere it is answered in order and flagged. How the client
cut its segments is not decided here: all of it is there before the reply.
"""

import pytest

from mailscribe.smtp import Service
from support.machine import FULL, LOCAL, TLS, Driver

TRANSACTION = b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@test.org>\r\n"
GOES_ON = [
    (b"", b"EHLO x.test\r\n", (250, 250)),
    (b"", b"HELO x.test\r\n", (250, 250)),
    (b"", b"VRFY root\r\n", (252, 250)),
    (b"", b"EXPN staff\r\n", (252, 250)),
    (b"", b"NOOP\r\n", (250, 250)),
    (b"", b"NOOP with words\r\n", (250, 250)),
]
"""What was said before, the command, and the codes of it and of the RSET behind it."""
ENDS = [
    (TRANSACTION, b"DATA\r\n", b"554 5.5.0 Input before the reply to DATA, closing connection\r\n"),
    (b"", b"DATA\r\n", b"554 5.5.0 Input before the reply to DATA, closing connection\r\n"),
    (b"", b"STARTTLS\r\n", b"554 5.5.0 Input behind STARTTLS, closing connection\r\n"),
    (TRANSACTION, b"STARTTLS\r\n", b"554 5.5.0 Input behind STARTTLS, closing connection\r\n"),
]


def ready(before: bytes, service: Service = FULL) -> Driver:
    driver = Driver(LOCAL, service=service)
    driver.open()
    driver.say(b"EHLO c.test\r\n")
    driver.say(before)
    return driver


def last_codes(replies: bytes) -> tuple[int, ...]:
    return tuple(int(line[:3]) for line in replies.splitlines() if line[3:4] == b" ")


@pytest.mark.parametrize(("before", "command", "codes"), GOES_ON, ids=lambda value: str(value)[:24])
def test_it_is_answered_in_order_and_flagged(before: bytes, command: bytes, codes: tuple[int, ...]) -> None:
    driver = ready(before)
    assert last_codes(driver.say(command + b"RSET\r\n")) == codes
    driver.do(driver.session.eof)
    assert "pipelined-early" in {code for code, _ in driver.findings}
    alone = ready(before)
    for segment in (command, b"RSET\r\n"):
        alone.say(segment)
    alone.do(alone.session.eof)
    assert "pipelined-early" not in {code for code, _ in alone.findings}


@pytest.mark.parametrize(("before", "command", "reply"), ENDS, ids=lambda value: str(value)[:24])
@pytest.mark.parametrize("behind", [b"RSET\r\n", b"Q", b"\r\n", b".\r\n", b"\x16\x03\x01", b"MAIL FROM:<evil@x>\r\n"])
def test_it_ends_the_session(before: bytes, command: bytes, reply: bytes, behind: bytes) -> None:
    driver = ready(before)
    assert driver.say(command + behind) == reply
    assert driver.closed
    assert not driver.accepted
    end = driver.transcript.end
    assert end is not None
    assert end.end == "policy"


def test_nothing_behind_quit_is_answered() -> None:
    driver = ready(b"")
    assert last_codes(driver.say(b"QUIT\r\nNOOP\r\nMAIL FROM:<a@b.test>\r\n")) == (221,)
    assert driver.closed


def test_what_is_behind_auth_is_its_response() -> None:
    driver = Driver(service=FULL, users={"mable": b"sesame"})
    driver.open()
    driver.say(b"EHLO c.test\r\n")
    replies = driver.say(b"AUTH LOGIN\r\nbWFibGU=\r\nc2VzYW1l\r\nRSET\r\n")
    assert last_codes(replies) == (334, 334, 235, 250)
    assert b"c2VzYW1l" not in driver.stored


def test_auth_with_an_initial_response_and_chunks_may_have_followers() -> None:
    driver = Driver(service=FULL)
    driver.open()
    driver.say(b"EHLO c.test\r\n")
    segment = b"AUTH PLAIN AG1hYmxlAHg=\r\n" + TRANSACTION + b"BDAT 3 LAST\r\na\r\nRSET\r\n"
    assert last_codes(driver.say(segment)) == (235, 250, 250, 250, 250)
    driver.do(driver.session.eof)
    assert "pipelined-early" not in {code for code, _ in driver.findings}


def test_after_tls_what_was_sent_before_it_is_gone() -> None:
    driver = Driver(service=FULL, pauses=True)
    driver.open()
    driver.say(b"EHLO c.test\r\n")
    driver.say(b"STARTTLS\r\n")
    assert driver.say(b"MAIL FROM:<evil@x.test>\r\n") == b""
    assert driver.do(lambda t: driver.session.secured(TLS, t)) == b""
    assert driver.say(b"NOOP\r\n") == b"250 2.0.0 OK\r\n"
