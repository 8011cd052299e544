"""docs/operations.md is what the code does: metrics, labels, fields of the log, alarms."""

import re
from typing import Final, get_args

import pytest
from msgspec import structs

from mailscribe.records import SessionEnd
from mailscribe.smtp.event import MessageEnd
from mailscribe_smtp.hub import SessionEnded
from mailscribe_smtp.listeners import PROFILES
from mailscribe_smtp.metrics import METRICS, NO_VERB, OTHER, Metric
from support.project import ROOT, plain_template

TEXT: Final = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def rows(head: str) -> list[list[str]]:
    """The rows of the table whose first cell of the head this is."""
    table = TEXT.partition(f"\n| {head} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


def words(cell: str) -> list[str]:
    """What is in backquotes."""
    return re.findall(r"`([^`]+)`", cell)


def row_of(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    told = "" if metric.dimensions is None else "by " + ", ".join(f"`{each}`" for each in metric.dimensions)
    cells = (f"`{metric.name}`", metric.kind, labels, metric.meaning, "yes" if told == "by " else told)
    return f"| {' | '.join(cells)} |"


def test_every_metric_has_its_row_and_nothing_else_has() -> None:
    table = [line for line in TEXT.splitlines() if line.startswith("| `mailscribe_")]
    assert table == [row_of(metric) for metric in METRICS]


def test_every_label_is_told() -> None:
    told = {words(name)[0]: words(values) for name, values in rows("label")}
    assert set(told) == {label for metric in METRICS for label in metric.labels}
    assert told["listener"] == list(PROFILES)
    assert set(told["end"]) == {*get_args(SessionEnd), "broken"} - {"lost"}, "lost is what no front end could say"
    assert set(told["fate"]) == set(get_args(MessageEnd.__value__))
    assert {NO_VERB, OTHER, "EOD"} <= set(told["verb"])


def test_every_field_of_a_session_is_told() -> None:
    told = [word for name, _ in rows("field") for word in words(name)]
    assert sorted(told) == sorted(entry.name for entry in structs.fields(SessionEnded))


@pytest.mark.parametrize("line", re.findall(r"^.*mailscribe_.*\[5m\].*$", TEXT, re.MULTILINE))
def test_queries_name_what_there_is(line: str) -> None:
    known = {suffixed for metric in METRICS for suffixed in (metric.name, f"{metric.name}_bucket")}
    assert set(re.findall(r"mailscribe_\w+", line)) <= known


def test_every_event_is_told() -> None:
    told = {word for name, _ in rows("event") for word in words(name)}
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "frontend" / "mailscribe_smtp").glob("*.py"))
    said = {*re.findall(r'log_event\(\s*"([^"]+)"', code), *re.findall(r'"event": "([^"]+)"', code)}
    assert told == said


def test_every_alarm_is_told() -> None:
    resources = plain_template()["Resources"]
    alarms = [name for name, body in resources.items() if body["Type"] == "AWS::CloudWatch::Alarm"]
    assert [words(name)[0] for name, *_ in rows("alarm")] == alarms
