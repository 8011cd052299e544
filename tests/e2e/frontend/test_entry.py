"""The container's entry point as a process: its log, its exit codes, its words; the bucket is on moto's server."""

import json
import os
import queue
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from mailscribe.smtp import parse_trace, read_transcript

pytestmark = pytest.mark.e2e

BUCKET = "entry-point"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
MAIL = b"Subject: entry\r\n\r\n" + b"0123456789abcdef" * 60 + b"\r\n"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def environ(endpoint: str) -> dict[str, str]:
    return (
        os.environ
        | KEYS
        | {
            "AWS_ENDPOINT_URL": endpoint,
            "MAILSCRIBE_BUCKET": BUCKET,
            "MAILSCRIBE_DOMAINS": "*",
            "MAILSCRIBE_LISTEN": "127.0.0.1:0",
            "MAILSCRIBE_HEALTH_LISTEN": "127.0.0.1:0",
        }
    )


class Process:
    """The entry point, and the lines that it logs."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mailscribe_smtp"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def line(self, event: str) -> dict[str, Any]:
        """The next line of an event; others are passed over."""
        while (line := self.lines.get(timeout=30)).get("event") != event:
            pass
        return line

    def port(self, what: str) -> int:
        return int(self.line("listening")[what].rpartition(":")[2])

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(30)
        self._reader.join(30)
        return code


@contextmanager
def _process(environ: dict[str, str]) -> Iterator[Process]:
    made = Process(environ)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.communicate()


def _run(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mailscribe_smtp"], env=environ, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def bucket(endpoint: str) -> Iterator[Any]:
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_bucket(Bucket=BUCKET)
    yield client
    client.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_mail_lands_in_the_bucket_and_a_signal_drains(
    environ: dict[str, str], bucket: Any, number: signal.Signals
) -> None:
    with _process(environ) as entry:
        port = entry.port("smtp")
        health = entry.port("health")
        with socket.create_connection(("127.0.0.1", health), 30) as probe:
            probe.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert probe.recv(1000).startswith(b"HTTP/1.1 200 ")
        with smtplib.SMTP("127.0.0.1", port, "client.example") as client:
            client.sendmail("a@example.org", ["b@example.org"], MAIL)
        session = entry.line("session")
        assert (session["end"], session["messages"], session["stored"]) == ("quit", 1, True)
        idle = smtplib.SMTP("127.0.0.1", port, "client.example")
        assert entry.end(number) == 0
        assert idle.getreply()[0] == 421
        idle.close()
        assert entry.line("stopped")["messages"] == 1
    keys = [item["Key"] for item in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]]
    messages = [bucket.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys if key.endswith(".eml")]
    assert messages[-1][parse_trace(messages[-1]).length :] == MAIL
    read_transcript(bucket.get_object(Bucket=BUCKET, Key=f"sessions/{_day(keys)}/{session['id']}.jsonl")["Body"].read())


def _day(keys: list[str]) -> str:
    return "/".join(next(key for key in keys if key.startswith("sessions/")).split("/")[1:4])


WRONG = [
    ({"MAILSCRIBE_BUCKET": ""}, 2, "MAILSCRIBE_BUCKET is not set"),
    ({"MAILSCRIBE_BUCKET": "there-is-none"}, 3, "there-is-none"),
    ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "MAILSCRIBE_PUT_TIMEOUT": "2"}, 3, BUCKET),
    ({"MAILSCRIBE_LISTEN": "nowhere"}, 2, "'nowhere': not HOST:PORT"),
    ({"MAILSCRIBE_LISTEN": ","}, 2, "MAILSCRIBE_LISTEN"),
    ({"MAILSCRIBE_HEALTH_LISTEN": "8080"}, 2, "'8080': not HOST:PORT"),
    ({"MAILSCRIBE_MAX_SESSIONS": "many"}, 2, "MAILSCRIBE_MAX_SESSIONS='many'"),
]


@pytest.mark.parametrize(("changes", "code", "words"), WRONG)
def test_what_is_wrong_is_said_in_one_line(
    environ: dict[str, str], bucket: Any, changes: dict[str, str], code: int, words: str
) -> None:
    done = _run(environ | changes)
    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.startswith("mailscribe-smtp: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr + done.stdout


def test_a_port_in_use_is_said_in_one_line(environ: dict[str, str], bucket: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for name in ("MAILSCRIBE_LISTEN", "MAILSCRIBE_HEALTH_LISTEN"):
            done = _run(environ | {name: f"127.0.0.1:{port}"})
            assert done.returncode == 2
            assert done.stderr == f"mailscribe-smtp: cannot listen on 127.0.0.1:{port}: the port is in use\n"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return str(answer.read(), "utf-8")


def _metrics(port: int) -> dict[str, float]:
    """The samples of /metrics by name and labels."""
    lines = [line.rpartition(" ") for line in _get(port, "/metrics").splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_workers_share_a_port_and_one_that_dies_is_started_again(environ: dict[str, str], bucket: Any) -> None:
    port = _free_port()
    changes = {"MAILSCRIBE_WORKERS": "2", "MAILSCRIBE_LISTEN": f"127.0.0.1:{port}"}
    with _process(environ | changes) as entry:
        health = entry.port("health")
        for _ in range(2):
            entry.line("listening")
        for _ in range(20):
            with smtplib.SMTP("127.0.0.1", port, "client.example") as client:
                client.sendmail("a@example.org", ["b@example.org"], MAIL)
        for _ in range(20):
            assert entry.line("session")["messages"] == 1
        assert _metrics(health)['mailscribe_messages_total{fate="accepted"}'] == 20
        with smtplib.SMTP("127.0.0.1", port, "client.example"):
            assert json.loads(_get(health, "/health")) == {"status": "ok", "sessions": 1}
        assert entry.line("session")["messages"] == 0
        children = Path(f"/proc/{entry.process.pid}/task/{entry.process.pid}/children").read_text().split()
        assert len(children) == 2
        os.kill(int(children[0]), signal.SIGKILL)
        assert entry.line("worker died")["code"] == -signal.SIGKILL
        entry.line("listening")
        with smtplib.SMTP("127.0.0.1", port, "client.example") as client:
            client.sendmail("a@example.org", ["b@example.org"], MAIL)
        assert entry.line("session")["messages"] == 1
        entry.process.send_signal(signal.SIGHUP)
        assert _metrics(health)['mailscribe_messages_total{fate="accepted"}'] == 21, "what the dead one did counts"
        assert entry.end(signal.SIGTERM) == 0


def test_workers_end_with_their_parent(environ: dict[str, str], bucket: Any) -> None:
    changes = {"MAILSCRIBE_WORKERS": "2", "MAILSCRIBE_LISTEN": f"127.0.0.1:{_free_port()}"}
    with _process(environ | changes) as entry:
        entry.port("health")
        for _ in range(2):
            entry.line("listening")
        entry.process.kill()
        for _ in range(2):
            entry.line("stopped")


def test_workers_need_a_port_that_they_can_share(environ: dict[str, str], bucket: Any) -> None:
    done = _run(environ | {"MAILSCRIBE_WORKERS": "2"})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "port 0 is none of them" in done.stderr
    bad = _run(environ | {"MAILSCRIBE_WORKERS": "2", "MAILSCRIBE_LISTEN": f"127.0.0.1:{_free_port()}/submission"})
    assert bad.returncode == 2
    assert "needs a certificate" in bad.stderr


def test_metrics_are_told_and_logged(environ: dict[str, str], bucket: Any) -> None:
    with _process(environ | {"MAILSCRIBE_METRICS_NAMESPACE": "test"}) as entry:
        port, health = entry.port("smtp"), entry.port("health")
        with smtplib.SMTP("127.0.0.1", port, "client.example") as client:
            client.sendmail("a@example.org", ["b@example.org"], MAIL)
        session = entry.line("session")
        assert (session["helo"], session["turns"], session["tls"]) == ("client.example", 7, None)
        samples = _metrics(health)
        assert samples['mailscribe_replies_total{verb="MAIL",code="250"}'] == 1
        assert samples['mailscribe_sessions_total{listener="mx",end="quit"}'] == 1
        assert samples['mailscribe_put_seconds_count{kind="message"}'] == 1
        assert samples["mailscribe_received_bytes_total"] > len(MAIL)
        assert entry.end(signal.SIGTERM) == 0
        logged = [line for line in list(entry.lines.queue) if "_aws" in line]
    assert any(line.get("mailscribe_messages_total") == 1 for line in logged)
