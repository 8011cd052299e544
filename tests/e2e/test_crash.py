"""kill -9: what got 250 is readable after the restart, once, byte for byte; nothing else is there in part."""

import contextlib
import os
import random
import signal
import threading
import uuid
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.stack import Stack, eventually, running_stack
from support.wire import Wire


@dataclass(slots=True)
class _Sent:
    """What a sender was told: ids that got 250 with their content, and marks that were begun."""

    accepted: dict[str, bytes] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)


def _content(mark: str, size: int) -> bytes:
    line = f"{mark} ".encode() * 8 + b"\r\n"
    return f"Subject: {mark}\r\nMessage-ID: <{mark}@crash.example>\r\n\r\n".encode() + line * (size // len(line) + 1)


def _send_until_cut(stack: Stack, sent: _Sent, seed: int) -> None:
    sizes = random.Random(seed)
    with contextlib.suppress(OSError, AssertionError, IndexError, ValueError):
        while True:
            with Wire(stack.smtp_host, stack.smtp_port) as wire:
                wire.reply()
                wire.say(b"EHLO crash.example")
                for _ in range(3):
                    mark = uuid.uuid4().hex
                    content = _content(mark, sizes.choice((100, 3_000, 200_000)))
                    sent.begun.add(mark)
                    sent.accepted[wire.deliver(content)] = content


def _run_and_kill(data: Path, after: int, victim: str) -> _Sent:
    """Send from three sessions; kill `victim` when `after` messages were accepted in all."""
    sent = [_Sent() for _ in range(3)]
    with running_stack(data) as stack:
        senders = [
            threading.Thread(target=_send_until_cut, args=(stack, one, seed), daemon=True)
            for seed, one in enumerate(sent)
        ]
        for sender in senders:
            sender.start()
        eventually(lambda: sum(len(one.accepted) for one in sent) >= after)
        if victim != "all":
            os.kill(stack.children()[victim], signal.SIGKILL)
            eventually(lambda: sum(len(one.accepted) for one in sent) >= after)
        stack.kill()
        for sender in senders:
            sender.join(30)
    merged = _Sent()
    for one in sent:
        merged.accepted |= one.accepted
        merged.begun |= one.begun
    return merged


@pytest.mark.parametrize(("after", "victim"), [(1, "all"), (7, "all"), (25, "all"), (10, "smtp"), (10, "core")])
def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path, after: int, victim: str) -> None:
    sent = _run_and_kill(tmp_path / "data", after, victim)
    with running_stack(tmp_path / "data") as stack:
        for ulid, content in sent.accepted.items():
            eventually(partial(_answer, stack, f"/v1/messages/{ulid}"))
            assert stack.get(f"/v1/messages/{ulid}/raw").body == content
        listed = _all_messages(stack)
        assert len(listed) == len({message["id"] for message in listed})
        assert set(sent.accepted) <= {message["id"] for message in listed}
        for message in listed:
            assert message["subject"] in sent.begun
        eventually(lambda: _closed_sessions(stack))
        assert stack.stop() == 0


def _all_messages(stack: Stack) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    cursor = ""
    while True:
        page = stack.get(f"/v1/messages?limit=100&cursor={cursor}" if cursor else "/v1/messages?limit=100").json
        found += page["messages"]
        cursor = page["next"]
        if not cursor:
            return found


def _closed_sessions(stack: Stack) -> list[dict[str, str]] | None:
    sessions: list[dict[str, str]] = stack.get("/v1/sessions?limit=100").json["sessions"]
    return sessions if all(session["state"] == "closed" for session in sessions) else None


def test_a_session_that_a_kill_cut_off_is_closed_as_lost_with_all_that_was_said(tmp_path: Path) -> None:
    with running_stack(tmp_path / "data") as stack, Wire(stack.smtp_host, stack.smtp_port) as wire:
        wire.reply()
        wire.say(b"EHLO lost.example")
        ulid = wire.deliver(b"Subject: kept\r\n\r\nbody\r\n")
        wire.say(b"VRFY somebody")
        stack.kill()
    with running_stack(tmp_path / "data") as stack:
        session = stack.wait_session("helo:lost.example end:lost")
        assert session["state"] == "closed"
        assert session["messages"] == [ulid]
        assert [turn["verb"] for turn in session["turns"]] == [None, "EHLO", "MAIL", "RCPT", "DATA", "EOD", "VRFY"]
        assert stack.get(f"/v1/messages/{ulid}/raw").body == b"Subject: kept\r\n\r\nbody\r\n"
        assert stack.stop() == 0


def test_a_message_whose_parsing_kills_the_worker_is_recorded_at_the_third_receive(tmp_path: Path) -> None:
    """The parse is made deadly by a hook that only this test's environment names."""
    with running_stack(tmp_path / "data", env={"PYTHONPATH": str(_deadly_parser(tmp_path))}) as stack:
        with Wire(stack.smtp_host, stack.smtp_port) as wire:
            wire.reply()
            wire.say(b"EHLO crash.example")
            deadly = wire.deliver(b"Subject: deadly\r\nX-Kill: worker\r\n\r\nbang\r\n")
            harmless = wire.deliver(b"Subject: harmless\r\n\r\nok\r\n")
            wire.say(b"QUIT")
        record = eventually(lambda: _answer(stack, f"/v1/messages/{deadly}"), 60)
        assert [defect["code"] for defect in record["defects"]] == ["parse-abandoned"]
        assert record["envelope"]["mailFrom"]["email"] == "a@example.com"
        assert stack.get(f"/v1/messages/{deadly}/raw").body.startswith(b"Subject: deadly")
        assert eventually(lambda: _answer(stack, f"/v1/messages/{harmless}"))["subject"] == "harmless"
        assert stack.stop() == 0


def _answer(stack: Stack, path: str) -> dict[str, Any] | None:
    try:
        answer = stack.get(path)
    except Exception:  # noqa: BLE001 - the core process is being started again
        return None
    document: dict[str, Any] = answer.json
    return document if answer.status == 200 else None


def _deadly_parser(folder: Path) -> Path:
    """A `sitecustomize` that makes `mailscribe.message.parse` kill its process on one message."""
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "if 'mailscribe_local.stack.core_process' in ' '.join(sys.orig_argv):\n"
        "    import mailscribe.message as message\n"
        "    kind = message.parse\n"
        "    def parse(data, *rest, **options):\n"
        "        if b'X-Kill: worker' in bytes(data[:4096]):\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return kind(data, *rest, **options)\n"
        "    message.parse = parse\n"
    )
    return site
