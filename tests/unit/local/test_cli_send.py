"""`mailscribe send` against servers that refuse, leave, or ask for more: exit codes, what is said, what is sent."""

import io
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mailscribe_local.cli import main
from support.scripted_smtp import HANG_UP, ScriptedServer, scripted_server
from support.tls import self_signed

type Send = Callable[..., int]

_TO = ("--to", "b@example.org")
_AUTH = {b"EHLO": b"250-test.org\r\n250 AUTH PLAIN LOGIN"}


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Send:
    """Runs the command with a body on standard input; its exit code."""

    def run(server: ScriptedServer | str, *arguments: str, body: bytes = b"hello\n") -> int:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body)))
        address = server if isinstance(server, str) else server.address
        return main(["send", "--server", address, "--from", "a@example.com", *arguments])

    return run


def test_a_mail_is_sent_in_silence(send: Send, capfd: pytest.CaptureFixture[str]) -> None:
    with scripted_server() as server:
        assert send(server, *_TO, "--subject", "s", body=b".\n..\n.x\n") == 0
    assert capfd.readouterr() == ("", "")
    assert [line.split()[0] for line in server.lines] == [b"EHLO", b"MAIL", b"RCPT", b"DATA", b"QUIT"]
    assert server.contents[0].endswith(b"\r\n\r\n..\r\n...\r\n..x\r\n")
    size = len(server.contents[0]) - 3
    assert server.lines[1] == b"MAIL FROM:<a@example.com> SIZE=%d" % size


def test_the_conversation_is_shown_as_it_was(send: Send, capsys: pytest.CaptureFixture[str]) -> None:
    replies = {
        b"RCPT": b"250-first \x1b[2J\r\n250 2.1.5 gr\xc3\xbc\xc3\x9fe \xff",
        b"EHLO": b"502 no",
        b"HELO": b"250 hi",
    }
    with scripted_server(replies) as server:
        assert send(server, "-v", *_TO) == 0
    size = len(server.contents[0])
    name = server.lines[0].split()[1].decode()
    assert capsys.readouterr().out.splitlines() == [
        f"Connecting to {server.address} ...",
        "220 test.org ESMTP",
        f">>> EHLO {name}",
        "502 no",
        f">>> HELO {name}",
        "250 hi",
        ">>> MAIL FROM:<a@example.com>",
        "250 ok",
        ">>> RCPT TO:<b@example.org>",
        r"250-first \x1b[2J",
        r"250 2.1.5 grüße \xff",
        ">>> DATA",
        "354 go on",
        f">>> ({size} bytes)",
        ">>> .",
        "250 2.0.0 taken",
        ">>> QUIT",
        "221 bye",
        "b@example.org... Sent",
    ]


