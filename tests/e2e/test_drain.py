"""SIGTERM to the whole system: the idle are told, a message in flight is finished, every transcript is there after."""

import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.stack import Stack, eventually, running_stack
from support.wire import Wire

CONTENT = b"Subject: in flight\r\n\r\n" + b"0123456789\r\n" * 20_000
HALF = len(CONTENT) // 2
LIMIT = 3


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def greeted(stack: Stack, name: str) -> Wire:
    """A client of that name, told from others by it."""
    wire = Wire(stack.smtp_host, stack.smtp_port)
    assert wire.reply()[0].startswith(b"220 ")
    assert wire.code(f"EHLO {name}".encode()) == 250
    return wire


def begin(wire: Wire) -> None:
    """Up to the middle of the content."""
    assert wire.code(b"MAIL FROM:<a@example.com>") == 250
    assert wire.code(b"RCPT TO:<b@example.org>") == 250
    assert wire.code(b"DATA") == 354
    wire.send(CONTENT[:HALF])


def session(stack: Stack, name: str) -> dict[str, Any]:
    """What is told of the session of that client."""
    found: dict[str, Any] = stack.wait_session(f"helo:{name}")
    return found


def test_a_message_in_flight_is_finished_and_everything_is_told_after_the_next_start(data: Path) -> None:
    with running_stack(data) as stack:
        idle, busy = greeted(stack, "idle.example"), greeted(stack, "busy.example")
        with idle, busy:
            begin(busy)
            stack.process.terminate()
            assert idle.line().startswith(b"421 4.3.2 ")
            assert idle.closed()
            busy.send(CONTENT[HALF:] + b".\r\n")
            accepted = busy.line()
            assert accepted.startswith(b"250 2.0.0 ")
            assert busy.line().startswith(b"421 4.3.2 ")
            assert busy.closed()
        assert stack.process.wait(30) == 0
    assert not list((data / "open").iterdir())
    with running_stack(data) as stack:
        ulid = accepted.split()[2].decode()
        eventually(partial(_is_there, stack, ulid))
        assert stack.get(f"/v1/messages/{ulid}/raw").body == CONTENT
        told = {name: session(stack, f"{name}.example") for name in ("idle", "busy")}
        assert [(each["state"], each["end"]) for each in told.values()] == [("closed", "shutdown")] * 2
        assert told["busy"]["messages"] == [ulid]
        assert stack.stop() == 0


def test_a_client_that_does_not_finish_is_ended_in_time_and_its_message_is_absent(data: Path) -> None:
    env = {"MAILSCRIBE_DRAIN_TIMEOUT": str(LIMIT)}
    with running_stack(data, env=env) as stack, greeted(stack, "stuck.example") as stuck:
        begin(stuck)
        begun = time.monotonic()
        assert stack.stop() == 0
        assert LIMIT <= time.monotonic() - begun < LIMIT + 12
    assert not list((data / "open").iterdir())
    assert not list((data / "objects" / "messages").rglob("*.eml"))
    with running_stack(data) as stack:
        told = session(stack, "stuck.example")
        assert (told["state"], told["messages"]) == ("closed", [])
        assert told["turns"][-1]["content"]["accepted"] is False
        assert stack.stop() == 0


def _is_there(stack: Stack, ulid: str) -> bool:
    return stack.get(f"/v1/messages/{ulid}").status == 200
