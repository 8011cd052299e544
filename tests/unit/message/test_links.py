"""Links: of HTML, of text, of list header fields; hostile input in bounded work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.message import parse
from mailscribe.message.links import HREF_LIMIT, LINKS_LIMIT, html_links, message_links, text_links

TEXT: list[tuple[str, list[str]]] = [
    ("see http://a.test/x.", ["http://a.test/x"]),
    ("(http://a.test/b_(c))", ["http://a.test/b_(c)"]),
    ("<https://a.test/?q=1&r=2>, ok?", ["https://a.test/?q=1&r=2"]),
    ("mailto:a@b.test!", ["mailto:a@b.test"]),
    ("javascript:alert(1) data:x http://", []),
]
HTML: list[tuple[str, list[tuple[str, str, str | None]]]] = [
    ('<a href="http://a.test/?a=1&amp;b=2">Go <b>now</b></a>', [("http://a.test/?a=1&b=2", "Go now", None)]),
    ("<A REL=nofollow HREF='/x'>y</A>", [("/x", "y", "nofollow")]),
    ('<area href="http://a.test" alt="map">', [("http://a.test", "map", None)]),
    ('<a href="http://a.test"><img alt="logo"></a>', [("http://a.test", "logo", None)]),
    ('<a href=" java\nscript:alert(1)">x</a><a href="data:x">y</a><a name=z>z</a>', []),
    ('<!-- <a href="http://a.test">x</a> --><script><a href="http://b.test"></script>', []),
    (
        '<a href="http://a.test">one<a href="http://b.test">two',
        [("http://a.test", "one", None), ("http://b.test", "two", None)],
    ),
]


@pytest.mark.parametrize(("text", "hrefs"), TEXT)
def test_bare_addresses(text: str, hrefs: list[str]) -> None:
    assert [link.href for link in text_links(text)] == hrefs


@pytest.mark.parametrize(("html", "links"), HTML)
def test_html(html: str, links: list[tuple[str, str, str | None]]) -> None:
    assert [(link.href, link.text, link.rel) for link in html_links(html)] == links


@pytest.mark.parametrize(
    ("post", "kind"), [("", "unsubscribe"), ("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "one-click")]
)
def test_lists_are_left(post: str, kind: str) -> None:
    data = (
        f"List-Unsubscribe: <mailto:u@a.test>,\r\n <https://a.test/u>\r\n{post}\r\nhttps://a.test/u http://b.test\r\n"
    )
    found = [(link.href, link.kind) for link in message_links(data.encode(), parse(data.encode()), 1 << 20)]
    assert found == [("mailto:u@a.test", "unsubscribe"), ("https://a.test/u", kind), ("http://b.test", "body")]


def test_links_are_capped() -> None:
    data = b"\r\n" + b"".join(b"http://a.test/%d\r\n" % number for number in range(LINKS_LIMIT + 1))
    assert len(message_links(data, parse(data), 1 << 20)) == LINKS_LIMIT


@pytest.mark.parametrize(
    "unit", ["((((", "<a <a <a", "http://", '<a href="', "<!--", "</a'>'", "<a'>'", "<a href='x' "]
)
def test_hostile_input_gives_little(unit: str) -> None:
    text = unit * (262_144 // len(unit))
    found = [*html_links(text), *text_links(text)]
    assert all(len(link.href) <= HREF_LIMIT for link in found)
    assert len(found) <= 1


@given(st.text(alphabet="<>a href=\"'/:htp&#;()!-."))
def test_anything_is_read(text: str) -> None:
    assert all(link.href in text for link in text_links(text))
    assert all(link.href for link in html_links(text))
