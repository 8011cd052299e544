"""Files as they come out of an editor in a hurry: a good one with pieces cut out and others put in."""

from functools import reduce
from typing import Final

from hypothesis import strategies as st

PIECES: Final = (
    *("!!bool x", "!!int ''", "!x", "&a ", "*a", "<<: {a: b}", "? ", "- ", ": ", "{", "}", "[", "]", ", ", "'", '"'),
    *("\\UFFFFFFFF", "|\n", ">\n", "%YAML 1.1\n---\n", "...\n", "\t", "\r", "\n", "  ", "#", "@", "`", "~", "\ufeff"),
    *("\x00", "\x85", "\ud800", "\u2028", "0x1f", "1:30", "2026-12-31", ".inf", "true", "xn--a.test", "9" * 4301),
)

type Edit = tuple[float, int, str]


def broken(text: str) -> st.SearchStrategy[str]:
    """The text after a few edits."""
    edits = st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(PIECES) | st.just(""))
    return st.lists(edits, max_size=4).map(lambda made: reduce(_edited, made, text))


def _edited(text: str, edit: Edit) -> str:
    place = int(edit[0] * len(text))
    return text[:place] + edit[2] + text[place + edit[1] :]
