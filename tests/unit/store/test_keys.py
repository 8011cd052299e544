"""Object keys and record keys."""

import hashlib

import pytest

from mailscribe.ids import GREATEST, make_ulid
from mailscribe.store.checks import check_keys, check_object_key
from mailscribe.store.keys import (
    DERIVED,
    INBOUND,
    MESSAGES,
    SESSIONS,
    TRIGGERS,
    RecordKeys,
    derived_key,
    id_of_key,
    message_key,
    session_key,
)
from mailscribe.store.ports import Key

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"  # 2016-07-30T23:54:10.259Z
NEW_YEAR = make_ulid(1_483_228_800_000, 0)  # 2017-01-01T00:00:00Z


def test_object_keys() -> None:
    assert message_key(ULID) == f"messages/2016/07/30/{ULID}.eml"
    assert session_key(ULID) == f"sessions/2016/07/30/{ULID}.jsonl"
    assert derived_key(ULID, "record.json.gz") == f"derived/{ULID}/record.json.gz"
    for key in (message_key(ULID), session_key(ULID), derived_key(ULID, "x")):
        check_object_key(key)


def test_the_day_is_the_day_in_utc() -> None:
    assert message_key(NEW_YEAR).startswith("messages/2017/01/01/")
    assert message_key(make_ulid(1_483_228_799_999, 0)).startswith("messages/2016/12/31/")
    assert RecordKeys().message(NEW_YEAR).pk == "M#20170101#0"


def test_keys_of_one_kind_rise_with_the_id() -> None:
    times = [0, 1, 1_483_228_799_999, 1_483_228_800_000, 4_102_444_800_000]
    ids = [make_ulid(time, 0) for time in times]
    assert [message_key(ulid) for ulid in ids] == sorted(message_key(ulid) for ulid in ids)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (message_key(ULID), ULID),
        (session_key(ULID), ULID),
        (f"messages/2016/07/30/{ULID}.jsonl", None),
        (f"sessions/2016/07/30/{ULID}.eml", None),
        (f"messages/2016/07/30/{ULID.lower()}.eml", None),
        (f"messages/2016/7/30/{ULID}.eml", None),
        (f"messages/2016/07/31/{ULID}.eml", None),
        (f"messages/9999/12/31/{GREATEST}.eml", GREATEST),
        (f"messages/2016/07/30/x/{ULID}.eml", None),
        (f"x/messages/2016/07/30/{ULID}.eml", None),
        (f"messages/2016/07/30/{ULID}.eml\n", None),
        (f"messages/٢٠١٦/07/30/{ULID}.eml", None),
        (f"inbound/{ULID}.eml", None),
        (derived_key(ULID, "record.json.gz"), None),
        ("", None),
    ],
)
def test_id_of_key(key: str, expected: str | None) -> None:
    assert id_of_key(key) == expected


def test_prefixes_do_not_overlap() -> None:
    prefixes = [MESSAGES, SESSIONS, INBOUND, DERIVED]
    assert all(prefix.endswith("/") for prefix in prefixes)
    assert len(set(prefixes)) == len(prefixes)
    assert DERIVED not in TRIGGERS


def test_record_keys() -> None:
    keys = RecordKeys()
    digest = hashlib.sha256(b"<a@b>").hexdigest()[:32]
    assert keys.message(ULID) == Key("M#20160730#0", ULID)
    assert keys.session(ULID) == Key("S#20160730#0", ULID)
    assert keys.tail("message", ULID) == Key("T#message#0", ULID)
    assert keys.tails("session") == ["T#session#0"]
    assert keys.open_session(ULID) == Key("O#0", ULID)
    assert keys.open_sessions() == ["O#0"]
    assert keys.message_id("<a@b>", ULID) == Key(f"I#{digest}", ULID)
    assert keys.event(ULID) == Key("E#2016073023", ULID)
    assert keys.tombstone(ULID) == Key(f"D#{ULID}", ULID)
    assert keys.token("ab") == Key("K#ab", "token")
    assert Key("K#cursor", "key") == keys.CURSOR


def test_all_record_keys_can_be_stored() -> None:
    keys = RecordKeys(8)
    check_keys(
        [
            keys.message(ULID),
            keys.session(ULID),
            keys.tail("message", ULID),
            keys.open_session(ULID),
            keys.message_id("\udc80" * 10_000, ULID),
            keys.event(ULID),
            keys.tombstone(ULID),
            keys.token("0" * 64),
            keys.CURSOR,
        ]
    )


def test_shards_are_stable_and_all_used() -> None:
    keys = RecordKeys(4)
    ids = [make_ulid(1_483_228_800_000, number) for number in range(200)]
    partitions = {keys.message(ulid).pk for ulid in ids}
    assert partitions == {f"M#20170101#{shard}" for shard in range(4)}
    assert [keys.message(ulid) for ulid in ids] == [RecordKeys(4).message(ulid) for ulid in ids]
    assert {keys.tail("message", ulid).pk for ulid in ids} == set(keys.tails("message"))
    assert {keys.open_session(ulid).pk for ulid in ids} == set(keys.open_sessions())
    for ulid in ids:
        assert keys.message(ulid).pk.rsplit("#", 1)[1] == keys.tail("message", ulid).pk.rsplit("#", 1)[1]
