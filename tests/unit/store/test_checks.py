"""What every adapter refuses: the limits at -1, 0 and +1 (the rest is in tests/contract)."""

import doctest

import pytest

from mailscribe.store import checks
from mailscribe.store.checks import (
    MAX_ITEM_BYTES,
    MAX_NUMBER,
    MAX_OBJECT_KEY_BYTES,
    MAX_PK_BYTES,
    MAX_SEGMENT_BYTES,
    MAX_SK_BYTES,
    MAX_TRANSACTION_BYTES,
    alive,
    check_bounds,
    check_keys,
    check_object_key,
    check_writes,
    condition_of,
    holds,
    key_of,
)
from mailscribe.store.ports import TRANSACTION_LIMIT, Absent, Check, Delete, Equals, Item, Key, Present, Put, Write


def test_doctests() -> None:
    assert doctest.testmod(checks).failed == 0


def test_lengths_are_of_utf_8() -> None:
    check_keys([Key("é" * (MAX_PK_BYTES // 2), "é" * (MAX_SK_BYTES // 2))])
    for key in (Key("é" * (MAX_PK_BYTES // 2) + "x", "x"), Key("x", "é" * (MAX_SK_BYTES // 2) + "x")):
        with pytest.raises(ValueError, match="too long"):
            check_keys([key])
    check_bounds("x" * MAX_SK_BYTES, "x" * MAX_SK_BYTES)
    with pytest.raises(ValueError, match="too long"):
        check_bounds("", "x" * (MAX_SK_BYTES + 1))


def test_length_of_an_object_key() -> None:
    folders = "/".join(["x" * MAX_SEGMENT_BYTES] * 4)
    longest = "y/" + folders[1:]
    assert len(longest) == MAX_OBJECT_KEY_BYTES
    for key in (folders, longest, "x" * MAX_SEGMENT_BYTES):
        check_object_key(key)
    for key in ("x" * (MAX_SEGMENT_BYTES + 1), "y" + longest, "é" * 128):
        with pytest.raises(ValueError, match="too long"):
            check_object_key(key)


def puts(count: int, size: int = 0) -> list[Write]:
    return [Put(Item("p", f"{number}", b"x" * size)) for number in range(count)]


def test_sizes_of_a_transaction() -> None:
    check_writes(puts(TRANSACTION_LIMIT))
    check_writes(puts(1, MAX_ITEM_BYTES))
    check_writes(puts(40, MAX_TRANSACTION_BYTES // 40))
    for writes in (puts(TRANSACTION_LIMIT + 1), puts(1, MAX_ITEM_BYTES + 1), puts(40, MAX_TRANSACTION_BYTES // 40 + 1)):
        with pytest.raises(ValueError, match=r"more than \d"):
            check_writes(writes)


def test_numbers() -> None:
    check_writes([Put(Item("p", "s", b"", version=MAX_NUMBER, expires=MAX_NUMBER))])
    check_writes([Put(Item("p", "s", b"", version=0, expires=0))])
    for item in (Item("p", "s", b"", version=MAX_NUMBER + 1), Item("p", "s", b"", expires=-1)):
        with pytest.raises(ValueError, match="out of range"):
            check_writes([Put(item)])


def test_expiry_is_to_the_second() -> None:
    item = Item("p", "s", b"", expires=5)
    assert [alive(item, ms) for ms in (4_999, 5_000, 5_001)] == [True, False, False]
    assert alive(Item("p", "s", b""), 2**60)
    assert not alive(Item("p", "s", b"", expires=0), 0)


def test_writes_say_their_key_and_condition() -> None:
    key = Key("p", "s")
    writes: list[Write] = [Put(Item("p", "s", b""), Absent()), Delete(key, Absent()), Check(key, Absent())]
    assert {key_of(write) for write in writes} == {key}
    assert {condition_of(write) for write in writes} == {Absent()}
    assert condition_of(Delete(key)) is None


def test_conditions_hold() -> None:
    item = Item("p", "s", b"", version=2)
    conditions = (None, Absent(), Present(), Equals(2), Equals(1))
    assert [holds(condition, item) for condition in conditions] == [True, False, True, True, False]
    assert [holds(condition, None) for condition in conditions] == [True, True, False, False, False]
