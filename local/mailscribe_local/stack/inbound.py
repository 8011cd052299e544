"""Mail that is dropped as files under `objects/inbound/` of the data folder, as under `inbound/` of a bucket.

A file is taken when it was not written to for a second; its name may be anything. It is told apart by key and etag,
so a file that is replaced is another mail. What was taken before a restart is offered again: ingest knows it.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

from mailscribe.ids import now_ms
from mailscribe.store.keys import INBOUND
from mailscribe.store.ports import ObjectInfo, Objects
from mailscribe_local.journal import Line

SETTLE_MS: Final = 1_000
EVERY_SECONDS: Final = 1.0
PATIENCE: Final = 20
"""A look at the folder takes at most one in so many seconds, however many files lie there."""
_PAGE: Final = 10_000


class Inbound:
    """Finds new files. Used by one thread."""

    def __init__(
        self,
        objects: Objects,
        *,
        clock_ms: Callable[[], int] = now_ms,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._objects = objects
        self._clock_ms = clock_ms
        self._monotonic = monotonic
        self._taken: set[tuple[str, str]] = set()
        self._next = monotonic()

    def poll(self) -> list[Line]:
        """The files that are new since the last poll; none when that was just now. Raises `StoreError`."""
        begun = self._monotonic()
        if begun < self._next:
            return []
        settled = self._clock_ms() - SETTLE_MS
        present = {(info.key, info.etag): info for info in self._list()}
        fresh = {
            name: info for name, info in present.items() if name not in self._taken and info.modified_ms <= settled
        }
        self._taken = (self._taken & present.keys()) | fresh.keys()
        self._next = self._monotonic() + max(EVERY_SECONDS, PATIENCE * (self._monotonic() - begun))
        return [Line(info.key, info.size, info.modified_ms) for info in fresh.values()]

    def _list(self) -> Iterator[ObjectInfo]:
        after = ""
        while page := self._objects.list(INBOUND, after=after, limit=_PAGE):
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].key
