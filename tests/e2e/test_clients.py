"""Real clients deliver in the plain way, and their mail is read back, on both backends."""

import asyncio
import smtplib
import uuid
from pathlib import Path

import aiosmtplib
import pytest

from support.clients import arrived, mail, need, run
from support.stack import Stack


def test_smtplib(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    with smtplib.SMTP(stack.smtp_host, stack.smtp_port, timeout=30) as client:
        client.send_message(mail(mark))
        assert client.verify("root")[0] == 252
    arrived(stack, mark)


def test_aiosmtplib(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    asyncio.run(aiosmtplib.send(mail(mark), hostname=stack.smtp_host, port=stack.smtp_port, start_tls=False))
    arrived(stack, mark)


def test_curl(stack: Stack, tmp_path: Path) -> None:
    curl, mark = need("curl"), uuid.uuid4().hex
    file = tmp_path / "mail.eml"
    file.write_bytes(mail(mark).as_bytes().replace(b"\n", b"\r\n"))
    url = f"smtp://{stack.smtp_host}:{stack.smtp_port}/client.example.com"
    run(curl, "-sS", url, "--mail-from", "sender@example.com", "--mail-rcpt", "reader@example.org", "-T", str(file))
    arrived(stack, mark)


@pytest.mark.parametrize("options", [(), ("--pipeline",), ("--protocol", "SMTP")], ids=["plain", "pipelined", "helo"])
def test_swaks(stack: Stack, options: tuple[str, ...]) -> None:
    swaks, mark = need("swaks"), uuid.uuid4().hex
    addresses = ("--from", "sender@example.com", "--to", "reader@example.org")
    texts = ("--header", f"Subject: via {mark}", "--body", f"body of {mark}")
    output = run(swaks, "--server", f"{stack.smtp_host}:{stack.smtp_port}", *addresses, *texts, *options)
    assert "250 2.0.0" in output
    arrived(stack, mark)


def test_msmtp(stack: Stack, tmp_path: Path) -> None:
    msmtp, mark = need("msmtp"), uuid.uuid4().hex
    server = (f"--host={stack.smtp_host}", f"--port={stack.smtp_port}", "--tls=off", "--auth=off")
    config = tmp_path / "msmtprc"
    config.write_text("")
    config.chmod(0o600)
    sender = ("--from=sender@example.com", f"--file={config}")
    run(msmtp, *sender, *server, "--", "reader@example.org", stdin=mail(mark).as_bytes())
    arrived(stack, mark)
