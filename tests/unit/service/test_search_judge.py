"""Random queries over tail, segments, merges, removals and rewritten documents: pages are what brute force answers."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from mailscribe.ids import ulid_ms
from mailscribe.query import Node, to_text
from mailscribe.records import Kind
from mailscribe.service import outbox
from mailscribe.service.catalog import Catalog
from mailscribe.service.removal import Removal
from mailscribe.service.search import Question, Search
from support.brute_query import Message, Thing, answer
from support.query_leaves import message_leaves, session_leaves, trees
from support.query_world import NOW, document, random_message, random_talk
from support.sealed_world import World, walk

ROUNDS = 8
CASES = settings(max_examples=300)
"""Of each kind, beside those of the statements themselves."""


class Archive:
    """A world of random things with a history; `things` is what should be left."""

    def __init__(self, kind: Kind, seed: int) -> None:
        self.kind = kind
        self.world = World()
        self.random = Random(seed)
        self.things: dict[str, Thing] = {}
        for number in range(ROUNDS):
            self._round()
            if number % 4 != 3:
                self.world.sealer().seal(kind)
            if number == 4:
                self.world.merger().merge(kind)
        self.search = Search(self.world.records, self.world.objects, self.world.settings, clock_ms=self.world.clock)

    def _round(self) -> None:
        make = random_message if self.kind == "message" else random_talk
        known = sorted(self.things)
        for again in (*self.random.sample(known, min(2, len(known))), *[None] * 10):
            thing = make(self.random)
            self._put(thing if again is None else _named(thing, again))
        gone = self.random.sample(sorted(self.things), 2) if self.kind == "message" else []
        Removal(self.world.rows, self.world.commits).remove(gone)
        for ulid in gone:
            del self.things[ulid]

    def _put(self, thing: Thing) -> None:
        self.world.clock.ms += 1000
        thing = replace(thing, commit=self.world.commits())
        found = document(thing)
        event = outbox.message_received(found, "k") if self.kind == "message" else outbox.session_opened(found)
        self.world.records.transact([self.world.rows.put_document(found), self.world.rows.put_event(event)])
        if isinstance(thing, Message) and self.world.rows.seen(thing.id, None).message is None:
            self.world.records.transact([self.world.rows.put_message(thing.record, thing.commit)])
        self.things[thing.id] = thing


def _named(thing: Thing, ulid: str) -> Thing:
    if isinstance(thing, Message):
        return replace(thing, record=structs.replace(thing.record, id=ulid))
    return replace(thing, record=structs.replace(thing.record, id=ulid))


@cache
def archive(kind: Kind, seed: int) -> Archive:
    return Archive(kind, seed)


def check(kind: Kind, seed: int, tree: Node, limit: int, since: int) -> None:
    found = archive(kind, seed)
    things: Sequence[Thing] = tuple(found.things.values())
    question = Question(kind=kind, text=to_text(tree), now=NOW)
    node = question.parse()
    expected = answer(node, things, before=None, after_commit=None, limit=1000)
    assert walk(found.search, question, limit) == expected
    assert found.search.count(question).count == len(expected)
    after_commit = sorted(thing.commit for thing in things)[since]
    hits = found.search.first(question, after_commit=after_commit, count=limit)
    later = {thing.commit: thing.id for thing in things if thing.commit > after_commit and thing.id in expected}
    assert [hit.id for hit in hits] == [later[commit] for commit in sorted(later)][:limit]
    some = [thing.id for thing in things[since::7]]
    assert found.search.matching(kind, node, some) == set(expected) & set(some)


@CASES
@given(st.integers(0, 3), trees(message_leaves), st.sampled_from([5, 100]), st.integers(0, 50))
def test_messages(seed: int, tree: Node, limit: int, since: int) -> None:
    check("message", seed, tree, limit, since)


@CASES
@given(st.integers(0, 3), trees(session_leaves), st.sampled_from([5, 100]), st.integers(0, 50))
def test_sessions(seed: int, tree: Node, limit: int, since: int) -> None:
    check("session", seed, tree, limit, since)


def test_the_archives_have_a_tail_segments_that_overlap_and_rewritten_documents() -> None:
    for kind in ("message", "session"):
        found = archive(kind, 0)
        rows = Catalog(found.world.records).current(kind).live
        assert len(rows) >= 3
        assert sum(row.rewrites for row in rows) >= 2
        assert rows[-1].last > rows[0].first
        assert len(found.world.records.query(f"T#{kind}#0")) >= 10
        assert all(ulid_ms(row.oldest_commit) <= ulid_ms(row.newest_commit) for row in rows)
