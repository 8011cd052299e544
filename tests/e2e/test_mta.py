"""A real mail server relays to us: over TLS, byte for byte, and does what our replies tell it."""

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.clients import READER, SENDER, accepted, arrived, conversation, verbs, wire_form
from support.mta import Mta, postfix
from support.stack import Stack, running_stack
from support.tls import self_signed

RULES = """\
- {at: rcpt, recipient: later@example.org, defer: {code: 450, enhanced: 4.2.0, text: Come back later}, times: 1}
- {at: rcpt, recipient: soon@example.org, defer: {code: 451, enhanced: 4.7.1, text: Not yet}, times: 1}
- {at: rcpt, recipient: never@example.org, reject: {code: 550, enhanced: 5.1.1, text: No such user}}
- {at: eod, recipient: spam@example.org, reject: {code: 554, enhanced: 5.7.1, text: Spam}}
"""
CLEAR, VERIFIED, DISTRUSTFUL = "clear.example.net", "verified.example.net", "distrustful.example.net"
"""Domains that Postfix relays in another way than the rest."""


@pytest.fixture(scope="module")
def receiving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A system with TLS and rules."""
    folder = tmp_path_factory.mktemp("receiving")
    (folder / "rules.yaml").write_text(RULES)
    with running_stack(folder / "data", "--tls", "self-signed", "--rules", str(folder / "rules.yaml")) as stack:
        yield stack
        assert stack.stop() == 0
        assert "Traceback" not in stack.log.read_text()


@pytest.fixture(scope="module")
def mta(receiving: Stack) -> Iterator[Mta]:
    """Postfix that relays to it, never in clear but for one domain."""
    with tempfile.TemporaryDirectory(prefix="mta") as name:
        folder = Path(name)
        secure = {"smtp_tls_security_level": "secure", "smtp_tls_secure_cert_match": "localhost"}
        transports = {
            CLEAR: {"smtp_tls_security_level": "none"},
            VERIFIED: secure,
            DISTRUSTFUL: secure | {"smtp_tls_CAfile": str(self_signed(folder, "127.0.0.1"))},
        }
        settings = {
            "smtp_tls_security_level": "encrypt",
            "smtp_tls_loglevel": "1",
            "smtp_tls_CAfile": str(receiving.data / "tls/certificate.pem"),
            "smtp_connection_cache_on_demand": "no",
            "smtputf8_enable": "yes",
            "debug_peer_list": receiving.smtp_host,
        }
        with postfix(folder, receiving.smtp_host, receiving.smtp_port, transports, **settings) as running:
            yield running


def relayed(stack: Stack, mark: str, reader: str = READER) -> Any:
    """The record of a message that came through Postfix: its trace field, then the content, octet for octet."""
    record = arrived(stack, mark, reader)
    assert record["helo"] == "mta.example.com"
    raw = stack.get(f"/v1/messages/{record['id']}/raw").body
    assert raw.endswith(wire_form(mark))
    added = raw.removesuffix(wire_form(mark))
    assert added.startswith(b"Received: ")
    assert b"by mta.example.com (Postfix" in added
    assert added.count(b"\r\n") == added.count(b"\r\n\t") + 1
    return record


def test_a_message_is_relayed_as_it_is(receiving: Stack, mta: Mta) -> None:
    mark, recipients = uuid.uuid4().hex, [READER, "another@example.org", "third@example.org"]
    mta.send(SENDER, recipients, wire_form(mark))
    record = relayed(receiving, mark)
    assert record["tls"]["version"] == "TLSv1.3"
    assert record["envelope"]["mailFrom"]["email"] == SENDER
    assert sorted(each["email"] for each in record["envelope"]["rcptTo"]) == sorted(recipients)
    begin, end = ["EHLO", "STARTTLS", "EHLO", "MAIL"], ["DATA", "EOD", "QUIT"]
    assert verbs(conversation(receiving, record)) == [*begin, *["RCPT"] * 3, *end]
    assert mta.said("Using ESMTP PIPELINING")
    assert mta.said(rf"to=<{READER}>.*status=sent \(250 {accepted(record)}\)")


def test_a_program_on_its_machine_sends(receiving: Stack, mta: Mta) -> None:
    mark = uuid.uuid4().hex
    mta.submit(SENDER, [READER], wire_form(mark))
    record = relayed(receiving, mark)
    assert b"from userid" in receiving.get(f"/v1/messages/{record['id']}/raw").body


def test_in_clear(receiving: Stack, mta: Mta) -> None:
    mark, reader = uuid.uuid4().hex, f"reader@{CLEAR}"
    mta.send(SENDER, [reader], wire_form(mark))
    record = relayed(receiving, mark, reader)
    assert record["tls"] is None
    assert verbs(conversation(receiving, record)) == ["EHLO", "MAIL", "RCPT", "DATA", "EOD", "QUIT"]


def test_the_certificate_is_verified(receiving: Stack, mta: Mta) -> None:
    mark, reader = uuid.uuid4().hex, f"reader@{VERIFIED}"
    mta.send(SENDER, [reader], wire_form(mark))
    record = relayed(receiving, mark, reader)
    assert f"{record['tls']['version']} with cipher {record['tls']['cipher']}" in mta.said("Verified TLS connection")


def test_a_server_that_is_not_trusted_gets_no_mail(receiving: Stack, mta: Mta) -> None:
    reader = f"reader@{DISTRUSTFUL}"
    mta.send(SENDER, [reader], wire_form(uuid.uuid4().hex))
    assert "self-signed certificate" in mta.said("certificate verification failed for")
    assert "status=deferred (Server certificate not verified)" in mta.said(f"to=<{reader}>")
    assert receiving.get(f"/v1/messages?q=rcpt:{reader}").json["messages"] == []


def test_eight_bits_and_addresses_outside_ascii(receiving: Stack, mta: Mta) -> None:
    mark, reader = uuid.uuid4().hex, "jürgen@example.org"
    content = wire_form(mark).replace(b"end", "grüße".encode())
    mta.send("mäble@example.com", [reader], content, "BODY=8BITMIME", "SMTPUTF8")
    record = arrived(receiving, mark, reader)
    assert receiving.get(f"/v1/messages/{record['id']}/raw").body.endswith(content)
    assert record["envelope"]["mailFrom"]["email"] == "mäble@example.com"
    parameters = record["envelope"]["mailFrom"]["parameters"]
    assert parameters["BODY"] == "8BITMIME"
    assert "SMTPUTF8" in parameters


def test_many(receiving: Stack, mta: Mta) -> None:
    mark = uuid.uuid4().hex
    for _ in range(30):
        mta.send(SENDER, [READER], wire_form(mark))
    records = receiving.wait_message(f"subject:{mark}", 30)
    assert len({record["id"] for record in records}) == 30


def test_a_4xx_brings_it_back_later(receiving: Stack, mta: Mta) -> None:
    mark = uuid.uuid4().hex
    mta.send(SENDER, ["later@example.org"], wire_form(mark))
    assert receiving.wait_session("code:450 rcpt:later@example.org")["outcome"] == ["rejected"]
    assert "Come back later" in mta.said("to=<later@example.org>.*status=deferred")
    mta.flush()
    assert relayed(receiving, mark, "later@example.org")


def test_a_4xx_for_one_recipient_holds_up_nobody_else(receiving: Stack, mta: Mta) -> None:
    mark = uuid.uuid4().hex
    mta.send(SENDER, [READER, "soon@example.org"], wire_form(mark))
    mta.said("to=<soon@example.org>.*status=deferred")
    mta.flush()
    first, second = receiving.wait_message(f"subject:{mark}", 2)
    recipients = [[to["email"] for to in each["envelope"]["rcptTo"]] for each in (first, second)]
    assert sorted(recipients) == [[READER], ["soon@example.org"]]


@pytest.mark.parametrize(
    ("recipient", "why"),
    [("never@example.org", "550 5.1.1 No such user"), ("spam@example.org", "554 5.7.1 Spam")],
    ids=["at-rcpt", "after-content"],
)
def test_a_5xx_bounces(receiving: Stack, mta: Mta, recipient: str, why: str) -> None:
    mark, sender = uuid.uuid4().hex, f"{uuid.uuid4().hex}@example.com"
    mta.send(sender, [recipient], wire_form(mark))
    (bounce,) = receiving.wait_message(f"rcpt:{sender}")
    assert bounce["envelope"]["mailFrom"]["email"] == ""
    assert [each["email"] for each in bounce["envelope"]["rcptTo"]] == [sender]
    text = receiving.get(f"/v1/messages/{bounce['id']}/raw").body.decode()
    assert f"Diagnostic-Code: smtp; {why}" in text
    assert f"body of {mark}" in text
    assert receiving.get(f"/v1/messages?q=subject:{mark}").json["messages"] == []
