"""The rounds that keep the index in order: seal and merge each minute or when much has come; clear up once a day.

A round that is cut short, or that two do at once, does no harm; what it did not come to is for the next.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from mailscribe.records import Kind
from mailscribe.service.housekeeping import Housekeeping
from mailscribe.service.merging import Merger, Shape
from mailscribe.service.seal import MAX_DOCUMENTS, Sealer
from mailscribe.service.search.question import KINDS
from mailscribe.settings import Settings
from mailscribe.store.ports import Objects, Records

MUCH: Final = 500
"""Documents in the tail that do not wait for the minute to end: more would take long to load."""
NUDGE_EVERY: Final = 100
"""Documents that one process makes readable between two nudges; several do so at once."""
NUDGE_MS: Final = 15_000
"""Within so long a nudge is the same nudge."""
MERGES: Final = 5
"""Merges of a kind in one round."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a round did: documents that left the tail, segments that were replaced, retired ones that went."""

    sealed: int
    merged: int
    retired: int


class Upkeep:
    """Seals, merges and clears up."""

    def __init__(
        self,
        objects: Objects,
        records: Records,
        settings: Settings,
        *,
        clock_ms: Callable[[], int],
        new_id: Callable[[], str],
        shape: Shape | None = None,
    ) -> None:
        self._sealer = Sealer(objects, records, settings, clock_ms=clock_ms, new_id=new_id)
        self._merger = Merger(objects, records, settings, clock_ms=clock_ms, new_id=new_id, shape=shape)
        self._keeper = Housekeeping(objects, records, settings, clock_ms=clock_ms, new_id=new_id, shape=shape)

    def round(self, *, at_least: int = 1) -> Round:
        """Seal both kinds, those of which `at_least` so many wait, and merge. Raises `StoreError`."""
        sealed = sum(self._seal(kind, at_least) for kind in KINDS)
        merged = sum(self._merge(kind) for kind in KINDS)
        return Round(sealed, merged, self._keeper.tidy())

    def sweep(self) -> int:
        """What is done once a day: objects that nothing names and tombstones that nothing needs; how many went."""
        return self._keeper.sweep() + self._keeper.purge()

    def _seal(self, kind: Kind, at_least: int) -> int:
        sealed = 0
        while True:
            found = self._sealer.seal(kind, at_least=at_least)
            sealed += found
            if found < MAX_DOCUMENTS:
                return sealed

    def _merge(self, kind: Kind) -> int:
        merged = 0
        for _ in range(MERGES):
            found = self._merger.merge(kind)
            merged += found
            if not found:
                break
        return merged


class NudgeQueue(Protocol):
    """Wakes who seals."""

    def send(self, nudge: str) -> None:
        """Send a nudge; one of the same name just before is the same one. Raises `StoreUnavailable`."""
        ...


class Nudging:
    """Counts what one process makes readable, and nudges now and then. Safe to share between threads."""

    def __init__(self, queue: NudgeQueue, *, clock_ms: Callable[[], int], every: int = NUDGE_EVERY) -> None:
        self._queue = queue
        self._clock_ms = clock_ms
        self._every = every
        self._count = 0
        self._lock = threading.Lock()

    def stored(self, documents: int) -> None:
        """So many more documents are in the tail. Raises `StoreUnavailable`: nothing but the nudge is lost."""
        with self._lock:
            self._count += documents
            if self._count < self._every:
                return
            self._count = 0
        self._queue.send(f"much-{self._clock_ms() // NUDGE_MS}")
