"""Hostile mail stays linear: twice the input, at most about twice the calls, and sizes that nothing quadratic survives.

Calls are counted, not timed; what hides inside one call of a pattern is caught by the time-out of the large run.
"""

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from mailscribe.message import LIMITS, parse, plain_text
from mailscribe.message.html_text import html_to_text
from support.mail_view import walk

FIELD = LIMITS.field

HEADERS: dict[str, bytes] = {
    "parentheses": b"(",
    "closed parentheses": b"()",
    "closing parentheses": b")",
    "comments in names": b"a(b)",
    "quotes": b'"',
    "escaped quotes": b'\\"',
    "quoted escapes": b'"\\"',
    "commas": b",",
    "addresses": b"a@b,",
    "at signs": b"@",
    "routes": b"<@a,",
    "opening brackets": b"<",
    "closing brackets": b">",
    "empty brackets": b"<>",
    "colons": b":",
    "semicolons": b";",
    "groups": b"a:;",
    "domain literals": b"[",
    "backslashes": b"\\",
    "spaces": b" ",
    "words": b"a ",
    "one word": b"a",
    "encoded words": b"=?utf-8?q?a?= ",
    "encoded words of many charsets": b"=?a?q?a?= =?b?b?YQ==?=",
    "cut base64 words": b"=?utf-8?b?YQ?= ",
    "encoded word beginnings": b"=?utf-8?q?",
    "encoded word marks": b"=?",
    "encoded word endings": b"?=",
    "equals signs": b"=",
    "parameters": b"; a=b",
    "sections": b"; a*0*=b",
    "quoted parameters": b'; a="b"',
    "open parameters": b'; a="',
    "percent signs": b"; a*=%",
    "message ids": b"<a@b>",
    "numbers": b"1",
    "dates": b"1 Jan 2020 1:1:1 ",
    "clauses": b"from by with id for ",
    "folds": b"\n ",
    "raw octets": b"\xff",
}
NAMES = (b"To", b"Subject", b"Date", b"Received", b"References", b"Content-Type", b"Content-Disposition", b"Content-ID")


def header_mail(piece: bytes, size: int) -> bytes:
    value = piece * (size // len(piece))
    return b"".join(name + b": x" + value + b"\n" for name in NAMES) + b"\nbody"


BODIES: dict[str, Callable[[int], bytes]] = {
    "empty parts": lambda n: _multipart(b"--b\n\n" * n),
    "closed empty parts": lambda n: _multipart(b"--b\n\n" * n + b"--b--"),
    "delimiters": lambda n: _multipart(b"--b\n" * n),
    "near boundaries": lambda n: _multipart(b"--bx\n" * n),
    "half boundaries": lambda n: _multipart(b"--b" * n),
    "dashes": lambda n: _multipart(b"-" * n),
    "fields": lambda n: b"A: b\n" * n + b"\n",
    "lines that are no fields": lambda n: b"A: b\nx\n" * n + b"\n",
    "nameless fields": lambda n: b"A: b\n" + b": b\n" * n + b"\n",
    "mbox lines": lambda n: b"From x\n" * n + b"\n",
    "one field name": lambda n: b"a" * n,
    "same boundary inside": lambda n: _multipart(b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * n),
    "nested parts": lambda n: b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (level, level) for level in range(n)
    ),
    "base64 padding": lambda n: _encoded(b"base64", b"=" * n),
    "base64 pieces": lambda n: _encoded(b"base64", b"TQ==\n" * n),
    "quoted-printable marks": lambda n: _encoded(b"quoted-printable", b"=" * n),
    "quoted-printable spaces": lambda n: _encoded(b"quoted-printable", b" " * n + b"x"),
    "spaces after soft breaks": lambda n: _encoded(b"quoted-printable", b"=" + b" " * n + b"x"),
    "uuencoded lines": lambda n: _encoded(b"x-uuencode", b"begin 644 x\n" + b"#0V%T\n" * n),
    "files in the text": lambda n: b"\n" + b"begin 644 x\n#0V%T\nend\n" * n,
    "files that are cut off": lambda n: b"\n" + b"begin 644 x\n#0V%T\n" * n,
    "beginnings of files": lambda n: b"\n" + b"begin 644 x\n" * n,
    "words that begin files": lambda n: b"\n" + b"begin " * n,
    "beginnings of yEnc": lambda n: b"\n" + b"=ybegin line=1 size=1 name=x\n" * n,
    "sizes of yEnc": lambda n: b"\n=ybegin " + b" size=1" * n,
    "names of yEnc": lambda n: b"\n=ybegin size=1" + b" name=" * n + b"\n",
    "yEnc escapes": lambda n: _encoded(b"x-yenc", b"=ybegin x\n" + b"=}" * n),
    "flowed lines": lambda n: b"Content-Type: text/plain; format=flowed\n\n" + b"> a \n" * n,
    "quote marks": lambda n: b"Content-Type: text/plain; format=flowed\n\n" + b">" * n,
}

HTML: dict[str, str] = {
    "tags": "<a>",
    "open tags": "<a ",
    "open attributes": '<a b="',
    "open single quotes": "<a b='",
    "quotes": "<a b=\"'",
    "brackets": "<",
    "comments": "<!--",
    "declarations": "<!",
    "instructions": "<?",
    "scripts": "<script>",
    "closed scripts": "<script></script>",
    "near script ends": "<script></scrip",
    "ends": "</",
    "ampersands": "&",
    "references": "&#x110000;",
    "digits": "&#1",
    "line ends": "\n",
    "blocks": "<p>",
    "cells": "<td>",
    "blocks and cells": "<p> <td>",
    "images": "<img alt=",
}


def _multipart(body: bytes) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + body


def _encoded(encoding: bytes, body: bytes) -> bytes:
    return b"Content-Transfer-Encoding: " + encoding + b"\n\n" + body


def calls(data: bytes) -> int:
    """How many functions, Python's and C's, are called for a message."""
    count = 0

    def profile(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(profile)
    try:
        plain_text(data, parse(data))
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", HEADERS)
def test_header_calls_grow_with_the_field(name: str) -> None:
    piece = HEADERS[name]
    once, twice = (calls(header_mail(piece, size)) for size in (2000, 4000))
    assert twice <= 2.2 * once + 100


@pytest.mark.parametrize("name", BODIES)
def test_body_calls_grow_with_the_message(name: str) -> None:
    make = BODIES[name]
    once, twice = (calls(make(size)) for size in (400, 800))
    assert twice <= 2.2 * once + 100


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", HEADERS)
def test_fields_as_large_as_they_may_be(name: str) -> None:
    parsed = parse(header_mail(HEADERS[name], FIELD // 3))
    assert parsed.preview == "body"


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", BODIES)
def test_large_bodies(name: str) -> None:
    data = BODIES[name](100_000)
    parsed = parse(data)
    assert len(list(walk(parsed.body))) <= LIMITS.parts
    assert parsed.body.body_end == len(data)
    plain_text(data, parsed)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", HTML)
def test_large_html(name: str) -> None:
    html_to_text(HTML[name] * (1_000_000 // len(HTML[name])))
