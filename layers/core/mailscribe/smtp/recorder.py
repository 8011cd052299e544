"""The recording side of the transcript: what happened, as stored JSON lines, while it happens.

Secrets are masked before a line is stored anywhere. One event a line, in wire order, until a cap is reached: then
a `truncated` mark and nothing more but the closing line. The count of turns follows the rule by which the reading
side folds events into turns, so findings point at the right one.
"""

import base64
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import UNSET, Struct

from mailscribe.records import Finding, SessionEnd
from mailscribe.settings import Settings
from mailscribe.smtp.content import ContentFacts
from mailscribe.smtp.excerpt import TRUNCATED, Excerpt
from mailscribe.smtp.mask import Mask
from mailscribe.smtp.outcome import Outcome
from mailscribe.smtp.transcript import Closed, Note, Side, StoredContent, StoredHeader

MAX_FINDINGS: Final = 1000
_KINDS: Final = 16
"""Findings there are; a turn has no more."""
_encode: Final = msgspec.json.Encoder().encode


class Fate(Struct, frozen=True):
    """What became of content: the id if an object may exist, whether it was accepted, whether its end never came."""

    message: str | None
    accepted: bool = False
    torn: bool = False


class Recorder:
    """Records one session; `take` gives what is new."""

    __slots__ = (
        "_bytes", "_events", "_excerpt", "_is_answered", "_lines", "_mask", "_max_bytes", "_max_events", "_opened",
        "_truncated", "findings", "outcome", "turn",
    )  # fmt: skip

    def __init__(self, settings: Settings, header: StoredHeader) -> None:
        self._max_bytes = settings.max_transcript_bytes
        self._max_events = settings.max_transcript_events
        self._opened = header.opened
        self._mask = Mask()
        self._excerpt = Excerpt()
        self._lines: list[bytes] = []
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
        self._begin_turn()
        self.outcome.command(verb)
        self._put(_line(t, "C", self._mask.apply(line, is_known=is_known, missing=missing)))

    def content(self, t: int, facts: ContentFacts, fate: Fate) -> None:
        """The end of content, once its fate is known."""
        if self._is_answered:
            self._begin_turn()
        self.outcome.content(accepted=fate.accepted)
        stored = StoredContent(
            bytes=facts.size,
            lines=facts.lines,
            sha256=facts.sha256,
            message=fate.message or UNSET,
            accepted=fate.accepted,
            torn=fate.torn,
        )
        self._put(b'{"t":%d,"dir":"C","data":%b}\n' % (t, _encode(stored)))
        for finding in facts.findings:
            self.finding(t, finding)

    def reply(self, t: int, code: int, lines: list[str]) -> None:
        """A whole reply."""
        if self._is_answered:
            self._begin_turn()
            self.outcome.command(None)
        self._is_answered = True
        self.outcome.reply(code, self.turn)
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

    def note(self, t: int, note: Note) -> None:
        """A note between the lines."""
        self._put(b'{"t":%d,"dir":"!","note":%b}\n' % (t, _encode(note)))

    def close(self, t: int, end: SessionEnd, by: str, reason: str) -> None:
        """The closing line."""
        closed = Closed("client" if by == "client" else "server", reason)
        if end != "quit":
            self.note(t, Note(closed=closed))
        self._lines.append(
            closing_line(t, end, self.outcome.names(), self._opened + timedelta(microseconds=t), self.findings)
        )

    def take(self) -> bytes:
        """The stored lines since the last call."""
        lines = b"".join(self._lines)
        self._lines.clear()
        return lines

    def excerpt(self, t: int, lines: list[str]) -> bytes:
        """The session so far, compressed for a trace block, and the reply that will have been said if it is read."""
        return self._excerpt.compressed(b"".join([_text_line(t, "S", line) for line in lines]))

    def _begin_turn(self) -> None:
        self.turn += 1
        self._is_answered = False

    def _put(self, line: bytes) -> None:
        self._excerpt.add(line)
        if self._truncated:
            return
        self._bytes += len(line)
        self._events += 1
        if self._bytes > self._max_bytes or self._events > self._max_events:
            self._truncated = True
            self.findings.append(Finding(code="truncated", turn=max(self.turn, 0)))
            line = TRUNCATED
        self._lines.append(line)


def header_line(header: StoredHeader) -> bytes:
    """The first line of a stored transcript."""
    stored = msgspec.to_builtins(header)
    stored["opened"] = timestamp(header.opened)
    return _encode(stored) + b"\n"


def closing_line(t: int, end: SessionEnd, outcome: tuple[str, ...], closed: datetime, findings: list[Finding]) -> bytes:
    """The last line of a stored transcript."""
    facts = {"t": t, "dir": "!", "end": end, "outcome": outcome, "closed": timestamp(closed)}
    if findings:
        facts["findings"] = findings
    return _encode(facts) + b"\n"


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(t: int, side: Side, data: bytes) -> bytes:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return b'{"t":%d,"dir":"%b","lineB64":"%b"}\n' % (t, side.encode(), base64.b64encode(data))
    return _text_line(t, side, text)


def _text_line(t: int, side: Side, text: str) -> bytes:
    return b'{"t":%d,"dir":"%b","line":%b}\n' % (t, side.encode(), _encode(text))
