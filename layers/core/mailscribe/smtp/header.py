"""The header block while content arrives: where it ends, how large it is, which fields it holds.

Looks at the beginning of a message only, and only for what SMTP must know: caps on the block, mail loops
(RFC 5321 §6.3), and whether Message-ID and Date are there. Parsing is for the message parser. The block ends at
the first line that is neither a field nor a continuation, so a text without header is not taken for one.
"""

import re
from typing import Final

from mailscribe.settings import Settings
from mailscribe.smtp.reply import ReplyName

# field-name = 1*ftext ; ftext = %d33-57 / %d59-126 (RFC 5322 §3.6.8); longer names do not fit a line.
_NAME: Final = rb"[!-9;-~]{1,998}"
_FIELD: Final = re.compile(rb"^(" + _NAME + rb")[ \t]{0,9}:", re.MULTILINE)
_NO_FIELD: Final = re.compile(rb"^(?!" + _NAME + rb"[ \t]{0,9}:|[ \t])", re.MULTILINE)
_ENOUGH: Final = 1100
"""Octets of a line after which it is plain whether it is a field."""


class HeaderScan:
    """Watches one message's header block."""

    __slots__ = ("_block", "_done", "_from", "_settings", "findings", "refusal")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._block = bytearray()
        self._from = 0
        self._done = False
        self.refusal: ReplyName | None = None
        self.findings: tuple[str, ...] = ()

    def feed(self, piece: bytes) -> None:
        """Take the next octets, dots unstuffed."""
        if self._done:
            return
        block: bytes | bytearray = piece
        if self._block:
            self._block += piece
            block = self._block
        newline = block.rfind(b"\n")
        known = len(block) if len(block) - newline > _ENOUGH else max(newline, 0)
        end = _NO_FIELD.search(block, self._from, known)
        if end is not None and (newline >= 0 or known):
            self._finish(block, end.start())
        elif known > self._settings.max_header_bytes:
            self._finish(block, known)
        else:
            self._from = newline + 1
            if block is piece:
                self._block += piece

    def close(self) -> None:
        """The content has ended."""
        if not self._done:
            self._finish(self._block, len(self._block))

    def _finish(self, block: bytes | bytearray, size: int) -> None:
        self._done = True
        limit = self._settings.max_header_bytes
        names = _FIELD.findall(bytes(block[: min(size, limit)]).lower())
        if size > limit or len(names) > self._settings.max_header_fields:
            self.refusal = ReplyName.HEADER_FLOOD
        elif names.count(b"received") >= self._settings.max_received:
            self.refusal = ReplyName.MAIL_LOOP
        missing = (b"message-id", "no-message-id"), (b"date", "no-date")
        self.findings = tuple(finding for name, finding in missing if name not in names)
        self._block = bytearray()
