"""HTML in shape is read one way, and its making and reading take no more than in proportion to what was sent."""

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.service.html.policy import ATTRIBUTES
from mailscribe.service.html.shape import DEPTH_LIMIT, MARKUP_LIMIT, shaped
from mailscribe.service.html.style import safe_style
from support.calls import calls_of
from support.floods import PAGES
from support.html_attacks import ATTACKS
from support.html_judge import tags

NAMES = "table tr td th tbody thead caption col colgroup p div a b font li ul ol dd dt dl h1 h2 pre span br img"
HEAVY = NAMES.split()
PIECES = st.one_of(
    st.sampled_from([f"<{name}>" for name in HEAVY]),
    st.sampled_from([f"</{name}>" for name in HEAVY]),
    st.sampled_from([*(f"<{name}>" for name in sorted(ATTRIBUTES)), *(f"</{name}>" for name in sorted(ATTRIBUTES))]),
    st.sampled_from(["x", " ", "\n", "<", "<!--x-->", "<style>x</style>", "<form>", "<body>", "</body>"]),
)
FLOODS = {
    **PAGES,
    "divisions": "<div>",
    "formatting": "<b title=1><p>",
    "formatting in tables": "<table><tr><font><td><font>",
    "text in tables": "<table>x<tr>y<td>",
    "rows": "<table><tr></tr>x<tr></tr>y",
    "tables": "<table><td>",
    "items": "<ul><li><div>",
    "overlaps": "<b><i></b></i><a><p></a>",
    "attributes": "<p a a=b a='c' a=\"d\" title>",
    "open quotes": "<p a='",
    "comments": "<!--x--><!x><?x>",
    "brackets": "<",
    "ends": "</p></div></table>",
}
SIZE = 4000


def read(html: str) -> str:
    """As a parser of the standard reads it."""
    attributes = {name: set(each) for name, each in ATTRIBUTES.items()}
    return nh3.clean(html, tags=set(ATTRIBUTES), attributes=attributes, link_rel=None)


@given(st.lists(PIECES, max_size=40))
def test_a_parser_of_the_standard_adds_nothing_and_moves_nothing(pieces: list[str]) -> None:
    html = shaped("".join(pieces)).html
    assert tags(read(html)) == tags(html)


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_in_shape_are_read_as_they_are(name: str) -> None:
    html = shaped(ATTACKS[name]).html
    assert tags(read(html)) == tags(html)


@pytest.mark.parametrize("name", FLOODS)
def test_work_and_result_grow_with_the_html(name: str) -> None:
    once, twice = (FLOODS[name] * (size // len(FLOODS[name])) for size in (SIZE, 2 * SIZE))
    assert calls_of(lambda: shaped(twice)) <= 2.2 * calls_of(lambda: shaped(once)) + 100
    assert len(shaped(twice).html) <= 2.2 * len(shaped(once).html) + 4000
    assert len(read(shaped(twice).html)) <= 8 * len(twice) + 4000


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", FLOODS)
def test_large_pages(name: str) -> None:
    read(shaped(FLOODS[name] * (300_000 // len(FLOODS[name]))).html)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece", ["a", "a:", "color:(", "color:'", "color:'\";", "/*", "url(", "background:url(x) ", "()"]
)
def test_large_styles(piece: str) -> None:
    safe_style(piece * (300_000 // len(piece)), lambda _url: None)


@pytest.mark.parametrize(("depth", "kept"), [(DEPTH_LIMIT - 1, 0), (DEPTH_LIMIT, 0), (DEPTH_LIMIT + 1, 1)])
def test_depth_is_bounded_and_no_text_is_lost(depth: int, kept: int) -> None:
    html = shaped("".join(f"<div>{n} " for n in range(depth)) + "</div>" * depth + "<p>end").html
    assert html.count("<div>") == html.count("</div>") == depth - kept
    assert html.endswith("</div><p>end</p>")
    assert all(f"{n} " in html for n in range(depth))


@pytest.mark.parametrize(("count", "is_cut"), [(9, False), (10, False), (11, True)])
def test_so_much_markup_is_read(count: int, is_cut: bool) -> None:
    found = shaped("<br>" * count + "x", markup_limit=10)
    assert found.is_cut == is_cut
    assert found.html == "<br>" * min(count, 10) + ("" if is_cut else "x")
    assert MARKUP_LIMIT >= 100_000
