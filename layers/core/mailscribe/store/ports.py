"""The two store ports: objects and records. Adapters: S3 and files, DynamoDB and SQLite.

Every adapter passes the contract suite in tests/contract. All calls block; all raise only `StoreError`s.
Every read is consistent: a write that returned is seen by every later read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object's key, size in bytes, opaque etag and last modification (ms since 1970)."""

    key: str
    size: int
    etag: str
    modified_ms: int


class Objects(Protocol):
    """Immutable byte strings under keys. A put is atomic: a reader sees nothing or the whole object."""

    def put(self, key: str, chunks: Iterable[bytes], *, content_type: str = "application/octet-stream") -> ObjectInfo:
        """Store durably, replacing what was there. Raises `StoreUnavailable`, `StoreFull`."""
        ...

    def get(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        """Bytes [start, end) cut to the object's size. Raises `ObjectNotFound`, `StoreUnavailable`."""
        ...

    def head(self, key: str) -> ObjectInfo:
        """Facts without content. Raises `ObjectNotFound`, `StoreUnavailable`."""
        ...

    def delete(self, key: str) -> None:
        """Remove; an absent key is no error."""
        ...

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        """At most `limit` objects whose key begins with `prefix` and is greater than `after`, by key."""
        ...


@runtime_checkable
class LocalFiles(Protocol):
    """What objects may also be: files of this machine, which are then opened as they are."""

    def path_of(self, key: str) -> Path:
        """The file that holds the object, if there is one."""
        ...


class Key(NamedTuple):
    """Partition key and sort key."""

    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class Item:
    """A record: key, opaque bytes (≤ 350 KB), a version for `Equals`, and expiry (s since 1970) for TTL."""

    pk: str
    sk: str
    data: bytes
    version: int = 0
    expires: int | None = None

    @property
    def key(self) -> Key:
        """The item's key."""
        return Key(self.pk, self.sk)


@dataclass(frozen=True, slots=True)
class Absent:
    """Condition: no item under the key."""


@dataclass(frozen=True, slots=True)
class Present:
    """Condition: an item under the key."""


@dataclass(frozen=True, slots=True)
class Equals:
    """Condition: an item under the key, of this version."""

    version: int


type Condition = Absent | Present | Equals


@dataclass(frozen=True, slots=True)
class Put:
    """Write an item, replacing what was there, if the condition holds."""

    item: Item
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove an item if the condition holds; an absent one is no error."""

    key: Key
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Write nothing, but fail the transaction unless the condition holds."""

    key: Key
    condition: Condition


type Write = Put | Delete | Check

TRANSACTION_LIMIT = 100
"""Writes in one transaction (DynamoDB TransactWriteItems)."""


class Records(Protocol):
    """Small items under (partition, sort) keys with ranges and conditional transactions."""

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        """The items that exist, in the order of `keys`; absent ones are left out. Any number of keys."""
        ...

    def query(
        self, pk: str, *, start: str = "", end: str | None = None, reverse: bool = False, limit: int = 1000
    ) -> list[Item]:
        """At most `limit` items of a partition with start ≤ sk < end, rising or falling by sk."""
        ...

    def transact(self, writes: Sequence[Write]) -> None:
        """All writes or none. Raises `ConditionFailed` with the indices, `StoreUnavailable`, or
        `ValueError` for more than 100 writes or two writes to one key.
        """
        ...
