"""A real mail server that says BDAT: Exim sends in chunks, under TLS, and does what our replies tell it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clients import READER, SENDER, accepted, arrived, conversation, verbs, wire_form
from support.exim import Exim, exim
from support.stack import Stack, running_stack

RULES = """\
- {at: rcpt, recipient: later@example.org, defer: {code: 450, enhanced: 4.2.0, text: Come back later}, times: 1}
- {at: rcpt, recipient: never@example.org, reject: {code: 550, enhanced: 5.1.1, text: No such user}}
- {at: eod, recipient: spam@example.org, reject: {code: 554, enhanced: 5.7.1, text: Spam}}
"""


@pytest.fixture(scope="module")
def receiving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A system with TLS and rules."""
    folder = tmp_path_factory.mktemp("chunks")
    (folder / "rules.yaml").write_text(RULES)
    with running_stack(folder / "data", "--tls", "self-signed", "--rules", str(folder / "rules.yaml")) as stack:
        yield stack
        assert stack.stop() == 0
        assert "Traceback" not in stack.log.read_text()


@pytest.fixture(scope="module")
def sender(receiving: Stack) -> Iterator[Exim]:
    authority: Path = receiving.data / "tls" / "certificate.pem"
    with exim(receiving.smtp_host, receiving.smtp_port, authority) as running:
        yield running


def test_a_message_in_one_chunk(receiving: Stack, sender: Exim) -> None:
    mark, recipients = uuid.uuid4().hex, [READER, "another@example.org"]
    sender.send(SENDER, recipients, wire_form(mark))
    record = arrived(receiving, mark)
    raw = receiving.get(f"/v1/messages/{record['id']}/raw").body
    assert raw.endswith(wire_form(mark))
    assert raw.removesuffix(wire_form(mark)).startswith(b"Received: from ")
    begin, end = ["EHLO", "STARTTLS", "EHLO", "MAIL"], ["BDAT", "QUIT"]
    assert verbs(conversation(receiving, record)) == [*begin, "RCPT", "RCPT", *end]
    line = sender.said(rf"=> {READER}.*CV=yes K C=")
    assert f'C="250 {accepted(record)}"' in line


def test_header_fields_and_body_in_a_chunk_each(receiving: Stack, sender: Exim) -> None:
    mark = uuid.uuid4().hex
    content = wire_form(mark) + b"".join(b"%06d .\r\n.\r\n" % number for number in range(60_000))
    sender.send(SENDER, [READER], content)
    record = arrived(receiving, mark)
    assert receiving.get(f"/v1/messages/{record['id']}/raw").body.endswith(content)
    turns = [turn for turn in conversation(receiving, record)["turns"] if turn["verb"] == "BDAT"]
    first, last = (turn["command"].split() for turn in turns)
    assert (first[2:], last[2:]) == ([], ["LAST"])
    assert int(first[1]) + int(last[1]) == record["size"]
    assert turns[0]["reply"]["lines"] == [f"{first[1]} octets received"]


def test_a_4xx_brings_it_back_later(receiving: Stack, sender: Exim) -> None:
    mark = uuid.uuid4().hex
    sender.send(SENDER, ["later@example.org"], wire_form(mark))
    assert sender.said("== later@example.org .*450 4.2.0 Come back later")
    assert receiving.wait_session("code:450 rcpt:later@example.org")["outcome"] == ["rejected"]
    sender.flush()
    assert arrived(receiving, mark, "later@example.org")


@pytest.mark.parametrize(
    ("recipient", "why"),
    [("never@example.org", "550 5.1.1 No such user"), ("spam@example.org", "554 5.7.1 Spam")],
    ids=["at-rcpt", "after-content"],
)
def test_a_5xx_bounces(receiving: Stack, sender: Exim, recipient: str, why: str) -> None:
    mark, author = uuid.uuid4().hex, f"{uuid.uuid4().hex}@example.com"
    sender.send(author, [recipient], wire_form(mark))
    (bounce,) = receiving.wait_message(f"rcpt:{author}")
    assert bounce["envelope"]["mailFrom"]["email"] == ""
    text = receiving.get(f"/v1/messages/{bounce['id']}/raw").body.decode()
    assert why in text
    assert f"body of {mark}" in text
    assert receiving.get(f"/v1/messages?q=subject:{mark}").json["messages"] == []


def test_one_refused_recipient_holds_up_nobody_else(receiving: Stack, sender: Exim) -> None:
    mark, author = uuid.uuid4().hex, f"{uuid.uuid4().hex}@example.com"
    sender.send(author, ["never@example.org", READER], wire_form(mark))
    record = arrived(receiving, mark)
    assert [each["email"] for each in record["envelope"]["rcptTo"]] == [READER]
    assert receiving.wait_message(f"rcpt:{author}")
