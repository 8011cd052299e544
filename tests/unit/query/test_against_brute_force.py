"""Random queries over random documents: the index answers what a plain evaluation of every record answers, in order."""

from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailscribe.ids import make_ulid
from mailscribe.query import (
    And,
    Moment,
    Node,
    Not,
    Operator,
    Or,
    Phrase,
    Prefix,
    Statement,
    Word,
    parse_query,
    plan,
    to_text,
)
from mailscribe.records import Kind
from mailscribe.store.tail import Hit
from support.brute_query import answer
from support.query_world import DOMAINS, IPS, LOCALS, NAMES, NOW, SPAN_MS, START_MS, WORDS, world
from support.segments import sealed_world

type Bound = str | int | None

CASES = settings(max_examples=max(300, settings().max_examples))

plain_words = st.sampled_from([word for word in (*WORDS, *LOCALS, *DOMAINS, "nowhere", "pdf") if ":" not in word])
texts: st.SearchStrategy[Word | Phrase | Prefix] = st.one_of(
    plain_words.map(Word),
    plain_words.flatmap(lambda word: st.integers(1, len(word)).map(lambda size: Prefix(word[:size]))).filter(
        lambda prefix: any(map(str.isalnum, prefix.text))
    ),
    st.lists(plain_words, min_size=1, max_size=3).map(lambda some: Phrase(" ".join(some))),
)
addresses = st.builds("{}@{}".format, st.sampled_from(LOCALS), st.sampled_from(DOMAINS))
domains = st.sampled_from([f"@{domain}" for domain in DOMAINS])
paths: st.SearchStrategy[Word | Phrase | Prefix] = st.one_of(
    addresses.map(Word),
    domains.map(Word),
    domains.map(lambda domain: Prefix(domain[:-1])).filter(lambda prefix: len(prefix.text) > 1),
    addresses.map(lambda email: Prefix(email[:-2])),
    plain_words.map(Word),
    plain_words.map(lambda word: Prefix(word[:2])),
    st.sampled_from([Phrase(name) for name in NAMES if name]),
)
times = st.integers(START_MS - 1000, START_MS + SPAN_MS + 1000).map(Moment)
shared = st.one_of(texts, st.builds(Operator, st.sampled_from(["after", "before"]), times))
ids = st.integers(0, 3).map(lambda seed: world("message", seed)[1][seed].id).map(Word)

message_leaves: st.SearchStrategy[Node] = st.one_of(
    shared,
    st.builds(Operator, st.sampled_from(["from", "to", "cc", "rcpt", "mailfrom"]), paths),
    st.builds(Operator, st.just("subject"), texts),
    st.builds(Operator, st.just("message-id"), st.integers(0, 9).map(lambda number: Word(f"{number}@X.org"))),
    st.just(Operator("mailfrom", Word("<>"))),
    st.just(Operator("has", Word("attachment"))),
    st.builds(Operator, st.just("id"), ids),
    st.builds(Operator, st.just("session"), st.integers(0, 4).map(lambda number: Word(make_ulid(START_MS, number)))),
)
session_leaves: st.SearchStrategy[Node] = st.one_of(
    shared,
    st.builds(Operator, st.sampled_from(["mailfrom", "rcpt"]), paths),
    st.builds(Operator, st.just("helo"), st.sampled_from([Word("x.org"), Word("tuc.x.org"), Prefix("mai")])),
    st.builds(
        Operator, st.just("ip"), st.sampled_from([*IPS, "192.0.2.0/23", "192.0.2.64/27", "2001:db8::/30"]).map(Word)
    ),
    st.builds(Operator, st.just("verb"), st.sampled_from(["MAIL", "RCPT", "VRFY", "QUIT"]).map(Word)),
    st.builds(Operator, st.just("code"), st.sampled_from(["550", "5xx", "25x", "2xx", "4xx"]).map(Word)),
    st.builds(Operator, st.just("outcome"), st.sampled_from(["delivered", "rejected"]).map(Word)),
    st.builds(Operator, st.just("end"), st.sampled_from(["quit", "timeout", "lost"]).map(Word)),
)


def trees(leaves: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    def grow(smaller: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        several = st.lists(smaller, min_size=2, max_size=3).map(tuple)
        return st.one_of(smaller.map(Not), several.map(And), several.map(Or))

    return st.recursive(leaves, grow, max_leaves=8)


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
    ],
)
def test_queries_tell_things_apart_in_this_world(kind: Kind, query: str) -> None:
    """Were every query true of all or of none, the tests above would prove little."""
    tail, things = world(kind, 1)
    found = tail.search(plan(parse_query(query, kind, now=NOW), kind, limit=1000))
    assert 0 < len(found) < len(things)
