"""Numbers at a moment, as plain data: they can be sent between processes, told apart by labels, and added up.

Every histogram has the same buckets, powers of two from a tenth of a millisecond, so that adding is all that merging
takes. Counters and histograms only grow; a gauge is what it was then.
"""

import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

BUCKETS: Final = tuple(0.0001 * 2**exponent for exponent in range(20))
"""Upper bounds in seconds: 0.1 ms to 52 s. One more bucket is for what is beyond."""

type Labels = tuple[str, ...]
type Key = tuple[str, Labels]
"""A metric's name and the values of its labels."""


@dataclass(slots=True)
class Histogram:
    """Counts by bucket, the last for what is beyond all; and their sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect.bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    def merge(self, other: "Histogram") -> None:
        """All of another's too."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    def copy(self) -> "Histogram":
        """As it is now."""
        return Histogram(list(self.counts), self.total)


@dataclass(slots=True)
class Snapshot:
    """Counters and gauges, and histograms, by metric and labels."""

    numbers: dict[Key, float] = field(default_factory=dict)
    histograms: dict[Key, Histogram] = field(default_factory=dict)

    def add(self, key: Key, number: float) -> None:
        """To a number."""
        self.numbers[key] = self.numbers.get(key, 0) + number

    def merge(self, other: "Snapshot") -> None:
        """All of another's too."""
        for key, number in other.numbers.items():
            self.add(key, number)
        for key, histogram in other.histograms.items():
            self.histograms.setdefault(key, Histogram()).merge(histogram)


def merged(snapshots: Iterable[Snapshot]) -> Snapshot:
    """The numbers of several together."""
    found = Snapshot()
    for snapshot in snapshots:
        found.merge(snapshot)
    return found
