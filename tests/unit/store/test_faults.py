"""The stores that misbehave: they must misbehave as real ones do."""

import threading

import pytest

from mailscribe.errors import StoreFull, StoreUnavailable
from mailscribe.store.ports import Item, Key, Put
from support.faults import Faults, FaultyObjects, FaultyRecords, Gate
from support.stores import MemoryObjects, MemoryRecords


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def objects(faults: Faults) -> FaultyObjects:
    return FaultyObjects(MemoryObjects(), faults)


@pytest.fixture
def records(faults: Faults) -> FaultyRecords:
    return FaultyRecords(MemoryRecords(), faults)


ITEM = Item("p", "s", b"x")


def test_down(objects: FaultyObjects, records: FaultyRecords, faults: Faults) -> None:
    objects.put("a", [b"x"])
    faults.down = True
    for call in (
        lambda: objects.put("b", [b"x"]),
        lambda: objects.get("a"),
        lambda: objects.head("a"),
        lambda: objects.delete("a"),
        lambda: objects.list(""),
        lambda: records.get_many([ITEM.key]),
        lambda: records.query("p"),
        lambda: records.transact([Put(ITEM)]),
    ):
        with pytest.raises(StoreUnavailable):
            call()
    faults.down = False
    assert [info.key for info in objects.list("")] == ["a"]
    assert records.query("p") == []


def test_full(objects: FaultyObjects, records: FaultyRecords, faults: Faults) -> None:
    objects.put("a", [b"x"])
    faults.full = True
    with pytest.raises(StoreFull):
        objects.put("b", [b"x"])
    with pytest.raises(StoreFull):
        records.transact([Put(ITEM)])
    assert objects.get("a") == b"x"
    objects.delete("a")
    assert objects.list("") == []


def test_an_acknowledgement_that_is_lost(objects: FaultyObjects, records: FaultyRecords, faults: Faults) -> None:
    faults.lost = 2
    with pytest.raises(StoreUnavailable, match="lost"):
        objects.put("a", [b"x"])
    with pytest.raises(StoreUnavailable, match="lost"):
        records.transact([Put(ITEM)])
    assert objects.get("a") == b"x"
    assert records.query("p") == [ITEM]
    objects.put("b", [b"x"])


def test_dying_in_a_put(objects: FaultyObjects, faults: Faults) -> None:
    objects.put("a", [b"old"])
    faults.die_after = 3
    objects.put("b", [b"12", b"3"])
    with pytest.raises(StoreUnavailable, match="died"):
        objects.put("a", [b"12", b"34"])
    assert objects.get("a") == b"old"


def test_only_some_calls(objects: FaultyObjects, faults: Faults) -> None:
    faults.down, faults.only = True, frozenset({"head"})
    objects.put("a", [b"x"])
    assert objects.get("a") == b"x"
    with pytest.raises(StoreUnavailable):
        objects.head("a")
    assert faults.calls == ["put", "get", "head"]


def test_a_store_that_hangs_until_it_is_let_go(objects: FaultyObjects, faults: Faults) -> None:
    gate = faults.gate = Gate()
    put = threading.Thread(target=lambda: objects.put("a", [b"x"]))
    put.start()
    gate.entered()
    assert objects.inner.list("") == []
    gate.open()
    put.join()
    assert objects.get("a") == b"x"


def test_calls_are_noted(records: FaultyRecords, faults: Faults) -> None:
    records.get_many([Key("p", "s")])
    records.query("p")
    records.transact([])
    assert faults.calls == ["get_many", "query", "transact"]
