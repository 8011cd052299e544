"""A snapshot as Prometheus reads it: the text format, version 0.0.4.

Every metric of the table has its HELP and TYPE, whether it has numbers yet or not; buckets are cumulative and end with
+Inf. Source: https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from collections import defaultdict
from itertools import accumulate
from typing import Final

from mailscribe_smtp.metrics import METRICS, NAMES, Metric
from mailscribe_smtp.snapshot import BUCKETS, Histogram, Labels, Snapshot

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BOUNDS: Final = (*(f"{bound:g}" for bound in BUCKETS), "+Inf")


def exposition(snapshot: Snapshot) -> str:
    """The text."""
    samples: defaultdict[str, list[str]] = defaultdict(list)
    for (name, labels), number in sorted(snapshot.numbers.items()):
        samples[name].append(f"{name}{_labels(NAMES[name], labels)} {_number(number)}")
    for (name, labels), histogram in sorted(snapshot.histograms.items(), key=lambda item: item[0]):
        samples[name] += _histogram(NAMES[name], labels, histogram)
    lines: list[str] = []
    for metric in METRICS:
        lines += [f"# HELP {metric.name} {_help(metric.meaning)}", f"# TYPE {metric.name} {metric.kind}"]
        lines += samples[metric.name]
    return "\n".join(lines) + "\n"


def _histogram(metric: Metric, labels: Labels, histogram: Histogram) -> list[str]:
    lines = [
        f"{metric.name}_bucket{_labels(metric, labels, le=bound)} {count}"
        for bound, count in zip(_BOUNDS, accumulate(histogram.counts), strict=True)
    ]
    plain = _labels(metric, labels)
    return [
        *lines,
        f"{metric.name}_sum{plain} {_number(histogram.total)}",
        f"{metric.name}_count{plain} {sum(histogram.counts)}",
    ]


def _labels(metric: Metric, values: Labels, **more: str) -> str:
    pairs = [*zip(metric.labels, values, strict=True), *more.items()]
    return "{" + ",".join(f'{name}="{_value(value)}"' for name, value in pairs) + "}" if pairs else ""


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _value(text: str) -> str:
    return _help(text).replace('"', '\\"')


def _number(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(float(number))
