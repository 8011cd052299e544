"""Bad input, a broken store, a bad command line: each gets a clear answer, and nobody sees a traceback."""

import socket
import uuid
from pathlib import Path

import pytest

from support.stack import Stack, mailscribe, running_stack
from support.wire import Wire


def _greeted(stack: Stack) -> Wire:
    wire = Wire(stack.smtp_host, stack.smtp_port)
    wire.reply()
    wire.say(b"EHLO client.example.com")
    return wire


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (b"FROBNICATE", 500),
        (b"MAIL FROM:<a b@example.com>", 501),
        (b"MAIL FROM:<a@example.com> FOO=bar", 555),
        (b"MAIL FROM:<a@example.com> SIZE=999999999999", 552),
        (b"RCPT TO:<b@example.org>", 503),
        (b"DATA", 503),
        (b"NO\0OP", 500),
        (b"X" * 5000, 500),
        (b"TURN", 502),
        (b"XCLIENT NAME=x", 502),
        (b"SEND FROM:<a@example.com", 501),
        (b"AUTH CRAM-MD5", 504),
        (b"STARTTLS", 502),
    ],
)
def test_a_bad_command_is_refused_and_the_session_goes_on(embedded: Stack, command: bytes, code: int) -> None:
    with _greeted(embedded) as wire:
        assert wire.code(command) == code
        assert wire.code(b"NOOP") == 250


@pytest.mark.parametrize("backend", ["embedded", "moto"])
def test_refused_content_leaves_no_message(tmp_path: Path, backend: str) -> None:
    env = {
        "MAILSCRIBE_MAX_MESSAGE_SIZE": "20000",
        "MAILSCRIBE_LINE_ENDS": "reject",
        "MAILSCRIBE_MAX_HEADER_FIELDS": "50",
    }
    cases = {
        b"552 5.3.4": b"Subject: big\r\n\r\n" + b"x" * 70 * 1 + b"\r\n" + (b"y" * 76 + b"\r\n") * 300,
        b"550 5.5.2": b"Subject: bare\nline feed\r\n\r\nbody\r\n",
        b"554 5.6.0": b"X-Flood: 1\r\n" * 60 + b"\r\nbody\r\n",
        b"554 5.4.6": b"Received: by loop\r\n" * 40 + b"\r\nbody\r\n",
    }
    env["MAILSCRIBE_MAX_RECEIVED"] = "30"
    with running_stack(tmp_path / "data", "--backend", backend, env=env) as stack, _greeted(stack) as wire:
        for expected, content in cases.items():
            for command in (b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.org>", b"DATA"):
                wire.say(command)
            wire.send(content + b".\r\n")
            assert wire.reply()[-1].startswith(expected)
        ulid = wire.deliver(b"Subject: fine\r\n\r\nok\r\n")
        wire.say(b"QUIT")
        stack.wait_message("subject:fine")
        assert [message["id"] for message in stack.get("/v1/messages").json["messages"]] == [ulid]


def test_a_dead_object_store_is_451_and_recovery_is_by_itself(tmp_path: Path) -> None:
    with running_stack(tmp_path / "data") as stack, _greeted(stack) as wire:
        objects, away = tmp_path / "data" / "objects", tmp_path / "data" / "objects-away"
        objects.rename(away)
        objects.write_text("in the way")
        for command in (b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.org>", b"DATA"):
            wire.say(command)
        wire.send(b"Subject: lost?\r\n\r\nno\r\n.\r\n")
        assert wire.reply()[-1].startswith(b"451 4.3.0")
        objects.unlink()
        away.rename(objects)
        ulid = wire.deliver(b"Subject: again\r\n\r\nyes\r\n")
        wire.say(b"QUIT")
        stack.wait_message("subject:again")
        assert [message["id"] for message in stack.get("/v1/messages").json["messages"]] == [ulid]
        assert "Traceback" not in stack.log.read_text()


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option in ("--smtp", "--http"):
            other = "--http" if option == "--smtp" else "--smtp"
            done = mailscribe("up", "--data", str(tmp_path), option, f"127.0.0.1:{port}", other, "127.0.0.1:0")
            assert done.returncode == 2
            assert str(port) in done.stderr
            assert "in use" in done.stderr
            assert "Traceback" not in done.stderr


def test_an_unusable_data_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = mailscribe("up", "--data", str(tmp_path / "file" / "data"), "--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0")
    assert done.returncode == 2
    assert "--data" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_up_on_the_same_folder_is_refused(embedded: Stack) -> None:
    done = mailscribe("up", "--data", str(embedded.data), "--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0")
    assert done.returncode == 2
    assert f"process {embedded.process.pid}" in done.stderr


def test_a_second_up_on_the_same_folder_leaves_the_first_alone(embedded: Stack) -> None:
    assert embedded.get("/v1/health", token=None).json == {"status": "ok"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/messages?cursor=forged", 400),
        ("/v1/messages?limit=0", 400),
        ("/v1/messages?limit=many", 400),
        ("/v1/messages?unknown=1", 400),
        ("/v1/messages/not-an-id", 404),
        ("/v1/messages/01ARZ3NDEKTSV4RRFFQ69G5FAV", 404),
        ("/v1/sessions/01ARZ3NDEKTSV4RRFFQ69G5FAV/transcript", 404),
        ("/v1/nowhere", 404),
        ("/v1/messages/wait?timeout=26", 400),
    ],
)
def test_a_bad_request_is_a_problem_document(stack: Stack, path: str, status: int) -> None:
    answer = stack.get(path)
    assert answer.status == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert {"type", "title", "status"} <= answer.json.keys()


def test_an_unknown_operator_is_400_with_its_position(stack: Stack) -> None:
    answer = stack.get("/v1/messages?q=order%20colour:red")
    assert answer.status == 400
    assert answer.json["position"] == 6


def test_a_wrong_token_and_an_unknown_host_are_refused(stack: Stack) -> None:
    assert stack.get("/v1/messages", token="wrong" + uuid.uuid4().hex).status == 401
    assert stack.get("/v1/messages", token=None).status == 401
    assert stack.get("/v1/messages", Host="evil.example.com").status == 421
