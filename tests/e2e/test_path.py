"""One mail, all the way: SMTP in, the message and the exact conversation out over HTTP."""

import hashlib
import json
import uuid
from typing import Any
from urllib.parse import quote

from support.stack import Stack, eventually
from support.wire import Wire


def _mail(mark: str) -> bytes:
    return (
        b"From: =?utf-8?q?J=C3=BCrgen?= <juergen@example.com>\r\nTo: Ann <ann@example.org>\r\n"
        b"Subject: order " + mark.encode() + b"\r\nMessage-ID: <" + mark.encode() + b"@example.com>\r\n"
        b"Date: Mon, 23 Nov 2026 12:00:00 +0100\r\n\r\nHello,\r\n.hidden dot\r\n..two\r\n\xc3\xbc\r\n"
    )


def test_a_message_is_readable_with_its_envelope_and_exact_bytes(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    content = _mail(mark)
    with Wire(stack.smtp_host, stack.smtp_port) as wire:
        wire.reply()
        wire.say(b"EHLO client.example.com")
        ulid = wire.deliver(content, sender="bounce@example.com", to=("ann@example.org", "hidden@example.net"))
        wire.say(b"QUIT")
    (record,) = stack.wait_message(f"message-id:{mark}@example.com")
    assert record["id"] == ulid
    assert record["subject"] == f"order {mark}"
    assert record["from"] == [{"name": "Jürgen", "email": "juergen@example.com"}]
    assert record["envelope"] == {
        "mailFrom": {"email": "bounce@example.com", "parameters": None},
        "rcptTo": [
            {"email": "ann@example.org", "parameters": None},
            {"email": "hidden@example.net", "parameters": None},
        ],
    }
    assert record["size"] == len(content)
    assert record["sha256"] == hashlib.sha256(content).hexdigest()
    raw = stack.get(f"/v1/messages/{ulid}/raw")
    assert raw.body == content
    assert raw.headers["content-type"] == "message/rfc822"
    assert raw.headers["etag"] == f'"{record["sha256"]}"'
    assert "Hello,\n.hidden dot\n..two\nü" in stack.get(f"/v1/messages/{ulid}/text").body.decode()
    names = [field["name"] for field in stack.get(f"/v1/messages/{ulid}/headers").json]
    assert names == ["From", "To", "Subject", "Message-ID", "Date"]


def test_lists_show_the_newest_first_and_page(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    with Wire(stack.smtp_host, stack.smtp_port) as wire:
        wire.reply()
        wire.say(b"EHLO client.example.com")
        ids = [wire.deliver(_mail(f"{mark}{number}"), to=(f"{mark}@example.org",)) for number in range(5)]
        wire.say(b"QUIT")
    stack.wait_message(f"rcpt:{mark}@example.org", count=5)
    first = stack.get(f"/v1/messages?q=rcpt:{mark}@example.org&limit=3").json
    assert [message["id"] for message in first["messages"]] == ids[:1:-1]
    second = stack.get(f"/v1/messages?q=rcpt:{mark}@example.org&limit=3&cursor={quote(first['next'])}").json
    assert [message["id"] for message in second["messages"]] == ids[1::-1]
    assert second["next"] is None


def test_the_conversation_is_there_in_three_forms(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    with Wire(stack.smtp_host, stack.smtp_port) as wire:
        said = [wire.line()]
        said += wire.say(f"EHLO {mark}.example.com".encode())
        ulid = wire.deliver(_mail(mark))
        wire.say(b"NONSENSE words")
        wire.say(b"QUIT")
    session = stack.wait_session(f"helo:{mark}.example.com (end:quit OR end:aborted)")
    assert session["state"] == "closed"
    assert session["end"] == "quit"
    assert session["messages"] == [ulid]
    path = f"/v1/sessions/{session['id']}/transcript"
    classic = stack.get(path, accept="text/plain").body.decode().splitlines()
    assert classic[: len(said)] == [said[0].decode(), f">>> EHLO {mark}.example.com", *[s.decode() for s in said[1:-1]]]
    assert ">>> NONSENSE words" in classic
    assert classic[-2] == ">>> QUIT"
    turns = stack.get(path, accept="application/json").json["turns"]
    assert [turn["verb"] for turn in turns] == [None, "EHLO", "MAIL", "RCPT", "DATA", "EOD", "UNKNOWN", "QUIT"]
    assert turns[5]["message"] == ulid
    lines = stack.get(path, accept="application/jsonl").body.splitlines()
    assert json.loads(lines[0])["id"] == session["id"]
    assert json.loads(lines[-1])["end"] == "quit"
    own = stack.get(f"/v1/messages/{ulid}/transcript", accept="application/json").json["turns"]
    assert [turn["verb"] for turn in own] == ["MAIL", "RCPT", "DATA", "EOD"]


def test_a_session_without_mail_is_kept_too(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    with Wire(stack.smtp_host, stack.smtp_port) as wire:
        wire.reply()
        wire.say(f"HELO {mark}.example.com".encode())
        assert wire.code(b"VRFY root") == 252
        assert wire.code(b"AUTH PLAIN AHVzZXIAc2VjcmV0") == 503
        wire.send(b"MAIL FROM:<gone@example.com>\r\n")
        wire.reply()
    session = stack.wait_session(f"helo:{mark}.example.com (end:quit OR end:aborted)")
    assert session["end"] == "aborted"
    assert session["messages"] == []
    text = stack.get(f"/v1/sessions/{session['id']}/transcript", accept="text/plain").body.decode()
    assert ">>> AUTH PLAIN [masked 16]\n503" in text
    assert "AHVzZXIAc2VjcmV0" not in text
    assert text.endswith("--- connection lost\n")


def test_an_accepted_message_shows_its_conversation_while_the_session_is_open(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    with Wire(stack.smtp_host, stack.smtp_port) as wire:
        wire.reply()
        wire.say(f"EHLO {mark}.example.com".encode())
        ulid = wire.deliver(_mail(mark))
        (record,) = stack.wait_message(f"message-id:{mark}@example.com")
        session = stack.get(f"/v1/sessions/{record['session']['id']}").json
        assert session["state"] == "open"
        assert session["messages"] == [ulid]
        transcript = stack.get(f"/v1/messages/{ulid}/transcript", accept="application/json").json
        assert transcript["open"] is True
        assert [turn["verb"] for turn in transcript["turns"]][:3] == ["MAIL", "RCPT", "DATA"]
        wire.say(b"QUIT")
    closed = eventually(lambda: _closed(stack, record["session"]["id"]))
    assert closed["end"] == "quit"
    assert closed["turns"][-1]["verb"] == "QUIT"


def _closed(stack: Stack, session: str) -> dict[str, Any] | None:
    document: dict[str, Any] = stack.get(f"/v1/sessions/{session}").json
    return document if document["state"] == "closed" else None
