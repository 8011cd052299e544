"""The session's turns within a trace block: whole when small, beginning and end when large, never over the limit."""

import base64
import random

import pytest

from mailscribe.errors import CorruptObject
from mailscribe.smtp.excerpt import MAX_EXCERPT, TRUNCATED, Excerpt, decompress
from mailscribe.smtp.trace import parse_trace
from mailscribe.smtp.transcript import LineEvent, NoteEvent
from support.machine import started


def filled(lines: list[bytes]) -> Excerpt:
    excerpt = Excerpt()
    for line in lines:
        excerpt.add(line)
    return excerpt


def compressed(excerpt: Excerpt, more: bytes = b"") -> bytes:
    rows = excerpt.folded(more).split(b"\r\n ")
    assert all(len(row) == 900 for row in rows[:-1])
    assert len(rows[-1]) <= 900
    return base64.b64decode(b"".join(rows), validate=True)


def noise(size: int, seed: int = 1) -> bytes:
    return base64.b64encode(random.Random(seed).randbytes(size)) + b"\n"


def test_small_ones_are_whole() -> None:
    lines = [b"line %d\n" % number for number in range(1000)]
    excerpt = filled(lines)
    assert decompress(compressed(excerpt)) == b"".join(lines)
    assert decompress(compressed(excerpt)) == b"".join(lines)
    assert decompress(compressed(excerpt, b"more\n")) == b"".join(lines) + b"more\n"
    excerpt.add(b"last\n")
    assert decompress(compressed(excerpt)) == b"".join(lines) + b"last\n"


@pytest.mark.parametrize("count", [200, 5000])
def test_large_ones_keep_their_beginning_and_end(count: int) -> None:
    lines = [noise(100, seed) for seed in range(count)]
    found = compressed(filled(lines), b"more\n")
    assert MAX_EXCERPT * 0.5 < len(found) <= MAX_EXCERPT
    assert len(base64.b64encode(found)) <= 16_384
    head, tail = decompress(found).split(TRUNCATED)
    assert head
    assert b"".join(lines).startswith(head)
    assert tail.endswith(b"more\n")
    assert b"".join(lines).endswith(tail.removesuffix(b"more\n"))
    assert lines[-1] in tail


def test_one_giant_line_is_left_out() -> None:
    excerpt = filled([b"first\n", noise(60_000), b"last\n"])
    found = compressed(excerpt)
    assert len(found) <= MAX_EXCERPT
    assert decompress(found) == TRUNCATED + b"last\n"


def test_nothing() -> None:
    assert decompress(compressed(Excerpt())) == b""
    assert decompress(b"") == b""


@pytest.mark.parametrize("batch", [2, 7, 50, 1000])
def test_how_lines_come_makes_no_difference(batch: int) -> None:
    lines = [noise(50, seed) for seed in range(1000)]
    excerpt = Excerpt()
    for start in range(0, len(lines), batch):
        excerpt.add(b"".join(lines[start : start + batch]))
    assert compressed(excerpt) == compressed(filled(lines))


def test_what_was_told_before_is_told_again() -> None:
    excerpt, lines = Excerpt(), [b"%d: %b" % (number, noise(number % 90, number)) for number in range(120)]
    for number, line in enumerate(lines):
        excerpt.add(line)
        assert decompress(compressed(excerpt, b"more\n" * (number % 3))).endswith(line + b"more\n" * (number % 3))
        assert len(compressed(excerpt)) <= MAX_EXCERPT
    assert decompress(compressed(excerpt)) == b"".join(lines)


@pytest.mark.parametrize("size", [65_534, 65_535, 65_536, 200_000])
def test_more_than_a_stored_block_holds(size: int) -> None:
    assert decompress(compressed(Excerpt(), bytes(size))) == bytes(size)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_torn(cut: int) -> None:
    with pytest.raises(CorruptObject):
        decompress(compressed(filled([noise(300)]))[:-cut])


def test_a_long_session_still_shows_the_transaction() -> None:
    driver = started()
    for number in range(400):
        driver.say(b"MAIL FROM:<sender-%d@b.test>\r\nRCPT TO:<to-%d@test.org>\r\nDATA\r\n" % (number, number * 7919))
        driver.say(b"Subject: %d\r\n\r\n.\r\n" % number)
    block = driver.messages[-1].trace
    assert len(block) < 18_000
    events = parse_trace(block).transcript.events
    lines = [event.data for event in events if isinstance(event, LineEvent)]
    assert lines[0].startswith(b"220 ")
    assert b"EHLO sun.tuc.test.org" in lines
    assert lines[-6:-1] == [
        b"MAIL FROM:<sender-399@b.test>",
        b"250 2.1.0 <sender-399@b.test>... Sender ok",
        b"RCPT TO:<to-%d@test.org>" % (399 * 7919),
        b"250 2.1.5 <to-%d@test.org>... Recipient ok" % (399 * 7919),
        b"DATA",
    ]
    assert sum(isinstance(event, NoteEvent) and event.note.truncated for event in events) == 1


def test_a_thousand_recipients_fit() -> None:
    driver = started()
    driver.say(b"MAIL FROM:<a@b.test>\r\n")
    rng = random.Random(7)
    driver.say(b"".join(b"RCPT TO:<%s@test.org>\r\n" % rng.randbytes(20).hex().encode() for _ in range(1000)))
    driver.say(b"DATA\r\n")
    trace = parse_trace(driver.messages[0].trace)
    assert len(trace.envelope.rcpt_to) == 1000
    assert driver.messages[0].trace.count(b"\r\nDelivered-To: ") == 1000
