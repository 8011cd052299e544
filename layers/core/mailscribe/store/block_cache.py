"""What is read of large segments: a budget for each query, and the blocks that any query has read before.

An object is read in blocks of one size, so that a page that another query needed is there already. A segment never
changes, so a block is never wrong; the least recently used ones go when there is no room.
"""

import threading
from collections import OrderedDict
from typing import Final

from mailscribe.errors import CorruptObject, StoreError
from mailscribe.store.ports import Objects

BLOCK_BYTES: Final = 256 * 1024
CACHE_BYTES: Final = 128 << 20


class BudgetSpent(StoreError):
    """A query has read all that it may; what it found until then is not the whole answer."""


class Meter:
    """Counts what a query reads; refuses (`BudgetSpent`) what is beyond its limits. Safe to share between threads.

    `max_gets` and `max_bytes` are for all segments together; None: no limit. `stop`, called by anyone, ends the query,
    also in the middle of a search that reads nothing new.
    """

    def __init__(self, max_gets: int | None = None, max_bytes: int | None = None) -> None:
        self.gets = 0
        self.bytes = 0
        self.max_gets = max_gets
        self.max_bytes = max_bytes
        self._stopped = False
        self._lock = threading.Lock()

    def count(self, size: int) -> None:
        """One request of `size` bytes is about to be made. Raises `BudgetSpent`, then nothing is counted."""
        with self._lock:
            if self._stopped or _beyond(self.gets + 1, self.max_gets) or _beyond(self.bytes + size, self.max_bytes):
                raise BudgetSpent(f"after {self.gets} requests and {self.bytes} bytes")
            self.gets += 1
            self.bytes += size

    @property
    def stopped(self) -> bool:
        """Was the query ended?"""
        return self._stopped

    def stop(self) -> None:
        """End the query: every search that it makes raises `BudgetSpent` soon."""
        self._stopped = True


class BlockCache:
    """Blocks of objects, by key and number, at most `capacity` bytes. Safe to share between threads."""

    def __init__(self, capacity: int = CACHE_BYTES, block_bytes: int = BLOCK_BYTES) -> None:
        self.block_bytes = block_bytes
        self._capacity = capacity
        self._held = 0
        self._blocks: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Bytes held."""
        with self._lock:
            return self._held

    def find(self, key: str, number: int) -> bytes | None:
        """A block that is there, which makes it the last to go."""
        with self._lock:
            block = self._blocks.get((key, number))
            if block is not None:
                self._blocks.move_to_end((key, number))
            return block

    def keep(self, key: str, number: int, block: bytes) -> None:
        """Add a block; others may go for it."""
        with self._lock:
            self._held += len(block) - len(self._blocks.pop((key, number), b""))
            self._blocks[key, number] = block
            while self._held > self._capacity:
                self._held -= len(self._blocks.popitem(last=False)[1])


class BlockReader:
    """An object of known size, read through a cache of blocks."""

    def __init__(self, objects: Objects, key: str, size: int, cache: BlockCache, meter: Meter | None) -> None:
        self.key = key
        self.size = size
        self._objects = objects
        self._cache = cache
        self._meter = meter

    def read(self, amount: int, offset: int) -> bytes:
        """Bytes from `offset`, fewer than `amount` at the end.

        Raises `ObjectNotFound`, `StoreUnavailable`, `BudgetSpent`, and `CorruptObject` for an object of another size.
        """
        length, end = self._cache.block_bytes, min(offset + amount, self.size)
        found = [
            self._block(number)[max(offset - number * length, 0) : end - number * length]
            for number in range(offset // length, -(-end // length))
        ]
        return found[0] if len(found) == 1 else b"".join(found)

    def _block(self, number: int) -> bytes:
        block = self._cache.find(self.key, number)
        if block is not None:
            return block
        start = number * self._cache.block_bytes
        end = min(start + self._cache.block_bytes, self.size)
        if self._meter is not None:
            self._meter.count(end - start)
        block = self._objects.get(self.key, start, end)
        if len(block) != end - start:
            raise CorruptObject(f"{self.key} is shorter than its {self.size} bytes")
        self._cache.keep(self.key, number, block)
        return block


def _beyond(value: int, limit: int | None) -> bool:
    return limit is not None and value > limit
