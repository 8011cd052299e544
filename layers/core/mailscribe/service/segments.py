"""Sealed segments, opened: as files where objects are files, small ones whole, large ones a block at a time.

What was opened whole is kept open while there is room; a block that was read is kept for every later query. A segment
never changes, so what is kept is never wrong.
"""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final

from mailscribe.errors import ObjectNotFound
from mailscribe.records import SegmentRow
from mailscribe.store.ports import LocalFiles, Objects
from mailscribe.store.segment import BlockCache, Meter, Segment

WHOLE_BYTES: Final = 8 << 20
"""A segment up to this size is read in one request: about 5,000 messages."""
KEPT_BYTES: Final = 256 << 20
KEPT_FILES: Final = 200
CHUNK_BYTES: Final = 8 << 20


class Segments:
    """Opens segments. Safe to share between threads."""

    def __init__(
        self,
        objects: Objects,
        *,
        whole_bytes: int = WHOLE_BYTES,
        kept_bytes: int = KEPT_BYTES,
        blocks: BlockCache | None = None,
    ) -> None:
        self._objects = objects
        self._whole_bytes = whole_bytes
        self._kept_bytes = kept_bytes
        self._blocks = BlockCache() if blocks is None else blocks
        self._kept: OrderedDict[str, tuple[Segment, int]] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, row: SegmentRow, meter: Meter) -> Segment:
        """The segment; what is read of it counts for `meter`. Raises `ObjectNotFound`, `StoreUnavailable`."""
        with self._lock:
            if row.key in self._kept:
                self._kept.move_to_end(row.key)
                return self._kept[row.key][0]
        if isinstance(self._objects, LocalFiles):
            return self._keep(row.key, Segment.of_file(_existing(self._objects, row.key)), 0)
        if row.size > self._whole_bytes:
            return Segment.of_object(self._objects, row.key, row.size, self._blocks, meter)
        meter.count(row.size)
        data = self._objects.get(row.key)
        return self._keep(row.key, Segment.of_bytes(data), len(data))

    def fetch(self, row: SegmentRow, folder: Path) -> Path:
        """A file of this machine that holds the segment: its own, or a copy in `folder`."""
        if isinstance(self._objects, LocalFiles):
            return _existing(self._objects, row.key)
        path = folder / f"{row.id}.sqlite"
        with path.open("wb") as file:
            for start in range(0, row.size, CHUNK_BYTES):
                file.write(self._objects.get(row.key, start, start + CHUNK_BYTES))
        return path

    def _keep(self, key: str, segment: Segment, size: int) -> Segment:
        """One that is pushed out is closed when the last query that reads it lets go of it."""
        with self._lock:
            self._kept[key] = (segment, size)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT_FILES or sum(cost for _, cost in self._kept.values()) > self._kept_bytes:
                if len(self._kept) == 1:
                    break
                self._kept.popitem(last=False)
        return segment


def _existing(objects: LocalFiles, key: str) -> Path:
    path = objects.path_of(key)
    if not path.is_file():
        raise ObjectNotFound(key)
    return path
