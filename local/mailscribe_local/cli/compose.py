"""The user agent's composing: a message from a file or from what a person types, and its envelope.

A message that is given goes out byte for byte, with four exceptions: Date and Message-ID are put before it when
missing (RFC 5322 §3.6, RFC 6409 §8), bare CR and LF become CRLF, as SMTP demands (RFC 5321 §2.3.8), its last line
is ended, and when it is its own list of recipients its Bcc field stays here (RFC 5322 §3.6.3). What is no address
is said, never dropped.
"""

import getpass
import mimetypes
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Final

from mailscribe.errors import ConfigError
from mailscribe.message import Address, Field, parse
from mailscribe.message.address import parse_addresses

_HEADER_END: Final = re.compile(rb"\r\n\r\n|\A\r\n")
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_SEVEN_BIT: Final = SMTP.clone(cte_type="7bit")
"""For whatever server it meets."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
# RFC 5321 §4.1.2 Mailbox, as near as a path stays one word: the server is the judge of the rest
_SENDABLE: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s<>"@]+)(?:@[^\s<>@]+)?')
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Draft:
    """A message ready to be sent: content with CRLF line ends, and the envelope."""

    content: bytes
    sender: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a new message is made of; `sender` is None when nobody said, empty for the null reverse-path."""

    sender: str | None
    to: tuple[str, ...]
    subject: str = ""
    body: str = ""
    attachments: tuple[Path, ...] = ()


def qualified_name() -> str | None:
    """The name of this host, if it is a qualified one; no name server is asked."""
    name = socket.gethostname()
    return name if _DOMAIN.fullmatch(name) else None


def default_sender() -> str:
    """Who sends when nobody says: the user at this host."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a user id without a name
        user = "nobody"
    return f"{user if _SENDABLE.fullmatch(user) else 'nobody'}@{_host_name()}"


def mailboxes(option: str, values: Iterable[str]) -> tuple[Address, ...]:
    """The mailboxes of values that may each hold several, in order. Raises `ConfigError` for what is none.

    >>> [address.email for address in mailboxes("--to", ["Ann <ann@example.org>, bob@example.org", "root"])]
    ['ann@example.org', 'bob@example.org', 'root']
    """
    found: list[Address] = []
    for value in values:
        addresses = parse_addresses(value)
        if not addresses or _CONTROL.search(value) or not all(_SENDABLE.fullmatch(each.email) for each in addresses):
            raise ConfigError(f"{option} {value}: not an address")
        found += addresses
    return tuple(found)


def decode(data: bytes) -> str:
    r"""Text that was typed or piped in: UTF-8, else Latin-1; line ends become LF.

    >>> decode(b"gr\xfc\xdfe\r\n")
    'grüße\n'
    """
    data = _LINE_END.sub(b"\n", data)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def from_file(content: bytes, sender: str | None, to: Sequence[str]) -> Draft:
    """A message that exists. Recipients: those given, else its To, Cc and Bcc fields."""
    content = _LINE_END.sub(b"\r\n", content)
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    end = _HEADER_END.search(content)
    fields = parse(content[: end.start() + 2] if end else content).headers
    recipients = _paths(mailboxes("--to", to))
    if not recipients:
        recipients = _paths(_named(fields, "to", "cc", "bcc"))
        content = _without(content, [field for field in fields if field.name.lower() == "bcc"])
    if not recipients:
        raise ConfigError("nobody to send to: give --to, or a message with To, Cc or Bcc")
    if sender is None:
        authors = _paths([*_named(fields, "sender"), *_named(fields, "from")])
        sender = authors[0] if authors else default_sender()
    reverse_path = _path(sender)
    return Draft(_missing_fields(fields, reverse_path) + content, reverse_path, recipients)


def from_parts(parts: Parts) -> Draft:
    """A new message of text and attachments."""
    to = mailboxes("--to", parts.to)
    if not to:
        raise ConfigError("nobody to send to: give --to ADDRESS")
    sender = parts.sender if parts.sender is not None else default_sender()
    reverse_path = _path(sender)
    message = EmailMessage(policy=SMTP)
    message["From"] = ", ".join(map(_written, mailboxes("--from", [sender or f"postmaster@{_host_name()}"])))
    message["To"] = ", ".join(map(_written, to))
    message["Subject"] = " ".join(_CONTROL.sub(" ", parts.subject).split())
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = _new_message_id(reverse_path)
    message.set_content(parts.body if parts.body.endswith("\n") or not parts.body else f"{parts.body}\n")
    for path in parts.attachments:
        _attach(message, path)
    recipients = _paths(to)
    ascii_only = all(address.isascii() for address in (reverse_path, *recipients))
    return Draft(message.as_bytes(policy=_SEVEN_BIT if ascii_only else SMTPUTF8), reverse_path, recipients)


def ask(to: Sequence[str], subject: str | None, prompt: Callable[[str], str]) -> tuple[Sequence[str], str, str]:
    """Ask a person for what is missing, as `mail` did: To, Subject, and a body that a lone `.` ends."""
    try:
        to = to or (prompt("To: "),)
        mailboxes("--to", to)  # before anything more is typed
        topic = subject if subject is not None else prompt("Subject: ")
    except EOFError as error:
        raise ConfigError("nothing more to read, and nothing sent") from error
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


def _host_name() -> str:
    return qualified_name() or "localhost.localdomain"


def _path(sender: str) -> str:
    """The reverse-path of a sender, who may be given with a name; empty stays empty."""
    if not sender.strip():
        return ""
    return mailboxes("--from", [sender])[0].email


def _paths(addresses: Iterable[Address]) -> tuple[str, ...]:
    """Each address once, in order. Raises `ConfigError` for a mailbox without an address that can be sent."""
    paths = list(dict.fromkeys(address.email for address in addresses))
    for path in paths:
        if not _SENDABLE.fullmatch(path) or _CONTROL.search(path):
            raise ConfigError("a field of the message names somebody without an address; give --to and --from")
    return tuple(paths)


def _named(fields: Iterable[Field], *names: str) -> list[Address]:
    """Whom the fields of these names hold, every one of them."""
    return [address for field in fields if field.name.lower() in names for address in parse_addresses(field.value)]


def _missing_fields(fields: Iterable[Field], sender: str) -> bytes:
    present, lines = {field.name.lower() for field in fields}, []
    if "date" not in present:
        lines.append(f"Date: {formatdate(localtime=True)}")
    if "message-id" not in present:
        lines.append(f"Message-ID: {_new_message_id(sender)}")
    if not present:
        lines.append("")
    return "".join(f"{line}\r\n" for line in lines).encode()


def _new_message_id(sender: str) -> str:
    """A msg-id at the sender's domain, or at this host."""
    domain = sender.rpartition("@")[2]
    return make_msgid(domain=domain if _DOMAIN.fullmatch(domain) else _host_name())


def _without(content: bytes, fields: Sequence[Field]) -> bytes:
    for field in reversed(fields):
        content = content[: field.start] + content[field.end :]
    return content


def _written(address: Address) -> str:
    """A mailbox as a header field has it."""
    if not address.name:
        return address.email
    name = address.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{address.email}>'


def _attach(message: EmailMessage, path: Path) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--attach {path}: {error.strerror}") from error
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    main, _, sub = kind.partition("/")
    message.add_attachment(content, maintype=main, subtype=sub, filename=path.name)
