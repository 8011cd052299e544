"""The exposition, judged by Prometheus's own parser."""

import re
from itertools import pairwise

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mailscribe_smtp.metrics import METRICS, Metrics
from mailscribe_smtp.prometheus import CONTENT_TYPE, exposition
from mailscribe_smtp.snapshot import BUCKETS, Snapshot


def some() -> Metrics:
    metrics = Metrics()
    metrics.replied("MAIL", 250, 1500)
    metrics.replied("MAIL", 250, 90)
    metrics.replied("XYZZY", 500, 10)
    metrics.replied(None, 421, None)
    metrics.finding("bare-lf")
    metrics.message("refused")
    metrics.count("mailscribe_sessions_total", "mx", "quit", by=3)
    metrics.took("mailscribe_put_seconds", 0.02, "message")
    metrics.took("mailscribe_put_seconds", 1e9, "message")
    metrics.ask("mailscribe_sessions_open", lambda: 7)
    return metrics


@pytest.mark.parametrize("snapshot", [Snapshot(), Metrics().snapshot(), some().snapshot()], ids=["no", "new", "some"])
def test_every_metric_is_a_family_with_help_and_type(snapshot: Snapshot) -> None:
    text = exposition(snapshot)
    families = list(text_string_to_metric_families(text))
    assert [(family.name, family.type, family.documentation) for family in families] == [
        (metric.name.removesuffix("_total"), metric.kind, metric.meaning) for metric in METRICS
    ]
    assert text.endswith("\n")
    assert "\n\n" not in text


def test_what_is_read_is_what_was_counted() -> None:
    families = {family.name: family for family in text_string_to_metric_families(exposition(some().snapshot()))}
    replies = {tuple(sample.labels.values()): sample.value for sample in families["mailscribe_replies"].samples}
    assert replies == {("MAIL", "250"): 2, ("other", "500"): 1, ("none", "421"): 1}
    [opened] = families["mailscribe_sessions_open"].samples
    assert opened.value == 7
    [message] = families["mailscribe_messages"].samples
    assert (message.labels, message.value) == ({"fate": "refused"}, 1)
    [lost] = families["mailscribe_lost_transcripts"].samples
    assert lost.value == 0


def test_histograms_are_cumulative_and_end_with_all() -> None:
    families = {family.name: family for family in text_string_to_metric_families(exposition(some().snapshot()))}
    put = families["mailscribe_put_seconds"].samples
    buckets = [sample for sample in put if sample.name.endswith("_bucket")]
    counts = [sample.value for sample in buckets]
    assert all(first <= second for first, second in pairwise(counts))
    assert (counts[0], counts[-2], counts[-1]) == (0, 1, 2)
    assert [float(sample.labels["le"]) for sample in buckets[:-1]] == pytest.approx(BUCKETS)
    assert buckets[-1].labels["le"] == "+Inf"
    rest = {sample.name: sample.value for sample in put if sample not in buckets}
    assert rest == {"mailscribe_put_seconds_sum": 1e9 + 0.02, "mailscribe_put_seconds_count": 2}


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\nb", "\\n", "ö", ""])
def test_labels_are_escaped(value: str) -> None:
    metrics = Metrics()
    metrics.finding(value)
    text = exposition(metrics.snapshot())
    families = {family.name: family for family in text_string_to_metric_families(text)}
    [sample] = families["mailscribe_findings"].samples
    assert sample.labels == {"finding": value}


def test_the_form_is_the_plain_one() -> None:
    lines = [line for line in exposition(some().snapshot()).splitlines() if not line.startswith("# ")]
    form = re.compile(r'[a-z_]+(\{([a-z]+="[^"]*",?)+\})? [0-9.e+-]+')
    assert [line for line in lines if not form.fullmatch(line)] == []
    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")
