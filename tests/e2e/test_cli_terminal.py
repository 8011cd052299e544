"""The command line on a terminal: it asks as `mail` did, shows the conversation, draws what fits, obeys no mail."""

import os
import re
import socket
import uuid
from collections.abc import Sequence

import pytest

from support.stack import Stack, mailscribe
from support.terminal import Terminal, on_terminal
from support.wire import Wire

_STYLES = re.compile(r"\x1b\[[0-9;]*m")

EXTENSIONS = (
    "PIPELINING",
    "SIZE 52428800",
    "8BITMIME",
    "SMTPUTF8",
    "ENHANCEDSTATUSCODES",
    "CHUNKING",
    "BINARYMIME",
    "AUTH PLAIN LOGIN",
    "LIMITS RCPTMAX=1000 MAILMAX=1000",
    "VRFY",
    "EXPN",
    "SEND",
    "SOML",
    "SAML",
)


def _shown(embedded: Stack, *arguments: str, columns: int = 80) -> str:
    """What a command leaves on the screen, without its own styles."""
    with on_terminal(*arguments, env=embedded.env(), columns=columns) as terminal:
        assert terminal.end() == 0
        return _STYLES.sub("", terminal.shown)


def _send(embedded: Stack, *arguments: str, body: str = "text\n") -> None:
    server = f"{embedded.smtp_host}:{embedded.smtp_port}"
    done = mailscribe("send", "--server", server, *arguments, stdin=body)
    assert done.returncode == 0, done.stderr


def test_send_asks_and_reads_a_body_to_a_lone_dot(embedded: Stack) -> None:
    mark = uuid.uuid4().hex
    server = f"{embedded.smtp_host}:{embedded.smtp_port}"
    with on_terminal("send", "-v", "--server", server, "--from", "mable@sun.tuc.test.org") as terminal:
        terminal.wait_for("To: ")
        terminal.type("mable@test.org\n")
        terminal.wait_for("Subject: ")
        terminal.type(f"testing {mark}\n")
        terminal.type("8, 9, 10.\n..\n.\n")
        assert terminal.end() == 0
    typed, _, conversation = terminal.shown.partition("Connecting to ")
    assert typed == f"To: mable@test.org\nSubject: testing {mark}\n8, 9, 10.\n..\n.\n"
    (record,) = embedded.wait_message(f"subject:{mark}")
    size = record["size"]
    expected = [
        rf"{server} \.\.\.",
        r"220 \S+ ESMTP mailscribe ready",
        r">>> EHLO (\S+)",
        r"250-\S+ Hello \1, pleased to meet you",
        *[rf"250-{re.escape(line)}" for line in EXTENSIONS],
        r"250 HELP",
        rf">>> MAIL FROM:<mable@sun\.tuc\.test\.org> SIZE={size}",
        r"250 2\.1\.0 <mable@sun\.tuc\.test\.org>\.\.\. Sender ok",
        r">>> RCPT TO:<mable@test\.org>",
        r"250 2\.1\.5 <mable@test\.org>\.\.\. Recipient ok",
        r">>> DATA",
        r'354 Enter mail, end with "\." on a line by itself',
        rf">>> \({size} bytes\)",
        r">>> \.",
        rf"250 2\.0\.0 {record['id']} Message accepted for delivery",
        r">>> QUIT",
        r"221 2\.0\.0 \S+ closing connection",
        r"mable@test\.org\.\.\. Sent",
    ]
    assert re.fullmatch("".join(f"{line}\n" for line in expected), conversation), conversation
    assert mailscribe("show", record["id"], "--text", env=embedded.env()).stdout == "8, 9, 10.\n..\n"


def test_only_what_is_missing_is_asked_and_the_end_of_input_ends_the_body(embedded: Stack) -> None:
    mark = uuid.uuid4().hex
    server = f"{embedded.smtp_host}:{embedded.smtp_port}"
    with on_terminal("send", "--server", server, "--to", "a@example.org", "--subject", mark) as terminal:
        terminal.type("grüße\n\x04")
        assert terminal.end() == 0
    assert terminal.shown.startswith("grüße\n")
    assert "To:" not in terminal.shown
    (record,) = embedded.wait_message(f"subject:{mark}")
    assert mailscribe("show", record["id"], "--text", env=embedded.env()).stdout == "grüße\n"


