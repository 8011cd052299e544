"""Tree → text → tree: what `to_text` writes means the same again, in any time zone."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.errors import QueryError
from mailscribe.query import OPERATORS, And, Node, Not, Operator, Or, Phrase, Prefix, Word, parse_query, to_text
from mailscribe.records import Kind
from support.query_leaves import message_leaves, session_leaves, trees

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FAR = timezone(timedelta(hours=-9, minutes=-30))
KINDS: tuple[Kind, ...] = ("message", "session")

TREES = st.one_of(
    st.tuples(st.just(KINDS[0]), trees(message_leaves)), st.tuples(st.just(KINDS[1]), trees(session_leaves))
)
pieces = st.sampled_from(
    ["a", "b c", "foo-bar", '"x y"', r'"\"q\\"', "inv*", "OR", "AND", "NOT ", "-", "(", ")", " ", "  ", "東京", '"OR"']
    + [spec.example for spec in OPERATORS]
    + ["from:@x.org", "mailfrom:<>", 'from:"A B"', "subject:OR", "subject:-x", "subject:a*", 'subject:"a:b"']
    + ['header:X-A="a b"', 'header:"X-A=a b"', "header:X-A=a*", "header:X-*", "type:Text/*", "larger:1.5M", "smaller:7"]
    + ["messages:>=1", "messages:=2", "duration:<1.5m", "duration:>10", 'reply:"a b"', "accepted:<>", "has:inline"]
)
queries = (
    st.lists(pieces, max_size=14).map(" ".join) | st.lists(pieces, max_size=14).map("".join) | st.text(max_size=30)
)


def read(text: str, kind: Kind) -> Node | QueryError | None:
    try:
        return parse_query(text, kind, now=NOW)
    except QueryError as refused:
        return refused


@given(queries, st.sampled_from(KINDS))
def test_every_text_parses_or_is_refused_and_comes_back_the_same(text: str, kind: Kind) -> None:
    tree = read(text, kind)
    if isinstance(tree, QueryError):
        assert 0 <= tree.position <= len(text)
        assert tree.expected
        (tree.detail + tree.expected).encode("utf-8")
    elif tree is not None:
        written = to_text(tree)
        assert parse_query(written, kind, now=NOW + timedelta(days=1), tz=FAR) == tree
        assert to_text(tree) == written


@given(TREES)
def test_every_tree_of_every_operator_comes_back_the_same(of: tuple[Kind, Node]) -> None:
    kind, tree = of
    parsed = parse_query(to_text(tree), kind, now=NOW)
    assert parsed is not None
    assert parse_query(to_text(parsed), kind, now=NOW + timedelta(days=1), tz=FAR) == parsed


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (And((Word("a"), Or((Word("b"), Word("c"))))), "a (b OR c)"),
        (Or((And((Word("a"), Word("b"))), Not(Word("c")))), "a b OR -c"),
        (Not(And((Word("a"), Word("b")))), "-(a b)"),
        (Not(Not(Prefix("a"))), "--a*"),
        (Phrase('say "hi" \\'), r'"say \"hi\" \\"'),
        (Word("NOT"), '"NOT"'),
        (Word("-x"), '"-x"'),
        (Word("re:x"), '"re:x"'),
        (Word("a b"), '"a b"'),
        (Operator("subject", Word("-x")), "subject:-x"),
        (Operator("subject", Word("a b")), 'subject:"a b"'),
    ],
)
def test_a_tree_is_written(tree: Node, text: str) -> None:
    assert to_text(tree) == text
    assert parse_query(text, "message", now=NOW) is not None
