"""Other parsers and other people's mail as judges: every difference is explained by name, or a fault of ours."""

import json
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from mailscribe.message import decode_part, parse, plain_text
from support.corpora import BOUNCES, CORPORA, GOLDENS, OURS
from support.mail_differences import BROKEN, COMPAT32, FAST_MAIL_PARSER, GOLDEN
from support.mail_goldens import counts, differences
from support.mail_view import gaps, view, walk

type Leaves = list[tuple[str, bytes | None]]

pytestmark = pytest.mark.corpus
needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no {CORPORA}")


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def with_crlf(path: Path) -> bytes:
    return path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@needs_corpora
def test_the_corpora_are_whole() -> None:
    assert (len(BOUNCES), len(GOLDENS)) == (315, 53)


@pytest.mark.parametrize("path", BOUNCES + GOLDENS, ids=name)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_no_octet_is_lost(path: Path, end: bytes) -> None:
    data = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", end)
    parsed = parse(data)
    view(data, parsed)
    plain_text(data, parsed).encode()
    assert (parsed.body.header_start, parsed.body.body_end) == (0, len(data))
    for start, stop in gaps(parsed.body):
        assert start <= stop


@pytest.mark.parametrize("path", BOUNCES, ids=name)
def test_bounces_say_who_sent_what(path: Path) -> None:
    parsed = parse(path.read_bytes())
    assert parsed.headers
    assert parsed.subject is not None
    assert parsed.text_body or parsed.attachments


@pytest.mark.parametrize("path", GOLDENS, ids=name)
def test_golden(path: Path) -> None:
    data = with_crlf(path)
    golden = json.loads(path.with_suffix(".crlf.json").read_text())
    assert set(differences(data, golden, parse(data))) == set(GOLDEN.get(name(path), {}))


@needs_corpora
def test_bars_on_valid_mail() -> None:
    """Parts found and their offsets, where neither the message nor the golden is broken."""
    totals = [0, 0, 0]
    for path in GOLDENS:
        if path.parent.name != "malformed" and name(path) not in BROKEN:
            golden = json.loads(path.with_suffix(".crlf.json").read_text())
            totals = [sum(pair) for pair in zip(totals, counts(golden, parse(with_crlf(path))), strict=True)]
    parts, counted, placed = totals
    assert parts >= 140
    assert counted / parts >= 0.98
    assert placed / counted >= 0.99


def compat32(message: "Message[str, str]") -> Iterator[tuple[str, bytes | None]]:
    """Type and content of each part; an attached message is a leaf without content."""
    kind = message.get_content_type()
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        yield kind, None
        for child in message.get_payload():
            assert isinstance(child, Message)
            yield from compat32(child)
    elif message.get_content_maintype() in {"message", "multipart"}:
        yield kind, None
    else:
        content = message.get_payload(decode=True)
        assert isinstance(content, bytes)
        yield kind, content


def ours(data: bytes) -> Iterator[tuple[str, bytes | None]]:
    """The same of our own."""
    for part in walk(parse(data).body):
        is_leaf = part.sub_parts is None and not part.type.startswith("message/")
        yield part.type, decode_part(data, part) if is_leaf else None


@pytest.mark.parametrize("path", BOUNCES + GOLDENS + OURS, ids=name)
def test_compat32(path: Path) -> None:
    data = path.read_bytes()
    try:
        expected = list(compat32(message_from_bytes(data)))
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        pytest.skip(f"it raises {type(error).__name__}")
    assert (list(ours(data)) == expected) == (name(path) not in COMPAT32)


@pytest.mark.parametrize("path", BOUNCES + GOLDENS + OURS, ids=name)
def test_fast_mail_parser(path: Path) -> None:
    judge = pytest.importorskip("fast_mail_parser")
    data = path.read_bytes()
    try:
        mail = judge.parse_email(data)
        tree = judge.parse_email_tree(data)
    except judge.ParseError as error:
        pytest.skip(f"it raises {type(error).__name__}")
    waiting = [tree]
    types = []
    while waiting:
        part = waiting.pop()
        types.append(part.content_type)
        waiting.extend([] if part.is_message else reversed(part.children))
    parsed = parse(data)
    is_same = types == [part.type for part in walk(parsed.body)]
    is_same &= " ".join((parsed.subject or "").split()) == " ".join(mail.subject.split())
    assert is_same == (name(path) not in FAST_MAIL_PARSER)
