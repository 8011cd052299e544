"""BDAT (RFC 3030): so many octets as were said, whatever they hold and wherever segments and chunks are cut."""

from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.smtp import ContentEvent, turns
from support.machine import GOOD, LOCAL, STRICT, Driver, splits

ENVELOPE = b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@test.org>\r\n"
BINARY = b"MAIL FROM:<a@b.test> BODY=BINARYMIME\r\nRCPT TO:<c@test.org>\r\n"


def ready(driver: Driver, envelope: bytes = ENVELOPE) -> Driver:
    driver.open()
    driver.say(b"EHLO c.test\r\n")
    assert driver.say(envelope).count(b"250 2.1") == 2
    return driver


def chunk(content: bytes, *, last: bool = False) -> bytes:
    return b"BDAT %d%s\r\n%b" % (len(content), b" LAST" if last else b"", content)


def in_chunks(content: bytes, places: list[int]) -> bytes:
    cuts = [0, *sorted(places), len(content)]
    return b"".join(chunk(content[a:b], last=b == len(content)) for a, b in pairwise(cuts))


@given(
    st.lists(st.sampled_from((b".", b"\r\n", b".\r\n", b"QUIT\r\n", b"a", b"\r\n.\r\n", b"\xff", b"BDAT 3\r\n"))),
    st.data(),
)
def test_content_is_what_was_counted(pieces: list[bytes], data: st.DataObject) -> None:
    content = b"x: y\r\n\r\n" + b"".join(pieces) + b"end\r\n"
    places = data.draw(st.sets(st.integers(1, len(content) - 1), max_size=4))
    driver = ready(Driver(STRICT))
    replies = driver.say(in_chunks(content, sorted(places)))
    assert driver.accepted == [content]
    assert replies.splitlines()[-1].startswith(b"250 2.0.0")
    assert len(replies.splitlines()) == len(places) + 1
    told = [turn for turn in turns(driver.transcript) if turn.verb == "BDAT" and turn.content]
    assert sum(turn.content.bytes for turn in told if turn.content) == len(content)
    last = told[-1].content
    assert last
    assert last.sha256 == sha256(content).hexdigest()
    assert [turn.message for turn in told if turn.message == driver.messages[0].id] == [driver.messages[0].id]


def test_at_every_split() -> None:
    data = chunk(b"Subject: x\r\n") + chunk(b"\r\n.\r\n", last=True) + b"NOOP\r\n"
    for segments in splits(data):
        driver = ready(Driver())
        assert driver.say_in(segments).count(b"250 2.0.0") == 3
        assert driver.accepted == [b"Subject: x\r\n\r\n.\r\n"]


@pytest.mark.parametrize(
    ("contents", "finding"),
    [
        ((b"a\r", b"\nb\r\n"), None),
        ((b"a\r", b"b\r\n"), "bare-cr"),
        ((b"a\r\n", b"b\r"), "bare-cr"),
        ((b"a", b"\nb\r\n"), "bare-lf"),
        ((b"a\r", b"", b"\n"), None),
        ((b"a\r", b"\r\n"), "bare-cr"),
        ((b"\r", b"\r", b"\n"), "bare-cr"),
    ],
)
def test_a_chunk_may_end_between_cr_and_lf(contents: tuple[bytes, ...], finding: str | None) -> None:
    for settings in (LOCAL, STRICT):
        driver = ready(Driver(settings))
        for content in contents[:-1]:
            driver.say(chunk(content))
        reply = driver.say(chunk(contents[-1], last=True))
        refused = finding is not None and settings is STRICT
        assert reply.startswith(b"550 5.5.2" if refused else b"250 2.0.0")
        assert driver.accepted == ([] if refused else [b"".join(contents)])
        driver.do(driver.session.eof)
        found = {code for code, _ in driver.findings}
        assert found & {"bare-cr", "bare-lf"} == ({finding} if finding else set())


def test_binary_content_has_no_lines_to_be_wrong() -> None:
    content = bytes(range(256)) * 5
    driver = ready(Driver(STRICT), BINARY)
    assert driver.say(chunk(content, last=True)).startswith(b"250 2.0.0")
    assert driver.accepted == [content]
    driver.do(driver.session.eof)
    assert {code for code, _ in driver.findings} <= {"no-date", "no-message-id"}


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_the_limit_counts_over_all_chunks(over: int) -> None:
    driver = ready(Driver(replace(LOCAL, max_message_size=100)))
    assert driver.say(chunk(b"x" * 60)) == b"250 2.0.0 60 octets received\r\n"
    reply = driver.say(chunk(b"x" * (40 + over), last=True))
    assert reply.startswith(b"552 5.3.4" if over > 0 else b"250 2.0.0")
    assert driver.say(b"NOOP\r\n") == b"250 2.0.0 OK\r\n"
    assert driver.messages[0].fate == ("aborted" if over > 0 else "stored")


@pytest.mark.parametrize("over", [0, 1])
def test_no_more_than_one_limit_is_read_away(over: int) -> None:
    driver = Driver(replace(LOCAL, max_message_size=100))
    driver.open()
    reply = driver.say(chunk(b"x" * (100 + over)))
    assert reply.startswith(b"421 4.7.0" if over else b"503 5.5.1")
    assert driver.closed == bool(over)


def test_reset_drops_the_chunks() -> None:
    for command, code in ((b"RSET\r\n", b"250"), (b"EHLO c.test\r\n", b"250"), (b"QUIT\r\n", b"221")):
        driver = ready(Driver())
        driver.say(chunk(b"abc"))
        assert driver.say(command).startswith(code)
        assert [message.fate for message in driver.messages] == ["aborted"]


def test_a_message_after_a_message() -> None:
    driver = ready(Driver())
    for _ in range(3):
        assert driver.say(chunk(GOOD, last=True) + ENVELOPE).count(b"250 2.") == 3
    assert driver.accepted == [GOOD] * 3


def test_size_lie() -> None:
    driver = ready(Driver(), b"MAIL FROM:<a@b.test> SIZE=3\r\nRCPT TO:<c@test.org>\r\n")
    driver.say(chunk(b"ab"))
    driver.say(chunk(b"cd", last=True))
    driver.do(driver.session.eof)
    assert ("size-lie", 5) in driver.findings


def test_a_torn_chunk_is_told() -> None:
    driver = ready(Driver())
    driver.say(b"BDAT 10\r\nabc")
    driver.do(driver.session.eof)
    [event] = [event for event in driver.transcript.events if isinstance(event, ContentEvent)]
    assert (event.torn, event.content.bytes, event.content.accepted) == (True, 3, False)
    assert driver.messages[0].fate == "aborted"


def test_shutdown_waits_for_the_last_chunk_and_the_deadline_does_not() -> None:
    driver = ready(Driver())
    driver.say(chunk(b"abc"))
    assert driver.do(driver.session.shutdown) == b""
    replies = driver.say(chunk(b"d\r\n", last=True))
    assert replies.startswith(b"250 2.0.0")
    assert replies.splitlines()[1].startswith(b"421 4.3.2")
    driver = ready(Driver())
    driver.say(b"BDAT 10\r\nabc")
    driver.t = 10**9
    assert driver.do(driver.session.tick).startswith(b"421 4.4.2")


def test_the_store_may_fail_and_may_be_full() -> None:
    driver = Driver(admit=False)
    ready(driver)
    assert driver.say(chunk(b"NOOP\r\n")) == b"452 4.3.1 No room for the message, try again later\r\n"
    assert driver.say(chunk(b"NOOP\r\n", last=True)).startswith(b"503")
    assert driver.say(ENVELOPE).count(b"250 2.1") == 2
