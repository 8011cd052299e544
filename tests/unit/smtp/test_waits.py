"""While the machine waits for its driver it stands still, keeps what comes, and ends well however it ends."""

from dataclasses import replace

import pytest

from mailscribe.errors import StoreUnavailable
from mailscribe.smtp import AuthRequested, ContentEvent, NoteEvent, Service, TlsRequested, parse_trace
from support.machine import FULL, STRICT, TLS, Driver

AUTH = b"AUTH PLAIN AG1hYmxlAHNlc2FtZQ==\r\n"
ENVELOPE = b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@test.org>\r\n"


def waiting(command: bytes) -> Driver:
    driver = Driver(service=FULL, pauses=True)
    driver.open()
    driver.say(b"EHLO c.test\r\n")
    driver.say(command)
    assert driver.session.is_waiting
    assert driver.session.deadline is None
    return driver


def test_credentials_are_given_once_and_input_is_kept() -> None:
    driver = waiting(AUTH + b"NOOP\r\n")
    assert driver.events == [AuthRequested("PLAIN", "mable", b"sesame")]
    assert driver.say(b"RSET\r\n") == b""
    assert driver.session.held == len(b"NOOP\r\nRSET\r\n")
    assert driver.do(driver.session.auth_accepted).splitlines()[0].startswith(b"235 2.7.0")
    assert driver.session.held == 0


@pytest.mark.parametrize(
    ("answer", "code"), [("auth_accepted", b"235"), ("auth_rejected", b"535"), ("auth_unavailable", b"454")]
)
def test_answers_to_auth(answer: str, code: bytes) -> None:
    driver = waiting(AUTH)
    assert driver.do(getattr(driver.session, answer)).startswith(code)
    assert driver.do(getattr(driver.session, answer)) == b""
    again = driver.say(AUTH)
    assert again.startswith(b"503") if code == b"235" else driver.session.is_waiting


@pytest.mark.parametrize("command", [AUTH, b"STARTTLS\r\n"])
@pytest.mark.parametrize("end", ["eof", "shutdown"])
def test_an_end_while_waiting(command: bytes, end: str) -> None:
    driver = waiting(command)
    reply = driver.do(getattr(driver.session, end))
    if command is AUTH and end == "eof":
        assert not driver.closed
        assert driver.do(driver.session.auth_accepted).startswith(b"235")
    assert driver.closed
    assert reply.startswith(b"421") == (command is AUTH and end == "shutdown")
    for late in (driver.session.auth_accepted, driver.session.auth_rejected, driver.session.resumed):
        assert driver.do(late) == b""
    assert driver.do(lambda t: driver.session.secured(TLS, t)) == b""


def test_tls_forgets_who_the_client_was() -> None:
    driver = waiting(b"STARTTLS\r\n")
    assert driver.events == [TlsRequested()]
    assert driver.do(lambda t: driver.session.secured(TLS, t)) == b""
    assert driver.say(b"MAIL FROM:<a@b.test>\r\n").startswith(b"503 5.5.1")
    assert b"STARTTLS" not in driver.say(b"EHLO c.test\r\n")
    [note] = [event.note for event in driver.transcript.events if isinstance(event, NoteEvent)]
    assert note.tls == TLS


def test_tls_in_a_transaction_ends_it() -> None:
    driver = Driver(service=FULL)
    driver.open()
    driver.say(b"EHLO c.test\r\n" + ENVELOPE)
    driver.say(b"BDAT 3\r\nabc")
    assert driver.say(b"STARTTLS\r\n").startswith(b"220 2.0.0")
    assert driver.messages[0].fate == "aborted"
    assert driver.say(b"DATA\r\n").startswith(b"503")


def test_implicit_tls_and_its_failure() -> None:
    driver = Driver(service=Service(name="submissions", implicit_tls=True, auth=True))
    driver.do(lambda t: driver.session.secured(TLS, t))
    driver.open()
    assert b"AUTH PLAIN LOGIN" in driver.say(b"EHLO c.test\r\n")
    failed = Driver(service=Service(name="submissions", implicit_tls=True))
    assert failed.do(lambda t: failed.session.tls_failed("wrong version number", t)) == b""
    assert failed.closed
    end = failed.transcript.end
    assert end is not None
    assert (end.end, end.outcome) == ("aborted", ("tls-failed",))


