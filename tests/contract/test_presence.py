"""Presence over every adapter of the objects port: what one process says, another reads, and it goes again."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailscribe.errors import ObjectNotFound
from mailscribe.service.presence import LIFE_MS, REFRESH_MS, Presence, is_live
from mailscribe.store.keys import PRESENCE, presence_key
from mailscribe.store.ports import Objects
from support.adapters import OBJECTS, Clock

BOB, LONG = "bob@test.org", f"{'b' * 64}@{'x' * 60}.{'y' * 60}.{'z' * 60}.org"


@pytest.fixture(params=OBJECTS)
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Objects]:
    with OBJECTS[request.param](tmp_path) as opened:
        yield opened


def watched(objects: Objects, clock: Clock) -> set[str]:
    """The keys of the addresses that a front end finds watched."""
    now = datetime.fromtimestamp(clock.ms / 1000, UTC)
    return {info.key for info in objects.list(PRESENCE) if is_live(objects.get(info.key), now)}


def test_what_one_says_another_reads(objects: Objects) -> None:
    clock = Clock()
    mine, other = Presence(objects, clock), Presence(objects, clock)
    assert watched(objects, clock) == set()
    mine.enter(BOB)
    other.enter(LONG)
    assert watched(objects, clock) == {presence_key(BOB), presence_key(LONG)}
    for _ in range(10):
        clock.ms += REFRESH_MS
        mine.keep(BOB)
    assert watched(objects, clock) == {presence_key(BOB)}  # the other process has died
    mine.leave(BOB)
    assert watched(objects, clock) == set()
    with pytest.raises(ObjectNotFound):
        objects.get(presence_key(BOB))


def test_a_promise_is_there_until_it_is_over(objects: Objects) -> None:
    clock = Clock()
    Presence(objects, clock).promise(BOB, 20)
    clock.ms += 20_000 + LIFE_MS - 1
    assert watched(objects, clock) == {presence_key(BOB)}
    clock.ms += 1
    assert watched(objects, clock) == set()
