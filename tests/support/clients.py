"""Mail clients that are programs of their own: found, run, and what they sent looked at on our side.

A client that is not installed skips with its name; with MAILSCRIBE_REQUIRE_CLIENTS=1 (CI) that is a failure.
"""

import os
import shutil
import socket
import subprocess
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from support.stack import Stack

SENDER, READER = "sender@example.com", "reader@example.org"
NODE_MODULES = Path(__file__).parents[2] / ".tools" / "node" / "node_modules"
"""Where .ci/run puts packages of npm."""


def need(program: str) -> str:
    """The program's path, or a test that skips or fails."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/lib/postfix/sbin")
    if path is None:
        missing(program)
    assert path is not None
    return path


def need_node_package(name: str) -> tuple[str, Path]:
    """node, and where its packages are."""
    if not (NODE_MODULES / name).is_dir():
        missing(f"npm package {name}")
    return need("node"), NODE_MODULES


def missing(what: str) -> None:
    if os.environ.get("MAILSCRIBE_REQUIRE_CLIENTS") == "1":
        pytest.fail(f"{what} is not installed, and every client is required here")
    pytest.skip(f"{what} is not installed")


def run(*command: str, stdin: bytes = b"", code: int = 0, env: dict[str, str] | None = None) -> str:
    """What it printed; its exit code is as expected."""
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False, env=env)
    output = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == code, output
    return output


def mail(mark: str) -> EmailMessage:
    """A message with dots where they hurt."""
    message = EmailMessage()
    message["From"] = f"Sender <{SENDER}>"
    message["To"] = READER
    message["Subject"] = f"via {mark}"
    message["Date"] = "Tue, 21 May 1998 11:37:24 -0700"
    message["Message-ID"] = f"<{mark}@example.com>"
    message.set_content(f"body of {mark}\n.\n..\nend\n")
    return message


def arrived(stack: Stack, mark: str, reader: str = READER) -> dict[str, Any]:
    """The record of the message, once it is there, checked against its session."""
    (record,) = stack.wait_message(f"subject:{mark}")
    assert reader in [each["email"] for each in record["envelope"]["rcptTo"]]
    assert f"body of {mark}" in stack.get(f"/v1/messages/{record['id']}/text").body.decode()
    session = stack.get(f"/v1/sessions/{record['session']['id']}").json
    assert session["turns"][0]["reply"]["code"] == 220
    return dict(record)


def verbs(stack: Stack, record: dict[str, Any]) -> list[str]:
    """The verbs of the session that brought it, in order."""
    session = stack.wait_session(f"session:{record['session']['id']}")
    turns = stack.get(f"/v1/sessions/{session['id']}").json["turns"]
    return [turn["verb"] for turn in turns if turn["verb"]]


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
