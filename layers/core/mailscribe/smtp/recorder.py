"""The recording side of the transcript: what happened, as stored JSON lines, while it happens.

Secrets are masked before a line is stored anywhere. One event a line, in wire order, until a cap is reached: then
a `truncated` mark and nothing more but the closing line. The count of turns follows the rule by which the reading
side folds events into turns, so findings point at the right one.
"""

import base64
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec
from msgspec import UNSET, Struct

from mailscribe.records import Client, Finding, SessionEnd
from mailscribe.settings import Settings
from mailscribe.smtp.content import ContentFacts
from mailscribe.smtp.event import MessageEnd, Observer
from mailscribe.smtp.excerpt import TRUNCATED, Excerpt
from mailscribe.smtp.mask import Mask
from mailscribe.smtp.outcome import Outcome
from mailscribe.smtp.transcript import Closed, Note, Side, StoredContent, StoredHeader

MAX_FINDINGS: Final = 1000
EOD: Final = "EOD"
"""In place of a verb: the end of content."""
_KINDS: Final = 16
"""Findings there are; a turn has no more."""
_encode: Final = msgspec.json.Encoder().encode


class _Header(Struct, frozen=True, gc=False):
    """The first line as stored: its time in milliseconds, which is as precise as it is kept."""

    v: int
    id: str
    client: Client
    listener: str
    host: str
    opened: str


class _Line(Struct, frozen=True, gc=False):
    """A line as stored."""

    t: int
    dir: Side
    line: str


class _Data(Struct, frozen=True, gc=False):
    """Content as stored, in place of its octets."""

    t: int
    dir: Side
    data: StoredContent


class _Noted(Struct, frozen=True, gc=False):
    """A note as stored."""

    t: int
    dir: Literal["!"]
    note: Note


class Fate(Struct, frozen=True):
    """What became of content: the id if a message may exist, whether it was accepted, whether its end never came.

    `refused` is the id under which refused content was kept; `discarded`: accepted and thrown away by a rule.
    """

    message: str | None
    accepted: bool = False
    torn: bool = False
    refused: str | None = None
    discarded: bool = False


