"""A stored transcript, read: JSON Lines to values (the form is `docs/api.md`, Transcript).

The first line is the session, then one event a line in wire order, then how it ended. A process may have died
while it wrote: an incomplete last line is dropped and a missing closing line gives `end` None. Anything else that
is not a transcript is `CorruptObject`.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from mailscribe.errors import CorruptObject
from mailscribe.records import Auth, Client, Content, Finding, SessionEnd, Tls

Side = Literal["C", "S"]
MAX_T: Final = 10**15
"""µs: no session lasts thirty years."""
_REPLY_LINE: Final = re.compile(rb"[2-5][0-9]{2}(?:[ -]|$)")


class LineEvent(Struct, frozen=True):
    """A line of the client (C) or server (S) without CRLF, secrets masked; `t` in µs since the opening."""

    t: int
    side: Side
    data: bytes

    @property
    def text(self) -> str:
        r"""The line as text; octets that are no UTF-8 as ``\xNN``."""
        return self.data.decode("utf-8", "backslashreplace")


class ContentEvent(Struct, frozen=True):
    """The content of DATA or BDAT in place of its octets; `torn`: its end never came."""

    t: int
    content: Content
    torn: bool = False


class Closed(Struct, frozen=True):
    """Who closed, and why."""

    by: Literal["client", "server"]
    reason: str


class RuleHit(Struct, frozen=True):
    """A rule that matched: its set and place, and what it did."""

    rule: str
    action: str


class Suppressed(Struct, frozen=True):
    """Sessions without a message that were counted and not kept: how many, and when the first and last ended."""

    sessions: int
    from_: datetime = field(name="from")
    to: datetime


class Note(Struct, frozen=True, omit_defaults=True):
    """Something that is no octet on the wire."""

    tls: Tls | UnsetType = UNSET
    tls_failed: str | UnsetType = field(name="tlsFailed", default=UNSET)
    rule: RuleHit | UnsetType = UNSET
    suppressed: Suppressed | UnsetType = UNSET
    auth: Auth | UnsetType = UNSET
    proxy: str | UnsetType = UNSET
    finding: str | UnsetType = UNSET
    truncated: bool = False
    closed: Closed | UnsetType = UNSET


class NoteEvent(Struct, frozen=True):
    """A note at its place among the lines."""

    t: int
    note: Note


@dataclass(frozen=True, slots=True)
class End:
    """The closing line: how and when the session ended, what came of it, what was seen."""

    t: int
    end: SessionEnd
    outcome: tuple[str, ...]
    closed: datetime
    findings: tuple[Finding, ...]


type TranscriptEvent = LineEvent | ContentEvent | NoteEvent


@dataclass(frozen=True, slots=True)
class Transcript:
    """A session's transcript; `end` is None while it is open or when its process died."""

    id: str
    client: Client
    listener: str
    host: str
    opened: datetime
    events: tuple[TranscriptEvent, ...]
    end: End | None


class StoredHeader(Struct, frozen=True):
    """The first line as stored."""

    v: Literal[1]
    id: str
    client: Client
    listener: str
    host: str
    opened: datetime


class StoredContent(Struct, frozen=True, omit_defaults=True):
    """Content as stored."""

    bytes: int
    lines: int
    sha256: str
    accepted: bool
    message: str | UnsetType = UNSET
    refused: str | UnsetType = UNSET
    discarded: bool = False
    torn: bool = False


class _StoredEvent(Struct, frozen=True):
    t: Annotated[int, Meta(ge=0, le=MAX_T)]
    dir: Literal["C", "S", "!"]
    line: str | UnsetType = UNSET
    line_b64: str | UnsetType = field(name="lineB64", default=UNSET)
    data: StoredContent | UnsetType = UNSET
    note: Note | UnsetType = UNSET
    end: SessionEnd | UnsetType = UNSET
    outcome: tuple[str, ...] = ()
    closed: datetime | UnsetType = UNSET
    findings: tuple[Finding, ...] = ()


_HEADER: Final = msgspec.json.Decoder(StoredHeader)
_EVENT: Final = msgspec.json.Decoder(_StoredEvent)


def read_transcript(data: bytes) -> Transcript:
    """The transcript in stored form. Raises `CorruptObject`."""
    lines = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]
    if not lines:
        raise CorruptObject("transcript without a first line")
    try:
        header = _HEADER.decode(lines[0])
        stored = [_EVENT.decode(line) for line in lines[1:]]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptObject("transcript with a line that is none") from error
    end = _end(stored[-1]) if stored else None
    events = tuple(_event(event) for event in (stored[:-1] if end else stored))
    return Transcript(header.id, header.client, header.listener, header.host, header.opened, events, end)


def _end(stored: _StoredEvent) -> End | None:
    if stored.end is UNSET:
        return None
    if stored.closed is UNSET:
        raise CorruptObject("transcript whose closing line has no time")
    return End(stored.t, stored.end, stored.outcome, stored.closed, stored.findings)


def _event(stored: _StoredEvent) -> TranscriptEvent:
    if stored.note is not UNSET:
        return NoteEvent(stored.t, stored.note)
    if stored.data is not UNSET:
        content = stored.data
        facts = Content(
            bytes=content.bytes,
            lines=content.lines,
            sha256=content.sha256,
            accepted=content.accepted,
            message=content.message,
            refused=content.refused,
            discarded=content.discarded or UNSET,
        )
        return ContentEvent(stored.t, facts, content.torn)
    if stored.dir == "!":
        raise CorruptObject("transcript with an event that says nothing")
    line = _octets(stored)
    if stored.dir == "S" and not _REPLY_LINE.match(line):
        raise CorruptObject("transcript with a reply that is none")
    return LineEvent(stored.t, stored.dir, line)


def _octets(stored: _StoredEvent) -> bytes:
    if stored.line is not UNSET:
        return stored.line.encode()
    if stored.line_b64 is UNSET:
        raise CorruptObject("transcript with an event that says nothing")
    try:
        return base64.b64decode(stored.line_b64, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CorruptObject("transcript with a line that is no base64") from error
