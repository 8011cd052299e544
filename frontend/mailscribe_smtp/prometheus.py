"""A snapshot as Prometheus reads it: the text format, version 0.0.4.

Every metric of the table has its HELP and TYPE, whether it has numbers yet or not; buckets are cumulative and end with
+Inf.
"""

from itertools import accumulate
from typing import Final

from mailscribe_smtp.metrics import BUCKETS, METRICS, Histogram, Labels, Metric, Snapshot

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def exposition(snapshot: Snapshot) -> str:
    """The text."""
    lines: list[str] = []
    for metric in METRICS:
        lines += [f"# HELP {metric.name} {metric.meaning}", f"# TYPE {metric.name} {metric.kind}"]
        if metric.kind == "histogram":
            for (name, labels), histogram in sorted(snapshot.histograms.items(), key=lambda item: item[0]):
                if name == metric.name:
                    lines += _histogram(metric, labels, histogram)
            continue
        for (name, labels), number in sorted(snapshot.numbers.items()):
            if name == metric.name:
                lines.append(f"{name}{_labels(metric, labels)} {_number(number)}")
    return "\n".join(lines) + "\n"


def _histogram(metric: Metric, labels: Labels, histogram: Histogram) -> list[str]:
    bounds = [*[f"{bound:g}" for bound in BUCKETS], "+Inf"]
    lines = [
        f"{metric.name}_bucket{_labels(metric, labels, le=bound)} {count}"
        for bound, count in zip(bounds, accumulate(histogram.counts), strict=True)
    ]
    plain = _labels(metric, labels)
    return [
        *lines,
        f"{metric.name}_sum{plain} {_number(histogram.total)}",
        f"{metric.name}_count{plain} {sum(histogram.counts)}",
    ]


def _labels(metric: Metric, values: Labels, **more: str) -> str:
    pairs = [*zip(metric.labels, values, strict=True), *more.items()]
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs) + "}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(float(number))
