"""Cursors: good for what they were made for, and for nothing else."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.errors import CursorError
from mailscribe.ids import make_ulid
from mailscribe.query import CursorCodec

CODEC = CursorCodec(b"k" * 32)
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
ALPHABET = string.ascii_letters + string.digits + "-_"

ulids = st.builds(make_ulid, st.integers(0, (1 << 48) - 1), st.integers(0, (1 << 80) - 1))


@given(ulids, st.text())
def test_a_cursor_comes_back_under_its_binding(ulid: str, binding: str) -> None:
    cursor = CODEC.encode(ulid, binding)
    assert set(cursor) <= set(ALPHABET)
    assert CODEC.decode(cursor, binding) == ulid


def test_a_binding_may_hold_what_utf_8_cannot() -> None:
    assert CODEC.decode(CODEC.encode(ULID, "\ud800"), "\ud800") == ULID


@pytest.mark.parametrize("binding", ["", "message\n", "message\nfrom:alic", "message\nfrom:alice\x00"])
def test_a_cursor_of_another_query_is_refused(binding: str) -> None:
    cursor = CODEC.encode(ULID, "message\nfrom:alice")
    with pytest.raises(CursorError):
        CODEC.decode(cursor, binding)


def test_a_cursor_under_another_key_is_refused() -> None:
    with pytest.raises(CursorError):
        CursorCodec(b"x" * 32).decode(CODEC.encode(ULID, "q"), "q")


def test_any_changed_character_is_noticed() -> None:
    cursor = CODEC.encode(ULID, "q")
    for place, present in enumerate(cursor):
        for other in ALPHABET:
            if other != present:
                with pytest.raises(CursorError):
                    CODEC.decode(cursor[:place] + other + cursor[place + 1 :], "q")


@pytest.mark.parametrize("end", ["=", "A", "AAAA", "\n", " "])
def test_nothing_may_be_added(end: str) -> None:
    with pytest.raises(CursorError):
        CODEC.decode(CODEC.encode(ULID, "q") + end, "q")


@given(st.text(max_size=80) | st.text(ALPHABET, min_size=64, max_size=64))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(CursorError):
        CODEC.decode(text, "q")


def test_a_cursor_is_made_of_a_ulid_and_a_real_key() -> None:
    with pytest.raises(ValueError, match="ULID"):
        CODEC.encode("01arz3ndektsv4rrffq69g5fav", "q")
    with pytest.raises(ValueError, match="16 bytes"):
        CursorCodec(b"short")
