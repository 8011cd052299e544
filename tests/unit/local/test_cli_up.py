"""What `up` prints: one line for scripts, and lines that a shell takes as they are."""

import shlex
import sys
from pathlib import Path
from typing import Literal

import pytest

from mailscribe_local.cli import main
from mailscribe_local.cli.up import hints, ready_line
from mailscribe_local.stack import supervisor
from mailscribe_local.stack.options import FIXED_TOKEN, Address, Options

_DEFAULT = (Address("127.0.0.1", 1025), Address("127.0.0.1", 8025))


def _options(token: str = FIXED_TOKEN, backend: Literal["embedded", "moto"] = "embedded") -> Options:
    smtp, http = _DEFAULT
    return Options(smtp=smtp, http=http, data=Path(".mailscribe"), backend=backend, token=token)


def test_the_ready_line() -> None:
    assert ready_line(Address("::1", 25), Address("127.0.0.1", 80), "t") == (
        "mailscribe ready smtp=[::1]:25 http=http://127.0.0.1:80 token=t"
    )


def test_hints_at_the_default_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [f"{Path(sys.executable).parent}/mailscribe"])
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert hints(*_DEFAULT, _options()) == [
        "try:",
        "  mailscribe send -v --server 127.0.0.1:1025 --to someone@example.org",
        "  swaks --server 127.0.0.1:1025 --from you@example.com --to someone@example.org",
        r"  printf 'Subject: hello\r\n\r\nHello, world.\r\n' | curl -sS smtp://127.0.0.1:1025"
        " --mail-from you@example.com --mail-rcpt someone@example.org -T -",
        "  mailscribe list",
        "  curl -sSH 'Authorization: Bearer local' http://127.0.0.1:8025/v1/messages",
        "  curl -sSH 'Authorization: Bearer local' http://127.0.0.1:8025/v1/sessions",
        "Ctrl-C ends it; the data stays in .mailscribe.",
    ]


def test_a_token_and_an_ipv6_address_survive_the_shell() -> None:
    token = "it's $HOME `x`"
    lines = hints(Address("::1", 25), Address("::1", 80), _options(token))
    words = [shlex.split(line) for line in lines]
    assert words[1][-4:-2] == ["--server", "[::1]:25"]
    assert "smtp://[::1]:25" in words[3]
    assert words[4][:2] == ["MAILSCRIBE_URL=http://[::1]:80", f"MAILSCRIBE_TOKEN={token}"]
    assert words[5] == ["curl", "-sSH", f"Authorization: Bearer {token}", "http://[::1]:80/v1/messages"]
    assert "'smtp://[::1]:25'" in lines[3]


def test_what_listens_everywhere_is_found_on_loopback() -> None:
    lines = hints(Address("0.0.0.0", 25), Address("::", 80), _options())  # noqa: S104 - not bound
    assert "--server 127.0.0.1:25 " in lines[1]
    assert lines[5].endswith("'http://[::1]:80/v1/messages'")


def test_nothing_is_promised_that_moto_does_not_keep() -> None:
    assert hints(*_DEFAULT, _options(backend="moto"))[-1] == "Ctrl-C ends it; nothing stays of this backend."


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("a folder/mailscribe", "'a folder/mailscribe'"),
        ("cli/__main__.py", f"{sys.executable} -m mailscribe_local.cli"),
    ],
)
def test_the_program_is_named_so_that_the_shell_finds_it(
    program: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / program)])
    monkeypatch.setenv("PATH", "")
    assert hints(*_DEFAULT, _options())[1].strip().startswith(f"{shown} send ")


def test_beyond_loopback_a_token_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[Options] = []

    def run(options: Options, *_: object) -> int:
        started.append(options)
        return 0

    monkeypatch.setattr(supervisor, "run", run)
    for http in ("192.0.2.1:80", "192.0.2.1:80", "[::1]:80"):
        assert main(["up", "--http", http, "--data", str(tmp_path)]) == 0
    first, second, local = (options.token for options in started)
    assert first.startswith("ms_")
    assert len(first) >= 43
    assert first != second
    assert local == "local"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--smtp", "1025"], "--smtp 1025: not HOST:PORT"),
        (["--http", "host"], "--http host: not HOST:PORT"),
        (["--http", "192.0.2.1:80", "--token", "local"], "can be reached from other machines"),
        (["--token", "a b"], "--token: letters, digits"),
        (["--backend", "aws"], "invalid choice"),
    ],
)
def test_what_cannot_be_used_is_said(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    try:
        code = main(["up", "--data", str(tmp_path / "data"), *arguments])
    except SystemExit as exit_:  # argparse's own way
        code = int(exit_.code or 0)
    assert code == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
