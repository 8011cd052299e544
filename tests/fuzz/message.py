"""Fuzz target: any octets are a message, of which nothing is lost and everything can be read and stored.

Besides octets, what makes mail is changed: lines, boundaries, charsets, encodings, header fields.
"""

import random
import re
from collections.abc import Callable, Iterator

from support.corpora import BOUNCES, GOLDENS, OURS
from support.mail_checks import check_mail

_LARGEST = 8192
_BOUNDARY = re.compile(rb"(?i)boundary=\"?([^\s\";]+)|^--([^\s]+?)(?:--)?\s*$", re.MULTILINE)
_CHARSET = re.compile(rb"(?i)charset=\"?[^\s\";]+|=\?[^\s?]+(?=\?[bq]\?)")
_ENCODING = re.compile(rb"(?i)(?<=content-transfer-encoding: )[^\s;]+")
_TYPE = re.compile(rb"(?i)(?<=content-type: )[^\s;]+")
_CHARSETS = (b"utf-8", b"utf-7", b"utf-16", b"iso-2022-jp", b"gb2312", b"hz", b"big5", b"x-foo", b"us-ascii", b"cp932")
_ENCODINGS = (b"base64", b"quoted-printable", b"8bit", b"x-uuencode", b"x-yenc", b"x-foo", b"binary")
_TYPES = (
    b"multipart/mixed",
    b"multipart/digest",
    b"multipart/alternative",
    b"message/rfc822",
    b"text/html",
    b"text/plain",
)
_WORDS = (
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\0",
    b"\xff",
    b"=?utf-8?q?=e4?=",
    b"\nbegin 644 x\n",
    b"\n=ybegin line=1 size=1 name=x\n",
)


run = check_mail


def seeds() -> Iterator[bytes]:
    """The corpora, as far as their messages are small."""
    for path in (*OURS, *GOLDENS, *BOUNCES):
        data = path.read_bytes()
        if len(data) <= _LARGEST:
            yield data


def change(data: bytearray, corpus: list[bytes], chance: random.Random) -> None:
    """One change."""
    chance.choice(_CHANGES)(data, corpus, chance)


def _octet(data: bytearray, _: list[bytes], chance: random.Random) -> None:
    at = chance.randint(0, len(data))
    data[at : at + chance.randint(0, 1)] = bytes([chance.randrange(256)])


def _word(data: bytearray, _: list[bytes], chance: random.Random) -> None:
    at = chance.randint(0, len(data))
    data[at : at + chance.randint(0, 4)] = chance.choice(_WORDS)


def _line(data: bytearray, _: list[bytes], chance: random.Random) -> None:
    """A line is dropped, doubled, or put elsewhere."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return
    at = chance.randrange(len(lines))
    line = lines[at]
    match chance.randrange(3):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, line)
        case _:
            lines.insert(chance.randint(0, len(lines)), lines.pop(at))
    data[:] = b"".join(lines)


def _end(data: bytearray, _: list[bytes], chance: random.Random) -> None:
    del data[chance.randint(0, len(data)) :]


def _boundary(data: bytearray, _: list[bytes], chance: random.Random) -> None:
    """A boundary, or one of its delimiters, becomes another one of the message, or part of itself."""
    found = list(_BOUNDARY.finditer(data))
    if not found:
        return
    place, other = chance.choice(found), chance.choice(found)
    number = place.lastindex or 0
    new = bytes(other[other.lastindex or 0])
    data[place.start(number) : place.end(number)] = new[: chance.randint(1, 2 * len(new))]


def _splice(data: bytearray, corpus: list[bytes], chance: random.Random) -> None:
    """Lines of another message stand between two of this one."""
    lines, others = data.splitlines(keepends=True), chance.choice(corpus).splitlines(keepends=True)
    at, first = chance.randint(0, len(lines)), chance.randint(0, len(others))
    lines[at:at] = map(bytearray, others[first : first + chance.randint(1, 20)])
    data[:] = b"".join(lines)


def _choice(pattern: re.Pattern[bytes], words: tuple[bytes, ...], before: bytes = b"") -> "_Change":
    """What the pattern finds becomes one of the words."""

    def swap(data: bytearray, _: list[bytes], chance: random.Random) -> None:
        found = list(pattern.finditer(data))
        if found:
            place = chance.choice(found)
            prefix = b"=?" if place[0].startswith(b"=?") else before
            data[place.start() : place.end()] = prefix + chance.choice(words)

    return swap


type _Change = Callable[[bytearray, list[bytes], random.Random], None]

_CHANGES: tuple[_Change, ...] = (
    _octet,
    _word,
    _line,
    _end,
    _boundary,
    _splice,
    _choice(_CHARSET, _CHARSETS, b"charset="),
    _choice(_ENCODING, _ENCODINGS),
    _choice(_TYPE, _TYPES),
)
