"""What a front end counts: sessions, replies, octets, times. One table of metrics; plain numbers, bounded in kind.

A counter only grows, a gauge is what it is now, a histogram counts times. Verbs and codes are closed sets: a verb that
is none is `other`, a code that only a rule has said is its class. The machine tells what it says (`Observer`), so
often that this has to cost next to nothing; the driver tells what ended and what was stored.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from mailscribe.smtp.command import KNOWN
from mailscribe.smtp.event import MessageEnd
from mailscribe.smtp.reply import REPLIES
from mailscribe_smtp.snapshot import BUCKETS, Histogram, Key, Snapshot

VERBS: Final = frozenset({*(verb.value for verb in KNOWN), "EOD"})
CODES: Final = frozenset(rule.code for rule in REPLIES.values())
NO_VERB: Final = "none"
"""In place of a verb: the greeting, and what is said unasked."""
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Metric:
    """A row of the table: name, kind, labels, meaning; and what CloudWatch is told of it.

    `dimensions`: the labels that CloudWatch keeps, all others are added up, since each set of values there is paid
    for; None: it is not told at all. `class` is the first digit of a code. `always`: values of the one dimension that
    are told although nothing was counted, for the alarms that divide by them.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    meaning: str
    unit: str = "Count"
    dimensions: tuple[str, ...] | None = ()
    always: tuple[str, ...] = ()


METRICS: Final[tuple[Metric, ...]] = (
    Metric("mailscribe_sessions_total", "counter", ("listener", "end"), "Sessions that ended, by how."),
    Metric(
        "mailscribe_session_outcomes_total",
        "counter",
        ("outcome",),
        "What came of sessions; one session may have several outcomes.",
        dimensions=None,
    ),
    Metric("mailscribe_sessions_open", "gauge", (), "Connections now."),
    Metric("mailscribe_sessions_refused_total", "counter", (), "Connections over the caps, answered 421."),
    Metric(
        "mailscribe_sessions_dropped_total",
        "counter",
        (),
        "Connections closed without a word: far over the caps, or without the PROXY header that was due.",
    ),
    Metric(
        "mailscribe_sessions_suppressed_total",
        "counter",
        (),
        "Sessions without mail that were counted and not stored, past their client's quota.",
        dimensions=None,
    ),
    Metric(
        "mailscribe_replies_total",
        "counter",
        ("verb", "code"),
        "Replies, by what was asked.",
        dimensions=("class",),
        always=("2xx", "3xx", "4xx", "5xx"),
    ),
    Metric(
        "mailscribe_reply_seconds",
        "histogram",
        ("verb",),
        "From a command, or the end of content, to its reply.",
        "Seconds",
    ),
    Metric("mailscribe_findings_total", "counter", ("finding",), "What was seen in conversations.", dimensions=None),
    Metric("mailscribe_received_bytes_total", "counter", (), "Octets read from clients.", "Bytes"),
    Metric(
        "mailscribe_messages_total",
        "counter",
        ("fate",),
        "Messages whose content began to come: accepted, discarded by a rule, refused, failed (451 or 452 because they "
        "could not be stored), torn (the end never came).",
        dimensions=("fate",),
    ),
    Metric(
        "mailscribe_put_seconds",
        "histogram",
        ("kind",),
        "Every try to make a message, refused content or a transcript durable.",
        "Seconds",
        dimensions=("kind",),
    ),
    Metric("mailscribe_put_failures_total", "counter", ("kind",), "Tries that failed.", dimensions=("kind",)),
    Metric("mailscribe_inflight_bytes", "gauge", (), "Content of all sessions in memory now.", "Bytes"),
    Metric("mailscribe_lost_transcripts_total", "counter", (), "Transcripts given up after the last try."),
    Metric(
        "mailscribe_tls_total",
        "counter",
        ("version",),
        "TLS handshakes, by version; `failed` for those that failed.",
        dimensions=("version",),
    ),
    Metric(
        "mailscribe_auth_total",
        "counter",
        ("result",),
        "Credentials that were verified: accepted, rejected, unavailable (nobody could say).",
        dimensions=("result",),
    ),
    Metric("mailscribe_draining", "gauge", (), "Processes that are draining now.", dimensions=None),
)
NAMES: Final = {metric.name: metric for metric in METRICS}

_MOST: Final = 64
"""More than a time in µs has bits."""


@dataclass(slots=True)
class _Said:
    """The replies to one verb: counts by code, and times in buckets that are not yet cut off at the last."""

    codes: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    buckets: list[int] = field(default_factory=lambda: [0] * _MOST)
    microseconds: int = 0

    def times(self) -> Histogram | None:
        """As any histogram; None when there are no times."""
        last = len(BUCKETS)
        if not any(self.buckets):
            return None
        return Histogram([*self.buckets[:last], sum(self.buckets[last:])], self.microseconds / 1_000_000)


class Metrics:
    """The numbers of one process; belongs to one event loop."""

    def __init__(self) -> None:
        self._counters: Counter[Key] = Counter()
        self._histograms: dict[Key, Histogram] = {}
        self._said: defaultdict[str, _Said] = defaultdict(_Said)
        self._by_verb: dict[str | None, _Said] = {verb: self._said[verb] for verb in sorted(VERBS)}
        self._by_verb[None] = self._said[NO_VERB]
        self._gauges: dict[str, Callable[[], float]] = {}

    # the machine's side

    def replied(self, verb: str | None, code: int, latency_us: int | None) -> None:
        """A reply was said."""
        said = self._by_verb.get(verb) or self._said[OTHER]
        said.codes[code] += 1
        if latency_us is not None:
            said.buckets[((latency_us - 1) // 100).bit_length() if latency_us > 0 else 0] += 1
            said.microseconds += latency_us

    def finding(self, code: str) -> None:
        """A finding was noted."""
        self._counters["mailscribe_findings_total", (code,)] += 1

    def message(self, end: MessageEnd) -> None:
        """A message has come to its end."""
        self._counters["mailscribe_messages_total", (end,)] += 1

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

    def ask(self, name: str, value: Callable[[], float]) -> None:
        """What knows the value of a gauge, or of a counter that is kept elsewhere."""
        self._gauges[name] = value

    def snapshot(self) -> Snapshot:
        """All numbers now."""
        found = Snapshot(dict(self._counters), {key: each.copy() for key, each in self._histograms.items()})
        for metric in METRICS:
            if metric.kind == "counter" and not metric.labels:
                found.numbers.setdefault((metric.name, ()), 0)
        for verb, said in self._said.items():
            for code, count in said.codes.items():
                found.add(("mailscribe_replies_total", (verb, code_label(code))), count)
            if (times := said.times()) is not None:
                found.histograms["mailscribe_reply_seconds", (verb,)] = times
        for name, value in self._gauges.items():
            found.numbers[name, ()] = float(value())  # a bool is no number to msgspec
        return found


def code_label(code: int) -> str:
    """A reply's code, or its class when it is none of ours: a rule may say any.

    >>> code_label(250), code_label(577)
    ('250', '5xx')
    """
    return str(code) if code in CODES else f"{code // 100}xx"
