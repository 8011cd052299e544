"""The contract with the driver: pauses, time, loss, shutdown, and what each leaves behind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mailscribe.errors import StoreFull, StoreUnavailable
from mailscribe.records import Turn
from mailscribe.smtp import ContentStarted, Refusal, Session, classic, parse_trace, read_transcript, turns
from support.machine import GOOD, LOCAL, PEER, SECOND, SESSION_ID, Driver, in_content, message_id, started

MAIL = b"MAIL FROM:<a@b.test>\r\nRCPT TO:<one@test.org>\r\n"
ACCEPTED = f"250 2.0.0 {message_id(1)} Message accepted for delivery\r\n".encode()


def paused_at_start() -> Driver:
    driver = started()
    driver.pauses = True
    driver.say(MAIL)
    assert driver.say(b"DATA\r\n") == b""
    return driver


def paused_at_end(behind: bytes = b"") -> Driver:
    driver = in_content()
    driver.pauses = True
    assert driver.say(GOOD + b".\r\n" + behind) == b""
    return driver


def last_turn(driver: Driver, verb: str) -> Turn:
    return [turn for turn in turns(driver.transcript) if turn.verb == verb][-1]


def test_the_trace_comes_before_the_354() -> None:
    driver = paused_at_start()
    assert [message.id for message in driver.messages] == [message_id(1)]
    assert parse_trace(driver.messages[0].trace).message_id == message_id(1)
    assert driver.session.is_waiting
    assert driver.do(driver.session.content_admitted).startswith(b"354 ")
    assert not driver.session.is_waiting


def test_250_only_after_the_message_is_stored() -> None:
    driver = paused_at_end()
    assert driver.session.is_waiting
    assert driver.say(b"NOOP\r\n") == b""
    assert driver.do(driver.session.content_stored) == ACCEPTED + b"250 2.0.0 OK\r\n"


def test_no_timer_while_the_driver_is_awaited() -> None:
    for driver in (paused_at_start(), paused_at_end()):
        assert driver.session.deadline is None
        driver.t = 10**12
        assert driver.do(driver.session.tick) == b""
        assert not driver.closed


def test_input_before_the_354_is_refused_whenever_it_comes() -> None:
    driver = paused_at_start()
    assert driver.say(b"Subject: early\r\n") == b""
    assert driver.do(driver.session.content_admitted).startswith(b"554 5.5.0 ")
    assert driver.closed
    assert driver.messages[0].fate == "aborted"
    assert ("pipelined-early", 4) in driver.findings


def test_no_room_leaves_the_transaction() -> None:
    driver = paused_at_start()
    assert driver.do(driver.session.content_refused).startswith(b"452 4.3.1 ")
    driver.pauses = False
    assert driver.say(b"DATA\r\n").startswith(b"354 ")
    assert driver.messages[1].id == message_id(2)


@pytest.mark.parametrize(
    ("failure", "reply"),
    [(StoreUnavailable("s3 says: secret-bucket"), b"451 4.3.0 "), (StoreFull("/data full"), b"452 4.3.1 ")],
)
def test_what_is_not_stored(failure: StoreUnavailable, reply: bytes) -> None:
    driver = in_content()
    driver.failure = failure
    said = driver.say(GOOD + b".\r\n")
    assert said.startswith(reply)
    assert str(failure).encode() not in said + driver.stored
    turn = last_turn(driver, "EOD")
    assert turn.content
    assert not turn.content.accepted
    assert turn.content.message == message_id(1)
    assert not turn.message
    assert driver.say(b"RCPT TO:<x@test.org>\r\n").startswith(b"503 ")


def test_an_answer_that_nobody_waits_for_is_ignored() -> None:
    driver = started()
    answers: tuple[Callable[[int], None], ...] = (
        driver.session.content_admitted,
        driver.session.content_refused,
        driver.session.content_stored,
        lambda t: driver.session.content_failed(StoreFull("x"), t),
        driver.session.open,
    )
    for answer in answers:
        assert driver.do(answer) == b""


def test_nothing_happens_after_the_end() -> None:
    driver = started()
    driver.say(b"QUIT\r\nNOOP\r\nhalf")
    stored = driver.stored
    happenings: tuple[Callable[[int], None], ...] = (
        driver.session.eof, driver.session.shutdown, driver.session.tick, driver.session.open,
        lambda t: driver.session.receive(b"NOOP\r\n", t),
    )  # fmt: skip
    for happening in happenings:
        assert driver.do(happening) == b""
    assert driver.stored == stored
    assert driver.session.deadline is None


def test_lost_while_the_message_is_stored_it_is_ours() -> None:
    driver = paused_at_end()
    driver.do(driver.session.eof)
    assert b'"end"' not in driver.stored
    driver.do(driver.session.content_stored)
    end = driver.transcript.end
    assert end is not None
    assert (end.end, end.outcome) == ("aborted", ("delivered",))
    assert last_turn(driver, "EOD").message == message_id(1)


def test_lost_while_the_message_is_stored_but_a_quit_was_sent() -> None:
    driver = paused_at_end(b"QUIT\r\n")
    driver.do(driver.session.eof)
    driver.do(driver.session.content_stored)
    end = driver.transcript.end
    assert end is not None
    assert end.end == "quit"


def test_lost_while_admission_is_awaited() -> None:
    driver = paused_at_start()
    driver.do(driver.session.eof)
    assert driver.closed
    assert driver.messages[0].fate == "aborted"


def test_lost_in_content_is_recorded_without_an_end() -> None:
    driver = in_content()
    driver.say(b"Subject: x\r\n\r\nhalf a l")
    driver.do(driver.session.eof)
    assert driver.messages[0].fate == "aborted"
    turn = last_turn(driver, "EOD")
    assert turn.reply is None
    assert turn.content
    assert (turn.content.bytes, turn.content.accepted) == (len(b"Subject: x\r\n\r\nhalf a l"), False)
    assert classic(driver.transcript).endswith(">>> (22 bytes)\n--- connection lost\n")


def test_shutdown_waits_for_the_message_in_flight() -> None:
    for driver in (in_content(), paused_at_end()):
        assert driver.do(driver.session.shutdown) == b""
        if driver.pauses:
            said = driver.do(driver.session.content_stored)
        else:
            said = driver.say(GOOD + b".\r\nMAIL FROM:<next@b.test>\r\n")
        assert said == ACCEPTED + b"421 4.3.2 test.org shutting down, closing connection\r\n"
        assert driver.closed


def test_shutdown_while_admission_is_awaited() -> None:
    driver = paused_at_start()
    assert driver.do(driver.session.shutdown).startswith(b"421 4.3.2 ")
    assert driver.messages[0].fate == "aborted"
    assert driver.do(driver.session.content_admitted) == b""


def test_shutdown_before_the_greeting() -> None:
    driver = Driver()
    assert driver.do(driver.session.shutdown).startswith(b"421 4.3.2 ")
    assert driver.open() == b""


def test_lost_before_the_greeting() -> None:
    driver = Driver()
    driver.do(driver.session.eof)
    assert driver.closed
    assert turns(driver.transcript) == ()


def test_too_many_sessions_drops_what_was_said_early() -> None:
    driver = Driver()
    driver.say(b"EHLO c.test\r\n")
    assert driver.do(lambda t: driver.session.open(t, Refusal.TOO_MANY)).startswith(b"421 4.7.0 ")
    assert [turn.verb for turn in turns(driver.transcript)] == [None]
    assert driver.findings == [("early-talker", 0)]


# time


def test_a_command_has_its_time_from_the_last_reply_however_it_trickles() -> None:
    driver = started()
    assert driver.session.deadline == 300 * SECOND
    driver.t = 200 * SECOND
    driver.say(b"NO")
    assert driver.session.deadline == 300 * SECOND
    driver.say(b"OP\r\n")
    assert driver.session.deadline == 500 * SECOND
    driver.t = 500 * SECOND - 1
    assert driver.do(driver.session.tick) == b""
    driver.t += 1
    assert driver.do(driver.session.tick).startswith(b"421 4.4.2 ")


def test_content_has_its_time_by_the_block_with_a_floor() -> None:
    driver = in_content()
    for _ in range(10):
        driver.t += 179 * SECOND
        assert driver.do(driver.session.tick) == b""
        driver.say(b"x" * 998 + b"\r\n" + b"x" * 100_000)
        assert not driver.closed
    driver.t += 180 * SECOND
    assert driver.do(driver.session.tick).startswith(b"421 4.4.2 ")
    assert driver.messages[0].fate == "aborted"


@pytest.mark.parametrize(("octets", "closes"), [(499, True), (500, False), (501, False)])
def test_floor(octets: int, closes: bool) -> None:
    driver = in_content(replace(LOCAL, data_timeout=100))
    for _ in range(4):
        driver.t += 20 * SECOND
        driver.say(b"x" * (octets * 25))
    driver.t += 20 * SECOND
    assert driver.session.deadline == 100 * SECOND
    assert driver.do(driver.session.tick).startswith(b"421 4.4.2 ") == closes


def test_a_session_has_its_time() -> None:
    driver = started(replace(LOCAL, session_timeout=1000))
    for second in (250, 500, 750, 999):
        driver.t = second * SECOND
        driver.say(b"NOOP\r\n")
    assert driver.session.deadline == 1000 * SECOND
    driver.t = 1000 * SECOND
    assert driver.do(driver.session.tick).startswith(b"421 4.4.2 ")
    end = driver.transcript.end
    assert end is not None
    assert (end.end, end.t) == ("timeout", 1000 * SECOND)


def test_the_transcript_is_given_as_it_grows() -> None:
    driver = Driver()
    session: Session = driver.session
    session.open(5)
    first = session.transcript()
    assert first.count(b"\n") == 2
    assert session.transcript() == b""
    session.receive(b"NOOP\r\n", 6)
    assert session.transcript() == b'{"t":6,"dir":"C","line":"NOOP"}\n{"t":6,"dir":"S","line":"250 2.0.0 OK"}\n'


def test_latency_of_the_end_of_data_is_the_commit() -> None:
    driver = in_content()
    driver.pauses = True
    driver.t = 1000
    driver.say(GOOD + b".\r\n")
    driver.t = 5000
    driver.do(driver.session.content_stored)
    turn = last_turn(driver, "EOD")
    assert (turn.at, turn.latency_ms) == (1.0, 4.0)


def test_the_envelope_is_what_mail_and_rcpt_said() -> None:
    driver = started()
    driver.say(b"MAIL FROM:<@r.test:A@B.test> size=9 BODY=8bitmime\r\n")
    driver.say(b"RCPT TO:<Postmaster>\r\nRCPT TO:<x@Test.org>\r\nRCPT TO:<x@test.ORG>\r\nRCPT TO:<@bad>\r\nDATA\r\n")
    envelope = parse_trace(driver.messages[0].trace).envelope
    assert (envelope.mail_from.email, envelope.mail_from.parameters) == ("A@B.test", {"SIZE": "9", "BODY": "8bitmime"})
    assert [recipient.email for recipient in envelope.rcpt_to] == ["Postmaster", "x@Test.org"]
    assert envelope.rcpt_to[0].parameters is None


def test_no_domains_refuse_all_but_postmaster() -> None:
    driver = started(replace(LOCAL, domains=()))
    driver.say(b"MAIL FROM:<>\r\n")
    assert driver.say(b"RCPT TO:<mable@test.org>\r\n").startswith(b"550 5.7.1 ")
    assert driver.say(b"RCPT TO:<postmaster@test.org>\r\n").startswith(b"550 5.7.1 ")
    assert driver.say(b"RCPT TO:<Postmaster>\r\n").startswith(b"250 2.1.5 ")


def test_opening_time_is_one_everywhere() -> None:
    opened = datetime(1998, 5, 21, 18, 37, 24, 123456, tzinfo=UTC)
    session = Session(LOCAL, PEER, session_id=SESSION_ID, opened=opened, new_id=lambda: message_id(1))
    session.open(0)
    session.receive(b"EHLO a.test\r\n", 1)
    session.receive(MAIL + b"DATA\r\n", 2)
    event = session.next_event()
    assert isinstance(event, ContentStarted)
    trace = parse_trace(event.trace)
    assert trace.opened == trace.transcript.opened == read_transcript(session.transcript()).opened
    assert trace.opened.microsecond == 123_000


def test_a_host_name_outside_ascii_breaks_no_reply() -> None:
    driver = Driver(replace(LOCAL, hostname="bücher.test"))
    assert driver.open() == b"220 b?cher.test ESMTP mailscribe ready\r\n"
    driver.say(b"EHLO a.test\r\n")
    driver.say(MAIL)
    assert driver.say(b"DATA\r\n").startswith(b"354 ")
    assert b"by b?cher.test with" in driver.messages[0].trace
