"""`mailscribe replay`: what it plays, what it shows side by side, and its exit codes."""

import json
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mailscribe.smtp import Service
from mailscribe_local.cli import main
from support.machine import GOOD, STRICT, TLS, Driver, message_id
from support.scripted_smtp import HANG_UP, ScriptedServer, scripted_server
from support.terminal import on_terminal
from support.tls import self_signed

_STYLE = re.compile("\x1b\\[[0-9;]*m")
HELLO = (b"EHLO c.test\r\n",)
MAIL = (*HELLO, b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@test.org>\r\nDATA\r\n", GOOD + b"..x\r\n.\r\n", b"QUIT\r\n")
OURS = {b"EHLO": b"250-test.org Hello c.test, pleased to meet you\r\n250 HELP"}


@contextmanager
def api(answers: Mapping[str, bytes]) -> Iterator[str]:
    """The API, as far as it is asked: path → body, all else 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"{}")))
            self.end_headers()
            self.wfile.write(body or b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def session(*segments: bytes, driver: Driver | None = None) -> dict[str, bytes]:
    """What the API has of a session in which these segments were said, each after the reply to the one before."""
    driver = driver or Driver()
    driver.open()
    for segment in segments:
        driver.t += 1_000
        driver.say(segment)
    if not driver.closed:
        driver.do(driver.session.eof)
    return {"/v1/sessions/S/transcript": driver.stored} | {
        f"/v1/sessions/S/refused/{message.id}" if message.fate == "kept" else f"/v1/messages/{message.id}/raw": (
            message.content
        )
        for message in driver.messages
        if message.fate in ("stored", "kept")
    }


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Replay":
    return Replay(monkeypatch, capsys)


class Replay:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, answers: Mapping[str, bytes], server: ScriptedServer | str, *arguments: str) -> int:
        address = server if isinstance(server, str) else server.address
        with api(answers) as url:
            self._monkeypatch.setenv("MAILSCRIBE_URL", url)
            code = main(["replay", "S", "--to", address, *arguments])
        self.out, self.err = self._capsys.readouterr()
        return code


def test_both_sides_and_the_same_codes(replay: Replay) -> None:
    with scripted_server(OURS) as server:
        assert replay(session(*MAIL), server) == 0
    assert server.lines == [b"EHLO c.test", b"MAIL FROM:<a@b.test>", b"RCPT TO:<c@test.org>", b"DATA", b"QUIT"]
    assert server.contents == [GOOD + b"..x\r\n"]
    assert replay.err == ""
    rows = [
        ("1998-05-21 18:37:24Z test.org", "|", f"{server.address}"),
        ("220 test.org ESMTP mailscribe ready", "~", "220 test.org ESMTP"),
        (">>> EHLO c.test", "|", ">>> EHLO c.test"),
        ("250-test.org Hello c.test, pleased to meet you", "|", "250-test.org Hello c.test, pleased to meet you"),
        ("250-PIPELINING", "~", ""),
        ("250-SIZE 52428800", "~", ""),
        ("250-8BITMIME", "~", ""),
        ("250-SMTPUTF8", "~", ""),
        ("250-ENHANCEDSTATUSCODES", "~", ""),
        ("250-CHUNKING", "~", ""),
        ("250-BINARYMIME", "~", ""),
        ("250-LIMITS RCPTMAX=1000 MAILMAX=1000", "~", ""),
        ("250 HELP", "|", "250 HELP"),
        (">>> MAIL FROM:<a@b.test>", "|", ">>> MAIL FROM:<a@b.test>"),
        ("250 2.1.0 <a@b.test>... Sender ok", "~", "250 ok"),
        (">>> RCPT TO:<c@test.org>", "|", ">>> RCPT TO:<c@test.org>"),
        ("250 2.1.5 <c@test.org>... Recipient ok", "~", "250 ok"),
        (">>> DATA", "|", ">>> DATA"),
        ('354 Enter mail, end with "." on a line by itself', "~", "354 go on"),
        (">>> (90 bytes)", "|", ">>> (90 bytes)"),
        (">>> .", "|", ">>> ."),
        (f"250 2.0.0 {message_id(1)} Message accepted for delivery", "~", "250 2.0.0 taken"),
        (">>> QUIT", "|", ">>> QUIT"),
        ("221 2.0.0 test.org closing connection", "~", "221 bye"),
    ]
    assert replay.out.splitlines() == [f"{left:<66} {mark} {right}".rstrip() for left, mark, right in rows]


def test_pipelined_as_it_was(replay: Replay) -> None:
    """The server says nothing to MAIL and RCPT before DATA has come."""
    held = {b"MAIL FROM:<a@b.test>": b"250 ok", b"RCPT TO:<c@test.org>": b"250 ok"}
    with scripted_server(OURS | held) as server:
        assert replay(session(*MAIL), server) == 0


@pytest.mark.parametrize(
    ("replies", "code", "shown"),
    [
        ({b"RCPT": b"550 5.1.1 who?"}, 1, "! 550 5.1.1 who?"),
        ({b"RCPT": b"250 other words"}, 0, "~ 250 other words"),
        ({b"DATA": b"451 4.3.0 later"}, 1, "not sent: the server did not ask for it"),
        ({b"MAIL": b"354 go on"}, 1, "the server asks for what the client never sent"),
        ({b"CONTENT": HANG_UP}, 1, "| --- connection lost"),
        ({b"EHLO": HANG_UP}, 1, "not reached"),
        ({b"GREETING": b"HTTP/1.1 400 Bad Request"}, 3, "HTTP/1.1 400 Bad Request"),
        ({b"GREETING": HANG_UP}, 3, "--- connection lost"),
        ({b"GREETING": b"554 \x1b[2J"}, 1, r"! 554 \x1b[2J"),
    ],
)
def test_what_a_server_may_do(replies: dict[bytes, bytes], code: int, shown: str, replay: Replay) -> None:
    with scripted_server(OURS | replies) as server:
        assert replay(session(*MAIL), server) == code
    assert shown in replay.out
    assert bool(replay.err) == bool(code)
    sends_content = b"CONTENT" in replies or b"RCPT" in replies or b"554" in replies.get(b"GREETING", b"")
    assert (GOOD + b"..x\r\n" in server.contents) == sends_content


def test_refused_content_is_sent_as_it_was(replay: Replay) -> None:
    driver = Driver(STRICT, service=Service(keep_refused=True))
    bad = session(*MAIL[:2], b"a\nb\r\n.\r\n", b"QUIT\r\n", driver=driver)
    with scripted_server(OURS | {b"CONTENT": b"550 bare"}) as server:
        assert replay(bad, server) == 0
    assert server.contents == [b"a\nb\r\n"]


def test_content_that_is_not_kept_has_a_stand_in(replay: Replay) -> None:
    answers = session(*MAIL)
    stored = {"/v1/sessions/S/transcript": answers["/v1/sessions/S/transcript"]}
    with scripted_server(OURS) as server:
        assert replay(stored, server) == 0
    assert len(server.contents[0]) == len(GOOD) + len(b".x\r\n")
    assert "the content is not kept" in replay.out


def test_auth_is_left_out_or_done_with_another_secret(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(auth=True, auth_in_clear=True)
    said = (*HELLO, b"AUTH PLAIN AG1hYmxlAHNlY3JldA==\r\n", b"AUTH LOGIN\r\n", b"NOOP\r\n")
    stored = session(*said, driver=Driver(service=service))
    replies = OURS | {b"AUTH": b"235 fine", b"AUTH LOGIN": b"503 twice"}
    with scripted_server(replies) as server:
        assert replay(stored, server) == 0
    assert server.lines == [b"EHLO c.test", b"AUTH LOGIN", b"NOOP"]
    assert "left out: the secret is masked; --user does it with another" in replay.out
    with scripted_server(replies) as server:
        assert replay(stored, server, "--user", "bob") == 2
    monkeypatch.setenv("MAILSCRIBE_SMTP_PASSWORD", "hunter2")
    with scripted_server(replies) as server:
        assert replay(stored, server, "--user", "bob") == 0
    assert server.lines[1] == b"AUTH PLAIN AGJvYgBodW50ZXIy"
    assert "| >>> AUTH PLAIN [masked 16]" in replay.out.replace("~", "|")
    assert "AGJvYgBodW50ZXIy" not in replay.out
    assert "hunter2" not in replay.out


def test_tls_as_it_was_and_without(replay: Replay, tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(self_signed(tmp_path, "127.0.0.1"))
    said = (*HELLO, b"STARTTLS\r\n", *MAIL)
    stored = session(*said, driver=Driver(service=Service(starttls=True)))
    with scripted_server(OURS, tls=context) as server:
        assert replay(stored, server) == 0
    assert server.contents == [GOOD + b"..x\r\n"]
    assert "--- TLSv1.3 TLS_AES_256_GCM_SHA384" in replay.out.partition("STARTTLS")[2].partition(" | ")[2]
    with scripted_server(OURS) as server:
        assert replay(stored, server, "--no-tls") == 0
    assert b"STARTTLS" not in server.lines
    assert server.contents == [GOOD + b"..x\r\n"]
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # else the client learns of it only later
    context.verify_mode = ssl.CERT_REQUIRED
    with scripted_server(OURS, tls=context) as server:
        assert replay(stored, server) == 1
    assert "TLS handshake failed" in replay.out


def test_a_session_that_began_with_tls(replay: Replay) -> None:
    driver = Driver(service=Service(implicit_tls=True))
    driver.do(lambda t: driver.session.secured(TLS, t))
    stored = session(*MAIL, driver=driver)
    with scripted_server(OURS) as server:
        assert replay(stored, server) == 3
        assert "--no-tls" in replay.err
        assert replay(stored, server, "--no-tls") == 0


def test_for_machines(replay: Replay) -> None:
    with scripted_server(OURS | {b"QUIT": b"421 going"}) as server:
        assert replay(session(*MAIL), server, "--json") == 1
    told = json.loads(replay.out)
    assert told["to"] == server.address
    assert told["sameCodes"] is False
    assert [turn["verb"] for turn in told["turns"]] == [None, "EHLO", "MAIL", "RCPT", "DATA", "EOD", "QUIT"]
    assert [turn["sameCode"] for turn in told["turns"]] == [True] * 6 + [False]
    assert told["turns"][6]["recorded"] == {
        "said": [">>> QUIT"],
        "code": 221,
        "reply": ["221 2.0.0 test.org closing connection"],
    }
    assert told["turns"][6]["replayed"] == {"said": [">>> QUIT"], "code": 421, "reply": ["421 going"]}


def test_nobody_there_and_nothing_there(replay: Replay) -> None:
    assert replay({}, "127.0.0.1:1") == 1
    assert replay.err == "mailscribe replay: no session S\n"
    assert replay(session(), "127.0.0.1:1") == 3
    assert replay(session(), "nowhere") == 2
    assert replay({"/v1/sessions/S/transcript": b"what?\n"}, "127.0.0.1:1") == 3
    nothing = session()["/v1/sessions/S/transcript"].partition(b"\n")
    assert replay({"/v1/sessions/S/transcript": nothing[0] + b"\n"}, "127.0.0.1:1") == 1


def test_on_a_terminal_it_is_two_columns() -> None:
    with scripted_server(OURS | {b"EHLO": b"550 " + b"y" * 50}) as server, api(session(*MAIL)) as url:
        env = {"MAILSCRIBE_URL": url, "PATH": ""}
        with on_terminal("replay", "S", "--to", server.address, env=env, columns=60) as terminal:
            assert terminal.end() == 1
    lines = [_STYLE.sub("", line) for line in terminal.shown.splitlines()]
    assert max(map(len, lines)) <= 60
    assert "".join(line[31:].strip() for line in lines if "yyy" in line).endswith("y" * 50)
    assert [line[29] for line in lines if ">>>" in line] == ["|"] * 7
