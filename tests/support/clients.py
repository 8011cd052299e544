"""Mail clients that are programs of their own: found, run, and what they sent looked at on our side.

A client that is not installed skips with its name; with MAILSCRIBE_REQUIRE_CLIENTS=1 (CI) that is a failure. What
arrived is looked at from all sides: the record, the bytes, and the session that brought them must say the same.
"""

import hashlib
import json
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
ADDRESSES = ("--from", SENDER, "--to", READER)
"""Swaks' options for them."""
_NODE_MODULES = Path(__file__).parents[2] / ".tools" / "node" / "node_modules"
"""Where .ci/run puts packages of npm."""
_SEND = Path(__file__).with_name("node") / "send.js"


def need(program: str) -> str:
    """The program's path, or a test that skips or fails."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/lib/postfix/sbin")
    if path is None:
        missing(program)
    assert path is not None
    return path


def need_swaks(*modules: str) -> str:
    """Swaks, with the modules of Perl that it cannot do without for what is asked of it."""
    swaks, uses = need("swaks"), [f"-M{module}" for module in modules]
    if subprocess.run([need("perl"), *uses, "-e1"], capture_output=True, timeout=60, check=False).returncode:
        missing(f"a module of Perl among {', '.join(modules)}")
    return swaks


def missing(what: str) -> None:
    if os.environ.get("MAILSCRIBE_REQUIRE_CLIENTS") == "1":
        pytest.fail(f"{what} is not installed, and every client is required here")
    pytest.skip(f"{what} is not installed")


def run(*command: str, stdin: bytes = b"", code: int = 0, env: dict[str, str] | None = None) -> str:
    """What it printed; its exit code is as expected."""
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False, env=env)
    output = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == code, (done.returncode, output)
    return output


def nodemailer(
    port: int, options: dict[str, Any], *messages: dict[str, Any], authority: Path | None = None, code: int = 0
) -> list[str]:
    """Send messages through one transport; the lines that were printed. `authority`: whom node trusts besides."""
    node = need("node")
    if not (_NODE_MODULES / "nodemailer").is_dir():
        missing("npm package nodemailer")
    env = os.environ | ({"NODE_EXTRA_CA_CERTS": str(authority)} if authority else {})
    facts = json.dumps({"port": port, "options": options, "messages": messages})
    return run(node, str(_SEND), str(_NODE_MODULES), stdin=facts.encode(), code=code, env=env).splitlines()


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


def wire_form(mark: str) -> bytes:
    """That message as it goes over the wire, dots not yet doubled."""
    return mail(mark).as_bytes().replace(b"\n", b"\r\n")


def accepted(record: dict[str, Any]) -> str:
    """What a client was told when this message was taken."""
    return f"2.0.0 {record['id']} Message accepted for delivery"


def arrived(stack: Stack, mark: str, reader: str = READER, content: bytes | None = None) -> dict[str, Any]:
    """The record of the message, once it is there: it has this content, and its session says the same of it."""
    (record,) = stack.wait_message(f"subject:{mark}")
    assert reader in [each["email"] for each in record["envelope"]["rcptTo"]]
    received = stack.get(f"/v1/messages/{record['id']}/raw").body
    assert hashlib.sha256(received).hexdigest() == record["sha256"]
    assert received == content if content is not None else f"body of {mark}".encode() in received
    session = conversation(stack, record)
    assert {name: session[name] for name in _SHARED} == {name: record[name] for name in _SHARED}
    assert session["turns"][0]["reply"]["code"] == 220
    assert record["id"] in session["messages"]
    (end,) = [turn for turn in session["turns"] if turn.get("message") == record["id"]]
    assert end["reply"]["code"] == 250
    assert end["reply"]["lines"] == [accepted(record).removeprefix("2.0.0 ")]
    return dict(record)


_SHARED = ("client", "helo", "tls", "auth")
"""What a record says of the session by which it came."""


def conversation(stack: Stack, record: dict[str, Any]) -> dict[str, Any]:
    """The session that brought it, with its turns, once it has ended."""
    ended = stack.wait_session(f"session:{record['session']['id']} (end:quit OR end:aborted)")
    return dict(stack.get(f"/v1/sessions/{ended['id']}").json)


def verbs(session: dict[str, Any]) -> list[str]:
    """The verbs of a session in order."""
    return [turn["verb"] for turn in session["turns"] if turn["verb"]]


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
