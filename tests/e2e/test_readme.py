"""The README's commands do what it says: each is run, or named here with the reason why not."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from support.stack import Stack, running_stack

_ROOT = Path(__file__).parents[2]
_README = (_ROOT / "README.md").read_text(encoding="utf-8")
_NOT_RUN = {
    "make up": "every other test of this folder runs what it runs; it takes the default ports",
    "make test": "this is it",
    ".venv/bin/mailscribe watch": "it does not end by itself; tests/e2e/test_watch.py",
    "curl -sNH": "it does not end by itself; tests/e2e/test_watch.py",
    "make build": "a step of .ci/run",
    "sam deploy": "needs an account",
    ".venv/bin/mailscribe token create --stack": "needs an account; tests/unit/local/test_cli_token.py",
}
_COMMANDS = [
    line.split("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", _README, re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("readme") / "data") as running:
        yield running


def _here(command: str, stack: Stack) -> str:
    """The command with this stack's addresses instead of the default ones."""
    command = command.replace("http://127.0.0.1:8025", stack.url).replace("127.0.0.1:1025", _smtp(stack))
    return command.replace("mailscribe send", f"mailscribe send --server {_smtp(stack)}")


def _smtp(stack: Stack) -> str:
    return f"{stack.smtp_host}:{stack.smtp_port}"


def _run(command: str, stack: Stack) -> str:
    path = f"{Path(sys.executable).parent}"
    command = _here(command, stack).replace(".venv/bin/mailscribe", f"{path}/mailscribe")
    done = subprocess.run(
        ["bash", "-c", command], cwd=_ROOT, env=stack.env(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def _ids(stack: Stack) -> tuple[str, str]:
    (message, *_) = stack.wait_message("subject:order")
    return message["id"], message["session"]["id"]


def test_every_command_of_the_readme_in_its_order(own: Stack) -> None:
    ran = 0
    for line in _COMMANDS:
        if any(line.startswith(prefix) for prefix in _NOT_RUN) or (line.startswith("swaks") and not which("swaks")):
            continue
        command = line
        if " ID" in line:
            message, session = _ids(own)
            command = line.replace(" ID", f" {session if 'session ID' in line or 'replay ID' in line else message}")
        output = _run(command, own)
        ran += 1
        if "mailscribe send" in command:
            assert "250 2.0.0 " in output
            _ids(own)
        if command.startswith("curl"):
            json.loads(output)
    assert ran >= 10


def test_what_is_not_run_is_in_the_readme() -> None:
    for prefix in _NOT_RUN:
        assert any(command.startswith(prefix) for command in _COMMANDS), prefix


def test_the_answer_that_is_shown_has_the_shape_of_a_real_one(own: Stack) -> None:
    send = next(command for command in _COMMANDS if "mailscribe send" in command)
    _run(send, own)
    _ids(own)
    shown = json.loads(re.findall(r"```json\n(.*?)```", _README, re.DOTALL)[0])
    query = next(command for command in _COMMANDS if "limit=1" in command)
    real = json.loads(_run(query, own))
    assert _shape(shown) == _shape(real | {"next": None})


def _shape(value: Any) -> Any:
    match value:
        case dict():
            return {name: _shape(part) for name, part in value.items()}
        case list():
            return [_shape(part) for part in value[:1]]
        case _:
            return type(value).__name__
