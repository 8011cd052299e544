"""Real clients with everything that a modern one uses: TLS, AUTH, SMTPUTF8, many connections, a proxy in front.

One system for all of them, with a self-signed certificate that those who verify are given as their authority.
"""

import asyncio
import smtplib
import ssl
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from support.clients import (
    ADDRESSES,
    READER,
    SENDER,
    accepted,
    arrived,
    conversation,
    free_port,
    mail,
    need,
    need_swaks,
    nodemailer,
    run,
    verbs,
    wire_form,
)
from support.stack import Stack, eventually, running_stack

WITH_TLS = ["EHLO", "STARTTLS", "EHLO"]
WITH_AUTH = [*WITH_TLS, "AUTH"]
PASSWORD = "open sesame"


@dataclass(frozen=True)
class Secured:
    """A system with TLS, and its other ports."""

    stack: Stack
    smtps: int
    proxied: int
    certificate: Path

    @property
    def server(self) -> str:
        return f"{self.stack.smtp_host}:{self.stack.smtp_port}"

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    def came(self, mark: str, begins: list[str], user: str | None = None, content: bytes | None = None) -> Any:
        """The message's record: it came under TLS, in a session that began so, by this user."""
        record = arrived(self.stack, mark, content=content if content is not None else wire_form(mark))
        assert record["tls"]["version"] == "TLSv1.3"
        assert (record["auth"] or {}).get("user") == user
        assert verbs(conversation(self.stack, record))[: len(begins) + 1] == [*begins, "MAIL"]
        return record


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    data = tmp_path_factory.mktemp("secured") / "data"
    smtps, proxied = free_port(), free_port()
    env = {
        "MAILSCRIBE_LISTEN": f"127.0.0.1:{smtps}/open-tls,127.0.0.1:{proxied}/open+proxy",
        "MAILSCRIBE_PROXY_TRUSTED": "127.0.0.0/8",
    }
    with running_stack(data, "--tls", "self-signed", env=env) as stack:
        yield Secured(stack, smtps, proxied, data / "tls" / "certificate.pem")
        assert stack.stop() == 0
        assert "Traceback" not in stack.log.read_text()


def test_smtplib(secured: Secured) -> None:
    mark = uuid.uuid4().hex
    with smtplib.SMTP(secured.stack.smtp_host, secured.stack.smtp_port, timeout=30) as client:
        client.starttls(context=secured.context())
        assert client.login("mable", PASSWORD) == (235, b"2.7.0 Authentication successful")
        assert client.send_message(mail(mark)) == {}
    secured.came(mark, WITH_AUTH, "mable")


def test_smtplib_on_the_port_where_tls_comes_first(secured: Secured) -> None:
    mark = uuid.uuid4().hex
    with smtplib.SMTP_SSL("127.0.0.1", secured.smtps, context=secured.context(), timeout=30) as client:
        client.send_message(mail(mark))
    secured.came(mark, ["EHLO"])


def test_smtplib_outside_ascii(secured: Secured) -> None:
    mark = uuid.uuid4().hex
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "mäble@exämple.org", "用户@例子.广告", f"über {mark}"
    message.set_content(f"body of {mark}: grüße\n", cte="8bit")
    with smtplib.SMTP(secured.stack.smtp_host, secured.stack.smtp_port, timeout=30) as client:
        client.send_message(message)
    sent = message.as_bytes(policy=SMTPUTF8)
    assert "用户@例子.广告".encode() in sent
    record = arrived(secured.stack, mark, "用户@例子.广告", sent)
    assert record["envelope"]["mailFrom"]["email"] == "mäble@exämple.org"
    assert {"SMTPUTF8", "BODY"} <= set(record["envelope"]["mailFrom"]["parameters"])


def test_aiosmtplib_many_at_once(secured: Secured) -> None:
    marks = [uuid.uuid4().hex for _ in range(20)]

    async def send(mark: str) -> str:
        refused, answer = await aiosmtplib.send(
            mail(mark),
            hostname="127.0.0.1",
            port=secured.stack.smtp_port,
            start_tls=True,
            tls_context=secured.context(),
            username="a",
            password=PASSWORD,
        )
        assert refused == {}
        return answer

    async def send_all() -> list[str]:
        return list(await asyncio.gather(*map(send, marks)))

    for mark, answer in zip(marks, asyncio.run(send_all()), strict=True):
        record = secured.came(mark, WITH_AUTH, "a")
        assert answer == accepted(record)
        assert record["auth"]["mechanism"] == "PLAIN"


