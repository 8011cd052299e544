"""Other SMTP servers, as judges of ours: started once, asked the same things, and what they were given looked at.

aiosmtpd runs in a thread of its own; smtp-sink, Postfix's own test server, is a process, and Postfix itself several.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aiosmtpd.smtp import SMTP, AuthResult

from support.clients import free_port, need
from support.mta import postfix
from support.wire import Wire

USERS = {"mable": b"open-sesame"}
"""Who may log in, where that can be said."""


class Judge(Protocol):
    """A server; `contents` are those of the messages that came since it was last asked, None if it does not tell."""

    name: str
    port: int

    def contents(self) -> list[bytes] | None: ...


class _Keeper:
    """aiosmtpd's handler: keeps what comes."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        """aiosmtpd's authenticator."""
        known = given.password == USERS.get(given.login.decode("utf-8", "replace"))
        return AuthResult(success=known, handled=False)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.contents.append(envelope.original_content)
        return "250 2.0.0 kept"


@dataclass
class Aiosmtpd:
    """aiosmtpd."""

    port: int
    handler: _Keeper
    name: str = "aiosmtpd"

    def contents(self) -> list[bytes]:
        """Exactly as they came, dots unstuffed."""
        contents, self.handler.contents = self.handler.contents, []
        return contents


@dataclass
class Sink:
    """Postfix's smtp-sink, which writes each message to a file, lines ended by LF."""

    port: int
    folder: Path
    name: str = "smtp-sink"

    def contents(self) -> list[bytes]:
        """In no order, as they came."""
        with Wire("127.0.0.1", self.port) as wire:  # it does one thing after another: now all before is done
            wire.reply()
        contents = []
        for path in self.folder.iterdir():
            _, _, mail = path.read_bytes().partition(b"\nReceived: ")
            contents.append(mail.split(b"\n", 3)[3].removesuffix(b"\n").replace(b"\n", b"\r\n"))
            path.unlink()
        return contents


@dataclass
class Smtpd:
    """Postfix itself, which throws away what it took."""

    port: int
    name: str = "postfix"

    def contents(self) -> None:
        """Nobody knows."""


@contextlib.contextmanager
def postfix_smtpd() -> Iterator[Judge]:
    """Postfix's smtpd on a free port, patient with errors, until the block ends; skips where it cannot be had."""
    patient = dict.fromkeys(("smtpd_soft_error_limit", "smtpd_hard_error_limit", "smtpd_junk_command_limit"), "1000")
    with (
        tempfile.TemporaryDirectory() as name,
        postfix(
            Path(name),
            "127.0.0.1",
            1,
            relayhost="",
            default_transport="discard:",
            smtpd_error_sleep_time="0",
            smtpd_client_connection_count_limit="0",
            smtputf8_enable="yes",
            **patient,
        ) as mta,
    ):
        yield Smtpd(mta.port)


@contextlib.contextmanager
def aiosmtpd() -> Iterator[Judge]:
    """aiosmtpd on a free port, until the block ends."""
    handler, loop = _Keeper(), asyncio.new_event_loop()

    def session() -> SMTP:
        return SMTP(
            handler,
            hostname="test.org",
            loop=loop,
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=handler.authenticate,
        )

    async def start() -> asyncio.Server:
        return await loop.create_server(session, "127.0.0.1", 0)

    async def stop(server: asyncio.Server) -> None:
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    try:
        yield Aiosmtpd(server.sockets[0].getsockname()[1], handler)
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


@contextlib.contextmanager
def smtp_sink() -> Iterator[Judge]:
    """smtp-sink on a free port, until the block ends; skips where it is not installed."""
    program, port = need("smtp-sink"), free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "mail"
        folder.mkdir()
        as_root = ["-u", "nobody"] if os.getuid() == 0 else []
        if as_root:
            Path(name).chmod(0o755)
            folder.chmod(0o777)
        process = subprocess.Popen([program, *as_root, "-4", "-d", f"{folder}/m", f"127.0.0.1:{port}", "10"])
        try:
            _await(port)
            yield Sink(port, folder)
        finally:
            process.terminate()
            process.wait(30)


def _await(port: int) -> None:
    """Until somebody listens."""
    from support.stack import eventually

    def is_there() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    eventually(is_there)
