"""Content between 354 and its true end: facts, findings and limits, however it arrives."""

import hashlib
from dataclasses import replace

import pytest

from mailscribe.settings import Settings
from mailscribe.smtp.content import ContentFacts, ContentReceiver
from mailscribe.smtp.reply import ReplyName
from support.machine import LOCAL, splits

HEADER = b"Date: x\r\nMessage-ID: <x@y>\r\n\r\n"


def receive(
    segments: list[bytes], settings: Settings = LOCAL, *, eight_bit: bool = False
) -> tuple[bytes, bytes | None, ContentFacts]:
    receiver, content, rest = ContentReceiver(settings, eight_bit=eight_bit), b"", None
    for segment in segments:
        if rest is not None:
            rest += segment
            continue
        piece, rest = receiver.feed(segment)
        content += piece
    return content, rest, receiver.close()


def facts(content: bytes, settings: Settings = LOCAL, *, eight_bit: bool = False) -> ContentFacts:
    """The facts of content, the same whatever the split."""
    sent = content.replace(b"\r\n.", b"\r\n..") + b".\r\nNOOP\r\n"
    sizes = (len(sent), 1, 2, 7, 1000)
    found = {
        receive([sent[start : start + size] for start in range(0, len(sent), size)], settings, eight_bit=eight_bit)[2]
        for size in sizes
        if len(sent) // size < 20_000
    }
    [one] = found
    return one


def test_facts() -> None:
    content = HEADER + b"one\r\n.two\r\n\r\n"
    assert facts(content) == ContentFacts(len(content), 6, hashlib.sha256(content).hexdigest(), (), None)


def test_what_follows_the_end_is_given_back() -> None:
    for segments in splits(b"a\r\n.\r\nNOOP\r\nQUIT\r\n"):
        content, rest, found = receive(segments)
        assert (content, rest) == (b"a\r\n", b"NOOP\r\nQUIT\r\n")
        assert (found.size, found.lines) == (3, 1)


def test_torn_content_counts_what_is_certain() -> None:
    content, rest, found = receive([b"a\r\nb\r\n."])
    assert (content, rest, found.size, found.lines) == (b"a\r\nb", None, 4, 1)


@pytest.mark.parametrize(
    ("body", "findings"),
    [
        (b"plain\r\n", ()),
        (b"a\nb\r\n", ("bare-lf",)),
        (b"a\rb\r\n", ("bare-cr",)),
        (b"a\r\r\n", ("bare-cr",)),
        (b"a\n\rb\r\n", ("bare-cr", "bare-lf")),
        (b"a\0b\r\n", ("nul",)),
        (b"\xc3\xa4\r\n", ("eight-bit-without-8bitmime",)),
        (b"x" * 998 + b"\r\n", ()),
        (b"x" * 999 + b"\r\n", ("long-line",)),
        (b"a\r\n" + b"x" * 998 + b"\r\nb\r\n", ()),
        (b"a\r\n" + b"x" * 999 + b"\r\nb\r\n", ("long-line",)),
        (b"x" * 5000 + b"\r\n", ("long-line",)),
    ],
)
def test_findings(body: bytes, findings: tuple[str, ...]) -> None:
    assert facts(HEADER + body).findings == findings


def test_eight_bit_is_fine_when_declared() -> None:
    assert facts(HEADER + b"\xff\r\n", eight_bit=True).findings == ()


def test_no_header() -> None:
    assert facts(b"just text\r\n").findings == ("no-date", "no-message-id")
    assert facts(b"").findings == ("no-date", "no-message-id")


@pytest.mark.parametrize(("size", "refusal"), [(99, None), (100, None), (101, ReplyName.MESSAGE_TOO_BIG)])
def test_size_limit(size: int, refusal: ReplyName | None) -> None:
    settings = replace(LOCAL, max_message_size=100)
    content = b"x" * (size - 2) + b"\r\n"
    found = facts(content, settings)
    assert (found.size, found.refusal) == (size, refusal)
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def test_stuffed_dots_do_not_count_into_the_size() -> None:
    settings = replace(LOCAL, max_message_size=9)
    assert facts(b"\r\n.\r\n.\r\n"[:9], settings).refusal is None


@pytest.mark.parametrize(("size", "is_flood"), [(199, False), (200, False), (201, True), (500, True)])
def test_flood_limit(size: int, is_flood: bool) -> None:
    settings = replace(LOCAL, max_message_size=100)
    for segments in ([b"x" * size + b"y\r\n"], [b"x"] * size + [b"y\r\n"]):
        receiver = ContentReceiver(settings, eight_bit=False)
        for segment in segments[: size if len(segments) > 1 else 1]:
            receiver.feed(segment[:size])
        assert receiver.is_flood == is_flood
        assert receiver.close().size == min(size, 201)


@pytest.mark.parametrize(("length", "refusal"), [(4999, None), (5000, None), (5001, ReplyName.TEXT_LINE_TOO_LONG)])
def test_text_line_limit(length: int, refusal: ReplyName | None) -> None:
    settings = replace(LOCAL, max_text_line=5000)
    line = b"x" * (length - 2) + b"\r\n"
    for body in (line, b"a\r\n" + line + b"b\r\n", line * 3):
        found = facts(HEADER + body, settings)
        assert found.findings == ("long-line",)
        assert found.refusal is refusal


def test_text_line_limit_may_be_the_standard_one() -> None:
    settings = replace(LOCAL, max_text_line=1000)
    assert facts(HEADER + b"x" * 998 + b"\r\n", settings).refusal is None
    found = facts(HEADER + b"x" * 999 + b"\r\n", settings)
    assert (found.refusal, found.findings) == (ReplyName.TEXT_LINE_TOO_LONG, ("long-line",))


def test_the_first_reason_is_given() -> None:
    settings = replace(LOCAL, line_ends="reject", max_message_size=3000, max_header_fields=1)
    assert facts(HEADER + b"a\nb\r\n", settings).refusal is ReplyName.HEADER_FLOOD
    assert facts(HEADER + b"a\n" * 2000 + b"\r\n", settings).refusal is ReplyName.MESSAGE_TOO_BIG
    settings = replace(settings, max_header_fields=9)
    assert facts(HEADER + b"a\rb\nc\r\n", settings).refusal is ReplyName.BARE_LF
    assert facts(HEADER + b"a\rb\r\n", settings).refusal is ReplyName.BARE_CR
