"""Every shortcut of the parser for usual mail gives what the general way gives."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailscribe.message import LIMITS, date, parser, part_text, scan, text, transfer
from mailscribe.message.charset import _TRANSPARENT, GUESS, windows_1252
from mailscribe.message.defects import DefectList
from mailscribe.message.model import Part
from mailscribe.message.received import _CLAUSES, _SPELLINGS

_BASE64 = [b"TWFp", b"TWFp\r\n", b"TWE=", b"TQ==", b"=", b"A", b"\n", b" ", b"\t", b"\x0b", b"-", b"\xff", b"===="]


@given(st.lists(st.sampled_from(_BASE64), max_size=12).map(b"".join), st.integers(4, 40))
@example(b"TWFp====", 40)
@example(b"TWFpTWE=\r\n", 40)
@example(b"TWFpTWFp\r\nTWFp----\r\nTWFp\r\n", 40)
@example(b"TWFp\nTWFp\nTWFpTWFp\n", 40)
@example(b"TWFp\nTWFp\r\nTW==", 40)
def test_base64_without_damage(data: bytes, size: int) -> None:
    source = transfer.Range(data, 0, len(data))
    short = transfer.Decoder(source, "base64", size)
    found = b"".join(short)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "_usual_base64", lambda _text, _pads: None)
        general = transfer.Decoder(source, "base64", size)
        assert found == b"".join(general)
    assert short.is_damaged == general.is_damaged


_NUMBERS = st.integers(0, 99)
_USUAL_DATE = st.builds(
    "{}{} {} {:04} {:02}:{:02}:{:02} {}{}".format,
    st.sampled_from(["", "Tue, ", "Xyz, ", " "]),
    _NUMBERS,
    st.sampled_from(["Jan", "Feb", "Dec", "Abc"]),
    st.integers(1890, 2110) | st.sampled_from([0, 49, 99, 9999]),
    _NUMBERS,
    _NUMBERS,
    _NUMBERS,
    st.sampled_from(["GMT", "UTC", "MST"]) | st.builds("{}{:04}".format, st.sampled_from("+-"), st.integers(0, 9999)),
    st.sampled_from(["", " ", " (CEST)", " (", " +0100"]),
)


@given(_USUAL_DATE)
@example("29 Feb 2024 23:59:60 -0000")
def test_usual_dates(value: str) -> None:
    found = date.parse_date(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(date, "_USUAL", re.compile("(?!)"))
        assert repr(found) == repr(date.parse_date(value))


_FIELDS = [
    b"Subject: ",
    b"tO:",
    b"X-A :",
    b"a",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"\xc3\xbc",
    b"\0",
    b":",
    b"junk\n",
]


@given(st.lists(st.sampled_from(_FIELDS), max_size=20).map(b"".join), st.integers(0, 3))
def test_plain_headers(data: bytes, start: int) -> None:
    fields = scan.scan_header(data, min(start, len(data)), len(data), LIMITS).fields
    short, general = DefectList(LIMITS.defects), DefectList(LIMITS.defects)
    found = parser._fields(data, fields, LIMITS, short)
    assert found == tuple(parser._field(data, raw, LIMITS, general) for raw in fields)
    assert short.listed() == general.listed()


@given(st.text(alphabet="fFrRoOmMbByYwWiItThHdDvVaA\u0130\u0131\ufb01", max_size=5))
def test_clauses_in_any_case(word: str) -> None:
    name = word.lower() if len(word) <= max(map(len, _CLAUSES)) else ""
    assert _SPELLINGS.get(word) == (name if name in _CLAUSES else None)


@pytest.mark.parametrize("codec", sorted(_TRANSPARENT))
def test_ascii_in_the_codecs_of_most_mail(codec: str) -> None:
    octets = bytes(range(128))
    assert octets.decode() == (windows_1252(octets) if codec == "cp1252" else octets.decode(codec or "utf-8"))
    assert GUESS in _TRANSPARENT


def part(size: int, encoding: str | None) -> Part:
    return Part(
        part_id="1",
        type="text/plain",
        name=None,
        charset="utf-8",
        disposition=None,
        cid=None,
        language=None,
        location=None,
        encoding=encoding,
        header_start=0,
        body_start=0,
        body_end=size,
        size=size,
        sha256=None,
        sub_parts=None,
        is_encoding_problem=False,
    )


@given(st.text(alphabet="ab \n\u00a0é\U0001f600", max_size=60), st.integers(0, 30))
def test_previews(value: str, limit: int) -> None:
    data = value.encode()
    leaf = part(len(data), None)
    whole = " ".join(text._joined(data, (leaf,), limit * text._ROOM).split())
    assert text.preview(data, (leaf,), limit) == whole[:limit].rstrip()


@given(st.text(alphabet="ab\r\né\U0001f600", max_size=60), st.integers(0, 12))
def test_the_beginning_of_what_is_not_encoded(value: str, limit: int) -> None:
    data = value.encode()
    found = part_text(data, part(len(data), "8bit"), limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "NO_CODING", frozenset())
        assert found == part_text(data, part(len(data), "8bit"), limit)


@given(st.text(alphabet="a\r\n", max_size=20))
def test_line_ends(value: str) -> None:
    data = value.encode()
    assert part_text(data, part(len(data), None)).value == value.replace("\r\n", "\n").replace("\r", "\n")
