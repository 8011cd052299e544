"""The load: Postfix's smtp-source where it is installed, else plain sockets. Bounded, on 127.0.0.1 only."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

SESSIONS = 4
SENDER, RECIPIENT = "alice@example.com", "bob@example.org"


@dataclass(frozen=True, slots=True)
class Load:
    """So many messages of so many bytes, so many of them a connection; 0: as many as come to each of `SESSIONS`."""

    messages: int
    size: int
    a_connection: int = 0

    @property
    def title(self) -> str:
        """The load in words."""
        size = f"{self.size // 1_000_000} MB" if self.size >= 1_000_000 else f"{self.size // 1000} KB"
        each = {0: "connections reused", 1: "a connection each"}.get(self.a_connection, f"{self.a_connection} each")
        return f"{size}, {each}"


@cache
def source() -> str:
    """What makes the load on this machine."""
    return "smtp-source" if shutil.which("smtp-source") else "sockets"


def run(load: Load, port: int, sessions: int = SESSIONS) -> None:
    """Send it all; returns when the last message was acknowledged."""
    send = _smtp_source if source() == "smtp-source" else _sockets
    if load.a_connection in (0, 1):
        send(load, port, sessions)
        return
    part = load.a_connection * sessions
    for _ in range(load.messages // part):
        send(Load(part, load.size), port, sessions)


def _smtp_source(load: Load, port: int, sessions: int) -> None:
    counts = ["-s", str(sessions), "-m", str(load.messages), "-l", str(load.size)]
    reuse = [] if load.a_connection == 1 else ["-d"]
    subprocess.run(
        ["smtp-source", *counts, *reuse, "-f", SENDER, "-t", RECIPIENT, f"127.0.0.1:{port}"],
        check=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def _sockets(load: Load, port: int, sessions: int) -> None:
    senders = [threading.Thread(target=_send, args=(load, port, load.messages // sessions)) for _ in range(sessions)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(120)


def _send(load: Load, port: int, messages: int) -> None:
    line = b"x" * 70 + b"\r\n"
    content = b"Subject: load\r\n\r\n" + line * max(load.size // len(line), 1)
    for _ in range(messages if load.a_connection == 1 else 1):
        deliver(port, [content] * (1 if load.a_connection == 1 else messages))


def deliver(port: int, contents: list[bytes]) -> str:
    """Send messages over one connection; the id of the last, where the server names ids."""
    with socket.create_connection(("127.0.0.1", port), 60) as connection, connection.makefile("rb") as replies:
        reply = _reply(replies.readline)
        transactions = (
            (
                f"MAIL FROM:<{SENDER}>\r\n".encode(),
                f"RCPT TO:<{RECIPIENT}>\r\n".encode(),
                b"DATA\r\n",
                content + b".\r\n",
            )
            for content in contents
        )
        for commands in ((b"HELO bench.example.com\r\n",), *transactions):
            for command in commands:
                connection.sendall(command)
                reply = _reply(replies.readline)
        connection.sendall(b"QUIT\r\n")
        _reply(replies.readline)
    return reply.split()[2].decode()


def _reply(readline: Callable[[], bytes]) -> bytes:
    line = readline()
    while line[3:4] == b"-":
        line = readline()
    if line[:1] not in (b"2", b"3"):
        raise RuntimeError(f"the server said {line!r}")
    return line
