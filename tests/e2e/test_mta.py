"""A real mail server relays to us: over TLS, byte for byte, and does what our replies tell it."""

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clients import READER, SENDER, arrived, mail, verbs
from support.mta import Mta, postfix
from support.stack import Stack, running_stack

RULES = """\
- {at: rcpt, recipient: later@example.org, defer: {code: 450, enhanced: 4.2.0, text: Come back later}, times: 1}
- {at: rcpt, recipient: never@example.org, reject: {code: 550, enhanced: 5.1.1, text: No such user}}
- {at: eod, recipient: spam@example.org, reject: {code: 554, enhanced: 5.7.1, text: Spam}}
"""


@pytest.fixture(scope="module")
def receiving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A system with TLS and rules."""
    folder = tmp_path_factory.mktemp("receiving")
    (folder / "rules.yaml").write_text(RULES)
    with running_stack(folder / "data", "--tls", "self-signed", "--rules", str(folder / "rules.yaml")) as stack:
        yield stack
        assert stack.stop() == 0


@pytest.fixture(scope="module")
def mta(receiving: Stack) -> Iterator[Mta]:
    """Postfix that relays to it, never in clear."""
    with tempfile.TemporaryDirectory(prefix="mta") as folder:
        settings = {
            "smtp_tls_security_level": "encrypt",
            "smtp_tls_CAfile": str(receiving.data / "tls/certificate.pem"),
        }
        with postfix(Path(folder), receiving.smtp_host, receiving.smtp_port, **settings) as running:
            yield running


def content(mark: str) -> bytes:
    return mail(mark).as_bytes().replace(b"\n", b"\r\n")


def test_a_message_is_relayed_as_it_is(receiving: Stack, mta: Mta) -> None:
    mark = uuid.uuid4().hex
    mta.send(SENDER, [READER, "another@example.org"], content(mark))
    record = arrived(receiving, mark)
    assert record["tls"]["version"] == "TLSv1.3"
    assert record["helo"] == "mta.example.com"
    assert record["envelope"]["mailFrom"]["email"] == SENDER
    assert sorted(each["email"] for each in record["envelope"]["rcptTo"]) == ["another@example.org", READER]
    raw = receiving.get(f"/v1/messages/{record['id']}/raw").body
    assert raw.endswith(content(mark))
    assert b"by mta.example.com (Postfix)" in raw.removesuffix(content(mark))
    assert verbs(receiving, record)[:3] == ["EHLO", "STARTTLS", "EHLO"]


def test_many(receiving: Stack, mta: Mta) -> None:
    mark = uuid.uuid4().hex
    for _ in range(30):
        mta.send(SENDER, [READER], content(mark))
    assert len(receiving.wait_message(f"subject:{mark}", 30)) == 30


def test_a_4xx_brings_it_back_later(receiving: Stack, mta: Mta) -> None:
    mark = uuid.uuid4().hex
    mta.send(SENDER, ["later@example.org"], content(mark))
    receiving.wait_session("code:450")
    mta.flush()
    assert arrived(receiving, mark, "later@example.org")


@pytest.mark.parametrize("recipient", ["never@example.org", "spam@example.org"])
def test_a_5xx_bounces(receiving: Stack, mta: Mta, recipient: str) -> None:
    mark, sender = uuid.uuid4().hex, f"{uuid.uuid4().hex}@example.com"
    mta.send(sender, [recipient], content(mark))
    (bounce,) = receiving.wait_message(f"rcpt:{sender}")
    assert bounce["envelope"]["mailFrom"]["email"] == ""
    assert bounce["envelope"]["rcptTo"][0]["email"] == sender
    text = receiving.get(f"/v1/messages/{bounce['id']}/raw").body.decode()
    assert ("5.1.1" if recipient.startswith("never") else "5.7.1") in text
    assert f"body of {mark}" in text
