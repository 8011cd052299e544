"""The command line in scripts: what it sends, finds and prints, as text and as JSON, and its exit codes."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from mailscribe_local.cli import COMMANDS
from support.stack import Stack, mailscribe
from support.wire import Wire

_EML = b"""\
Date: Mon, 23 Nov 2026 12:00:00 +0100\r
Message-ID: <%(mark)b@example.com>\r
From: J\xc3\xbcrgen <juergen@example.com>\r
To: Ann <ann@example.org>\r
Cc: bob@example.org\r
Subject: order %(mark)b\r
\r
Hello,\r
.\r
.hidden \xc3\xbc\r
"""


def _server(stack: Stack) -> tuple[str, str]:
    return "--server", f"{stack.smtp_host}:{stack.smtp_port}"


def _run(stack: Stack, *arguments: str, code: int = 0, stdin: str = "") -> str:
    """A command's output; nothing is on standard error when it went well."""
    done = mailscribe(*arguments, env=stack.env(), stdin=stdin)
    assert done.returncode == code, (arguments, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stderr == "" or code
    return done.stdout


def _json(stack: Stack, *arguments: str) -> list[Any]:
    return [json.loads(line) for line in _run(stack, *arguments, "--json").splitlines()]


def _delivered(stack: Stack, tmp_path: Path) -> tuple[str, bytes, dict[str, Any]]:
    """One message sent from a file: its mark, its bytes, its record."""
    mark = uuid.uuid4().hex
    content = _EML % {b"mark": mark.encode()}
    (tmp_path / "mail.eml").write_bytes(content)
    _run(stack, "send", *_server(stack), str(tmp_path / "mail.eml"))
    (record,) = _json(stack, "wait", f"message-id:{mark}@example.com")
    return mark, content, record


def test_a_file_goes_out_byte_for_byte_to_whom_it_names(embedded: Stack, tmp_path: Path) -> None:
    mark, content, record = _delivered(embedded, tmp_path)
    assert record["sha256"] == hashlib.sha256(content).hexdigest()
    assert record["envelope"]["mailFrom"]["email"] == "juergen@example.com"
    assert [to["email"] for to in record["envelope"]["rcptTo"]] == ["ann@example.org", "bob@example.org"]
    assert _json(embedded, "list", f"message-id:{mark}@example.com")[0]["id"] == record["id"]


def test_messages_are_deleted_by_id_and_by_query(embedded: Stack) -> None:
    mark = uuid.uuid4().hex
    for number in range(3):
        text = f"Subject: {mark} {number}\n\nhello\n"
        _run(embedded, "send", *_server(embedded), "--from", "", "--to", "a@example.org", "-", stdin=text)
    _run(embedded, "wait", f"subject:{mark}", "--count", "3")
    first = _json(embedded, "list", f"subject:{mark}")[0]["id"]
    assert _run(embedded, "delete", first) == "1 deleted\n"
    _run(embedded, "delete", first, code=1)
    _run(embedded, "show", first, code=1)
    _run(embedded, "delete", "--query", f"subject:{mark}", code=2)
    _run(embedded, "delete", "--query", f"subject:{mark}", "--confirm", "3", code=1)
    assert _run(embedded, "delete", "--query", f"subject:{mark}", "--confirm", "2") == "2 deleted\n"
    _run(embedded, "list", f"subject:{mark}", code=1)


def test_a_message_on_standard_input(embedded: Stack) -> None:
    mark = uuid.uuid4().hex
    text = f"Subject: {mark}\n\nhello\n"
    _run(embedded, "send", *_server(embedded), "--from", "", "--to", "a@example.org", "-", stdin=text)
    (record,) = _json(embedded, "wait", f"subject:{mark} mailfrom:<>")
    assert [header["name"] for header in record["headers"]] == ["Date", "Message-ID", "Subject"]


def test_a_body_on_standard_input_with_an_attachment(embedded: Stack, tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    (tmp_path / "grüße.png").write_bytes(b"\x89PNG")
    parts = ("--to", f"Ann <{mark}@example.org>", "--to", "b@example.org", "--subject", "Grüße")
    attach = ("--attach", str(tmp_path / "grüße.png"), "--attach", __file__)
    _run(embedded, "send", *_server(embedded), "--from", "Ü <u@example.com>", *parts, *attach, stdin="hällo\n")
    (record,) = _json(embedded, "wait", f"rcpt:{mark}@example.org")
    assert record["from"] == [{"name": "Ü", "email": "u@example.com"}]
    assert record["to"][0] == {"name": "Ann", "email": f"{mark}@example.org"}
    assert record["subject"] == "Grüße"
    assert [part["name"] for part in record["attachments"]] == ["grüße.png", Path(__file__).name]
    assert record["defects"] == []
    assert _run(embedded, "show", record["id"], "--text") == "hällo\n"
    assert '<pre style="white-space:pre-wrap">hällo\n</pre>' in _run(embedded, "show", record["id"], "--html")


def test_send_v_prints_what_the_server_has_heard(embedded: Stack) -> None:
    mark = uuid.uuid4().hex
    shown = _run(embedded, "send", "-v", *_server(embedded), "--to", f"{mark}@example.org", stdin="x\n").splitlines()
    assert shown[0] == f"Connecting to {_server(embedded)[1]} ..."
    assert shown[-1] == f"{mark}@example.org... Sent"
    session = embedded.wait_session(f"rcpt:{mark}@example.org end:quit")
    assert _run(embedded, "session", session["id"]).splitlines() == shown[1:-1]


def test_refused_by_the_server(embedded: Stack) -> None:
    done = mailscribe("send", *_server(embedded), "--to", "a..b@example.org", env=embedded.env())
    assert done.returncode == 1
    assert done.stderr.startswith("a..b@example.org... 501 ")
    big = mailscribe("send", *_server(embedded), "--to", "a@example.org", env=embedded.env(), stdin="x" * (53 << 20))
    assert big.returncode == 1
    assert "552 5.3.4" in big.stderr


def test_lists_are_newest_first_and_as_long_as_asked(embedded: Stack) -> None:
    mark = uuid.uuid4().hex
    with Wire(embedded.smtp_host, embedded.smtp_port) as wire:
        wire.reply()
        wire.say(f"EHLO {mark}.example.com".encode())
        content = f"From: a@example.com\r\nSubject: {mark} \u20ac\r\n\r\nhi\r\n".encode()
        ids = [wire.deliver(content, to=("x@example.org", "y@example.org")) for _ in range(102)]
        wire.say(b"QUIT")
    embedded.wait_message(f"id:{ids[-1]}")
    rows = [line.split("\t") for line in _run(embedded, "list", f"subject:{mark}", "--limit", "101").splitlines()]
    assert [row[0] for row in rows] == ids[:0:-1]
    size = f"{len(content)} B"
    assert rows[0][2:] == [size, "a@example.com", "x@example.org, y@example.org", f"{mark} \u20ac"]
    assert len(_json(embedded, "search", f"subject:{mark}")) == 25
    session = embedded.wait_session(f"helo:{mark}.example.com end:quit")
    (row,) = (line.split("\t") for line in _run(embedded, "sessions", f"helo:{mark}.example.com").splitlines())
    assert row[0] == session["id"]
    assert row[2:7] == ["127.0.0.1", f"{mark}.example.com", "quit", "delivered", "102"]
    assert row[7].startswith("221 2.0.0 ")


def test_a_message_in_every_form(embedded: Stack, tmp_path: Path) -> None:
    mark, content, record = _delivered(embedded, tmp_path)
    command = [sys.executable, "-m", "mailscribe_local.cli", "show", record["id"], "--raw"]
    assert subprocess.run(command, env=embedded.env(), capture_output=True, check=True).stdout == content
    assert _run(embedded, "show", record["id"], "--text") == "Hello,\n.\n.hidden ü\n"
    assert (
        _run(embedded, "show", record["id"], "--headers").encode()
        == content.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"\n") + b"\n"
    )
    turns = _run(embedded, "show", record["id"], "--transcript").splitlines()
    assert turns[0].startswith(">>> MAIL FROM:<juergen@example.com>")
    assert turns[-1] == f"250 2.0.0 {record['id']} Message accepted for delivery"
    (whole,) = _json(embedded, "show", record["id"])
    assert whole == embedded.get(f"/v1/messages/{record['id']}").json
    head, _, text = _run(embedded, "show", record["id"]).partition("\n\n")
    assert text == "Hello,\n.\n.hidden ü\n"
    fields = dict(line.split(":", 1) for line in head.splitlines())
    assert {name: value.strip() for name, value in fields.items() if name not in ("Received", "Date")} == {
        "Id": record["id"],
        "Envelope": "<juergen@example.com> to <ann@example.org>, <bob@example.org>",
        "Session": record["session"]["id"],
        "From": "Jürgen <juergen@example.com>",
        "To": "Ann <ann@example.org>",
        "Cc": "bob@example.org",
        "Subject": f"order {mark}",
    }


def test_a_session_with_its_turns(embedded: Stack, tmp_path: Path) -> None:
    session = _delivered(embedded, tmp_path)[2]["session"]["id"]
    embedded.wait_session(f"session:{session} end:quit")
    (whole,) = _json(embedded, "session", session)
    assert whole["state"] == "closed"
    assert [turn["verb"] for turn in whole["turns"]] == [None, "EHLO", "MAIL", "RCPT", "RCPT", "DATA", "EOD", "QUIT"]


def test_wait_finds_what_comes_after_it_began(embedded: Stack) -> None:
    mark = uuid.uuid4().hex
    command = [sys.executable, "-m", "mailscribe_local.cli", "wait", f"subject:{mark}", "--count", "2", "--json"]
    with subprocess.Popen(command, env=embedded.env(), stdout=subprocess.PIPE, text=True) as waiting:
        for _ in range(2):
            _run(embedded, "send", *_server(embedded), "--to", "a@example.org", "--subject", mark)
        output, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert [json.loads(line)["subject"] for line in output.splitlines()] == [mark, mark]


def test_wait_gives_up(embedded: Stack) -> None:
    done = mailscribe("wait", f"subject:{uuid.uuid4().hex}", "--timeout", "0.1", env=embedded.env())
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "nothing matched within 0.1 s\n")


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["list", "subject:nothinglikethis"], 1, "nothing matches"),
        (["show", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], 1, "no message 01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        (["show", "../sessions", "--text"], 1, "no message ../sessions"),
        (["session", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--json"], 1, "no session 01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        (["list", "order colour:red"], 2, "\n  order colour:red\n        ^\n"),
        (["sessions", "subject:x"], 2, "at character 0"),
        (["wait", "x", "--since", "whenever"], 2, "since"),
        (["wait", "x", "--count", "101"], 2, "count"),
        (["list", "--limit", "0"], 2, "a number from 1 on"),
        (["wait", "x", "--timeout", "nan"], 2, "seconds from 0 on"),
        (["search"], 2, "QUERY"),
        (["show"], 2, "ID"),
        (["show", "x", "--raw", "--text"], 2, "not allowed with"),
        ([], 2, "COMMAND"),
        (["frobnicate"], 2, "invalid choice"),
    ],
)
def test_answers_that_are_no(arguments: list[str], code: int, complaint: str, embedded: Stack) -> None:
    done = mailscribe(*arguments, env=embedded.env())
    assert done.returncode == code, done.stderr
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", [["list"], ["show", "x"], ["session", "x"], ["wait", "x"]])
def test_not_with_that_token_and_not_without_a_server(command: list[str], embedded: Stack) -> None:
    wrong = mailscribe(*command, env=embedded.env() | {"MAILSCRIBE_TOKEN": "wrong"})
    assert wrong.returncode == 4
    assert "MAILSCRIBE_TOKEN" in wrong.stderr
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    nobody = mailscribe(*command, env=embedded.env() | {"MAILSCRIBE_URL": url})
    assert nobody.returncode == 3
    assert nobody.stderr == f"mailscribe {command[0]}: {url} does not answer; is `mailscribe up` running?\n"


def test_send_where_nobody_listens_and_where_any_credentials_are_taken(embedded: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    nobody = mailscribe("send", "--server", f"127.0.0.1:{port}", "--to", "a@example.org")
    assert (nobody.returncode, nobody.stderr) == (3, f"mailscribe send: 127.0.0.1:{port}: Connection refused\n")
    environ = os.environ | {"MAILSCRIBE_SMTP_PASSWORD": "secret"}
    mark = uuid.uuid4().hex
    login = mailscribe("send", *_server(embedded), "--to", f"{mark}@example.org", "--user", "me", env=environ)
    assert login.returncode == 0
    (record,) = embedded.wait_message(f"rcpt:{mark}@example.org")
    assert record["auth"] == {"mechanism": "PLAIN", "user": "me"}


def test_a_reader_that_leaves_early_is_no_error(embedded: Stack) -> None:
    mark = uuid.uuid4().hex
    _run(embedded, "send", *_server(embedded), "--to", f"{mark}@example.org", stdin="a line\n" * 50_000)
    (record,) = embedded.wait_message(f"rcpt:{mark}@example.org")
    for command in (f"show {record['id']} --text", f"show {record['id']} --json", "list", "--help"):
        script = f"set -o pipefail; {sys.executable} -m mailscribe_local.cli {command} | head -c 1"
        done = subprocess.run(["bash", "-c", script], env=embedded.env(), capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b""), command


def test_output_that_cannot_be_written_is_said(embedded: Stack) -> None:
    mark = uuid.uuid4().hex
    _run(embedded, "send", *_server(embedded), "--to", f"{mark}@example.org")
    embedded.wait_message(f"rcpt:{mark}@example.org")
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "mailscribe_local.cli", "list"]
        done = subprocess.run(command, env=embedded.env(), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "mailscribe list: No space left on device\n")


def test_no_output_at_all_is_no_error(embedded: Stack) -> None:
    script = f"{sys.executable} -m mailscribe_local.cli list >&- 2>&-"
    assert subprocess.run(["bash", "-c", script], env=embedded.env(), check=False).returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1"])
def test_a_mail_holds_more_than_the_terminal_can_show(encoding: str, embedded: Stack) -> None:
    mark = uuid.uuid4().hex
    _run(embedded, "send", *_server(embedded), "--to", f"{mark}@example.org", "--subject", "日本語")
    embedded.wait_message(f"rcpt:{mark}@example.org")
    done = mailscribe("list", f"rcpt:{mark}@example.org", env=embedded.env() | {"PYTHONIOENCODING": encoding})
    assert done.returncode == 0, done.stderr
    assert "\\u65e5\\u672c\\u8a9e" in done.stdout


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS), ["token", "create"]], ids=" ".join)
def test_help_says_what_is_there(words: list[str]) -> None:
    done = mailscribe(*words, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith(f"usage: {' '.join(['mailscribe', *words])} ")
    assert max(map(len, done.stdout.splitlines())) <= 81
    if not words:
        assert all(f"\n    {name} " in done.stdout for name in COMMANDS)
