"""What every adapter of the records port does, and does alike."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest

from mailscribe.errors import ConditionFailed
from mailscribe.store.ports import Absent, Check, Condition, Delete, Equals, Item, Key, Present, Put, Records, Write
from support.adapters import RECORDS, Clock
from support.runners import in_threads

# In order of their UTF-8 bytes, which is the order of code points and not that of UTF-16.
SORTED = [" ", "!", "0", "00", "01", "1", "10", "A", "Z", "a", "a#", "a\u00e9", "b", "\u00e9", "\uff5e", "\U0001f4e7"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=RECORDS)
def records(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Records]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with RECORDS[request.param](tmp_path, clock) as made:
        yield made


def put(records: Records, *keys: str, pk: str = "p") -> None:
    records.transact([Put(Item(pk, sk, sk.encode())) for sk in keys])


def sort_keys(items: list[Item]) -> list[str]:
    return [item.sk for item in items]


def test_put_then_read(records: Records) -> None:
    items = [
        Item("p", "a", b""),
        Item("p", "b", bytes(range(256)), version=7),
        Item("q", "a", b"x" * 350 * 1024, version=2**63 - 1, expires=2**53),
    ]
    records.transact([Put(item) for item in items])
    assert records.get_many([item.key for item in items]) == items
    assert records.query("p") == items[:2]
    assert records.query("q") == items[2:]
    assert records.query("nobody") == []


def test_put_replaces_everything(records: Records, clock: Clock) -> None:
    records.transact([Put(Item("p", "a", b"old", version=3, expires=clock.seconds + 60))])
    records.transact([Put(Item("p", "a", b"new"))])
    assert records.get_many([Key("p", "a")]) == [Item("p", "a", b"new", version=0, expires=None)]


def test_get_many_keeps_the_order_and_leaves_out_the_absent(records: Records) -> None:
    put(records, "a", "b", "c")
    keys = [Key("p", sk) for sk in ("c", "nothing", "a", "c")]
    assert sort_keys(records.get_many(keys)) == ["c", "a", "c"]
    assert records.get_many([]) == []


def test_get_more_than_a_batch(records: Records) -> None:
    names = [f"{number:03}" for number in range(230)]
    for first in range(0, 230, 100):
        put(records, *names[first : first + 100])
    assert sort_keys(records.get_many([Key("p", name) for name in reversed(names)])) == names[::-1]


def test_delete(records: Records) -> None:
    put(records, "a", "b")
    records.transact([Delete(Key("p", "a")), Delete(Key("p", "never"))])
    assert sort_keys(records.query("p")) == ["b"]
    assert records.get_many([Key("p", "a")]) == []


def test_nothing_to_do(records: Records) -> None:
    records.transact([])
    assert records.query("p") == []


def test_query_in_order_of_bytes(records: Records) -> None:
    put(records, *reversed(SORTED))
    put(records, "other partition", pk="p2")
    assert sort_keys(records.query("p")) == SORTED
    assert sort_keys(records.query("p", reverse=True)) == SORTED[::-1]


def test_query_ranges_limits_and_directions(records: Records) -> None:
    put(records, *SORTED)
    bounds = ["", "0", "01", "0\U0010ffff", "a", "zzz", "\U0010ffff"]
    for start, end in product(bounds, [None, *bounds]):
        expected = [sk for sk in SORTED if sk >= start and (end is None or sk < end)]
        assert sort_keys(records.query("p", start=start, end=end)) == expected, (start, end)
        for limit in (0, 1, 3):
            assert sort_keys(records.query("p", start=start, end=end, limit=limit)) == expected[:limit]
            falling = records.query("p", start=start, end=end, limit=limit, reverse=True)
            assert sort_keys(falling) == expected[::-1][:limit], (start, end, limit)


def test_query_more_than_a_page_of_the_engine(records: Records) -> None:
    """DynamoDB answers at most 1 MB at once."""
    for number in range(6):
        records.transact([Put(Item("p", f"{number}", b"x" * 300_000))])
    assert sort_keys(records.query("p")) == list("012345")
    assert sort_keys(records.query("p", reverse=True, limit=5)) == list("54321")


@pytest.mark.parametrize(
    "text", ["#", "tab\there", "new\nline", "\x00nul", "'quote\"", "100%", "日本", "\U0001f4e7" * 200]
)
def test_odd_keys(records: Records, text: str) -> None:
    item = Item(f"M#{text}", text, b"x")
    records.transact([Put(item, Absent())])
    assert records.get_many([item.key]) == [item]
    assert records.query(item.pk, start=text) == [item]
    records.transact([Delete(item.key, Present())])
    assert records.query(item.pk) == []


PRESENT = Key("p", "present")  # version 2
ABSENT = Key("p", "absent")
CONDITIONS: list[tuple[Key, Condition, bool]] = [
    (ABSENT, Absent(), True),
    (ABSENT, Present(), False),
    (ABSENT, Equals(0), False),
    (PRESENT, Absent(), False),
    (PRESENT, Present(), True),
    (PRESENT, Equals(2), True),
    (PRESENT, Equals(1), False),
    (PRESENT, Equals(0), False),
]


def conditional(key: Key, condition: Condition) -> list[Write]:
    return [Put(Item(*key, b"new", version=9), condition), Delete(key, condition), Check(key, condition)]


@pytest.mark.parametrize(("key", "condition", "holds"), CONDITIONS)
def test_conditions(records: Records, key: Key, condition: Condition, holds: bool) -> None:
    before = Item(*PRESENT, b"old", version=2)
    for write in conditional(key, condition):
        records.transact([Put(before), Delete(ABSENT)])
        if not holds:
            with pytest.raises(ConditionFailed) as caught:
                records.transact([write])
            assert caught.value.failed == (0,)
            assert records.query("p") == [before]
            continue
        records.transact([write])
        left = records.get_many([key])
        match write:
            case Put(item):
                assert left == [item]
            case Delete():
                assert left == []
            case Check():
                assert records.query("p") == [before]


def test_a_failed_transaction_writes_nothing_and_names_what_failed(records: Records) -> None:
    put(records, "there", "gone")
    writes: list[Write] = [
        Put(Item("p", "new", b"")),
        Put(Item("p", "there", b""), Absent()),
        Delete(Key("p", "gone")),
        Check(Key("p", "nowhere"), Present()),
        Put(Item("q", "new", b""), Absent()),
    ]
    with pytest.raises(ConditionFailed) as caught:
        records.transact(writes)
    assert caught.value.failed == (1, 3)
    assert sort_keys(records.query("p")) == ["gone", "there"]
    assert records.query("q") == []


def test_versions_let_one_of_two_readers_write(records: Records) -> None:
    records.transact([Put(Item("p", "head", b"0", version=1), Absent())])
    seen = records.get_many([Key("p", "head")])[0]
    change = Put(Item("p", "head", b"1", version=seen.version + 1), Equals(seen.version))
    records.transact([change])
    with pytest.raises(ConditionFailed):
        records.transact([change])
    assert records.query("p") == [change.item]


@pytest.mark.parametrize(
    ("writes", "why"),
    [
        ([Put(Item("p", f"{number}", b"")) for number in range(101)], "more than 100"),
        ([Put(Item("p", "a", b"")), Put(Item("p", "a", b""))], "two writes to one key"),
        ([Put(Item("p", "a", b"")), Check(Key("p", "a"), Absent())], "two writes to one key"),
        ([Delete(Key("p", "a")), Delete(Key("p", "a"))], "two writes to one key"),
        ([Put(Item("p", "", b""))], "sort key"),
        ([Put(Item("", "a", b""))], "partition key"),
        ([Delete(Key("p", "x" * 1025))], "sort key"),
        ([Delete(Key("p" * 2049, "x"))], "partition key"),
        ([Delete(Key("p", "\udc80"))], "not Unicode"),
        ([Put(Item("p", "a", b"x" * (350 * 1024 + 1)))], "bytes"),
        ([Put(Item("p", f"{number}", b"x" * 350_000)) for number in range(12)], "bytes"),
        ([Put(Item("p", "a", b"", version=-1))], "version"),
        ([Put(Item("p", "a", b"", version=2**63))], "version"),
        ([Put(Item("p", "a", b"", expires=2**63))], "expiry"),
    ],
)
def test_what_no_adapter_could_write_is_refused(records: Records, writes: list[Write], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        records.transact(writes)
    assert records.query("p") == []


def test_a_hundred_writes_are_one_transaction(records: Records) -> None:
    put(records, *(f"{number:02}" for number in range(99)))
    writes: list[Write] = [Put(Item("q", f"{number:02}", b"")) for number in range(99)]
    with pytest.raises(ConditionFailed) as caught:
        records.transact([*writes, Check(Key("p", "nothing"), Present())])
    assert caught.value.failed == (99,)
    assert records.query("q") == []
    records.transact([*writes, Check(Key("p", "00"), Present())])
    assert len(records.query("q")) == 99


@pytest.mark.parametrize("key", [Key("", "a"), Key("p", ""), Key("p", "\ud800"), Key("p", "x" * 1025)], ids=ascii)
def test_keys_that_cannot_be_are_refused_by_reads(records: Records, key: Key) -> None:
    with pytest.raises(ValueError, match="key"):
        records.get_many([Key("p", "a"), key])


def test_bounds_that_cannot_be_are_refused(records: Records) -> None:
    for pk, start, end in [("", "", None), ("p", "x" * 1025, None), ("p", "", "x" * 1025), ("p", "\ud800", None)]:
        with pytest.raises(ValueError, match=r"key|bound"):
            records.query(pk, start=start, end=end)


def test_an_expired_item_is_absent_from_that_second_on(records: Records, clock: Clock) -> None:
    item = Item("p", "b", b"x", version=4, expires=clock.seconds + 10)
    records.transact([Put(Item("p", "a", b"")), Put(item), Put(Item("p", "c", b""))])
    clock.ms += 9_999
    assert records.get_many([item.key]) == [item]
    assert sort_keys(records.query("p")) == ["a", "b", "c"]
    clock.ms += 1
    assert records.get_many([item.key]) == []
    assert sort_keys(records.query("p")) == ["a", "c"]
    assert sort_keys(records.query("p", limit=2)) == ["a", "c"]
    assert sort_keys(records.query("p", start="b", reverse=True, limit=1)) == ["c"]
    assert records.query("p", start="b", end="c", limit=1) == []


@pytest.mark.parametrize("condition", [Present(), Equals(4)])
def test_conditions_take_an_expired_item_as_absent(records: Records, clock: Clock, condition: Condition) -> None:
    item = Item("p", "a", b"x", version=4, expires=clock.seconds + 10)
    records.transact([Put(item)])
    records.transact([Check(item.key, condition)])
    with pytest.raises(ConditionFailed):
        records.transact([Check(item.key, Absent())])
    clock.ms += 10_000
    for write in conditional(item.key, condition):
        with pytest.raises(ConditionFailed):
            records.transact([write])
    records.transact([Check(item.key, Absent())])
    records.transact([Put(Item("p", "a", b"new"), Absent())])
    assert records.get_many([item.key]) == [Item("p", "a", b"new")]


def test_many_expired_items_before_the_living(records: Records, clock: Clock) -> None:
    dead: list[Write] = [Put(Item("p", f"a{number:03}", b"", expires=clock.seconds + 1)) for number in range(90)]
    records.transact([*dead, Put(Item("p", "b", b"")), Put(Item("p", "c", b""))])
    clock.ms += 1_000
    assert sort_keys(records.query("p", limit=1)) == ["b"]
    assert sort_keys(records.query("p")) == ["b", "c"]


def test_one_of_many_threads_makes_an_item(records: Records) -> None:
    winners: list[int] = []

    def make(number: int) -> None:
        own = Item("own", f"{number}", b"")
        with suppress(ConditionFailed):
            records.transact([Put(Item("p", "a", str(number).encode()), Absent()), Put(own)])
            winners.append(number)

    in_threads(make, 8)
    assert len(winners) == 1
    assert records.query("p") == [Item("p", "a", str(winners[0]).encode())]
    assert sort_keys(records.query("own")) == [str(winners[0])]


def test_counting_from_many_threads_loses_nothing(records: Records) -> None:
    key = Key("p", "counter")
    records.transact([Put(Item(*key, b"0"))])

    def count(_: int) -> None:
        done = 0
        while done < 5:
            item = records.get_many([key])[0]
            changed = Item(*key, str(int(item.data) + 1).encode(), version=item.version + 1)
            try:
                records.transact([Put(changed, Equals(item.version))])
            except ConditionFailed:
                continue
            done += 1

    in_threads(count, 4)
    assert records.query("p") == [Item(*key, b"20", version=20)]


def test_readers_see_all_of_a_transaction_or_nothing(records: Records) -> None:
    put(records, "a", "b")

    def work(number: int) -> None:
        for step in range(5):
            if number % 2:
                data = f"{number}-{step}".encode()
                records.transact([Put(Item("p", "a", data)), Put(Item("p", "b", data))])
            else:
                records.query("p")

    in_threads(work, 4)
    first, second = records.query("p")
    assert first.data == second.data
