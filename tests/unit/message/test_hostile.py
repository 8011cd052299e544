"""Hostile mail stays linear: twice the input, at most about twice the calls, and sizes that nothing quadratic survives.

Calls are counted, not timed; what hides inside one call of a pattern is caught by the time-out of the large run.
"""

import pytest

from mailscribe.message import LIMITS, parse, plain_text
from mailscribe.message.html_text import html_to_text
from support.calls import calls_of
from support.floods import BODIES, FIELD, HEADERS, HTML, header_mail
from support.mail_view import walk


def calls(data: bytes) -> int:
    """How many functions, Python's and C's, are called for a message."""
    return calls_of(lambda: plain_text(data, parse(data)))


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
