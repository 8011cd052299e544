"""What a client says to authenticate is never in any stored or sent octet."""

import re
from base64 import b64encode

import pytest

from mailscribe.smtp import AuthRequested, LineEvent, parse_trace
from support.machine import FULL, Driver, splits, started

USER, SECRET = b"mable-the-user", b"correct horse battery"
TOKENS = (USER, SECRET, b64encode(USER), b64encode(SECRET), b64encode(b"\0" + USER + b"\0" + SECRET), SECRET[:7])
PLAIN = b64encode(b"\0" + USER + b"\0" + SECRET)

TALES = (
    b"AUTH PLAIN " + PLAIN + b"\r\n",
    b"auth plain " + PLAIN + b"\r\n",
    b"AuTh\tPlAiN  " + PLAIN + b"  \r\n",
    b"   AUTH PLAIN " + PLAIN + b"\r\n",
    b"AUTH " + PLAIN + b"\r\n",
    b"AUTH=PLAIN " + PLAIN + b"\r\n",
    b"AUTH:LOGIN " + PLAIN + b"\r\n",
    b"XAUTH PLAIN " + PLAIN + b"\r\n",
    b"AUTH LOGIN\r\n" + b64encode(USER) + b"\r\n" + b64encode(SECRET) + b"\r\n",
    b"AUTH LOGIN " + b64encode(USER) + b"\r\n" + b64encode(SECRET) + b"\r\n",
    b"AUTH LOGIN\r\nNOOP\r\n" + b64encode(USER) + b"\r\nRSET\r\n" + b64encode(SECRET) + b"\r\n",
    b"AUTH LOGIN\r\n" + USER + b"\r\n" + SECRET + b"\r\n",
    b"AUTH PLAIN\r\n" + PLAIN + b"\r\n",
    b"AUTH CRAM-MD5\r\n" + PLAIN + b"\r\n",
    b"AUTH PLAIN\0" + PLAIN + b"\r\n",
    b"\0AUTH PLAIN " + PLAIN + b"\r\n",
    b"\xff\xfb\x01AUTH PLAIN " + PLAIN + b"\r\n",
    b"NOOP\nAUTH PLAIN " + PLAIN + b"\nMAIL FROM:<a@b.c>\r\n",
    b"NOOP\rAUTH LOGIN\r" + b64encode(USER) + b"\r" + b64encode(SECRET) + b"\r\n",
    b"AUTH PLAIN " + PLAIN * 100 + b"\r\n",
    b"AUTH LOGIN\r\n" + PLAIN * 100 + b"\r\n",
    b"AUTH PLAIN " + PLAIN,
    b"AUTH LOGIN\r\n" + b64encode(SECRET),
)


def said(driver: Driver) -> bytes:
    return driver.stored + b"".join(message.trace for message in driver.messages)


def assert_clean(stored: bytes) -> None:
    for token in TOKENS:
        assert token not in stored
        assert token.lower() not in stored.lower()


def driver_for(kind: str) -> Driver:
    """AUTH is off, or on and nobody is who he says; after EHLO."""
    driver = Driver() if kind == "off" else Driver(service=FULL, users={})
    driver.open()
    driver.say(b"EHLO sun.tuc.test.org\r\n")
    return driver


@pytest.mark.parametrize("kind", ["off", "on"])
@pytest.mark.parametrize("tale", TALES, ids=range(len(TALES)))
def test_never_stored_however_it_is_said(tale: bytes, kind: str) -> None:
    for segments in ([tale], [tale[index : index + 1] for index in range(len(tale))]):
        driver = driver_for(kind)
        replies = driver.say_in(segments)
        replies += driver.do(driver.session.eof)
        lines = b"\n".join(event.data for event in driver.transcript.events if isinstance(event, LineEvent))
        assert_clean(driver.stored + replies + lines)
        assert b"[masked " in lines


@pytest.mark.parametrize("kind", ["off", "on"])
@pytest.mark.parametrize("tale", [TALES[0], TALES[8]], ids=("plain", "login"))
def test_never_stored_at_any_split(tale: bytes, kind: str) -> None:
    for segments in splits(tale):
        driver = driver_for(kind)
        driver.say_in(segments)
        driver.do(driver.session.eof)
        assert_clean(driver.stored)


@pytest.mark.parametrize("tale", [TALES[0], TALES[8], TALES[12]], ids=("off", "login", "plain"))
@pytest.mark.parametrize("end", ["eof", "shutdown", "timeout"])
def test_half_an_exchange_is_masked_too(tale: bytes, end: str) -> None:
    for cut in range(1, len(tale)):
        driver = driver_for("on")
        driver.say(tale[:cut])
        driver.t = 10**10
        driver.do({"eof": driver.session.eof, "shutdown": driver.session.shutdown, "timeout": driver.session.tick}[end])
        assert driver.closed
        lines = b"\n".join(event.data for event in driver.transcript.events if isinstance(event, LineEvent))
        assert_clean(driver.stored + lines)
        for length in range(4, 9):  # no piece of what was half said, either
            assert PLAIN[:length] not in lines
            assert b64encode(SECRET)[:length] not in lines


def test_who_is_accepted_is_named_and_the_secret_is_not() -> None:
    for tale in (TALES[0], TALES[8], TALES[12]):
        driver = Driver(service=FULL, users={USER.decode(): SECRET})
        driver.open()
        assert b"235 2.7.0" in driver.say(b"EHLO sun.tuc.test.org\r\n") + driver.say(tale)
        driver.say(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@test.org>\r\nDATA\r\n")
        trace = parse_trace(driver.messages[0].trace)
        assert trace.auth is not None
        assert trace.auth.user == USER.decode()
        for token in TOKENS[1:2] + TOKENS[3:]:
            assert token not in said(driver)
        assert repr(SECRET) not in repr(driver.events)
        assert USER.decode() not in repr([event for event in driver.events if isinstance(event, AuthRequested)])


@pytest.mark.parametrize("cut", range(1, len(TALES[0])))
def test_half_a_line_is_masked_too(cut: int) -> None:
    for end in ("eof", "shutdown", "timeout"):
        driver = started()
        driver.say(TALES[0][:cut])
        driver.t = 10**10
        driver.do({"eof": driver.session.eof, "shutdown": driver.session.shutdown, "timeout": driver.session.tick}[end])
        assert driver.closed
        assert re.search(rb'"line":"AUTH PLAIN [^\[]', driver.stored) is None


def test_never_in_a_trace_block() -> None:
    driver = started()
    driver.say(TALES[8])
    driver.say(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@test.org>\r\nDATA\r\n")
    trace = parse_trace(driver.messages[0].trace)
    lines = [event.data for event in trace.transcript.events if isinstance(event, LineEvent)]
    assert b"[masked 20]" in lines
    assert_clean(said(driver) + b"\n".join(lines))
