"""The load: Postfix's smtp-source where it is installed, else plain sockets. Bounded, on 127.0.0.1 only."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass

SESSIONS = 4


@dataclass(frozen=True, slots=True)
class Load:
    """So many messages of so many bytes, over reused connections."""

    messages: int
    size: int


def source() -> str:
    """What makes the load on this machine."""
    return "smtp-source" if shutil.which("smtp-source") else "sockets"


def run(load: Load, port: int) -> None:
    """Send it all; returns when the last message was acknowledged."""
    program = shutil.which("smtp-source")
    if program:
        counts = ("-s", str(SESSIONS), "-m", str(load.messages), "-l", str(load.size), "-d")
        subprocess.run(
            [program, *counts, "-f", "a@example.com", "-t", "b@example.org", f"127.0.0.1:{port}"],
            check=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )
        return
    senders = [threading.Thread(target=_send, args=(load, port)) for _ in range(SESSIONS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(300)


def _send(load: Load, port: int) -> None:
    line = b"x" * 70 + b"\r\n"
    content = b"Subject: load\r\n\r\n" + line * max(load.size // len(line), 1) + b".\r\n"
    with socket.create_connection(("127.0.0.1", port), 60) as connection, connection.makefile("rb") as replies:
        _reply(replies.readline)
        commands = (b"MAIL FROM:<a@example.com>\r\n", b"RCPT TO:<b@example.org>\r\n", b"DATA\r\n", content)
        for command in (b"HELO bench.example.com\r\n", *commands * (load.messages // SESSIONS), b"QUIT\r\n"):
            connection.sendall(command)
            _reply(replies.readline)


def _reply(readline: Callable[[], bytes]) -> None:
    line = readline()
    while line[3:4] == b"-":
        line = readline()
    if line[:1] not in (b"2", b"3"):
        raise RuntimeError(f"the server said {line!r}")
