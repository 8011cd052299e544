"""What the catalog says: which segments there are, and which generation of them answers."""

from mailscribe.records.value import Value


class SegmentRow(Value, frozen=True, kw_only=True):
    """A sealed segment: its object, and bounds of what it holds, by which readers pass it over.

    `size` is the object's, in bytes. `first`, `last`: least and greatest id; the commits likewise. `rewrites`: at most
    so many of its documents have an older version in another segment. Times in ms since 1970.
    """

    id: str
    key: str
    size: int
    documents: int
    first: str
    last: str
    oldest_commit: str
    newest_commit: str
    made_ms: int
    rewrites: int = 0
    retired_ms: int | None = None


class Generations(Value, frozen=True, kw_only=True):
    """The generation that readers ask, and the one that a reindex builds meanwhile, if one does.

    `last` is the greatest number that any ever had: none is used twice.
    """

    current: int = 0
    building: int | None = None
    last: int = 0

    @property
    def all(self) -> tuple[int, ...]:
        """Those that a seal writes."""
        return (self.current,) if self.building is None else (self.current, self.building)
