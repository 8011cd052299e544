"""Floods: the same piece over and over, in header fields, in bodies, in pages and in texts."""

from collections.abc import Callable

from mailscribe.message import LIMITS

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
    "trace fields": lambda n: b"Received: from a by b with c id d for <e@f>; 1 Jan 24 1:1:1 GMT\n" * n + b"\n",
    "fields of many charsets": lambda n: b"".join(b"A: =?x%d?q?a?=\n" % number for number in range(n)) + b"\n",
    "fields of content": lambda n: b"Content-Type: text/plain; a*0=b\n" * n + b"\n",
    "nested messages": lambda n: b"Content-Type: message/rfc822\n\n" * n,
    "boundaries that begin one another": lambda n: _multipart(b"".join(b"--b%d\n" % number for number in range(n))),
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


TEXTS: dict[str, str] = {
    "links": "http://a.example/b ",
    "beginnings of links": "http://",
    "one long link": "http://a.example/" + "b" * 20,
    "brackets in links": "http://a.example/((",
    "brackets behind links": "http://a.example/)))))) ",
    "dots behind links": "http://a.example/...... ",
    "hosts without a scheme": "www.",
    "mailto": "mailto:",
    "at signs": "@",
    "words": "a ",
    "one word": "a",
    "spaces": " ",
    "line ends": "\n",
    "numbers": "123456 ",
    "one number": "1",
    "grouped numbers": "123-",
    "codes": "code 123456\n",
    "words for codes": "code ",
    "letters and figures": "ABC123 ",
    "quote marks": ">",
    "quoted lines": "> a\n",
    "attributions": "On Monday Ann wrote:\n",
    "beginnings of attributions": "On Monday ",
    "lines of attributions": "On\n",
    "original messages": "-----Original Message-----\n",
    "fields of forwarded mail": "From: a\n",
    "rules": "_____\n",
    "signatures": "-- \n",
}
PAGES = {
    **HTML,
    "links": "<a href=x>x</a>",
    "links that are not closed": "<a href=x>",
    "addresses without a value": "<a href=",
    "addresses in open quotes": '<a href="',
    "ends of links": "</a>",
    "relations": "<a rel=x ",
    "elements in links": "<a href=x><b>",
    "references in links": "<a href=&amp;>",
    "areas": "<area href=x>",
}
