"""The quick count gives what the plain one gives, whatever is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.smtp import counting

PATTERNS = (b"\n", b"\r", b"\r\n")
blocks = st.lists(st.sampled_from((b"\r", b"\n", b"\r\n", b"x", b"\0", b"y" * 40, b"\xff"))).map(b"".join) | st.binary()


def test_front_ends_count_quickly() -> None:
    assert counting.count is not bytes.count


@given(blocks, st.integers(1, 90))
@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_is_the_same_count(pattern: bytes, block: bytes, times: int) -> None:
    assert counting.count(block, pattern) == block.count(pattern)
    assert counting.count(block * times, pattern) == (block * times).count(pattern)
