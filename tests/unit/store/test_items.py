"""Records to items and back, overflow, tokens and the cursor key."""

import gzip
import hashlib
import os
import zlib
from datetime import UTC, datetime

import msgspec
import pytest

from mailscribe.errors import ConditionFailed, CorruptObject, ObjectNotFound, StoreUnavailable
from mailscribe.records import Event, IndexDocument, MessageRecord, SessionRecord, TokenRecord, Value
from mailscribe.store.checks import MAX_ITEM_BYTES
from mailscribe.store.items import (
    DERIVED_NAMES,
    Overflow,
    cursor_key,
    derived_of,
    find_token,
    pack,
    put_token,
    token_key,
    unpack,
)
from mailscribe.store.keys import RecordKeys, derived_key
from mailscribe.store.ports import Item, Key, Put
from support.adapters import Clock
from support.faults import Faults, FaultyObjects, FaultyRecords
from support.runners import in_threads
from support.samples import ULID, record_types, sample
from support.stores import MemoryObjects, MemoryRecords

KEY = Key("p", "s")
NOISE = os.urandom(4000).hex()  # does not pack well: 8,000 characters stay more than 4,000 bytes


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture
def records() -> MemoryRecords:
    return MemoryRecords(Clock())


@pytest.mark.parametrize("kind", record_types(), ids=lambda kind: kind.__name__)
def test_every_value_comes_back(kind: type[Value]) -> None:
    value = sample(kind)
    item = pack(KEY, value, version=3, expires=99)
    assert (item.key, item.version, item.expires) == (KEY, 3, 99)
    assert unpack(item, kind) == value
    assert derived_of(item) is None


def test_data_is_packed_json_and_a_token_is_plain() -> None:
    document = sample(IndexDocument)
    assert zlib.decompress(pack(KEY, document).data) == msgspec.json.encode(document)
    token = sample(TokenRecord)
    assert pack(KEY, token).data == msgspec.json.encode(token)


def test_the_same_value_is_always_the_same_item() -> None:
    assert pack(KEY, sample(MessageRecord)) == pack(KEY, sample(MessageRecord))


@pytest.mark.parametrize(
    ("kind", "name"),
    [(MessageRecord, "record"), (SessionRecord, "record"), (IndexDocument, "document"), (Event, "event")],
)
def test_what_is_larger_than_the_limit_goes_to_an_object(objects: MemoryObjects, kind: type[Value], name: str) -> None:
    value = sample(kind)
    size = len(pack(KEY, value).data)
    for limit in (size, size + 1):
        assert derived_of(pack(KEY, value, overflow=Overflow(objects, limit))) is None
    assert objects.list("") == []
    item = pack(KEY, value, version=1, overflow=Overflow(objects, size - 1))
    [info] = objects.list("")
    text = msgspec.json.encode(value)
    assert info.key == derived_key(ULID, f"{name}-{hashlib.sha256(text).hexdigest()[:16]}.json.gz")
    assert derived_of(item) == info.key
    assert (item.key, item.version, len(item.data)) == (KEY, 1, len(info.key))
    assert gzip.decompress(objects.get(info.key)) == text
    assert unpack(item, kind, objects) == value


def test_the_table_of_what_overflows_is_of_values_with_an_id() -> None:
    for kind in DERIVED_NAMES:
        assert "id" in kind.__struct_fields__


def test_without_overflow_everything_stays_in_the_item() -> None:
    assert unpack(pack(KEY, sample(MessageRecord, preview=NOISE * 20)), MessageRecord).preview == NOISE * 20


def test_an_item_too_large_for_any_store_overflows_whatever_the_limit(objects: MemoryObjects) -> None:
    value = sample(MessageRecord, preview=os.urandom(MAX_ITEM_BYTES).hex())
    item = pack(KEY, value, overflow=Overflow(objects, 10_000_000))
    assert derived_of(item) is not None
    assert unpack(item, MessageRecord, objects) == value


def test_two_versions_of_a_record_lie_in_two_objects(objects: MemoryObjects) -> None:
    """The loser of a transaction must not change what the winner's item points to."""
    overflow = Overflow(objects, 1)
    values = [sample(SessionRecord, state="open"), sample(SessionRecord, state="closed")]
    items = [pack(KEY, value, overflow=overflow) for value in values]
    assert [unpack(item, SessionRecord, objects) for item in items] == values
    assert pack(KEY, values[0], overflow=overflow) == items[0]
    assert len(objects.list("")) == 2


def test_a_value_whose_id_makes_no_key_does_not_overflow(objects: MemoryObjects) -> None:
    with pytest.raises(ValueError, match="only a value with a ULID"):
        pack(KEY, sample(MessageRecord, id="../x"), overflow=Overflow(objects, 1))


def test_a_store_that_fails_fails_the_pack(objects: MemoryObjects) -> None:
    down = FaultyObjects(objects, Faults(down=True))
    with pytest.raises(StoreUnavailable):
        pack(KEY, sample(MessageRecord), overflow=Overflow(down, 1))


