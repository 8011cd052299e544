"""Structured MIME values."""

import pytest

from mailscribe.message.parameter import parse_structured

CASES: list[tuple[str, str, dict[str, str]]] = [
    ("text/plain", "text/plain", {}),
    (" Text/HTML ", "text/html", {}),
    ("text/plain; charset=us-ascii (Plain text)", "text/plain", {"charset": "us-ascii"}),
    ('text/plain; charset="us-ascii"', "text/plain", {"charset": "us-ascii"}),
    ("text/plain;charset=utf-8;format=flowed", "text/plain", {"charset": "utf-8", "format": "flowed"}),
    ("(a) text/plain (b); (c) charset=utf-8 (d)", "text/plain", {"charset": "utf-8"}),
    ('attachment; filename="a (b).txt"', "attachment", {"filename": "a (b).txt"}),
    ('attachment; filename="a;b.txt"', "attachment", {"filename": "a;b.txt"}),
    ('attachment; filename="a\\"b.txt"', "attachment", {"filename": 'a"b.txt'}),
    ('multipart/mixed; boundary="=_:b/1"', "multipart/mixed", {"boundary": "=_:b/1"}),
    ("multipart/mixed; boundary==_b", "multipart/mixed", {"boundary": "=_b"}),
    ("multipart/mixed; boundary=--=b", "multipart/mixed", {"boundary": "--=b"}),
    # RFC 2231
    ('a/b; url*0="ftp://"; url*1="x.example"', "a/b", {"url": "ftp://x.example"}),
    ("a/b; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "a/b", {"title": "This is ***fun***"}),
    (
        "a/b; t*0*=us-ascii'en'This%20is%20even%20more%20; t*1*=%2A%2Afun%2A%2A%20; t*2=\"isn't it!\"",
        "a/b",
        {"t": "This is even more **fun** isn't it!"},
    ),
    ("a/b; f*1*=%BC.txt; f*0*=utf-8''gr%C3", "a/b", {"f": "grü.txt"}),
    ("a/b; f*0=a; f*2=c", "a/b", {"f": "a"}),
    ("a/b; f*1=b; f*2=c", "a/b", {"f": "bc"}),
    ("a/b; f*2=b", "a/b", {"f": ""}),
    ("a/b; f=plain; f*=utf-8''ext%C3%A9nded", "a/b", {"f": "exténded"}),
    ("a/b; f*=ext%C3%A9nded", "a/b", {"f": "exténded"}),
    ("a/b; f*=''%C3%A9", "a/b", {"f": "é"}),
    ("a/b; f*=x-foo''%FC", "a/b", {"f": "ü"}),
    ("a/b; f*=iso-8859-1''%80%zz%", "a/b", {"f": "€%zz%"}),
    ("a/b; f*=utf-8''a%00b", "a/b", {"f": "ab"}),
    ("a/b; f**=x; *=y", "a/b", {"f**": "x", "*": "y"}),
    # merely sent
    ("attachment; filename=my file.txt", "attachment", {"filename": "my file.txt"}),
    ("attachment; filename=my file.txt; size=3", "attachment", {"filename": "my file.txt", "size": "3"}),
    ("text/plain charset=utf-8", "text/plain", {"charset": "utf-8"}),
    ("text/plain; charset=utf-8 format=flowed", "text/plain", {"charset": "utf-8", "format": "flowed"}),
    ("text/plain; charset = utf-8", "text/plain", {"charset": "utf-8"}),
    ('text/plain; charset="utf-8', "text/plain", {"charset": "utf-8"}),
    ('text/plain; charset="utf-8; format=flowed', "text/plain", {"charset": "utf-8; format=flowed"}),
    ('text/plain; charset=utf-8"', "text/plain", {"charset": "utf-8"}),
    ("text/plain;; charset=utf-8;", "text/plain", {"charset": "utf-8"}),
    ("text/plain; charset", "text/plain", {}),
    ("text/plain; charset=", "text/plain", {"charset": ""}),
    ("text/plain; charset=a; charset=b", "text/plain", {"charset": "a"}),
    ("text/plain; CharSet=A", "text/plain", {"charset": "A"}),
    ('"text/plain"; charset=a', "text/plain", {"charset": "a"}),
    ("charset=utf-8", "charset=utf-8", {}),
    ("; filename=a", "", {"filename": "a"}),
    ("", "", {}),
    ("quoted-printable;", "quoted-printable", {}),
    ("8 bit", "8 bit", {}),
    ("a/b; f=(not a comment", "a/b", {"f": "(not a comment"}),
]


@pytest.mark.parametrize(("text", "token", "parameters"), CASES)
def test_structured(text: str, token: str, parameters: dict[str, str]) -> None:
    found = parse_structured(text)
    assert found.parameters == parameters
    assert found.token == token


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=?utf-8?q?gr=C3=BCn.txt?=", "grün.txt"),
        ('"=?utf-8?q?gr=C3=BCn.txt?="', "grün.txt"),
        ('"=?utf-8?q?gr=C3?= =?utf-8?q?=BCn.txt?="', "grün.txt"),
        ("gru\u0308n.txt", "grün.txt"),
        ('""', None),
    ],
)
def test_readable_values_have_encoded_words_decoded(value: str, expected: str | None) -> None:
    assert parse_structured(f"attachment; filename={value}").readable("filename") == expected


def test_an_absent_value() -> None:
    assert parse_structured("attachment").readable("filename") is None
