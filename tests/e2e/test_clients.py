"""Real clients deliver, and their mail is read back. A client that is not installed skips with its name;
with MAILSCRIBE_REQUIRE_CLIENTS=1 (CI) that is a failure.
"""

import asyncio
import os
import shutil
import smtplib
import subprocess
import uuid
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from support.stack import Stack


def _need(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        if os.environ.get("MAILSCRIBE_REQUIRE_CLIENTS") == "1":
            pytest.fail(f"{program} is not installed, and every client is required here")
        pytest.skip(f"{program} is not installed")
    return path


def _run(*command: str, stdin: bytes = b"") -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)
    output = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 0, output
    return output


def _message(mark: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Sender <sender@example.com>"
    message["To"] = "reader@example.org"
    message["Subject"] = f"via {mark}"
    message["Message-ID"] = f"<{mark}@example.com>"
    message.set_content(f"body of {mark}\n.\n..\nend\n")
    return message


def _check(stack: Stack, mark: str) -> None:
    (record,) = stack.wait_message(f"subject:{mark}")
    assert record["envelope"]["rcptTo"][0]["email"] == "reader@example.org"
    assert f"body of {mark}" in stack.get(f"/v1/messages/{record['id']}/text").body.decode()
    session = stack.get(f"/v1/sessions/{record['session']['id']}").json
    assert session["turns"][0]["reply"]["code"] == 220


def test_smtplib(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    with smtplib.SMTP(stack.smtp_host, stack.smtp_port, timeout=30) as client:
        client.send_message(_message(mark))
        assert client.verify("root")[0] == 252
    _check(stack, mark)


def test_aiosmtplib(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    asyncio.run(aiosmtplib.send(_message(mark), hostname=stack.smtp_host, port=stack.smtp_port, start_tls=False))
    _check(stack, mark)


def test_curl(stack: Stack, tmp_path: Path) -> None:
    curl, mark = _need("curl"), uuid.uuid4().hex
    mail = tmp_path / "mail.eml"
    mail.write_bytes(_message(mark).as_bytes().replace(b"\n", b"\r\n"))
    url = f"smtp://{stack.smtp_host}:{stack.smtp_port}/client.example.com"
    _run(curl, "-sS", url, "--mail-from", "sender@example.com", "--mail-rcpt", "reader@example.org", "-T", str(mail))
    _check(stack, mark)


@pytest.mark.parametrize("options", [(), ("--pipeline",), ("--protocol", "SMTP")], ids=["plain", "pipelined", "helo"])
def test_swaks(stack: Stack, options: tuple[str, ...]) -> None:
    swaks, mark = _need("swaks"), uuid.uuid4().hex
    addresses = ("--from", "sender@example.com", "--to", "reader@example.org")
    texts = ("--header", f"Subject: via {mark}", "--body", f"body of {mark}")
    output = _run(swaks, "--server", f"{stack.smtp_host}:{stack.smtp_port}", *addresses, *texts, *options)
    assert "250 2.0.0" in output
    _check(stack, mark)


def test_msmtp(stack: Stack, tmp_path: Path) -> None:
    msmtp, mark = _need("msmtp"), uuid.uuid4().hex
    server = (f"--host={stack.smtp_host}", f"--port={stack.smtp_port}", "--tls=off", "--auth=off")
    config = tmp_path / "msmtprc"
    config.write_text("")
    config.chmod(0o600)
    sender = ("--from=sender@example.com", f"--file={config}")
    _run(msmtp, *sender, *server, "--", "reader@example.org", stdin=_message(mark).as_bytes())
    _check(stack, mark)
