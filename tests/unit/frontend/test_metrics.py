"""The numbers: counted, merged, and told in the words of Prometheus and CloudWatch."""

import asyncio
import json
import math
import os
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from mailscribe_smtp.emf import Emf
from mailscribe_smtp.metrics import BUCKETS, METRICS, Histogram, Metrics, merged
from mailscribe_smtp.prometheus import exposition
from mailscribe_smtp.telling import collect, serve_snapshots, worker_socket


def some() -> Metrics:
    metrics = Metrics()
    metrics.replied("MAIL", 250, 1500)
    metrics.replied("MAIL", 250, 90)
    metrics.replied("XYZZY", 500, 10)
    metrics.replied(None, 421, None)
    metrics.finding("bare-lf")
    metrics.count("mailscribe_sessions_total", "mx", "quit", by=3)
    metrics.took("mailscribe_put_seconds", 0.02, "message")
    metrics.took("mailscribe_put_seconds", 1e9, "message")
    metrics.gauge("mailscribe_sessions_open", lambda: 7)
    metrics.gauge("mailscribe_draining", lambda: False)
    return metrics


def test_what_prometheus_reads() -> None:
    text = exposition(some().snapshot())
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {name.removesuffix("_total") for name in families} == {
        metric.name.removesuffix("_total") for metric in METRICS
    }
    assert text.count("# HELP ") == text.count("# TYPE ") == len(METRICS)
    replies = {tuple(sample.labels.values()): sample.value for sample in families["mailscribe_replies"].samples}
    assert replies == {("MAIL", "250"): 2, ("other", "500"): 1, ("none", "421"): 1}
    put = families["mailscribe_put_seconds"].samples
    counts = [sample.value for sample in put if sample.name.endswith("_bucket")]
    assert all(first <= second for first, second in pairwise(counts))
    assert (counts[0], counts[-2], counts[-1]) == (0, 1, 2)
    assert [sample.value for sample in put if sample.name.endswith("_count")] == [2]
    [opened] = families["mailscribe_sessions_open"].samples
    assert opened.value == 7


@given(st.floats(0, 1e4))
def test_every_time_has_its_bucket(seconds: float) -> None:
    histogram = Histogram()
    histogram.add(seconds)
    [index] = [index for index, count in enumerate(histogram.counts) if count]
    upper = BUCKETS[index] if index < len(BUCKETS) else math.inf
    lower = BUCKETS[index - 1] if index else -1
    assert lower < seconds <= upper


def test_processes_are_added_up() -> None:
    one, both = some().snapshot(), merged([some().snapshot(), some().snapshot()])
    assert both.numbers == {key: 2 * number for key, number in one.numbers.items()}
    for key, histogram in both.histograms.items():
        assert histogram.counts == [2 * count for count in one.histograms[key].counts]
    assert merged([]).numbers == {}


async def test_workers_tell_their_parent() -> None:
    addresses = [worker_socket(os.getpid(), 9_000 + number) for number in range(3)]
    servers = [await serve_snapshots(address, some()) for address in addresses[:2]]
    told = await collect(addresses)
    assert told.numbers["mailscribe_sessions_total", ("mx", "quit")] == 6
    for server in servers:
        server.close()
        await server.wait_closed()
    assert (await collect(addresses)).numbers == {}
    await asyncio.sleep(0)


def test_what_cloudwatch_reads() -> None:
    metrics, emf = some(), Emf("mailscribe")
    lines = emf.lines(metrics.snapshot(), 1_700_000_000_000)
    for line in lines:
        [directive] = json.loads(json.dumps(line))["_aws"]["CloudWatchMetrics"]
        names = [metric["Name"] for metric in directive["Metrics"]]
        assert 0 < len(names) <= 100
        assert len(directive["Dimensions"][0]) <= 30
        assert set(line) == {"_aws", *names, *directive["Dimensions"][0]}
        for name in names:
            if isinstance(line[name], dict):
                assert len(line[name]["Values"]) == len(line[name]["Counts"]) <= 100
    quits = [line for line in lines if line.get("end") == "quit"]
    assert [line["mailscribe_sessions_total"] for line in quits] == [3]
    metrics.count("mailscribe_sessions_total", "mx", "quit")
    metrics.took("mailscribe_put_seconds", 0.02, "message")
    later = emf.lines(metrics.snapshot(), 1_700_000_060_000)
    assert [line["mailscribe_sessions_total"] for line in later if "end" in line] == [1]
    [put] = [line["mailscribe_put_seconds"] for line in later if "mailscribe_put_seconds" in line]
    assert put["Counts"] == [1]
    assert any("mailscribe_sessions_open" in line for line in later)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_table_is_sound(metric: object) -> None:
    assert isinstance(metric, type(METRICS[0]))
    assert metric.kind in ("counter", "gauge", "histogram")
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert metric.meaning.endswith(".")
    assert metric.unit in ("Count", "Seconds", "Bytes")
