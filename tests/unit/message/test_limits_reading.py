"""Each limit of what is read out of a message at one below, at it, and one above; and every limit has a test."""

import pytest

from mailscribe.message import LIMITS
from mailscribe.message.charset import codec_of
from mailscribe.message.codes import CANDIDATES_LIMIT, CODES_LIMIT, CONTEXT_LIMIT, find_codes
from mailscribe.message.date import LONGEST, parse_date
from mailscribe.message.links import HREF_LIMIT, LINKS_LIMIT, TEXT_LIMIT, distinct, html_links, text_links
from mailscribe.message.quotes import ATTRIBUTION_LIMIT, without_quotes
from support.corpora import ROOT

STEPS = pytest.mark.parametrize("step", [-1, 0, 1])


def test_every_limit_of_the_parser_has_its_test() -> None:
    tests = (ROOT / "tests/unit/message/test_limits.py").read_text()
    assert [name for name in LIMITS._fields if f"@STEPS\ndef test_{name}(" not in tests] == []


@STEPS
def test_links(step: int) -> None:
    count = LINKS_LIMIT + step
    page = "".join(f"<a href=http://a.example/{number}>x</a>" for number in range(count))
    text = " ".join(f"http://a.example/{number}" for number in range(count))
    assert len(html_links(page)) == min(count, LINKS_LIMIT)
    assert len(distinct(text_links(text))) == min(count, LINKS_LIMIT)


@STEPS
def test_the_address_of_a_link(step: int) -> None:
    href = "http://a.example/".ljust(HREF_LIMIT + step, "x")
    expected = [href] if step <= 0 else []
    assert [link.href for link in text_links(href)] == expected
    assert [link.href for link in html_links(f"<a href={href}>x</a>")] == expected


@STEPS
def test_the_text_of_a_link(step: int) -> None:
    [link] = html_links("<a href=http://a.example/>" + "x" * (TEXT_LIMIT + step) + "</a>")
    assert len(link.text) == min(TEXT_LIMIT + step, TEXT_LIMIT)


@STEPS
def test_codes(step: int) -> None:
    count = CODES_LIMIT + step
    found = find_codes("", "".join(f"Your code is {100_000 + number}.\n" for number in range(count)))
    assert len(found) == min(count, CODES_LIMIT)


@STEPS
def test_candidates_for_codes(step: int) -> None:
    """What stands behind so many groups of digits is not looked at."""
    found = find_codes("", "order 1234\n" * (CANDIDATES_LIMIT - 1 + step) + "Your code is 987654.\n")
    assert ("987654" in {each.code for each in found}) == (step <= 0)


@STEPS
def test_the_context_of_a_code(step: int) -> None:
    line = "Your code is 987654.".ljust(CONTEXT_LIMIT + step, "x")
    [code] = find_codes("", line)
    assert len(code.context) <= CONTEXT_LIMIT
    assert (code.context == line) == (step <= 0)


@STEPS
def test_an_attribution(step: int) -> None:
    attribution = "On Monday " + "x" * (ATTRIBUTION_LIMIT + step - 17) + " wrote:"
    assert len(attribution) == ATTRIBUTION_LIMIT + step
    assert (without_quotes(f"Yes.\n{attribution}\n> No?\n") == "Yes.") == (step <= 0)


@STEPS
def test_a_date(step: int) -> None:
    """What stands behind so many characters is no part of it."""
    text = "1 May 2024 11:37".rjust(LONGEST + step)
    date = parse_date(text)
    assert date is not None
    assert date.minute == (37 if step <= 0 else 3)


@STEPS
def test_a_charset_label(step: int) -> None:
    assert codec_of("utf-8".ljust(64 + step, "-")) == ("utf-8" if step <= 0 else None)