def test_an_overflowed_record_whose_object_is_gone(objects: MemoryObjects) -> None:
    item = pack(KEY, sample(MessageRecord), overflow=Overflow(objects, 1))
    with pytest.raises(CorruptObject, match="no objects given"):
        unpack(item, MessageRecord)
    objects.delete(derived_of(item) or "")
    with pytest.raises(ObjectNotFound):
        unpack(item, MessageRecord, objects)


GOOD = pack(KEY, sample(MessageRecord)).data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"nonsense",
        b"{",
        b"{}",
        b'{"id":"x"}',
        b"{\xff}",
        GOOD[:-1],
        GOOD[: len(GOOD) // 2],
        GOOD[:40] + bytes([GOOD[40] ^ 1]) + GOOD[41:],
        zlib.compress(b"[]"),
        zlib.compress(b"\xff\xfe"),
        b"derived/../../etc/passwd",
        b"derived/\xff",
        b"derived//x",
    ],
    ids=repr,
)
def test_corrupt_data(objects: MemoryObjects, data: bytes) -> None:
    with pytest.raises(CorruptObject):
        unpack(Item(*KEY, data), MessageRecord, objects)


@pytest.mark.parametrize(
    "content", [b"", b"no gzip", gzip.compress(b"{}", mtime=0), gzip.compress(b"x" * 99, mtime=0)[:-9]]
)
def test_a_corrupt_object_of_an_overflowed_record(objects: MemoryObjects, content: bytes) -> None:
    item = pack(KEY, sample(MessageRecord), overflow=Overflow(objects, 1))
    objects.put(derived_of(item) or "", [content])
    with pytest.raises(CorruptObject):
        unpack(item, MessageRecord, objects)


def test_a_value_is_not_taken_for_another_kind() -> None:
    with pytest.raises(CorruptObject):
        unpack(pack(KEY, sample(TokenRecord)), MessageRecord)


def test_tokens(records: MemoryRecords) -> None:
    token = sample(TokenRecord, expires_at=None)
    assert find_token(records, "ms_secret") is None
    put_token(records, "ms_secret", token)
    assert find_token(records, "ms_secret") == token
    assert find_token(records, "ms_other") is None
    assert find_token(records, "") is None
    assert token_key("ms_secret") == RecordKeys.token(hashlib.sha256(b"ms_secret").hexdigest())
    put_token(records, "ms_secret", sample(TokenRecord, name="renewed", expires_at=None))
    found = find_token(records, "ms_secret")
    assert found is not None
    assert found.name == "renewed"


def test_the_text_of_a_token_is_nowhere_in_the_store(records: MemoryRecords) -> None:
    put_token(records, "ms_secret", sample(TokenRecord))
    [item] = records.get_many([token_key("ms_secret")])
    assert b"secret" not in item.data
    assert "secret" not in item.pk + item.sk


def test_a_token_of_any_characters_can_be_presented(records: MemoryRecords) -> None:
    for text in ("\udcff", "\0", "x" * 100_000, "\U0001f4e7"):
        assert find_token(records, text) is None


def test_an_expired_token_is_none() -> None:
    clock = Clock()
    records = MemoryRecords(clock)
    until = datetime.fromtimestamp(clock.seconds + 60, UTC)
    put_token(records, "t", sample(TokenRecord, expires_at=until))
    clock.ms += 59_999
    assert find_token(records, "t") is not None
    clock.ms += 1
    assert find_token(records, "t") is None


def test_the_cursor_key_is_made_once(records: MemoryRecords) -> None:
    made = cursor_key(records)
    assert len(made) == 32
    assert cursor_key(records) == made
    assert cursor_key(MemoryRecords()) != made


def test_everybody_gets_the_same_cursor_key(records: MemoryRecords) -> None:
    found: list[bytes] = []
    in_threads(lambda _: found.append(cursor_key(records)), 8)
    assert len(set(found)) == 1
    assert len(found) == 8


def test_who_makes_the_cursor_key_second_takes_the_first(records: MemoryRecords) -> None:
    def slow() -> bytes:
        records.transact([Put(Item(*RecordKeys.CURSOR, b"first"))])
        return b"second"

    assert cursor_key(records, slow) == b"first"


def test_a_cursor_key_whose_acknowledgement_was_lost_is_found_again(records: MemoryRecords) -> None:
    faulty = FaultyRecords(records, Faults(lost=1))
    with pytest.raises(StoreUnavailable):
        cursor_key(faulty)
    assert cursor_key(faulty) == cursor_key(records)


def test_a_cursor_key_that_comes_and_goes() -> None:
    class Fickle(MemoryRecords):
        def transact(self, writes: object) -> None:
            raise ConditionFailed((0,))

    with pytest.raises(StoreUnavailable):
        cursor_key(Fickle())
