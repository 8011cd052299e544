"""Records ↔ items: the only place where a value becomes the bytes of the table and back.

An item's data is self-describing by its first byte: `{` plain JSON (tokens), 0x18 to 0x78 zlib'd JSON, `d` the key of
an object under `derived/` that holds the gzipped JSON, because the packed record was larger than the overflow limit.
That object is put before the item that names it and is named after its content, so that a transaction which
loses never changes what the winner's item points to. Bytes that are none of these are `CorruptObject`.
"""

import gzip
import hashlib
import re
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from mailscribe.errors import ConditionFailed, CorruptObject, StoreUnavailable
from mailscribe.ids import ULID, is_ulid
from mailscribe.records import Event, IndexDocument, MessageRecord, SessionRecord, TokenRecord, Value
from mailscribe.store.checks import MAX_ITEM_BYTES
from mailscribe.store.deflate import FIRST_OCTETS, deflate
from mailscribe.store.keys import DERIVED, RecordKeys, derived_key
from mailscribe.store.ports import Absent, Item, Key, Objects, Put, Records

DERIVED_NAMES: Final[dict[type[Value], str]] = {
    MessageRecord: "record",
    SessionRecord: "record",
    IndexDocument: "document",
    Event: "event",
}
"""Which values (and values derived from them) may overflow, and the name of the object that then holds them."""

PLAIN: Final[tuple[type[Value], ...]] = (TokenRecord,)
"""Values stored as plain JSON: small, and read by people."""

_LEVEL: Final = 3
_JSON: Final = b"{"
_POINTER: Final = re.compile(rf"{DERIVED}{ULID.pattern}/[a-z]+-[0-9a-f]{{16}}\.json\.gz".encode())
_CURSOR_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Overflow:
    """Where a packed record of more than `limit` bytes (`Settings.record_overflow`), or than an item takes, goes."""

    objects: Objects
    limit: int


def pack(
    key: Key, value: Value, *, version: int = 0, expires: int | None = None, overflow: Overflow | None = None
) -> Item:
    """The item of a value. With `overflow`, a large one is first put as an object; raises `StoreUnavailable` then."""
    text = msgspec.json.encode(value)
    data = text if isinstance(value, PLAIN) else deflate(text, _LEVEL)
    name = next((name for kind, name in DERIVED_NAMES.items() if isinstance(value, kind)), None)
    if overflow is not None and name is not None and len(data) > min(overflow.limit, MAX_ITEM_BYTES):
        data = _put_derived(overflow.objects, value, name, text).encode()
    return Item(key.pk, key.sk, data, version, expires)


def unpack[T: Value](item: Item, kind: type[T], objects: Objects | None = None) -> T:
    """The value of an item. An overflowed one is read from `objects`.

    Raises `CorruptObject`; for an overflowed value also `ObjectNotFound` (a delete is on its way) and
    `StoreUnavailable`.
    """
    try:
        return msgspec.json.decode(_json(item, objects), type=kind)
    except (zlib.error, EOFError, gzip.BadGzipFile, ValueError, msgspec.MsgspecError) as error:
        raise CorruptObject(f"item {item.key}: no {kind.__name__}") from error


def tail_version(commit: str) -> int:
    """The version of the tail's item of a document: another one whenever the document is written again."""
    return int.from_bytes(hashlib.blake2b(commit.encode(), digest_size=6).digest())


def derived_of(item: Item) -> str | None:
    """Key of the object that holds an overflowed item's value, None when the item holds it itself."""
    found = _POINTER.fullmatch(item.data)
    return found[0].decode() if found else None


def _json(item: Item, objects: Objects | None) -> bytes:
    if item.data.startswith(_JSON):
        return item.data
    if item.data.startswith(FIRST_OCTETS):
        return zlib.decompress(item.data)
    pointer = derived_of(item)
    if pointer is None or objects is None:
        raise CorruptObject(f"item {item.key}: {'overflowed, no objects given' if pointer else 'unknown form'}")
    return gzip.decompress(objects.get(pointer))


def _put_derived(objects: Objects, value: Value, name: str, text: bytes) -> str:
    identity = _owner(value)
    if not is_ulid(identity):
        raise ValueError(f"{type(value).__name__} {identity!r}: only a value with a ULID can overflow")
    key = derived_key(identity, f"{name}-{hashlib.sha256(text).hexdigest()[:16]}.json.gz")
    objects.put(key, [gzip.compress(text, mtime=0)], content_type="application/gzip")
    return key


def _owner(value: Value) -> str:
    """The id under which a value's object lies: an event goes with what it tells of."""
    subject = msgspec.json.decode(value.detail, type=_Subject).id if isinstance(value, Event) else ""
    return subject or getattr(value, "id", "")


class _Subject(msgspec.Struct):
    id: str = ""


def token_key(text: str) -> Key:
    """Key of a bearer token's record; the token's text itself is stored nowhere."""
    return RecordKeys.token(hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest())


def put_token(records: Records, text: str, token: TokenRecord) -> None:
    """Store a token's record under the hash of its text, replacing one of the same text."""
    expires = None if token.expires_at is None else int(token.expires_at.timestamp())
    records.transact([Put(pack(token_key(text), token, expires=expires))])


def find_token(records: Records, text: str) -> TokenRecord | None:
    """The record of a token that was presented; None when there is none or it has expired."""
    found = records.get_many([token_key(text)])
    return unpack(found[0], TokenRecord) if found else None


def cursor_key(records: Records, make: Callable[[], bytes] = lambda: secrets.token_bytes(_CURSOR_KEY_BYTES)) -> bytes:
    """The key that signs cursors: made by whoever needs it first, then the same for all."""
    for _ in range(2):
        found = records.get_many([RecordKeys.CURSOR])
        if found:
            return found[0].data
        fresh = make()
        try:
            records.transact([Put(Item(*RecordKeys.CURSOR, fresh), Absent())])
        except ConditionFailed:
            continue
        return fresh
    raise StoreUnavailable("cursor key: made by another, then gone")
