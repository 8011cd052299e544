"""Rules and PROXY headers over real sockets: delays, throttles, dropped connections, and who is believed."""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailscribe.ids import UlidFactory
from mailscribe.policy import Directory, Policy, Rules
from mailscribe.policy.document import read_rules
from mailscribe.smtp import NoteEvent, Service, read_transcript
from mailscribe_local.folder_config import FolderConfig
from mailscribe_smtp.certificate import make_context
from mailscribe_smtp.entrance import Entrance
from mailscribe_smtp.policy_source import PolicySource
from mailscribe_smtp.proxy import Trusted
from mailscribe_smtp.server import SmtpServer
from support.frontend import LOCAL, QUICK, Dialog, until
from support.spools import MemorySpool
from support.tls import self_signed

V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c" + bytes((192, 0, 2, 7, 192, 0, 2, 1)) + b"\x9c\x59\x00\x19"


@dataclass
class Open:
    """A server and what it stored."""

    server: SmtpServer
    address: tuple[str, int]
    spool: MemorySpool

    async def dialog(self) -> Dialog:
        return await Dialog.connect(self.address)


@contextlib.asynccontextmanager
async def serving(rules: str = "", entrance: Entrance | None = None) -> AsyncIterator[Open]:
    policy = Policy(Directory.of_domains(("*",)), Rules([read_rules(rules, "rules")]))
    spool = MemorySpool()
    server = SmtpServer(LOCAL, spool, new_id=UlidFactory(), timing=QUICK, policy=policy)
    address = await server.start("127.0.0.1", 0, entrance or Entrance())
    try:
        yield Open(server, address, spool)
    finally:
        await server.drain()


async def test_a_delay_is_as_long_as_it_says_and_nobody_else_waits() -> None:
    async with serving("- {at: mail, sender: slow@x.test, delay: 400}") as running:
        slow, quick = await running.dialog(), await running.dialog()
        await slow.greet()
        await quick.greet()
        begun = time.monotonic()
        waiting = asyncio.create_task(slow.say(b"MAIL FROM:<slow@x.test>"))
        assert await quick.code(b"MAIL FROM:<quick@x.test>") == 250
        assert not waiting.done()
        assert (await waiting).startswith(b"250 2.1.0")
        assert time.monotonic() - begun >= 0.4
        await slow.quit()
        await quick.quit()


@pytest.mark.parametrize("implicit", [False, True], ids=["clear", "tls"])
async def test_a_throttle_bounds_what_is_read(tmp_path: Path, implicit: bool) -> None:
    certificate = self_signed(tmp_path, "127.0.0.1")
    context, trusting = make_context(certificate, certificate), ssl.create_default_context(cafile=str(certificate))
    entrance = Entrance(service=Service(implicit_tls=implicit), tls=lambda: context)
    content = b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n"
    rate = len(content) * 4
    async with serving(f"- {{at: data, throttle: {rate}}}", entrance) as running:
        tls = trusting if implicit else None
        dialog = Dialog(*await asyncio.open_connection(*running.address, ssl=tls))
        await dialog.greet()
        begun = time.monotonic()
        assert (await dialog.deliver(content * 4)).startswith(b"250")
        assert time.monotonic() - begun >= 0.6
        assert running.spool.messages[0].endswith(content * 4)
        await dialog.quit()


@pytest.mark.parametrize("at", ["connect", "mail", "eod"])
async def test_a_dropped_connection_ends_without_a_word(at: str) -> None:
    async with serving(f"- {{at: {at}, disconnect: true}}") as running:
        dialog = await running.dialog()
        if at == "connect":
            assert await dialog.reply() == b""
        else:
            await dialog.greet()
            last = await dialog.say(b"MAIL FROM:<a@b.test>") if at == "mail" else await dialog.deliver(b"x\r\n")
            assert last == b""
        await dialog.close()
        await until(lambda: len(running.spool.sessions) == 1)
        transcript = read_transcript(running.spool.sessions[0])
        notes = [event.note for event in transcript.events if isinstance(event, NoteEvent)]
        assert any(note.rule and note.rule.action == "disconnect" for note in notes)
        assert not running.spool.messages
        assert not running.spool.writing


