"""The trace block in front of a message object, built and read.

It makes the object describe itself: length of the block, envelope, session, transcript so far, and the Received
field of RFC 5321 §4.4. ASCII but for addresses that came under SMTPUTF8 (UTF-8, as RFC 6531 §3.7.3 has it), no line
over 998 octets without CRLF. The number in its first line is the exact
length of the block, that line included; what follows it are the client's bytes. It is believed only under
`messages/`, where nobody but the front end writes.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Final

import msgspec
from msgspec import Struct

from mailscribe.errors import CorruptObject
from mailscribe.records import Auth, Client, DeliveredTo, Delivery, Envelope, SessionLink, Tls
from mailscribe.smtp.excerpt import decompress, folded
from mailscribe.smtp.transcript import Transcript, read_transcript

MAX_LINE: Final = 998
_FOLD: Final = 900
_FIRST: Final = re.compile(rb"X-Mailscribe-Object: 1 ([1-9][0-9]{0,8})\r\n")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._:\[\]-]")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class TraceFacts(Struct, frozen=True, rename="camel", kw_only=True):
    """What the block says of a message and its session; the JSON of its envelope line."""

    id: str
    envelope: Envelope
    delivered_to: tuple[DeliveredTo, ...] = ()
    delivery: Delivery = "mailbox"
    session: SessionLink
    client: Client
    helo: str | None
    extended: bool
    tls: Tls | None = None
    auth: Auth | None = None
    listener: str
    host: str
    opened: datetime


@dataclass(frozen=True)
class Trace:
    """A block as read: its length in octets, the facts, the session's turns up to the message as `stored`."""

    length: int
    message_id: str
    envelope: Envelope
    delivered_to: tuple[DeliveredTo, ...]
    delivery: Delivery
    session: SessionLink
    client: Client
    helo: str | None
    tls: Tls | None
    auth: Auth | None
    listener: str
    host: str
    opened: datetime
    stored: bytes

    @cached_property
    def transcript(self) -> Transcript:
        """The turns, read when they are first asked for. Raises `CorruptObject`."""
        return read_transcript(self.stored)


_FACTS: Final = msgspec.json.Decoder(TraceFacts)
_encode: Final = msgspec.json.Encoder().encode


def build_trace(facts: TraceFacts, *, at: datetime, excerpt: bytes) -> bytes:
    """The block of a message that began to arrive at `at`; `excerpt`: the session's transcript, compressed."""
    return compose_trace(facts, at=at, turns=folded(excerpt))


def compose_trace(facts: TraceFacts, *, at: datetime, turns: bytes) -> bytes:
    """The same; `turns`: that excerpt as it stands in its field."""
    recipients = facts.delivered_to or facts.envelope.rcpt_to
    lines = [
        f"Return-Path: <{facts.envelope.mail_from.email}>",
        *[f"Delivered-To: {recipient.email}" for recipient in recipients],
        _folded("X-Mailscribe-Envelope: ", _json_pieces(facts)),
        "X-Mailscribe-Transcript: ",
    ]
    received = _received(facts, at)
    rest = b"%b%b%b" % ("\r\n".join(lines).encode(), turns, received.encode())
    length = len(rest)
    while True:
        first = b"X-Mailscribe-Object: 1 %d\r\n" % length
        if len(first) + len(rest) == length:
            return first + rest
        length = len(first) + len(rest)


def parse_trace(data: bytes) -> Trace:
    """The block at the front of a message object, whole; `data` may go on after it. Raises `CorruptObject`."""
    trace = open_trace(data)
    _ = trace.transcript  # what there is to raise is raised here
    return trace


