"""Who is watched: objects written, kept, taken away; counts of streams; promises to polls; what is no such object."""

import hashlib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from mailscribe.errors import ObjectNotFound, StoreUnavailable
from mailscribe.service.presence import LIFE_MS, REFRESH_MS, Presence, Watched, is_live
from mailscribe.store.keys import PRESENCE, presence_key
from support.api import Clock
from support.faults import FaultyObjects
from support.stores import MemoryObjects
from support.world import NOW_MS

BOB = "Bob@Test.org"


class Watching:
    """Presence over objects in memory that may fail."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.objects = FaultyObjects(MemoryObjects(self.clock))
        self.presence = Presence(self.objects, self.clock)

    def expires_ms(self, address: str = BOB) -> int | None:
        """Until when the object says so, from now; None when there is none."""
        try:
            data = self.objects.get(presence_key(address))
        except ObjectNotFound:
            return None
        watched = msgspec.json.decode(data, type=Watched)
        assert watched.address == address.lower()
        return round(watched.expires.timestamp() * 1000) - self.clock.ms

    def is_live(self, address: str = BOB) -> bool:
        now = datetime.fromtimestamp(self.clock.ms / 1000, UTC)
        return is_live(self.objects.get(presence_key(address)), now)


@pytest.fixture
def watching() -> Watching:
    return Watching()


def test_a_key_is_of_the_address_in_lower_case() -> None:
    assert presence_key(BOB) == presence_key("bob@test.org")
    assert presence_key(BOB) != presence_key("bob@test.com")
    assert presence_key(BOB) == f"{PRESENCE}{hashlib.sha256(b'bob@test.org').hexdigest()}.json"


def test_while_a_stream_lasts_its_address_is_watched(watching: Watching) -> None:
    watching.presence.enter(BOB)
    assert watching.expires_ms() == LIFE_MS
    for _ in range(20):
        watching.clock.ms += 5_000
        watching.presence.keep(BOB)
        assert watching.is_live()
        assert (watching.expires_ms() or 0) > LIFE_MS - REFRESH_MS
    watching.presence.leave(BOB)
    assert watching.expires_ms() is None


@pytest.mark.parametrize(("passed", "left"), [(REFRESH_MS - 1, LIFE_MS - REFRESH_MS + 1), (REFRESH_MS, LIFE_MS)])
def test_it_is_written_no_more_often_than_needed(watching: Watching, passed: int, left: int) -> None:
    watching.presence.enter(BOB)
    watching.clock.ms += passed
    watching.presence.keep(BOB)
    assert watching.expires_ms() == left


def test_a_clock_that_steps_back_does_not_keep_it_from_being_written(watching: Watching) -> None:
    watching.presence.enter(BOB)
    watching.clock.ms -= 3_600_000
    watching.presence.keep(BOB)
    assert watching.expires_ms() == LIFE_MS


def test_the_last_of_several_streams_takes_it_away(watching: Watching) -> None:
    for _ in range(3):
        watching.presence.enter(BOB)
    watching.presence.leave("bob@test.org")
    watching.presence.leave(BOB)
    assert watching.is_live()
    watching.presence.leave(BOB)
    assert watching.expires_ms() is None
    watching.presence.enter(BOB)
    assert watching.is_live()


def test_addresses_are_apart(watching: Watching) -> None:
    watching.presence.enter(BOB)
    watching.presence.enter("ann@test.org")
    watching.presence.leave(BOB)
    assert watching.expires_ms() is None
    assert watching.is_live("ann@test.org")


def test_nobody_watches_after_a_death(watching: Watching) -> None:
    watching.presence.enter(BOB)
    watching.clock.ms += LIFE_MS - 1
    assert watching.is_live()
    watching.clock.ms += 1
    assert not watching.is_live()


def test_a_poll_is_promised_its_time_and_a_little_more(watching: Watching) -> None:
    watching.presence.promise(BOB, 20)
    assert watching.expires_ms() == 20_000 + LIFE_MS
    watching.presence.promise(BOB, 0)
    assert watching.expires_ms() == 20_000 + LIFE_MS


def test_a_stream_that_ends_leaves_a_poll_its_promise(watching: Watching) -> None:
    watching.presence.enter(BOB)
    watching.presence.promise(BOB, 20)
    watching.clock.ms += REFRESH_MS
    watching.presence.keep(BOB)
    watching.presence.leave(BOB)
    assert watching.expires_ms() == 20_000 + LIFE_MS - REFRESH_MS
    watching.clock.ms += 60_000
    watching.presence.enter(BOB)
    watching.presence.leave(BOB)
    assert watching.expires_ms() is None


def test_promises_of_the_past_are_forgotten(watching: Watching) -> None:
    for number in range(100):
        watching.presence.promise(f"{number}@test.org", 1)
        watching.clock.ms += LIFE_MS
    assert len(watching.presence._entries) < 5


def test_what_could_not_be_written_did_not_begin(watching: Watching) -> None:
    watching.objects.faults.down = True
    with pytest.raises(StoreUnavailable):
        watching.presence.enter(BOB)
    watching.objects.faults.down = False
    watching.presence.enter(BOB)
    watching.presence.leave(BOB)
    assert watching.expires_ms() is None


def test_a_write_that_failed_is_tried_again_at_once(watching: Watching) -> None:
    watching.presence.enter(BOB)
    watching.clock.ms += REFRESH_MS
    watching.objects.faults.down = True
    with pytest.raises(StoreUnavailable):
        watching.presence.keep(BOB)
    watching.objects.faults.down = False
    watching.presence.keep(BOB)
    assert watching.expires_ms() == LIFE_MS


NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)


@pytest.mark.parametrize(
    ("data", "live"),
    [
        (msgspec.json.encode(Watched(address="a@b", expires=NOW + timedelta(milliseconds=1))), True),
        (msgspec.json.encode(Watched(address="a@b", expires=NOW)), False),
        (b'{"address":"a@b","expires":"2099-01-01T00:00:00Z","more":1}', True),
        (b'{"address":"a@b","expires":"2099-01-01T00:00:00"}', False),
        (b'{"address":"a@b"}', False),
        (b'{"expires":4102444800}', False),
        (b"[]", False),
        (b"", False),
        (b"\xff{", False),
    ],
)
def test_what_an_object_says(data: bytes, *, live: bool) -> None:
    assert is_live(data, NOW) is live
