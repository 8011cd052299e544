"""A session as it was recorded by a running system, replayed against that system: the same codes, the same message."""

import smtplib
import ssl
import uuid
from pathlib import Path

from support.stack import Stack, mailscribe, running_stack
from support.wire import Wire


def test_a_session_again(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    text = f"Date: now\r\nMessage-ID: <{mark}@c.test>\r\nSubject: {mark}\r\n\r\n..\r\n.\r\n\xe4\n".encode("latin-1")
    with Wire(stack.smtp_host, stack.smtp_port) as wire:
        wire.reply()
        wire.say(b"EHLO replay.c.test")
        wire.send(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<>\r\nRCPT TO:<c@test.org>\r\nDATA\r\n")
        assert [wire.reply()[-1][:3] for _ in range(4)] == [b"250", b"501", b"250", b"354"]
        wire.send(text.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\nQUIT\r\n")
        assert [wire.reply()[-1][:3] for _ in range(2)] == [b"250", b"221"]
    (first,) = stack.wait_message(f"subject:{mark}")
    session = stack.wait_session(f"session:{first['session']['id']} end:quit")["id"]
    server = f"{stack.smtp_host}:{stack.smtp_port}"
    done = mailscribe("replay", session, "--to", server, env=stack.env())
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert " ! " not in done.stdout
    _, again = sorted(stack.wait_message(f"subject:{mark}", count=2), key=lambda record: str(record["id"]))
    assert again["id"] != first["id"]
    assert again["sha256"] == first["sha256"]
    assert again["envelope"] == first["envelope"]


def test_refused_content_again(embedded: Stack) -> None:
    loop = b"Received: x\r\n" * 101 + b"\r\n\xff.\r\n"
    with Wire(embedded.smtp_host, embedded.smtp_port) as wire:
        wire.reply()
        for line in (b"HELO refused.c.test", b"MAIL FROM:<a@b.test>", b"RCPT TO:<c@test.org>", b"DATA"):
            wire.say(line)
        wire.send(loop + b".\r\n")
        assert wire.reply()[-1].startswith(b"554 5.4.6")
        wire.say(b"QUIT")
    session = embedded.wait_session("helo:refused.c.test end:quit")["id"]
    server = f"{embedded.smtp_host}:{embedded.smtp_port}"
    done = mailscribe("replay", session, "--to", server, env=embedded.env())
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "is not kept" not in done.stdout


def test_tls_and_auth_again(tmp_path: Path) -> None:
    mark, context = uuid.uuid4().hex, ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with running_stack(tmp_path / "data", "--tls", "self-signed") as stack:
        with smtplib.SMTP(stack.smtp_host, stack.smtp_port, local_hostname="c.test", timeout=30) as client:
            client.starttls(context=context)
            client.login("mable", "open-sesame")
            client.sendmail("a@b.test", ["c@test.org"], f"Subject: {mark}\r\n\r\nhello\r\n")
        (first,) = stack.wait_message(f"subject:{mark}")
        session = stack.wait_session(f"session:{first['session']['id']} end:quit")["id"]
        again = ("replay", session, "--to", f"{stack.smtp_host}:{stack.smtp_port}", "--user", "bob")
        done = mailscribe(*again, env=stack.env() | {"MAILSCRIBE_SMTP_PASSWORD": "hunter2"})
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        assert done.stdout.count("--- TLSv1.3 ") == 2
        assert "hunter2" not in done.stdout
        records = stack.wait_message(f"subject:{mark}", count=2)
        assert sorted(record["auth"]["user"] for record in records) == ["bob", "mable"]
        assert [record["tls"]["version"] for record in records] == ["TLSv1.3"] * 2
