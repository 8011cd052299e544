"""Ours is at least as lenient as Python's parser: per class of its defects, and on broken mail of every kind.

docs/parser.md lists the differences; what a reader of Python's parser sees and one of ours does not is named here.
"""

import email.errors
import random
import re
from collections.abc import Container, Iterator
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from fuzz.targets import TARGETS, mutations
from mailscribe.message import DefectCode, decode_part, parse
from mailscribe.message.transfer import NO_CODING
from support.corpora import BOUNCES, GOLDENS, OURS, ROOT
from support.leniency import RAISED, lost, noted
from support.mail_differences import FAST_MAIL_PARSER, LENIENCY
from support.mail_view import walk

D = DefectCode
MIXED = "Content-Type: multipart/mixed; boundary=b\n\n"
BASE64 = "Content-Transfer-Encoding: base64\n\n"

# Python's defect: mail that has it, our defects of the same mail, what is read all the same
CASES: dict[str, tuple[str, set[DefectCode], str]] = {
    "NoBoundaryInMultipartDefect": ("Content-Type: multipart/mixed\n\n--b\n\none\n", {D.MULTIPART_NO_BOUNDARY}, "one"),
    "StartBoundaryNotFoundDefect": (MIXED + "one\n", {D.MULTIPART_NO_DELIMITER}, "one"),
    "CloseBoundaryNotFoundDefect": (MIXED + "--b\n\none\n", {D.MULTIPART_NOT_CLOSED}, "one"),
    "FirstHeaderLineIsContinuationDefect": (" a\nSubject: s\n\none\n", {D.HEADER_MBOX_LINE}, "one"),
    "MisplacedEnvelopeHeaderDefect": (
        "Subject: s\nFrom a@b Tue May 21 11:37:22 2024\nTo: a@b\n\none\n",
        {D.HEADER_LINE_INVALID},
        "one",
    ),
    "MissingHeaderBodySeparatorDefect": ("Subject: s\none\n", {D.HEADER_NOT_TERMINATED}, "one"),
    "MultipartInvariantViolationDefect": (
        "Content-Type: multipart/mixed\n\none\n",
        {D.MULTIPART_NO_BOUNDARY},
        "one",
    ),
    "InvalidMultipartContentTransferEncodingDefect": (
        "Content-Transfer-Encoding: base64\n" + MIXED + "--b\n\none\n--b--\n",
        {D.MULTIPART_ENCODED},
        "one",
    ),
    "UndecodableBytesDefect": ("To: gr\udcfcn <a@b>\n\none\n", {D.HEADER_CHARSET_GUESSED}, "one"),
    "InvalidBase64PaddingDefect": (BASE64 + "b25l b25\n", {D.ENCODING_INVALID}, "oneon"),
    "InvalidBase64CharactersDefect": (BASE64 + "b2*5l\n", {D.ENCODING_INVALID}, "one"),
    "InvalidBase64LengthDefect": (BASE64 + "b25lb\n", {D.ENCODING_INVALID}, "one"),
    "InvalidHeaderDefect": ("To: a@b@c\n\none\n", set(), "one"),
    "HeaderMissingRequiredValue": ("Date: \n\none\n", {D.DATE_INVALID}, "one"),
    "NonPrintableDefect": ("To: a\x01 <a@b>\n\none\n", set(), "one"),
    "ObsoleteHeaderDefect": ("To: Joe Q. Public <a@b>\n\none\n", set(), "one"),
    "NonASCIILocalPartDefect": ("To: ä@b\n\none\n", set(), "one"),
    "InvalidDateDefect": ("Date: soon\n\none\n", {D.DATE_INVALID}, "one"),
}
ABSTRACT = {"MessageDefect", "HeaderDefect"}
LEFT_ENCODED = {"InvalidBase64LengthDefect": [b"b25lb"]}
"""What Python's parser does not decode and shows as it came."""

TRAILING_WHITE = re.compile(rb"[ \t]\r?(?:\n|\Z)")
DELIMITERS_IN_A_ROW = re.compile(rb"^(--\S+?)(?:--)?\s*\n\1(?:--)?\s*\n", re.MULTILINE)
TWO_BOUNDARIES = re.compile(rb"boundary=[^\n]*boundary=")
SUBJECT = re.compile(rb"^subject[ \t]*:", re.MULTILINE | re.IGNORECASE)
BOUNDARY = re.compile(rb"boundary=\"?([^\s\";]+)")
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
TYPE = re.compile(rb"[0-9a-z.+-]+/[0-9a-z.+-]+", re.IGNORECASE)
TYPES = re.compile(rb"^content-type[ \t]*:((?:[^;\n]|\n[ \t])*)", re.MULTILINE | re.IGNORECASE)
CODINGS = re.compile(rb"^content-transfer-encoding[ \t]*:([^\n]*)", re.MULTILINE | re.IGNORECASE)
ENCODINGS = {b"7bit", b"8bit", b"binary", b"base64", b"quoted-printable"}
STRUCTURAL = set(CASES) - {
    "InvalidHeaderDefect",
    "HeaderMissingRequiredValue",
    "NonPrintableDefect",
    "ObsoleteHeaderDefect",
    "NonASCIILocalPartDefect",
    "InvalidDateDefect",
    "UndecodableBytesDefect",
}


def octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def test_every_defect_of_python_has_its_case_and_its_line() -> None:
    found = {name for name, each in vars(email.errors).items() if isinstance(each, type) and name == each.__name__}
    known = {name for name in found if issubclass(getattr(email.errors, name), email.errors.MessageDefect)}
    assert set(CASES) == known - ABSTRACT
    document = (ROOT / "docs" / "parser.md").read_text()
    assert [name for name in CASES if f"`{name}`" not in document] == []
    assert [str(code) for _, codes, _ in CASES.values() for code in codes if f"`{code}`" not in document] == []


