"""The user agent's composing: a message from a file or from what a person types, and its envelope.

A message that is given goes out byte for byte; only Date and Message-ID are put before it when missing
(RFC 5322 §3.6, RFC 6409 §8), and bare line feeds become CRLF, as SMTP demands (RFC 5321 §2.3.8).
"""

import getpass
import mimetypes
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate, getaddresses, make_msgid
from pathlib import Path
from typing import Final

from mailscribe.errors import ConfigError

_HEADER_END: Final = re.compile(rb"\r\n\r\n")
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class Draft:
    """A message ready to be sent: content with CRLF line ends, and the envelope."""

    content: bytes
    sender: str
    recipients: tuple[str, ...]


def default_sender() -> str:
    """Who sends when nobody says: the user at this host."""
    host = socket.gethostname()
    return f"{getpass.getuser()}@{host if '.' in host else host + '.localdomain'}"


def split_addresses(values: Sequence[str]) -> tuple[str, ...]:
    """Addr-specs from values that may each hold several, in order, once each.

    >>> split_addresses(["Ann <ann@example.org>, bob@example.org", "bob@example.org"])
    ('ann@example.org', 'bob@example.org')
    """
    return tuple(dict.fromkeys(address for _, address in getaddresses(list(values)) if address))


def from_file(content: bytes, sender: str | None, recipients: Sequence[str]) -> Draft:
    """A message that exists. Recipients: those given, else its To, Cc and Bcc fields."""
    content = _BARE_LF.sub(b"\r\n", content)
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    names = _header_names(content)
    missing = []
    if b"date" not in names:
        missing.append(f"Date: {formatdate(localtime=True)}")
    if b"message-id" not in names:
        missing.append(f"Message-ID: {make_msgid()}")
    if not names:
        missing.append("")
    prefix = "".join(f"{line}\r\n" for line in missing).encode()
    to = split_addresses(recipients) or _addresses(content, (b"to", b"cc", b"bcc"))
    if not to:
        raise ConfigError("nobody to send to: give --to, or a message with To, Cc or Bcc")
    senders = _addresses(content, (b"sender", b"from"))
    return Draft(prefix + content, sender if sender is not None else (senders or (default_sender(),))[0], to)


def from_parts(
    sender: str | None, recipients: Sequence[str], subject: str, body: str, attachments: Sequence[Path]
) -> Draft:
    """A new message of text and attachments."""
    to = split_addresses(recipients)
    if not to:
        raise ConfigError("nobody to send to: give --to ADDRESS")
    origin = sender if sender is not None else default_sender()
    message = EmailMessage(policy=SMTP)
    message["From"] = origin or f"postmaster@{socket.gethostname()}"
    message["To"] = ", ".join(to)
    message["Subject"] = " ".join(subject.split())
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid()
    message.set_content(body if body.endswith("\n") or not body else f"{body}\n")
    for path in attachments:
        _attach(message, path)
    addresses_are_ascii = all(address.isascii() for address in (origin, *to))
    return Draft(message.as_bytes(policy=SMTP if addresses_are_ascii else SMTPUTF8), origin, to)


def ask(
    recipients: Sequence[str], subject: str | None, prompt: Callable[[str], str]
) -> tuple[tuple[str, ...], str, str]:
    """Ask a person for what is missing, as `mail` did: To, Subject, and a body that a lone `.` ends."""
    to = tuple(recipients) or (prompt("To: "),)
    topic = subject if subject is not None else prompt("Subject: ")
    lines: list[str] = []
    while True:
        try:
            line = prompt("")
        except EOFError:
            break
        if line == ".":
            break
        lines.append(line)
    return to, topic, "".join(f"{line}\n" for line in lines)


def _attach(message: EmailMessage, path: Path) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--attach {path}: {error.strerror}") from error
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    main, _, sub = kind.partition("/")
    message.add_attachment(content, maintype=main, subtype=sub, filename=path.name)


def _header_block(content: bytes) -> bytes:
    end = _HEADER_END.search(content)
    return content[: end.start() + 2] if end else content


def _header_names(content: bytes) -> set[bytes]:
    return {found.lower() for found in re.findall(rb"(?m)^([!-9;-~]+)[ \t]*:", _header_block(content))}


def _addresses(content: bytes, names: Sequence[bytes]) -> tuple[str, ...]:
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"", _header_block(content))
    values: list[str] = []
    for name in names:
        found = re.findall(rb"(?mi)^" + name + rb"[ \t]*:([^\r\n]*)", unfolded)
        values += [value.decode("utf-8", "replace") for value in found]
    return split_addresses(values)
