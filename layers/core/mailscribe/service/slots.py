"""How many waits may be held at once over all instances of a function: leases in the records, then a refusal.

A lease is an item of one partition that expires by itself, so an instance that dies gives its slot back. Whoever
finds every slot taken is refused at once (429) instead of costing what ingest needs to run.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from typing import Final

from mailscribe.errors import CallerError, ConditionFailed
from mailscribe.ids import now_ms
from mailscribe.store.ports import Absent, Equals, Item, Key, Put, Records

PARTITION: Final = "W#wait"
GRACE: Final = 10
"""Seconds that a lease outlives the wait it was taken for."""
_TRIES: Final = 3
_GONE: Final = 1


class TooManyWaits(CallerError):
    """Every slot is taken; trying again in `retry_after` seconds may help."""

    retry_after: Final = 5


class Slots:
    """At most `count` leases at a time. Safe to share between threads and processes."""

    def __init__(
        self,
        records: Records,
        count: int,
        *,
        clock_ms: Callable[[], int] = now_ms,
        below: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._records = records
        self._count = count
        self._clock_ms = clock_ms
        self._below = below

    @contextlib.contextmanager
    def hold(self, seconds: float) -> Iterator[None]:
        """A slot for as long as the context lasts, `seconds` at most. Raises `TooManyWaits`, `StoreUnavailable`."""
        lease = self._take(seconds)
        try:
            yield
        finally:
            with contextlib.suppress(ConditionFailed):  # it expired and is another's by now
                self._records.transact([Put(Item(*lease.key, b"-", lease.version, _GONE), Equals(lease.version))])

    def _take(self, seconds: float) -> Item:
        expires = self._clock_ms() // 1000 + int(seconds) + GRACE
        for _ in range(_TRIES):
            free = self._free()
            if not free:
                break
            slot = free[self._below(len(free))]
            lease = Item(*_key(slot), b"-", 1 + self._below(1 << 60), expires)
            try:
                self._records.transact([Put(lease, Absent())])
            except ConditionFailed:
                continue
            return lease
        raise TooManyWaits("every slot for waits is taken")

    def _free(self) -> list[int]:
        taken = {item.sk for item in self._records.query(PARTITION, limit=self._count)}
        return [slot for slot in range(self._count) if _key(slot).sk not in taken]


def _key(slot: int) -> Key:
    return Key(PARTITION, f"{slot:05d}")
