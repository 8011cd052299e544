"""What a front end counts: sessions, replies, octets, times. Plain numbers, bounded in kind, merged by adding.

A counter only grows, a gauge is what it is now, a histogram counts into buckets that are the same for all times: powers
of two from a tenth of a millisecond. Verbs and codes are closed sets; what belongs to none is `other`. The machine
tells what it says (`Observer`), the driver what ended and what was stored.
"""

import bisect
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from mailscribe.smtp.command import KNOWN

BUCKETS: Final = tuple(0.0001 * 2**exponent for exponent in range(20))
"""Upper bounds in seconds: 0.1 ms to 52 s."""
VERBS: Final = frozenset({*(verb.value for verb in KNOWN), "EOD"})

type Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """A row of the table: name, kind, labels, meaning, unit of CloudWatch."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    unit: str = "Count"


METRICS: Final[tuple[Metric, ...]] = (
    Metric("mailscribe_sessions_total", "counter", ("listener", "end"), "Sessions that ended, by how."),
    Metric("mailscribe_session_outcomes_total", "counter", ("outcome",), "What came of sessions; one may count twice."),
    Metric("mailscribe_sessions_refused_total", "counter", (), "Connections over the caps: 421."),
    Metric(
        "mailscribe_sessions_dropped_total", "counter", (), "Connections that not even a refusal could be afforded."
    ),
    Metric("mailscribe_sessions_open", "gauge", (), "Connections now."),
    Metric("mailscribe_replies_total", "counter", ("verb", "code"), "Replies, by what was asked."),
    Metric(
        "mailscribe_reply_seconds",
        "histogram",
        ("verb",),
        "From a command, or the end of content, to its reply.",
        "Seconds",
    ),
    Metric("mailscribe_findings_total", "counter", ("finding",), "What was seen in conversations."),
    Metric("mailscribe_received_bytes_total", "counter", (), "Octets read from clients.", "Bytes"),
    Metric(
        "mailscribe_messages_total",
        "counter",
        ("fate",),
        "Messages accepted, failed (451, 452), and refused content kept.",
    ),
    Metric("mailscribe_put_seconds", "histogram", ("kind",), "To make a message or transcript durable.", "Seconds"),
    Metric("mailscribe_inflight_bytes", "gauge", (), "Content of all sessions in memory now.", "Bytes"),
    Metric("mailscribe_lost_transcripts_total", "counter", (), "Transcripts that could not be stored."),
    Metric("mailscribe_tls_total", "counter", ("version",), "Handshakes, by version; `failed` for those that failed."),
    Metric("mailscribe_auth_total", "counter", ("result",), "AUTH that was verified: accepted, rejected, unavailable."),
    Metric("mailscribe_draining", "gauge", (), "1 while a drain goes on."),
)
NAMES: Final = {metric.name: metric for metric in METRICS}


@dataclass(slots=True)
class Histogram:
    """Counts by bucket, the last for what is beyond all; and their sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect.bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class Snapshot:
    """The numbers at a moment, by metric and labels."""

    numbers: dict[tuple[str, Labels], float] = field(default_factory=dict)
    histograms: dict[tuple[str, Labels], Histogram] = field(default_factory=dict)


class Metrics:
    """The numbers of one process; belongs to one event loop."""

    def __init__(self) -> None:
        self._counters: Counter[tuple[str, Labels]] = Counter()
        self._histograms: dict[tuple[str, Labels], Histogram] = {}
        self._replies: Counter[tuple[str | None, int]] = Counter()
        self._gauges: dict[str, Callable[[], float]] = {}

    # the machine's side

    def replied(self, verb: str | None, code: int, latency_us: int | None) -> None:
        """A reply was said."""
        self._replies[verb, code] += 1
        if latency_us is not None:
            self.took("mailscribe_reply_seconds", latency_us / 1_000_000, verb if verb in VERBS else "other")

    def finding(self, code: str) -> None:
        """A finding was noted."""
        self._counters["mailscribe_findings_total", (code,)] += 1

    # the driver's side

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Add to a counter."""
        self._counters[name, labels] += by

    def took(self, name: str, seconds: float, *labels: str) -> None:
        """Add a time to a histogram."""
        key = (name, labels)
        histogram = self._histograms.get(key)
        if histogram is None:
            histogram = self._histograms[key] = Histogram()
        histogram.add(seconds)

    def gauge(self, name: str, value: Callable[[], float]) -> None:
        """What is asked for the value of a gauge."""
        self._gauges[name] = value

    def snapshot(self) -> Snapshot:
        """All numbers now."""
        numbers: dict[tuple[str, Labels], float] = dict(self._counters)
        for metric in METRICS:
            if metric.kind == "counter" and not metric.labels:
                numbers.setdefault((metric.name, ()), 0)
        for (verb, code), count in self._replies.items():
            key = ("mailscribe_replies_total", (_verb(verb), str(code)))
            numbers[key] = numbers.get(key, 0) + count
        for name, value in self._gauges.items():
            numbers[name, ()] = float(value())
        copies = {key: Histogram(list(each.counts), each.total) for key, each in self._histograms.items()}
        return Snapshot(numbers, copies)


def merged(snapshots: list[Snapshot]) -> Snapshot:
    """The numbers of several processes together."""
    found = Snapshot()
    for snapshot in snapshots:
        for key, number in snapshot.numbers.items():
            found.numbers[key] = found.numbers.get(key, 0) + number
        for key, each in snapshot.histograms.items():
            known = found.histograms.setdefault(key, Histogram())
            known.counts = [a + b for a, b in zip(known.counts, each.counts, strict=True)]
            known.total += each.total
    return found


def _verb(verb: str | None) -> str:
    if verb is None:
        return "none"
    return verb if verb in VERBS else "other"
