"""Both store ports in memory: what the other adapters are compared with, and what use cases are tested over.

They pass the same contract suites as the real adapters (tests/contract) and refuse the same calls.
"""

import hashlib
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

from mailscribe.errors import ConditionFailed, ObjectNotFound
from mailscribe.ids import now_ms
from mailscribe.store.checks import (
    alive,
    check_bounds,
    check_keys,
    check_object_key,
    check_partition,
    check_range,
    check_writes,
    condition_of,
    holds,
    key_of,
)
from mailscribe.store.ports import Delete, Item, Key, ObjectInfo, Put, Write


class MemoryObjects:
    """The objects port over a dict. Safe to share between threads."""

    def __init__(self, clock_ms: Callable[[], int] = now_ms) -> None:
        self._clock_ms = clock_ms
        self._objects: dict[str, tuple[ObjectInfo, bytes]] = {}
        self._lock = threading.Lock()

    def put(self, key: str, chunks: Iterable[bytes], *, content_type: str = "application/octet-stream") -> ObjectInfo:
        check_object_key(key)
        data = b"".join(chunks)
        info = ObjectInfo(key, len(data), hashlib.sha256(data).hexdigest(), self._clock_ms())
        with self._lock:
            self._objects[key] = (info, data)
        return info

    def get(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        check_range(start, end)
        return self._find(key)[1][start:end]

    def head(self, key: str) -> ObjectInfo:
        return self._find(key)[0]

    def delete(self, key: str) -> None:
        check_object_key(key)
        with self._lock:
            self._objects.pop(key, None)

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        with self._lock:
            keys = sorted(key for key in self._objects if key.startswith(prefix) and key > after)
            return [self._objects[key][0] for key in keys[: max(limit, 0)]]

    def _find(self, key: str) -> tuple[ObjectInfo, bytes]:
        check_object_key(key)
        with self._lock:
            if key not in self._objects:
                raise ObjectNotFound(key)
            return self._objects[key]


class MemoryRecords:
    """The records port over a dict. Safe to share between threads."""

    def __init__(self, clock_ms: Callable[[], int] = now_ms) -> None:
        self._clock_ms = clock_ms
        self._items: dict[Key, Item] = {}
        self._lock = threading.Lock()

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        check_keys(keys)
        with self._lock:
            found = [self._find(key) for key in keys]
        return [item for item in found if item is not None]

    def query(
        self, pk: str, *, start: str = "", end: str | None = None, reverse: bool = False, limit: int = 1000
    ) -> list[Item]:
        check_partition(pk)
        check_bounds(start, end)
        with self._lock:
            keys = sorted(key for key in self._items if key.pk == pk)
            last = len(keys) if end is None else bisect_left(keys, Key(pk, end))
            keys = keys[bisect_left(keys, Key(pk, start)) : last]
            found = [self._find(key) for key in (reversed(keys) if reverse else keys)]
        return [item for item in found if item is not None][: max(limit, 0)]

    def transact(self, writes: Sequence[Write]) -> None:
        check_writes(writes)
        with self._lock:
            failed = [
                index for index, write in enumerate(writes) if not holds(condition_of(write), self._find(key_of(write)))
            ]
            if failed:
                raise ConditionFailed(tuple(failed))
            for write in writes:
                if isinstance(write, Put):
                    self._items[write.item.key] = write.item
                elif isinstance(write, Delete):
                    self._items.pop(write.key, None)

    def _find(self, key: Key) -> Item | None:
        item = self._items.get(key)
        return item if item is not None and alive(item, self._clock_ms()) else None
