"""Memory of SMTP servers: what an idle connection takes beyond its socket, what large messages on their way take.

Resident size of the process; what the kernel keeps for a socket is not in it.
"""

import contextlib
import resource
import socket
from pathlib import Path

from benchmarks import node
from benchmarks.load import Load, run
from benchmarks.servers import Server, Start, aiosmtpd_sink, node_sink, null_store, stack

IDLE = 1000
FIRST = 200
"""Connections before the count begins: the first ones pay for what all share."""
LARGE = Load(20, 10_000_000)
CONTENDERS: dict[str, tuple[Start, bool]] = {
    "aiosmtpd, sink": (aiosmtpd_sink, True),
    "smtp-server of Node, sink": (node_sink, True),
    "mailscribe, null store": (null_store, True),
    "mailscribe up, SMTP process": (stack, False),
}
"""Each with whether it admits so many connections of one client."""


def table(folder: Path) -> list[str]:
    """The table, in Markdown."""
    _raise_descriptor_limit()
    lines = ["| memory | an idle connection | 20 × 10 MB at once, over idle |", "|---|---|---|"]
    for name, (start, is_open) in CONTENDERS.items():
        if start is node_sink and not node.modules():
            continue
        with start(folder / "memory") as server:
            idle = f"{_idle(server) / 1000:.1f} KB" if is_open else "–"
            before = server.resident("smtp")
            run(LARGE, server.port, sessions=LARGE.messages)
            lines.append(f"| {name} | {idle} | {(server.peak('smtp') - before) / 1e6:.0f} MB |")
    return lines


def _idle(server: Server) -> float:
    with contextlib.ExitStack() as clients:
        for _ in range(FIRST):
            clients.enter_context(_connect(server.port))
        before = server.resident("smtp")
        for _ in range(IDLE):
            clients.enter_context(_connect(server.port))
        return (server.resident("smtp") - before) / IDLE


def _connect(port: int) -> socket.socket:
    """A client that has said EHLO, and says no more."""
    client = socket.create_connection(("127.0.0.1", port), 30)
    for command in (b"", b"EHLO bench.example.com\r\n"):
        client.sendall(command)
        while not client.recv(4096).endswith(b"\r\n"):
            pass
    return client


def _raise_descriptor_limit() -> None:
    """For this process and those that it starts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
