"""Mail that is dropped as files under `objects/inbound/` of the data folder, as under `inbound/` of a bucket.

A file is offered when two looks found it the same and it was not written to for a while; its name may be anything
that is UTF-8. It is told apart by key and etag, so a file that is replaced is another mail. What could not be
ingested is offered again, less often each time. What was taken before a restart is offered again: ingest knows it.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

from mailscribe.ids import now_ms
from mailscribe.store.keys import INBOUND
from mailscribe.store.ports import ObjectInfo, Objects
from mailscribe_local.journal import Line

SETTLE_MS: Final = 2_000
EVERY_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 600.0
PATIENCE: Final = 20
"""A look at the folder takes at most one in so many seconds, however many files lie there."""
_PAGE: Final = 10_000

type _Name = tuple[str, str]


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
        self._next = monotonic()
        self._present: dict[_Name, ObjectInfo] = {}
        self._done: set[_Name] = set()
        self._failures: dict[_Name, tuple[int, float]] = {}

    def poll(self) -> list[Line]:
        """The files to be ingested now; none when the last look was just now. Raises `StoreError`."""
        begun = self._monotonic()
        if begun < self._next:
            return []
        before, self._present = self._present, {(info.key, info.etag): info for info in self._list()}
        self._done &= self._present.keys()
        self._failures = {name: failure for name, failure in self._failures.items() if name in self._present}
        ready = [name for name in self._present if name in before and self._is_ready(name, begun)]
        for name in ready:
            failures, _ = self._failures.get(name, (0, 0.0))
            self._failures[name] = (failures + 1, begun + min(EVERY_SECONDS * 2**failures, LONGEST_SECONDS))
        self._next = self._monotonic() + max(EVERY_SECONDS, PATIENCE * (self._monotonic() - begun))
        return [_line(self._present[name]) for name in ready]

    def done(self, line: Line) -> None:
        """It was ingested."""
        for name in [name for name in self._failures if name[0] == line.key]:
            self._done.add(name)
            del self._failures[name]

    def _is_ready(self, name: _Name, now: float) -> bool:
        age_ms = self._clock_ms() - self._present[name].modified_ms
        is_settled = age_ms >= SETTLE_MS or age_ms < 0  # a time to come says nothing of when it was written
        return is_settled and name not in self._done and now >= self._failures.get(name, (0, 0.0))[1]

    def _list(self) -> Iterator[ObjectInfo]:
        after = ""
        while page := self._objects.list(INBOUND, after=after, limit=_PAGE):
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].key


def _line(info: ObjectInfo) -> Line:
    return Line(info.key, info.size, info.modified_ms)
