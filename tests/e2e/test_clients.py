"""Real clients deliver in the plain way, on both backends: what they print and what we have agree, to the byte."""

import asyncio
import smtplib
import uuid
from pathlib import Path

import aiosmtplib
import pytest

from support.clients import (
    ADDRESSES,
    READER,
    SENDER,
    accepted,
    arrived,
    conversation,
    mail,
    need,
    need_swaks,
    nodemailer,
    run,
    verbs,
    wire_form,
)
from support.stack import Stack

IN_CLEAR = ["EHLO", "MAIL", "RCPT", "DATA", "EOD", "QUIT"]
"""What every client says that wants nothing special."""


def test_smtplib(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    with smtplib.SMTP(stack.smtp_host, stack.smtp_port, timeout=30) as client:
        assert client.send_message(mail(mark)) == {}
        assert client.verify("root")[0] == 252
    record = arrived(stack, mark, content=wire_form(mark))
    assert verbs(conversation(stack, record)) == [*IN_CLEAR[:-1], "VRFY", "QUIT"]
    assert (record["tls"], record["auth"]) == (None, None)


def test_aiosmtplib(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    sent = asyncio.run(aiosmtplib.send(mail(mark), hostname=stack.smtp_host, port=stack.smtp_port, start_tls=False))
    record = arrived(stack, mark, content=wire_form(mark))
    assert sent == ({}, accepted(record))
    assert verbs(conversation(stack, record)) == IN_CLEAR


def test_curl(stack: Stack, tmp_path: Path) -> None:
    curl, mark = need("curl"), uuid.uuid4().hex
    file = tmp_path / "mail.eml"
    file.write_bytes(wire_form(mark))
    url = f"smtp://{stack.smtp_host}:{stack.smtp_port}/client.example.com"
    output = run(curl, "-sSv", url, "--mail-from", SENDER, "--mail-rcpt", READER, "-T", str(file))
    record = arrived(stack, mark, content=wire_form(mark))
    assert f"< 250 {accepted(record)}" in output
    assert record["helo"] == "client.example.com"
    assert record["envelope"]["mailFrom"]["parameters"] == {"SIZE": str(len(wire_form(mark)))}
    assert verbs(conversation(stack, record)) == IN_CLEAR


@pytest.mark.parametrize("options", [(), ("--pipeline",), ("--protocol", "SMTP")], ids=["plain", "pipelined", "helo"])
def test_swaks(stack: Stack, tmp_path: Path, options: tuple[str, ...]) -> None:
    swaks, mark = need_swaks(), uuid.uuid4().hex
    file = tmp_path / "mail.eml"
    file.write_bytes(wire_form(mark))
    output = run(swaks, "--server", f"{stack.smtp_host}:{stack.smtp_port}", *ADDRESSES, "--data", f"@{file}", *options)
    record = arrived(stack, mark, content=wire_form(mark) + b"\r\n")  # it ends with a blank line of its own
    assert f"<-  250 {accepted(record)}" in output
    assert verbs(conversation(stack, record)) == ["HELO" if "SMTP" in options else "EHLO", *IN_CLEAR[1:]]
    said = [line[:3] for line in output.partition("MAIL FROM")[2].splitlines()[1:6]]
    assert (said == [" ->", " ->", "<- ", "<- ", "<- "]) == ("--pipeline" in options)


def test_msmtp(stack: Stack, tmp_path: Path) -> None:
    msmtp, mark = need("msmtp"), uuid.uuid4().hex
    server = (f"--host={stack.smtp_host}", f"--port={stack.smtp_port}", "--tls=off", "--auth=off")
    config = tmp_path / "msmtprc"
    config.write_text("")
    config.chmod(0o600)
    output = run(msmtp, "-d", f"--from={SENDER}", f"--file={config}", *server, "--", READER, stdin=wire_form(mark))
    record = arrived(stack, mark, content=wire_form(mark))
    assert f"<-- 250 {accepted(record)}" in output
    assert verbs(conversation(stack, record)) == IN_CLEAR


def test_nodemailer(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    raw = {"envelope": {"from": SENDER, "to": [READER, "another@example.org"]}, "raw": wire_form(mark).decode()}
    output = nodemailer(stack.smtp_port, {"ignoreTLS": True}, raw)
    record = arrived(stack, mark, content=wire_form(mark))
    assert output == [f"250 {accepted(record)}"]
    assert [each["email"] for each in record["envelope"]["rcptTo"]] == [READER, "another@example.org"]
    session = conversation(stack, record)
    assert verbs(session) == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA", "EOD"]
    assert (session["outcome"], session["end"]) == (["delivered"], "aborted")  # it hangs up without QUIT
