"""The tail: what was put is found, newest first, whatever the order it came in."""

import random
from collections.abc import Iterable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.ids import make_ulid
from mailscribe.records import IndexDocument, Kind
from mailscribe.store.tail import GAP, PIECE_CHARACTERS, PIECE_DOCUMENTS, Hit, Tail
from support.tails import EVERYTHING, consistent, document, matching

START = 1_700_000_000_000


def ids(hits: Iterable[Hit]) -> list[str]:
    return [hit.id for hit in hits]


def newest_first(documents: Iterable[IndexDocument]) -> list[str]:
    return sorted({document.id for document in documents}, reverse=True)


def in_milliseconds(*times: int) -> list[IndexDocument]:
    return [document(make_ulid(START + time, number)) for number, time in enumerate(times)]


def test_an_empty_tail_holds_nothing() -> None:
    tail = Tail("message")
    assert (len(tail), tail.search(EVERYTHING), tail.search(matching("alpha"))) == (0, [], [])
    tail.put([])
    tail.remove(["01ARZ3NDEKTSV4RRFFQ69G5FAV"])
    assert len(tail) == 0


def test_a_hit_carries_id_commit_and_summary() -> None:
    tail = Tail("session")
    put = document(make_ulid(1, 1), "alpha", kind="session", commit=make_ulid(2, 2), summary=b'{"turns":3}')
    tail.put([put])
    assert tail.search(matching("alpha")) == [Hit(put.id, put.commit, msgspec.Raw(b'{"turns":3}'))]


@pytest.mark.parametrize(
    "times",
    [
        range(0, 1000, 10),
        range(1000, 0, -10),
        [*range(0, 1000, 10), *range(5, 1000, 10)],
        [0, 1000, *range(1, 999)],
        [1000, 0, *range(998, 1, -1)],
        [0, 1, *[0] * 600],
    ],
)
@pytest.mark.parametrize("at_once", [1, 7, 5000])
def test_the_newest_comes_first_whatever_came_first(times: Sequence[int], at_once: int) -> None:
    tail, documents = Tail("message"), in_milliseconds(*times)
    for start in range(0, len(documents), at_once):
        tail.put(documents[start : start + at_once])
    assert ids(tail.search(EVERYTHING)) == ids(tail.search(matching("alpha"))) == newest_first(documents)
    consistent(tail)


def test_neighbours_move_apart_when_no_number_is_free_between_them() -> None:
    """More documents of one millisecond than the gap has numbers, with neighbours on both sides, one by one."""
    tail = Tail("message")
    documents = in_milliseconds(*range(0, 2000, 10))
    tail.put(documents)
    late = [document(make_ulid(START + 1005, number)) for number in range(3 * GAP)]
    for one in late:
        tail.put([one])
    assert ids(tail.search(matching("alpha"))) == newest_first(documents + late)
    consistent(tail)


def test_moved_documents_keep_what_they_hold() -> None:
    tail = Tail("message")
    documents = [
        document(
            make_ulid(START + 10 * number, 0), f"word{number}", commit=make_ulid(number, 7), summary=b"%d" % number
        )
        for number in range(40)
    ]
    tail.put(documents)
    tail.put(document(make_ulid(START + 205, number), "late") for number in range(2 * GAP))
    consistent(tail)
    for number, put in enumerate(documents):
        assert tail.search(matching(f"word{number}")) == [Hit(put.id, put.commit, put.summary)]


def test_a_document_of_the_same_id_is_replaced() -> None:
    tail, ulid = Tail("message"), make_ulid(START, 1)
    tail.put([document(ulid, "alpha", summary=b"1"), document(make_ulid(START, 2), "alpha")])
    tail.put([document(ulid, "beta", summary=b"2")])
    assert ids(tail.search(matching("alpha"))) == [make_ulid(START, 2)]
    assert [bytes(hit.summary) for hit in tail.search(matching("beta"))] == [b"2"]
    assert len(tail) == 2
    consistent(tail)


def test_of_two_documents_of_one_id_the_last_stays() -> None:
    tail, ulid = Tail("message"), make_ulid(START, 1)
    tail.put([document(ulid, "alpha"), document(ulid, "beta")])
    assert (len(tail), tail.search(matching("alpha")), len(tail.search(matching("beta")))) == (1, [], 1)


def test_a_removed_document_is_gone_and_may_come_back() -> None:
    tail, documents = Tail("message"), in_milliseconds(1, 2, 3)
    tail.put(documents)
    tail.remove([documents[1].id, documents[1].id, make_ulid(9, 9)])
    assert ids(tail.search(matching("alpha"))) == [documents[2].id, documents[0].id]
    tail.put([documents[1]])
    assert ids(tail.search(matching("alpha"))) == newest_first(documents)
    consistent(tail)


@pytest.mark.parametrize("kind", ["message", "session"])
def test_a_document_of_another_kind_is_refused_with_all_that_came_with_it(kind: Kind) -> None:
    tail = Tail(kind)
    other: Kind = "session" if kind == "message" else "message"
    with pytest.raises(ValueError, match="another kind"):
        tail.put([document(make_ulid(1, 1), kind=kind), document(make_ulid(2, 2), kind=other)])
    assert len(tail) == 0


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_a_bulk_is_written_in_pieces(spare: int) -> None:
    tail, documents = Tail("message"), in_milliseconds(*range(PIECE_DOCUMENTS + spare))
    tail.put(documents)
    assert ids(tail.search(EVERYTHING)) == newest_first(documents)


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_large_documents_are_written_in_pieces(spare: int) -> None:
    tail = Tail("message")
    bodies = ["x" * (PIECE_CHARACTERS + spare), "alpha", "y" * PIECE_CHARACTERS, "alpha"]
    tail.put(document(make_ulid(START, number), body) for number, body in enumerate(bodies))
    assert ids(tail.search(matching("alpha"))) == [make_ulid(START, 3), make_ulid(START, 1)]
    assert len(tail) == 4


def test_text_that_sqlite_might_stumble_over_is_found() -> None:
    tail = Tail("message")
    tail.put([document(make_ulid(1, 1), "be\x00fore 東 京 \U0001f600 after")])
    assert len(tail.search(matching("after"))) == 1


@given(st.lists(st.tuples(st.sampled_from(["put", "remove"]), st.integers(0, 400), st.integers(1, 40)), max_size=30))
def test_the_tail_is_a_set_of_documents(steps: list[tuple[str, int, int]]) -> None:
    tail, model = Tail("message"), dict[str, str]()
    for step, (what, start, count) in enumerate(steps):
        chosen = random.Random(start).sample(range(start, start + 2 * count), count)
        ulids = [make_ulid(START + number // 40, number) for number in chosen]
        if what == "put":
            tail.put(document(ulid, f"step{step}") for ulid in ulids)
            model |= dict.fromkeys(ulids, f"step{step}")
        else:
            tail.remove(ulids)
            model = {ulid: word for ulid, word in model.items() if ulid not in ulids}
    consistent(tail)
    assert (len(tail), ids(tail.search(EVERYTHING))) == (len(model), sorted(model, reverse=True))
    for step in range(len(steps)):
        wanted = sorted((ulid for ulid, word in model.items() if word == f"step{step}"), reverse=True)
        assert ids(tail.search(matching(f"step{step}"))) == wanted
