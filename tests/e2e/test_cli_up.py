"""`mailscribe up` from its first line to its last: ready once, hints that work, every way to end it."""

import os
import re
import select
import shutil
import signal
import smtplib
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from support.stack import Stack, eventually, mailscribe, running_stack
from support.terminal import on_terminal
from support.wire import Wire

_READY = re.compile(r"mailscribe ready smtp=127\.0\.0\.1:(\d+) http=(http://127\.0\.0\.1:\d+) token=local\n")

_WORDS = ("send -v", "swaks", "printf", "cli list", "curl")


def _up(data: Path, *arguments: str) -> tuple[str, ...]:
    return ("up", "--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", str(data), *arguments)


def _hints(stack: Stack) -> list[str]:
    """What is to be tried; said right after the ready line."""

    def said() -> str | None:
        log = stack.log.read_text()
        return log if "Ctrl-C ends it" in log else None

    lines = eventually(said).splitlines()
    return [line.strip() for line in lines[lines.index("try:") + 1 :] if line.startswith("  ")]


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0"])
def test_every_hint_can_be_copied(address: str, tmp_path: Path) -> None:
    options = ("--smtp", address, "--http", address, "--token", "a-token_of.mine~+/==")
    with running_stack(tmp_path / "a folder's data", *options) as stack:
        hints = _hints(stack)
        words = [next(word for word in _WORDS if f"{word} " in f"{hint} ") for hint in hints]
        assert words == ["send -v", "swaks", "printf", "cli list", "curl", "curl"]
        for hint in hints:
            if hint.startswith("swaks") and not shutil.which("swaks"):
                continue
            done = subprocess.run(["bash", "-c", hint], input="hello\n", capture_output=True, text=True, check=False)
            assert done.returncode == 0, (hint, done.stdout, done.stderr)
            assert "problem+json" not in done.stdout
        stack.wait_message("rcpt:someone@example.org", count=2 + bool(shutil.which("swaks")))


def test_the_ready_line_stands_alone_on_standard_output_and_sigterm_ends_with_0(tmp_path: Path) -> None:
    with running_stack(tmp_path / "data") as stack, Wire(stack.smtp_host, stack.smtp_port) as wire:
        wire.reply()
        assert stack.stop() == 0
        assert wire.reply()[-1].startswith(b"421 4.3.2 ")
        assert stack.process.stdout is not None
        assert stack.process.stdout.read() == ""
    log = stack.log.read_text()
    assert log.endswith(f"Ctrl-C ends it; the data stays in {tmp_path / 'data'}.\n")
    assert "Traceback" not in log


def test_the_address_where_tls_comes_first_is_said(tmp_path: Path) -> None:
    options = ("--tls", "self-signed", "--smtps", "127.0.0.1:0")
    with running_stack(tmp_path / "data", *options) as stack:
        said = re.compile(r"^smtp: open-tls on 127\.0\.0\.1:(\d+)$", re.MULTILINE)
        found = eventually(lambda: said.search(stack.log.read_text()))
        trusting = ssl.create_default_context(cafile=str(tmp_path / "data" / "tls" / "certificate.pem"))
        with smtplib.SMTP_SSL("127.0.0.1", int(found[1]), context=trusting, timeout=30) as client:
            client.login("mable", "whatever")
            client.sendmail("a@example.org", ["b@example.org"], b"Subject: x\r\n\r\nx\r\n")
        stack.wait_message("rcpt:b@example.org")


def test_ctrl_c_ends_with_0_and_the_data_is_there_the_next_time(tmp_path: Path) -> None:
    messages = []
    for _ in range(2):
        with on_terminal(*_up(tmp_path / "data")) as terminal:
            terminal.wait_for("Ctrl-C ends it")
            ready = _READY.search(terminal.shown)
            assert ready
            with Wire("127.0.0.1", int(ready[1])) as wire:
                wire.reply()
                wire.say(b"EHLO client.example.com")
                messages.append(wire.deliver(b"Subject: kept\r\n\r\nhi\r\n"))
                wire.say(b"QUIT")
            found = mailscribe(
                "wait", "subject:kept", "--count", str(len(messages)), env=os.environ | {"MAILSCRIBE_URL": ready[2]}
            )
            assert [line.split("\t")[0] for line in found.stdout.splitlines()] == messages
            terminal.type("\x03")
            assert terminal.end() == 0
        assert terminal.shown.endswith("^Cstopping: sessions in flight finish first\n")
        assert terminal.shown.count("mailscribe ready") == 1


@pytest.mark.parametrize("backend", ["embedded", "moto"])
def test_a_signal_before_it_is_ready_ends_with_0(backend: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mailscribe_local.cli", *_up(tmp_path / "data", "--backend", backend)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "data" / "lock").exists():
            assert process.poll() is None
            os.sched_yield()
        process.terminate()
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert output == "" or _READY.fullmatch(output)


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with running_stack(tmp_path / "data") as stack:
        ended = [os.pidfd_open(pid) for pid in stack.children().values()]
        assert len(ended) == 2
        stack.process.send_signal(signal.SIGKILL)
        for fd in ended:
            assert select.select([fd], [], [], 60)[0]
            os.close(fd)
        assert "Traceback" not in stack.log.read_text()
    with running_stack(tmp_path / "data") as again:
        assert again.get("/v1/health", token=None).json == {"status": "ok"}


def test_a_signal_of_the_terminal_reaches_the_supervisor_alone(tmp_path: Path) -> None:
    with running_stack(tmp_path / "data") as stack:
        groups = {os.getpgid(pid) for pid in (stack.process.pid, *stack.children().values())}
        assert len(groups) == 3
