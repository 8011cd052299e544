"""Text of parts and of messages: HTML, format=flowed, limits."""

import pytest

from mailscribe.message import Text, parse, part_text, plain_text
from mailscribe.message.flowed import unflow
from mailscribe.message.html_text import html_to_text

HTML: list[tuple[str, str]] = [
    ("", ""),
    ("plain", "plain"),
    ("<p>a</p><p>b</p>", "a\nb"),
    ("a<br>b<BR/>c", "a\nb\nc"),
    ("a <b>b</b>\n  c", "a b c"),
    ("a<b>b</b>", "ab"),
    ("<td>a</td><td>b</td>", "a b"),
    ("a&nbsp;&lt;b&gt; &amp;amp; &euro; &#8364; &#x20ac; &unknown;", "a <b> &amp; € € € &unknown;"),
    ("<title>no</title><style>p {}</style>yes", "yes"),
    ("<script>if (a < b) { '</p>' }</script>yes", "yes"),
    ("<SCRIPT>no</SCRIPT >yes", "yes"),
    ("<script>no</scripty>no</script>yes", "yes"),
    ("<script>no", ""),
    ("a<!-- no -->b", "ab"),
    ("a<!-- no", "a"),
    ("<!DOCTYPE html><?xml no?>a", "a"),
    ("<![CDATA[no]]>a", "a"),
    ('<a href="x>y">a</a>', "a"),
    ("<a href='x>y'>a</a>", "a"),
    ('<a href="x>a', "a"),
    ("a < b and c > d", "a < b and c > d"),
    ("1 <2", "1 <2"),
    ("<", "<"),
    ("<a", ""),
    ('<img src=x alt="a picture"> b', "a picture b"),
    ("<img alt=logo>", "logo"),
    ("<img alt>", ""),
    ("<ul><li>a<li>b</ul>", "a\nb"),
    ("\u200c\u200ba\xadb\u034f", "a b"),
    ("&#" + "1" * 5000 + ";", "&#" + "1" * 5000 + ";"),
    ("&#xd800;", "\ufffd"),
    ("<p>&nbsp;</p>a", "a"),
]

FLOWED: list[tuple[str, bool, str]] = [
    ("a \nb", False, "a b"),
    ("a \nb", True, "ab"),
    ("a\nb", False, "a\nb"),
    ("a \n\nb", False, "a \n\nb"),
    ("> a \n> b", False, "> a b"),
    ("> a \n>> b", False, "> a \n>> b"),
    (">> a \n>> b \nc", False, ">> a b \nc"),
    (" >a", False, ">a"),
    (" From x", False, "From x"),
    ("a \n-- \nb", False, "a \n-- \nb"),
    ("> -- \n> b", False, "> -- \n> b"),
    ("a ", False, "a "),
    ("", False, ""),
]


@pytest.mark.parametrize(("html", "expected"), HTML)
def test_html(html: str, expected: str) -> None:
    assert html_to_text(html) == expected


@pytest.mark.parametrize(("text", "delsp", "expected"), FLOWED)
def test_flowed(text: str, delsp: bool, expected: str) -> None:
    assert unflow(text, delsp=delsp) == expected


def body_text(data: bytes, limit: int | None = None) -> Text:
    return part_text(data, parse(data).body, limit)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\na\r\nb\rc", Text("a\nb\nc")),
        (b"Content-Type: text/plain; charset=utf-8\n\n\xef\xbb\xbfa", Text("a")),
        (b"Content-Type: text/plain; charset=x-foo\n\na", Text("a", is_encoding_problem=True)),
        (b"Content-Type: text/plain; charset=utf-8\n\n\xfc", Text("ü", is_encoding_problem=True)),
        (b"Content-Transfer-Encoding: x-foo\n\na", Text("a", is_encoding_problem=True)),
        (b"Content-Transfer-Encoding: base64\n\nYQ", Text("a")),
        (b"Content-Type: image/png\n\na", Text("a")),
    ],
)
def test_part_text(data: bytes, expected: Text) -> None:
    assert body_text(data) == expected


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (0, Text("", is_truncated=True)),
        (2, Text("a", is_truncated=True)),
        (3, Text("aü", is_truncated=True)),
        (4, Text("aüb")),
        (5, Text("aüb")),
    ],
)
def test_limits_count_octets_and_keep_characters(limit: int, expected: Text) -> None:
    assert body_text("\naüb".encode(), limit) == expected


def test_a_limit_reads_no_more_than_it_needs() -> None:
    data = b"Content-Type: text/plain; charset=utf-16be\n\n" + ("ü" * 1000).encode("utf-16-be")
    assert body_text(data, 100) == Text("ü" * 50, is_truncated=True)


MAILS: list[tuple[str, str]] = [
    ("Content-Type: text/html\n\n<p>a</p><p>b</p>", "a\nb"),
    ("Content-Type: text/plain; format=flowed; delsp=yes\n\na \nb\n", "ab\n"),
    ("Content-Type: image/png\n\na", ""),
    (
        "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nplain\n--b\nContent-Type: text/html\n\nhtml\n--b--",
        "plain",
    ),
    (
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\n--b\nContent-Type: image/png\n\nx\n--b\n\nb\n--b--",
        "a\nb",
    ),
    ("Content-Type: multipart/mixed\n\nraw", "raw"),
]


@pytest.mark.parametrize(("text", "expected"), MAILS)
def test_plain_text(text: str, expected: str) -> None:
    data = text.encode()
    assert plain_text(data, parse(data)) == expected


@pytest.mark.parametrize(("limit", "expected"), [(0, ""), (1, "a"), (2, "a\n"), (3, "a\n"), (4, "a\nü"), (9, "a\nü")])
def test_plain_text_has_at_most_limit_octets(limit: int, expected: str) -> None:
    data = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\n--b\n\nü\n--b--".encode()
    found = plain_text(data, parse(data), limit)
    assert found.rstrip("\n") == expected.rstrip("\n")
    assert len(found.encode()) <= limit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n a\n\n b \n", "a b"),
        ("Content-Type: text/html\n\n<style>" + "x" * 9000 + "</style><p>a", "a"),
        ("Subject: nothing\n\n", ""),
    ],
)
def test_preview(text: str, expected: str) -> None:
    assert parse(text.encode()).preview == expected