async def test_refused_content_is_kept_apart_and_linked() -> None:
    rules = '- {at: eod, recipient: "*@example.org", reject: {text: "Spam"}}'
    async with serving(rules, Entrance(service=Service(keep_refused=True))) as running:
        dialog = await running.dialog()
        await dialog.greet()
        assert await dialog.deliver(b"Subject: buy\r\n\r\nnow\r\n") == b"550 5.7.1 Spam\r\n"
        await dialog.quit()
        await until(lambda: len(running.spool.sessions) == 1)
        [key] = [key for key in running.spool.objects if key.startswith("refused/")]
        assert running.spool.objects[key].endswith(b"Subject: buy\r\n\r\nnow\r\n")
        assert not running.spool.messages
        line = next(line for line in running.spool.sessions[0].splitlines() if b'"data"' in line)
        assert json.loads(line)["data"]["refused"] in key


@pytest.mark.parametrize("cut", [None, 1, 13, 20])
@pytest.mark.parametrize("header", [V2, b"PROXY TCP4 192.0.2.7 192.0.2.1 40025 25\r\n"])
async def test_the_client_is_whom_the_proxy_names(header: bytes, cut: int | None) -> None:
    async with serving(entrance=Entrance(proxy=Trusted(["127.0.0.0/8"]))) as running:
        dialog = await running.dialog()
        if cut is None:
            await dialog.send(header)
        else:
            await dialog.send(header[:cut])
            await asyncio.sleep(0.01)
            await dialog.send(header[cut:])
        await dialog.greet()
        await dialog.quit()
        await until(lambda: len(running.spool.sessions) == 1)
        transcript = read_transcript(running.spool.sessions[0])
        assert (transcript.client.ip, transcript.client.port) == ("192.0.2.7", 40025)
        note = transcript.events[0]
        assert isinstance(note, NoteEvent)
        assert str(note.note.proxy).endswith("TCP4 192.0.2.7:40025 192.0.2.1:25")


@pytest.mark.parametrize("trusted", ["127.0.0.0/8", "192.0.2.0/24"])
async def test_who_is_not_believed_hears_nothing_and_leaves_nothing(trusted: str) -> None:
    async with serving(entrance=Entrance(proxy=Trusted([trusted]))) as running:
        dialog = await running.dialog()
        with contextlib.suppress(ConnectionError):
            await dialog.send(b"EHLO c.test\r\n" if trusted.startswith("127") else V2)
            assert await dialog.reply() == b""
        await dialog.close()
        await until(lambda: running.server.sessions == 0)
        assert not running.spool.sessions
        assert running.server.counts.sessions == 0
        assert running.server.counts.dropped == 1


async def test_rules_of_the_folder_are_in_force_for_the_next_connection(tmp_path: Path) -> None:
    source, spool = PolicySource(LOCAL), MemorySpool()
    config = FolderConfig(source, tmp_path)
    server = SmtpServer(
        LOCAL, spool, new_id=UlidFactory(), timing=QUICK, policy=source.policy, before_session=config.refresh
    )
    address = await server.start("127.0.0.1", 0)
    folder = tmp_path / "config" / "rules"
    try:
        for text, code in (("discard", 250), ("defer", 451), (None, 250)):
            await asyncio.to_thread(put, folder, text)
            dialog = await Dialog.connect(address)
            await dialog.greet()
            assert await dialog.code(b"MAIL FROM:<a@b.test>") == code
            await dialog.quit()
    finally:
        await server.drain()


def put(folder: Path, action: str | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if action is None:
        (folder / "t.json").unlink()
        return
    temporary = folder / ".new"
    temporary.write_text(json.dumps({"rules": [{"at": "mail", action: True}]}))
    temporary.replace(folder / "t.json")
