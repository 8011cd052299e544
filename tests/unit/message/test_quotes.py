"""Replies without what they quote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.message.quotes import without_quotes

REPLIES: list[tuple[str, str]] = [
    ("Yes.\n\n> Really?\n", "Yes."),
    ("Yes.\n\nOn Monday, Bob wrote:\n> Really?", "Yes."),
    ("Yes.\n\nOn Mon, 1 Jan 2024, Bob <bob@test.org>\nwrote:\n> Really?", "Yes."),
    ("Ja.\nAm Montag schrieb Bob:\n> Wirklich?", "Ja."),
    ("Oui.\nLe lundi, Bob a écrit :\n> Vraiment ?", "Oui."),
    ("Yes.\n-----Original Message-----\nFrom: Bob\nReally?", "Yes."),
    ("Yes.\nFrom: Bob\nSent: Monday\nTo: Mable\n\nReally?", "Yes."),
    ("Yes.\n-- \nMable", "Yes."),
    ("> a\nyes\n> b\nno", "yes\nno"),
    ("> only this", "> only this"),
    ("On my way: soon", "On my way: soon"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "own"), REPLIES)
def test_what_a_reply_says_itself(text: str, own: str) -> None:
    assert without_quotes(text) == own


@given(st.text(alphabet="> \nOn wrote:-From Sent"))
def test_what_is_left_was_there(text: str) -> None:
    own = without_quotes(text)
    lines = set(text.split("\n"))
    assert all(line in lines for line in own.split("\n"))
    assert bool(own.strip()) == bool(text.strip())
