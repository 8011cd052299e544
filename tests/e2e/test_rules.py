"""Rules put over the API are in force for the next connection; refused content can be read back."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import urllib3

from support.stack import Stack, eventually, running_stack
from support.wire import Wire


def call(stack: Stack, method: str, path: str, body: object = None) -> int:
    answer = urllib3.request(
        method,
        f"{stack.url}{path}",
        body=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {stack.token}"},
        retries=False,
    )
    return answer.status


def session_of(stack: Stack, mark: str) -> Any:
    session = stack.wait_session(f"helo:{mark}.example.com end:quit")
    return stack.get(f"/v1/sessions/{session['id']}").json


def talk(stack: Stack, mark: str, recipient: str) -> tuple[int, bytes]:
    with Wire(stack.smtp_host, stack.smtp_port) as wire:
        wire.reply()
        wire.say(f"EHLO {mark}.example.com".encode())
        wire.say(b"MAIL FROM:<a@example.com>")
        code = wire.code(f"RCPT TO:<{recipient}>".encode())
        last = b""
        if code == 250:
            wire.say(b"DATA")
            [last] = wire.say(b"Subject: x\r\n\r\nrefused words\r\n.")
        wire.say(b"QUIT")
    return code, last


def test_a_rule_of_the_api_is_in_force_at_once_and_gone_at_once(embedded: Stack) -> None:
    name = uuid.uuid4().hex
    recipient = f"{name}@example.org"
    rule = {"at": "rcpt", "recipient": recipient, "reject": {"code": 550, "enhanced": "5.2.1", "text": "Mailbox off"}}
    assert talk(embedded, f"a{name}", recipient)[0] == 250
    assert call(embedded, "PUT", f"/v1/rules/{name}", {"rules": [rule], "ttl": 60}) == 200
    assert talk(embedded, f"b{name}", recipient)[0] == 550
    told = session_of(embedded, f"b{name}")
    [turn] = [turn for turn in told["turns"] if turn["verb"] == "RCPT"]
    assert turn["rule"] == f"{name}#0 reject"
    assert turn["reply"]["lines"] == ["Mailbox off"]
    assert call(embedded, "DELETE", f"/v1/rules/{name}") == 204
    assert talk(embedded, f"c{name}", recipient)[0] == 250


def test_refused_content_is_linked_and_can_be_read(embedded: Stack) -> None:
    name = uuid.uuid4().hex
    recipient = f"{name}@example.org"
    rule = {"at": "eod", "recipient": recipient, "reject": {"text": "Not that"}}
    assert call(embedded, "PUT", f"/v1/rules/{name}", {"rules": [rule], "ttl": 60}) == 200
    assert talk(embedded, name, recipient)[1].startswith(b"550 5.7.1 Not that")
    told = session_of(embedded, name)
    [turn] = [turn for turn in told["turns"] if turn["verb"] == "EOD"]
    assert not turn["content"]["accepted"]
    path = f"/v1/sessions/{told['id']}/refused/{turn['content']['refused']}"
    answer = embedded.get(path)
    assert (answer.status, answer.body) == (200, b"Subject: x\r\n\r\nrefused words\r\n")
    assert answer.headers["content-type"] == "message/rfc822"
    assert embedded.get(f"/v1/sessions/{told['id']}/refused/{told['id']}").status == 404
    assert embedded.get(f"/v1/messages/{turn['content']['refused']}").status == 404
    call(embedded, "DELETE", f"/v1/rules/{name}")


def test_refused_content_of_another_week_goes_and_nothing_else(tmp_path: Path) -> None:
    objects = tmp_path / "data" / "objects"
    new = f"refused/{datetime.now(UTC):%Y/%m/%d}/new.eml"
    over, kept = objects / "refused/2020/01/01/old.eml", [objects / new, objects / "messages/2020/01/01/old.eml"]
    for path in (over, *kept):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    with running_stack(tmp_path / "data", env={"MAILSCRIBE_REFUSED_DAYS": "0"}):
        assert over.exists()
    with running_stack(tmp_path / "data"):
        eventually(lambda: not over.exists() or None)
        assert all(path.exists() for path in kept)
