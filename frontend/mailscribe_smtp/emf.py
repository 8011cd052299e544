"""A snapshot as CloudWatch reads it from a log: the embedded metric format.

One JSON line for each set of dimensions, with what was added since the last time: CloudWatch adds by itself. Labels
that are no dimension are added up, because CloudWatch asks a price for each set of values. Times go as the upper bounds
of their buckets, with counts: never less than they were. Source: CloudWatch embedded metric format specification.
"""

from collections import defaultdict
from typing import Any, Final

from mailscribe_smtp.metrics import METRICS, NAMES
from mailscribe_smtp.snapshot import BUCKETS, Histogram, Key, Labels, Snapshot

SECONDS: Final = 60.0
"""Between two lines of one kind."""

_BOUNDS: Final = (*BUCKETS, BUCKETS[-1] * 2)

type _Group = tuple[tuple[str, ...], Labels]
"""Names and values of dimensions."""


class Emf:
    """Makes the lines; knows what was said before."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._said = Snapshot()

    def lines(self, snapshot: Snapshot, timestamp_ms: int) -> list[dict[str, Any]]:
        """What is new since the last call."""
        now, said = _as_told(snapshot), self._said
        groups: defaultdict[_Group, dict[str, Any]] = defaultdict(dict)
        for (name, values), number in now.numbers.items():
            metric = NAMES[name]
            added = number if metric.kind == "gauge" else number - said.numbers.get((name, values), 0)
            if added or metric.kind == "gauge" or metric.always:
                groups[metric.dimensions or (), values][name] = added
        for (name, values), histogram in now.histograms.items():
            times = _added(histogram, said.histograms.get((name, values)))
            if times["Counts"]:
                groups[NAMES[name].dimensions or (), values][name] = times
        self._said = now
        return [self._line(names, values, found, timestamp_ms) for (names, values), found in groups.items()]

    def _line(self, names: tuple[str, ...], values: Labels, found: dict[str, Any], timestamp_ms: int) -> dict[str, Any]:
        directive = {
            "Namespace": self._namespace,
            "Dimensions": [list(names)],
            "Metrics": [{"Name": name, "Unit": NAMES[name].unit} for name in found],
        }
        metadata = {"Timestamp": timestamp_ms, "CloudWatchMetrics": [directive]}
        return {"_aws": metadata, **dict(zip(names, values, strict=True)), **found}


def _as_told(snapshot: Snapshot) -> Snapshot:
    """With dimensions in place of labels."""
    told = Snapshot({(metric.name, (value,)): 0 for metric in METRICS for value in metric.always})
    for key, number in snapshot.numbers.items():
        if (values := _values(key)) is not None:
            told.add((key[0], values), number)
    for key, histogram in snapshot.histograms.items():
        if (values := _values(key)) is not None:
            told.histograms.setdefault((key[0], values), Histogram()).merge(histogram)
    return told


def _values(key: Key) -> Labels | None:
    name, labels = key
    metric = NAMES[name]
    if metric.dimensions is None:
        return None
    named = dict(zip(metric.labels, labels, strict=True))
    if "code" in named:
        named["class"] = f"{named['code'][0]}xx"
    return tuple(named[dimension] for dimension in metric.dimensions)


def _added(histogram: Histogram, said: Histogram | None) -> dict[str, list[float]]:
    before = said.counts if said is not None else [0] * len(histogram.counts)
    new = [
        (bound, count - former)
        for bound, count, former in zip(_BOUNDS, histogram.counts, before, strict=True)
        if count > former
    ]
    return {"Values": [bound for bound, _ in new], "Counts": [count for _, count in new]}
