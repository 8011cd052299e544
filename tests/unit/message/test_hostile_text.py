"""What is read out of a text stays linear, and memory bounded, whatever a stranger writes.

Calls are counted, not timed; what hides inside one call of a pattern is caught by the time-out of the large run.
"""

import tracemalloc
from collections.abc import Callable
from functools import partial

import pytest

from mailscribe.message import parse, plain_text
from mailscribe.message.codes import find_codes
from mailscribe.message.links import html_links, text_links
from mailscribe.message.quotes import without_quotes
from support.calls import calls_of
from support.floods import BODIES, PAGES, TEXTS

MB = 1_000_000

READERS: dict[str, Callable[[str], object]] = {
    "links": lambda text: list(text_links(text)),
    "codes": lambda text: find_codes("", text),
    "quotes": without_quotes,
    "page": lambda text: list(html_links(text)),
}
FLOODS = [(reader, name) for reader in READERS for name in (PAGES if reader == "page" else TEXTS)]


def flood(reader: str, name: str, size: int) -> str:
    piece = (PAGES if reader == "page" else TEXTS)[name]
    return piece * (size // len(piece))


@pytest.mark.parametrize(("reader", "name"), FLOODS)
def test_calls_grow_with_the_text(reader: str, name: str) -> None:
    once, twice = (calls_of(partial(READERS[reader], flood(reader, name, size))) for size in (4000, 8000))
    assert twice <= 2.2 * once + 100


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("reader", "name"), FLOODS)
def test_large_texts(reader: str, name: str) -> None:
    READERS[reader](flood(reader, name, 300_000))


def peak(data: bytes) -> int:
    """Octets that reading a message takes at most, besides its own."""
    tracemalloc.start()
    try:
        plain_text(data, parse(data))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", BODIES)
def test_memory_for_floods(name: str) -> None:
    assert peak(BODIES[name](30_000)) <= 16 * MB


@pytest.mark.timeout(60)
def test_memory_for_many_base64_texts_is_that_of_a_piece() -> None:
    assert peak(BODIES["base64 pieces"](300_000)) <= 16 * MB


@pytest.mark.parametrize("encoding", ["base64", "7bit"])
def test_memory_for_a_large_attachment_is_that_of_a_piece(encoding: str) -> None:
    line = b"QUJD" * 19 + b"\r\n"
    head = f"Content-Type: application/pdf\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    assert peak(head + line * 100_000) <= 2 * MB
