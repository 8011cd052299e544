"""A raw SMTP client: what a person types, and what comes back, byte for byte."""

import socket
from typing import Self

CRLF = b"\r\n"


class Wire:
    """One TCP connection to an SMTP server."""

    def __init__(self, host: str, port: int, timeout: float = 30.0) -> None:
        self.socket = socket.create_connection((host, port), timeout)
        self._buffer = b""

    def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.socket.sendall(data)

    def line(self) -> bytes:
        """The next line without CRLF; b"" at the end of the connection."""
        while b"\n" not in self._buffer:
            more = self.socket.recv(65_536)
            if not more:
                return b""
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.removesuffix(b"\r")

    def reply(self) -> list[bytes]:
        """The lines of the next reply."""
        lines = [self.line()]
        while lines[-1][3:4] == b"-":
            lines.append(self.line())
        return lines

    def say(self, command: bytes) -> list[bytes]:
        """Send a command line and take its reply."""
        self.send(command + CRLF)
        return self.reply()

    def code(self, command: bytes) -> int:
        """Send a command line; its reply's code (0: closed)."""
        return int(self.say(command)[-1][:3] or b"0")

    def deliver(
        self, content: bytes, *, sender: str = "a@example.com", to: tuple[str, ...] = ("b@example.org",)
    ) -> str:
        """One transaction in a session that was greeted; the message's id. `content` is sent dot-stuffed."""
        assert self.code(f"MAIL FROM:<{sender}>".encode()) == 250
        for recipient in to:
            assert self.code(f"RCPT TO:<{recipient}>".encode()) == 250
        assert self.code(b"DATA") == 354
        stuffed = content.replace(b"\r\n.", b"\r\n..")
        if stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        self.send(stuffed + b".\r\n")
        reply = self.reply()[-1]
        assert reply.startswith(b"250 2.0.0 "), reply
        return reply.split()[2].decode()

    def closed(self) -> bool:
        """Whether the server has closed: waits for it."""
        return self.line() == b"" and not self._buffer

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
