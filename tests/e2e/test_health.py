"""`mailscribe up` has a health port when it is asked for one, and none else."""

import json
import os
import re
import smtplib
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.stack import Stack, eventually, mailscribe, running_stack

pytestmark = pytest.mark.e2e


def health_of(stack: Stack) -> str:
    """The address, once it has been said."""
    found = eventually(lambda: re.search(r"smtp: health on (127\.0\.0\.1:\d+)\n", stack.log.read_text()))
    return f"http://{found[1]}"


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read(), "utf-8")


def test_health_and_metrics(tmp_path: Path) -> None:
    with running_stack(tmp_path / "data", env={"MAILSCRIBE_HEALTH_LISTEN": "127.0.0.1:0"}) as stack:
        url = health_of(stack)
        with smtplib.SMTP(stack.smtp_host, stack.smtp_port, "client.example") as client:
            client.sendmail("a@example.org", ["b@example.org"], b"Subject: x\r\n\r\nx\r\n")
            assert json.loads(get(f"{url}/health")) == {"status": "ok", "sessions": 1}
        families = {family.name: family for family in text_string_to_metric_families(get(f"{url}/metrics"))}
        [message] = families["mailscribe_messages"].samples
        assert (message.labels, message.value) == ({"fate": "accepted"}, 1)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(f"{url}/v1/messages")


def test_none_unless_it_is_asked_for(tmp_path: Path) -> None:
    with running_stack(tmp_path / "data") as stack:
        stack.get("/v1/health")
        eventually(lambda: "Ctrl-C ends it" in stack.log.read_text() or None)
        assert "health on" not in stack.log.read_text()


def test_a_port_that_cannot_be_had_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = mailscribe(
            *("up", "--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", str(tmp_path / "data")),
            env=os.environ | {"MAILSCRIBE_HEALTH_LISTEN": address},
        )
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert f"cannot listen on {address}: the port is in use" in done.stderr
