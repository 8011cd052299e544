"""No secret of a client reaches a file of the data folder, the log, or an answer of the API."""

import base64
from pathlib import Path

import pytest

from mailscribe_smtp.credentials import hashed
from support.stack import running_stack
from support.wire import Wire

_SECRETS = ("hunter2-Zq9", "correct-horse-battery", "blind-Passw0rd")


def _b64(text: str) -> bytes:
    return base64.b64encode(text.encode())


def _spellings() -> list[bytes]:
    plain = _b64(f"\0user\0{_SECRETS[0]}")
    return [
        b"AUTH PLAIN " + plain,
        b"auth plain " + plain,
        b"AuTh  pLaIn\t" + plain,
        b" AUTH PLAIN " + plain,
        b"AUTH PLAIN",
        plain,
        b"AUTH LOGIN " + _b64("user"),
        _b64(_SECRETS[1]),
        b"AUTH XOAUTH2 " + _b64(f"user=a\1auth=Bearer {_SECRETS[2]}\1\1"),
        _SECRETS[2].encode(),
        _b64(_SECRETS[2]),
    ]


@pytest.mark.parametrize(
    ("backend", "auth"), [("embedded", "off"), ("embedded", "any"), ("embedded", "file"), ("moto", "file")]
)
def test_secrets_are_nowhere(tmp_path: Path, backend: str, auth: str) -> None:
    if auth == "file":
        (tmp_path / "users").write_text(f"user:{hashed(b'another one')}\n")
        auth = str(tmp_path / "users")
    with running_stack(tmp_path / "data", "--backend", backend, "--auth", auth) as stack:
        with Wire(stack.smtp_host, stack.smtp_port) as wire:
            wire.reply()
            wire.say(b"EHLO secrets.example")
            codes = [wire.code(line) for line in _spellings()]
            assert (235 in codes) == (auth == "any")
            assert (535 in codes) == (auth not in ("any", "off"))
            ulid = wire.deliver(b"Subject: after\r\n\r\nbody\r\n")
            wire.say(b"QUIT")
        session = stack.wait_session("helo:secrets.example end:quit")
        answers = [
            stack.get(path, accept=accept).body
            for path in (f"/v1/sessions/{session['id']}/transcript", f"/v1/messages/{ulid}/transcript")
            for accept in ("application/json", "text/plain", "application/jsonl")
        ]
        answers.append(stack.get(f"/v1/sessions/{session['id']}").body)
        assert b"[masked " in answers[1]
        assert stack.stop() == 0
    stored = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    forbidden = [secret.encode() for secret in _SECRETS]
    forbidden += [_b64(secret) for secret in _SECRETS] + [_b64(f"\0user\0{_SECRETS[0]}")]
    for data in (*answers, *stored):
        assert [secret for secret in forbidden if secret in data] == []