def test_aiosmtplib_outside_ascii(secured: Secured) -> None:
    mark = uuid.uuid4().hex
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, "jürgen@example.org", f"grüße {mark}"
    message.set_content(f"body of {mark}\n")
    options: dict[str, Any] = {"start_tls": True, "tls_context": secured.context()}
    asyncio.run(aiosmtplib.send(message, hostname="127.0.0.1", port=secured.stack.smtp_port, **options))
    record = arrived(secured.stack, mark, "jürgen@example.org")
    assert "SMTPUTF8" in record["envelope"]["mailFrom"]["parameters"]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_curl(secured: Secured, tmp_path: Path, scheme: str) -> None:
    curl, mark, file = need("curl"), uuid.uuid4().hex, tmp_path / "mail.eml"
    file.write_bytes(wire_form(mark))
    url = f"{scheme}://127.0.0.1:{secured.smtps if scheme == 'smtps' else secured.stack.smtp_port}/c.example.com"
    secure = ("--ssl-reqd", "--cacert", str(secured.certificate), "--user", f"mable:{PASSWORD}")
    output = run(curl, "-sSv", url, *secure, "--mail-from", SENDER, "--mail-rcpt", READER, "-T", str(file))
    record = secured.came(mark, WITH_AUTH if scheme == "smtp" else ["EHLO", "AUTH"], "mable")
    assert "SSL certificate verify ok" in output
    assert f"< 250 {accepted(record)}" in output


@pytest.mark.parametrize(
    ("options", "mechanism"),
    [
        (("--tls", "--pipeline"), None),
        (("--tls", "--auth", "PLAIN"), "PLAIN"),
        (("--auth", "LOGIN"), "LOGIN"),
    ],
    ids=["tls", "plain", "login"],
)
def test_swaks(secured: Secured, tmp_path: Path, options: tuple[str, ...], mechanism: str | None) -> None:
    swaks, mark, file = need_swaks("Net::SSLeay"), uuid.uuid4().hex, tmp_path / "mail.eml"
    file.write_bytes(wire_form(mark))
    who = ("--auth-user", "mable", "--auth-password", PASSWORD) if mechanism else ()
    output = run(swaks, "--server", secured.server, *ADDRESSES, "--data", f"@{file}", *options, *who)
    record = arrived(secured.stack, mark, content=wire_form(mark) + b"\r\n")
    assert f"250 {accepted(record)}" in output
    assert record["auth"] == ({"mechanism": mechanism, "user": "mable"} if mechanism else None)
    assert (record["tls"] is not None) == ("--tls" in options)
    if record["tls"]:
        assert f"TLS started with cipher {record['tls']['version']}:{record['tls']['cipher']}" in output


@pytest.mark.parametrize("version", ["1", "2"])
def test_swaks_behind_a_proxy(secured: Secured, version: str) -> None:
    swaks, mark = need_swaks(), uuid.uuid4().hex
    proxy = ("--proxy-version", version, "--proxy-family", "TCP4" if version == "1" else "AF_INET")
    kind = () if version == "1" else ("--proxy-command", "PROXY", "--proxy-protocol", "STREAM")
    source = ("--proxy-source", "192.0.2.7", "--proxy-source-port", "40025")
    target = ("--proxy-dest", "192.0.2.1", "--proxy-dest-port", "25")
    texts = ("--header", f"Subject: via {mark}", "--body", f"body of {mark}")
    run(swaks, "--server", f"127.0.0.1:{secured.proxied}", *ADDRESSES, *texts, *proxy, *kind, *source, *target)
    record = arrived(secured.stack, mark)
    assert record["client"] == {"ip": "192.0.2.7", "port": 40025}
    assert secured.stack.wait_session(f"session:{record['session']['id']} ip:192.0.2.7")


