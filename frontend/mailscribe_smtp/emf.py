"""A snapshot as CloudWatch reads it from a log: the embedded metric format.

One JSON line for each set of labels, with what was added since the last time: CloudWatch adds by itself. Times go as
values and counts of their buckets, at most a hundred each. Source: CloudWatch embedded metric format specification.
"""

from collections import defaultdict
from typing import Any, Final

from mailscribe_smtp.metrics import BUCKETS, NAMES, Histogram, Labels, Snapshot

SECONDS: Final = 60.0
"""Between two lines of one kind."""


class Emf:
    """Makes the lines; knows what was said before."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._said = Snapshot()

    def lines(self, snapshot: Snapshot, timestamp_ms: int) -> list[dict[str, Any]]:
        """What is new since the last call."""
        groups: dict[tuple[tuple[str, ...], Labels], dict[str, Any]] = defaultdict(dict)
        for (name, labels), number in snapshot.numbers.items():
            metric = NAMES[name]
            value = number if metric.kind == "gauge" else number - self._said.numbers.get((name, labels), 0)
            if value or metric.kind == "gauge":
                groups[metric.labels, labels][name] = value
        for (name, labels), histogram in snapshot.histograms.items():
            values = _added(histogram, self._said.histograms.get((name, labels)))
            if values["Counts"]:
                groups[NAMES[name].labels, labels][name] = values
        self._said = snapshot
        return [self._line(names, labels, found, timestamp_ms) for (names, labels), found in groups.items()]

    def _line(self, names: tuple[str, ...], labels: Labels, found: dict[str, Any], timestamp_ms: int) -> dict[str, Any]:
        directive = {
            "Namespace": self._namespace,
            "Dimensions": [list(names)],
            "Metrics": [{"Name": name, "Unit": NAMES[name].unit} for name in found],
        }
        metadata = {"Timestamp": timestamp_ms, "CloudWatchMetrics": [directive]}
        return {"_aws": metadata, **dict(zip(names, labels, strict=True)), **found}


def _added(histogram: Histogram, said: Histogram | None) -> dict[str, list[float]]:
    before = said.counts if said is not None else [0] * len(histogram.counts)
    bounds = (*BUCKETS, BUCKETS[-1] * 2)
    new = [
        (bound, count - former)
        for bound, count, former in zip(bounds, histogram.counts, before, strict=True)
        if count > former
    ]
    return {"Values": [bound for bound, _ in new], "Counts": [count for _, count in new]}
