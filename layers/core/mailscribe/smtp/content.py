"""The octets of a message (RFC 5321 §4.1.1.4, §4.5.2, RFC 3030): where they end, what they are, if they are welcome.

After 354 only CRLF . CRLF ends content; the CRLF before the dot belongs to it. The end is always searched for, however
bad the content: refused octets are never read as commands. The octets of BDAT were counted before they came here.
Work is done on whole blocks (find, replace, count, one hash update), never line by line, and the outcome depends on
the bytes alone, never on how they were split.
"""

import hashlib
from typing import Final

from msgspec import Struct

from mailscribe.settings import Settings
from mailscribe.smtp.counting import count, find
from mailscribe.smtp.header import HeaderScan
from mailscribe.smtp.reply import ReplyName

_END: Final = b"\r\n.\r\n"
_STUFFED: Final = b"\r\n."
TEXT_LINE: Final = 1000
"""Octets of a text line, CRLF included (RFC 5321 §4.5.3.1.6): flagged above."""


class ContentFacts(Struct, frozen=True):
    """What was received: octets after dot-unstuffing, lines, SHA-256 in hexadecimal, findings, and the refusal."""

    size: int
    lines: int
    sha256: str
    findings: tuple[str, ...]
    refusal: ReplyName | None


class ContentReceiver:
    """Receives one message's content."""

    __slots__ = (
        "_bare",
        "_binary",
        "_column",
        "_cr",
        "_eight_bit",
        "_findings",
        "_hash",
        "_header",
        "_limit",
        "_line_limit",
        "_lines",
        "_pending",
        "_settings",
        "_size",
        "_started",
        "_too_long",
    )

    def __init__(
        self, settings: Settings, *, eight_bit: bool = False, binary: bool = False, limit: int | None = None
    ) -> None:
        """`eight_bit`, `binary`: what BODY declared; `limit`: octets that are taken, if fewer than the setting."""
        self._settings = settings
        self._eight_bit = eight_bit or binary
        self._binary = binary
        self._limit = settings.max_message_size if limit is None else limit
        self._findings: set[str] = set()
        self._hash = hashlib.sha256()
        self._header = HeaderScan(settings)
        self._pending = b"\r\n"  # the CRLF of the DATA command stands before the first line
        self._started = False
        self._bare: ReplyName | None = None
        self._column = 0
        self._cr = False
        self._line_limit: int | None = TEXT_LINE
        self._too_long = False
        self._lines = 0
        self._size = 0

    @property
    def is_flood(self) -> bool:
        """Whether it has grown beyond twice the limit: its end is not waited for."""
        return self._size > 2 * self._limit

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Take octets. Returns content to keep, and, once the end is found, what follows it (else None)."""
        block = self._pending + data
        dot = find(block, _STUFFED, 0)
        end = find(block, _END, dot) if dot >= 0 else -1
        rest = None
        if end >= 0:
            rest = block[end + 5 :]
            block = block[: end + 2]
        else:
            held = _held(block)
            if held:
                self._pending = block[-held:]
                block = block[:-held]
            else:
                self._pending = b""
        if dot >= 0 and dot != end:
            block = block.replace(_STUFFED, b"\r\n")
        if not self._started and block:
            self._started = True
            block = block[2:]
        return self._take(block), rest

    def chunk(self, data: bytes) -> bytes:
        """Take octets of BDAT; the part that is kept."""
        return self._take(data)

    @property
    def limit(self) -> int:
        """Octets that are taken."""
        return self._limit

    def so_far(self) -> ContentFacts:
        """What was received before the end."""
        return ContentFacts(self._size, self._lines, self._hash.hexdigest(), (), None)

    def close(self) -> ContentFacts:
        """What was received, after the end or when it will not come."""
        self._header.close()
        if self._cr:
            self._note_bare_cr()
        findings = tuple(sorted(self._findings.union(self._header.findings)))
        return ContentFacts(self._size, self._lines, self._hash.hexdigest(), findings, self._refusal())

    def _refusal(self) -> ReplyName | None:
        if self._size > self._limit:
            return ReplyName.MESSAGE_TOO_BIG
        if self._header.refusal is not None:
            return self._header.refusal
        if self._bare is not None and self._settings.line_ends == "reject":
            return self._bare
        return ReplyName.TEXT_LINE_TOO_LONG if self._too_long else None

    def _take(self, piece: bytes) -> bytes:
        """Count, hash and inspect; the part of `piece` that is kept."""
        limit, room = self._limit, self._limit - self._size
        if len(piece) > room + limit:
            piece = piece[: room + limit + 1]
        self._size += len(piece)
        if not piece:
            return piece
        self._hash.update(piece)
        self._header.feed(piece)
        self._inspect(piece)
        return piece if len(piece) <= room else piece[: max(room, 0)]

    def _inspect(self, piece: bytes) -> None:
        if self._binary:
            self._lines += count(piece, b"\n")
            return
        feeds, ends, returns = count(piece, b"\n"), count(piece, b"\r\n"), count(piece, b"\r")
        self._lines += feeds
        if self._cr:  # a chunk may end between CR and LF
            returns += 1
            ends += piece.startswith(b"\n")
        self._cr = piece.endswith(b"\r")
        if feeds != ends:
            self._findings.add("bare-lf")
            self._bare = ReplyName.BARE_LF
        if returns - self._cr != ends:
            self._note_bare_cr()
        if 0 in piece:
            self._findings.add("nul")
        if not self._eight_bit and not piece.isascii():
            self._findings.add("eight-bit-without-8bitmime")
        self._measure(piece)

    def _note_bare_cr(self) -> None:
        self._findings.add("bare-cr")
        self._bare = self._bare or ReplyName.BARE_CR

    def _measure(self, piece: bytes) -> None:
        """Look for lines longer than the limits, a jump per limit instead of a step per line."""
        start = -self._column
        limit = self._line_limit
        while limit is not None and len(piece) - start > limit:
            newline = piece.rfind(b"\n", max(start, 0), max(start + limit, 0))
            if newline >= 0:
                start = _past_lines(piece, newline + 1, limit)
            else:
                limit = self._line_limit = self._longer(limit)
        last = piece.rfind(b"\n")
        self._column = len(piece) - 1 - last if last >= 0 else self._column + len(piece)

    def _longer(self, limit: int) -> int | None:
        """A line is longer than `limit`: note it; the next limit to look for."""
        most = self._settings.max_text_line
        if limit < most:
            self._findings.add("long-line")
            return most
        self._too_long = True
        self._findings.add("long-line")
        return None


def _past_lines(piece: bytes, start: int, limit: int) -> int:
    """Where, from `start` on, the first line begins that may be longer than `limit`; or the last of the piece."""
    last, newline = len(piece) - limit, start - 1
    while start < last and (newline := piece.rfind(b"\n", start, start + limit)) >= 0:
        start = newline + 1
    return start


def _held(block: bytes) -> int:
    """Octets at the end that may belong to the end of content or to a stuffed dot."""
    for length in (4, 3, 2, 1):
        if block.endswith(_END[:length]):
            return length
    return 0
