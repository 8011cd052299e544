"""Every limit of the machine at −1, 0 and +1, as the peer sees it."""

from dataclasses import replace

import pytest

from mailscribe.smtp.exchange import TOLERATED
from mailscribe.smtp.lines import MAX_DISCARD
from mailscribe.smtp.sasl import MAX_LINE
from support.machine import FULL, GOOD, LOCAL, Driver, in_content, started

TEN = {-1: False, 0: False, 1: True}
around = pytest.mark.parametrize(("by", "is_over"), TEN.items())


def padded(size: int) -> bytes:
    """Content of that size, with a header, in short lines."""
    rest = size - len(GOOD)
    return GOOD + b"x" * 70 * 0 + (b"y" * 68 + b"\r\n") * (rest // 70) + b"z" * (rest % 70 - 2) + b"\r\n"


@around
def test_command_line(by: int, is_over: bool) -> None:
    driver = started(replace(LOCAL, max_command_line=600))
    reply = driver.say(b"NOOP " + b"x" * (600 + by - 7) + b"\r\n")
    assert reply == (b"500 5.5.2 Line too long\r\n" if is_over else b"250 2.0.0 OK\r\n")
    assert driver.say(b"NOOP\r\n") == b"250 2.0.0 OK\r\n"


@around
def test_discard(by: int, is_over: bool) -> None:
    driver = started()
    reply = driver.say(b"NOOP " + b"x" * (MAX_DISCARD + by - 7) + b"\r\nNOOP\r\n")
    if is_over:
        assert reply == b"421 4.7.0 test.org line without end, closing connection\r\n"
    else:
        assert reply == b"500 5.5.2 Line too long\r\n250 2.0.0 OK\r\n"
    assert driver.closed == is_over


@around
def test_local_part(by: int, is_over: bool) -> None:
    driver = started()
    reply = driver.say(b"MAIL FROM:<" + b"a" * (64 + by) + b"@b.test>\r\n")
    assert reply[:9] == (b"501 5.1.7" if is_over else b"250 2.1.0")


@around
def test_path(by: int, is_over: bool) -> None:
    driver = started()
    driver.say(b"MAIL FROM:<>\r\n")
    reply = driver.say(b"RCPT TO:<a@" + b"b" * (256 + by - 4) + b">\r\n")
    assert reply[:9] == (b"501 5.1.3" if is_over else b"250 2.1.5")
    assert len(reply) <= 512


@around
def test_hello_name(by: int, is_over: bool) -> None:
    driver = started(hello=b"")
    reply = driver.say(b"EHLO " + b"a" * (255 + by) + b"\r\n")
    assert reply[:3] == (b"501" if is_over else b"250")
    assert max(map(len, reply.split(b"\r\n"))) <= 510


@around
def test_recipients(by: int, is_over: bool) -> None:
    driver = started(replace(LOCAL, max_recipients=100))
    driver.say(b"MAIL FROM:<>\r\n")
    replies = driver.say(b"".join(b"RCPT TO:<r%d@test.org>\r\n" % number for number in range(100 + by)))
    last = replies.split(b"\r\n")[-2]
    assert last == (
        b"452 4.5.3 Too many recipients" if is_over else f"250 2.1.5 <r{99 + by}@test.org>... Recipient ok".encode()
    )
    assert driver.say(b"RCPT TO:<r0@test.org>\r\n").startswith(b"250 2.1.5")
    assert driver.say(b"DATA\r\n").startswith(b"354")
    assert driver.messages[0].trace.count(b"\nDelivered-To: ") == min(100 + by, 100)


@around
def test_declared_size(by: int, is_over: bool) -> None:
    driver = started(replace(LOCAL, max_message_size=1000))
    reply = driver.say(b"MAIL FROM:<> SIZE=%d\r\n" % (1000 + by))
    assert reply[:9] == (b"552 5.3.4" if is_over else b"250 2.1.0")


@around
def test_message_size(by: int, is_over: bool) -> None:
    driver = in_content(replace(LOCAL, max_message_size=1000))
    content = padded(1000 + by)
    assert len(content) == 1000 + by
    assert driver.say(content + b".\r\n")[:9] == (b"552 5.3.4" if is_over else b"250 2.0.0")


@around
def test_twice_the_message_size(by: int, is_over: bool) -> None:
    driver = in_content(replace(LOCAL, max_message_size=1000))
    assert driver.say(padded(2000 + by) + b".\r\n")[:9] == (b"421 4.7.0" if is_over else b"552 5.3.4")
    assert driver.closed == is_over


@around
def test_header_fields(by: int, is_over: bool) -> None:
    driver = in_content(replace(LOCAL, max_header_fields=10))
    assert driver.say(b"X: y\r\n" * (10 + by) + b"\r\n.\r\n")[:9] == (b"554 5.6.0" if is_over else b"250 2.0.0")


@around
def test_header_bytes(by: int, is_over: bool) -> None:
    driver = in_content(replace(LOCAL, max_header_bytes=1000))
    field = b"X: " + b"y" * (1000 + by - 5) + b"\r\n"
    assert driver.say(field + b"\r\n.\r\n")[:9] == (b"554 5.6.0" if is_over else b"250 2.0.0")


@pytest.mark.parametrize(("by", "is_over"), [(-1, False), (0, True), (1, True)])
def test_received_fields(by: int, is_over: bool) -> None:
    driver = in_content(replace(LOCAL, max_received=10))
    assert driver.say(b"Received: x\r\n" * (10 + by) + b"\r\n.\r\n")[:9] == (b"554 5.4.6" if is_over else b"250 2.0.0")


@around
def test_text_line(by: int, is_over: bool) -> None:
    driver = in_content(replace(LOCAL, max_text_line=5000))
    line = b"x" * (5000 + by - 2) + b"\r\n"
    assert driver.say(GOOD + line + b".\r\n")[:9] == (b"554 5.6.0" if is_over else b"250 2.0.0")


@around
def test_error_budget(by: int, is_over: bool) -> None:
    driver = started()
    replies = driver.say(b"XYZZY\r\n" * (20 + by)).split(b"\r\n")[:-1]
    assert len(replies) == 20 + by
    assert replies[-1][:9] == (b"421 4.7.0" if is_over else b"500 5.5.2")
    assert driver.closed == is_over


def test_an_accepted_message_restores_the_budget() -> None:
    driver = started()
    driver.say(b"XYZZY\r\n" * 20)
    driver.say(b"MAIL FROM:<>\r\nRCPT TO:<a@test.org>\r\nDATA\r\n")
    assert driver.say(b".\r\n").startswith(b"250 ")
    assert driver.say(b"XYZZY\r\n" * 20).count(b"500 5.5.2") == 20
    assert not driver.closed


def test_no_budget() -> None:
    driver = started(replace(LOCAL, max_errors=0))
    assert driver.say(b"XYZZY\r\n" * 2000).count(b"500 5.5.2") == 2000


@pytest.mark.parametrize("command", [b"NOOP\r\n", b"RSET\r\n", b"VRFY x\r\n", b"HELP\r\n"])
def test_floods_of_nothing_are_errors_in_the_end(command: bytes) -> None:
    driver = started(replace(LOCAL, max_errors=20))
    driver.say(command * (TOLERATED + 20))
    assert not driver.closed
    assert driver.say(command).startswith(b"421 4.7.0 ")


@pytest.mark.parametrize("code", [b"550 5.7.1", b"452 4.5.3"])
def test_refusals_by_a_rule_are_errors_in_the_end(code: bytes) -> None:
    driver = started(replace(LOCAL, domains=("test.org",), max_recipients=100))
    driver.say(b"MAIL FROM:<>\r\n")
    driver.say(b"".join(b"RCPT TO:<r%d@test.org>\r\n" % number for number in range(100)))
    command = b"RCPT TO:<x@other.test>\r\n" if code.startswith(b"550") else b"RCPT TO:<more@test.org>\r\n"
    assert driver.say(command * (TOLERATED + 20)).count(code) == TOLERATED + 20
    assert driver.say(command).startswith(b"421 4.7.0 ")


def test_off_commands_never_count() -> None:
    driver = started(replace(LOCAL, max_errors=1))
    assert driver.say(b"TURN\r\n" * (TOLERATED + 100)).count(b"502 5.5.1") == TOLERATED + 100


@around
def test_transcript_events(by: int, is_over: bool) -> None:
    driver = started(replace(LOCAL, max_transcript_events=100))
    count = (100 + by - driver.stored.count(b"\n")) // 2
    driver.say(b"NOOP\r\n" * count)
    if (100 + by - driver.stored.count(b"\n")) % 2:
        driver.do(lambda t: driver.session.receive(b"half", t))
        driver.do(driver.session.eof)
    else:
        driver.do(driver.session.shutdown)
    assert driver.stored.count(b"\n") <= 102
    assert b'"end":' in driver.stored.splitlines()[-1]


def test_a_truncated_transcript_has_its_mark_and_its_end() -> None:
    for settings in (replace(LOCAL, max_transcript_events=100), replace(LOCAL, max_transcript_bytes=5000)):
        driver: Driver = started(settings)
        driver.say(b"NOOP\r\n" * 500 + b"QUIT\r\n")
        lines = driver.stored.splitlines()
        assert sum(b'"truncated":true' in line for line in lines) == 1
        assert b'"truncated":true' in lines[-2]
        assert len(driver.stored) < 9000
        end = driver.transcript.end
        assert end is not None
        assert end.end == "quit"
        assert [finding.code for finding in end.findings].count("truncated") == 1


@around
def test_line_of_an_auth_exchange(by: int, is_over: bool) -> None:
    for opening in (b"AUTH PLAIN ", b"AUTH PLAIN\r\n"):
        driver = Driver(LOCAL, service=FULL, users={})
        driver.open()
        driver.say(b"EHLO c.test\r\n")
        prefix = opening.rpartition(b"\n")[2]
        line = prefix + b"A" * (MAX_LINE + by - len(prefix) - 2) + b"\r\n"
        reply = driver.say(opening.removesuffix(prefix) + line).splitlines()[-1]
        assert reply.startswith(b"500 5.5.6" if is_over else b"501 5.5.2")
        assert driver.say(b"NOOP\r\n") == b"250 2.0.0 OK\r\n"


@around
def test_transactions_of_a_session(by: int, is_over: bool) -> None:
    driver = started(replace(LOCAL, max_transactions=3))
    for number in range(3 + by):
        reply = driver.say(b"MAIL FROM:<a@b.test>\r\n")
        assert reply[:3] == (b"421" if number == 3 else b"250")
        driver.say(b"RSET\r\n")
    assert driver.closed == is_over


@around
def test_refused_content_that_is_kept(by: int, is_over: bool) -> None:
    driver = Driver(replace(LOCAL, line_ends="reject", max_refused_bytes=200), service=FULL)
    driver.open()
    driver.say(b"EHLO c.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@test.org>\r\n")
    driver.say(b"DATA\r\n")
    content = b"a\nb\r\n"
    content += b"x" * (200 + by - len(content) - 2) + b"\r\n"
    assert driver.say(content + b".\r\n").startswith(b"550 5.5.2")
    assert driver.messages[0].fate == ("aborted" if is_over else "kept")


@around
def test_chunks_together(by: int, is_over: bool) -> None:
    driver = Driver(replace(LOCAL, max_message_size=500))
    driver.open()
    driver.say(b"EHLO c.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@test.org>\r\n")
    driver.say(b"BDAT 400\r\n" + b"x" * 400)
    reply = driver.say(b"BDAT %d LAST\r\n" % (100 + by) + b"x" * (100 + by))
    assert reply.startswith(b"552 5.3.4" if is_over else b"250 2.0.0")
