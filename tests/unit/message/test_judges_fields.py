"""Judges of addresses, dates and decoded texts: `email.utils` and fast-mail-parser. Each difference has a name."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path

import pytest

from mailscribe.message import parse, part_text
from support.corpora import BOUNCES, GOLDENS, OURS
from support.mail_differences import ADDRESSES, DATES, TEXTS
from support.mail_view import walk

pytestmark = pytest.mark.corpus
MAIL = pytest.mark.parametrize("path", BOUNCES + GOLDENS + OURS, ids=lambda path: f"{path.parent.name}/{path.stem}")


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def last(data: bytes, field: str) -> str | None:
    values = message_from_bytes(data).get_all(field)
    return str(values[-1]) if values else None


def test_only_mail_of_the_corpora_is_named() -> None:
    known = {name(path) for path in OURS}
    for table in (ADDRESSES, DATES, TEXTS):
        assert {key for key in table if key.startswith("corpus/")} <= known


@MAIL
def test_addresses(path: Path) -> None:
    data = path.read_bytes()
    parsed = parse(data)
    fields = {"From": parsed.from_, "To": parsed.to, "Cc": parsed.cc}
    ours = {key: [each.email for each in value if each.email] for key, value in fields.items() if value is not None}
    values = {key: last(data, key) for key in fields}
    theirs = {
        key: [email for _, email in getaddresses([value], strict=False) if email]
        for key, value in values.items()
        if value is not None
    }
    assert (ours == theirs) == (name(path) not in ADDRESSES), (ours, theirs)


@MAIL
def test_dates(path: Path) -> None:
    data = path.read_bytes()
    value = last(data, "Date")
    theirs: datetime | None = None
    try:
        theirs = parsedate_to_datetime(value) if value is not None else None
    except ValueError:
        theirs = None
    if theirs is not None and theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    assert (parse(data).sent_at == theirs) == (name(path) not in DATES), (value, theirs)


@MAIL
def test_texts(path: Path) -> None:
    judge = pytest.importorskip("fast_mail_parser")
    data = path.read_bytes()
    try:
        theirs = ["".join(text.split()) for text in judge.parse_email(data).text_plain]
    except judge.ParseError as error:
        pytest.skip(f"it raises {type(error).__name__}")
    texts = [
        part
        for part in walk(parse(data).body)
        if part.sub_parts is None and part.type == "text/plain" and part.disposition != "attachment"
    ]
    ours = ["".join(part_text(data, part).value.split()) for part in texts]
    assert (ours == theirs) == (name(path) not in TEXTS), (ours, theirs)