def test_msmtp(secured: Secured, tmp_path: Path) -> None:
    msmtp, mark = need("msmtp"), uuid.uuid4().hex
    config = tmp_path / "msmtprc"
    config.write_text(
        f"account default\nhost localhost\nport {secured.stack.smtp_port}\nfrom {SENDER}\ntls on\ntls_starttls on\n"
        f'tls_trust_file {secured.certificate}\nauth plain\nuser mable\npassword "{PASSWORD}"\n'
    )
    config.chmod(0o600)
    output = run(msmtp, "-d", f"--file={config}", READER, stdin=wire_form(mark))
    record = secured.came(mark, WITH_AUTH, "mable")
    assert f"<-- 250 {accepted(record)}" in output
    assert record["tls"]["sni"] == "localhost"


@pytest.mark.parametrize(
    ("options", "begins", "user"),
    [
        ({"requireTLS": True}, WITH_TLS, None),
        ({"auth": {"user": "mable", "pass": PASSWORD}}, WITH_AUTH, "mable"),
        ({"auth": {"user": "mable", "pass": PASSWORD, "method": "LOGIN"}}, WITH_AUTH, "mable"),
        ({"secure": True}, ["EHLO"], None),
    ],
    ids=["starttls", "plain", "login", "smtps"],
)
def test_nodemailer(secured: Secured, options: dict[str, Any], begins: list[str], user: str | None) -> None:
    mark, port = uuid.uuid4().hex, secured.smtps if "secure" in options else secured.stack.smtp_port
    raw = {"envelope": {"from": SENDER, "to": READER}, "raw": wire_form(mark).decode()}
    output = nodemailer(port, options, raw, authority=secured.certificate)
    assert output == [f"250 {accepted(secured.came(mark, begins, user))}"]


def test_nodemailer_trusts_nobody_by_itself(secured: Secured) -> None:
    (said,) = nodemailer(secured.stack.smtp_port, {"requireTLS": True}, {"from": SENDER, "to": READER}, code=1)
    assert said.startswith("ESOCKET self-signed certificate")
    refused = secured.stack.wait_session("outcome:tls-failed")
    assert (refused["messages"], refused["tls"]) == ([], None)


def test_nodemailer_with_a_pool_and_attachments(secured: Secured) -> None:
    mark, content = uuid.uuid4().hex, bytes([0, 13, 10, 46, 13, 10, 255]) * 1000
    attachment = {"filename": "naïve.bin", "content": content.hex(), "encoding": "hex"}
    texts = {"subject": f"via {mark}", "text": f"body of {mark}", "html": f"<p>body of <b>{mark}</b></p>"}
    message = {"from": f"Sender <{SENDER}>", "to": READER, **texts, "attachments": [attachment]}
    pool = {"pool": True, "maxConnections": 3}
    output = nodemailer(secured.stack.smtp_port, pool, *[message] * 12, authority=secured.certificate)
    records = secured.stack.wait_message(f"subject:{mark}", 12)
    assert sorted(output) == sorted(f"250 {accepted(record)}" for record in records)
    assert len({record["session"]["id"] for record in records}) == 3
    for record in records:
        [part] = record["attachments"]
        assert (part["name"], part["size"]) == ("naïve.bin", len(content))
        received = message_from_bytes(secured.stack.get(f"/v1/messages/{record['id']}/raw").body)
        assert [each.get_payload(decode=True) for each in received.walk() if each.get_filename()] == [content]


def test_smtp_source(secured: Secured) -> None:
    source, mark = need("smtp-source"), uuid.uuid4().hex[:20]
    counts = ("-s", "10", "-m", "200", "-l", "3000", "-S", f"via {mark}")
    run(source, *counts, "-f", SENDER, "-t", READER, secured.server)
    eventually(lambda: len(list(listed(secured.stack, mark))) == 200)
    assert all(3000 <= each["size"] < 3300 for each in listed(secured.stack, mark))


def listed(stack: Stack, mark: str) -> Iterator[Any]:
    """The summaries of all messages with that subject, page by page."""
    following: str | None = ""
    while following is not None:
        page = stack.get(f"/v1/messages?limit=100&q=subject:{mark}{following}").json
        yield from page["messages"]
        following = page["next"] and f"&cursor={page['next']}"
