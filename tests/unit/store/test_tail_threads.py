"""The tail between threads: turns in order, searches through a bulk load, documents whole or not at all."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mailscribe.ids import make_ulid
from mailscribe.records import IndexDocument
from mailscribe.store.tail import PIECE_DOCUMENTS, Tail, _Turns
from support.tails import EVERYTHING, Plain, consistent, document, matching


class Stop(BaseException):
    """What interrupts a waiting thread."""


def wait_until_queued(turns: _Turns, count: int) -> None:
    """Until `count` threads wait for their turn."""
    while len(turns._waiting) < count:
        threading.Event().wait(0.001)


def test_turns_come_in_the_order_of_asking() -> None:
    turns, order = _Turns(), list[int]()

    def take(number: int) -> None:
        with turns:
            order.append(number)

    with turns:
        threads = []
        for number in range(8):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            wait_until_queued(turns, number + 1)
    for thread in threads:
        thread.join()
    assert order == list(range(8))
    with turns:
        assert not turns._waiting


def test_a_turn_is_given_back_when_its_holder_fails() -> None:
    turns = _Turns()
    with pytest.raises(ZeroDivisionError), turns:
        raise ZeroDivisionError
    with turns:
        pass


@pytest.mark.parametrize("turn_came", [False, True])
def test_an_interrupted_waiter_holds_nobody_up(turn_came: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = _Turns()

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if turn_came:
                turns.__exit__(None, None, None)
            raise Stop

    turns.__enter__()
    monkeypatch.setattr("mailscribe.store.tail.threading.Event", Interrupted)
    with pytest.raises(Stop):
        turns.__enter__()
    monkeypatch.undo()
    if not turn_came:
        turns.__exit__(None, None, None)
    with turns:
        assert not turns._waiting


def test_a_search_passes_through_a_bulk_load() -> None:
    """A writer of many pieces is overtaken by a search that came after it."""
    tail, seen = Tail("message"), list[int]()
    total = 10 * PIECE_DOCUMENTS
    reader = threading.Thread(target=lambda: seen.append(len(tail)))

    def documents() -> Iterator[IndexDocument]:
        yield from (document(make_ulid(number, 0)) for number in range(total))

    with tail._turns:
        writer = threading.Thread(target=tail.put, args=(documents(),))
        writer.start()
        wait_until_queued(tail._turns, 1)
        reader.start()
        wait_until_queued(tail._turns, 2)
    reader.join()
    writer.join()
    assert seen == [PIECE_DOCUMENTS]
    assert len(tail) == total


def test_readers_and_writers_see_whole_documents() -> None:
    tail = Tail("message")
    ulids = [make_ulid(number // 3, number) for number in range(60)]
    both = Plain(matching("x").sql, ('"left" NOT "right" OR "right" NOT "left"',))

    def write(round_: int) -> None:
        tail.put(document(ulid, f"left {'word ' * (round_ % 7)} right") for ulid in ulids[round_ % 3 :: 3])
        tail.remove(ulids[round_ % 5 :: 11])

    def read(_: int) -> tuple[int, list[str]]:
        listed = [hit.id for hit in tail.search(EVERYTHING)]
        assert listed == sorted(listed, reverse=True)
        return len(tail.search(both)), listed

    with ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(write, number) for number in range(40)]
        reads = [pool.submit(read, number) for number in range(120)]
        for written in writes:
            written.result()
        assert {done.result()[0] for done in reads} == {0}
    consistent(tail)