@pytest.mark.parametrize("implicit", [True, False])
def test_a_shutdown_says_nothing_into_a_handshake(implicit: bool) -> None:
    driver = Driver(service=Service(name="submissions", implicit_tls=implicit))
    assert driver.do(driver.session.shutdown)[:9] == (b"" if implicit else b"421 4.3.2")
    end = driver.transcript.end
    assert end is not None
    assert end.end == "shutdown"


def test_a_proxy_is_noted_before_the_greeting() -> None:
    driver = Driver()
    driver.do(lambda t: driver.session.proxied("TCP4 192.0.2.7:40025 192.0.2.1:25", t))
    driver.open()
    first = driver.transcript.events[0]
    assert isinstance(first, NoteEvent)
    assert first.note.proxy == "TCP4 192.0.2.7:40025 192.0.2.1:25"


@pytest.mark.parametrize("size", [10, 100])
def test_refused_content_is_kept_up_to_a_size(size: int) -> None:
    driver = Driver(replace(STRICT, max_refused_bytes=50), service=FULL)
    driver.open()
    driver.say(b"EHLO c.test\r\n" + ENVELOPE)
    driver.say(b"DATA\r\n")
    content = b"a\n" + b"x" * (size - 4) + b"\r\n"
    assert driver.say(content + b".\r\n") == b"550 5.5.2 bare <LF> received: lines end with <CR><LF>\r\n"
    [message] = driver.messages
    assert message.fate == ("kept" if size <= 50 else "aborted")
    [refused] = [event.content for event in driver.transcript.events if isinstance(event, ContentEvent)]
    assert (refused.refused == message.id) == (size <= 50)
    assert not refused.accepted


def test_refused_content_that_cannot_be_kept_is_refused_all_the_same() -> None:
    driver = Driver(STRICT, service=FULL, failure=StoreUnavailable("down"))
    driver.open()
    driver.say(b"EHLO c.test\r\n" + ENVELOPE)
    driver.say(b"DATA\r\n")
    assert driver.say(b"a\nb\r\n.\r\n").startswith(b"550 5.5.2")
    assert '"refused"' not in driver.stored.decode()


def test_the_trace_says_how_it_came() -> None:
    for service, hello, keyword in (
        (Service(), b"HELO c.test\r\n", b"with SMTP id"),
        (Service(), b"EHLO c.test\r\n", b"with ESMTP id"),
        (FULL, b"EHLO c.test\r\nSTARTTLS", b"with ESMTPS id"),
        (FULL, b"EHLO c.test\r\n" + AUTH[:-2], b"with ESMTPA id"),
    ):
        driver = Driver(service=service)
        driver.open()
        for line in hello.rstrip().split(b"\r\n"):
            driver.say(line + b"\r\n")
        if keyword == b"with ESMTPS id":
            driver.say(b"EHLO c.test\r\n")
        driver.say(ENVELOPE)
        driver.say(b"DATA\r\n")
        assert keyword in driver.messages[0].trace
        trace = parse_trace(driver.messages[0].trace)
        assert (trace.tls is not None) == (keyword == b"with ESMTPS id")
        assert (trace.auth is not None) == (keyword == b"with ESMTPA id")
    driver = Driver()
    driver.open()
    driver.say(b"EHLO c.test\r\nMAIL FROM:<\xc3\xa4@b.test> SMTPUTF8\r\nRCPT TO:<\xc3\xb6@test.org>\r\n")
    driver.say(b"DATA\r\n")
    trace_block = driver.messages[0].trace
    assert b"with UTF8SMTP id" in trace_block
    assert "Delivered-To: ö@test.org\r\n".encode() in trace_block
    assert parse_trace(trace_block).envelope.rcpt_to[0].email == "ö@test.org"
