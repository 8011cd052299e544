"""The header as content streams by: where it ends, and which floods are refused."""

from dataclasses import replace

import pytest

from mailscribe.settings import Settings
from mailscribe.smtp.header import HeaderScan
from mailscribe.smtp.reply import ReplyName
from support.machine import LOCAL

BOTH = b"Date: x\r\nMessage-ID: <a@b>\r\n"


def scan(content: bytes, settings: Settings = LOCAL) -> HeaderScan:
    """The same answer whatever the pieces."""
    found = set()
    for size in (len(content) or 1, 1, 3, 1000, 1101):
        if len(content) // size > 10_000:
            continue
        header = HeaderScan(settings)
        for start in range(0, len(content), size):
            header.feed(content[start : start + size])
        header.close()
        found.add((header.refusal, header.findings))
    assert len(found) == 1, found
    return header


@pytest.mark.parametrize(
    ("content", "findings"),
    [
        (BOTH + b"\r\nbody", ()),
        (BOTH, ()),
        (b"DATE : x\r\nmessage-id\t:y\r\n\r\n", ()),
        (b"Date: x\nMessage-ID: y\n\nbody", ()),
        (b"Subject: a\r\n b\r\n\tc\r\n" + BOTH + b"\r\n", ()),
        (b"\r\n" + BOTH, ("no-message-id", "no-date")),
        (b"Hello\r\n" + BOTH, ("no-message-id", "no-date")),
        (b"Date: x\r\nhello there\r\nMessage-ID: y\r\n", ("no-message-id",)),
        (b"Message-ID: y\r\n\r\nDate: x\r\n", ("no-date",)),
        (b"X-Date: x\r\nOld-Message-ID: x\r\n\r\n", ("no-message-id", "no-date")),
        (b"", ("no-message-id", "no-date")),
        (b"\n", ("no-message-id", "no-date")),
    ],
)
def test_where_the_header_ends(content: bytes, findings: tuple[str, ...]) -> None:
    assert scan(content).findings == findings


@pytest.mark.parametrize(("count", "refusal"), [(9, None), (10, None), (11, ReplyName.HEADER_FLOOD)])
def test_field_limit(count: int, refusal: ReplyName | None) -> None:
    settings = replace(LOCAL, max_header_fields=10)
    content = b"X: y\r\n z\r\n" * count + b"\r\n" + b"A: b\r\n" * 20
    assert scan(content, settings).refusal is refusal


@pytest.mark.parametrize(("size", "refusal"), [(1999, None), (2000, None), (2001, ReplyName.HEADER_FLOOD)])
def test_size_limit(size: int, refusal: ReplyName | None) -> None:
    settings = replace(LOCAL, max_header_bytes=2000)
    for line in (b"X: " + b"y" * 95 + b"\r\n", b"X: y\r\n" + b" " + b"z" * 91 + b"\r\n"):
        lines = size // 100 - 1
        last = size - 100 * lines
        header = line * lines + b"X: " + b"z" * (last - 5) + b"\r\n"
        assert len(header) == size
        assert scan(header + b"\r\n" + b"body\r\n" * 1000, settings).refusal is refusal
        assert scan(header, settings).refusal is refusal


def test_one_endless_field_is_a_flood() -> None:
    settings = replace(LOCAL, max_header_bytes=2000)
    assert scan(b"X: " + b"y" * 5000, settings).refusal is ReplyName.HEADER_FLOOD
    assert scan(b"X: y\r\n " + b"y" * 5000 + b"\r\n\r\n", settings).refusal is ReplyName.HEADER_FLOOD


def test_a_large_text_without_header_is_no_flood() -> None:
    settings = replace(LOCAL, max_header_bytes=2000)
    assert scan(b"y" * 50_000 + b"\r\n", settings).refusal is None
    assert scan(b"hello there\r\n" * 5000, settings).refusal is None
    assert scan(b"y" * 1200 + b": z\r\n" * 2000, settings).refusal is None


@pytest.mark.parametrize(("count", "refusal"), [(4, None), (5, ReplyName.MAIL_LOOP), (6, ReplyName.MAIL_LOOP)])
def test_received_limit(count: int, refusal: ReplyName | None) -> None:
    settings = replace(LOCAL, max_received=5)
    assert scan(b"received: by x;\r\n\tdate\r\n" * count + b"\r\nReceived: x\r\n" * 9, settings).refusal is refusal
