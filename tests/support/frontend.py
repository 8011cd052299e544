"""The front end in this process, and a client that talks to it over a real socket on 127.0.0.1."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from mailscribe.ids import UlidFactory
from mailscribe.settings import Settings
from mailscribe_smtp.entrance import Entrance
from mailscribe_smtp.hub import SessionEnded, Timing
from mailscribe_smtp.metrics import Metrics
from mailscribe_smtp.ports import Spool
from mailscribe_smtp.server import SmtpServer

LOCAL = Settings(domains=("*",), line_ends="store", hostname="test.org")
PLAIN = Entrance()
QUICK = Timing(linger=1.0, flush=5.0, retries=(0.0, 0.0))


async def until(holds: Callable[[], bool]) -> None:
    """Let the event loop turn until `holds()`."""
    while True:
        if holds():
            return
        await asyncio.sleep(0)


class Dialog:
    """A client: says lines, takes replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, address: tuple[str, int], receive_buffer: int | None = None) -> Self:
        """`receive_buffer`: how much the kernel may hold for this client."""
        made = socket.socket()
        if receive_buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        made.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(made, address)
        except OSError:
            made.close()
            raise
        return cls(*await asyncio.open_connection(sock=made))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> bytes:
        """The whole next reply; b"" at the end of the connection."""
        lines = b""
        while (line := await self.reader.readline()) and line[3:4] == b"-":
            lines += line
        return lines + line

    async def say(self, line: bytes) -> bytes:
        await self.send(line + b"\r\n")
        return await self.reply()

    async def code(self, line: bytes) -> int:
        return int((await self.say(line))[:3] or b"0")

    async def greet(self) -> None:
        assert (await self.reply()).startswith(b"220 ")
        assert await self.code(b"EHLO client.example") == 250

    async def begin(self, recipient: bytes = b"you@example.org") -> None:
        """A transaction up to 354."""
        assert await self.code(b"MAIL FROM:<me@example.org>") == 250
        assert await self.code(b"RCPT TO:<" + recipient + b">") == 250
        assert await self.code(b"DATA") == 354

    async def deliver(self, content: bytes) -> bytes:
        """A whole transaction; the last reply."""
        await self.begin()
        return await self.say(content + b".")

    async def quit(self) -> None:
        assert await self.code(b"QUIT") == 221
        assert await self.reader.read() == b""
        await self.close()

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return


@dataclass
class Running:
    """A server, where it listens, and the sessions that have ended."""

    server: SmtpServer
    address: tuple[str, int]
    metrics: Metrics
    ended: asyncio.Queue[SessionEnded] = field(default_factory=asyncio.Queue)
    _dialogs: list[Dialog] = field(default_factory=list)

    async def connect(self, receive_buffer: int | None = None) -> Dialog:
        dialog = await Dialog.connect(self.address, receive_buffer)
        self._dialogs.append(dialog)
        return dialog

    async def close(self) -> None:
        """Hang up all clients."""
        for dialog in self._dialogs:
            await dialog.close()

    async def greeted(self) -> Dialog:
        dialog = await self.connect()
        await dialog.greet()
        return dialog


@asynccontextmanager
async def running(
    spool: Spool, settings: Settings = LOCAL, timing: Timing = QUICK, entrance: Entrance = PLAIN
) -> AsyncIterator[Running]:
    """A server on a free port of 127.0.0.1, drained at the end."""
    ended: asyncio.Queue[SessionEnded] = asyncio.Queue()
    metrics = Metrics()
    server = SmtpServer(
        settings, spool, new_id=UlidFactory(), on_session=ended.put_nowait, timing=timing, metrics=metrics
    )
    address = await server.start("127.0.0.1", 0, entrance)
    made = Running(server, address, metrics, ended)
    try:
        yield made
    finally:
        await made.close()
        await server.drain()
