"""Real clients with everything that a modern one uses: TLS, AUTH, SMTPUTF8, many connections, a proxy in front.

One system for all of them, with a self-signed certificate that those who verify are given as their authority.
"""

import asyncio
import json
import smtplib
import ssl
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from support.clients import READER, SENDER, arrived, free_port, mail, need, need_node_package, run, verbs
from support.stack import Stack, running_stack


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
        client.login("mable", "any secret")
        client.send_message(mail(mark))
    record = arrived(secured.stack, mark)
    assert record["tls"]["version"] == "TLSv1.3"
    assert record["auth"]["user"] == "mable"
    assert verbs(secured.stack, record)[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


def test_smtplib_on_the_port_where_tls_comes_first(secured: Secured) -> None:
    mark = uuid.uuid4().hex
    with smtplib.SMTP_SSL("127.0.0.1", secured.smtps, context=secured.context(), timeout=30) as client:
        client.send_message(mail(mark))
    assert arrived(secured.stack, mark)["tls"]["version"] == "TLSv1.3"


def test_smtplib_outside_ascii(secured: Secured) -> None:
    mark = uuid.uuid4().hex
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "mäble@exämple.org", "用户@例子.广告", f"über {mark}"
    message.set_content(f"body of {mark}: grüße\n", cte="8bit")
    with smtplib.SMTP(secured.stack.smtp_host, secured.stack.smtp_port, timeout=30) as client:
        client.send_message(message)
    record = arrived(secured.stack, mark, "用户@例子.广告")
    assert record["envelope"]["mailFrom"]["email"] == "mäble@exämple.org"
    assert "SMTPUTF8" in record["envelope"]["mailFrom"]["parameters"]
    raw = secured.stack.get(f"/v1/messages/{record['id']}/raw").body
    assert "grüße".encode() in raw


def test_aiosmtplib_many_at_once(secured: Secured) -> None:
    marks = [uuid.uuid4().hex for _ in range(20)]

    async def send(mark: str) -> None:
        await aiosmtplib.send(
            mail(mark),
            hostname="127.0.0.1",
            port=secured.stack.smtp_port,
            start_tls=True,
            tls_context=secured.context(),
            username="a",
            password="b",
        )

    async def send_all() -> None:
        await asyncio.gather(*map(send, marks))

    asyncio.run(send_all())
    for mark in marks:
        assert arrived(secured.stack, mark)["auth"] == {"mechanism": "PLAIN", "user": "a"}


def test_curl(secured: Secured, tmp_path: Path) -> None:
    curl = need("curl")
    for scheme, port in (("smtp", secured.stack.smtp_port), ("smtps", secured.smtps)):
        mark, file = uuid.uuid4().hex, tmp_path / scheme
        file.write_bytes(mail(mark).as_bytes().replace(b"\n", b"\r\n"))
        secure = ("--ssl-reqd", "--cacert", str(secured.certificate), "--user", "mable:a secret")
        addresses = ("--mail-from", SENDER, "--mail-rcpt", READER)
        run(curl, "-sS", f"{scheme}://127.0.0.1:{port}/c.example.com", *secure, *addresses, "-T", str(file))
        record = arrived(secured.stack, mark)
        assert (record["tls"]["version"], record["auth"]["user"]) == ("TLSv1.3", "mable")


@pytest.mark.parametrize(
    ("options", "mechanism"),
    [
        (("--tls", "--pipeline"), None),
        (("--tls", "--auth", "PLAIN"), "PLAIN"),
        (("--auth", "LOGIN"), "LOGIN"),
    ],
    ids=["tls", "plain", "login"],
)
def test_swaks(secured: Secured, options: tuple[str, ...], mechanism: str | None) -> None:
    swaks, mark = need("swaks"), uuid.uuid4().hex
    who = ("--auth-user", "mable", "--auth-password", "a secret") if mechanism else ()
    texts = ("--from", SENDER, "--to", READER, "--header", f"Subject: via {mark}", "--body", f"body of {mark}")
    output = run(swaks, "--server", secured.server, *texts, *options, *who)
    assert "250 2.0.0" in output
    record = arrived(secured.stack, mark)
    assert (record["tls"] is not None) == ("--tls" in options)
    assert (record["auth"] or {}).get("mechanism") == mechanism


@pytest.mark.parametrize("version", ["1", "2"])
def test_swaks_behind_a_proxy(secured: Secured, version: str) -> None:
    swaks, mark = need("swaks"), uuid.uuid4().hex
    proxy = ("--proxy-version", version, "--proxy-family", "TCP4" if version == "1" else "AF_INET")
    ends = ("--proxy-source", "192.0.2.7", "--proxy-source-port", "40025", "--proxy-dest", "192.0.2.1")
    more = (
        "--proxy-dest-port",
        "25",
        *(("--proxy-command", "PROXY", "--proxy-protocol", "STREAM") if version == "2" else ()),
    )
    texts = ("--from", SENDER, "--to", READER, "--header", f"Subject: via {mark}", "--body", f"body of {mark}")
    run(swaks, "--server", f"127.0.0.1:{secured.proxied}", *texts, *proxy, *ends, *more)
    assert arrived(secured.stack, mark)["client"] == {"ip": "192.0.2.7", "port": 40025}


def test_msmtp(secured: Secured, tmp_path: Path) -> None:
    msmtp, mark = need("msmtp"), uuid.uuid4().hex
    config = tmp_path / "msmtprc"
    config.write_text(
        f"account default\nhost localhost\nport {secured.stack.smtp_port}\nfrom {SENDER}\ntls on\ntls_starttls on\n"
        f"tls_trust_file {secured.certificate}\nauth plain\nuser mable\npassword secret\n"
    )
    config.chmod(0o600)
    run(msmtp, f"--file={config}", READER, stdin=mail(mark).as_bytes())
    record = arrived(secured.stack, mark)
    assert record["tls"]["sni"] == "localhost"
    assert record["auth"]["user"] == "mable"


NODEMAILER = """
const nodemailer = require(process.argv[1] + "/nodemailer");
const { port, mark, options, count } = JSON.parse(process.argv[2]);
const transport = nodemailer.createTransport(
  { host: "127.0.0.1", port, tls: { rejectUnauthorized: false }, ...options });
const mail = {
  from: "Sender <sender@example.com>", to: "reader@example.org", subject: "via " + mark, text: "body of " + mark,
  attachments: [{ filename: "naïve.bin", content: Buffer.from([0, 13, 10, 46, 13, 10, 255]) }],
};
Promise.all(Array.from({ length: count }, () => transport.sendMail(mail)))
  .then((sent) => { console.log(sent[0].response); transport.close(); })
  .catch((error) => { console.error(error); process.exit(1); });
"""


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"ignoreTLS": True}, 1),
        ({"requireTLS": True}, 1),
        ({"auth": {"user": "mable", "pass": "secret"}}, 1),
        ({"pool": True, "maxConnections": 3}, 12),
    ],
    ids=["plain", "starttls", "auth", "pool"],
)
def test_nodemailer(secured: Secured, options: dict[str, object], count: int) -> None:
    node, modules = need_node_package("nodemailer")
    mark = uuid.uuid4().hex
    facts = json.dumps({"port": secured.stack.smtp_port, "mark": mark, "options": options, "count": count})
    assert "250 2.0.0" in run(node, "-e", NODEMAILER, "--", str(modules), facts)
    records = secured.stack.wait_message(f"subject:{mark}", count)
    assert len(records) == count
    assert records[0]["hasAttachment"]
    assert (records[0]["tls"] is None) == ("ignoreTLS" in options)
    [part] = records[0]["attachments"]
    assert (part["name"], part["size"]) == ("naïve.bin", 7)


def test_smtp_source(secured: Secured) -> None:
    source, mark = need("smtp-source"), uuid.uuid4().hex[:20]
    counts = ("-s", "10", "-m", "200", "-l", "3000", "-S", f"via {mark}")
    run(source, *counts, "-f", SENDER, "-t", READER, secured.server)
    assert len(secured.stack.wait_message(f"subject:{mark}", 100)) == 100
