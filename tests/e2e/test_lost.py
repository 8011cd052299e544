"""kill -9 of the front end in a session, with S3 behind it: what it accepted is there, the session closed as lost."""

import os
import signal
from pathlib import Path
from typing import Any

from support.stack import Stack, eventually, running_stack
from support.wire import Wire

SOON = {"MAILSCRIBE_SESSION_TIMEOUT": "10", "MAILSCRIBE_LOST_AFTER": "0"}


def _session(stack: Stack, helo: str) -> Any:
    sessions = stack.get("/v1/sessions").json["sessions"]
    return next((session for session in sessions if session["helo"] == helo), None)


def test_a_session_whose_front_end_was_killed_is_closed_as_lost(tmp_path: Path) -> None:
    with running_stack(tmp_path / "data", "--backend", "moto", env=SOON) as stack:
        with Wire(stack.smtp_host, stack.smtp_port) as wire:
            wire.reply()
            wire.say(b"EHLO lost.example")
            ulid = wire.deliver(b"Subject: kept\r\n\r\nbody\r\n")
            os.kill(stack.children()["smtp"], signal.SIGKILL)
        assert eventually(lambda: _session(stack, "lost.example"))["messages"] == [ulid]
        closed = eventually(lambda: stack.get("/v1/sessions?q=helo:lost.example+end:lost").json["sessions"], 60)
        assert [session["state"] for session in closed] == ["closed"]
        session = stack.get(f"/v1/sessions/{closed[0]['id']}").json
        assert (session["messages"], session["outcome"]) == ([ulid], ["delivered"])
        assert [turn["verb"] for turn in session["turns"]] == [None, "EHLO", "MAIL", "RCPT", "DATA"]
        text = stack.get(f"/v1/sessions/{session['id']}/transcript", accept="text/plain").body.decode()
        assert text.endswith("--- closed: the server stopped\n")
        assert stack.get(f"/v1/messages/{ulid}/raw").body == b"Subject: kept\r\n\r\nbody\r\n"
        assert stack.stop() == 0
