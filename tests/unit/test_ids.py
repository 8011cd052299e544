"""ULIDs: form, order, and what the clock cannot do to them."""

import doctest
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe import ids
from mailscribe.ids import (
    ALPHABET,
    GREATEST,
    LEAST,
    UlidFactory,
    is_ulid,
    make_ulid,
    now_ms,
    ulid_ms,
    ulid_of,
    ulid_time,
)

TIMES = st.integers(0, (1 << 48) - 1)
ENTROPY = st.integers(0, (1 << 80) - 1)
MAX_ENTROPY = (1 << 80) - 1


def test_doctests() -> None:
    assert doctest.testmod(ids).failed == 0


@given(TIMES, ENTROPY)
def test_a_ulid_is_26_characters_that_carry_the_time(ms: int, entropy: int) -> None:
    ulid = make_ulid(ms, entropy)
    assert is_ulid(ulid)
    assert ulid_ms(ulid) == ms
    assert LEAST <= ulid <= GREATEST


@given(st.tuples(TIMES, ENTROPY), st.tuples(TIMES, ENTROPY))
def test_order_of_text_is_order_of_time_and_entropy(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert (make_ulid(*one) < make_ulid(*other)) == (one < other)


def test_bounds() -> None:
    assert make_ulid(0, 0) == LEAST
    assert make_ulid((1 << 48) - 1, MAX_ENTROPY) == GREATEST
    for ms, entropy in [(-1, 0), (1 << 48, 0), (0, -1), (0, 1 << 80)]:
        with pytest.raises(ValueError, match="out of range"):
            make_ulid(ms, entropy)


@pytest.mark.parametrize(
    "text",
    ["", "0" * 25, "0" * 27, "8" + "0" * 25, "I" * 26, "L" * 26, "O" * 26, "U" * 26, "0" * 25 + "é", "0" * 26 + "\n"],
)
def test_what_is_no_ulid(text: str) -> None:
    assert not is_ulid(text)


def test_the_alphabet_has_no_look_alikes() -> None:
    assert len(ALPHABET) == 32
    assert list(ALPHABET) == sorted(ALPHABET)
    assert not set("ILOU") & set(ALPHABET)


def test_the_time_of_a_ulid() -> None:
    assert ulid_time(make_ulid(1_469_922_850_259, 5)) == datetime(2016, 7, 30, 23, 54, 10, 259_000, tzinfo=UTC)


def test_a_time_beyond_the_calendar_is_its_end() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    assert ulid_time(make_ulid(253_402_300_799_999, 0)) == last
    assert ulid_time(make_ulid(253_402_300_800_000, 0)) == last
    assert ulid_time(GREATEST) == last


def test_an_identity_always_has_the_same_ulid() -> None:
    assert ulid_of(5, "key", "etag") == ulid_of(5, "key", "etag")
    assert ulid_ms(ulid_of(5, "key", "etag")) == 5
    others = [ulid_of(6, "key", "etag"), ulid_of(5, "key"), ulid_of(5, "keye", "tag"), ulid_of(5, "etag", "key")]
    assert len({ulid_of(5, "key", "etag"), *others}) == 5
    assert is_ulid(ulid_of(5, "undecodable \udcff"))


def test_now_is_of_this_century() -> None:
    assert 1_600_000_000_000 < now_ms() < 4_000_000_000_000


@given(st.lists(st.integers(0, 20), min_size=1), st.lists(ENTROPY, min_size=1))
def test_a_factory_rises_whatever_clock_and_entropy_do(times: list[int], entropies: list[int]) -> None:
    clock, entropy = iter(times), iter(entropies * len(times))
    factory = UlidFactory(lambda: next(clock), lambda: next(entropy))
    made = [factory() for _ in times]
    assert made == sorted(set(made))
    assert ulid_ms(made[0]) == times[0]


def test_a_factory_follows_the_clock_forward() -> None:
    times = iter([10, 11, 5, 5, 12])
    factory = UlidFactory(lambda: next(times), lambda: 7)
    made = [factory() for _ in range(5)]
    assert made == [make_ulid(10, 7), make_ulid(11, 7), make_ulid(11, 8), make_ulid(11, 9), make_ulid(12, 7)]


def test_a_factory_whose_entropy_is_used_up_borrows_the_next_millisecond() -> None:
    factory = UlidFactory(lambda: 10, lambda: MAX_ENTROPY)
    assert [factory(), factory(), factory()] == [make_ulid(10, MAX_ENTROPY), make_ulid(11, 0), make_ulid(11, 1)]


def test_a_factory_is_shared_by_threads() -> None:
    factory = UlidFactory(lambda: 10)
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.extend([factory() for _ in range(500)]), name=str(number))
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 2000


def test_two_factories_do_not_make_the_same() -> None:
    assert UlidFactory(lambda: 10)() != UlidFactory(lambda: 10)()


@pytest.mark.parametrize(
    "text", ["01ARZ3NDEI", "01ARZ3NDEL", "01ARZ3NDEO", "01ARZ3NDEU", "01ARZ_NDEK", "01ARZ3NDE*", ""]
)
def test_what_is_no_ulid_has_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        ulid_ms(text)


@pytest.mark.parametrize("after", [LEAST, make_ulid(5, 7), make_ulid(5, (1 << 80) - 1), make_ulid(900, 3)])
def test_a_factory_goes_on_after_what_another_made(after: str) -> None:
    factory = UlidFactory(lambda: 5, lambda: 0, after=after)
    first, second = factory(), factory()
    assert after < first < second