def open_trace(data: bytes) -> Trace:
    """As `parse_trace`, but for the turns: their checksum is looked at, their lines are not. Raises `CorruptObject`."""
    first = _FIRST.match(data)
    if first is None:
        raise CorruptObject("message object without a trace block")
    length = int(first[1])
    if length > len(data) or data[length - 2 : length] != b"\r\n" or length < first.end():
        raise CorruptObject("trace block of a wrong length")
    fields = _fields(data[first.end() : length - 2])
    try:
        facts = _FACTS.decode(fields[b"x-mailscribe-envelope"])
        excerpt = base64.b64decode(fields[b"x-mailscribe-transcript"], validate=True)
    except KeyError as error:
        raise CorruptObject(f"trace block without {error.args[0]!r}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error) as error:
        raise CorruptObject("trace block that cannot be decoded") from error
    return Trace(
        length=length,
        message_id=facts.id,
        envelope=facts.envelope,
        delivered_to=facts.delivered_to,
        delivery=facts.delivery,
        session=facts.session,
        client=facts.client,
        helo=facts.helo,
        tls=facts.tls,
        auth=facts.auth,
        listener=facts.listener,
        host=facts.host,
        opened=facts.opened,
        stored=decompress(excerpt),
    )


def _fields(block: bytes) -> dict[bytes, bytes]:
    """Fields by lower-case name, folds taken out whole: white space at a fold is ours, never the value's."""
    fields: dict[bytes, bytes] = {}
    for line in re.sub(rb"\r\n[ \t]", b"", block).split(b"\r\n"):
        name, _, value = line.partition(b":")
        fields.setdefault(name.lower(), value.strip())
    return fields


def _json_pieces(facts: TraceFacts) -> list[str]:
    """The facts as ASCII JSON, cut between tokens so that folding cannot change a string."""
    text = _encode(facts)
    if len(text) <= _FOLD and text.isascii():
        return [text.decode()]
    return json.dumps(json.loads(text), indent=0, separators=(",", ":")).split("\n")


def _folded(name: str, pieces: list[str]) -> str:
    """A field: the pieces in order, as many to a line as fit."""
    lines, line = [], name + pieces[0]
    for piece in pieces[1:]:
        if len(line) + len(piece) > _FOLD + len(name):
            lines.append(line)
            line = " "
        line += piece
    return "\r\n".join((*lines, line))


def _received(facts: TraceFacts, at: datetime) -> str:
    """RFC 5321 §4.4: from the name the client gave and its address, by us, with the keyword of RFC 3848."""
    client = facts.client
    literal = f"IPv6:{client.ip}" if ":" in client.ip else client.ip
    known_as = f"{_safe(client.name)} " if client.name else ""
    recipients = facts.envelope.rcpt_to
    target = f"\r\n\tfor <{recipients[0].email}>; " if len(recipients) == 1 else ";\r\n\t"
    return (
        f"\r\nReceived: from {_safe(facts.helo or 'unknown')} ({known_as}[{literal}])"
        f"\r\n\tby {_safe(facts.host)} with {_protocol(facts)} id {facts.id}{target}{date_time(at)}\r\n"
    )


@lru_cache(maxsize=256)
def _safe(name: str) -> str:
    """A host name in which nothing is left that means something in a Received field."""
    return _UNSAFE.sub("?", name)


def _protocol(facts: TraceFacts) -> str:
    """The with-keyword of RFC 3848, or of RFC 6531 §4.3 where SMTPUTF8 was said.

    S: under TLS, A: authenticated.
    """
    if not facts.extended:
        return "SMTP"
    utf8 = "SMTPUTF8" in (facts.envelope.mail_from.parameters or {})
    return f"{'UTF8SMTP' if utf8 else 'ESMTP'}{'S' if facts.tls else ''}{'A' if facts.auth else ''}"


def date_time(moment: datetime) -> str:
    """RFC 5322 §3.3 date-time in UTC, whatever the locale.

    >>> date_time(datetime(1998, 5, 21, 11, 37, 24, tzinfo=UTC))
    'Thu, 21 May 1998 11:37:24 +0000'
    """
    return _date_time(moment.astimezone(UTC).replace(microsecond=0))


@lru_cache(maxsize=4)
def _date_time(utc: datetime) -> str:
    """Of a second: many messages come in one."""
    clock = f"{utc.hour:02}:{utc.minute:02}:{utc.second:02}"
    return f"{_DAYS[utc.weekday()]}, {utc.day} {_MONTHS[utc.month - 1]} {utc.year:04} {clock} +0000"
