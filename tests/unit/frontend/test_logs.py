"""One JSON object a line, whatever is in it."""

import json
import logging

import pytest

from mailscribe_smtp.hub import SessionEnded
from mailscribe_smtp.logs import JsonFormatter, log_event, log_session

ENDED = SessionEnded(
    id="01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ip="192.0.2.1",
    port=25,
    listener="smtp",
    seconds=1.5,
    end="quit",
    outcome=("delivered",),
    messages=1,
    failed=0,
    stored=True,
)


def test_a_session_is_a_line_of_facts(capsys: pytest.CaptureFixture[str]) -> None:
    log_session(ENDED)
    line = json.loads(capsys.readouterr().out)
    assert line["event"] == "session"
    assert (line["id"], line["end"], line["outcome"], line["seconds"]) == (ENDED.id, "quit", ["delivered"], 1.5)


def test_an_event_is_a_line_although_its_text_is_strange(capsys: pytest.CaptureFixture[str]) -> None:
    log_event("listening", smtp="a\nb\udcff")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out)["smtp"] == "a\nb?"


def test_an_exception_is_one_line_too() -> None:
    error = ZeroDivisionError("x")
    record = logging.LogRecord("n", logging.ERROR, "p", 1, "bad %s", ("thing",), (type(error), error, None))
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "bad thing"
    assert "ZeroDivisionError" in json.loads(line)["exception"]
