"""A message as a whole: header fields, properties, the beginning of the header, mapped files."""

import hashlib
import mmap
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from mailscribe.message import EXPLANATIONS, Address, DefectCode, Received, decode_part, parse, part_text, plain_text

D = DefectCode
MST = timezone(timedelta(hours=-7))

# The one-line message of a session of 1998: twelve lines went to the client's peer.
ONE_LINE = """\
Received: by sun.tuc.test.org. (4.1/SMI-4.1)
 id AA01301; Tue, 21 May 98 11:37:22 MST
Message-Id: <6210181836.AA00502@sun.tuc.test.org.>
From: mable@sun.tuc.test.org (Mable Merliney)
Reply-To: mable@test.org
X-Phone: +0 202 671 2761
X-Mailer: Mail User’s Shell (9.1.0 12/02/98)
To: mable@test.org
Subject: testing

8, 9, 10.
"""
FOLDED = ONE_LINE.replace("Reply-To: ", "Reply-To:\n ").replace("X-Phone: ", "X-Phone:\n ").replace("To: m", "To:\n m")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("text", [ONE_LINE, FOLDED], ids=["as sent", "with folded values"])
def test_the_one_line_message(text: str, end: str) -> None:
    data = text.replace("\n", end).encode()
    parsed = parse(data)
    assert [field.name for field in parsed.headers] == [
        "Received",
        "Message-Id",
        "From",
        "Reply-To",
        "X-Phone",
        "X-Mailer",
        "To",
        "Subject",
    ]
    values = {field.name: " ".join(field.value.split()) for field in parsed.headers}
    assert values["X-Phone"] == "+0 202 671 2761"
    assert values["X-Mailer"] == "Mail User’s Shell (9.1.0 12/02/98)"
    assert parsed.from_ == (Address("Mable Merliney", "mable@sun.tuc.test.org"),)
    assert parsed.reply_to == parsed.to == (Address(None, "mable@test.org"),)
    assert parsed.message_id == ("6210181836.AA00502@sun.tuc.test.org.",)
    assert (parsed.subject, parsed.sent_at, parsed.cc) == ("testing", None, None)
    assert parsed.trace == (
        Received(by="sun.tuc.test.org", id="AA01301", date=datetime(1998, 5, 21, 11, 37, 22, tzinfo=MST)),
    )
    assert decode_part(data, parsed.body) == f"8, 9, 10.{end}".encode()
    assert part_text(data, parsed.body).value == "8, 9, 10.\n"
    assert plain_text(data, parsed) == "8, 9, 10.\n"
    assert parsed.preview == "8, 9, 10."
    assert (parsed.body.part_id, parsed.body.size, parsed.body.charset) == ("1", 9 + len(end), "us-ascii")
    assert parsed.text_body == parsed.html_body == (parsed.body,)
    assert (parsed.attachments, parsed.has_attachment, parsed.defects) == ((), False, ())


def test_fields_keep_their_folds_and_ranges() -> None:
    data = b"A: b\r\n c\r\nD :\te\r\n\r\nbody"
    first, second = parse(data).headers
    assert (first.name, first.value, data[first.start : first.end]) == ("A", " b\r\n c", b"A: b\r\n c\r\n")
    assert (second.name, second.value, data[second.start : second.end]) == ("D", "\te", b"D :\te\r\n")


def test_the_last_field_of_a_name_counts() -> None:
    parsed = parse(b"Subject: a\nSUBJECT: b\nTo: a@b\nto: c@d\n\n")
    assert (parsed.subject, parsed.to) == ("b", (Address(None, "c@d"),))


def test_absent_and_empty_fields() -> None:
    parsed = parse(b"Subject:\nTo:\nMessage-ID:\nReferences: nothing\nCc: undisclosed:;\n\n")
    assert (parsed.subject, parsed.to, parsed.cc, parsed.bcc) == ("", (), (), None)
    assert (parsed.message_id, parsed.references, parsed.in_reply_to) == (None, None, None)


