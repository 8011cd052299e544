"""A golden dialog retold in the classic form, from its own lines alone: what the record must say of it.

Knows of SMTP only where a client's octets are content, secrets or nothing any more: behind 354, BDAT and 334, and
behind a reply that closes. It is written apart from what it judges, and shares no code with it.
"""

import re
from collections.abc import Iterator

from support.dialogs import octets, settings_of, spoken, steps
from support.machine import TLS, message_id

_VERBS = re.compile(
    rb"(?i)(HELO|EHLO|MAIL|RCPT|DATA|RSET|NOOP|QUIT|HELP|VRFY|EXPN|SEND|SOML|SAML|TURN|AUTH|STARTTLS|BDAT|XCLIENT)\b"
)
_CHUNK = re.compile(rb"(?i)BDAT +([0-9]+)(?: +LAST)?\s*")
_AUTH = re.compile(rb"(?i)(AUTH)(?:\s+(PLAIN|LOGIN|CRAM-MD5))?(?:\s+(.*))?")
_CLOSES = re.compile(r"221|421|.*closing connection$")
_TLS = f"--- {TLS.version} {TLS.cipher}"


class Retelling:
    """Goes through a dialog."""

    def __init__(self, lines: list[str]) -> None:
        self.told: list[str] = []
        self._limit = settings_of(lines).max_command_line
        self._tls_works = True
        self._data = b""
        self._code = ""
        self._line = b""
        self._blind = self._over = False
        for kind, texts in steps(spoken(lines)):
            match kind:
                case "C":
                    self._data += b"".join(octets(text[3:]) + (b"\r\n" if text[0] == "C" else b"") for text in texts)
                case "S":
                    for reply in _replies(texts):
                        self._answer(reply)
                case _:
                    self._happen(texts[0])
        if not self._over and self._data:  # the connection was dropped
            self._say()

    def _happen(self, what: str) -> None:
        if what == "secured":
            self.told.append(_TLS)
        elif what.startswith("tls "):
            self._tls_works = what == "tls works"
        elif what == "eof" and not self._over:
            self._say()
            self._over = True

    def _answer(self, reply: list[str]) -> None:
        if self._code and not self._over:
            self._say()
        self.told += [re.sub(r"\{([0-9])\}", lambda found: message_id(int(found[1])), line) for line in reply]
        self._code = reply[-1][:3]
        if _CLOSES.match(reply[-1]):
            self._over, self._data = True, b""
        elif self._code == "220" and self._line.upper() == b"STARTTLS":
            self._data = b""
            if self._tls_works:
                self.told.append(_TLS)
            else:
                self._over = True

    def _say(self) -> None:
        """What the client said before the reply, or before the end."""
        if self._code == "354":
            self._content()
        elif self._data:
            line, _, self._data = self._data.partition(b"\r\n")
            self.told.append(f">>> {_printable(self._masked(line))}")
            self._line = line
            if found := _CHUNK.fullmatch(line):
                size = int(found[1])
                if self._data or not size:  # else it is refused before an octet of it has come
                    self.told.append(f">>> ({min(size, len(self._data))} bytes)")
                self._data = self._data[size:]

    def _content(self) -> None:
        self._code = "content"
        content, end, rest = (b"\r\n" + self._data).partition(b"\r\n.\r\n")
        if end:
            content += b"\r\n"
        else:  # what may be the beginning of the end is not content yet
            content = re.sub(rb"\r(\n(\.\r?)?)?\Z", b"", content)
        size = len(content.replace(b"\r\n.", b"\r\n")) - 2
        self.told.append(f">>> ({size} bytes)")
        if end:
            self.told.append(">>> .")
        self._data = rest

    def _masked(self, line: bytes) -> bytes:
        if self._code == "334":
            return b"[masked %d]" % len(line)
        if found := _AUTH.fullmatch(line):
            self._blind = True
            words = [word for word in found.group(1, 2) if word]
            return b" ".join([*words, b"[masked %d]" % len(found[3])] if found[3] else words)
        if self._blind and not _VERBS.match(line):
            return b"[masked %d]" % len(line)
        return line[: self._limit]


def _replies(lines: list[str]) -> Iterator[list[str]]:
    reply: list[str] = []
    for line in lines:
        reply.append(line)
        if line[3:4] != "-":
            yield reply
            reply = []


def _printable(line: bytes) -> str:
    text = line.decode("utf-8", "surrogateescape")
    shown = [each if each.isprintable() else each.encode("utf-8", "surrogateescape") for each in text]
    return "".join(each if isinstance(each, str) else "".join(f"\\x{octet:02x}" for octet in each) for each in shown)
