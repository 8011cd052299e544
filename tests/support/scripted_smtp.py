"""An SMTP server that says what it is told to, for clients under test: replies by verb, and what it was sent."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile

HANG_UP = b""
"""A reply that is none: the connection is closed."""

_REPLIES = {
    b"GREETING": b"220 test.org ESMTP",
    b"EHLO": b"250-test.org\r\n250-SIZE 1000000\r\n250 8BITMIME",
    b"DATA": b"354 go on",
    b"CONTENT": b"250 2.0.0 taken",
    b"STARTTLS": b"220 go on",
    b"QUIT": b"221 bye",
}


@dataclass
class ScriptedServer:
    """Serves one connection after another. A verb's reply is `replies[verb]`, or `replies[whole line]`, or 250.

    `ANSWER` is the reply to a line after a 334; `CONTENT` that to the end of data.
    """

    replies: Mapping[bytes, bytes] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    lines: list[bytes] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    address: str = ""

    def serve(self, listener: socket.socket) -> None:
        """Until the listener is closed."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(ConnectionError, ssl.SSLError), connection:
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        verb = b"GREETING"
        line = verb
        while reply := self._reply(line, verb):
            connection.sendall(reply + b"\r\n")
            if reply.startswith(b"354"):
                lines = list(takewhile(lambda line: line not in (b".\r\n", b""), iter(reader.readline, None)))
                self.contents.append(b"".join(lines))
                line = verb = b"CONTENT"
                continue
            if verb == b"STARTTLS" and self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                reader = connection.makefile("rb")
            line = reader.readline()
            if not line:
                break
            line = line.rstrip(b"\r\n")
            self.lines.append(line)
            verb = b"ANSWER" if reply.startswith(b"334") else line.partition(b" ")[0].upper()
        connection.close()

    def _reply(self, line: bytes, verb: bytes) -> bytes:
        known = _REPLIES | dict(self.replies)
        return known.get(line, known.get(verb, b"250 ok"))


@contextlib.contextmanager
def scripted_server(replies: Mapping[bytes, bytes] = {}, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """A server on a free port of loopback, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ScriptedServer(replies, tls, address=f"127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(30)
