"""Random queries over random documents: the index answers what a plain evaluation of every record answers, in order."""

from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailscribe.ids import make_ulid
from mailscribe.query import OPERATORS, Node, Statement, parse_query, plan, to_text
from mailscribe.records import Kind
from mailscribe.store.tail import Hit
from support.brute_query import answer, operators
from support.query_leaves import message_leaves, session_leaves, trees
from support.query_world import NOW, SPAN_MS, START_MS, world
from support.segments import sealed_world

type Bound = str | int | None

CASES = settings(max_examples=max(1000, settings().max_examples))
"""Of each kind."""

bounds = st.none() | st.integers(START_MS, START_MS + SPAN_MS).map(lambda ms: make_ulid(ms, 0)) | st.integers(0, 50)
"""No bound, one between documents, or one at a document of the world."""


def check(kind: Kind, seed: int, tree: Node, bound: Bound, committed: Bound, limit: int) -> None:
    tail, things = world(kind, seed)
    before = things[bound].id if isinstance(bound, int) else bound
    after_commit = things[committed].commit if isinstance(committed, int) else committed
    node = parse_query(to_text(tree), kind, now=NOW, tz=UTC)
    statement = plan(node, kind, before=before, after_commit=after_commit, limit=limit)
    hits = tail.search(statement)
    assert [hit.id for hit in hits] == answer(node, things, before=before, after_commit=after_commit, limit=limit)
    check_segments(kind, seed, statement, hits, limit)


def check_segments(kind: Kind, seed: int, statement: Statement, hits: list[Hit], limit: int) -> None:
    """The same from a segment of the same documents, however it is opened, and from two that share them."""
    whole, halves = sealed_world(kind, seed)
    for segment in whole:
        assert segment.search(statement) == hits
    found = [hit for segment in halves for hit in segment.search(statement)]
    assert sorted(found, key=lambda hit: hit.id, reverse=True)[:limit] == hits


@CASES
@given(st.integers(0, 3), trees(message_leaves), bounds, bounds, st.sampled_from([1, 5, 100]))
def test_messages(seed: int, tree: Node, before: Bound, after_commit: Bound, limit: int) -> None:
    check("message", seed, tree, before, after_commit, limit)


@CASES
@given(st.integers(0, 3), trees(session_leaves), bounds, bounds, st.sampled_from([1, 5, 100]))
def test_sessions(seed: int, tree: Node, before: Bound, after_commit: Bound, limit: int) -> None:
    check("session", seed, tree, before, after_commit, limit)


@CASES
@given(st.integers(0, 3), message_leaves)
def test_each_operator_of_messages_alone(seed: int, leaf: Node) -> None:
    check_whole("message", seed, leaf)


@CASES
@given(st.integers(0, 3), session_leaves)
def test_each_operator_of_sessions_alone(seed: int, leaf: Node) -> None:
    check_whole("session", seed, leaf)


def check_whole(kind: Kind, seed: int, node: Node) -> None:
    """Every match, on the tail alone: where a page of one or five could hide a difference."""
    tail, things = world(kind, seed)
    found = [hit.id for hit in tail.search(plan(node, kind, limit=1000))]
    assert found == answer(node, things, before=None, after_commit=None, limit=1000)


def test_every_operator_is_judged() -> None:
    planned = [{spec.name for spec in OPERATORS if kind in spec.kinds and spec.plan} for kind in ("message", "session")]
    assert tuple(planned) == operators()


def test_no_query_is_everything() -> None:
    tail, things = world("message", 0)
    found = [hit.id for hit in tail.search(plan(None, "message", limit=1000))]
    assert found == sorted((thing.id for thing in things), reverse=True)
    assert len(tail) == len(things)


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("message", "alpha"),
        ("message", "ord*"),
        ("message", '"beta gamma"'),
        ("message", "東京"),
        ("message", "strasse"),
        ("message", "from:alice"),
        ("message", "to:smith"),
        ("message", "cc:@x.org"),
        ("message", "rcpt:x.org"),
        ("message", "mailfrom:<>"),
        ("message", "subject:naive"),
        ("message", "message-id:3@x.org"),
        ("message", "has:attachment"),
        ("message", "has:inline"),
        ("message", "has:html"),
        ("message", "is:defective"),
        ("message", "is:bounce"),
        ("message", "body:alpha"),
        ("message", "filename:ord*"),
        ("message", "type:image/*"),
        ("message", "type:text/html"),
        ("message", "header:List-Id"),
        ("message", 'header:X-Mailer="beta gamma" OR header:received=ord*'),
        ("message", "larger:1k"),
        ("message", "smaller:1k"),
        ("message", "delivery:terminal"),
        ("message", "addressed:bob"),
        ("message", "ip:192.0.2.0/24"),
        ("message", "tls:none"),
        ("message", "after:2023-11-14T22:13:50"),
        ("session", "rcpt:x.org"),
        ("session", "mailfrom:alice@x.org"),
        ("session", "helo:x.org"),
        ("session", "ip:192.0.2.0/24"),
        ("session", "verb:VRFY"),
        ("session", "code:55x"),
        ("session", "outcome:rejected"),
        ("session", "end:timeout"),
        ("session", '"user unknown"'),
        ("session", 'reply:"user unknown"'),
        ("session", "accepted:x.org"),
        ("session", "refused:alice"),
        ("session", "messages:0"),
        ("session", "messages:>1"),
        ("session", "duration:>=10s"),
        ("session", "duration:<1s"),
        ("session", "duration:1001ms"),
        ("session", "turn:RCPT/5xx"),
        ("session", "finding:bare-lf"),
        ("session", "is:open"),
    ],
)
def test_queries_tell_things_apart_in_this_world(kind: Kind, query: str) -> None:
    """Were every query true of all or of none, the tests above would prove little."""
    tail, things = world(kind, 1)
    found = tail.search(plan(parse_query(query, kind, now=NOW), kind, limit=1000))
    assert 0 < len(found) < len(things)