@pytest.mark.parametrize("name", CASES)
def test_what_python_notes_is_noted_and_read(name: str) -> None:
    text, codes, content = CASES[name]
    data = octets(text)
    parsed = parse(data)
    assert name in noted(data)
    assert {defect.code for defect in parsed.defects} == codes
    assert content in parsed.preview
    assert lost(data) == LEFT_ENCODED.get(name, [])


@pytest.mark.parametrize("path", BOUNCES + GOLDENS + OURS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_line_that_python_shows_is_lost(path: Path) -> None:
    try:
        lines = lost(path.read_bytes())
    except RAISED as error:
        pytest.skip(f"it raises {type(error).__name__}")
    assert bool(lines) == (f"{path.parent.name}/{path.stem}" in LENIENCY), lines


def explained(data: bytes) -> set[str]:
    """Why the parts of mail in which nobody finds anything wrong may be read in two ways."""
    found = set()
    for part in walk(parse(data).body):
        body = data[part.body_start : part.body_end]
        if part.encoding not in {*NO_CODING, "base64", "quoted-printable"}:
            found.add("an encoding by a wrong or private name is understood")
        if part.encoding == "quoted-printable" and TRAILING_WHITE.search(body):
            found.add("white space at the end of a quoted-printable line is deleted (RFC 2045 §6.7 (3))")
    if CONTROL.search(data):
        found.add("a control character is no white space, and CR alone no line end")
    if b"message/" in data.lower():
        found.add("an attached message is a leaf; Python's parser reads on in it")
    if any(not TYPE.fullmatch(value.strip()) for value in TYPES.findall(data)):
        found.add("a type is a token and a token: what else stands there is left out")
    if any(value.strip().lower() not in ENCODINGS for value in CODINGS.findall(data)):
        found.add("an encoding with a comment or a semicolon is understood")
    return found


def test_changed_mail_that_is_right_is_read_the_same() -> None:
    """Where neither finds a defect, the parts and their content are the same, or there is a reason."""
    same = 0
    for data in changed(3, 1500):
        if parse(data).defects or not is_right(data):
            continue
        is_same = list(our_leaves(data)) == list(their_leaves(data))
        assert is_same or explained(data), data
        same += is_same
    assert same >= 200


def test_no_line_of_changed_mail_is_lost_without_a_defect() -> None:
    for data in changed(4, 1500):
        try:
            lines = lost(data)
        except RAISED:
            continue
        assert not lines or parse(data).defects or explained(data), (lines, data)


def explained_to_fast_mail_parser(data: bytes) -> set[str]:
    """Why it may find other parts or another subject in mail in which nobody finds anything wrong."""
    found = explained(data)
    if b"=?" in data:
        found.add("encoded words are decoded in more forms, and more charsets are known")
    if DELIMITERS_IN_A_ROW.search(data):
        found.add("delimiter lines in a row have no part between them")
    if TWO_BOUNDARIES.search(data):
        found.add("of a parameter that stands twice the first counts")
    if len(SUBJECT.findall(data)) > 1:
        found.add("the last field of a name counts (RFC 8621 §4.1.3)")
    for boundary in BOUNDARY.findall(data):
        if re.search(rb"^--" + re.escape(boundary) + rb"(?!(?:--)?\s*$)", data, re.MULTILINE):
            found.add("a line that goes on after the boundary is no delimiter while others match exactly")
    return found


def test_changed_mail_that_is_right_is_read_as_by_fast_mail_parser() -> None:
    judge = pytest.importorskip("fast_mail_parser")
    same = 0
    for data in changed(5, 1500, FAST_MAIL_PARSER):
        parsed = parse(data)
        if parsed.defects or not is_right(data):
            continue
        try:
            subject, types = judge.parse_email(data).subject, types_of(judge.parse_email_tree(data))
        except judge.ParseError:
            continue
        is_same = types == [part.type for part in walk(parsed.body)]
        is_same &= " ".join((parsed.subject or "").split()) == " ".join(subject.split())
        assert is_same or explained_to_fast_mail_parser(data), data
        same += is_same
    assert same >= 500


def types_of(tree: Any) -> list[str]:
    waiting, types = [tree], []
    while waiting:
        part = waiting.pop()
        types.append(part.content_type)
        waiting.extend([] if part.is_message else reversed(part.children))
    return types


def changed(seed: int, count: int, without: Container[str] = ()) -> Iterator[bytes]:
    """The project's own mail, changed here and there; none of those that differ without any change."""
    mail = [path.read_bytes() for path in OURS if f"corpus/{path.stem}" not in without]
    target = replace(TARGETS["message"], seeds=lambda: iter(mail))
    return islice(mutations(target, random.Random(seed)), count)


def is_right(data: bytes) -> bool:
    """Whether Python's parser raises nothing and notes nothing."""
    try:
        list(their_leaves(data))
        return not noted(data) & STRUCTURAL
    except RAISED:
        return False


def our_leaves(data: bytes) -> Iterator[tuple[str, bytes]]:
    for part in walk(parse(data).body):
        if part.sub_parts is None and not part.type.startswith("message/"):
            yield part.type, decode_part(data, part)


def their_leaves(data: bytes) -> Iterator[tuple[str, bytes]]:
    waiting = [message_from_bytes(data)]
    while waiting:
        part = waiting.pop()
        if part.get_content_maintype() == "message":
            continue
        if part.is_multipart():
            waiting += [child for child in reversed(list(part.get_payload())) if isinstance(child, Message)]
        else:
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            yield part.get_content_type(), content
