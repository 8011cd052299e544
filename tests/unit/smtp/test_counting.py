"""The quick count gives what the plain one gives, whatever is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.smtp import counting

PATTERNS = (b"\n", b"\r", b"\r\n")
blocks = st.lists(st.sampled_from((b"\r", b"\n", b"\r\n", b"x", b"\0", b"y" * 40, b"\xff"))).map(b"".join) | st.binary()


def test_front_ends_count_quickly() -> None:
    assert counting.count is not bytes.count
    assert counting.find is not bytes.find


@given(blocks, st.integers(1, 90))
@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_is_the_same_count(pattern: bytes, block: bytes, times: int) -> None:
    assert counting.count(block, pattern) == block.count(pattern)
    assert counting.count(block * times, pattern) == (block * times).count(pattern)


@given(blocks, st.integers(0, 200))
@pytest.mark.parametrize("pattern", [b"\r\n", b"x\r\n", b"\r\nx\r\n", b"y"])
def test_it_is_the_same_place(pattern: bytes, block: bytes, start: int) -> None:
    start = min(start, len(block))
    assert counting.find(block, pattern, start) == block.find(pattern, start)