BEGINNINGS: dict[str, tuple[bytes, list[str], str, list[DefectCode]]] = {
    "an mbox line": (b"From a@b Tue May 21\nA: b\n\nbody", ["A"], "body", [D.HEADER_MBOX_LINE]),
    "a quoted mbox line": (b">From a@b\nA: b\n\nbody", ["A"], "body", [D.HEADER_MBOX_LINE]),
    "a byte order mark": (b"\xef\xbb\xbfA: b\n\nbody", ["A"], "body", [D.HEADER_MBOX_LINE]),
    "a continuation of nothing": (b" x\nA: b\n\nbody", ["A"], "body", [D.HEADER_MBOX_LINE]),
    "no header": (b"Hello\nthere: you\n", [], "Hello there: you", [D.HEADER_NOT_TERMINATED]),
    "no empty line": (b"A: b\nHello\nthere\n", ["A"], "Hello there", [D.HEADER_NOT_TERMINATED]),
    "a line that is no field": (b"A: b\nHello\nC: d\n\nbody", ["A", "C"], "body", [D.HEADER_LINE_INVALID]),
    "a field without a name": (b"A: b\n: c\n\nbody", ["A"], "body", [D.HEADER_LINE_INVALID]),
    "a name beyond ASCII": (b"A: b\n\xe4: c\nD: e\n\nbody", ["A", "D"], "body", [D.HEADER_LINE_INVALID]),
    "a line of white space": (b"A: b\n \nC: d\n\nbody", ["A", "C"], "body", []),
    "line ends that are CR": (b"A: b\rC: d\r\rbody\r", ["A", "C"], "body", [D.LINE_ENDS_CR]),
    "mixed line ends": (b"A: b\r\nC: d\n\r\nbody\r", ["A", "C"], "body", []),
    "NUL": (b"A: b\0c\n\nbody", ["A"], "body", [D.HEADER_NUL]),
    "raw octets": (b"A: \xe4\n\nbody", ["A"], "body", [D.HEADER_CHARSET_GUESSED]),
    "UTF-8": ("A: ä\n\nbody".encode(), ["A"], "body", []),
    "no date": (b"Date: Whenever\n\nbody", ["Date"], "body", [D.DATE_INVALID]),
    "no line end": (b"A: b", ["A"], "", []),
    "an unfinished line": (b"A", [], "A", [D.HEADER_NOT_TERMINATED]),
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_beginnings(name: str) -> None:
    data, names, preview, codes = BEGINNINGS[name]
    parsed = parse(data)
    assert [field.name for field in parsed.headers] == names
    assert parsed.preview == preview
    assert [defect.code for defect in parsed.defects] == codes


def test_defects_say_where() -> None:
    data = b"Date: Whenever\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: x\n\n\n--b--"
    assert [(defect.code, defect.part_id, defect.offset) for defect in parse(data).defects] == [
        (D.DATE_INVALID, None, data.index(b"Date")),
        (D.ENCODING_UNKNOWN, "1", data.index(b"Content-Transfer")),
    ]


def test_every_defect_is_explained() -> None:
    assert set(EXPLANATIONS) == set(DefectCode)


def test_a_mapped_file(tmp_path: Path) -> None:
    data = FOLDED.encode()
    path = tmp_path / "mail"
    path.write_bytes(data)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert parse(mapped) == parse(data)
        assert plain_text(mapped, parse(mapped)) == "8, 9, 10.\n"


ATTACHMENT = b"""\
Content-Type: application/pdf; name="a.pdf"
Content-Disposition: ATTACHMENT; filename="=?utf-8?q?gr=C3=BCn?=.pdf"
Content-Transfer-Encoding: BASE64
Content-ID: <x@y>
Content-Language: de, en-GB (English)
Content-Location: http://example.test/
 a.pdf

TWFpbA==
"""


def test_the_fields_of_a_part() -> None:
    part = parse(ATTACHMENT).body
    assert (part.type, part.name, part.charset) == ("application/pdf", "grün.pdf", None)
    assert (part.disposition, part.encoding, part.cid) == ("attachment", "base64", "x@y")
    assert (part.language, part.location) == (("de", "en-GB"), "http://example.test/a.pdf")
    assert (part.size, part.sha256) == (4, hashlib.sha256(b"Mail").hexdigest())


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (b"Content-Type: a/b; name=x", "x"),
        (b"Content-Type: a/b; name=x\nContent-Disposition: inline; filename=y", "y"),
        (b"Content-Disposition: inline; filename*=utf-8''%C3%BC", "ü"),
        (b"Content-Disposition: inline", None),
        (b'Content-Disposition: ;\n filename="a.png"', "a.png"),
    ],
)
def test_names(fields: bytes, name: str | None) -> None:
    assert parse(fields + b"\n\n").body.name == name


@pytest.mark.parametrize(
    ("field", "charset"),
    [
        (b"", "us-ascii"),
        (b"Content-Type: text/plain", "us-ascii"),
        (b"Content-Type: text/plain; charset=UTF-8", "UTF-8"),
        (b"Content-Type: text/calendar; charset=utf-8", "utf-8"),
        (b"Content-Type: image/png", None),
        (b"Content-Type: application/json; charset=utf-8", None),
    ],
)
def test_charsets_are_those_of_text_only(field: bytes, charset: str | None) -> None:
    assert parse(field + b"\n\n").body.charset == charset
