"""Rules put over the API are in force for the next connection; refused content can be read back."""

import json
import uuid
from typing import Any

import urllib3

from support.stack import Stack
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
