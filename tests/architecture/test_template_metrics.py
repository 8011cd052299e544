"""What the template watches is what the front end tells CloudWatch: alarms and dashboard, name by name."""

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

from mailscribe.smtp.event import MessageEnd
from mailscribe_smtp.metrics import METRICS, NAMES
from support.project import plain_template, template

VALUES = {
    "class": {"2xx", "3xx", "4xx", "5xx"},
    "fate": set(get_args(MessageEnd.__value__)),
    "kind": {"message", "refused", "transcript"},
    "version": {"TLSv1.2", "TLSv1.3", "failed"},
    "result": {"accepted", "rejected", "unavailable"},
}
"""What a dimension can be."""


def alarms() -> dict[str, dict[str, Any]]:
    found = plain_template()["Resources"]
    return {name: body["Properties"] for name, body in found.items() if body["Type"] == "AWS::CloudWatch::Alarm"}


def watched(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The metrics of an alarm."""
    if "MetricName" in alarm:
        yield alarm
    for query in alarm.get("Metrics", ()):
        if "MetricStat" in query:
            yield query["MetricStat"]["Metric"]


def widgets() -> list[dict[str, Any]]:
    """What the dashboard shows; names of the stack in their short form."""
    text = template()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    found: list[dict[str, Any]] = json.loads(re.sub(r"\$\{([\w:.]+)\}", r"<\1>", text))["widgets"]
    return found


def shown() -> Iterator[list[str]]:
    """Namespace, metric, and names and values of dimensions, abbreviations written out (CloudWatch's `.` and `...`)."""
    for widget in widgets():
        before: list[str] = []
        for row in widget["properties"]["metrics"]:
            texts = [each for each in row if isinstance(each, str)]
            if texts[0] == "...":
                texts = [*before[: 1 - len(texts)], *texts[1:]]
            before = [before[place] if text == "." else text for place, text in enumerate(texts)]
            yield before


def check(name: str, dimensions: dict[str, str]) -> None:
    """That the front end tells CloudWatch of this."""
    assert tuple(dimensions) == NAMES[name].dimensions
    for dimension, value in dimensions.items():
        assert value in VALUES[dimension]


def test_alarms_watch_what_is_told() -> None:
    ours = [
        metric
        for alarm in alarms().values()
        for metric in watched(alarm)
        if metric["Namespace"] == {"Ref": "AWS::StackName"}
    ]
    assert len(ours) == 2 + 2 * 4
    for metric in ours:
        check(metric["MetricName"], {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())})


def test_the_container_tells_where_the_alarms_look() -> None:
    (container,) = template()["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    environment = {entry["Name"]: entry["Value"] for entry in container["Environment"]}
    assert environment["MAILSCRIBE_METRICS_NAMESPACE"] == {"Ref": "AWS::StackName"}


def test_alarms_that_divide_have_what_they_divide_by() -> None:
    dividing = {name: alarm for name, alarm in alarms().items() if "Metrics" in alarm}
    assert set(dividing) == {"DeferralAlarm", "RefusalAlarm"}
    for alarm in dividing.values():
        told = {each["Dimensions"][0]["Value"] for each in watched(alarm)}
        assert told == VALUES["class"] == set(NAMES["mailscribe_replies_total"].always)
        ids = {query["Id"] for query in alarm["Metrics"]}
        for query in alarm["Metrics"]:
            named = set(re.findall(r"[a-z]\w*", query.get("Expression", "")))
            assert named <= ids
            assert query.get("ReturnData", True) is (query["Id"] == "share")


def test_every_alarm_tells_the_topic_and_says_what_is_wrong() -> None:
    for alarm in alarms().values():
        assert alarm["AlarmActions"]["Fn::If"][:2] == ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}]]
        assert len(alarm["AlarmDescription"]) > 20
        assert alarm["TreatMissingData"] in ("notBreaching", "breaching")


def test_the_dashboard_shows_what_is_told() -> None:
    ours = [row for row in shown() if row[0] == "<AWS::StackName>"]
    for _, name, *dimensions in ours:
        check(name, dict(zip(dimensions[::2], dimensions[1::2], strict=True)))
    assert {name for _, name, *_ in ours} == {metric.name for metric in METRICS if metric.dimensions is not None}


def test_the_dashboard_has_its_places() -> None:
    places = {(widget["x"], widget["y"]) for widget in widgets()}
    assert len(places) == len(widgets())
    for widget in widgets():
        assert widget["x"] + widget["width"] <= 24
        assert widget["properties"]["region"] == "<AWS::Region>"
    text = template()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    resources = template()["Resources"]
    for name in re.findall(r"\$\{([\w:.]+)\}", text):
        assert name.startswith("AWS::") or name.partition(".")[0] in resources
