"""What CloudWatch reads: each line within the format's limits, and what all lines add up to is what was counted."""

import json
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mailscribe_smtp.emf import Emf
from mailscribe_smtp.metrics import METRICS, NAMES, Metrics

UNITS = {"Count", "Seconds", "Bytes"}
T = 1_700_000_000_000
CLASSES = {"2xx", "3xx", "4xx", "5xx"}


def check_line(line: dict[str, Any]) -> None:
    """The embedded metric format specification, rule by rule; and that nothing else is in the line."""
    line = json.loads(json.dumps(line))
    assert set(line["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    assert type(line["_aws"]["Timestamp"]) is int
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
    assert 0 < len(directive["Namespace"]) <= 255
    [dimensions] = directive["Dimensions"]
    assert len(dimensions) <= 30
    for name in dimensions:
        assert isinstance(line[name], str)
        assert 0 < len(line[name]) <= 1024
    assert 0 < len(directive["Metrics"]) <= 100
    for metric in directive["Metrics"]:
        assert set(metric) == {"Name", "Unit"}
        assert metric["Unit"] in UNITS
        check_value(line[metric["Name"]])
    assert set(line) == {"_aws", *dimensions, *(metric["Name"] for metric in directive["Metrics"])}


def check_value(value: Any) -> None:
    if isinstance(value, dict):
        assert set(value) == {"Values", "Counts"}
        assert 0 < len(value["Values"]) == len(value["Counts"]) <= 100
        assert all(count > 0 for count in value["Counts"])
    else:
        assert isinstance(value, int | float)


def told(lines: list[dict[str, Any]], name: str) -> dict[tuple[str, ...], Any]:
    """The values of a metric, by dimensions."""
    dimensions = NAMES[name].dimensions or ()
    return {tuple(line[each] for each in dimensions): line[name] for line in lines if name in line}


def some() -> Metrics:
    metrics = Metrics()
    metrics.replied("MAIL", 250, 1500)
    metrics.replied("RCPT", 250, 90)
    metrics.replied("RCPT", 550, 90)
    metrics.replied(None, 421, None)
    metrics.finding("bare-lf")
    metrics.count("mailscribe_sessions_total", "mx", "quit", by=3)
    metrics.count("mailscribe_sessions_total", "submission", "aborted")
    metrics.took("mailscribe_put_seconds", 0.02, "message")
    metrics.took("mailscribe_put_seconds", 1e9, "message")
    metrics.ask("mailscribe_sessions_open", lambda: 7)
    return metrics


def test_labels_that_cost_are_added_up() -> None:
    lines = Emf("stack").lines(some().snapshot(), T)
    for line in lines:
        check_line(line)
    assert told(lines, "mailscribe_sessions_total") == {(): 4}
    assert told(lines, "mailscribe_replies_total") == {("2xx",): 2, ("3xx",): 0, ("4xx",): 1, ("5xx",): 1}
    assert told(lines, "mailscribe_findings_total") == {}
    assert told(lines, "mailscribe_sessions_open") == {(): 7}
    assert told(lines, "mailscribe_put_seconds") == {("message",): {"Values": [0.0256, 104.8576], "Counts": [1, 1]}}
    assert told(lines, "mailscribe_reply_seconds") == {(): {"Values": [0.0001, 0.0016], "Counts": [2, 1]}}


def test_afterwards_only_what_is_new() -> None:
    metrics, emf = some(), Emf("stack")
    emf.lines(metrics.snapshot(), T)
    metrics.count("mailscribe_sessions_total", "mx", "quit")
    metrics.took("mailscribe_put_seconds", 0.02, "message")
    lines = emf.lines(metrics.snapshot(), T + 60_000)
    assert told(lines, "mailscribe_sessions_total") == {(): 1}
    assert told(lines, "mailscribe_put_seconds") == {("message",): {"Values": [0.0256], "Counts": [1]}}
    assert told(lines, "mailscribe_reply_seconds") == {}
    assert told(lines, "mailscribe_replies_total") == dict.fromkeys([(each,) for each in CLASSES], 0)
    assert told(lines, "mailscribe_sessions_open") == {(): 7}
    assert {line["_aws"]["Timestamp"] for line in lines} == {T + 60_000}


def test_what_alarms_divide_by_is_told_from_the_start() -> None:
    lines = Emf("stack").lines(Metrics().snapshot(), T)
    for line in lines:
        check_line(line)
    assert {line["class"]: line["mailscribe_replies_total"] for line in lines} == dict.fromkeys(CLASSES, 0)


@given(st.lists(st.lists(st.tuples(st.sampled_from(["MAIL", "X", None]), st.sampled_from([250, 354, 451, 577])))))
def test_all_lines_together_say_what_was_counted(minutes: list[list[tuple[str | None, int]]]) -> None:
    metrics, emf, total, expected = Metrics(), Emf("stack"), Counter[str](), Counter[str]()
    for minute in minutes:
        for verb, code in minute:
            metrics.replied(verb, code, None)
            expected[f"{code // 100}xx"] += 1
        for (each,), number in told(emf.lines(metrics.snapshot(), T), "mailscribe_replies_total").items():
            total[each] += number
    assert total == expected


def test_the_number_of_series_that_are_paid_for_is_small() -> None:
    """Every set of values of dimensions is a metric that CloudWatch asks a price for."""
    values = {"class": 4, "fate": 5, "kind": 3, "version": 3, "result": 3}
    series = 0
    for metric in METRICS:
        if metric.dimensions is not None:
            assert len(metric.dimensions) <= 1
            series += values[metric.dimensions[0]] if metric.dimensions else 1
    assert series <= 30