class Recorder:
    """Records one session; `take` gives what is new."""

    __slots__ = (
        "_asked_at", "_bytes", "_events", "_excerpt", "_gathered", "_is_answered", "_lines", "_mask", "_max_bytes",
        "_max_events", "_observer", "_opened", "_truncated", "_verb", "findings", "outcome", "turn",
    )  # fmt: skip

    def __init__(self, settings: Settings, header: StoredHeader, observer: Observer | None = None) -> None:
        self._observer = observer
        self._verb: str | None = None
        self._asked_at: int | None = None
        self._max_bytes = settings.max_transcript_bytes
        self._max_events = settings.max_transcript_events
        self._opened = header.opened
        self._mask = Mask()
        self._excerpt = Excerpt()
        self._lines: list[bytes] = []
        self._gathered = b""
        self._bytes = 0
        self._events = 0
        self._truncated = False
        self._is_answered = True
        self.findings: list[Finding] = []
        self.outcome = Outcome()
        self.turn = -1
        self._put(header_line(header))

    def command(self, t: int, line: bytes, verb: str, *, is_known: bool, missing: int = 0) -> None:
        """A command line; `missing`: octets of it that were not kept."""
        self._begin_turn(verb, t)
        self.outcome.command(verb)
        self._put(_line(t, "C", self._mask.apply(line, is_known=is_known, missing=missing)))

    def continuation(self, t: int, length: int) -> None:
        """A line of an AUTH exchange, so many octets long: it belongs to the turn of its AUTH."""
        self._is_answered, self._asked_at = False, t
        self._put(_line(t, "C", self._mask.continuation(length)))

    def content(self, t: int, facts: ContentFacts, fate: Fate) -> None:
        """The end of content, once its fate is known."""
        if self._is_answered:
            self._begin_turn(EOD, t)
        self.outcome.content(delivered=fate.accepted and fate.message is not None)
        stored = StoredContent(
            bytes=facts.size,
            lines=facts.lines,
            sha256=facts.sha256,
            message=fate.message or UNSET,
            accepted=fate.accepted,
            refused=fate.refused or UNSET,
            discarded=fate.discarded,
            torn=fate.torn,
        )
        self._put(_encode(_Data(t, "C", stored)) + b"\n")
        for finding in facts.findings:
            self.finding(t, finding)

    def reply(self, t: int, code: int, lines: list[str]) -> None:
        """A whole reply."""
        if self._is_answered:
            self._begin_turn(None, None)
            self.outcome.command(None)
        self._is_answered = True
        if code >= 400:
            self.outcome.reply(code, self.turn)
        if self._observer is not None:
            self._observer.replied(self._verb, code, None if self._asked_at is None else t - self._asked_at)
        for line in lines:
            self._put(_text_line(t, "S", line))

    def finding(self, t: int, code: str) -> None:
        """Something worth knowing about the turn that is going on."""
        finding = Finding(code=code, turn=max(self.turn, 0))
        if self._truncated or finding in self.findings[-_KINDS:] or len(self.findings) >= MAX_FINDINGS:
            return
        self.note(t, Note(finding=code))
        if not self._truncated:
            self.findings.append(finding)
        if self._observer is not None:
            self._observer.finding(code)

    def message_ended(self, end: MessageEnd) -> None:
        """Tell the observer; the content itself has been recorded, with its chunks."""
        if self._observer is not None:
            self._observer.message(end)

    def tls_failed(self, t: int, reason: str) -> None:
        """A handshake came to nothing."""
        self.outcome.tls_failed()
        self.note(t, Note(tls_failed=reason))

    def note(self, t: int, note: Note) -> None:
        """A note between the lines."""
        self._put(_encode(_Noted(t, "!", note)) + b"\n")

    def close(self, t: int, end: SessionEnd, by: str, reason: str) -> tuple[str, ...]:
        """The closing line; the outcome that it tells."""
        closed = Closed("client" if by == "client" else "server", reason)
        if end != "quit":
            self.note(t, Note(closed=closed))
        self._gather()
        closed_at, outcome = self._opened + timedelta(microseconds=t), self.outcome.names()
        self._gathered += closing_line(t, end, outcome, closed_at, self.findings)
        return outcome

    def take(self) -> bytes:
        """The stored lines since the last call."""
        self._gather()
        lines, self._gathered = self._gathered, b""
        return lines

    def turns_so_far(self, t: int, lines: list[str]) -> bytes:
        """The session for a trace block's field, and the reply that will have been said if it is read."""
        self._gather()
        return self._excerpt.folded(b"".join([_text_line(t, "S", line) for line in lines]))

    def _gather(self) -> None:
        """Put new lines into the excerpt and among those to be taken, all at once."""
        if self._lines:
            lines = b"".join(self._lines)
            self._lines.clear()
            self._excerpt.add(lines)
            self._gathered += lines

    def _begin_turn(self, verb: str | None, t: int | None) -> None:
        self.turn += 1
        self._is_answered = False
        self._verb, self._asked_at = verb, t

    def _put(self, line: bytes) -> None:
        if self._truncated:
            self._excerpt.add(line)
            return
        self._bytes += len(line)
        self._events += 1
        if self._bytes <= self._max_bytes and self._events <= self._max_events:
            self._lines.append(line)
            return
        self._gather()
        self._excerpt.add(line)
        self._gathered += TRUNCATED
        self._truncated = True
        self.findings.append(Finding(code="truncated", turn=max(self.turn, 0)))


def header_line(header: StoredHeader) -> bytes:
    """The first line of a stored transcript."""
    told = _Header(header.v, header.id, header.client, header.listener, header.host, timestamp(header.opened))
    return _encode(told) + b"\n"


def closing_line(t: int, end: SessionEnd, outcome: tuple[str, ...], closed: datetime, findings: list[Finding]) -> bytes:
    """The last line of a stored transcript."""
    facts = {"t": t, "dir": "!", "end": end, "outcome": outcome, "closed": timestamp(closed)}
    if findings:
        facts["findings"] = findings
    return _encode(facts) + b"\n"


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def _line(t: int, side: Side, data: bytes) -> bytes:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return b'{"t":%d,"dir":"%b","lineB64":"%b"}\n' % (t, side.encode(), base64.b64encode(data))
    return _text_line(t, side, text)


def _text_line(t: int, side: Side, text: str) -> bytes:
    return _encode(_Line(t, side, text)) + b"\n"