@pytest.mark.parametrize(
    ("replies", "code", "complaint", "last"),
    [
        ({b"GREETING": b"421 4.7.0 too many"}, 1, "refused: 421 4.7.0 too many", "421 4.7.0 too many"),
        ({b"GREETING": b"554 no \x1b[31m"}, 1, r"refused: 554 no \x1b[31m", r"554 no \x1b[31m"),
        ({b"GREETING": b"HTTP/1.1 400 Bad Request"}, 3, "no SMTP server", "..."),
        ({b"GREETING": HANG_UP}, 3, "", "..."),
        ({b"EHLO": b"421 4.3.2 going"}, 1, "refused: 421 4.3.2 going", "421 4.3.2 going"),
        ({b"MAIL": b"550 5.7.1 not you"}, 1, "refused: 550 5.7.1 not you", "221 bye"),
        ({b"RCPT": b"421 4.3.2 going"}, 1, "refused: 421 4.3.2 going", "421 4.3.2 going"),
        ({b"RCPT": b"550 5.1.1 who?"}, 1, "b@example.org... 550 5.1.1 who?", "221 bye"),
        ({b"DATA": b"451 4.3.0 later"}, 1, "refused: 451 4.3.0 later", "221 bye"),
        ({b"CONTENT": b"552 5.3.4 too big"}, 1, "refused: 552 5.3.4 too big", "221 bye"),
        ({b"CONTENT": HANG_UP}, 3, "", "--- connection lost"),
        ({b"MAIL": HANG_UP}, 3, "", "--- connection lost"),
        ({b"QUIT": HANG_UP}, 0, "", ">>> QUIT\n--- connection lost\nb@example.org... Sent"),
        ({b"QUIT": b"500 what?"}, 0, "", "b@example.org... Sent"),
    ],
)
def test_what_a_server_may_do(
    replies: dict[bytes, bytes], code: int, complaint: str, last: str, send: Send, capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted_server(replies) as server:
        assert send(server, "-v", *_TO) == code
    shown = capsys.readouterr()
    assert complaint in shown.err
    assert shown.out.endswith(f"{last}\n")
    assert bool(shown.err) == bool(code)
    assert "Traceback" not in shown.err


def test_one_of_two_is_refused_and_the_other_gets_it(send: Send, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server({b"RCPT TO:<no@example.org>": b"550 5.1.1 who?"}) as server:
        assert send(server, "-v", "--to", "no@example.org, yes@example.org") == 1
    shown = capsys.readouterr()
    assert shown.out.endswith("yes@example.org... Sent\n")
    assert shown.err == "no@example.org... 550 5.1.1 who?\n"
    assert len(server.contents) == 1


def test_nothing_is_sent_when_all_are_refused(send: Send) -> None:
    with scripted_server({b"RCPT": b"550 no"}) as server:
        assert send(server, *_TO) == 1
    assert [line.split()[0] for line in server.lines] == [b"EHLO", b"MAIL", b"RCPT", b"QUIT"]


def test_credentials_are_used_and_never_shown(
    send: Send, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILSCRIBE_SMTP_PASSWORD", "secret")
    with scripted_server(_AUTH | {b"AUTH": b"235 2.7.0 welcome"}) as server:
        assert send(server, "-v", *_TO, "--user", "mable") == 0
    assert b"AUTH PLAIN AG1hYmxlAHNlY3JldA==" in server.lines
    shown = capsys.readouterr().out
    assert ">>> AUTH PLAIN [masked 20]\n235 2.7.0 welcome\n" in shown
    assert "AG1hYmxl" not in shown


def test_an_exchange_of_credentials_is_masked(
    send: Send, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILSCRIBE_SMTP_PASSWORD", "secret")
    replies = {b"EHLO": b"250-test.org\r\n250 AUTH LOGIN", b"AUTH": b"334 UGFzc3dvcmQ6", b"ANSWER": b"235 welcome"}
    with scripted_server(replies) as server:
        assert send(server, "-v", *_TO, "--user", "mable") == 0
    assert b"c2VjcmV0" in server.lines
    assert ">>> AUTH LOGIN [masked 8]\n334 UGFzc3dvcmQ6\n>>> [masked 8]\n235 welcome\n" in capsys.readouterr().out


def test_credentials_that_are_refused(
    send: Send, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILSCRIBE_SMTP_PASSWORD", "wrong")
    with scripted_server(_AUTH | {b"AUTH": b"535 5.7.8 no"}) as server:
        assert send(server, *_TO, "--user", "mable") == 4
    assert "535 5.7.8 no" in capsys.readouterr().err
    assert server.lines[-1] == b"QUIT"
    assert not server.contents


def test_credentials_that_nobody_asks_for(
    send: Send, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted_server() as server:
        assert send(server, *_TO, "--user", "mable") == 2
        assert "MAILSCRIBE_SMTP_PASSWORD" in capsys.readouterr().err
        monkeypatch.setenv("MAILSCRIBE_SMTP_PASSWORD", "secret")
        assert send(server, *_TO, "--user", "mable") == 4
    assert "does not offer AUTH" in capsys.readouterr().err
    assert server.lines[-1] == b"QUIT"


def test_tls_that_is_not_offered_is_not_done_without(send: Send, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server() as server:
        assert send(server, "-v", *_TO, "--tls") == 1
    shown = capsys.readouterr()
    assert "does not offer STARTTLS" in shown.err
    assert ">>> STARTTLS" not in shown.out
    assert server.lines[1:] == [b"QUIT"]


def test_tls_with_a_certificate_that_is_trusted_and_one_that_is_not(
    send: Send, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate = self_signed(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with scripted_server({b"EHLO": b"250-test.org\r\n250 STARTTLS"}, context) as server:
        assert send(server, "-v", *_TO, "--tls") == 3
        assert "certificate verify failed" in capsys.readouterr().err
        assert not server.contents
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert send(server, "-v", *_TO, "--tls") == 0
    shown = capsys.readouterr().out
    assert ">>> STARTTLS\n220 go on\n--- TLSv1.3 TLS_" in shown
    assert shown.count(">>> EHLO") == 2


def test_tls_that_is_refused(send: Send, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server({b"EHLO": b"250-test.org\r\n250 STARTTLS", b"STARTTLS": b"454 4.7.0 not now"}) as server:
        assert send(server, "-v", *_TO, "--tls") == 1
    shown = capsys.readouterr()
    assert ">>> STARTTLS\n454 4.7.0 not now\n>>> QUIT\n" in shown.out
    assert "refused: 454 4.7.0 not now" in shown.err


def test_addresses_beyond_ascii_need_a_server_that_takes_them(send: Send, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server() as server:
        assert send(server, "--to", "jürgen@example.org") == 1
    assert "SMTPUTF8" in capsys.readouterr().err
    with scripted_server({b"EHLO": b"250-test.org\r\n250-8BITMIME\r\n250 SMTPUTF8"}) as server:
        assert send(server, "--to", "jürgen@example.org") == 0
    assert server.lines[1].endswith(b" BODY=8BITMIME SMTPUTF8")
    assert server.lines[2] == "RCPT TO:<jürgen@example.org>".encode()


def test_eight_bit_content_is_announced(send: Send, tmp_path: Path) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_bytes(b"Date: x\nMessage-ID: <a@b>\nFrom: a@example.com\n\n\xff\n")
    with scripted_server() as server:
        assert send(server, *_TO, str(mail)) == 0
    assert server.lines[1].endswith(b" BODY=8BITMIME")
    assert server.contents[0].endswith(b"\r\n\r\n\xff\r\n")


def test_nobody_there(send: Send, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server() as server:
        pass
    assert send(server, *_TO) == 3
    assert capsys.readouterr().err == f"mailscribe send: {server.address}: Connection refused\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "give --to ADDRESS"),
        (["--to", "nobody at all"], "--to nobody at all: not an address"),
        ([*_TO, "none.eml"], "none.eml: No such file"),
        ([*_TO, "--attach", "none.png"], "--attach none.png: No such file"),
        ([*_TO, "--subject", "s", "-"], "FILE.eml is sent as it is"),
    ],
)
def test_what_cannot_be_sent_is_said_before_anybody_is_called(
    arguments: list[str], complaint: str, send: Send, capsys: pytest.CaptureFixture[str]
) -> None:
    assert send("127.0.0.1:1", *arguments) == 2
    assert complaint in capsys.readouterr().err


def test_a_server_that_is_no_address(send: Send, capsys: pytest.CaptureFixture[str]) -> None:
    assert send("localhost", *_TO) == 2
    assert "--server localhost: not HOST:PORT" in capsys.readouterr().err
