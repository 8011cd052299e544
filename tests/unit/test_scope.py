"""Scopes: which recipients a token's patterns cover, and which patterns there are."""

import doctest
import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.query.tags import tag
from mailscribe.records import Scope
from mailscribe.records.mailbox import canonical
from mailscribe.records.scope import EVERYTHING, MAX_PATTERN, MAX_PATTERNS, read_patterns

COVERED = [
    ("*", "bob@example.com"),
    ("*", "postmaster"),
    ("*@example.com", "bob@example.com"),
    ("*@example.com", "BOB@Example.COM."),
    ("*@EXAMPLE.com.", "bob@example.com"),
    ("*@münchen.de", "bob@xn--mnchen-3ya.de"),
    ("*@xn--mnchen-3ya.de", "bob@MÜNCHEN.de"),
    ("*@[192.0.2.1]", "bob@[192.0.2.1]"),
    ("*@example.com", '"a b"@example.com'),
    ("*@example.com", "*@example.com"),
    ("bob@example.com", "bob@example.com"),
    ("Bob@example.com", "bOB@EXAMPLE.com"),
    ('"a@b"@example.com', '"a@b"@example.com'),
    ("jörg@example.com", "JO\u0308RG@example.com"),
]
NOT_COVERED = [
    ("*@example.com", "bob@mail.example.com"),
    ("*@mail.example.com", "bob@example.com"),
    ("*@example.com", "bob@example.com.evil.org"),
    ("*@example.com", "bob@evil-example.com"),
    ("*@example.com", "example.com"),
    ("*@example.com", "bob@example.com@evil.org"),
    ("*@example.com", ""),
    ("*@example.com", "<>"),
    ("*@example.com", "postmaster"),
    ("bob@example.com", "bobby@example.com"),
    ("bob@example.com", "bob+tag@example.com"),
    ("bob@example.com", '"bob"@example.com'),
    ("jorg@example.com", "jörg@example.com"),
    ("bob@example.com", "*@example.com"),
]
NO_PATTERNS = [
    "",
    "**",
    "*@",
    "@example.com",
    "example.com",
    "bob",
    "*@*",
    "*@*.example.com",
    "b*b@example.com",
    "bob@",
    "bob@.",
    "bob@example.com..",
    "bob@@example.com",
    "bob @example.com",
    "<bob@example.com>",
    "bob@exa mple.com",
    "bob@example.com\n",
    "a@example.com,b@example.com",
    " *",
    "*@example.com ",
]


@pytest.mark.parametrize(("pattern", "email"), COVERED)
def test_a_recipient_in_scope(pattern: str, email: str) -> None:
    assert Scope.of([pattern]).covers(email)


@pytest.mark.parametrize(("pattern", "email"), NOT_COVERED)
def test_a_recipient_out_of_scope(pattern: str, email: str) -> None:
    assert not Scope.of([pattern]).covers(email)


@pytest.mark.parametrize("text", NO_PATTERNS)
def test_what_is_no_pattern_covers_nothing_and_is_refused(text: str) -> None:
    assert Scope.of([text]) == Scope()
    with pytest.raises(ValueError, match="is not"):
        read_patterns(["*@example.com", text])


def test_one_pattern_for_all_is_everything() -> None:
    assert Scope.of(["bob@example.com", "*"]) is EVERYTHING
    assert EVERYTHING.covers("")


def test_of_no_patterns_nothing_is_covered() -> None:
    assert not Scope.of([]).covers("bob@example.com")
    with pytest.raises(ValueError, match="no recipients"):
        read_patterns([])


def test_patterns_are_kept_as_they_were_given_and_once() -> None:
    given = ["Bob@Example.com", "*@example.org", "bob@example.com.", "*@EXAMPLE.org"]
    assert read_patterns(given) == ("Bob@Example.com", "*@example.org")


@pytest.mark.parametrize(
    ("count", "allowed"), [(MAX_PATTERNS - 1, True), (MAX_PATTERNS, True), (MAX_PATTERNS + 1, False)]
)
def test_so_many_patterns_and_no_more(count: int, allowed: bool) -> None:
    patterns = [f"user{number}@example.com" for number in range(count)]
    if allowed:
        assert len(read_patterns(patterns)) == count
    else:
        with pytest.raises(ValueError, match="more than 100"):
            read_patterns(patterns)


@pytest.mark.parametrize(
    ("length", "allowed"), [(MAX_PATTERN - 1, True), (MAX_PATTERN, True), (MAX_PATTERN + 1, False)]
)
def test_so_long_a_pattern_and_no_longer(length: int, allowed: bool) -> None:
    pattern = "a" * (length - len("@example.com")) + "@example.com"
    assert Scope.of([pattern]).covers(pattern) is allowed


def test_the_names_of_scopes_tell_them_apart() -> None:
    assert Scope.of(["a@x.org", "*@y.org"]).name == Scope.of(["*@Y.org", "A@x.org"]).name
    names = [Scope.of(patterns).name for patterns in ([], ["*"], ["*@x.org"], ["a@x.org"], ["a@x.org", "*@x.org"])]
    assert len(set(names)) == len(names)


@given(st.text("aAbB.@ß*é-", max_size=12), st.text("aAbB.@ß*é-", max_size=12))
def test_addresses_are_the_same_to_scopes_and_to_the_index(one: str, other: str) -> None:
    scope = Scope.of([one])
    if scope.addresses:
        assert scope.covers(other) == (tag("rcpt", canonical(one)) == tag("rcpt", canonical(other)))


@pytest.mark.parametrize("name", ["mailscribe.records.mailbox", "mailscribe.records.scope"])
def test_examples_in_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