def test_who_leaves_at_the_first_question_sends_nothing(embedded: Stack) -> None:
    for leave, code in ((lambda terminal: terminal.type("\x04"), 2), (Terminal.interrupt, 130)):
        with on_terminal("send", "--server", f"{embedded.smtp_host}:{embedded.smtp_port}") as terminal:
            terminal.wait_for("To: ")
            leave(terminal)
            assert terminal.end() == code
        assert "Traceback" not in terminal.shown


def test_ctrl_c_ends_a_wait() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # one that never answers
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with on_terminal("wait", "subject:x", env=os.environ | {"MAILSCRIBE_URL": url}) as terminal:
            connection, _ = server.accept()
            with connection:
                connection.recv(1)
                terminal.interrupt()
                assert terminal.end() == 130
    assert "Traceback" not in terminal.shown


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_lists_show_whole_ids_at_any_width(embedded: Stack, columns: int) -> None:
    mark = uuid.uuid4().hex
    to = ("--to", f"{mark}@department.example.org, somebody-else@department.example.org")
    _send(embedded, "--from", "sender-with-a-long-name@mail.example.com", *to, "--subject", f"{mark} {'word ' * 30}")
    (record,) = embedded.wait_message(f"subject:{mark}")
    session = embedded.wait_session(f"session:{record['session']['id']} end:quit")
    messages = _shown(embedded, "list", f"subject:{mark}", columns=columns)
    sessions = _shown(embedded, "sessions", f"session:{session['id']}", columns=columns)
    for text, whole in ((messages, record["id"]), (sessions, session["id"])):
        assert re.search(rf"(?m)^{whole}( |$)", text), text
        assert max(map(len, text.splitlines())) <= columns
    assert messages.startswith("id ") == (columns >= 120)


def test_a_list_of_nothing_says_so(embedded: Stack) -> None:
    with on_terminal("list", uuid.uuid4().hex, env=embedded.env()) as terminal:
        assert terminal.end() == 1
    assert terminal.shown == "nothing matches\n"


def test_more_than_the_limit_is_hinted_at(embedded: Stack) -> None:
    mark = uuid.uuid4().hex
    for _ in range(2):
        _send(embedded, "--to", f"{mark}@example.org")
    embedded.wait_message(f"rcpt:{mark}@example.org", count=2)
    assert "there are more" in _shown(embedded, "list", f"rcpt:{mark}@example.org", "--limit", "1")
    assert "there are more" not in _shown(embedded, "list", f"rcpt:{mark}@example.org", "--limit", "2")


def _attack(embedded: Stack) -> tuple[str, str]:
    """A message and a session that would clear the screen, set its title and turn the text around."""
    evil, mark = "\x1b[2J\x1b]0;owned\x07\x9b2J\u202e", uuid.uuid4().hex
    content = f"""\
From: {evil}x <a@example.com>
To: {evil}y <b@example.org>
Subject: {mark} {evil}
X-{mark}: {evil}
Content-Type: multipart/mixed; boundary=limit

--limit
Content-Type: text/plain; charset=utf-8

{evil}
--limit
Content-Type: image/png; name="{evil}.png"

{evil}
--limit--
"""
    with Wire(embedded.smtp_host, embedded.smtp_port) as wire:
        wire.reply()
        wire.say(f"EHLO {mark}.example.com".encode())
        wire.say(f"NONSENSE {evil}".encode())
        message = wire.deliver(content.replace("\n", "\r\n").encode())
        wire.say(b"QUIT")
    embedded.wait_message(f"id:{message}")
    session = embedded.wait_session(f"helo:{mark}.example.com end:quit")
    return message, session["id"]


def test_nothing_that_came_by_mail_drives_the_terminal(embedded: Stack) -> None:
    message, session = _attack(embedded)
    commands: Sequence[Sequence[str]] = (
        ("list", f"id:{message}"),
        ("list", f"id:{message}", "--json"),
        *(("show", message, *form) for form in ((), ("--raw",), ("--text",), ("--html",), ("--headers",), ("--json",))),
        ("show", message, "--transcript"),
        ("session", session),
        ("session", session, "--json"),
        ("sessions", f"session:{session}"),
    )
    for command in commands:
        shown = _shown(embedded, *command, columns=100)
        assert shown.strip()
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown), (command, shown)
