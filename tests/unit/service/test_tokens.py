"""Bearer tokens: what is believed, for how long, and what is refused in which words."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from mailscribe.errors import StoreUnavailable
from mailscribe.records import TokenRecord
from mailscribe.service.tokens import (
    CACHE_MS,
    CACHE_SIZE,
    ScopeMissing,
    TokenNarrowed,
    Tokens,
    Unauthenticated,
    require,
)
from mailscribe.store.items import pack, put_token, token_key
from mailscribe.store.ports import Delete, Item, Key, Put
from support.api import Clock
from support.faults import Faults, FaultyRecords
from support.stores import MemoryRecords

NOW_MS = 1_700_000_000_000
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)


class CountedRecords(MemoryRecords):
    """Counts look-ups."""

    looked_up = 0

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        self.looked_up += len(keys)
        return super().get_many(keys)


class Door:
    """Tokens over records, with one that may read."""

    def __init__(self) -> None:
        self.clock = Clock(NOW_MS)
        self.records = CountedRecords(self.clock)
        self.tokens = Tokens(self.records, self.clock)
        self.put("sesame")

    def put(self, text: str, *, recipients: tuple[str, ...] = ("*",), expires_at: datetime | None = None) -> None:
        """Store a token; its row does not expire by itself."""
        record = TokenRecord(name=text, scopes=("read",), recipients=recipients, created_at=NOW, expires_at=expires_at)
        self.records.transact([Put(pack(token_key(text), record))])


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.mark.parametrize("field", ["Bearer sesame", "bearer sesame", "BEARER   sesame", " Bearer sesame "])
def test_a_known_token_opens(door: Door, field: str) -> None:
    assert door.tokens.verify(field).name == "sesame"


def test_no_field_is_no_token(door: Door) -> None:
    with pytest.raises(Unauthenticated) as refused:
        door.tokens.verify(None)
    assert not refused.value.given


@pytest.mark.parametrize(
    "field",
    [
        "",
        "Bearer",
        "Bearer ",
        "sesame",
        "Basic sesame",
        "Bearersesame",
        "Bearer Sesame",
        "Bearer sesame2",
        "Bearer sesame, Bearer sesame",
        "Bearer sesame sesame",
        "Bearer ses\u00e4me",
        "Bearer sesame\n",
        "Bearer \udc80",
        "Bearer " + "x" * 257,
        "Bearer " + "x" * 100_000,
    ],
)
def test_anything_else_is_refused(door: Door, field: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        door.tokens.verify(field)
    assert refused.value.given


def test_what_cannot_be_a_token_is_not_looked_up(door: Door) -> None:
    with pytest.raises(Unauthenticated):
        door.tokens.verify("Bearer " + "x" * 257)
    assert door.records.looked_up == 0


@pytest.mark.parametrize(("later_ms", "opens"), [(-1, True), (0, False), (1, False)])
def test_a_token_ends_when_it_expires_even_when_it_was_just_believed(door: Door, later_ms: int, *, opens: bool) -> None:
    door.put("brief", expires_at=NOW + timedelta(seconds=10))
    assert door.tokens.verify("Bearer brief").name == "brief"
    door.clock.ms += 10_000 + later_ms
    if opens:
        door.tokens.verify("Bearer brief")
        return
    with pytest.raises(Unauthenticated):
        door.tokens.verify("Bearer brief")


def test_the_row_of_an_expired_token_is_gone_too(door: Door) -> None:
    record = TokenRecord(name="x", scopes=("read",), created_at=NOW, expires_at=NOW + timedelta(seconds=1))
    put_token(door.records, "brief", record)
    door.clock.ms += 1000
    with pytest.raises(Unauthenticated):
        door.tokens.verify("Bearer brief")


@pytest.mark.parametrize("recipients", [(), ("*@test.org",), ("*", "bob@test.org"), ("bob@test.org", "*")])
def test_a_token_bound_to_recipients_is_refused_as_a_whole(door: Door, recipients: tuple[str, ...]) -> None:
    door.put("narrow", recipients=recipients)
    with pytest.raises(TokenNarrowed):
        door.tokens.verify("Bearer narrow")


def test_a_look_up_is_believed_for_thirty_seconds_and_no_longer(door: Door) -> None:
    door.tokens.verify("Bearer sesame")
    door.records.transact([Delete(token_key("sesame"))])
    door.clock.ms += CACHE_MS - 1
    door.tokens.verify("Bearer sesame")
    assert door.records.looked_up == 1
    door.clock.ms += 1
    with pytest.raises(Unauthenticated):
        door.tokens.verify("Bearer sesame")


def test_a_clock_that_steps_back_prolongs_nothing(door: Door) -> None:
    door.tokens.verify("Bearer sesame")
    door.clock.ms -= 1
    door.tokens.verify("Bearer sesame")
    assert door.records.looked_up == 2


def test_a_token_made_after_it_was_refused_opens_at_once(door: Door) -> None:
    with pytest.raises(Unauthenticated):
        door.tokens.verify("Bearer new")
    door.put("new")
    assert door.tokens.verify("Bearer new").name == "new"


def test_memory_is_bounded(door: Door) -> None:
    for number in range(CACHE_SIZE + 1):
        door.put(f"t{number}")
        door.tokens.verify(f"Bearer t{number}")
    looked_up = door.records.looked_up
    door.tokens.verify("Bearer t1")
    assert door.records.looked_up == looked_up
    door.tokens.verify("Bearer t0")
    assert door.records.looked_up == looked_up + 1


def test_a_store_that_is_down_refuses_nobody_and_admits_nobody(door: Door) -> None:
    faults = Faults(down=True)
    tokens = Tokens(FaultyRecords(door.records, faults), door.clock)
    with pytest.raises(StoreUnavailable):
        tokens.verify("Bearer sesame")


def test_a_scope_is_there_or_it_is_not(door: Door) -> None:
    record = door.tokens.verify("Bearer sesame")
    require(record, "read")
    with pytest.raises(ScopeMissing) as refused:
        require(record, "delete")
    assert refused.value.scope == "delete"
    with pytest.raises(Unauthenticated):
        require(None, "read")
