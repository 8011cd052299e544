"""The numbers of one process: counted in bounded kinds, at next to no cost, and added up."""

import math
import sys
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.smtp.command import Verb
from mailscribe_smtp.metrics import CODES, METRICS, NAMES, VERBS, Metric, Metrics, code_label
from mailscribe_smtp.snapshot import BUCKETS, Histogram, Snapshot, merged

REPLIES = "mailscribe_replies_total"
SECONDS = "mailscribe_reply_seconds"


def replies(metrics: Metrics) -> dict[tuple[str, ...], float]:
    return {labels: number for (name, labels), number in metrics.snapshot().numbers.items() if name == REPLIES}


def bucket(histogram: Histogram) -> int:
    [index] = [index for index, count in enumerate(histogram.counts) if count]
    return index


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_table_is_sound(metric: Metric) -> None:
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert metric.name.startswith("mailscribe_")
    assert metric.meaning.endswith(".")
    assert metric.unit in ("Count", "Seconds", "Bytes")
    assert (metric.unit == "Seconds") == metric.name.endswith("_seconds") == (metric.kind == "histogram")
    assert set(metric.dimensions or ()) <= {*metric.labels, "class"}
    assert not metric.always or len(metric.dimensions or ()) == 1
    assert len(NAMES) == len(METRICS)


def test_what_the_machine_says_is_bounded_in_kind() -> None:
    metrics = Metrics()
    for number in range(300):
        metrics.replied(f"VERB{number}", 500, 1)
    for verb in (*Verb, "EOD", None):
        metrics.replied(verb, 250, None)
    for code in range(200, 600):
        metrics.replied("MAIL", code, None)
    found = replies(metrics)
    assert found["other", "500"] == 300
    assert {verb for verb, _ in found} == {*VERBS, "other", "none"}
    assert {code for _, code in found} == {*map(str, CODES), "2xx", "3xx", "4xx", "5xx"}
    assert sum(found.values()) == 300 + len(Verb) + 2 + 400


def test_codes_that_a_rule_says_go_by_their_class() -> None:
    assert [code_label(code) for code in (220, 451, 471, 599)] == ["220", "451", "4xx", "5xx"]


@given(st.floats(0, 1e4))
def test_every_time_has_its_bucket(seconds: float) -> None:
    histogram = Histogram()
    histogram.add(seconds)
    index = bucket(histogram)
    upper = BUCKETS[index] if index < len(BUCKETS) else math.inf
    lower = BUCKETS[index - 1] if index else -1
    assert lower < seconds <= upper


@given(
    st.integers(0, 10**12)
    | st.sampled_from([100 * 2**exponent + more for exponent in range(22) for more in (-1, 0, 1)])
)
def test_times_of_replies_have_the_same_buckets(microseconds: int) -> None:
    metrics, other = Metrics(), Histogram()
    metrics.replied("MAIL", 250, microseconds)
    other.add(microseconds / 1_000_000)
    found = metrics.snapshot().histograms[SECONDS, ("MAIL",)]
    assert found.counts == other.counts
    assert found.total == pytest.approx(other.total)


def test_a_reply_without_a_time_has_none() -> None:
    metrics = Metrics()
    metrics.replied(None, 220, None)
    assert replies(metrics) == {("none", "220"): 1}
    assert metrics.snapshot().histograms == {}


def test_a_snapshot_stays_as_it_was() -> None:
    metrics, opened = Metrics(), [1.0]
    metrics.ask("mailscribe_sessions_open", lambda: opened[0])
    metrics.ask("mailscribe_draining", lambda: False)
    metrics.count("mailscribe_sessions_total", "mx", "quit", by=2)
    metrics.took("mailscribe_put_seconds", 0.02, "message")
    metrics.replied("MAIL", 250, 10)
    before = metrics.snapshot()
    text = repr(before)
    opened[0] = 5.0
    metrics.count("mailscribe_sessions_total", "mx", "quit")
    metrics.took("mailscribe_put_seconds", 0.02, "message")
    metrics.replied("MAIL", 250, 10)
    assert repr(before) == text
    after = metrics.snapshot()
    assert after.numbers["mailscribe_sessions_total", ("mx", "quit")] == 3
    assert after.numbers["mailscribe_sessions_open", ()] == 5
    assert type(after.numbers["mailscribe_draining", ()]) is float
    assert sum(after.histograms["mailscribe_put_seconds", ("message",)].counts) == 2


def test_a_counter_without_labels_is_there_from_the_start() -> None:
    found = Metrics().snapshot().numbers
    assert set(found) == {(metric.name, ()) for metric in METRICS if metric.kind == "counter" and not metric.labels}
    assert set(found.values()) == {0}


def test_numbers_of_several_are_added_up() -> None:
    metrics = Metrics()
    metrics.replied("MAIL", 250, 1500)
    metrics.count("mailscribe_auth_total", "accepted", by=3)
    one, both = metrics.snapshot(), merged([metrics.snapshot(), Snapshot(), metrics.snapshot()])
    assert both.numbers == {key: 2 * number for key, number in one.numbers.items()}
    histogram = both.histograms[SECONDS, ("MAIL",)]
    assert histogram.counts == [2 * count for count in one.histograms[SECONDS, ("MAIL",)].counts]
    assert histogram.total == pytest.approx(0.003)
    assert merged([]).numbers == {}


@pytest.mark.skipif(sys.gettrace() is not None, reason="tracing costs more than what is measured")
def test_a_reply_costs_next_to_nothing() -> None:
    """A quarter of a microsecond; ten times as much, on any machine, would be another way of counting."""
    metrics, verb = Metrics(), Verb.RCPT
    replied, number = metrics.replied, 20_000
    best = min(timeit.repeat(lambda: replied(verb, 250, 1234), number=number, repeat=5))
    yardstick = min(timeit.repeat(lambda: {"key": verb}, number=number, repeat=5))
    assert best < 12 * yardstick
    assert replies(metrics)["RCPT", "250"] == 5 * number
