"""What every adapter of the two ports refuses and sees alike, whatever its engine would say by itself.

A call that no adapter could serve is the caller's mistake: `ValueError`, before anything is sent. Limits are those
of the narrowest engine (DynamoDB, S3, a POSIX file system). An item whose `expires` has passed is absent for
reads and conditions from that moment on, though its engine may remove it days later.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, assert_never

from mailscribe.store.ports import (
    TRANSACTION_LIMIT,
    Absent,
    Check,
    Condition,
    Delete,
    Equals,
    Item,
    Key,
    Present,
    Put,
    Write,
)

MAX_PK_BYTES: Final = 2048
"""DynamoDB: partition key."""
MAX_SK_BYTES: Final = 1024
"""DynamoDB: sort key."""
MAX_ITEM_BYTES: Final = 350 * 1024
"""Data of one item; DynamoDB ends at 400 KB with keys and attribute names."""
MAX_TRANSACTION_BYTES: Final = 4_000_000
"""Data of all items of one transaction; DynamoDB ends at 4 MB with keys."""
MAX_NUMBER: Final = (1 << 63) - 1
"""Largest version and expiry: SQLite's integer."""
MAX_OBJECT_KEY_BYTES: Final = 1024
"""S3."""
MAX_SEGMENT_BYTES: Final = 255
"""NAME_MAX of the usual file systems."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def check_object_key(key: str) -> None:
    """Refuse (`ValueError`) a key that is no relative path of plain, non-empty segments.

    >>> check_object_key("messages/2016/07/30/x.eml")
    >>> check_object_key("messages/../x")
    Traceback (most recent call last):
    ValueError: object key 'messages/../x': empty, '.' or '..' between slashes
    """
    encoded = _encoded("object key", key)
    segments = encoded.split(b"/")
    if len(encoded) > MAX_OBJECT_KEY_BYTES or any(len(segment) > MAX_SEGMENT_BYTES for segment in segments):
        raise ValueError(f"object key {key[:80]!r}…: too long")
    if any(segment in (b"", b".", b"..") for segment in segments):
        raise ValueError(f"object key {key!r}: empty, '.' or '..' between slashes")
    if _CONTROL.search(key):
        raise ValueError(f"object key {key!r}: control character")


def check_range(start: int, end: int | None) -> None:
    """Refuse (`ValueError`) a byte range that counts from the end."""
    if start < 0 or (end is not None and end < 0):
        raise ValueError(f"byte range {start}:{end}: negative")


def check_keys(keys: Iterable[Key]) -> None:
    """Refuse (`ValueError`) record keys that are empty, too long or not Unicode."""
    for key in keys:
        check_partition(key.pk)
        if not 0 < len(_encoded("sort key", key.sk)) <= MAX_SK_BYTES:
            raise ValueError(f"sort key {key.sk[:80]!r}: empty or too long")


def check_partition(pk: str) -> None:
    """Refuse (`ValueError`) a partition key that is empty, too long or not Unicode."""
    if not 0 < len(_encoded("partition key", pk)) <= MAX_PK_BYTES:
        raise ValueError(f"partition key {pk[:80]!r}: empty or too long")


def check_bounds(start: str, end: str | None) -> None:
    """Refuse (`ValueError`) bounds that could be no sort key."""
    for bound in (start, end or ""):
        if len(_encoded("bound", bound)) > MAX_SK_BYTES:
            raise ValueError(f"bound {bound[:80]!r}…: too long")


def check_writes(writes: Sequence[Write]) -> None:
    """Refuse (`ValueError`) a transaction that is too large or names a key twice."""
    if len(writes) > TRANSACTION_LIMIT:
        raise ValueError(f"{len(writes)} writes in one transaction: more than {TRANSACTION_LIMIT}")
    keys = [key_of(write) for write in writes]
    check_keys(keys)
    if len(set(keys)) != len(keys):
        raise ValueError("two writes to one key in one transaction")
    items = [write.item for write in writes if isinstance(write, Put)]
    for item in items:
        if len(item.data) > MAX_ITEM_BYTES:
            raise ValueError(f"item {item.key}: {len(item.data)} bytes, more than {MAX_ITEM_BYTES}")
        if not (0 <= item.version <= MAX_NUMBER and 0 <= (item.expires or 0) <= MAX_NUMBER):
            raise ValueError(f"item {item.key}: version or expiry out of range")
    if sum(len(item.data) for item in items) > MAX_TRANSACTION_BYTES:
        raise ValueError(f"transaction of more than {MAX_TRANSACTION_BYTES} bytes")


def key_of(write: Write) -> Key:
    """The key that a write is about."""
    return write.item.key if isinstance(write, Put) else write.key


def condition_of(write: Write) -> Condition | None:
    """The condition of a write, if it has one."""
    match write:
        case Put() | Delete() | Check():
            return write.condition
        case _:
            assert_never(write)


def alive(item: Item, now_ms: int) -> bool:
    """Whether an item has not expired at `now_ms`."""
    return item.expires is None or item.expires * 1000 > now_ms


def holds(condition: Condition | None, item: Item | None) -> bool:
    """Whether a condition holds for what lies under the key now; an expired item counts as None."""
    match condition:
        case None:
            return True
        case Absent():
            return item is None
        case Present():
            return item is not None
        case Equals():
            return item is not None and item.version == condition.version
        case _:
            assert_never(condition)


def _encoded(what: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} {text[:80]!r}: not Unicode") from None
